// Sampling.cpp - images read and written at places that data or windows name.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
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

/// `x` held within [low, high]; NaN is `low`, so that it can become an index.
static Scalar bounded(const Scalar &x, const Scalar &low, const Scalar &high) {
  return select(x >= low, select(x <= high, x, high), low);
}

/// The type in which samples are weighed.
static Type sampleType(OpBuilder &builder, Type elementType) {
  return elementType.isF64() ? Type(builder.getF64Type())
                             : builder.getF32Type();
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

FailureOr<SmallVector<Value>> GridSampleOp::lower(Lowering &l) {
  Value x = l.lowered(getX()), grid = l.lowered(getGrid());
  Type elementType = getElementTypeOrSelf(getX().getType()),
       gridType = getElementTypeOrSelf(getGrid().getType());
  Type type = sampleType(l, elementType);
  SmallVector<OpFoldResult> sizes = l.sizesOf(x), gridSizes = l.sizesOf(grid);
  int64_t spatial = sizes.size() - 2;
  l.requireEqual(l.scope.dim(getX(), 0), l.scope.dim(getGrid(), 0),
                 "a grid for each image");
  l.requireEqual(l.scope.dims(getGrid()).back(), l.scope.constant(spatial),
                 "a number of the grid for each axis");
  bool alignsCorners = getAlignCorners(),
       isReflected = getPaddingMode() == "reflection",
       isZero = getPaddingMode() == "zeros";
  StringRef mode = getMode();
  SmallVector<OpFoldResult> resultSizes{sizes[0], sizes[1]};
  resultSizes.append(gridSizes.begin() + 1, gridSizes.end() - 1);
  Scalar hasSamples(l, l.number(l.getI1Type(), 1)), isNothing = !hasSamples;
  for (OpFoldResult size : ArrayRef(sizes).drop_front(2))
    hasSamples = hasSamples & (Scalar(l, size) > 0);
  for (OpFoldResult size : resultSizes)
    isNothing = isNothing | (Scalar(l, size) == 0);
  l.require(hasSamples | isNothing, Status::BadShape,
            "an image without elements cannot be sampled");
  return SmallVector<Value>{l.generate(
      elementType, resultSizes,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        struct Axis {
          Scalar low, high, last;
          SmallVector<Scalar> places, weights;
        };
        SmallVector<Axis> axes;
        for (int64_t axis = 0; axis < spatial; ++axis) {
          SmallVector<Value> from(at);
          from.erase(from.begin() + 1);
          from.push_back(arith::ConstantIndexOp::create(b, spatial - 1 - axis));
          Scalar given(
              b,
              castScalar(b,
                         loadScalar(b, tensor::ExtractOp::create(b, grid, from),
                                    gridType),
                         gridType, type));
          Scalar length = Scalar(b, sizes[axis + 2]).toFloat(type),
                 last = length - 1;
          Scalar place = alignsCorners ? (given + 1) * 0.5 * last
                                       : ((given + 1) * length - 1) * 0.5;
          Scalar low = length.number(alignsCorners ? 0 : -0.5),
                 high = alignsCorners ? last : length - 0.5;
          if (mode == "nearest")
            place = roundEven(place);
          if (getPaddingMode() == "border")
            place = select((place < low) | (place > high),
                           clamp(place, length.number(0), last), place);
          else if (isReflected)
            place = reflected(place, low, high);
          // Beyond this there are no samples; what is no number ends here, too.
          place = bounded(place, length.number(-4), length + 4);
          Axis &next = axes.emplace_back(Axis{low, high, last, {}, {}});
          Scalar first = floor(place), rest = place - first;
          if (mode == "nearest") {
            next.places = {place};
            next.weights = {place.number(1)};
          } else if (mode == "linear") {
            next.places = {first, first + 1};
            next.weights = {-rest + 1, rest};
          } else {
            next.places = {first - 1, first, first + 1, first + 2};
            next.weights = cubicWeights(rest);
          }
        }
        // Every choice of one sample an axis, the last axis fastest.
        Value total = arith::ConstantOp::create(b, b.getZeroAttr(type));
        int64_t taps = axes[0].places.size(), count = 1;
        for (int64_t axis = 0; axis < spatial; ++axis)
          count *= taps;
        for (int64_t choice = 0; choice < count; ++choice) {
          SmallVector<Value> source{at[0], at[1]};
          Scalar weight(b, arith::ConstantOp::create(b, b.getFloatAttr(type, 1))
                               .getResult()),
              isInside = weight == 1;
          for (int64_t axis = 0, divisor = count / taps; axis < spatial;
               ++axis, divisor = std::max<int64_t>(divisor / taps, 1)) {
            const Axis &one = axes[axis];
            int64_t tap = choice / divisor % taps;
            Scalar place = one.places[tap];
            isInside = isInside & (place >= 0) & (place <= one.last);
            if (isReflected)
              place = reflected(place, one.low, one.high);
            source.push_back(
                bounded(place, place.number(0), one.last).toIndex());
            weight = weight * one.weights[tap];
          }
          Scalar element(
              b,
              castScalar(b,
                         loadScalar(b, tensor::ExtractOp::create(b, x, source),
                                    elementType),
                         elementType, type));
          if (isZero)
            element = select(isInside, element, element.number(0));
          total = Scalar(b, total) + weight * element;
        }
        return castScalar(b, total, type, elementType);
      })};
}

