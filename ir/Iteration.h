// Iteration.h - loops that carry values and stack what iterations give.
#pragma once
#include "ir/Bodies.h"

namespace burnish::nn {

/// A loop over iterations, whatever makes it end: what it carries, and what it
/// stacks.
class Iteration {
public:
  Iteration(mlir::Operation *op, mlir::Region &body, size_t carriedCount,
            Lowering &l)
      : op(op), body(body), carriedCount(carriedCount), l(l) {}

  /// The tensors to carry: first values, then stacks.
  llvm::SmallVector<mlir::Value>
  begin(mlir::ValueRange initial,
        llvm::ArrayRef<mlir::BlockArgument> arguments);

  /// The tensors to hand on after the body, whose arguments are mapped, has run
  /// as iteration `index`. `places` has the index of each stack.
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  run(mlir::ValueRange carried, llvm::ArrayRef<mlir::BlockArgument> arguments,
      size_t firstYield, llvm::ArrayRef<mlir::Value> places);

  using Body =
      llvm::function_ref<llvm::FailureOr<llvm::SmallVector<mlir::Value>>(
          mlir::Value index, mlir::ValueRange carried)>;
  using ConditionalBody =
      llvm::function_ref<llvm::FailureOr<llvm::SmallVector<mlir::Value>>(
          mlir::Value index, mlir::Value condition, mlir::ValueRange carried)>;

  /// Runs `body` for each index below `count`, and gives what is left.
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  count(llvm::ArrayRef<mlir::Value> initial, mlir::OpFoldResult count,
        Body body);

  /// Runs `body` as long as `condition`, which begins as `first` and is what
  /// `next` gives after the body, and `goesOn` hold.
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  repeat(llvm::ArrayRef<mlir::Value> initial, mlir::Value first,
         llvm::function_ref<mlir::Value(mlir::Value done)> goesOn,
         ConditionalBody body, llvm::function_ref<mlir::Value()> next);

  llvm::SmallVector<Stack> stacks;

private:
  llvm::SmallVector<mlir::Value> finish(mlir::ValueRange carried,
                                        mlir::Value done);

  mlir::Operation *op;
  mlir::Region &body;
  size_t carriedCount;
  Lowering &l;
  bool isChanging = false;
};

} // namespace burnish::nn
