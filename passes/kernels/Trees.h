// Trees.h - walks through decision trees.
#pragma once
#include "ir/Ops.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The ensemble of a kernel whose schedule is `trees`.
nn::TreeEnsembleOp ensembleOf(nn::KernelOp kernel);

/// Fills the present function, which takes rows through trees: see
/// nn.tree_ensemble. A task is as many rows as the schedule says.
void makeTrees(mlir::ImplicitLocOpBuilder &b, nn::KernelOp kernel,
               llvm::ArrayRef<mlir::Value> data, llvm::ArrayRef<Layout> layouts,
               llvm::ArrayRef<mlir::OpFoldResult> rowsAndTrees,
               mlir::Value begin, mlir::Value end);
/// How many tasks there are for so many rows.
mlir::OpFoldResult tasksOfTrees(mlir::ImplicitLocOpBuilder &b,
                                nn::KernelOp kernel, mlir::OpFoldResult rows);

} // namespace burnish
