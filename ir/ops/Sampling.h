// Sampling.h - what operators share that read images at places between
// elements.
#pragma once
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

} // namespace burnish::nn
