// Pooling.cpp - gradients of pools.
#include "ir/Ops.h"
#include "ir/gradients/Windows.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The gradient of a pool whose windows lie side by side: all of it goes to the
/// first greatest element of each. Null for other windows.
static Value toFirst(GradientBuilder &b, MaxPoolOp pool, Value dy) {
  FailureOr<Windows> windows = pool.windows(b.scope);
  if (failed(windows) || windows->isCeil ||
      windows->autoPad == AutoPad::SameUpper ||
      windows->autoPad == AutoPad::SameLower)
    return {};
  int64_t rank = static_cast<int64_t>(windows->rank()), taps = 1;
  SmallVector<int64_t> axes, strides, ends, pads(2 * (2 + rank), 0);
  for (auto [index, axis] : llvm::enumerate(windows->axes)) {
    std::optional<int64_t> size = known(axis.input),
                           count = known(b.scope.dim(
                               dy, 2 + static_cast<int64_t>(index)));
    if (!size || !count || axis.stride != *known(axis.kernel) ||
        axis.dilation != 1 || axis.padLow != 0 || axis.padHigh != 0)
      return {};
    axes.push_back(2 + static_cast<int64_t>(index));
    strides.push_back(axis.stride);
    ends.push_back(*count * axis.stride);
    pads[2 + rank + axes.back()] = *size - ends.back();
    taps *= axis.stride;
  }
  constexpr int64_t kMostTaps = 16;
  std::optional<int64_t> images = known(b.scope.dim(dy, 0)),
                         channels = known(b.scope.dim(dy, 1));
  if (taps > kMostTaps || !images || !channels)
    return {};
  // Which tap is the first greatest one; a number that none has where the
  // greatest is not equal to itself.
  Type number = b.getI8Type();
  Value first = b.scalar(number, taps);
  SmallVector<Attribute> numbers(taps);
  for (int64_t tap = taps; tap-- > 0;) {
    SmallVector<int64_t> starts(rank);
    for (int64_t axis = rank - 1, rest = tap; axis >= 0; --axis) {
      starts[axis] = rest % strides[axis];
      rest /= strides[axis];
    }
    Value here =
        b.make<SliceOp>(pool.getX(), b.integers(starts), b.integers(ends),
                        b.integers(axes), b.integers(strides));
    numbers[tap] = b.getIntegerAttr(number, tap);
    first = b.where(b.equal(here, pool.getY()), b.scalar(number, tap), first);
  }
  // (n, c, positions...) -> (n, c, position, tap, position, tap, ...)
  SmallVector<int64_t> together{*images, *channels}, ofTaps, tapDims;
  for (int64_t axis = 0; axis < rank; ++axis) {
    together.push_back(ends[axis]);
    ofTaps.push_back(2 + 2 * axis + 1);
    if (axis > 0)
      tapDims.push_back(1);
    tapDims.push_back(strides[axis]);
  }
  Value all =
      b.masked(b.equal(b.unsqueeze(first, ofTaps),
                       b.make<ConstantOp>(DenseElementsAttr::get(
                           RankedTensorType::get(tapDims, number), numbers))),
               b.unsqueeze(dy, ofTaps));
  return b.make<PadOp>(b.reshape(all, together), b.integers(pads), Value(),
                       Value(), "constant");
}

// Each element of a result goes back to where it was found.
SmallVector<Value> MaxPoolOp::differentiate(GradientBuilder &b, ValueRange dy) {
  if (Value gradient = toFirst(b, *this, dy[0]))
    return {gradient};
  Value places = getIndices();
  if (!places || getStorageOrder() != 0) {
    // The pool of the network finds out where, too.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(*this);
    auto pool = b.makeMany<MaxPoolOp>(
        2, getX(), /*storage_order=*/b.getI64IntegerAttr(0), getAutoPadAttr(),
        getCeilModeAttr(), getDilationsAttr(), getKernelShapeAttr(),
        getPadsAttr(), getStridesAttr());
    places = pool.getIndices();
    getY().replaceAllUsesWith(pool.getY());
  }
  return {b.addAt(getX(), places, dy[0])};
}

/// A constant of ones in the element type of `like`.
static Value ones(GradientBuilder &b, Value like, ArrayRef<int64_t> dims) {
  Type elementType = getElementTypeOrSelf(like.getType());
  return b.make<ConstantOp>(
      DenseElementsAttr::get(RankedTensorType::get(dims, elementType),
                             b.getFloatAttr(elementType, 1)));
}

