// ConvTranspose.cpp - what a convolution is the gradient of.
#include "ir/Ops.h"
#include "ir/ops/Convolution.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

FailureOr<Windows> ConvTransposeOp::windows(ShapeScope &scope) {
  return windowsOf(*this, scope);
}

namespace {
/// Where the windows of a transposed convolution end up along one axis: all of
/// them together cover `full` elements, of which (or of what lies around)
/// `size` are the result, from `low` on.
struct Spread {
  Dim full, size, low;
};
} // namespace

static FailureOr<SmallVector<Spread>> spreadsOf(ConvTransposeOp op,
                                                const Windows &windows) {
  size_t rank = windows.rank();
  FailureOr<SmallVector<int64_t>> extra =
      axisValues(op, "output_padding", op.getOutputPadding(), rank, 0, 0);
  FailureOr<SmallVector<int64_t>> wanted =
      axisValues(op, "output_shape", op.getOutputShape(), rank, -1, 0);
  if (failed(extra) || failed(wanted))
    return failure();
  SmallVector<Spread> spreads;
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    Dim full = (axis.input - 1) * axis.stride + axis.extent(), size;
    int64_t said = (*wanted)[index];
    bool isSame = windows.autoPad == AutoPad::SameUpper ||
                  windows.autoPad == AutoPad::SameLower;
    if (said < 0 && !isSame) {
      spreads.push_back({full,
                         full + ((*extra)[index] - axis.padLow - axis.padHigh),
                         getAffineConstantExpr(axis.padLow, op.getContext())});
      continue;
    }
    // The borders are what is too much; negative ones are zeros around.
    size = said >= 0 ? getAffineConstantExpr(said, op.getContext())
                     : axis.input * axis.stride;
    Dim beyond = said >= 0 ? full + ((*extra)[index] - said)
                           : axis.extent() + ((*extra)[index] - axis.stride);
    Dim lesser = beyond.floorDiv(2);
    spreads.push_back(
        {full, size,
         windows.autoPad == AutoPad::SameUpper ? lesser : beyond - lesser});
  }
  return spreads;
}

LogicalResult ConvTransposeOp::inferShapes(ShapeScope &scope) {
  if (failed(checkChannels(*this, windowOperandsOf(*this), scope,
                           /*isTransposed=*/true)))
    return failure();
  FailureOr<Windows> windows = windowsOf(*this, scope);
  if (failed(windows))
    return failure();
  FailureOr<SmallVector<Spread>> spreads = spreadsOf(*this, *windows);
  if (failed(spreads))
    return failure();
  Dims dims{scope.dim(getX(), 0),
            scope.dim(getW(), 1) * static_cast<int64_t>(getGroup())};
  for (const Spread &spread : *spreads)
    dims.push_back(spread.size);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getX().getType()), dims);
}

/// The products of a transposed convolution: (n, channels, taps...,
/// spatial...).
static Value spreadProducts(ConvTransposeOp op, Lowering &l,
                            const Windows &windows, Type sums) {
  MLIRContext *context = l.getContext();
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  int64_t group = op.getGroup();
  unsigned rank = windows.rank(), groupLoops = group != 1,
           loops = 3 + groupLoops + 2 * rank, inLoop = loops - 1;
  SmallVector<OpFoldResult> xSizes = l.sizesOf(l.lowered(op.getX())),
                            wSizes = l.sizesOf(l.lowered(op.getW()));
  Value x = l.lowered(op.getX()), w = l.lowered(op.getW());
  SmallVector<OpFoldResult> sizes{xSizes[0]};
  auto loopExpr = [&](unsigned index) {
    return getAffineDimExpr(index, context);
  };
  SmallVector<AffineExpr> xExprs{loopExpr(0)}, wExprs;
  if (groupLoops) {
    OpFoldResult groups = l.getIndexAttr(group);
    OpFoldResult channels = getAsOpFoldResult(
        l.createOrFold<arith::DivUIOp>(l.index(xSizes[1]), l.index(groups)));
    x = l.split(x, 1, {groups, channels});
    w = l.split(w, 0, {groups, channels});
    sizes.push_back(groups);
    xExprs.push_back(loopExpr(1));
    wExprs.push_back(loopExpr(1));
  }
  sizes.push_back(wSizes[1]);
  xExprs.push_back(loopExpr(inLoop));
  llvm::append_values(wExprs, loopExpr(inLoop), loopExpr(1 + groupLoops));
  for (unsigned axis = 0; axis < rank; ++axis) {
    unsigned first = 2 + groupLoops;
    xExprs.push_back(loopExpr(first + rank + axis));
    wExprs.push_back(loopExpr(first + axis));
  }
  llvm::append_range(sizes, ArrayRef(wSizes).drop_front(2));
  llvm::append_range(sizes, ArrayRef(xSizes).drop_front(2));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Value products =
      l.reduce(l.filled(sums, sizes, l.zero(sums)), sums,
               l.getMultiDimIdentityMap(loops).dropResult(inLoop),
               {{x, elementType, AffineMap::get(loops, 0, xExprs, context)},
                {w, elementType, AffineMap::get(loops, 0, wExprs, context)}},
               iterators, addProduct(elementType, sums));
  return groupLoops ? l.merge(products, 1, 2) : products;
}

