// Indexing.h - indices that are data: where they point, and whether they may.
#pragma once
#include "ir/Lowering.h"
#include "ir/Scalar.h"

namespace burnish::nn {

/// Refuses indices that nobody can have meant, as those of a float.
llvm::LogicalResult checkIndexType(mlir::Operation *op, mlir::Value indices);

/// An index that counts from the end when it is negative, as one from the
/// start; within [0, size) whatever it was, if there is anything.
inline Scalar place(const Scalar &index, const Scalar &size) {
  Scalar at = index.toIndex();
  return clamp(select(at < 0, at + size, at), at.number(0), size - 1);
}

/// Refuses the run unless all `indices` lie in [-size, size), where that is not
/// known.
void requireInRange(Lowering &l, mlir::Value indices, mlir::OpFoldResult size);
/// The same where element k of each row of `indices` has a limit of its own.
void requireRowsInRange(Lowering &l, mlir::Value indices,
                        llvm::ArrayRef<mlir::OpFoldResult> limits);

/// The axis along which elements are named. Refuses indices of another rank
/// than the data's, or with more places along the axes where their own place
/// counts.
llvm::FailureOr<int64_t> elementAxis(mlir::Operation *op, mlir::Value data,
                                     mlir::Value indices, int64_t given,
                                     ShapeScope &scope);
/// The same at run time.
void requireFits(Lowering &l, mlir::Value data, mlir::Value indices,
                 int64_t axis);

/// How many axes a row of `indices` names, starting at axis `first` of the
/// data.
llvm::FailureOr<int64_t> rowLength(mlir::Operation *op, mlir::Value data,
                                   mlir::Value indices, int64_t first,
                                   ShapeScope &scope);

} // namespace burnish::nn
