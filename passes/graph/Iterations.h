// Iterations.h - loops and scans, as gradients go through them.
#pragma once
#include "ir/Bodies.h"
#include "ir/Ops.h"

namespace burnish {

/// A scan whose body is still to be written: operands and results in the order
/// in which the operator has them.
struct NewScan {
  llvm::SmallVector<mlir::Value> carried, scanned;
  llvm::SmallVector<int64_t> inputAxes, inputDirections, outputAxes,
      outputDirections;

  nn::ScanOp build(mlir::OpBuilder &b, mlir::Location loc,
                   size_t results) const;
};

/// What a loop or a scan does, said alike.
struct Iterations {
  Iterations(nn::ScanOp scan, const nn::ScanForm &form);
  explicit Iterations(nn::LoopOp loop);

  /// Puts an operator in the place of this one that also stacks the states that
  /// iterations begin with, what is kept of them, and the number of each for a
  /// loop.
  void stackStates(nn::ShapeScope &scope);

  /// Something that iterations read or give a part of, and the part.
  struct Part {
    mlir::Value all, one;
    int64_t axis = 0, direction = 0;
  };
  mlir::Operation *op;
  mlir::Block *body;
  /// The states: their first values, what the body calls them, and which of its
  /// results they become.
  llvm::SmallVector<mlir::Value> initial, states;
  unsigned firstState;
  llvm::SmallVector<Part> scanned, outputs;
  /// Results in the body that take longer to compute than to read again.
  llvm::SmallVector<mlir::Value> kept;
  /// What stackStates adds: the states, and the numbers of iterations.
  llvm::SmallVector<Part> stacked;

private:
  void findKept();
  void addResults(nn::ShapeScope &scope, llvm::ArrayRef<mlir::Value> values,
                  llvm::function_ref<mlir::Operation *(size_t results)> build);
};

} // namespace burnish
