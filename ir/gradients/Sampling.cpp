// Sampling.cpp - gradients of images read at places between their elements:
// each sample is a sum of weighed elements, its taps, and weights change with
// the place.
#include "ir/Ops.h"
#include "ir/Types.h"
#include "ir/gradients/Windows.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

namespace {
/// What a sample reads along one axis: the element at `place` (a whole float),
/// its weight, and by how much that grows with the coordinate (null: not at
/// all).
struct Tap {
  Value place, weight, slope;
};

/// Samples (B, C, P) of images (B, C, elements): each of B images has P places
/// of its own, which all its channels share.
struct Samples {
  GradientBuilder &b;
  Value images;
  SmallVector<int64_t> sizes;
  /// For each spatial axis its taps, as (B, P).
  SmallVector<SmallVector<Tap>> axes;
  /// What lies outside counts as 0; else it is the nearest element.
  bool dropsOutside;

  /// The samples themselves.
  Value values();
  /// The gradients by the images and by the coordinates of each axis.
  Value byImages(Value dy);
  SmallVector<Value> byCoordinates(Value dy);

private:
  /// One choice of a tap for each axis: the flat position, and where it counts.
  struct Choice {
    Value position, isInside;
    SmallVector<const Tap *> taps;
  };
  void forEach(llvm::function_ref<void(const Choice &)> visit);
  /// The positions of a choice for all channels, and the elements there.
  Value positions(const Choice &choice);
  Value elements(const Choice &choice) {
    return b.make<GatherElementsOp>(images, positions(choice), /*axis=*/2);
  }
  /// The product of weights, but for the slope along one axis, as (B, P); null
  /// where it is 0.
  Value factor(const Choice &choice, int64_t sloped = -1);
};
} // namespace

void Samples::forEach(llvm::function_ref<void(const Choice &)> visit) {
  size_t count = 1;
  for (ArrayRef<Tap> taps : axes)
    count *= taps.size();
  for (size_t index = 0; index < count; ++index) {
    Choice choice;
    size_t rest = index;
    for (auto [taps, size] : llvm::zip_equal(axes, sizes)) {
      const Tap &tap = taps[rest % taps.size()];
      rest /= taps.size();
      choice.taps.push_back(&tap);
      Value zero = b.number(tap.place, 0),
            last = b.number(tap.place, static_cast<double>(size - 1)),
            nearest = b.make<ClipOp>(tap.place, zero, last),
            whole = b.make<CastOp>(nearest, onnxType(b.getI64Type()));
      choice.position =
          choice.position
              ? b.add(b.mul(choice.position, b.integer(size)), whole)
              : whole;
      if (!dropsOutside)
        continue;
      Value is = b.equal(nearest, tap.place);
      choice.isInside =
          choice.isInside ? b.make<AndOp>(choice.isInside, is) : is;
    }
    visit(choice);
  }
}

Value Samples::positions(const Choice &choice) {
  Dims dims = b.scope.dims(images);
  return b.make<ExpandOp>(
      b.unsqueeze(choice.position, {1}),
      b.integers({*known(dims[0]), *known(dims[1]),
                  *known(b.scope.dim(choice.position, 1))}));
}

Value Samples::factor(const Choice &choice, int64_t sloped) {
  Value product;
  for (auto [axis, tap] : llvm::enumerate(choice.taps)) {
    Value each =
        static_cast<int64_t>(axis) == sloped ? tap->slope : tap->weight;
    if (!each)
      return {};
    product = product ? b.mul(product, each) : each;
  }
  return choice.isInside ? b.masked(choice.isInside, product) : product;
}

Value Samples::values() {
  Value total;
  forEach([&](const Choice &choice) {
    Value part = b.mul(elements(choice), b.unsqueeze(factor(choice), {1}));
    total = total ? b.add(total, part) : part;
  });
  return total;
}

Value Samples::byImages(Value dy) {
  Value sums = b.zerosLike(images);
  forEach([&](const Choice &choice) {
    sums = b.make<ScatterElementsOp>(
        sums, positions(choice), b.mul(dy, b.unsqueeze(factor(choice), {1})),
        /*axis=*/2, "add");
  });
  return sums;
}

SmallVector<Value> Samples::byCoordinates(Value dy) {
  SmallVector<Value> sums(axes.size());
  forEach([&](const Choice &choice) {
    Value along;
    for (auto [axis, sum] : llvm::enumerate(sums)) {
      Value slope = factor(choice, static_cast<int64_t>(axis));
      if (!slope)
        continue;
      if (!along)
        along = b.reduceSum(b.mul(dy, elements(choice)), {1},
                            /*keepsDims=*/false);
      Value part = b.mul(along, slope);
      sum = sum ? b.add(sum, part) : part;
    }
  });
  return sums;
}

static Value floorOf(GradientBuilder &b, Value value) {
  return b.make<FloorOp>(value);
}

/// The two elements around a coordinate, nearer ones weighing more.
static SmallVector<Tap> linearTaps(GradientBuilder &b, Value coordinate) {
  Value first = floorOf(b, coordinate), rest = b.sub(coordinate, first);
  return {{first, b.sub(1, rest), b.number(rest, -1)},
          {b.add(first, 1), rest, b.number(rest, 1)}};
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

/// A value in f32, or in f64 where it is that: the type of coordinates.
static Value wide(GradientBuilder &b, Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  if (type.isF64() || type.isF32())
    return value;
  return b.make<CastOp>(value, onnxType(b.getF32Type()));
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

//===- roi_align ----------------------------------------------------------===//

// Each region is an image of its own. Along a side, sample i of n lies at
// (1 - t) * start + t * end with t = (i + 1/2) / n.
SmallVector<Value> RoiAlignOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  std::optional<SmallVector<int64_t>> x = b.knownDims(getX()),
                                      rois = b.knownDims(getRois());
  if (!x || !rois)
    return {};
  int64_t ratio = static_cast<int64_t>(getSamplingRatio());
  if (getMode() != "avg" || ratio == 0) {
    b.refuse(getMode() != "avg"
                 ? "its mode is \"max\""
                 : "how many samples it takes depends on the regions "
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
  Value gradient = b.mul(b.masked(b.unsqueeze(isInside, {1}),
                                  b.reshape(spread, {regions, channels, -1})),
                         1 / static_cast<double>(ratio * ratio));
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
