// Sampling.cpp - gradients of images read at places that data or windows name.
#include "ir/Ops.h"
#include "ir/gradients/Samples.h"
#include "ir/gradients/Windows.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

static Value floorOf(GradientBuilder &b, Value value) {
  return b.make<FloorOp>(value);
}

/// The four elements around a coordinate (R. Keys, "Cubic Convolution
/// Interpolation", 1981), with its a = -0.75.
static SmallVector<Tap> cubicTaps(GradientBuilder &b, Value coordinate) {
  constexpr double a = -0.75;
  Value first = floorOf(b, coordinate), rest = b.sub(coordinate, first);
  SmallVector<Tap> taps;
  for (int64_t offset = -1; offset < 3; ++offset) {
    // The distance, and by how much it grows.
    bool isAfter = offset > 0, isFar = offset == -1 || offset == 2;
    Value d = isAfter ? b.sub(static_cast<double>(offset), rest)
                      : b.add(rest, static_cast<double>(-offset));
    auto polynomial = [&](ArrayRef<double> factors) {
      Value sum = b.number(d, factors[0]);
      for (double each : factors.drop_front())
        sum = b.add(b.mul(sum, d), each);
      return sum;
    };
    Value weight = isFar ? polynomial({a, -5 * a, 8 * a, -4 * a})
                         : polynomial({a + 2, -(a + 3), 0, 1}),
          slope = isFar ? polynomial({3 * a, -10 * a, 8 * a})
                        : polynomial({3 * (a + 2), -2 * (a + 3), 0});
    taps.push_back({b.add(first, static_cast<double>(offset)), weight,
                    isAfter ? b.neg(slope) : slope});
  }
  return taps;
}

static int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

//===- grid_sample --------------------------------------------------------===//

/// A coordinate thrown back by the borders until it lies between them, and its
/// direction there (1 or -1).
static std::pair<Value, Value> reflected(GradientBuilder &b, Value x,
                                         double low, double high) {
  Value zero = b.number(x, 0), one = b.number(x, 1), below = b.sub(low, x),
        above = b.add(x, -high),
        beyond = b.make<MaxOp>(ValueRange{below, above, zero});
  double range = high > low ? high - low : 1;
  Value turns = floorOf(b, b.mul(beyond, 1 / range)),
        rest = b.sub(beyond, b.mul(turns, range)),
        half = floorOf(b, b.mul(turns, 0.5)),
        isEven = b.equal(b.mul(half, 2), turns),
        startsLow = b.less(x, b.number(x, low)),
        goesUp = b.equal(isEven, startsLow),
        bounced = b.where(goesUp, b.add(rest, low), b.sub(high, rest)),
        isOut = b.less(zero, beyond);
  // Going up from the low border, the rest grows as the coordinate falls.
  Value sign = b.where(b.equal(goesUp, startsLow), b.number(x, -1), one);
  return {b.where(isOut, bounced, x), b.where(isOut, sign, one)};
}

SmallVector<Value> GridSampleOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  std::optional<SmallVector<int64_t>> x = b.knownDims(getX()),
                                      grid = b.knownDims(getGrid());
  if (!x || !grid)
    return {};
  int64_t images = (*x)[0], channels = (*x)[1],
          spatial = static_cast<int64_t>(x->size()) - 2,
          places = productOf(ArrayRef(*grid).drop_front().drop_back());
  Samples samples{b,
                  b.reshape(wide(b, getX()), {images, channels, -1}),
                  SmallVector<int64_t>(ArrayRef(*x).drop_front(2)),
                  {},
                  getPaddingMode() == "zeros"};
  Value coordinates = b.castAs(wide(b, getGrid()), samples.images);
  SmallVector<Value> directions;
  for (int64_t axis = 0; axis < spatial; ++axis) {
    // The grid has the last axis first.
    Value given = b.reshape(
        b.slice(coordinates, spatial + 1, spatial - 1 - axis, spatial - axis),
        {images, places});
    double length = static_cast<double>(samples.sizes[axis]),
           low = getAlignCorners() ? 0 : -0.5, high = length - 1 - low,
           scale = (getAlignCorners() ? length - 1 : length) * 0.5;
    Value place = b.add(b.mul(given, scale), (length - 1) * 0.5),
          direction = b.number(place, scale);
    if (getMode() == "nearest")
      place = b.make<RoundOp>(place);
    bool isReflected = getPaddingMode() == "reflection";
    if (getPaddingMode() == "border") {
      Value inside = b.make<ClipOp>(place, b.number(place, low),
                                    b.number(place, high)),
            isInside = b.equal(inside, place);
      place = b.where(isInside, place,
                      b.make<ClipOp>(place, b.number(place, 0),
                                     b.number(place, length - 1)));
      direction = b.masked(isInside, direction);
    } else if (isReflected) {
      auto [bounced, sign] = reflected(b, place, low, high);
      place = bounced;
      direction = b.mul(sign, direction);
    }
    // Further out there are no samples.
    place =
        b.make<ClipOp>(place, b.number(place, -4), b.number(place, length + 4));
    SmallVector<Tap> taps{
        {place, b.expandAs(b.number(place, 1), place), Value()}};
    if (getMode() != "nearest")
      taps = getMode() == "linear" ? linearTaps(b, place) : cubicTaps(b, place);
    if (isReflected)
      for (Tap &tap : taps)
        tap.place = reflected(b, tap.place, low, high).first;
    samples.axes.push_back(std::move(taps));
    directions.push_back(direction);
  }
  Value gradient =
      b.reshape(b.castAs(dy[0], samples.images), {images, channels, places});
  SmallVector<Value> gradients(2);
  if (b.wants(getX()))
    gradients[0] =
        b.castAs(b.reshapeAs(samples.byImages(gradient), getX()), getX());
  if (b.wants(getGrid()) && getMode() != "nearest") {
    SmallVector<Value> parts;
    for (auto [sum, direction] :
         llvm::zip_equal(samples.byCoordinates(gradient), directions))
      parts.push_back(b.unsqueeze(b.mul(sum, direction), {2}));
    std::reverse(parts.begin(), parts.end());
    gradients[1] =
        b.castAs(b.reshapeAs(b.concat(parts, 2), getGrid()), getGrid());
  }
  return gradients;
}

