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

} // namespace burnish
