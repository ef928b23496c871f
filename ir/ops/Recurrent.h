// Recurrent.h - what LSTM, GRU and RNN share: their sizes, operands and
// activations.
#pragma once
#include "ir/Activations.h"
#include "ir/Ops.h"
#include "ir/Shapes.h"

namespace burnish::nn {

/// How many gates and states a layer has (the hidden state, and the cell of an
/// LSTM), and the activations of one direction where none are given.
template <typename Op> struct RecurrentTraits;
template <> struct RecurrentTraits<LstmOp> {
  static constexpr int64_t kGates = 4, kStates = 2;
  static llvm::SmallVector<llvm::StringRef> activations() {
    return {"Sigmoid", "Tanh", "Tanh"};
  }
};
template <> struct RecurrentTraits<GruOp> {
  static constexpr int64_t kGates = 3, kStates = 1;
  static llvm::SmallVector<llvm::StringRef> activations() {
    return {"Sigmoid", "Tanh"};
  }
};
template <> struct RecurrentTraits<RnnOp> {
  static constexpr int64_t kGates = 1, kStates = 1;
  static llvm::SmallVector<llvm::StringRef> activations() { return {"Tanh"}; }
};

/// The sizes of a layer.
struct RecurrentLayer {
  int64_t directions = 1;
  bool batchFirst = false;
  Dim steps, batch, features, hidden;

  Dims stateDims() const {
    Dim count = mlir::getAffineConstantExpr(directions, steps.getContext());
    return batchFirst ? Dims{batch, count, hidden} : Dims{count, batch, hidden};
  }
  Dims outputDims() const {
    Dim count = mlir::getAffineConstantExpr(directions, steps.getContext());
    return batchFirst ? Dims{batch, steps, count, hidden}
                      : Dims{steps, count, batch, hidden};
  }
  int64_t directionAxis() const { return batchFirst ? 1 : 0; }
};

/// What the operands and attributes of a layer say; a diagnostic where they do
/// not go together. These are there for the three operators.
template <typename Op>
llvm::FailureOr<RecurrentLayer> recurrentLayer(Op op, ShapeScope &scope);

/// A name for each optional operand, its value and the dims it must have.
template <typename Op>
llvm::SmallVector<std::tuple<llvm::StringRef, mlir::Value, Dims>>
recurrentOperands(Op op, const RecurrentLayer &layer);

/// The activations of all directions, in order.
template <typename Op>
llvm::FailureOr<llvm::SmallVector<Activation>>
recurrentActivations(Op op, int64_t directions);

} // namespace burnish::nn
