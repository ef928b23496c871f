// Layout.cpp - gradients of what moves, repeats, cuts and joins elements.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

SmallVector<Value> ReshapeOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.reshapeAs(dy[0], getData())};
}
SmallVector<Value> SqueezeOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.reshapeAs(dy[0], getData())};
}
SmallVector<Value> UnsqueezeOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  return {b.reshapeAs(dy[0], getData())};
}
SmallVector<Value> TransposeOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  return {b.transpose(dy[0], invertPermutationVector(permutation()))};
}

SmallVector<Value> ExpandOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.sumTo(dy[0], getInput())};
}

// (repeats * size) along each axis is (repeats, size).
SmallVector<Value> TileOp::differentiate(GradientBuilder &b, ValueRange dy) {
  SmallVector<Value> sizes;
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < b.rank(getInput()); ++axis) {
    sizes.push_back(b.slice(getRepeats(), 0, axis, axis + 1));
    sizes.push_back(b.shapeOf(getInput(), axis, axis + 1));
    axes.push_back(2 * axis);
  }
  if (axes.empty())
    return {dy[0]};
  Value split = b.make<ReshapeOp>(dy[0], b.concat(sizes, 0), /*allowzero=*/1);
  return {b.reduceSum(split, axes, /*keepsDims=*/false)};
}

// A border of one number is cut off; one that repeats elements gives each of
// them what its copies got.
SmallVector<Value> PadOp::differentiate(GradientBuilder &b, ValueRange dy) {
  if (getMode() != "constant") {
    Value places = b.make<PadOp>(b.positions(getData()), getPads(), Value(),
                                 getAxes(), getMode());
    return {b.addAt(getData(), places, dy[0])};
  }
  Value inside =
      b.make<PadOp>(dy[0], b.neg(getPads()), Value(), getAxes(), "constant");
  SmallVector<Value> gradients(getNumOperands());
  gradients[0] = inside;
  if (Value number = getConstantValue(); b.wants(number)) {
    gradients[2] =
        b.reshapeAs(b.sub(b.sumAll(dy[0]), b.sumAll(inside)), number);
  }
  return gradients;
}

// What was cut off on either side comes back as zeros, and the other way round.
SmallVector<Value> CenterCropPadOp::differentiate(GradientBuilder &b,
                                                  ValueRange dy) {
  Value shape = b.shapeOf(getInputData(), 0, b.rank(getInputData()));
  if (getAxes()) {
    SmallVector<Value> sizes;
    for (int64_t said : getAxesAttr().asArrayRef()) {
      int64_t axis = b.positiveAxis(said, getInputData());
      sizes.push_back(b.shapeOf(getInputData(), axis, axis + 1));
    }
    shape = b.concat(sizes, 0);
  }
  return {b.make<CenterCropPadOp>(dy[0], shape, getAxesAttr())};
}

SmallVector<Value> TriluOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.make<TriluOp>(dy[0], getK(), getUpper())};
}

SmallVector<Value> ConcatOp::differentiate(GradientBuilder &b, ValueRange dy) {
  int64_t axis = b.positiveAxis(getAxis(), dy[0]);
  SmallVector<Value> sizes;
  for (Value input : getInputs())
    sizes.push_back(b.shapeOf(input, axis, axis + 1));
  auto parts = b.makeMany<SplitOp>(sizes.size(), dy[0], b.concat(sizes, 0),
                                   IntegerAttr(), b.getI64IntegerAttr(axis));
  return SmallVector<Value>(parts.getOutputs());
}

SmallVector<Value> SplitOp::differentiate(GradientBuilder &b, ValueRange dy) {
  SmallVector<Value> parts;
  for (auto [part, gradient] : llvm::zip_equal(getOutputs(), dy))
    parts.push_back(gradient ? gradient : b.zerosLike(part));
  return {b.concat(parts, b.positiveAxis(getAxis(), getInput()))};
}

// Zeros around where nothing was left out between; else each element goes back
// to where it was.
SmallVector<Value> SliceOp::differentiate(GradientBuilder &b, ValueRange dy) {
  int64_t rank = b.rank(getData());
  auto integers = [&](Value operand, int64_t otherwise, size_t count) {
    return operand ? b.scope.integers(operand)
                   : std::optional(SmallVector<int64_t>(count, otherwise));
  };
  std::optional<SmallVector<int64_t>> starts = b.scope.integers(getStarts());
  size_t count = starts ? starts->size() : 0;
  std::optional<SmallVector<int64_t>> steps = integers(getSteps(), 1, count),
                                      axes = integers(getAxes(), 0, count);
  bool isPlain = starts && steps && axes &&
                 llvm::all_of(*steps, [](int64_t step) { return step == 1; });
  SmallVector<int64_t> pads(2 * rank, 0);
  for (size_t i = 0; isPlain && i < count; ++i) {
    int64_t axis = getAxes() ? b.positiveAxis((*axes)[i], getData())
                             : static_cast<int64_t>(i);
    std::optional<int64_t> size = known(b.scope.dim(getData(), axis)),
                           left = known(b.scope.dim(getOutput(), axis));
    isPlain = size && left;
    if (!isPlain)
      break;
    int64_t start = (*starts)[i] < 0 ? (*starts)[i] + *size : (*starts)[i];
    pads[axis] = std::clamp<int64_t>(start, 0, *size);
    pads[rank + axis] = *size - *left - pads[axis];
  }
  if (isPlain)
    return {
        b.make<PadOp>(dy[0], b.integers(pads), Value(), Value(), "constant")};
  Value places = b.make<SliceOp>(b.positions(getData()), getStarts(), getEnds(),
                                 getAxes(), getSteps());
  return {b.addAt(getData(), places, dy[0])};
}

SmallVector<Value> ReverseSequenceOp::differentiate(GradientBuilder &b,
                                                    ValueRange dy) {
  return {b.make<ReverseSequenceOp>(dy[0], getSequenceLens(), getBatchAxis(),
                                    getTimeAxis())};
}
