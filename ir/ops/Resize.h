// Resize.h - what the ways of bringing images to another size share.
#pragma once
#include "ir/Lowering.h"
#include "ir/Scalar.h"

namespace burnish::nn {
class ResizeOp;

/// One axis that changes. Coordinates are computed in f64. `length` is what a
/// scale makes of the size, a fraction perhaps, or the size that is asked for.
struct ResizedAxis {
  int64_t axis;
  mlir::OpFoldResult from, to;
  mlir::Value scale, length, roiStart, roiEnd;
};

/// Where place `at` of the result lies in the operand, in one of ONNX's modes
/// (coordinate_transformation_mode).
Scalar coordinate(mlir::ImplicitLocOpBuilder &b, llvm::StringRef mode,
                  const ResizedAxis &axis, mlir::Value at);
/// Whether a coordinate of tf_crop_and_resize lies outside the operand.
Scalar isOutside(mlir::ImplicitLocOpBuilder &b, const Scalar &x,
                 const ResizedAxis &axis);

/// One axis of `tensor` (of floats of type `type`) resized in mode linear or
/// cubic.
mlir::Value resizeAxis(ResizeOp op, Lowering &l, const ResizedAxis &axis,
                       mlir::Value tensor, mlir::Type type);

} // namespace burnish::nn
