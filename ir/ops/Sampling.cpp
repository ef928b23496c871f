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

//===- What all share -----------------------------------------------------===//

ChannelsLast::ChannelsLast(Lowering &l, Value images, Dim channels)
    : images(images) {
  constexpr int64_t kSeveral = 8;
  isLast = !known(channels) || *known(channels) >= kSeveral;
  if (isLast)
    this->images = l.transpose(
        images, order<int64_t>(llvm::to_vector(llvm::seq<int64_t>(
                    cast<RankedTensorType>(images.getType()).getRank()))));
}

Value ChannelsLast::restored(Lowering &l, Value result) const {
  return isLast ? l.transpose(
                      result,
                      restore<int64_t>(llvm::to_vector(llvm::seq<int64_t>(
                          cast<RankedTensorType>(result.getType()).getRank()))))
                : result;
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
/// What is found of a place is found once, for all channels: along each axis
/// where the samples lie, and what they weigh.
class GridSampling {
public:
  GridSampling(GridSampleOp op, Lowering &l)
      : op(op), l(l), x(l.lowered(op.getX())),
        channels(l, x, l.scope.dim(op.getX(), 1)),
        grid(l.lowered(op.getGrid())),
        elementType(getElementTypeOrSelf(op.getX().getType())),
        gridType(getElementTypeOrSelf(op.getGrid().getType())),
        type(sampleType(l, elementType)), integer(l.getI64Type()),
        sizes(l.sizesOf(x)), spatial(sizes.size() - 2),
        taps(op.getMode() == "nearest"  ? 1
             : op.getMode() == "linear" ? 2
                                        : 4),
        isReflected(op.getPaddingMode() == "reflection"),
        isZero(op.getPaddingMode() == "zeros") {
    SmallVector<OpFoldResult> gridSizes = l.sizesOf(grid);
    resultSizes = {sizes[0], sizes[1]};
    resultSizes.append(gridSizes.begin() + 1, gridSizes.end() - 1);
    pointSizes = {resultSizes[0]};
    pointSizes.append(resultSizes.begin() + 2, resultSizes.end());
  }

  Value run();

private:
  /// The size of an image along an axis, its last element, and between what
  /// reflection happens.
  struct Borders {
    Scalar length, last, low, high;
  };
  void requireImages();
  Borders bordersOf(ImplicitLocOpBuilder &b, int64_t axis);
  /// The coordinates of all points along an axis, as they are sampled.
  Value coordinatesOf(int64_t axis);
  /// The element that each point takes as a sample of an axis; -1 where there
  /// is none.
  Value placesOf(Value coordinates, int64_t axis, int64_t tap);
  Value weightsOf(Value coordinates, int64_t tap);
  /// One sample of each axis, the `choice`-th of all such, of what the tables
  /// have of a point.
  Scalar weighed(ImplicitLocOpBuilder &b, ValueRange tables, int64_t choice,
                 int64_t count);
  AffineMap point() { return l.getMultiDimIdentityMap(pointSizes.size()); }

  GridSampleOp op;
  Lowering &l;
  Value x;
  ChannelsLast channels;
  Value grid;
  Type elementType, gridType, type, integer;
  SmallVector<OpFoldResult> sizes, resultSizes, pointSizes;
  int64_t spatial, taps;
  bool isReflected, isZero;
};
} // namespace

