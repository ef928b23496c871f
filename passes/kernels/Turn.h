// Turn.h - copies in another order of axes, where elements side by side come to
// lie apart.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The axis of a transpose's result that lies innermost in its source.
int64_t turnedAxis(mlir::linalg::TransposeOp transpose);

/// Turns a square of `width` rows in registers: row r of what is read, `across`
/// elements behind the row before it, becomes column r of what is written,
/// whose rows are `down` elements apart. Offsets are in elements, of which
/// `together` stay side by side as one.
void turnSquare(mlir::ImplicitLocOpBuilder &b, mlir::Type element,
                int64_t width, mlir::Value from, mlir::Value readAt,
                mlir::OpFoldResult across, mlir::Value to, mlir::Value writeAt,
                mlir::OpFoldResult down, int64_t together = 1);

/// Fills the present function, which does a kernel of one transpose; a task is
/// as many rows of the result as the schedule has.
void makeTurn(mlir::ImplicitLocOpBuilder &b, nn::KernelOp kernel,
              llvm::ArrayRef<mlir::Value> data, llvm::ArrayRef<Layout> layouts,
              mlir::Value begin, mlir::Value end);
/// A function of the module that transposes buffers whose sizes only the run
/// knows, in squares of `width` rows; what is left at the ends by elements.
mlir::func::FuncOp makeOpenTurn(mlir::ModuleOp module,
                                mlir::linalg::TransposeOp transpose,
                                int64_t width);
int64_t tasksOfTurn(nn::KernelOp kernel);
std::string nameOfTurn(nn::KernelOp kernel);

} // namespace burnish
