// Convolution.h - what the convolutions share.
#pragma once
#include "ir/Windows.h"

namespace burnish::nn {

/// An image, weights and a bias, which may be null.
struct WindowOperands {
  mlir::Value x, w, b;
  int64_t group;
};
template <typename Op> WindowOperands windowOperandsOf(Op op) {
  return {op.getX(), op.getW(), op.getB(), static_cast<int64_t>(op.getGroup())};
}

/// The ranks, channels and element types that X, W and B must have. `inAxis` is
/// the axis of W that X's channels go with (whole, or divided by the group),
/// the other axis has the output channels.
llvm::LogicalResult checkChannels(mlir::Operation *op,
                                  const WindowOperands &operands,
                                  ShapeScope &scope, bool isTransposed);

inline Dims spatial(llvm::ArrayRef<Dim> dims) {
  return Dims(dims.drop_front(2));
}

template <typename Op>
llvm::FailureOr<Windows> windowsOf(Op op, ShapeScope &scope) {
  return Windows::get(op, windowAttributesOf(op),
                      spatial(scope.dims(op.getX())),
                      spatial(scope.dims(op.getW())));
}

/// Makes the run fail where the weights have another kernel than the windows.
void requireKernel(Lowering &l, const Windows &windows,
                   llvm::ArrayRef<Dim> weights);

/// The body of a sum of products of an image and weights.
inline auto addProduct(mlir::Type elementType, mlir::Type sums) {
  return [=](mlir::ImplicitLocOpBuilder &b, mlir::ValueRange args) {
    return sum(b, args[2],
               product(b, castScalar(b, args[0], elementType, sums),
                       castScalar(b, args[1], elementType, sums)));
  };
}

} // namespace burnish::nn
