// Resize.td - images of another size.
include "ir/Base.td"

def NN_ResizeOp : NN_PureOp<"resize", "Resize", [NN_HasGradient, AttrSizedOperandSegments]> {
  let summary = "a tensor sampled at other places along `axes`, by `scales` or to `sizes`";
  let description = [{
    Attributes are ONNX's. `roi` counts with the coordinates of tf_crop_and_resize only, and has starts and then ends of
    `axes` (all axes without them).
  }];
  let arguments = (ins AnyTensor:$X, Optional<AnyTensor>:$roi, Optional<AnyTensor>:$scales, Optional<AnyTensor>:$sizes,
                   DefaultValuedAttr<I64Attr, "0">:$antialias, OptionalAttr<DenseI64ArrayAttr>:$axes,
                   DefaultValuedAttr<StrAttr, "\"half_pixel\"">:$coordinate_transformation_mode,
                   DefaultValuedAttr<F32Attr, "-0.75">:$cubic_coeff_a,
                   DefaultValuedAttr<I64Attr, "0">:$exclude_outside,
                   DefaultValuedAttr<F32Attr, "0.0">:$extrapolation_value,
                   DefaultValuedAttr<StrAttr, "\"stretch\"">:$keep_aspect_ratio_policy,
                   DefaultValuedAttr<StrAttr, "\"nearest\"">:$mode,
                   DefaultValuedAttr<StrAttr, "\"round_prefer_floor\"">:$nearest_mode);
  let results = (outs AnyTensor:$Y);
}
