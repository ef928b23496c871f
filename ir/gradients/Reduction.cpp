// Reduction.cpp - gradients of sums, extremes, orders and softmax.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The axes of a reduction, not negative and in order; none after `refuse`.
template <typename Op>
static std::optional<SmallVector<int64_t>> axesOf(GradientBuilder &b, Op op) {
  SmallVector<int64_t> axes;
  if (Value operand = op.getAxes()) {
    std::optional<SmallVector<int64_t>> known = b.scope.integers(operand);
    if (!known) {
      b.refuse("its axes are known only at run time", op.getData());
      return std::nullopt;
    }
    for (int64_t axis : *known)
      axes.push_back(b.positiveAxis(axis, op.getData()));
  }
  if (axes.empty() && !op.getNoopWithEmptyAxes())
    axes = b.allAxes(op.getData());
  llvm::sort(axes);
  return axes;
}

/// A value of the reduction's result with dims of 1 where it has none.
template <typename Op>
static Value withDims(GradientBuilder &b, Op op, Value value,
                      ArrayRef<int64_t> axes) {
  return op.getKeepdims() || axes.empty() ? value : b.unsqueeze(value, axes);
}

SmallVector<Value> ReduceSumOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  std::optional<SmallVector<int64_t>> axes = axesOf(b, *this);
  if (!axes)
    return {};
  return {b.expandAs(withDims(b, *this, dy[0], *axes), getData())};
}

SmallVector<Value> ReduceMeanOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  std::optional<SmallVector<int64_t>> axes = axesOf(b, *this);
  if (!axes)
    return {};
  Value share = b.div(dy[0], b.count(getData(), *axes, dy[0]));
  return {b.expandAs(withDims(b, *this, share, *axes), getData())};
}

/// Of several greatest elements each gets the same part.
template <typename Op>
static SmallVector<Value> toExtremes(GradientBuilder &b, Op op, Value dy) {
  std::optional<SmallVector<int64_t>> axes = axesOf(b, op);
  if (!axes)
    return {};
  Value extreme = withDims(b, op, op.getReduced(), *axes),
        is = b.indicator(b.equal(op.getData(), extreme), dy),
        count = b.reduceSum(is, *axes, /*keepsDims=*/true);
  return {b.mul(is, b.div(withDims(b, op, dy, *axes), count))};
}

SmallVector<Value> ReduceMaxOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  return toExtremes(b, *this, dy[0]);
}

SmallVector<Value> ReduceMinOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  return toExtremes(b, *this, dy[0]);
}

// The product of all other elements: of those before times those after, which
// is right where elements are 0.
SmallVector<Value> ReduceProdOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  std::optional<SmallVector<int64_t>> axes = axesOf(b, *this);
  if (!axes)
    return {};
  // Reduced axes last, as one.
  SmallVector<int64_t> order;
  for (int64_t axis = 0; axis < b.rank(getData()); ++axis)
    if (!llvm::is_contained(*axes, axis))
      order.push_back(axis);
  int64_t kept = static_cast<int64_t>(order.size());
  llvm::append_range(order, *axes);
  Value moved = b.transpose(getData(), order),
        rows = b.make<ReshapeOp>(
            moved,
            b.concat({b.shapeOf(moved, 0, kept),
                      b.make<ReduceProdOp>(
                          b.shapeOf(moved, kept, b.rank(moved)), Value())},
                     0),
            /*allowzero=*/1);
  auto others = [&](bool isAfter) {
    return b.make<CumProdOp>(rows, b.integer(kept), /*exclusive=*/1, isAfter);
  };
  Value product = b.reshapeAs(b.mul(others(false), others(true)), moved);
  return {b.mul(b.transpose(product, invertPermutationVector(order)),
                withDims(b, *this, dy[0], *axes))};
}

SmallVector<Value> TopKOp::differentiate(GradientBuilder &b, ValueRange dy) {
  if (!dy[0])
    return {};
  return {b.make<ScatterElementsOp>(b.zerosLike(getX()), getIndices(), dy[0],
                                    getAxis(), "none")};
}

SmallVector<Value> CumSumOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.make<CumSumOp>(dy[0], getAxis(), getExclusive(), !getReverse())};
}

// dx_i is the sum of dy_j y_j / x_i over all j that i is in. At the first 0 of
// a line products go on without it; from the next on there is nothing to gain.
SmallVector<Value> CumProdOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value x = getX(), zero = b.number(x, 0), one = b.number(x, 1),
        isZero = b.equal(x, zero),
        zeros = b.make<CumSumOp>(b.indicator(isZero, x), getAxis(),
                                 /*exclusive=*/0, getReverse()),
        isFirst = b.make<AndOp>(isZero, b.equal(zeros, one)),
        without = b.where(isFirst, one, x);
  auto after = [&](Value products) {
    return b.make<CumSumOp>(b.mul(dy[0], products), getAxis(), getExclusive(),
                            !getReverse());
  };
  Value plain = b.div(b.where(isZero, zero, after(getY())),
                      b.where(isZero, one, x)),
        first = after(b.make<CumProdOp>(without, getAxis(), getExclusive(),
                                        getReverse()));
  return {b.where(isFirst, first, plain)};
}

SmallVector<Value> SoftmaxOp::differentiate(GradientBuilder &b, ValueRange dy) {
  int64_t axis = b.positiveAxis(getAxis(), getInput());
  Value weighted = b.mul(dy[0], getOutput()),
        sum = b.reduceSum(weighted, {axis}, /*keepsDims=*/true);
  return {b.mul(getOutput(), b.sub(dy[0], sum))};
}

SmallVector<Value> LogSoftmaxOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  int64_t axis = b.positiveAxis(getAxis(), getInput());
  Value sum = b.reduceSum(dy[0], {axis}, /*keepsDims=*/true);
  return {b.sub(dy[0], b.mul(b.exp(getOutput()), sum))};
}

// -weight[t] * input[t] at each place, by one-hot rows; what is ignored has the
// weight 0.
SmallVector<Value>
NegativeLogLikelihoodLossOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value target = getTarget(), like = getInput(),
        weights = b.expandAs(b.number(like, 1), target);
  if (getIgnoreIndex()) {
    Value ignored = b.equal(
        target, b.number(target, static_cast<double>(*getIgnoreIndex())));
    target = b.where(ignored, b.number(target, 0), target);
    if (getWeight())
      weights = b.make<GatherOp>(getWeight(), target, /*axis=*/0);
    weights = b.where(ignored, b.number(like, 0), weights);
  } else if (getWeight()) {
    weights = b.make<GatherOp>(getWeight(), target, /*axis=*/0);
  }
  Value share = b.mul(weights, dy[0]);
  if (getReduction() == "mean")
    share = b.div(share, b.sumAll(weights));
  Value classes = b.shapeOf(like, 1, 2),
        numbers = b.concat({b.reshape(b.number(like, 0), {1}),
                            b.reshape(b.number(like, -1), {1})},
                           0),
        rows = b.make<OneHotOp>(target, classes, numbers, /*axis=*/1);
  return {b.mul(rows, b.unsqueeze(share, {1}))};
}
