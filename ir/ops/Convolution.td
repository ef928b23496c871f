// Convolution.td - sums of products over windows.
include "ir/Base.td"

class NN_WindowOp<string mnemonic, string onnxName, dag operands, dag own>
    : NN_PureOp<mnemonic, onnxName, [NN_HasGradient]> {
  let arguments = !con(operands, own, (ins
    DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, OptionalAttr<DenseI64ArrayAttr>:$dilations,
    DefaultValuedAttr<I64Attr, "1">:$group, OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
    OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides));
  let results = (outs AnyTensor:$Y);
  let moreDeclarations = "::llvm::FailureOr<::burnish::nn::Windows> windows(::burnish::nn::ShapeScope &scope);";
}

def NN_ConvOp : NN_WindowOp<"conv", "Conv", (ins AnyTensor:$X, AnyTensor:$W, Optional<AnyTensor>:$B), (ins)> {
  let summary = "convolution over any number of spatial axes";
  let description = [{
    X is (N, C, spatial...), W (M, C / group, taps...), B (M). Sums of 16-bit floats are kept in f32. Integers, which ONNX
    has in other operators only, are summed as they are; those of 8 bits, which may differ in sign, give i32.
  }];
}

def NN_ConvTransposeOp : NN_WindowOp<"conv_transpose", "ConvTranspose", (ins AnyTensor:$X, AnyTensor:$W, Optional<AnyTensor>:$B),
    (ins OptionalAttr<DenseI64ArrayAttr>:$output_padding, OptionalAttr<DenseI64ArrayAttr>:$output_shape)> {
  let summary = "what a convolution is the gradient of: every element spreads over a window";
  let description = [{
    X is (N, C, spatial...), W (C, M / group, taps...), B (M). With `output_shape` the borders follow from it.
  }];
}

def NN_DeformConvOp : NN_PureOp<"deform_conv", "DeformConv", [NN_HasGradient, AttrSizedOperandSegments]> {
  let summary = "convolution whose taps are moved by offsets, and weighed by a mask";
  let description = [{
    `offset` is (N, offset_group * taps * spatial axes, positions...), `mask` (N, offset_group * taps, positions...).
    Between elements it interpolates linearly; outside there are zeros.
  }];
  let arguments = (ins AnyTensor:$X, AnyTensor:$W, AnyTensor:$offset, Optional<AnyTensor>:$B, Optional<AnyTensor>:$mask,
    OptionalAttr<DenseI64ArrayAttr>:$dilations, DefaultValuedAttr<I64Attr, "1">:$group,
    OptionalAttr<DenseI64ArrayAttr>:$kernel_shape, DefaultValuedAttr<I64Attr, "1">:$offset_group,
    OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs AnyTensor:$Y);
  let moreDeclarations = "::llvm::FailureOr<::burnish::nn::Windows> windows(::burnish::nn::ShapeScope &scope);";
}
