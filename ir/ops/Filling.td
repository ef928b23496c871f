// Filling.td - tensors whose elements follow from their places.
include "ir/Base.td"

def NN_ConstantOfShapeOp : NN_PureOp<"constant_of_shape", "ConstantOfShape"> {
  let summary = "a tensor of shape `input` full of `value`, or of 0 in f32";
  let arguments = (ins AnyTensor:$input, OptionalAttr<ElementsAttr>:$value);
  let results = (outs AnyTensor:$output);
}

def NN_RangeOp : NN_PureOp<"range", "Range", [NN_HasGradient]> {
  let summary = "start, start + delta, ... before limit";
  let description = "`stash_type` is the precision (f32 or that of the operands) in which 16-bit floats are computed.";
  let arguments = (ins AnyTensor:$start, AnyTensor:$limit, AnyTensor:$delta, DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs AnyTensor:$output);
}

def NN_OneHotOp : NN_PureOp<"one_hot", "OneHot", [NN_HasGradient]> {
  let summary = "`values[1]` where the place along `axis` is the index, `values[0]` elsewhere";
  let arguments = (ins AnyTensor:$indices, AnyTensor:$depth, AnyTensor:$values, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs AnyTensor:$output);
}

def NN_TriluOp : NN_PureOp<"trilu", "Trilu", [NN_HasGradient]> {
  let summary = "zero below the k-th diagonal of each matrix, or above it when not `upper`";
  let arguments = (ins AnyTensor:$input, Optional<AnyTensor>:$k, DefaultValuedAttr<I64Attr, "1">:$upper);
  let results = (outs AnyTensor:$output);
}
