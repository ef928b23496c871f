// Layouts.h - values whose elements lie in another order than they are written.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace burnish {

/// A value's elements in another order: axis i of the tensor is axis order[i]
/// of the value.
struct Placed {
  mlir::Value tensor;
  llvm::SmallVector<int64_t> order;
};

/// Where values lie while a pass goes through a function, and copies of them in
/// other orders, each made once.
class Layouts {
public:
  explicit Layouts(mlir::IRRewriter &b) : b(b) {}

  /// The operation that is visited: copies are made before it, or where a value
  /// is made.
  void visit(mlir::Operation *op) { visited = op; }

  /// Has the result of an operation lie in a tensor; the operation is no longer
  /// needed.
  void place(mlir::Operation *op, mlir::Value tensor,
             llvm::ArrayRef<int64_t> order);
  /// The tensor in which a value lies, when that is not the value itself.
  const Placed *placeOf(mlir::Value value) const;
  /// The value with its axes in the given order.
  mlir::Value in(mlir::Value value, llvm::ArrayRef<int64_t> order);
  /// What a result is written into, in the given order.
  mlir::Value initIn(mlir::Value init, llvm::ArrayRef<int64_t> order);
  /// Gives those that still use a value that lies elsewhere a copy as it was
  /// written, and takes away what `place` replaced.
  void finish();

private:
  void goTo(mlir::Value tensor);
  mlir::Value moveAxes(mlir::Value tensor, llvm::ArrayRef<int64_t> order);
  mlir::Value moveUnits(mlir::Value tensor, mlir::RankedTensorType target,
                        llvm::ArrayRef<int64_t> order);

  mlir::IRRewriter &b;
  mlir::Operation *visited = nullptr;
  llvm::DenseMap<mlir::Value, Placed> placed;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Placed, 1>> copies;
  llvm::SmallVector<mlir::Operation *> replaced;
};

} // namespace burnish