//===- deform_conv --------------------------------------------------------===//

// The taps of all windows are samples; what follows is a product with W.
SmallVector<Value> DeformConvOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  std::optional<SmallVector<int64_t>> x = b.knownDims(getX()),
                                      w = b.knownDims(getW()),
                                      y = b.knownDims(getY());
  if (!x || !w || !y)
    return {};
  FailureOr<Windows> windows = this->windows(b.scope);
  if (failed(windows))
    return {};
  int64_t images = (*x)[0], channels = (*x)[1], outputs = (*w)[0],
          group = static_cast<int64_t>(getGroup()),
          offsetGroup = static_cast<int64_t>(getOffsetGroup()),
          spatial = static_cast<int64_t>(x->size()) - 2,
          taps = productOf(ArrayRef(*w).drop_front(2)),
          places = productOf(ArrayRef(*y).drop_front(2)),
          batch = images * offsetGroup, count = taps * places;
  Value image = wide(b, getX());
  Samples samples{b,
                  b.reshape(image, {batch, channels / offsetGroup, -1}),
                  SmallVector<int64_t>(ArrayRef(*x).drop_front(2)),
                  {},
                  /*dropsOutside=*/true};
  Value offsets =
      b.reshape(b.castAs(getOffset(), image), {batch, taps, spatial, places});
  SmallVector<Value> follows;
  for (int64_t axis = 0; axis < spatial; ++axis) {
    const WindowAxis &window = windows->axes[axis];
    // Where the tap would be, as taps x places.
    SmallVector<int64_t> regular;
    for (int64_t index = 0; index < count; ++index) {
      auto along = [&](int64_t flat, ArrayRef<int64_t> sizes) {
        return flat / productOf(sizes.drop_front(axis + 1)) % sizes[axis];
      };
      regular.push_back(
          along(index % places, ArrayRef(*y).drop_front(2)) * window.stride -
          window.padLow +
          along(index / places, ArrayRef(*w).drop_front(2)) * window.dilation);
    }
    Value from = b.castAs(b.integers(regular), image),
          place = b.add(
              b.reshape(b.slice(offsets, 2, axis, axis + 1), {batch, count}),
              from),
          kept = b.make<ClipOp>(
              place, b.number(place, -2),
              b.number(place, static_cast<double>(samples.sizes[axis] + 1)));
    samples.axes.push_back(linearTaps(b, kept));
    follows.push_back(b.equal(kept, place));
  }
  Value mask =
      getMask()
          ? b.unsqueeze(b.reshape(b.castAs(getMask(), image), {batch, count}),
                        {1})
          : Value();
  // (n, group, m / group, places), and W as (1, group, m / group, inputs).
  Value byResult = b.reshape(b.castAs(dy[0], image),
                             {images, group, outputs / group, places}),
        weights =
            b.reshape(b.castAs(getW(), image), {1, group, outputs / group, -1}),
        byColumns = b.reshape(b.matmul(b.transposeMatrix(weights), byResult),
                              {batch, channels / offsetGroup, count}),
        bySamples = mask ? b.mul(byColumns, mask) : byColumns;
  SmallVector<Value> gradients(getNumOperands());
  bool wantsMask = b.wants(getMask());
  Value values = b.wants(getW()) || wantsMask ? samples.values() : Value();
  size_t index = 0;
  auto next = [&](Value operand, llvm::function_ref<Value()> rule) {
    if (operand && b.wants(operand))
      gradients[index] = b.castAs(b.reshapeAs(rule(), operand), operand);
    index += operand ? 1 : 0;
  };
  next(getX(), [&] { return samples.byImages(bySamples); });
  next(getW(), [&] {
    Value columns = b.reshape(mask ? b.mul(values, mask) : values,
                              {images, group, -1, places});
    return b.reduceSum(b.matmul(byResult, b.transposeMatrix(columns)), {0},
                       /*keepsDims=*/false);
  });
  next(getOffset(), [&] {
    SmallVector<Value> parts;
    for (auto [sum, is] :
         llvm::zip_equal(samples.byCoordinates(bySamples), follows))
      parts.push_back(b.reshape(b.masked(is, sum), {batch, taps, 1, places}));
    return b.concat(parts, 2);
  });
  next(getB(), [&] { return b.reduceSum(byResult, {0, 3}, false); });
  next(getMask(), [&] {
    return b.reduceSum(b.mul(byColumns, values), {1}, /*keepsDims=*/false);
  });
  return gradients;
}