/// Adds up products (n, channels, taps..., spatial...) where they belong: at
/// spatial * stride + tap * dilation.
static Value addUp(Lowering &l, Value products, const Windows &windows,
                   ArrayRef<Spread> spreads, Type sums) {
  MLIRContext *context = l.getContext();
  unsigned rank = windows.rank(), loops = 2 + 2 * rank;
  SmallVector<OpFoldResult> sizes = l.sizesOf(products);
  sizes.resize(2);
  for (const Spread &spread : spreads)
    sizes.push_back(l.size(spread.full));
  SmallVector<AffineExpr> exprs{getAffineDimExpr(0, context),
                                getAffineDimExpr(1, context)};
  llvm::append_range(exprs, windows.indices(context, 2 + rank, 2));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  iterators[0] = iterators[1] = utils::IteratorType::parallel;
  return l.reduce(l.filled(sums, sizes, l.zero(sums)), sums,
                  AffineMap::get(loops, 0, exprs, context),
                  {{products, sums, l.getMultiDimIdentityMap(loops)}},
                  iterators, [](ImplicitLocOpBuilder &b, ValueRange args) {
                    return sum(b, args[1], args[0]);
                  });
}

/// One axis of a transposed convolution whose results are sums over taps.
/// Result stride * position + phase takes tap stride * tap + phase of the
/// element position - tap; with a stride of 1, of the element position -
/// dilation * tap.
namespace {
struct PhasedAxis {
  PhasedAxis(const WindowAxis &axis, const Spread &spread)
      : stride(axis.stride), kernel(*known(axis.kernel)),
        low(*known(spread.low)), shift(shiftOf(kernel, low, stride)),
        taps(llvm::divideCeil(kernel + shift, stride)),
        step(stride == 1 ? axis.dilation : 1), reach((taps - 1) * step),
        first(llvm::divideFloorSigned(low + shift, stride)),
        positions((spread.size + (low + shift + stride - 1)).floorDiv(stride) -
                  first) {}

  static bool fits(const WindowAxis &axis, const Spread &spread) {
    return known(axis.kernel) && known(spread.low) &&
           (axis.stride == 1 || axis.dilation == 1);
  }

  /// Taps of zeros before the first with which results begin with a whole
  /// position, where these fill what the last tap leaves of its phases.
  static int64_t shiftOf(int64_t kernel, int64_t low, int64_t stride) {
    int64_t shift = llvm::mod(-low, stride);
    return llvm::divideCeil(kernel + shift, stride) ==
                   llvm::divideCeil(kernel, stride)
               ? shift
               : 0;
  }
  /// Whether some phases have fewer taps than others, with zeros in their place
  /// if they are summed up as one.
  bool isUneven() const { return taps * stride != kernel; }
  /// The taps of a phase that are no such zeros: the first of them, their
  /// number, and where in the kernel the first is.
  int64_t firstTap(int64_t phase) const {
    return llvm::divideCeilSigned(shift - phase, stride);
  }
  int64_t tapCount(int64_t phase) const {
    return llvm::divideFloorSigned(kernel - 1 + shift - phase, stride) + 1 -
           firstTap(phase);
  }
  int64_t firstInKernel(int64_t phase) const {
    return firstTap(phase) * stride + phase - shift;
  }
  /// Of the first result among those of the first position.
  int64_t before() const { return low + shift - first * stride; }

