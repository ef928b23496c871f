// Regions.cpp - gradients of regions of images.
#include "ir/Ops.h"
#include "ir/Types.h"
#include "ir/gradients/Samples.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- roi_align ----------------------------------------------------------===//

/// Of all that the samples of an element of the result (in `dims`) weigh, each
/// choice of taps by itself, the greatest is taken, the first of several.
static void takeGreatest(Samples &samples, Value isInside,
                         ArrayRef<int64_t> dims, int64_t ratio) {
  GradientBuilder &b = samples.b;
  int64_t regions = dims[0], channels = dims[1], height = dims[2],
          width = dims[3], each = ratio * ratio;
  SmallVector<Value> candidates;
  for (Value part : samples.parts())
    candidates.push_back(b.reshape(
        b.transpose(b.reshape(b.masked(b.unsqueeze(isInside, {1}), part),
                              {regions, channels, height, ratio, width, ratio}),
                    {0, 1, 2, 4, 3, 5}),
        {regions, channels, height, width, each}));
  Value greatest = b.make<ArgMaxOp>(b.concat(candidates, 4), /*axis=*/4);
  for (size_t choice = 0; choice < candidates.size(); ++choice) {
    int64_t first = static_cast<int64_t>(choice) * each;
    Value places = b.make<RangeOp>(b.integer(first), b.integer(first + each),
                                   b.integer(1)),
          is = b.reshape(b.equal(greatest, places),
                         {regions, channels, height, width, ratio, ratio});
    samples.isTaken.push_back(b.reshape(b.transpose(is, {0, 1, 2, 4, 3, 5}),
                                        {regions, channels, -1}));
  }
}

// Each region is an image of its own. Along a side, sample i of n lies at
// (1 - t) * start + t * end with t = (i + 1/2) / n.
SmallVector<Value> RoiAlignOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  std::optional<SmallVector<int64_t>> x = b.knownDims(getX()),
                                      rois = b.knownDims(getRois());
  if (!x || !rois)
    return {};
  int64_t ratio = static_cast<int64_t>(getSamplingRatio());
  if (ratio == 0) {
    b.refuse("how many samples it takes depends on the regions "
             "('sampling_ratio' is 0)",
             getX());
    return {};
  }
  int64_t regions = (*rois)[0], channels = (*x)[1];
  Value image = wide(b, getX());
  Samples samples{b,
                  b.reshape(b.make<GatherOp>(image, getBatchIndices(), 0),
                            {regions, channels, -1}),
                  SmallVector<int64_t>(ArrayRef(*x).drop_front(2)),
                  {},
                  /*dropsOutside=*/false};
  bool isHalfPixel = getCoordinateTransformationMode() == "half_pixel";
  double scale = getSpatialScale().convertToDouble();
  int64_t counts[] = {static_cast<int64_t>(getOutputHeight()) * ratio,
                      static_cast<int64_t>(getOutputWidth()) * ratio};
  auto corner = [&](int64_t column) {
    return b.mul(b.slice(wide(b, getRois()), 1, column, column + 1), scale);
  };
  Value isInside;
  struct Side {
    Value shares, follows, isLong;
  };
  SmallVector<Side> sides;
  for (int64_t side = 0; side < 2; ++side) {
    int64_t count = counts[side];
    double size = static_cast<double>(samples.sizes[side]);
    // (R, 1), and t as (1, count).
    Value start = corner(1 - side), length = b.sub(corner(3 - side), start),
          isLong;
    if (!isHalfPixel) {
      Value one = b.number(length, 1);
      isLong = b.less(one, length);
      length = b.where(isLong, length, one);
    }
    Value numbers = b.castAs(
              b.make<RangeOp>(b.integer(0), b.integer(count), b.integer(1)),
              length),
          shares = b.unsqueeze(
              b.mul(b.add(numbers, 0.5), 1 / static_cast<double>(count)), {0}),
          place = b.add(b.add(b.mul(shares, length), start),
                        isHalfPixel ? -0.5 : 0.0);
    // All pairs of rows and columns, as (R, rows * columns).
    SmallVector<int64_t> all{regions, counts[0], counts[1]};
    place = b.reshape(b.make<ExpandOp>(b.unsqueeze(place, {side == 0 ? 2 : 1}),
                                       b.integers(all)),
                      {regions, counts[0] * counts[1]});
    Value isNear =
        b.make<AndOp>(b.make<LessOrEqualOp>(b.number(place, -1), place),
                      b.make<LessOrEqualOp>(place, b.number(place, size)));
    isInside = isInside ? b.make<AndOp>(isInside, isNear) : isNear;
    Value kept =
        b.make<ClipOp>(place, b.number(place, 0), b.number(place, size - 1));
    samples.axes.push_back(linearTaps(b, kept));
    sides.push_back({shares, b.equal(kept, place), isLong});
  }
  // (R, C, h, w) to every sample of each mean.
  int64_t height = static_cast<int64_t>(getOutputHeight()),
          width = static_cast<int64_t>(getOutputWidth());
  Value spread = b.make<ExpandOp>(
      b.reshape(b.castAs(dy[0], image),
                {regions, channels, height, 1, width, 1}),
      b.integers({regions, channels, height, ratio, width, ratio}));
  Value gradient = b.masked(b.unsqueeze(isInside, {1}),
                            b.reshape(spread, {regions, channels, -1}));
  if (getMode() == "avg")
    gradient = b.mul(gradient, 1 / static_cast<double>(ratio * ratio));
  else
    takeGreatest(samples, isInside, {regions, channels, height, width}, ratio);
  SmallVector<Value> gradients(2);
  if (b.wants(getX())) {
    Value ofRegions = b.reshape(samples.byImages(gradient),
                                {regions, channels, (*x)[2], (*x)[3]});
    gradients[0] =
        b.castAs(b.make<ScatterNDOp>(b.zerosLike(image),
                                     b.unsqueeze(getBatchIndices(), {1}),
                                     ofRegions, "add"),
                 getX());
  }
  if (b.wants(getRois())) {
    SmallVector<Value> columns(4);
    for (auto [side, sum] : llvm::enumerate(samples.byCoordinates(gradient))) {
      const Side &one = sides[side];
      Value along =
          b.reduceSum(b.reshape(b.masked(one.follows, b.mul(sum, scale)),
                                {regions, counts[0], counts[1]}),
                      {side == 0 ? 2 : 1}, /*keepsDims=*/false);
      Value all = b.reduceSum(along, {1}, /*keepsDims=*/true),
            end = b.reduceSum(b.mul(along, one.shares), {1},
                              /*keepsDims=*/true);
      if (one.isLong)
        end = b.masked(one.isLong, end);
      columns[1 - side] = b.sub(all, end);
      columns[3 - side] = end;
    }
    gradients[1] = b.castAs(b.concat(columns, 1), getRois());
  }
  return gradients;
}