//===- roi_align, max_roi_pool --------------------------------------------===//

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

FailureOr<SmallVector<Value>> RoiAlignOp::lower(Lowering &l) {
  Value x = l.lowered(getX()), rois = l.lowered(getRois()),
        batches = l.lowered(getBatchIndices());
  Type elementType = getElementTypeOrSelf(getX().getType()),
       type = sampleType(l, elementType);
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  l.requireEqual(l.scope.dim(getRois(), 0), l.scope.dim(getBatchIndices(), 0),
                 "a batch for each region");
  l.requireEqual(l.scope.dim(getRois(), 1), l.scope.constant(4),
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
  bool isMean = getMode() == "avg",
       isHalfPixel = getCoordinateTransformationMode() == "half_pixel";
  double spatialScale = getSpatialScale().convertToDouble();
  int64_t ratio = getSamplingRatio();
  SmallVector<OpFoldResult> resultSizes{l.sizesOf(rois)[0], sizes[1],
                                        l.getIndexAttr(getOutputHeight()),
                                        l.getIndexAttr(getOutputWidth())};
  return SmallVector<Value>{l.generate(
      elementType, resultSizes,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Scalar batch =
            Scalar(b, tensor::ExtractOp::create(b, batches, at[0]).getResult())
                .toIndex();
        batch = clamp(batch, batch.number(0), Scalar(b, sizes[0]) - 1);
        SmallVector<Scalar> starts, steps, firsts;
        SmallVector<OpFoldResult> counts, near;
        SmallVector<Scalar> lengths;
        // Heights first, as the axes are; a region has x first.
        for (int64_t side = 0; side < 2; ++side) {
          auto corner = [&](int64_t column) {
            Value element = tensor::ExtractOp::create(
                b, rois,
                ValueRange{at[0], arith::ConstantIndexOp::create(b, column)});
            return Scalar(b, loadScalar(b, element, elementType))
                           .toFloat(type) *
                       spatialScale -
                   (isHalfPixel ? 0.5 : 0.0);
          };
          Scalar start = corner(1 - side), length = corner(3 - side) - start;
          if (!isHalfPixel)
            length = max(length, length.number(1));
          int64_t places = side == 0 ? getOutputHeight() : getOutputWidth();
          Scalar step = length / static_cast<double>(places);
          starts.push_back(start +
                           Scalar(b, at[2 + side]).toFloat(type) * step);
          steps.push_back(step);
          // A region that takes more samples than this is out of all
          // proportion.
          Scalar samples =
              bounded(ceil(step), step.number(0), step.number(1 << 16));
          counts.push_back(ratio > 0
                               ? OpFoldResult(b.getIndexAttr(ratio))
                               : getAsOpFoldResult(Value(samples.toIndex())));
          lengths.push_back(Scalar(b, sizes[2 + side]).toFloat(type));
          auto [first, last] = samplesNear(
              start + Scalar(b, at[2 + side]).toFloat(type) * step, step,
              Scalar(b, counts.back()).toFloat(type), lengths.back());
          firsts.push_back(first);
          near.push_back(getAsOpFoldResult(Value(last - first)));
        }
        Scalar zero = steps[0].number(0),
               lowest = zero.number(-std::numeric_limits<double>::infinity());
        // What lies elsewhere counts as zero.
        Scalar isAllNear = (Scalar(b, near[0]) == Scalar(b, counts[0])) &
                           (Scalar(b, near[1]) == Scalar(b, counts[1]));
        Value initial = isMean ? zero : select(isAllNear, lowest, zero);
        Scalar taken(
            b,
            loopNest(
                b, near, initial,
                [&](ImplicitLocOpBuilder &in, ValueRange sample,
                    ValueRange carried) {
                  struct Side {
                    Scalar low, high, rest;
                  };
                  SmallVector<Side> sides;
                  Scalar isInside(
                      in, arith::ConstantOp::create(in, in.getBoolAttr(true))
                              .getResult());
                  for (int64_t side = 0; side < 2; ++side) {
                    Scalar count = Scalar(in, counts[side]).toFloat(type),
                           length(in, Value(lengths[side])), last = length - 1;
                    Scalar place = Scalar(in, Value(starts[side])) +
                                   ((Scalar(in, Value(firsts[side])) +
                                     Scalar(in, sample[side]))
                                        .toFloat(type) +
                                    0.5) *
                                       Scalar(in, Value(steps[side])) / count;
                    isInside = isInside & (place >= -1) & (place <= length);
                    place = bounded(place, place.number(0), last);
                    Scalar low = floor(place), high = min(low + 1, last);
                    sides.push_back(
                        {low.toIndex(), high.toIndex(), place - low});
                  }
                  Value result;
                  for (int64_t corner = 0; corner < 4; ++corner) {
                    const Side &row = sides[0], &column = sides[1];
                    bool isLow = corner / 2 == 0, isLeft = corner % 2 == 0;
                    SmallVector<Value> source{
                        batch, at[1], isLow ? row.low : row.high,
                        isLeft ? column.low : column.high};
                    Scalar element =
                        Scalar(in,
                               loadScalar(
                                   in, tensor::ExtractOp::create(in, x, source),
                                   elementType))
                            .toFloat(type);
                    Scalar weighed = (isLow ? -row.rest + 1 : row.rest) *
                                     (isLeft ? -column.rest + 1 : column.rest) *
                                     element;
                    result = !result  ? Value(weighed)
                             : isMean ? Value(Scalar(in, result) + weighed)
                                      : Value(max(Scalar(in, result), weighed));
                  }
                  Scalar value = select(isInside, Scalar(in, result),
                                        Scalar(in, Value(zero))),
                         so(in, carried[0]);
                  return SmallVector<Value>{isMean ? so + value
                                                   : max(so, value)};
                })[0]);
        Scalar count = Scalar(b, counts[0]) * Scalar(b, counts[1]);
        Scalar pooled = isMean
                            ? taken / max(count, count.number(1)).toFloat(type)
                            : select(count == 0, zero, taken);
        return pooled.toFloat(elementType);
      })};
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
  SmallVector<int64_t> pooled(getPooledShape());
  SmallVector<OpFoldResult> resultSizes{regions[0], sizes[1],
                                        l.getIndexAttr(pooled[0]),
                                        l.getIndexAttr(pooled[1])};
  return SmallVector<Value>{l.generate(
      elementType, resultSizes,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
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
                     Scalar element =
                         Scalar(in, loadScalar(in,
                                               tensor::ExtractOp::create(
                                                   in, x, source),
                                               elementType))
                             .toFloat(type);
                     return SmallVector<Value>{
                         max(Scalar(in, carried[0]), element)};
                   })[0]);
        Scalar isEmpty = Scalar(b, counts[0]) * Scalar(b, counts[1]) == 0;
        return select(isEmpty, greatest.number(0), greatest)
            .toFloat(elementType);
      })};
}

