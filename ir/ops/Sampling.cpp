// Sampling.cpp - images read at places that data names.
#include "ir/ops/Sampling.h"
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Sampling.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerSampling(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Sampling.cpp.inc"
      >();
}

//===- grid_sample --------------------------------------------------------===//

LogicalResult GridSampleOp::inferShapes(ShapeScope &scope) {
  Dims x = scope.dims(getX()), grid = scope.dims(getGrid());
  int64_t spatial = static_cast<int64_t>(x.size()) - 2;
  if (spatial < 1 || grid.size() != x.size() ||
      (known(grid.back()) && !isKnown(grid.back(), spatial)))
    return emitOpError()
           << "X has shape " << toString(x) << " and 'grid' " << toString(grid)
           << ", whose last axis has a number for each spatial axis of X";
  if (known(x[0]) && known(grid[0]) && x[0] != grid[0])
    return emitOpError() << "X has a batch of " << *known(x[0])
                         << " and 'grid' one of " << *known(grid[0]);
  if (!llvm::is_contained({"linear", "nearest", "cubic"}, getMode()) ||
      (getMode() == "cubic" && spatial > 2) || spatial > 3)
    return emitOpError() << "'mode' is '" << getMode() << "' for " << spatial
                         << " spatial axes";
  if (!llvm::is_contained({"zeros", "border", "reflection"}, getPaddingMode()))
    return emitOpError() << "'padding_mode' is '" << getPaddingMode()
                         << "' instead of zeros, border or reflection";
  if (!isa<FloatType>(getElementTypeOrSelf(getGrid().getType())) ||
      isa<ComplexType>(getElementTypeOrSelf(getX().getType())))
    return emitOpError() << "X is " << getX().getType() << " and 'grid' "
                         << getGrid().getType();
  Dims dims{known(x[0]) ? x[0] : grid[0], x[1]};
  dims.append(grid.begin() + 1, grid.end() - 1);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getX().getType()), dims);
}

/// A coordinate thrown back by the borders [low, high] until it lies between
/// them.
static Scalar reflected(const Scalar &x, const Scalar &low,
                        const Scalar &high) {
  Scalar range = high - low, beyond = max(max(low - x, x - high), x.number(0));
  Scalar whole = select(range > 0, range, range.number(1)),
         turns = floor(beyond / whole), rest = beyond - turns * whole;
  Scalar isEven = turns - floor(turns * 0.5) * 2 == 0, startsLow = x < low;
  Scalar bounced = select(isEven == startsLow, low + rest, high - rest);
  return select(beyond > 0, bounced, x);
}

/// The weights of the four samples around a place that lies `x` after the
/// second.
static SmallVector<Scalar> cubicWeights(const Scalar &x) {
  constexpr double a = -0.75;
  auto near = [&](const Scalar &d) {
    return ((d * (a + 2) - (a + 3)) * d) * d + 1;
  };
  auto far = [&](const Scalar &d) {
    return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a;
  };
  Scalar rest = -x + 1;
  return {far(x + 1), near(x), near(rest), far(rest + 1)};
}

namespace {
class GridSampling {
public:
  GridSampling(GridSampleOp op, Lowering &l)
      : op(op), l(l), x(l.lowered(op.getX())), grid(l.lowered(op.getGrid())),
        elementType(getElementTypeOrSelf(op.getX().getType())),
        gridType(getElementTypeOrSelf(op.getGrid().getType())),
        type(sampleType(l, elementType)), sizes(l.sizesOf(x)),
        spatial(sizes.size() - 2),
        isReflected(op.getPaddingMode() == "reflection") {}

  Value run();

private:
  /// A place along one axis: the samples around it and their weights, where
  /// reflection happens, and the last element.
  struct Axis {
    Scalar low, high, last;
    SmallVector<Scalar> places, weights;
  };
  void requireImages(ArrayRef<OpFoldResult> resultSizes);
  Axis axisOf(ImplicitLocOpBuilder &b, ValueRange at, int64_t axis);
  /// One sample of each axis, the `choice`-th of all such.
  Scalar weighed(ImplicitLocOpBuilder &b, ValueRange at, ArrayRef<Axis> axes,
                 int64_t choice, int64_t count);

  GridSampleOp op;
  Lowering &l;
  Value x, grid;
  Type elementType, gridType, type;
  SmallVector<OpFoldResult> sizes;
  int64_t spatial;
  bool isReflected;
};
} // namespace

