// Reduction.h - combining the elements of tensors along axes.
#pragma once
#include "ir/Lowering.h"

namespace burnish::nn {

/// What becomes of two elements of an nn type.
using Combine = mlir::Value (*)(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                                mlir::Value left, mlir::Value right);
inline mlir::Value combineSum(mlir::ImplicitLocOpBuilder &b, mlir::Type,
                              mlir::Value left, mlir::Value right) {
  return sum(b, left, right);
}
inline mlir::Value combineProduct(mlir::ImplicitLocOpBuilder &b, mlir::Type,
                                  mlir::Value left, mlir::Value right) {
  return product(b, left, right);
}

/// The nn type that elements are combined in: long sums of small floats are
/// taken in f32.
inline mlir::Type sumType(mlir::Type elementType) {
  return llvm::isa<mlir::FloatType>(elementType) ? wideType(elementType)
                                                 : elementType;
}

/// `tensor` combined along `axes`, which go away, in `resultType`.
mlir::Value reduceAlong(Lowering &l, mlir::Value tensor, mlir::Type elementType,
                        mlir::Type resultType, llvm::ArrayRef<int64_t> axes,
                        mlir::Value initial, Combine combine);

} // namespace burnish::nn