//===- max_unpool ---------------------------------------------------------===//

/// The sizes that the pooled image came from, as far as they can be told.
static FailureOr<Dims> unpooledDims(MaxUnpoolOp op, ShapeScope &scope) {
  Dims x = scope.dims(op.getX()), indices = scope.dims(op.getI());
  int64_t spatial = static_cast<int64_t>(x.size()) - 2;
  ArrayRef<int64_t> kernel = op.getKernelShape();
  SmallVector<int64_t> strides(kernel.size(), 1), pads(2 * kernel.size(), 0);
  if (op.getStrides())
    strides.assign(op.getStrides()->begin(), op.getStrides()->end());
  if (op.getPads())
    pads.assign(op.getPads()->begin(), op.getPads()->end());
  if (spatial < 1 || static_cast<int64_t>(kernel.size()) != spatial ||
      strides.size() != kernel.size() || pads.size() != 2 * kernel.size())
    return op.emitOpError()
           << "'kernel_shape', 'strides' or 'pads' do not fit the " << spatial
           << " spatial axes of X";
  bool fits = indices.size() == x.size() &&
              getElementTypeOrSelf(op.getI().getType()).isSignlessInteger(64);
  for (auto [mine, other] : llvm::zip(x, indices))
    fits &= mine == other || !known(mine) || !known(other);
  if (!fits)
    return op.emitOpError() << "I is " << op.getI().getType() << " for X of "
                            << op.getX().getType();
  constexpr int64_t kMaxSize = int64_t(1) << 31;
  Dims dims{x[0], x[1]};
  for (int64_t axis = 0; axis < spatial; ++axis) {
    for (int64_t value :
         {kernel[axis], strides[axis], pads[axis], pads[spatial + axis]})
      if (value < 0 || value > kMaxSize)
        return op.emitOpError()
               << "'kernel_shape', 'strides' or 'pads' has " << value;
    dims.push_back(
        scope.simplify((x[axis + 2] - 1) * strides[axis] +
                       (kernel[axis] - pads[axis] - pads[spatial + axis])));
    if (known(dims.back()).value_or(0) < 0)
      return op.emitOpError() << "would have a dim of " << *known(dims.back());
  }
  return dims;
}