//===- max_unpool, col2im -------------------------------------------------===//

// With an output shape, zeros stand behind the image that places count in.
SmallVector<Value> MaxUnpoolOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  Value image = dy[0];
  if (getOutputShape()) {
    std::optional<SmallVector<int64_t>> x = b.knownDims(getX());
    if (!x)
      return {};
    int64_t spatial = static_cast<int64_t>(x->size()) - 2;
    auto element = [](std::optional<ArrayRef<int64_t>> list, int64_t index,
                      int64_t otherwise) {
      return list ? (*list)[index] : otherwise;
    };
    for (int64_t axis = 0; axis < spatial; ++axis) {
      int64_t size = ((*x)[2 + axis] - 1) * element(getStrides(), axis, 1) +
                     getKernelShape()[axis] - element(getPads(), axis, 0) -
                     element(getPads(), spatial + axis, 0);
      image = b.slice(image, 2 + axis, 0, size);
    }
  }
  return {b.make<GatherOp>(b.flatten(image), getI(), /*axis=*/0)};
}

// Every element of a block reads where it was added; the border has a place of
// its own, behind the image.
SmallVector<Value> Col2ImOp::differentiate(GradientBuilder &b, ValueRange dy) {
  std::optional<SmallVector<int64_t>> image = b.scope.integers(getImageShape()),
                                      block = b.scope.integers(getBlockShape()),
                                      input = b.knownDims(getInput()),
                                      output = b.knownDims(dy[0]);
  if (!image || !block || !input || !output) {
    b.refuse("the shapes of image and blocks are known only at run time",
             getInput());
    return {};
  }
  size_t spatial = image->size();
  auto element = [](std::optional<ArrayRef<int64_t>> list, size_t index,
                    int64_t otherwise) {
    return list ? (*list)[index] : otherwise;
  };
  SmallVector<int64_t> counts;
  for (size_t axis = 0; axis < spatial; ++axis) {
    int64_t room = (*image)[axis] + element(getPads(), axis, 0) +
                   element(getPads(), spatial + axis, 0) -
                   element(getDilations(), axis, 1) * ((*block)[axis] - 1) - 1;
    counts.push_back(room / element(getStrides(), axis, 1) + 1);
  }
  int64_t elements = productOf(*block), blocks = productOf(counts),
          pixels = productOf(*image);
  SmallVector<int64_t> places;
  for (int64_t inBlock = 0; inBlock < elements; ++inBlock)
    for (int64_t column = 0; column < blocks; ++column) {
      int64_t place = 0, from = inBlock, at = column, scale = 1;
      bool isInside = true;
      for (size_t axis = spatial; axis-- > 0;) {
        int64_t each = at % counts[axis] * element(getStrides(), axis, 1) -
                       element(getPads(), axis, 0) +
                       from % (*block)[axis] * element(getDilations(), axis, 1);
        at /= counts[axis];
        from /= (*block)[axis];
        isInside &= each >= 0 && each < (*image)[axis];
        place += each * scale;
        scale *= (*image)[axis];
      }
      places.push_back(isInside ? place : pixels);
    }
  Value flat = b.reshape(dy[0], {(*output)[0], (*output)[1], pixels}),
        none = b.make<ExpandOp>(b.number(flat, 0),
                                b.integers({(*output)[0], (*output)[1], 1})),
        read = b.make<GatherOp>(b.concat({flat, none}, 2), b.integers(places),
                                /*axis=*/2);
  return {b.reshapeAs(read, getInput())};
}