  int64_t stride, kernel, low, shift, taps, step;
  /// How far before its position a result begins to read.
  int64_t reach;
  /// The positions that have results.
  int64_t first;
  Dim positions;
};
} // namespace

static OpFoldResult atLeastZero(Lowering &l, OpFoldResult size) {
  return getAsOpFoldResult(
      l.createOrFold<arith::MaxSIOp>(l.index(size), l.index(0)));
}

/// The elements that results read: from first - reach on, zeros beyond the
/// ends.
static Value readByPhases(Lowering &l, Value x, Type elementType,
                          const Windows &windows, ArrayRef<PhasedAxis> axes) {
  SmallVector<OpFoldResult> low(2, l.getIndexAttr(0)),
      high = low, offsets = low, sizes = l.sizesOf(x);
  sizes.resize(2);
  bool isWhole = true;
  for (auto [axis, window] : llvm::zip_equal(axes, windows.axes)) {
    int64_t begin = axis.first - axis.reach;
    Dim length = axis.positions + axis.reach,
        beyond = length + begin - window.input;
    low.push_back(l.getIndexAttr(std::max<int64_t>(0, -begin)));
    high.push_back(atLeastZero(l, l.size(beyond)));
    offsets.push_back(l.getIndexAttr(std::max<int64_t>(0, begin)));
    sizes.push_back(l.size(length));
    isWhole &= begin <= 0 && known(beyond).value_or(-1) >= 0;
  }
  Value padded = l.pad(x, elementType, low, high, l.zero(elementType));
  if (isWhole)
    return padded;
  SmallVector<OpFoldResult> strides(sizes.size(), l.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(l, padded, offsets, sizes, strides);
}

/// The phases of a transposed convolution one by one, each with its own taps:
/// of 3x3 taps in steps of two, 9 products for four results instead of 16, and
/// of 1x1 taps one. Without groups, and with channels enough to fill vectors by
/// themselves.
static Value sumEachPhase(Lowering &l, Value x, Value w, Type elementType,
                          Type sums, ArrayRef<PhasedAxis> axes) {
  MLIRContext *context = l.getContext();
  unsigned rank = axes.size(), inLoop = 2 + 2 * rank, loops = inLoop + 1 + rank;
  SmallVector<OpFoldResult> sizes{l.sizesOf(x)[0], l.sizesOf(w)[1]};
  int64_t count = 1;
  bool isFull = true;
  for (const PhasedAxis &axis : axes) {
    llvm::append_values(sizes, l.size(axis.positions),
                        l.getIndexAttr(axis.stride));
    count *= axis.stride;
    for (int64_t phase = 0; phase < axis.stride; ++phase)
      isFull &= axis.tapCount(phase) > 0;
  }
  Value y = isFull ? l.empty(sums, sizes) : l.filled(sums, sizes, l.zero(sums));
  auto loop = [&](unsigned index) { return getAffineDimExpr(index, context); };
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), inLoop, utils::IteratorType::parallel);
  OpFoldResult one = l.getIndexAttr(1);
  for (int64_t index = 0; index < count; ++index) {
    SmallVector<AffineExpr> xExprs{loop(0), loop(inLoop)},
        wExprs{loop(inLoop), loop(1)};
    SmallVector<OpFoldResult> from(2, l.getIndexAttr(0)), steps(2, one),
        taken = l.sizesOf(w), to(sizes.size(), l.getIndexAttr(0)), part(sizes);
    int64_t rest = index;
    bool hasTaps = true;
    for (auto [place, axis] : llvm::enumerate(axes)) {
      int64_t phase = rest % axis.stride;
      rest /= axis.stride;
      AffineExpr tap = loop(inLoop + 1 + place);
      hasTaps &= axis.tapCount(phase) > 0;
      xExprs.push_back(loop(2 + 2 * place) + axis.reach -
                       (tap + axis.firstTap(phase)) * axis.step);
      wExprs.push_back(tap);
      from.push_back(l.getIndexAttr(axis.firstInKernel(phase)));
      steps.push_back(l.getIndexAttr(axis.stride));
      taken[2 + place] = l.getIndexAttr(axis.tapCount(phase));
      part[3 + 2 * place] = one;
      to[3 + 2 * place] = l.getIndexAttr(phase);
    }
    if (!hasTaps)
      continue;
    Value weights = tensor::ExtractSliceOp::create(l, w, from, taken, steps);
    AffineMap yMap = AffineMap::getMultiDimIdentityMap(loops, context)
                         .getMajorSubMap(inLoop);
    Value results = l.reduce(
        l.filled(sums, part, l.zero(sums)), sums, yMap,
        {{x, elementType, AffineMap::get(loops, 0, xExprs, context)},
         {weights, elementType, AffineMap::get(loops, 0, wExprs, context)}},
        iterators, addProduct(elementType, sums));
    y = tensor::InsertSliceOp::create(
        l, results, y, to, part, SmallVector<OpFoldResult>(sizes.size(), one));
  }
  for (unsigned index = 0; index < rank; ++index)
    y = l.merge(y, 2 + index, 2);
  return y;
}

