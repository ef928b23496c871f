// GroupAttention.h - finds two products with passes over rows between them.
#pragma once
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// A product, the passes over the rows of its result, and the product that
/// sums up what these make of it. Nothing else needs what lies between, but for
/// whole rows that a pass makes, which a kernel in place of the last operation
/// can give as well: weights that a gradient asks for. Empty when `first` is no
/// such product.
llvm::SmallVector<mlir::linalg::GenericOp> attentionGroupFrom(
    mlir::linalg::GenericOp first,
    llvm::function_ref<bool(mlir::linalg::GenericOp)> isCandidate);

/// Has a kernel of attention read its operands, and write its result, where
/// these lie before and after changes of the order of axes.
void readThroughTransposes(nn::KernelOp kernel);

} // namespace burnish
