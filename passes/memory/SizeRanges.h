// SizeRanges.h - what computed sizes can be, of what the dims of inputs can be.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/InferIntRangeInterface.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace burnish {

/// Least and most of each index and integer of a block without branches.
class SizeRanges {
public:
  using Dims = llvm::ArrayRef<std::pair<mlir::BlockArgument, int64_t>>;
  /// Dims within the bounds that the function's arguments name.
  static SizeRanges bounded(mlir::func::FuncOp function, Dims dims);
  /// Dims at one size each that stands for others: the greatest, or 64.
  static SizeRanges typical(mlir::func::FuncOp function, Dims dims);

  /// Goes through a block whose arguments are these dims.
  void run(mlir::Block &block);
  /// The most that a value can be; none when nothing bounds it.
  std::optional<int64_t> most(mlir::Value value) const;

private:
  llvm::SmallVector<mlir::ConstantIntRanges> arguments;
  llvm::DenseMap<mlir::Value, mlir::ConstantIntRanges> ranges;
};

} // namespace burnish