/// Whether that is better than all phases as one.
static bool phasesPay(ConvTransposeOp op, ArrayRef<PhasedAxis> axes) {
  constexpr int64_t kLeastChannels = 16;
  auto x = cast<ShapedType>(op.getX().getType()),
       w = cast<ShapedType>(op.getW().getType());
  return op.getGroup() == 1 && x.hasStaticShape() && w.hasStaticShape() &&
         w.getDimSize(1) >= kLeastChannels &&
         llvm::any_of(axes,
                      [](const PhasedAxis &axis) { return axis.isUneven(); }) &&
         llvm::all_of(axes,
                      [](const PhasedAxis &axis) { return axis.stride > 1; });
}

/// The transposed convolution as a convolution with stride^rank results at each
/// position, which lie in the result as they shall: (n, channels, spatial...).
static Value sumByPhases(ConvTransposeOp op, Lowering &l,
                         const Windows &windows, ArrayRef<PhasedAxis> axes,
                         Type sums) {
  MLIRContext *context = l.getContext();
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  int64_t group = op.getGroup();
  bool isGrouped = group != 1;
  Value x = readByPhases(l, l.lowered(op.getX()), elementType, windows, axes),
        w = l.lowered(op.getW());
  if (phasesPay(op, axes))
    return sumEachPhase(l, x, w, elementType, sums, axes);
  SmallVector<OpFoldResult> low(2 + axes.size(), l.getIndexAttr(0)), high = low;
  for (auto [index, axis] : llvm::enumerate(axes)) {
    low[2 + index] = l.getIndexAttr(axis.shift);
    high[2 + index] =
        l.getIndexAttr(axis.taps * axis.stride - axis.kernel - axis.shift);
  }
  w = l.pad(w, elementType, low, high, l.zero(elementType));
  for (size_t index = axes.size(); index-- > 0;)
    if (axes[index].stride != 1)
      w = l.split(w, 2 + index,
                  {l.getIndexAttr(axes[index].taps),
                   l.getIndexAttr(axes[index].stride)});
  SmallVector<OpFoldResult> sizes{l.sizesOf(x)[0]};
  OpFoldResult outChannels = l.sizesOf(w)[1];
  if (isGrouped) {
    OpFoldResult groups = l.getIndexAttr(group);
    OpFoldResult channels = getAsOpFoldResult(l.createOrFold<arith::DivUIOp>(
        l.index(l.sizesOf(x)[1]), l.index(groups)));
    x = l.split(x, 1, {groups, channels});
    w = l.split(w, 0, {groups, channels});
    sizes.push_back(groups);
  }
  sizes.push_back(outChannels);

  // Loops: batch, [group], output channel, position and phase of each axis,
  // input channel, taps.
  unsigned loops = 3 + isGrouped + 2 * axes.size();
  for (const PhasedAxis &axis : axes)
    loops += axis.stride != 1;
  unsigned inLoop = loops - 1 - axes.size(), next = 2 + isGrouped;
  auto loop = [&](unsigned index) { return getAffineDimExpr(index, context); };
  SmallVector<AffineExpr> xExprs{loop(0)}, wExprs;
  if (isGrouped) {
    xExprs.push_back(loop(1));
    wExprs.push_back(loop(1));
  }
  xExprs.push_back(loop(inLoop));
  llvm::append_values(wExprs, loop(inLoop), loop(1 + isGrouped));
  for (auto [index, axis] : llvm::enumerate(axes)) {
    AffineExpr tap = loop(inLoop + 1 + index);
    xExprs.push_back(loop(next++) + axis.reach - tap * axis.step);
    sizes.push_back(l.size(axis.positions));
    wExprs.push_back(tap);
    if (axis.stride == 1)
      continue;
    wExprs.push_back(loop(next++));
    sizes.push_back(l.getIndexAttr(axis.stride));
  }
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), inLoop, utils::IteratorType::parallel);
  SmallVector<AffineExpr> yExprs;
  for (unsigned index = 0; index < inLoop; ++index)
    yExprs.push_back(loop(index));
  Value y =
      l.reduce(l.filled(sums, sizes, l.zero(sums)), sums,
               AffineMap::get(loops, 0, yExprs, context),
               {{x, elementType, AffineMap::get(loops, 0, xExprs, context)},
                {w, elementType, AffineMap::get(loops, 0, wExprs, context)}},
               iterators, addProduct(elementType, sums));
  if (isGrouped)
    y = l.merge(y, 1, 2);
  for (auto [index, axis] : llvm::enumerate(axes))
    if (axis.stride != 1)
      y = l.merge(y, 2 + index, 2);
  return y;
}

