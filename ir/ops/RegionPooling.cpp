// RegionPooling.cpp - regions of images, which data names, brought to one size.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/ops/Sampling.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult RoiAlignOp::inferShapes(ShapeScope &scope) {
  Dims x = scope.dims(getX()), rois = scope.dims(getRois()),
       batches = scope.dims(getBatchIndices());
  if (x.size() != 4)
    return emitOpError() << "X has rank " << x.size() << " instead of 4";
  if (rois.size() != 2 || (known(rois[1]) && !isKnown(rois[1], 4)))
    return emitOpError() << "'rois' has shape " << toString(rois)
                         << " instead of Rx4";
  if (batches.size() != 1 ||
      (known(batches[0]) && known(rois[0]) && batches[0] != rois[0]))
    return emitOpError() << "'batch_indices' has shape " << toString(batches)
                         << " for " << toString({rois[0]}) << " regions";
  if (getMode() != "avg" && getMode() != "max")
    return emitOpError() << "'mode' is '" << getMode()
                         << "' instead of avg or max";
  StringRef coordinates = getCoordinateTransformationMode();
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    return emitOpError() << "'coordinate_transformation_mode' is '"
                         << coordinates
                         << "' instead of half_pixel or output_half_pixel";
  constexpr int64_t kMaxSize = 1 << 20, kMaxRatio = 1 << 10;
  int64_t height = getOutputHeight(), width = getOutputWidth(),
          ratio = getSamplingRatio();
  if (height < 1 || width < 1 || height > kMaxSize || width > kMaxSize ||
      ratio < 0 || ratio > kMaxRatio)
    return emitOpError() << "would give images of " << height << "x" << width
                         << " from " << ratio << " samples a side";
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (!isa<FloatType>(elementType) ||
      getElementTypeOrSelf(getRois().getType()) != elementType ||
      !getElementTypeOrSelf(getBatchIndices().getType()).isSignlessInteger(64))
    return emitOpError() << "X is " << getX().getType() << ", 'rois' "
                         << getRois().getType() << " and 'batch_indices' "
                         << getBatchIndices().getType();
  return scope.set(
      getOperation()->getResult(0), elementType,
      {rois[0], x[1], scope.constant(height), scope.constant(width)});
}

/// The samples of a region among which are all that the image has, from the
/// first to behind the last: a region may be far larger than the image, and is
/// not walked through outside of it. Roundings move a place by less than a
/// 16384th of all samples, unless the region lies far from the image.
static std::pair<Scalar, Scalar> samplesNear(Scalar start, Scalar step,
                                             Scalar count, Scalar length) {
  Scalar spacing = step / count, margin = count / 16384.0 + 3.0,
         zero = count.number(0);
  // A region may go from its end to its begin.
  Scalar one = (-start - 1.0) / spacing, other = (length - start) / spacing;
  Scalar first = bounded(floor(min(one, other) - margin), zero, count),
         last = bounded(ceil(max(one, other) + margin), zero, count);
  Scalar from = select(step == 0, zero, first).toIndex(),
         to = select(step == 0, count, last).toIndex();
  return {from, max(from, to)};
}

namespace {
/// A region along one axis, height or width: where its samples begin, in
/// elements of the image, how far apart its results and how many samples of
/// each are, and which of these are near the image.
struct RegionSide {
  Scalar start, step, first, length;
  OpFoldResult count, near;
};

class RoiAlignment {
public:
  RoiAlignment(RoiAlignOp op, Lowering &l)
      : op(op), l(l), x(l.lowered(op.getX())),
        channels(l, x, l.scope.dim(op.getX(), 1)),
        rois(l.lowered(op.getRois())), batches(l.lowered(op.getBatchIndices())),
        elementType(getElementTypeOrSelf(op.getX().getType())),
        type(sampleType(l, elementType)), sizes(l.sizesOf(x)),
        isMean(op.getMode() == "avg"),
        isHalfPixel(op.getCoordinateTransformationMode() == "half_pixel") {}

