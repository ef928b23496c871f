// Indexing.cpp - gradients of lookups and of their counterparts.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

// Whole slices are added to zeros at the axis, which comes first for that.
SmallVector<Value> GatherOp::differentiate(GradientBuilder &b, ValueRange dy) {
  int64_t rank = b.rank(getData()), indexRank = b.rank(getIndices()),
          axis = b.positiveAxis(getAxis(), getData());
  SmallVector<int64_t> forward{axis}, toFront;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      forward.push_back(i);
  for (int64_t i = 0; i < indexRank; ++i)
    toFront.push_back(axis + i);
  for (int64_t i = 0; i < rank - 1 + indexRank; ++i)
    if (i < axis || i >= axis + indexRank)
      toFront.push_back(i);
  Value zeros = b.zerosLike(getData()), updates = dy[0];
  if (axis != 0) {
    zeros = b.transpose(zeros, forward);
    updates = b.transpose(updates, toFront);
  }
  Value sums = b.make<ScatterNDOp>(
      zeros, b.unsqueeze(getIndices(), {indexRank}), updates, "add");
  if (axis != 0)
    sums = b.transpose(sums, invertPermutationVector(forward));
  return {sums};
}

SmallVector<Value> GatherElementsOp::differentiate(GradientBuilder &b,
                                                   ValueRange dy) {
  return {b.make<ScatterElementsOp>(b.zerosLike(getData()), getIndices(), dy[0],
                                    getAxis(), "add")};
}

SmallVector<Value> GatherNDOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  if (getBatchDims() == 0)
    return {b.make<ScatterNDOp>(b.zerosLike(getData()), getIndices(), dy[0],
                                "add")};
  Value places =
      b.make<GatherNDOp>(b.positions(getData()), getIndices(), getBatchDims());
  return {b.addAt(getData(), places, dy[0])};
}

/// What is added stays and arrives; what is replaced gets nothing. Of two
/// updates of one place without a reduction only the later one counts, which
/// this does not see.
template <typename Op>
static SmallVector<Value>
throughScatter(GradientBuilder &b, Op op, Value dy,
               llvm::function_ref<Value()> gather,
               llvm::function_ref<Value(Value zeros)> scatter) {
  SmallVector<Value> gradients(3);
  if (op.getReduction() == "add") {
    gradients[0] = dy;
  } else if (op.getReduction() == "none") {
    if (b.wants(op.getData()))
      gradients[0] = scatter(b.zerosLike(op.getUpdates()));
  } else {
    b.refuse("its reduction is \"" + op.getReduction() + "\"", dy);
    return gradients;
  }
  if (b.wants(op.getUpdates()))
    gradients[2] = gather();
  return gradients;
}

SmallVector<Value> ScatterElementsOp::differentiate(GradientBuilder &b,
                                                    ValueRange dy) {
  return throughScatter(
      b, *this, dy[0],
      [&] { return b.make<GatherElementsOp>(dy[0], getIndices(), getAxis()); },
      [&](Value zeros) {
        return b.make<ScatterElementsOp>(dy[0], getIndices(), zeros, getAxis(),
                                         "none");
      });
}

SmallVector<Value> ScatterNDOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  return throughScatter(
      b, *this, dy[0],
      [&] { return b.make<GatherNDOp>(dy[0], getIndices(), /*batch_dims=*/0); },
      [&](Value zeros) {
        return b.make<ScatterNDOp>(dy[0], getIndices(), zeros, "none");
      });
}
