// GroupRows.h - finds passes over the same rows.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// The passes over the rows that `first` reduces which may be one kernel: all
/// candidates that follow from it row by row, up to the last of which alone
/// something else is made. Empty when there are none but `first`.
llvm::SmallVector<mlir::linalg::GenericOp>
rowGroupFrom(mlir::linalg::GenericOp first,
             llvm::function_ref<bool(mlir::linalg::GenericOp)> isCandidate);

/// Calls `visit` with all users of a value, those of its reshapes in place of
/// these where only axes of length 1 come or go.
void forEachUser(mlir::Value value,
                 llvm::function_ref<void(mlir::Operation *)> visit);

/// The operations, but for the last, of which others than these use the
/// results.
llvm::SmallVector<mlir::linalg::GenericOp>
usedBeyond(llvm::ArrayRef<mlir::linalg::GenericOp> group);

} // namespace burnish