  Value run();

private:
  void requireOperands();
  /// One element of the result.
  Value pooled(ImplicitLocOpBuilder &b, ValueRange at);
  RegionSide sideOf(ImplicitLocOpBuilder &b, ValueRange at, int64_t side);
  /// One sample, between four elements; 0 where it lies outside the image.
  Scalar sampled(ImplicitLocOpBuilder &b, Value batch, Value channel,
                 ArrayRef<RegionSide> sides, ValueRange sample);

  RoiAlignOp op;
  Lowering &l;
  Value x;
  ChannelsLast channels;
  Value rois, batches;
  Type elementType, type;
  SmallVector<OpFoldResult> sizes;
  bool isMean, isHalfPixel;
};
} // namespace

void RoiAlignment::requireOperands() {
  l.requireEqual(l.scope.dim(op.getRois(), 0),
                 l.scope.dim(op.getBatchIndices(), 0),
                 "a batch for each region");
  l.requireEqual(l.scope.dim(op.getRois(), 1), l.scope.constant(4),
                 "four numbers of each region");
  Scalar images(l, sizes[0]);
  l.require((Scalar(l, sizes[2]) > 0) & (Scalar(l, sizes[3]) > 0),
            Status::BadShape, "an image without elements cannot be sampled");
  requireAll(l, l.sizesOf(batches),
             {{batches, l.getI64Type(), l.getMultiDimIdentityMap(1)}},
             "a batch index is out of range",
             [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
               Scalar at(b, args[0]);
               return (at >= 0) &
                      (at < Scalar(b, Value(images)).toInteger(b.getI64Type()));
             });
}

Value RoiAlignment::run() {
  requireOperands();
  SmallVector<OpFoldResult> resultSizes{l.sizesOf(rois)[0], sizes[1],
                                        l.getIndexAttr(op.getOutputHeight()),
                                        l.getIndexAttr(op.getOutputWidth())};
  Value result = l.generate(
      elementType, channels.order<OpFoldResult>(resultSizes),
      [&](ImplicitLocOpBuilder &b, ValueRange at) {
        return pooled(b, channels.restore<Value>(llvm::to_vector(at)));
      });
  return channels.restored(l, result);
}

RegionSide RoiAlignment::sideOf(ImplicitLocOpBuilder &b, ValueRange at,
                                int64_t side) {
  auto corner = [&](int64_t column) {
    Value element = tensor::ExtractOp::create(
        b, rois, ValueRange{at[0], arith::ConstantIndexOp::create(b, column)});
    return Scalar(b, loadScalar(b, element, elementType)).toFloat(type) *
               op.getSpatialScale().convertToDouble() -
           (isHalfPixel ? 0.5 : 0.0);
  };
  // A region has x first.
  Scalar start = corner(1 - side), length = corner(3 - side) - start;
  if (!isHalfPixel)
    length = max(length, length.number(1));
  int64_t places = side == 0 ? op.getOutputHeight() : op.getOutputWidth();
  Scalar step = length / static_cast<double>(places);
  Scalar begin = start + Scalar(b, at[2 + side]).toFloat(type) * step;
  // A region that takes more samples than this is out of all proportion.
  Scalar samples = bounded(ceil(step), step.number(0), step.number(1 << 16));
  int64_t ratio = op.getSamplingRatio();
  OpFoldResult count = ratio > 0 ? OpFoldResult(b.getIndexAttr(ratio))
                                 : getAsOpFoldResult(Value(samples.toIndex()));
  Scalar extent = Scalar(b, sizes[2 + side]).toFloat(type);
  auto [first, last] =
      samplesNear(begin, step, Scalar(b, count).toFloat(type), extent);
  return {begin,  step,  first,
          extent, count, getAsOpFoldResult(Value(last - first))};
}