void GridSampling::requireImages(ArrayRef<OpFoldResult> resultSizes) {
  l.requireEqual(l.scope.dim(op.getX(), 0), l.scope.dim(op.getGrid(), 0),
                 "a grid for each image");
  l.requireEqual(l.scope.dims(op.getGrid()).back(), l.scope.constant(spatial),
                 "a number of the grid for each axis");
  Scalar hasSamples(l, l.number(l.getI1Type(), 1)), isNothing = !hasSamples;
  for (OpFoldResult size : ArrayRef(sizes).drop_front(2))
    hasSamples = hasSamples & (Scalar(l, size) > 0);
  for (OpFoldResult size : resultSizes)
    isNothing = isNothing | (Scalar(l, size) == 0);
  l.require(hasSamples | isNothing, Status::BadShape,
            "an image without elements cannot be sampled");
}

GridSampling::Axis GridSampling::axisOf(ImplicitLocOpBuilder &b, ValueRange at,
                                        int64_t axis) {
  SmallVector<Value> from(at);
  from.erase(from.begin() + 1);
  from.push_back(arith::ConstantIndexOp::create(b, spatial - 1 - axis));
  Scalar given(
      b,
      castScalar(
          b, loadScalar(b, tensor::ExtractOp::create(b, grid, from), gridType),
          gridType, type));
  Scalar length = Scalar(b, sizes[axis + 2]).toFloat(type), last = length - 1;
  bool alignsCorners = op.getAlignCorners();
  Scalar place = alignsCorners ? (given + 1) * 0.5 * last
                               : ((given + 1) * length - 1) * 0.5;
  Scalar low = length.number(alignsCorners ? 0 : -0.5),
         high = alignsCorners ? last : length - 0.5;
  if (op.getMode() == "nearest")
    place = roundEven(place);
  if (op.getPaddingMode() == "border")
    place = select((place < low) | (place > high),
                   clamp(place, length.number(0), last), place);
  else if (isReflected)
    place = reflected(place, low, high);
  // Beyond this there are no samples; what is no number ends here, too.
  place = bounded(place, length.number(-4), length + 4);
  Scalar first = floor(place), rest = place - first;
  if (op.getMode() == "nearest")
    return {low, high, last, {place}, {place.number(1)}};
  if (op.getMode() == "linear")
    return {low, high, last, {first, first + 1}, {-rest + 1, rest}};
  return {low,
          high,
          last,
          {first - 1, first, first + 1, first + 2},
          cubicWeights(rest)};
}

Scalar GridSampling::weighed(ImplicitLocOpBuilder &b, ValueRange at,
                             ArrayRef<Axis> axes, int64_t choice,
                             int64_t count) {
  int64_t taps = axes[0].places.size();
  SmallVector<Value> source{at[0], at[1]};
  Scalar weight(
      b, arith::ConstantOp::create(b, b.getFloatAttr(type, 1)).getResult()),
      isInside = weight == 1;
  for (int64_t axis = 0, divisor = count / taps; axis < spatial;
       ++axis, divisor = std::max<int64_t>(divisor / taps, 1)) {
    const Axis &one = axes[axis];
    int64_t tap = choice / divisor % taps;
    Scalar place = one.places[tap];
    isInside = isInside & (place >= 0) & (place <= one.last);
    if (isReflected)
      place = reflected(place, one.low, one.high);
    source.push_back(bounded(place, place.number(0), one.last).toIndex());
    weight = weight * one.weights[tap];
  }
  Scalar element(
      b, castScalar(b,
                    loadScalar(b, tensor::ExtractOp::create(b, x, source),
                               elementType),
                    elementType, type));
  if (op.getPaddingMode() == "zeros")
    element = select(isInside, element, element.number(0));
  return weight * element;
}

Value GridSampling::run() {
  SmallVector<OpFoldResult> gridSizes = l.sizesOf(grid),
                            resultSizes{sizes[0], sizes[1]};
  resultSizes.append(gridSizes.begin() + 1, gridSizes.end() - 1);
  requireImages(resultSizes);
  return l.generate(
      elementType, resultSizes,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Axis> axes;
        for (int64_t axis = 0; axis < spatial; ++axis)
          axes.push_back(axisOf(b, at, axis));
        // Every choice of one sample an axis, the last axis fastest.
        int64_t count = 1;
        for (const Axis &axis : axes)
          count *= axis.places.size();
        Value total = arith::ConstantOp::create(b, b.getZeroAttr(type));
        for (int64_t choice = 0; choice < count; ++choice)
          total = Scalar(b, total) + weighed(b, at, axes, choice, count);
        return castScalar(b, total, type, elementType);
      });
}

FailureOr<SmallVector<Value>> GridSampleOp::lower(Lowering &l) {
  return SmallVector<Value>{GridSampling(*this, l).run()};
}
