// Signal.cpp - gradients of Fourier transforms.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The first `size` elements along an axis, with zeros behind where there are
/// fewer.
static Value withSize(GradientBuilder &b, Value value, int64_t axis,
                      int64_t size) {
  int64_t present = *known(b.scope.dim(value, axis)), rank = b.rank(value);
  if (present >= size)
    return b.slice(value, axis, 0, size);
  SmallVector<int64_t> pads(2 * rank, 0);
  pads[rank + axis] = size - present;
  return b.make<PadOp>(value, b.integers(pads), Value(), Value(), "constant");
}

// Transforms are linear, and what goes back through one goes through the other,
// but for the factor of the inverse. What was padded or cut off is cut off or
// padded; of a real signal the real part counts.
SmallVector<Value> DftOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value input = getInput();
  int64_t rank = b.rank(input), axis = rank - 2;
  std::optional<SmallVector<int64_t>> from = b.knownDims(input),
                                      to = b.knownDims(getOutput());
  if (!from || !to)
    return {};
  if (Value operand = getAxis()) {
    std::optional<SmallVector<int64_t>> said = b.scope.integers(operand);
    if (!said) {
      b.refuse("its axis is known only at run time", input);
      return {};
    }
    axis = b.positiveAxis(said->front(), input);
  }
  bool isHalf = getOnesided() != 0, isInverse = getInverse() != 0;
  int64_t length = (*to)[axis];
  if (isHalf && !isInverse) {
    length = (*from)[axis];
    if (Value operand = getDftLength()) {
      std::optional<SmallVector<int64_t>> said = b.scope.integers(operand);
      if (!said) {
        b.refuse("its length is known only at run time", input);
        return {};
      }
      length = said->front();
    }
  }
  Value along = b.integer(axis), gradient = dy[0];
  auto transform = [&](Value value, bool inverse, bool onesided) {
    return b.make<DftOp>(value, b.integer(length), along, inverse, onesided);
  };
  double scale = static_cast<double>(length);
  if (!isInverse) {
    gradient = b.mul(
        transform(withSize(b, gradient, axis, length), true, false), scale);
  } else {
    gradient = b.mul(transform(gradient, false, isHalf), 1 / scale);
    if (isHalf) {
      // All but the ends stand for two elements of the whole spectrum.
      Type type = getElementTypeOrSelf(input.getType());
      int64_t half = length / 2 + 1;
      SmallVector<Attribute> weights;
      for (int64_t k = 0; k < half; ++k)
        weights.push_back(
            b.getFloatAttr(type, k == 0 || 2 * k == length ? 1 : 2));
      SmallVector<int64_t> dims(rank, 1);
      dims[axis] = half;
      gradient =
          b.mul(gradient, b.make<ConstantOp>(DenseElementsAttr::get(
                              RankedTensorType::get(dims, type), weights)));
    }
  }
  return {b.slice(withSize(b, gradient, axis, (*from)[axis]), rank - 1, 0,
                  from->back())};
}
