// Random.td - numbers from a generator that is a function of a seed and a place.
include "ir/Base.td"

class NN_RandomOp<string mnemonic, string onnxName, dag operands, dag own> : NN_PureOp<mnemonic, onnxName, [NN_HasGradient]> {
  let description = [{
    Every run gives the same numbers. `seed` is a float, as ONNX has it; operators without one differ by their location.
  }];
  let arguments = !con(operands, own, (ins OptionalAttr<F32Attr>:$seed));
  let results = (outs AnyTensor:$output);
}

def NN_RandomUniformOp : NN_RandomOp<"random_uniform", "RandomUniform", (ins),
    (ins DefaultValuedAttr<I64Attr, "1">:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$low, DefaultValuedAttr<F32Attr, "1.0">:$high, DenseI64ArrayAttr:$shape)> {
  let summary = "uniform numbers in [low, high)";
}
def NN_RandomUniformLikeOp : NN_RandomOp<"random_uniform_like", "RandomUniformLike", (ins AnyTensor:$input),
    (ins OptionalAttr<I64Attr>:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$low, DefaultValuedAttr<F32Attr, "1.0">:$high)> {
  let summary = "uniform numbers in [low, high), as many as the operand has";
}
def NN_RandomNormalOp : NN_RandomOp<"random_normal", "RandomNormal", (ins),
    (ins DefaultValuedAttr<I64Attr, "1">:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$mean, DefaultValuedAttr<F32Attr, "1.0">:$scale, DenseI64ArrayAttr:$shape)> {
  let summary = "normally distributed numbers";
}
def NN_RandomNormalLikeOp : NN_RandomOp<"random_normal_like", "RandomNormalLike", (ins AnyTensor:$input),
    (ins OptionalAttr<I64Attr>:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$mean, DefaultValuedAttr<F32Attr, "1.0">:$scale)> {
  let summary = "normally distributed numbers, as many as the operand has";
}
def NN_MultinomialOp : NN_RandomOp<"multinomial", "Multinomial", (ins AnyTensor:$input),
    (ins DefaultValuedAttr<I64Attr, "6">:$dtype, DefaultValuedAttr<I64Attr, "1">:$sample_size)> {
  let summary = "classes drawn by their logarithmic weights: (batch, classes) to (batch, samples)";
}

def NN_DrawOp : NN_PureOp<"draw", ""> {
  let summary = "uniform numbers in [0, 1), others for each key";
  let description = [{
    `key` is one i64 that the run brings: the same key gives the same numbers. Operators of one network differ by
    `stream`. The numbers are f32 of 24 random bits, as many as `shape` says.
  }];
  let arguments = (ins TensorOf<[I64]>:$key, I64Attr:$stream, DenseI64ArrayAttr:$shape);
  let results = (outs AnyTensor:$output);
}
