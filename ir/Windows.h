// Windows.h - windows that slide over the spatial axes of a tensor:
// convolutions and pools.
#pragma once
#include "ir/Lowering.h"

namespace burnish::nn {

/// Where the border of a tensor comes from (ONNX's `auto_pad`).
enum class AutoPad { NotSet, SameUpper, SameLower, Valid };

/// How a window slides along one spatial axis. Position o of the window covers
/// the elements o * stride + k * dilation of the axis with its border.
struct WindowAxis {
  Dim input, kernel;
  int64_t stride = 1, dilation = 1, padLow = 0, padHigh = 0;

  /// The elements from the first to the last that a window covers.
  Dim extent() const { return (kernel - 1) * dilation + 1; }
};

/// What an operator says of its windows: empty lists stand for defaults.
struct WindowAttributes {
  std::optional<llvm::ArrayRef<int64_t>> kernelShape, pads, strides, dilations;
  llvm::StringRef autoPad = "NOTSET";
  bool isCeil = false;
};
template <typename Op> WindowAttributes windowAttributesOf(Op op) {
  return {op.getKernelShape(), op.getPads(), op.getStrides(), op.getDilations(),
          op.getAutoPad()};
}

/// A window that slides over all spatial axes.
class Windows {
public:
  /// Checks the attributes of `op`; `input` and `kernel` are dims of the
  /// spatial axes.
  static llvm::FailureOr<Windows> get(mlir::Operation *op,
                                      const WindowAttributes &attributes,
                                      llvm::ArrayRef<Dim> input,
                                      llvm::ArrayRef<Dim> kernel);

  size_t rank() const { return axes.size(); }
  /// How many positions the window takes along each axis.
  Dims positions() const;

  /// The borders that let every window read inside its tensor, as sizes at the
  /// start and the end of each axis. Makes the run fail where a window is
  /// longer than an axis with its border.
  struct Borders {
    llvm::SmallVector<mlir::OpFoldResult> low, high;
  };
  Borders borders(Lowering &l) const;

  /// The index expressions o * stride + k * dilation, with o and k loops from
  /// `position` and `tap` on.
  llvm::SmallVector<mlir::AffineExpr>
  indices(mlir::MLIRContext *context, unsigned position, unsigned tap) const;

  llvm::SmallVector<WindowAxis> axes;
  AutoPad autoPad = AutoPad::NotSet;
  bool isCeil = false;

private:
  Dim position(const WindowAxis &axis) const;
};

/// ONNX's word for a border; a diagnostic on `op` when it is none.
llvm::FailureOr<AutoPad> autoPadOf(mlir::Operation *op, llvm::StringRef word);
/// A list attribute with one value (or `perAxis` values) for each of `rank`
/// spatial axes, in [least, 2^31); `otherwise` when it is absent or empty.
llvm::FailureOr<llvm::SmallVector<int64_t>>
axisValues(mlir::Operation *op, llvm::StringRef name,
           std::optional<llvm::ArrayRef<int64_t>> values, size_t rank,
           int64_t otherwise, int64_t least, size_t perAxis = 1);

/// The tensor type in which sums of products of `elementType` are kept: f32 for
/// shorter floats, i32 for short integers.
mlir::Type sumType(mlir::Type elementType);

/// The element type of a sum of products of `left` and `right`: of integers of
/// 8 bits i32, else that of `left`.
mlir::Type productType(mlir::Type left, mlir::Type right);

/// The sums of products of a convolution, in `sums`: x (n, channels,
/// spatial...) with w (m, channels / group, taps...).
mlir::Value convolve(Lowering &l, Lowering::Operand x, Lowering::Operand w,
                     const Windows &windows, int64_t group, mlir::Type sums);

/// `sums` (of element type `sumsType`) with a bias for each channel (axis 1),
/// which may be null, as `elementType`.
mlir::Value addChannelBias(Lowering &l, mlir::Value sums, mlir::Type sumsType,
                           mlir::Value bias, mlir::Type elementType);

} // namespace burnish::nn
