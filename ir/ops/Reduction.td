// Reduction.td - sums, extremes and norms along axes.
include "ir/Base.td"

class NN_ReduceOp<string mnemonic, string onnxName, string meaning> : NN_PureOp<mnemonic, onnxName> {
  let summary = meaning;
  let description = [{
    Along `axes`; along all without them, unless `noop_with_empty_axes`. `keepdims` leaves dims of 1.
  }];
  let arguments = (ins AnyTensor:$data, Optional<AnyTensor>:$axes, DefaultValuedAttr<I64Attr, "1">:$keepdims,
                   DefaultValuedAttr<I64Attr, "0">:$noop_with_empty_axes);
  let results = (outs AnyTensor:$reduced);
}

def NN_ReduceSumOp : NN_ReduceOp<"reduce_sum", "ReduceSum", "sums">;
def NN_ReduceMaxOp : NN_ReduceOp<"reduce_max", "ReduceMax", "greatest elements">;
def NN_ReduceMinOp : NN_ReduceOp<"reduce_min", "ReduceMin", "least elements">;
def NN_ReduceProdOp : NN_ReduceOp<"reduce_prod", "ReduceProd", "products">;
def NN_ReduceMeanOp : NN_ReduceOp<"reduce_mean", "ReduceMean", "means">;

def NN_SoftmaxOp : NN_PureOp<"softmax", "Softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along an axis";
  let arguments = (ins AnyTensor:$input, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs AnyTensor:$output);
}
