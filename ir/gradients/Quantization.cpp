// Quantization.cpp - gradients through quantized values, as if they were not
// rounded (Y. Bengio and others, "Estimating or Propagating Gradients Through
// Stochastic Neurons", 2013), but where they were clipped.
//
// The gradient by a quantized tensor is one of floats: by how much the loss
// grows when an element grows by one of its steps.
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// A scale or zero point in the shape of what it is for.
template <typename Op>
static Value spread(GradientBuilder &b, Op op, Value scale) {
  Value x = op.getX();
  int64_t rank = b.rank(x), axis = b.positiveAxis(op.getAxis(), x);
  bool isOne = llvm::all_of(b.scope.dims(scale),
                            [](Dim dim) { return isKnown(dim, 1); });
  if (isOne)
    return b.expandAs(b.reshape(scale, {}), x);
  if (op.getBlockSize() == 0) {
    SmallVector<int64_t> more;
    for (int64_t each = 0; each < rank; ++each)
      if (each != axis)
        more.push_back(each);
    return b.expandAs(more.empty() ? scale : b.unsqueeze(scale, more), x);
  }
  std::optional<SmallVector<int64_t>> dims = b.knownDims(x);
  if (!dims)
    return {};
  SmallVector<int64_t> blocks;
  for (int64_t i = 0; i < (*dims)[axis]; ++i)
    blocks.push_back(i / static_cast<int64_t>(op.getBlockSize()));
  return b.make<GatherOp>(scale, b.integers(blocks), axis);
}

/// The gradient by a scale from that by each element's own.
template <typename Op>
static Value gathered(GradientBuilder &b, Op op, Value scale, Value each) {
  int64_t axis = b.positiveAxis(op.getAxis(), op.getX());
  bool isOne = llvm::all_of(b.scope.dims(scale),
                            [](Dim dim) { return isKnown(dim, 1); });
  if (isOne)
    return b.reshapeAs(b.sumAll(each), scale);
  if (op.getBlockSize() == 0) {
    SmallVector<int64_t> others = b.allAxes(each);
    llvm::erase(others, axis);
    return b.reduceSum(each, others, /*keepsDims=*/false);
  }
  std::optional<SmallVector<int64_t>> dims = b.knownDims(op.getX());
  if (!dims)
    return {};
  SmallVector<int64_t> blocks;
  for (int64_t i = 0; i < (*dims)[axis]; ++i)
    blocks.push_back(i / static_cast<int64_t>(op.getBlockSize()));
  // Blocks along the first axis, where slices are added.
  SmallVector<int64_t> order = b.allAxes(each);
  std::swap(order[0], order[axis]);
  Value sums = b.make<ScatterNDOp>(
      b.transpose(b.zerosLike(b.castAs(scale, each)), order),
      b.unsqueeze(b.integers(blocks), {1}), b.transpose(each, order), "add");
  return b.transpose(sums, order);
}

/// A quantized tensor as floats, counted from its zero point.
template <typename Op>
static Value steps(GradientBuilder &b, Op op, Value quantized, Value zeroPoint,
                   Value like) {
  Value number = b.castAs(quantized, like);
  if (!zeroPoint || !isa<IntegerType>(getElementTypeOrSelf(zeroPoint)))
    return number;
  return b.sub(number, spread(b, op, b.castAs(zeroPoint, like)));
}

// q = round(x / s) + z. Where it was clipped, x is further than half a step
// from what q stands for.
SmallVector<Value> QuantizeLinearOp::differentiate(GradientBuilder &b,
                                                   ValueRange dy) {
  Type type = getElementTypeOrSelf(getX().getType());
  if (!isa<FloatType>(type))
    return {};
  Value x = b.castAs(getX(), dy[0]),
        scale = spread(b, *this, b.castAs(getYScale(), dy[0]));
  if (!scale)
    return {};
  Value quotient = b.div(x, scale),
        whole = steps(b, *this, getY(), getYZeroPoint(), dy[0]), isInside;
  if (auto small =
          dyn_cast<FloatType>(getElementTypeOrSelf(getY().getType()))) {
    double greatest =
        APFloat::getLargest(small.getFloatSemantics()).convertToDouble();
    isInside = b.make<LessOrEqualOp>(b.make<AbsOp>(quotient),
                                     b.number(quotient, greatest));
  } else {
    isInside = b.make<LessOrEqualOp>(b.make<AbsOp>(b.sub(quotient, whole)),
                                     b.number(quotient, 0.5));
  }
  Value byX = b.masked(isInside, b.div(dy[0], scale));
  SmallVector<Value> gradients{b.castAs(byX, getX()), Value()};
  if (b.wants(getYScale()))
    gradients[1] =
        b.castAs(gathered(b, *this, getYScale(), b.neg(b.mul(byX, quotient))),
                 getYScale());
  return gradients;
}

// x = (q - z) * s
SmallVector<Value> DequantizeLinearOp::differentiate(GradientBuilder &b,
                                                     ValueRange dy) {
  Value scale = spread(b, *this, b.castAs(getXScale(), dy[0]));
  if (!scale)
    return {};
  SmallVector<Value> gradients{b.mul(dy[0], scale), Value()};
  if (b.wants(getXScale()))
    gradients[1] = b.castAs(
        gathered(b, *this, getXScale(),
                 b.mul(dy[0], steps(b, *this, getX(), getXZeroPoint(), dy[0]))),
        getXScale());
  return gradients;
}
