// Quantization.td - floats to small numbers with a scale and a zero point, and back.
include "ir/Base.td"

def NN_QuantizeLinearOp : NN_PureOp<"quantize_linear", "QuantizeLinear", [NN_HasGradient]> {
  let summary = "round(x / y_scale) + y_zero_point, kept within the result's element type";
  let description = [{
    The scale is one number, one for each place along `axis`, or one for each block of `block_size` places along it. The
    result has the element type of the zero point, else `output_dtype`, else ui8. The quotient is taken in `precision`,
    else in the type of the scale.
  }];
  let arguments = (ins NN_NumberTensor:$x, NN_NumberTensor:$y_scale, Optional<NN_NumberTensor>:$y_zero_point,
                   DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$output_dtype, DefaultValuedAttr<I64Attr, "0">:$precision,
                   DefaultValuedAttr<I64Attr, "1">:$saturate);
  let results = (outs AnyTensor:$y);
}

def NN_DequantizeLinearOp : NN_PureOp<"dequantize_linear", "DequantizeLinear", [NN_HasGradient]> {
  let summary = "(x - x_zero_point) * x_scale, in `output_dtype` or the type of the scale";
  let arguments = (ins NN_NumberTensor:$x, NN_NumberTensor:$x_scale, Optional<NN_NumberTensor>:$x_zero_point,
                   DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$output_dtype);
  let results = (outs AnyTensor:$y);
}
