// Bodies.h - what operators with bodies share: the dims of carried values, and
// stacking what iterations give.
#pragma once
#include "ir/Lowering.h"

namespace burnish::nn {

/// What is assumed of the dims of carried values: first that all keep the dims
/// they begin with. Dims that the body turns out to change are unknown.
class CarriedDims {
public:
  CarriedDims(HasBodies op, ShapeScope &scope);

  /// Gives the arguments of the bodies types and dims; a diagnostic when the
  /// bodies are not of the right form.
  llvm::LogicalResult declare();
  /// Compares with what the bodies give, if their shapes could be inferred at
  /// all. Whether something had to be given up, so that `declare` and inference
  /// must be repeated.
  llvm::FailureOr<bool> widen(bool isInferred);

private:
  HasBodies op;
  ShapeScope &scope;
  llvm::SmallVector<Dims> assumed;
};

/// The operands of the nn.yield of a body.
mlir::OperandRange yieldedBy(mlir::Region &body);

/// Adds the arguments that a body does not have yet, or checks their number.
llvm::LogicalResult ensureArguments(mlir::Operation *op, mlir::Region &body,
                                    unsigned count);

/// Checks that an operand is one boolean or integer of `width` bits.
llvm::LogicalResult checkOne(mlir::Operation *op, ShapeScope &scope,
                             mlir::Value operand, llvm::StringRef name,
                             unsigned width);

/// The value of a condition or count, if it is known when compiling.
std::optional<int64_t> knownOne(ShapeScope &scope, mlir::Value operand);

/// A lowered tensor as one of `type`, which differs in what is known of sizes.
mlir::Value castTo(Lowering &l, mlir::Type type, mlir::Value tensor);

/// What a lowered body yields.
llvm::SmallVector<mlir::Value> loweredYields(Lowering &l, mlir::Region &body);

/// Works out the shapes of all bodies of `op`.
llvm::LogicalResult inferBodies(HasBodies op, ShapeScope &scope);

/// The dims of a value of a body as they can be said outside: null where they
/// depend on what is computed inside.
Dims dimsOutside(mlir::Operation *op, mlir::Value inner, ShapeScope &scope);

class ScanOp;

/// The parts of a scan: how many values it carries and stacks, and along which
/// axes (those of inputs not negative) and in which directions it goes.
struct ScanForm {
  size_t carried, inputs, outputs;
  llvm::SmallVector<int64_t> inputAxes, inputDirections, outputAxes,
      outputDirections;
};
/// What the operands and attributes of a scan say; a diagnostic where they do
/// not go together.
llvm::FailureOr<ScanForm> scanFormOf(ScanOp op, ShapeScope &scope);

/// The one element of a lowered tensor of any rank.
mlir::Value onlyElement(Lowering &l, mlir::Value operand);

/// What iterations give, put along one axis of a tensor that is carried through
/// a loop. Its sizes are known before the loop, or it grows as the iterations
/// come.
class Stack {
public:
  /// `inner` is a value that the body of `op` yields; `count` the number of
  /// iterations, null when it is not known.
  Stack(mlir::Operation *op, mlir::Value inner, mlir::OpFoldResult count,
        int64_t axis, ShapeScope &scope);

  bool isGrowing() const { return grows; }
  /// The tensor to carry into the loop.
  mlir::Value begin(Lowering &l) const;
  /// The carried tensor with `element` (lowered) as element `index` of the
  /// axis.
  mlir::Value put(Lowering &l, mlir::Value carried, mlir::Value element,
                  mlir::Value index) const;
  /// The stacked tensor after `done` iterations.
  mlir::Value finish(Lowering &l, mlir::Value carried, mlir::Value done) const;

private:
  mlir::Value grown(Lowering &l, mlir::Value carried, mlir::Value element,
                    mlir::Value index) const;

  mlir::Type elementType;
  Dims dims;
  mlir::OpFoldResult count;
  int64_t axis;
  bool grows;
};

} // namespace burnish::nn
