// Structure.td - constants, and what holds a network together.
include "ir/Base.td"

def NN_ConstantOp : NN_PureOp<"constant", "", [ConstantLike]> {
  let summary = "a tensor known when compiling";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyTensor:$result);
  let hasFolder = 1;
}

def NN_IdentityOp : NN_PureOp<"identity", "Identity", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "its operand";
  let arguments = (ins AnyTensor:$input);
  let results = (outs AnyTensor:$output);
  let hasFolder = 1;
}

def NN_ShapeOp : NN_PureOp<"shape", "Shape", [NN_TakesStrings]> {
  let summary = "the dims of a tensor from axis `start` to before `end`, as i64";
  let arguments = (ins AnyTensor:$data, DefaultValuedAttr<I64Attr, "0">:$start, OptionalAttr<I64Attr>:$end);
  let results = (outs AnyTensor:$shape);
}

def NN_BarrierOp : NN_PureOp<"barrier", "", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "its operand `input`, for what shall not be computed before `after` is there";
  let description = [{
    What is computed again for a gradient reads its operands through barriers: it is no copy of what was computed before,
    and follows the gradient that it is needed with. On storage types it stays until tensors are buffers, whose order is
    that of the operators.
  }];
  let arguments = (ins AnyTensor:$input, AnyTensor:$after);
  let results = (outs AnyTensor:$output);
}

def NN_GradientAtOp : NN_PureOp<"gradient_at", "", [AttrSizedOperandSegments]> {
  let summary = "the gradients of a tensor's sum by the first of `variables`, at `values` of these";
  let description = [{
    There is a value for each variable, often the variable itself. The first variables, as many as there are results, are
    those that gradients are taken by. ONNX has this operator in ai.onnx.preview.training; nn-take-gradients puts the
    gradients in its place.
  }];
  let arguments = (ins AnyTensor:$y, Variadic<AnyTensor>:$variables, Variadic<AnyTensor>:$values);
  let results = (outs Variadic<AnyTensor>:$gradients);
}
