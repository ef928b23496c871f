// Interfaces.h - what the passes may ask of an operator.
#pragma once
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TypeUtilities.h"

namespace burnish::nn {
class GradientBuilder;
class Lowering;
class ShapeScope;
class Windows;

/// A value that iterations hand on: an argument of a body, its first value, and
/// which result of the body is its next.
struct Carried {
  mlir::BlockArgument argument;
  mlir::Value initial;
  unsigned yielded;
};

/// Checks that the result types of `op` agree with its shape rule.
llvm::LogicalResult verifyShapes(mlir::Operation *op);

/// A trait of operators that take strings: they move them, or know how to treat
/// them. All others are refused tensors of strings.
template <typename Op>
class TakesStrings : public mlir::OpTrait::TraitBase<Op, TakesStrings> {};

/// The shape rule and the lowering that all Elementwise operators share.
llvm::LogicalResult inferElementwise(mlir::Operation *op, ShapeScope &scope);
llvm::FailureOr<llvm::SmallVector<mlir::Value>>
lowerElementwise(mlir::Operation *op, Lowering &lowering);
} // namespace burnish::nn

#include "ir/Interfaces.h.inc"