LogicalResult MaxUnpoolOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> dims = unpooledDims(*this, scope);
  if (failed(dims))
    return failure();
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (!getOutputShape())
    return scope.set(result, elementType, *dims);
  std::optional<Dims> shape = scope.elementsOrSymbols(getOutputShape());
  if (!shape || shape->size() != dims->size())
    return emitOpError() << "'output_shape' has not " << dims->size()
                         << " elements";
  for (auto [wanted, least] : llvm::zip(*shape, *dims))
    if (known(wanted) && known(least) && *known(wanted) < *known(least))
      return emitOpError() << "'output_shape' " << toString(*shape)
                           << " is smaller than " << toString(*dims);
  return scope.set(result, elementType, *shape);
}

FailureOr<SmallVector<Value>> MaxUnpoolOp::lower(Lowering &l) {
  Value x = l.lowered(getX()), indices = l.lowered(getI());
  Type elementType = getElementTypeOrSelf(getX().getType()),
       integer = l.getI64Type();
  Dims dims = *unpooledDims(*this, l.scope), wanted = l.scope.dims(getOutput());
  l.requireDims(getI(), l.scope.dims(getX()), "an index for each element");
  SmallVector<OpFoldResult> sizes = l.sizesOf(x), unpooled;
  Scalar count(l, l.index(1));
  for (Dim dim : dims) {
    unpooled.push_back(l.checkedSize(dim));
    count = count * Scalar(l, unpooled.back());
  }
  requireAll(
      l, sizes, {{indices, integer, l.getMultiDimIdentityMap(sizes.size())}},
      "an index is out of range",
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar at(b, args[0]);
        return (at >= 0) & (at < Scalar(b, Value(count)).toInteger(integer));
      });
  Value zeros = l.filled(elementType, {getAsOpFoldResult(Value(count))},
                         l.zero(elementType));
  Value flat = loopNest(
      l, sizes, zeros,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar place =
            Scalar(b, tensor::ExtractOp::create(b, indices, at).getResult())
                .toIndex();
        place = clamp(place, place.number(0), Scalar(b, Value(count)) - 1);
        return SmallVector<Value>{tensor::InsertOp::create(
            b, tensor::ExtractOp::create(b, x, at).getResult(), carried[0],
            Value(place))};
      })[0];
  Value image = l.reshape(flat, unpooled);
  if (!getOutputShape())
    return SmallVector<Value>{image};
  SmallVector<OpFoldResult> low(dims.size(), l.getIndexAttr(0)), high;
  for (auto [index, size] : llvm::enumerate(unpooled)) {
    OpFoldResult asked =
        l.agree(l.element(getOutputShape(), index), wanted[index]);
    Scalar room = Scalar(l, asked) - Scalar(l, size);
    l.require(room >= 0, Status::BadShape, "an output shape is too small");
    high.push_back(getAsOpFoldResult(Value(room)));
  }
  return SmallVector<Value>{
      l.pad(image, elementType, low, high, l.zero(elementType))};
}