/// The sums over all windows that an element is in.
static Value spread(GradientBuilder &b, Value image, Value dy,
                    const Windows &windows) {
  SmallVector<int64_t> taps;
  for (const WindowAxis &axis : windows.axes)
    taps.push_back(*known(axis.kernel));
  auto weights = [&](int64_t channels) {
    SmallVector<int64_t> dims{channels, 1};
    llvm::append_range(dims, taps);
    return ones(b, image, dims);
  };
  if (std::optional<int64_t> channels = known(b.scope.dim(image, 1)))
    return byImage(b, image, dy, weights(*channels), windows, *channels);
  // Every channel is an image of its own.
  int64_t rank = b.rank(image);
  Value images = b.make<ReshapeOp>(
      dy, b.concat({b.integers({-1, 1}), b.shapeOf(dy, 2, rank)}, 0),
      /*allowzero=*/0);
  return b.reshapeAs(byImage(b, image, images, weights(1), windows, 1), image);
}

/// How many elements count in each window, as (1, 1, positions...); null when
/// it is all of them everywhere.
static Value counts(GradientBuilder &b, Value image, const Windows &windows,
                    const Windows &declared, bool countsBorder) {
  bool isFull = true;
  SmallVector<int64_t> sizes{1, 1}, taps{1, 1};
  WindowLists lists(windows);
  int64_t rank = static_cast<int64_t>(windows.rank());
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    const WindowAxis &said = declared.axes[index];
    int64_t &low = lists.pads[index], &high = lists.pads[rank + index];
    std::optional<int64_t> size = known(axis.input);
    sizes.push_back(size.value_or(-1));
    taps.push_back(*known(axis.kernel));
    if (countsBorder && size) {
      // What ceil_mode adds does not count as border.
      sizes.back() += said.padLow + said.padHigh;
      low -= said.padLow;
      high -= said.padHigh;
    } else if (countsBorder && declared.isCeil == windows.isCeil) {
      continue;
    }
    isFull &= low == 0 && high == 0;
  }
  if (isFull)
    return {};
  if (llvm::is_contained(sizes, -1))
    return b.refuse("how many elements are in its windows depends on sizes "
                    "that are known only at run time; --dim or --shape gives "
                    "them",
                    image);
  return b.make<ConvOp>(ones(b, image, sizes), ones(b, image, taps), Value(),
                        b.getStringAttr("NOTSET"),
                        b.getDenseI64ArrayAttr(lists.dilations),
                        b.getI64IntegerAttr(1), DenseI64ArrayAttr(),
                        b.getDenseI64ArrayAttr(lists.pads),
                        b.getDenseI64ArrayAttr(lists.strides));
}

SmallVector<Value> AveragePoolOp::differentiate(GradientBuilder &b,
                                                ValueRange dy) {
  FailureOr<Windows> declared = this->windows(b.scope),
                     windows = withBorders(b, declared);
  if (failed(windows))
    return {};
  if (declared->autoPad != AutoPad::NotSet)
    declared = windows;
  Value count = counts(b, getX(), *windows, *declared, getCountIncludePad());
  int64_t taps = 1;
  for (const WindowAxis &axis : windows->axes)
    taps *= *known(axis.kernel);
  Value share =
      count ? b.div(dy[0], count) : b.mul(dy[0], 1 / static_cast<double>(taps));
  return {spread(b, getX(), share, *windows)};
}

// Y = (sum |x|^p)^(1/p): dY/dx = Y^(1-p) |x|^(p-1) sign(x). Where Y is 0 all of
// its elements are, and the gradient is taken to be 0.
SmallVector<Value> LpPoolOp::differentiate(GradientBuilder &b, ValueRange dy) {
  FailureOr<Windows> windows = withBorders(b, this->windows(b.scope));
  if (failed(windows))
    return {};
  double p = static_cast<double>(getP());
  Value zero = b.number(getY(), 0), isZero = b.equal(getY(), zero),
        y = b.where(isZero, b.number(getY(), 1), getY());
  auto power = [&](Value value, double exponent) {
    return exponent == 1 ? value
                         : b.make<PowOp>(value, b.number(value, exponent));
  };
  Value share = b.where(isZero, zero, b.div(dy[0], power(y, p - 1))),
        sums = spread(b, getX(), share, *windows);
  if (p == 2)
    return {b.mul(sums, getX())};
  Value slope = b.make<SignOp>(getX());
  if (p > 1)
    slope = b.mul(slope, power(b.make<AbsOp>(getX()), p - 1));
  return {b.mul(sums, slope)};
}