Scalar RoiAlignment::sampled(ImplicitLocOpBuilder &b, Value batch,
                             Value channel, ArrayRef<RegionSide> sides,
                             ValueRange sample) {
  struct Place {
    Scalar low, high, rest;
  };
  SmallVector<Place> places;
  Scalar isInside(
      b, arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult());
  for (auto [side, number] : llvm::zip_equal(sides, sample)) {
    Scalar count = Scalar(b, side.count).toFloat(type),
           length(b, Value(side.length)), last = length - 1;
    Scalar place =
        Scalar(b, Value(side.start)) +
        ((Scalar(b, Value(side.first)) + Scalar(b, number)).toFloat(type) +
         0.5) *
            Scalar(b, Value(side.step)) / count;
    isInside = isInside & (place >= -1) & (place <= length);
    place = bounded(place, place.number(0), last);
    Scalar low = floor(place), high = min(low + 1, last);
    places.push_back({low.toIndex(), high.toIndex(), place - low});
  }
  const Place &row = places[0], &column = places[1];
  Value result;
  for (int64_t corner = 0; corner < 4; ++corner) {
    bool isLow = corner / 2 == 0, isLeft = corner % 2 == 0;
    SmallVector<Value> source{batch, channel, isLow ? row.low : row.high,
                              isLeft ? column.low : column.high};
    Value stored = tensor::ExtractOp::create(b, channels.images,
                                             channels.order<Value>(source));
    Scalar element =
        Scalar(b, loadScalar(b, stored, elementType)).toFloat(type);
    Scalar weighed = (isLow ? -row.rest + 1 : row.rest) *
                     (isLeft ? -column.rest + 1 : column.rest) * element;
    result = !result  ? Value(weighed)
             : isMean ? Value(Scalar(b, result) + weighed)
                      : Value(max(Scalar(b, result), weighed));
  }
  Scalar value(b, result);
  return select(isInside, value, value.number(0));
}

Value RoiAlignment::pooled(ImplicitLocOpBuilder &b, ValueRange at) {
  Scalar batch =
      Scalar(b, tensor::ExtractOp::create(b, batches, at[0]).getResult())
          .toIndex();
  batch = clamp(batch, batch.number(0), Scalar(b, sizes[0]) - 1);
  // Heights first, as the axes are.
  SmallVector<RegionSide> sides{sideOf(b, at, 0), sideOf(b, at, 1)};
  Scalar zero = sides[0].step.number(0),
         lowest = zero.number(-std::numeric_limits<double>::infinity());
  // What lies elsewhere counts as zero.
  Scalar isAllNear = (Scalar(b, sides[0].near) == Scalar(b, sides[0].count)) &
                     (Scalar(b, sides[1].near) == Scalar(b, sides[1].count));
  Value initial = isMean ? zero : select(isAllNear, lowest, zero);
  SmallVector<OpFoldResult> near{sides[0].near, sides[1].near};
  Scalar taken(b, loopNest(b, near, initial,
                           [&](ImplicitLocOpBuilder &in, ValueRange sample,
                               ValueRange carried) {
                             Scalar value = sampled(in, batch, at[1], sides,
                                                    sample),
                                    so(in, carried[0]);
                             return SmallVector<Value>{isMean ? so + value
                                                              : max(so, value)};
                           })[0]);
  Scalar count = Scalar(b, sides[0].count) * Scalar(b, sides[1].count);
  Scalar result = isMean ? taken / max(count, count.number(1)).toFloat(type)
                         : select(count == 0, zero, taken);
  return result.toFloat(elementType);
}

FailureOr<SmallVector<Value>> RoiAlignOp::lower(Lowering &l) {
  return SmallVector<Value>{RoiAlignment(*this, l).run()};
}

LogicalResult MaxRoiPoolOp::inferShapes(ShapeScope &scope) {
  Dims x = scope.dims(getX()), rois = scope.dims(getRois());
  if (x.size() != 4)
    return emitOpError() << "X has rank " << x.size() << " instead of 4";
  if (rois.size() != 2 || (known(rois[1]) && !isKnown(rois[1], 5)))
    return emitOpError() << "'rois' has shape " << toString(rois)
                         << " instead of Rx5";
  ArrayRef<int64_t> shape = getPooledShape();
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    return emitOpError() << "'pooled_shape' is not two positive sizes";
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (!isa<FloatType>(elementType) ||
      getElementTypeOrSelf(getRois().getType()) != elementType)
    return emitOpError() << "X is " << getX().getType() << " and 'rois' "
                         << getRois().getType();
  return scope.set(
      getOperation()->getResult(0), elementType,
      {rois[0], x[1], scope.constant(shape[0]), scope.constant(shape[1])});
}

