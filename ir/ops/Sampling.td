// Sampling.td - images read and written at places that data or windows name.
include "ir/Base.td"

def NN_GridSampleOp : NN_PureOp<"grid_sample", "GridSample", [NN_HasGradient]> {
  let summary = "an image (of 1 to 3 dims) sampled at the places of `grid`, which are in [-1, 1], the last axis first";
  let description = "Modes are linear, nearest, cubic (2-D only); `padding_mode` is zeros, border or reflection.";
  let arguments = (ins AnyTensor:$X, AnyTensor:$grid, DefaultValuedAttr<I64Attr, "0">:$align_corners,
                   DefaultValuedAttr<StrAttr, "\"linear\"">:$mode, DefaultValuedAttr<StrAttr, "\"zeros\"">:$padding_mode);
  let results = (outs AnyTensor:$Y);
}

def NN_RoiAlignOp : NN_PureOp<"roi_align", "RoiAlign", [NN_HasGradient]> {
  let summary = "each region of interest of an image as a small image of means (or maxima) of interpolated samples";
  let arguments = (ins AnyTensor:$X, AnyTensor:$rois, AnyTensor:$batch_indices,
                   DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
                   DefaultValuedAttr<StrAttr, "\"avg\"">:$mode, DefaultValuedAttr<I64Attr, "1">:$output_height,
                   DefaultValuedAttr<I64Attr, "1">:$output_width, DefaultValuedAttr<I64Attr, "0">:$sampling_ratio,
                   DefaultValuedAttr<F32Attr, "1.0">:$spatial_scale);
  let results = (outs AnyTensor:$Y);
}

def NN_MaxRoiPoolOp : NN_PureOp<"max_roi_pool", "MaxRoiPool", [NN_HasGradient]> {
  let summary = "each region of interest of an image as a small image of maxima";
  let arguments = (ins AnyTensor:$X, AnyTensor:$rois, DenseI64ArrayAttr:$pooled_shape,
                   DefaultValuedAttr<F32Attr, "1.0">:$spatial_scale);
  let results = (outs AnyTensor:$Y);
}

def NN_MaxUnpoolOp : NN_PureOp<"max_unpool", "MaxUnpool", [NN_HasGradient]> {
  let summary = "zeros, but each element of X at the place `I` that max_pool found it at";
  let arguments = (ins AnyTensor:$X, AnyTensor:$I, Optional<AnyTensor>:$output_shape, DenseI64ArrayAttr:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs AnyTensor:$output);
}

def NN_Col2ImOp : NN_PureOp<"col2im", "Col2Im", [NN_HasGradient]> {
  let summary = "an image of sums of the blocks that the columns of a matrix are";
  let arguments = (ins AnyTensor:$input, AnyTensor:$image_shape, AnyTensor:$block_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$dilations, OptionalAttr<DenseI64ArrayAttr>:$pads,
                   OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs AnyTensor:$output);
}