void GridSampling::requireImages() {
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

GridSampling::Borders GridSampling::bordersOf(ImplicitLocOpBuilder &b,
                                              int64_t axis) {
  Scalar length = Scalar(b, sizes[axis + 2]).toFloat(type), last = length - 1;
  bool alignsCorners = op.getAlignCorners();
  return {length, last, length.number(alignsCorners ? 0 : -0.5),
          alignsCorners ? last : length - 0.5};
}

Value GridSampling::coordinatesOf(int64_t axis) {
  SmallVector<AffineExpr> number(point().getResults());
  number.push_back(l.getAffineConstantExpr(spatial - 1 - axis));
  AffineMap map = AffineMap::get(pointSizes.size(), 0, number, l.getContext());
  return l.generic(type, pointSizes, {{grid, gridType, map}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Scalar given(b, castScalar(b, args[0], gridType, type));
                     auto [length, last, low, high] = bordersOf(b, axis);
                     Scalar place = op.getAlignCorners()
                                        ? (given + 1) * 0.5 * last
                                        : ((given + 1) * length - 1) * 0.5;
                     if (op.getMode() == "nearest")
                       place = roundEven(place);
                     if (op.getPaddingMode() == "border")
                       place =
                           select((place < low) | (place > high),
                                  clamp(place, length.number(0), last), place);
                     else if (isReflected)
                       place = reflected(place, low, high);
                     // Beyond this there are no samples; what is no number ends
                     // here, too.
                     return bounded(place, length.number(-4), length + 4);
                   });
}

Value GridSampling::placesOf(Value coordinates, int64_t axis, int64_t tap) {
  return l.generic(
      integer, pointSizes, {{coordinates, type, point()}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto [length, last, low, high] = bordersOf(b, axis);
        Scalar place = floor(Scalar(b, args[0])) + (tap - (taps - 1) / 2);
        Scalar isInside = (place >= 0) & (place <= last);
        if (isReflected)
          place = reflected(place, low, high);
        Scalar index =
            bounded(place, place.number(0), last).toIndex().toInteger(integer);
        return isZero ? select(isInside, index, index.number(-1)) : index;
      });
}

Value GridSampling::weightsOf(Value coordinates, int64_t tap) {
  return l.generic(type, pointSizes, {{coordinates, type, point()}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Scalar place(b, args[0]), rest = place - floor(place);
                     return taps == 1   ? rest.number(1)
                            : taps == 2 ? (tap == 0 ? -rest + 1 : rest)
                                        : cubicWeights(rest)[tap];
                   });
}

Scalar GridSampling::weighed(ImplicitLocOpBuilder &b, ValueRange tables,
                             int64_t choice, int64_t count) {
  SmallVector<Value> source{
      linalg::IndexOp::create(b, 0),
      linalg::IndexOp::create(b, channels.channelAxis(resultSizes.size()))};
  Scalar weight(
      b, arith::ConstantOp::create(b, b.getFloatAttr(type, 1)).getResult()),
      isInside = weight == 1;
  for (int64_t axis = 0, divisor = count / taps; axis < spatial;
       ++axis, divisor = std::max<int64_t>(divisor / taps, 1)) {
    size_t table = 2 * (axis * taps + choice / divisor % taps);
    Scalar place = Scalar(b, tables[table]).toIndex(), zero = place.number(0);
    isInside = isInside & (place >= zero);
    source.push_back(isZero ? max(place, zero) : place);
    weight = weight * Scalar(b, tables[table + 1]);
  }
  Scalar element(b, castScalar(b,
                               loadScalar(b,
                                          tensor::ExtractOp::create(
                                              b, channels.images,
                                              channels.order<Value>(source)),
                                          elementType),
                               elementType, type));
  if (isZero)
    element = select(isInside, element, element.number(0));
  return weight * element;
}

Value GridSampling::run() {
  requireImages();
  SmallVector<Lowering::Operand> tables;
  int64_t rank = resultSizes.size();
  AffineMap ofPoint =
      l.getMultiDimIdentityMap(rank).dropResult(channels.channelAxis(rank));
  int64_t count = 1;
  for (int64_t axis = 0; axis < spatial; ++axis) {
    Value coordinates = coordinatesOf(axis);
    for (int64_t tap = 0; tap < taps; ++tap) {
      tables.push_back({placesOf(coordinates, axis, tap), integer, ofPoint});
      tables.push_back({weightsOf(coordinates, tap), type, ofPoint});
    }
    count *= taps;
  }
  Value result =
      l.generic(elementType, channels.order<OpFoldResult>(resultSizes), tables,
                [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  // Every choice of one sample an axis, the last axis fastest.
                  Value total =
                      arith::ConstantOp::create(b, b.getZeroAttr(type));
                  for (int64_t choice = 0; choice < count; ++choice)
                    total = Scalar(b, total) + weighed(b, args, choice, count);
                  return castScalar(b, total, type, elementType);
                });
  return channels.restored(l, result);
}

FailureOr<SmallVector<Value>> GridSampleOp::lower(Lowering &l) {
  return SmallVector<Value>{GridSampling(*this, l).run()};
}