FailureOr<SmallVector<Value>> MaxRoiPoolOp::lower(Lowering &l) {
  Value x = l.lowered(getX()), rois = l.lowered(getRois());
  Type elementType = getElementTypeOrSelf(getX().getType()),
       type = sampleType(l, elementType);
  SmallVector<OpFoldResult> sizes = l.sizesOf(x), regions = l.sizesOf(rois);
  l.requireEqual(l.scope.dim(getRois(), 1), l.scope.constant(5),
                 "five numbers of each region");
  Scalar images = Scalar(l, sizes[0]).toFloat(type);
  requireAll(l, regions, {{rois, elementType, l.getMultiDimIdentityMap(2)}},
             "a batch index is out of range",
             [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
               Scalar column(b, linalg::IndexOp::create(b, 1).getResult()),
                   batch = Scalar(b, args[0]).toFloat(type);
               return (column != 0) |
                      ((batch >= 0) & (batch < Scalar(b, Value(images))));
             });
  double spatialScale = getSpatialScale().convertToDouble();
  ChannelsLast channels(l, x, l.scope.dim(getX(), 1));
  SmallVector<int64_t> pooled(getPooledShape());
  SmallVector<OpFoldResult> resultSizes{regions[0], sizes[1],
                                        l.getIndexAttr(pooled[0]),
                                        l.getIndexAttr(pooled[1])};
  Value result = l.generate(
      elementType, channels.order<OpFoldResult>(resultSizes),
      [&](ImplicitLocOpBuilder &b, ValueRange loops) -> Value {
        SmallVector<Value> at = channels.restore<Value>(llvm::to_vector(loops));
        auto number = [&](int64_t column) {
          Value element = tensor::ExtractOp::create(
              b, rois,
              ValueRange{at[0], arith::ConstantIndexOp::create(b, column)});
          return Scalar(b, loadScalar(b, element, elementType)).toFloat(type);
        };
        Scalar batch = number(0);
        Value image = bounded(batch, batch.number(0),
                              Scalar(b, sizes[0]).toFloat(type) - 1)
                          .toIndex();
        SmallVector<Scalar> firsts;
        SmallVector<OpFoldResult> counts;
        for (int64_t side = 0; side < 2; ++side) {
          Scalar first = floor(number(2 - side) * spatialScale + 0.5),
                 last = floor(number(4 - side) * spatialScale + 0.5);
          Scalar length = max(last - first + 1, first.number(1)),
                 step = length / static_cast<double>(pooled[side]);
          Scalar place = Scalar(b, at[2 + side]).toFloat(type),
                 limit = Scalar(b, sizes[2 + side]).toFloat(type);
          Scalar start = bounded(floor(place * step) + first, first.number(0),
                                 limit),
                 end = bounded(ceil((place + 1) * step) + first,
                               first.number(0), limit);
          firsts.push_back(start.toIndex());
          counts.push_back(getAsOpFoldResult(
              Value(max(end - start, start.number(0)).toIndex())));
        }
        Value initial = arith::ConstantOp::create(
            b,
            FloatAttr::get(
                type, APFloat::getInf(cast<FloatType>(type).getFloatSemantics(),
                                      /*Negative=*/true)));
        Scalar greatest(
            b, loopNest(
                   b, counts, initial,
                   [&](ImplicitLocOpBuilder &in, ValueRange offset,
                       ValueRange carried) {
                     SmallVector<Value> source{
                         image, at[1],
                         Scalar(in, Value(firsts[0])) + Scalar(in, offset[0]),
                         Scalar(in, Value(firsts[1])) + Scalar(in, offset[1])};
                     Value stored = tensor::ExtractOp::create(
                         in, channels.images, channels.order<Value>(source));
                     Scalar element =
                         Scalar(in, loadScalar(in, stored, elementType))
                             .toFloat(type);
                     return SmallVector<Value>{
                         max(Scalar(in, carried[0]), element)};
                   })[0]);
        Scalar isEmpty = Scalar(b, counts[0]) * Scalar(b, counts[1]) == 0;
        return select(isEmpty, greatest.number(0), greatest)
            .toFloat(elementType);
      });
  return SmallVector<Value>{channels.restored(l, result)};
}