//===- max_roi_pool -------------------------------------------------------===//

// Regions are rounded to elements, so nothing follows from them. Of X an
// element of the result reads the greatest that lies in its rows and columns:
// the greatest of each column first, and then the greatest of these.
SmallVector<Value> MaxRoiPoolOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  SmallVector<Value> gradients(2);
  if (b.wants(getRois()))
    gradients[1] = b.zerosLike(getRois());
  std::optional<SmallVector<int64_t>> x = b.knownDims(getX()),
                                      rois = b.knownDims(getRois());
  if (!x || !rois || !b.wants(getX()))
    return gradients;
  int64_t regions = (*rois)[0], channels = (*x)[1];
  Value numbers = wide(b, getRois());
  auto column = [&](int64_t at) { return b.slice(numbers, 1, at, at + 1); };
  auto integers = [&](int64_t count) {
    return b.make<RangeOp>(b.integer(0), b.integer(count), b.integer(1));
  };
  auto whole = [&](Value value) {
    return b.make<CastOp>(value, onnxType(b.getI64Type()));
  };
  // What each place of the result reads along a side, as (R, places, size), and
  // whether that is anything, as (R, places).
  SmallVector<Value> reads, isAny;
  double scale = getSpatialScale().convertToDouble();
  for (int64_t side = 0; side < 2; ++side) {
    int64_t size = (*x)[2 + side], places = getPooledShape()[side];
    auto edge = [&](int64_t at) {
      return b.make<FloorOp>(b.add(b.mul(column(at), scale), 0.5));
    };
    Value first = edge(2 - side),
          length = b.make<MaxOp>(ValueRange{
              b.add(b.sub(edge(4 - side), first), 1), b.number(first, 1)}),
          step = b.mul(length, 1 / static_cast<double>(places)),
          place = b.unsqueeze(b.castAs(integers(places), first), {0});
    auto within = [&](Value at) {
      return b.make<ClipOp>(b.add(at, first), b.number(first, 0),
                            b.number(first, static_cast<double>(size)));
    };
    Value start = within(b.make<FloorOp>(b.mul(place, step))),
          end = within(b.make<CeilOp>(b.mul(b.add(place, 1), step))),
          element = b.castAs(integers(size), first),
          low = b.unsqueeze(start, {2}), high = b.unsqueeze(end, {2});
    reads.push_back(b.make<AndOp>(b.make<LessOrEqualOp>(low, element),
                                  b.less(element, high)));
    isAny.push_back(b.less(start, end));
  }
  Value batches = b.reshape(whole(column(0)), {regions}),
        images = b.make<GatherOp>(getX(), batches, 0),
        least = b.number(images, -std::numeric_limits<double>::infinity());
  // (R, C, rows of the result, H, W), and then (R, C, rows, columns, W).
  Value inRows = b.where(b.unsqueeze(reads[0], {1, 4}),
                         b.unsqueeze(images, {2}), least),
        row = b.make<ArgMaxOp>(inRows, /*axis=*/3, /*keepdims=*/0),
        ofColumns = b.make<ReduceMaxOp>(inRows, b.integers({3}),
                                        /*keepdims=*/0),
        inColumns = b.where(b.unsqueeze(reads[1], {1, 2}),
                            b.unsqueeze(ofColumns, {3}), least),
        columns = b.make<ArgMaxOp>(inColumns, /*axis=*/4, /*keepdims=*/0),
        rows = b.make<GatherElementsOp>(row, columns, /*axis=*/3),
        image = b.add(b.mul(b.unsqueeze(batches, {1}), b.integer(channels)),
                      integers(channels)),
        place =
            b.add(b.mul(b.unsqueeze(image, {2, 3}), b.integer((*x)[2])), rows);
  place = b.add(b.mul(place, b.integer((*x)[3])), columns);
  Value isRead = b.make<AndOp>(b.unsqueeze(isAny[0], {1, 3}),
                               b.unsqueeze(isAny[1], {1, 2}));
  gradients[0] = b.addAt(getX(), b.where(isRead, place, b.integer(-1)), dy[0]);
  return gradients;
}
