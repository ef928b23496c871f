// Adjoints.h - reverse accumulation over the operators of a block.
#pragma once
#include "ir/Gradients.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace burnish {

/// Whether there are gradients by a value at all: those of floats.
bool isDifferentiable(mlir::Value value);

/// Layers that go through time are made of steps before they have a gradient.
mlir::LogicalResult expandLayers(mlir::func::FuncOp function,
                                 nn::ShapeScope &scope);

/// Copies all but the terminator of `from` to the end of `to`, with values
/// replaced by `mapping`, and works out the shapes; what the terminator yields,
/// mapped.
llvm::SmallVector<mlir::Value> copyBody(mlir::Block &from, mlir::Block &to,
                                        mlir::IRMapping &mapping,
                                        nn::ShapeScope &scope);

/// Operators that were built for gradients, each with the gradient that was
/// handed on when it was built.
using Backward = llvm::DenseMap<mlir::Operation *, mlir::Value>;

/// The gradients of one number by values of a block (A. Griewank, A. Walther,
/// "Evaluating Derivatives", 2008, section 3.2): operators are visited last to
/// first, and each hands the gradient by its results on to its operands.
class Adjoints {
public:
  /// `wanted` are values defined in the block or above it.
  Adjoints(mlir::Block &block, llvm::ArrayRef<mlir::Value> wanted,
           mlir::OpBuilder builder, nn::ShapeScope &scope);

  /// Begins with the gradient by a value of the block; null adds nothing.
  void seed(mlir::Value value, mlir::Value gradient) { add(value, gradient); }
  /// Visits all operators that are in the block now. Failure after a
  /// diagnostic, when something on the way has no gradient.
  mlir::LogicalResult run();
  /// The gradient by a value after the run; zeros where nothing depends on it.
  mlir::Value of(mlir::Value value);
  /// The same, null instead of zeros.
  mlir::Value find(mlir::Value value) const { return adjoints.lookup(value); }
  /// What the run built in the block.
  const Backward &backward() const { return built; }

private:
  /// A product with a matrix from above the block: the gradient by that is
  /// `left` transposed times `gradient`.
  struct Product {
    mlir::Value left, right, gradient;
  };

  bool isActive(mlir::Operation *op) const;
  /// Whether results are quantized values, which have a gradient of floats: of
  /// the operator that rounds, and of what moves such values.
  bool isQuantized(mlir::Operation *op) const;
  void add(mlir::Value value, mlir::Value gradient);
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult handOn(mlir::Operation *op,
                             llvm::ArrayRef<mlir::Value> dy);
  /// The operand of a product whose gradient is left to `products`; null where
  /// there is none.
  mlir::Value takenApart(mlir::Operation *op, mlir::Value dy);
  mlir::LogicalResult throughRule(mlir::Operation *op,
                                  llvm::ArrayRef<mlir::Value> dy);
  mlir::LogicalResult throughIf(mlir::Operation *op,
                                llvm::ArrayRef<mlir::Value> dy);
  mlir::LogicalResult throughIterations(mlir::Operation *op,
                                        llvm::ArrayRef<mlir::Value> dy);
  class BackwardScan;
  /// The active values above that the bodies of `op` use.
  llvm::SmallVector<mlir::Value> captured(mlir::Operation *op) const;

  mlir::Block &block;
  nn::ShapeScope &scope;
  /// What the loss may depend on through `wanted`, and of which it has a
  /// gradient.
  llvm::DenseSet<mlir::Value> active;
  nn::GradientBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> adjoints;
  Backward built;
  /// In a body that runs again and again: products whose gradient by a matrix
  /// from above is left to one product over all iterations.
  std::optional<llvm::SmallVector<Product>> products;
};

} // namespace burnish