FailureOr<SmallVector<Value>> ConvTransposeOp::lower(Lowering &l) {
  Windows windows = *windowsOf(*this, l.scope);
  SmallVector<Spread> spreads = *spreadsOf(*this, windows);
  Dims w = l.scope.dims(getW());
  l.requireEqual(l.scope.dim(getX(), 1), w[0],
                 "W takes another number of channels than X has");
  if (getB())
    l.requireEqual(
        l.scope.dim(getB(), 0), w[1] * static_cast<int64_t>(getGroup()),
        "B has another number of elements than there are output channels");
  requireKernel(l, windows, w);
  Type elementType = getElementTypeOrSelf(getX().getType()),
       sums = sumType(elementType);
  for (const Spread &spread : spreads)
    if (!known(spread.size))
      l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::sge,
                                      l.index(l.size(spread.size)), l.index(0)),
                Status::BadShape, "borders are larger than the result");
  auto finish = [&](Value y) {
    return SmallVector<Value>{addChannelBias(
        l, y, sums, getB() ? l.lowered(getB()) : Value(), elementType)};
  };
  SmallVector<OpFoldResult> offsets(2, l.getIndexAttr(0)),
      strides(2 + windows.rank(), l.getIndexAttr(1));
  auto cut = [&](Value y) {
    SmallVector<OpFoldResult> sizes = l.sizesOf(y);
    for (auto [index, spread] : llvm::enumerate(spreads))
      sizes[2 + index] = l.size(spread.size);
    return tensor::ExtractSliceOp::create(l, y, offsets, sizes, strides)
        .getResult();
  };
  bool isWhole = true;
  if (llvm::all_of_zip(windows.axes, spreads, PhasedAxis::fits)) {
    SmallVector<PhasedAxis> axes;
    for (auto [window, spread] : llvm::zip_equal(windows.axes, spreads)) {
      const PhasedAxis &axis = axes.emplace_back(window, spread);
      offsets.push_back(l.getIndexAttr(axis.before()));
      isWhole &=
          axis.before() == 0 && axis.positions * axis.stride == spread.size;
    }
    Value y = sumByPhases(*this, l, windows, axes, sums);
    return finish(isWhole ? y : cut(y));
  }

  // Cut the result out; what lies around is zeros.
  Value y =
      addUp(l, spreadProducts(*this, l, windows, sums), windows, spreads, sums);
  SmallVector<OpFoldResult> full = l.sizesOf(y),
                            low(full.size(), l.getIndexAttr(0)), high = low;
  for (auto [index, spread] : llvm::enumerate(spreads)) {
    size_t axis = 2 + index;
    isWhole &= isKnown(spread.low, 0) && spread.size == spread.full;
    OpFoldResult from = l.size(spread.low), size = l.size(spread.size);
    low[axis] = atLeastZero(l, subIndex(l, l.getIndexAttr(0), from));
    high[axis] =
        atLeastZero(l, subIndex(l, addIndex(l, from, size), full[axis]));
    offsets.push_back(addIndex(l, from, low[axis]));
  }
  return finish(isWhole ? y : cut(l.pad(y, sums, low, high, l.zero(sums))));
}
