// Sampling.h - what operators share that read images at places between
// elements.
#pragma once
#include "ir/Lowering.h"
#include "ir/Scalar.h"

namespace burnish::nn {

/// `x` held within [low, high]; NaN is `low`, so that it can become an index.
inline Scalar bounded(const Scalar &x, const Scalar &low, const Scalar &high) {
  return select(x >= low, select(x <= high, x, high), low);
}

/// The type in which samples are weighed.
inline mlir::Type sampleType(mlir::OpBuilder &builder, mlir::Type elementType) {
  return elementType.isF64() ? mlir::Type(builder.getF64Type())
                             : builder.getF32Type();
}

/// Images (n, channels, ...) read as (n, ..., channels) where there are several
/// channels: what is found of a place is found once for all of them, and they
/// are taken side by side.
class ChannelsLast {
public:
  ChannelsLast(Lowering &l, mlir::Value images, Dim channels);

  mlir::Value images;
  /// The axis of the channels among `rank`.
  int64_t channelAxis(int64_t rank) const { return isLast ? rank - 1 : 1; }
  /// Sizes or indices (n, channels, ...) in the order of the images.
  template <typename T>
  llvm::SmallVector<T> order(llvm::ArrayRef<T> all) const {
    llvm::SmallVector<T> ordered(all);
    if (isLast)
      std::rotate(ordered.begin() + 1, ordered.begin() + 2, ordered.end());
    return ordered;
  }
  /// The loops' indices or sizes (n, channels, ...), from those in that order.
  template <typename T>
  llvm::SmallVector<T> restore(llvm::ArrayRef<T> all) const {
    llvm::SmallVector<T> restored(all);
    if (isLast)
      std::rotate(restored.begin() + 1, restored.end() - 1, restored.end());
    return restored;
  }
  /// A result in that order as (n, channels, ...).
  mlir::Value restored(Lowering &l, mlir::Value result) const;

private:
  bool isLast;
};

} // namespace burnish::nn
