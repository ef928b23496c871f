// Reduction.td - sums, extremes and running sums along axes.
include "ir/Base.td"

class NN_ReduceOp<string mnemonic, string onnxName, string meaning> : NN_PureOp<mnemonic, onnxName, [NN_HasGradient]> {
  let summary = meaning;
  let description = [{
    Along `axes`; along all without them, unless `noop_with_empty_axes`. `keepdims` leaves dims of 1.
  }];
  let arguments = (ins NN_NumberTensor:$data, Optional<NN_IntegerTensor>:$axes, DefaultValuedAttr<I64Attr, "1">:$keepdims,
                   DefaultValuedAttr<I64Attr, "0">:$noop_with_empty_axes);
  let results = (outs AnyTensor:$reduced);
}

def NN_ReduceSumOp : NN_ReduceOp<"reduce_sum", "ReduceSum", "sums; 0 of nothing">;
def NN_ReduceMaxOp : NN_ReduceOp<"reduce_max", "ReduceMax", "greatest elements; NaN if any is, the least there is of nothing">;
def NN_ReduceMinOp : NN_ReduceOp<"reduce_min", "ReduceMin", "least elements; NaN if any is, the greatest there is of nothing">;
def NN_ReduceProdOp : NN_ReduceOp<"reduce_prod", "ReduceProd", "products; 1 of nothing">;
def NN_ReduceMeanOp : NN_ReduceOp<"reduce_mean", "ReduceMean", "means; NaN of nothing">;

//===- Positions ----------------------------------------------------------===//

class NN_ArgOp<string mnemonic, string onnxName, string meaning> : NN_PureOp<mnemonic, onnxName> {
  let summary = meaning;
  let description = "Of several, the first, or the last with `select_last_index`. NaN counts as greatest and as least.";
  let arguments = (ins NN_NumberTensor:$data, DefaultValuedAttr<I64Attr, "0">:$axis, DefaultValuedAttr<I64Attr, "1">:$keepdims,
                   DefaultValuedAttr<I64Attr, "0">:$select_last_index);
  let results = (outs AnyTensor:$reduced);
}

def NN_ArgMaxOp : NN_ArgOp<"argmax", "ArgMax", "where along an axis the greatest element is">;
def NN_ArgMinOp : NN_ArgOp<"argmin", "ArgMin", "where along an axis the least element is">;

def NN_TopKOp : NN_PureOp<"topk", "TopK", [NN_HasGradient]> {
  let summary = "the K greatest or least elements along an axis, in order, and where they are";
  let description = "Of equal elements the one with the lower index comes first. NaN counts as greatest.";
  let arguments = (ins NN_NumberTensor:$X, NN_IntegerTensor:$K, DefaultValuedAttr<I64Attr, "-1">:$axis,
                   DefaultValuedAttr<I64Attr, "1">:$largest, DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs AnyTensor:$Values, AnyTensor:$Indices);
}

//===- Running sums -------------------------------------------------------===//

class NN_CumulativeOp<string mnemonic, string onnxName, string meaning> : NN_PureOp<mnemonic, onnxName, [NN_HasGradient]> {
  let summary = meaning;
  let description = "With `exclusive`, of the elements before each; with `reverse`, counted from the end.";
  let arguments = (ins NN_NumberTensor:$x, NN_IntegerTensor:$axis, DefaultValuedAttr<I64Attr, "0">:$exclusive,
                   DefaultValuedAttr<I64Attr, "0">:$reverse);
  let results = (outs AnyTensor:$y);
}

def NN_CumSumOp : NN_CumulativeOp<"cumsum", "CumSum", "sums of all elements along an axis up to each">;
def NN_CumProdOp : NN_CumulativeOp<"cumprod", "CumProd", "products of all elements along an axis up to each">;

//===- Softmax ------------------------------------------------------------===//

def NN_SoftmaxOp : NN_PureOp<"softmax", "Softmax", [NN_HasGradient]> {
  let summary = "exp(x - max) / sum(exp(x - max)) along an axis";
  let arguments = (ins NN_FloatTensor:$input, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs AnyTensor:$output);
}

def NN_LogSoftmaxOp : NN_PureOp<"log_softmax", "LogSoftmax", [NN_HasGradient]> {
  let summary = "x - max - log(sum(exp(x - max))) along an axis";
  let arguments = (ins NN_FloatTensor:$input, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs AnyTensor:$output);
}