//===- col2im -------------------------------------------------------------===//

namespace {
/// One spatial axis: an image of `image` elements in blocks of `block`,
/// `dilation` apart, every `stride` elements.
struct BlockAxis {
  Dim image, block;
  int64_t dilation, stride, low, high;
};
} // namespace

static FailureOr<SmallVector<BlockAxis>> blockAxes(Col2ImOp op,
                                                   ShapeScope &scope) {
  std::optional<Dims> image = scope.elementsOrSymbols(op.getImageShape()),
                      block = scope.elementsOrSymbols(op.getBlockShape());
  if (!image || !block || image->size() != block->size() || image->empty())
    return op.emitOpError() << "'image_shape' and 'block_shape' have different "
                               "or unknown numbers of elements";
  size_t count = image->size();
  auto attribute = [&](std::optional<ArrayRef<int64_t>> given, size_t size,
                       int64_t otherwise) {
    return given ? SmallVector<int64_t>(*given)
                 : SmallVector<int64_t>(size, otherwise);
  };
  SmallVector<int64_t> dilations = attribute(op.getDilations(), count, 1),
                       strides = attribute(op.getStrides(), count, 1),
                       pads = attribute(op.getPads(), 2 * count, 0);
  if (dilations.size() != count || strides.size() != count ||
      pads.size() != 2 * count)
    return op.emitOpError()
           << "'dilations', 'strides' or 'pads' do not fit the " << count
           << " axes of 'image_shape'";
  constexpr int64_t kMaxSize = int64_t(1) << 31;
  SmallVector<BlockAxis> axes;
  for (size_t axis = 0; axis < count; ++axis) {
    BlockAxis next{(*image)[axis], (*block)[axis], dilations[axis],
                   strides[axis],  pads[axis],     pads[count + axis]};
    if (next.dilation < 1 || next.stride < 1 || next.low < 0 || next.high < 0 ||
        std::max({next.dilation, next.stride, next.low, next.high}) > kMaxSize)
      return op.emitOpError()
             << "'dilations', 'strides' or 'pads' is out of range at axis "
             << axis;
    for (Dim size : {next.image, next.block})
      if (known(size) && (*known(size) < 1 || *known(size) > kMaxSize))
        return op.emitOpError()
               << "'image_shape' or 'block_shape' has " << *known(size);
    axes.push_back(next);
  }
  return axes;
}

LogicalResult Col2ImOp::inferShapes(ShapeScope &scope) {
  FailureOr<SmallVector<BlockAxis>> axes = blockAxes(*this, scope);
  if (failed(axes))
    return failure();
  Dims input = scope.dims(getInput());
  if (input.size() != 3)
    return emitOpError() << "'input' has rank " << input.size()
                         << " instead of 3";
  Dims blocks = llvm::map_to_vector(
      *axes, [](const BlockAxis &axis) { return axis.block; });
  Dim channels = scope.quotient({input[1]}, blocks);
  if (!channels && known(input[1]) && known(scope.product(blocks)))
    return emitOpError() << *known(input[1])
                         << " rows are no multiple of blocks of "
                         << toString(blocks);
  Dims dims{input[0], channels};
  for (const BlockAxis &axis : *axes)
    dims.push_back(axis.image);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), dims);
}

FailureOr<SmallVector<Value>> Col2ImOp::lower(Lowering &l) {
  Value columns = l.lowered(getInput());
  Type elementType = getElementTypeOrSelf(getInput().getType());
  SmallVector<BlockAxis> axes = *blockAxes(*this, l.scope);
  SmallVector<OpFoldResult> sizes = l.sizesOf(columns), imageSizes, blockSizes,
                            blockCounts;
  Dims dims = l.scope.dims(getOutput());
  Scalar one(l, l.index(1)), elements = one, blocks = one;
  for (const BlockAxis &axis : axes) {
    Scalar image(l, l.size(axis.image)), block(l, l.size(axis.block)),
        stride = one.number(axis.stride);
    constexpr int64_t kMaxSize = int64_t(1) << 31;
    l.require((image >= 1) & (image <= kMaxSize) & (block >= 1) &
                  (block <= kMaxSize),
              Status::BadValue, "a size of an image or block is out of range");
    Scalar room =
        image + (axis.low + axis.high) - (block - 1) * axis.dilation - 1;
    Scalar count = max(floorDiv(room, stride) + 1, one.number(0));
    imageSizes.push_back(getAsOpFoldResult(Value(image)));
    blockSizes.push_back(getAsOpFoldResult(Value(block)));
    blockCounts.push_back(getAsOpFoldResult(Value(count)));
    elements = elements * block;
    blocks = blocks * count;
  }
  l.require(blocks == Scalar(l, sizes[2]), Status::BadShape,
            "as many columns as blocks");
  Scalar channels = floorDiv(Scalar(l, sizes[1]), max(elements, one));
  l.require(channels * elements == Scalar(l, sizes[1]), Status::BadShape,
            "rows are no multiple of the elements of a block");
  SmallVector<OpFoldResult> resultSizes{
      sizes[0], l.agree(getAsOpFoldResult(Value(channels)), dims[1])};
  for (auto [size, dim] : llvm::zip(imageSizes, ArrayRef(dims).drop_front(2)))
    resultSizes.push_back(l.agree(size, dim));
  int64_t spatial = axes.size();
  // For each batch, channel, place in the block and block: one element of the
  // columns is added to one of the image.
  SmallVector<OpFoldResult> loops{resultSizes[0], resultSizes[1]};
  loops.append(blockSizes);
  loops.append(blockCounts);
  return loopNest(
      l, loops, l.filled(elementType, resultSizes, l.zero(elementType)),
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar row(b, at[1]),
            column(b, arith::ConstantIndexOp::create(b, 0).getResult()),
            isInside = column == 0;
        SmallVector<Value> target{at[0], at[1]};
        for (int64_t axis = 0; axis < spatial; ++axis) {
          Scalar inBlock(b, at[2 + axis]), block(b, at[2 + spatial + axis]);
          row = row * Scalar(b, blockSizes[axis]) + inBlock;
          column = column * Scalar(b, blockCounts[axis]) + block;
          Scalar place = block * axes[axis].stride - axes[axis].low +
                         inBlock * axes[axis].dilation;
          isInside =
              isInside & (place >= 0) & (place < Scalar(b, imageSizes[axis]));
          target.push_back(place);
        }
        return onlyIf(b, isInside, carried, [&](ImplicitLocOpBuilder &in) {
          Value addend =
              loadScalar(in,
                         tensor::ExtractOp::create(
                             in, columns, ValueRange{at[0], row, column}),
                         elementType);
          Value before =
              loadScalar(in, tensor::ExtractOp::create(in, carried[0], target),
                         elementType);
          Value total = storeScalar(in, sum(in, before, addend), elementType);
          return SmallVector<Value>{
              tensor::InsertOp::create(in, total, carried[0], target)};
        });
      });
}
