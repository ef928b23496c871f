// Convolution.cpp - sums of products over windows.
#include "ir/Ops.h"
#include "ir/Windows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Convolution.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerConvolution(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Convolution.cpp.inc"
      >();
}

/// The ranks, channels and element types that X, W and B must have. `inAxis` is
/// the axis of W that X's channels go with (whole, or divided by the group),
/// the other axis has the output channels.
template <typename Op>
static LogicalResult checkChannels(Op op, ShapeScope &scope,
                                   bool isTransposed) {
  int64_t xRank = scope.rank(op.getX()), wRank = scope.rank(op.getW()),
          group = op.getGroup();
  if (xRank < 3)
    return op.emitOpError() << "X has rank " << xRank
                            << "; it needs a batch, channels and spatial axes";
  if (wRank != xRank)
    return op.emitOpError()
           << "X has rank " << xRank << " and W has rank " << wRank;
  if (Type elementType = getElementTypeOrSelf(op.getX().getType());
      !elementType.isIntOrFloat() || elementType.isInteger(1))
    return op.emitOpError()
           << "X has elements of " << elementType << ", which are no numbers";
  Type xType = getElementTypeOrSelf(op.getX().getType()),
       wType = getElementTypeOrSelf(op.getW().getType());
  Type sums = isTransposed ? xType : productType(xType, wType);
  for (Value operand : op->getOperands()) {
    Type type = getElementTypeOrSelf(operand.getType());
    bool fits = sums == xType          ? type == xType
                : operand == op.getB() ? type == sums
                                       : type.isInteger(8);
    if (!fits)
      return op.emitOpError()
             << "operands have elements of " << xType << " and " << type;
  }
  if (group < 1)
    return op.emitOpError() << "'group' is " << group;
  Dim channels = scope.dim(op.getX(), 1), first = scope.dim(op.getW(), 0),
      second = scope.dim(op.getW(), 1);
  std::optional<int64_t> has = known(channels), split = known(first),
                         whole = known(second);
  if (isTransposed ? has && split && *has != *split
                   : has && whole && *has != *whole * group)
    return op.emitOpError() << "X has " << *has << " channels, W takes "
                            << (isTransposed ? *split : *whole * group);
  if (split && *split % group != 0)
    return op.emitOpError()
           << "W has " << *split << (isTransposed ? " input" : " output")
           << " channels, which " << group << " groups do not divide";
  if (Value bias = op.getB()) {
    if (scope.rank(bias) != 1)
      return op.emitOpError() << "B has rank " << scope.rank(bias) << ", not 1";
    Dim out = isTransposed ? second * group : first,
        length = scope.dim(bias, 0);
    if (known(out) && known(length) && out != length)
      return op.emitOpError() << "B has " << *known(length) << " elements for "
                              << *known(out) << " output channels";
  }
  return success();
}

static Dims spatial(ArrayRef<Dim> dims) { return Dims(dims.drop_front(2)); }

template <typename Op>
static FailureOr<Windows> windowsOf(Op op, ShapeScope &scope) {
  return Windows::get(op, windowAttributesOf(op),
                      spatial(scope.dims(op.getX())),
                      spatial(scope.dims(op.getW())));
}

FailureOr<Windows> ConvOp::windows(ShapeScope &scope) {
  return windowsOf(*this, scope);
}
FailureOr<Windows> ConvTransposeOp::windows(ShapeScope &scope) {
  return windowsOf(*this, scope);
}

static void requireKernel(Lowering &l, const Windows &windows,
                          ArrayRef<Dim> weights) {
  for (auto [axis, dim] : llvm::zip(windows.axes, weights.drop_front(2)))
    l.requireEqual(axis.kernel, dim, "'kernel_shape' is not the shape of W");
}

/// The body of a sum of products of an image and weights.
static auto addProduct(Type elementType, Type sums) {
  return [=](ImplicitLocOpBuilder &b, ValueRange args) {
    return sum(b, args[2],
               product(b, castScalar(b, args[0], elementType, sums),
                       castScalar(b, args[1], elementType, sums)));
  };
}

static Lowering::Operand loweredOperand(Lowering &l, Value value) {
  return {l.lowered(value), getElementTypeOrSelf(value.getType()), {}};
}

//===- conv ---------------------------------------------------------------===//

LogicalResult ConvOp::inferShapes(ShapeScope &scope) {
  if (failed(checkChannels(*this, scope, /*isTransposed=*/false)))
    return failure();
  FailureOr<Windows> windows = windowsOf(*this, scope);
  if (failed(windows))
    return failure();
  Dims dims{scope.dim(getX(), 0), scope.dim(getW(), 0)};
  llvm::append_range(dims, windows->positions());
  return scope.set(getOperation()->getResult(0),
                   productType(getElementTypeOrSelf(getX().getType()),
                               getElementTypeOrSelf(getW().getType())),
                   dims);
}

FailureOr<SmallVector<Value>> ConvOp::lower(Lowering &l) {
  Windows windows = *windowsOf(*this, l.scope);
  Dims x = l.scope.dims(getX()), w = l.scope.dims(getW());
  Dim channels = w[1] * static_cast<int64_t>(getGroup());
  l.requireEqual(x[1], channels,
                 "W takes another number of channels than X has");
  if (getB())
    l.requireEqual(
        l.scope.dim(getB(), 0), w[0],
        "B has another number of elements than W has output channels");
  requireKernel(l, windows, w);
  Type elementType = getElementTypeOrSelf(getY().getType()),
       sums = sumType(elementType);
  Lowering::Operand image = loweredOperand(l, getX());
  image.tensor = l.withSize(image.tensor, 1, channels);
  Value y =
      convolve(l, image, loweredOperand(l, getW()), windows, getGroup(), sums);
  return SmallVector<Value>{addChannelBias(
      l, y, sums, getB() ? l.lowered(getB()) : Value(), elementType)};
}

//===- conv_transpose -----------------------------------------------------===//

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
  if (failed(checkChannels(*this, scope, /*isTransposed=*/true)))
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

//===- deform_conv --------------------------------------------------------===//

FailureOr<Windows> DeformConvOp::windows(ShapeScope &scope) {
  WindowAttributes attributes{getKernelShape(), getPads(), getStrides(),
                              getDilations()};
  return Windows::get(*this, attributes, spatial(scope.dims(getX())),
                      spatial(scope.dims(getW())));
}

LogicalResult DeformConvOp::inferShapes(ShapeScope &scope) {
  if (failed(checkChannels(*this, scope, /*isTransposed=*/false)))
    return failure();
  FailureOr<Windows> windows = this->windows(scope);
  if (failed(windows))
    return failure();
  if (!isa<FloatType>(getElementTypeOrSelf(getX().getType())))
    return emitOpError() << "X has elements of "
                         << getElementTypeOrSelf(getX().getType())
                         << ", which are no floats";
  int64_t offsetGroup = getOffsetGroup();
  std::optional<int64_t> channels = known(scope.dim(getX(), 1));
  if (offsetGroup < 1 || (channels && *channels % offsetGroup != 0))
    return emitOpError() << "'offset_group' is " << offsetGroup
                         << (channels ? " for " + std::to_string(*channels) +
                                            " channels"
                                      : "");
  Dim taps = scope.constant(offsetGroup);
  for (const WindowAxis &axis : windows->axes) {
    if (!known(axis.kernel))
      return emitOpError() << "the shape of W is not known when compiling";
    taps = taps * axis.kernel;
  }
  Dims positions = windows->positions();
  auto check = [&](Value operand, StringRef name, Dim second) {
    Dims expected{scope.dim(getX(), 0), second};
    llvm::append_range(expected, positions);
    return checkDims(*this, scope, operand, name, expected);
  };
  if (failed(check(getOffset(), "'offset'",
                   taps * static_cast<int64_t>(positions.size()))) ||
      (getMask() && failed(check(getMask(), "'mask'", taps))))
    return failure();
  Dims dims{scope.dim(getX(), 0), scope.dim(getW(), 0)};
  llvm::append_range(dims, positions);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getX().getType()), dims);
}

/// The elements that the taps of a deformed window see: (n, channels, taps...,
/// positions...), in f32 or f64.
static Value deformedTaps(DeformConvOp op, Lowering &l, const Windows &windows,
                          Type sums) {
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  unsigned rank = windows.rank();
  Dims x = l.scope.dims(op.getX());
  SmallVector<OpFoldResult> sizes{l.size(x[0]), l.size(x[1])};
  SmallVector<int64_t> taps;
  for (const WindowAxis &axis : windows.axes) {
    taps.push_back(*known(axis.kernel));
    sizes.push_back(l.getIndexAttr(taps.back()));
  }
  llvm::append_range(sizes, l.sizes(windows.positions()));
  SmallVector<Value> bounds = llvm::map_to_vector(
      spatial(x), [&](Dim dim) { return l.index(l.size(dim)); });
  Value perOffsetGroup = l.createOrFold<arith::DivUIOp>(
      l.index(sizes[1]), l.index(op.getOffsetGroup()));
  Value source = l.lowered(op.getX()), offsets = l.lowered(op.getOffset()),
        mask = op.getMask() ? l.lowered(op.getMask()) : Value();
  return l.generate(
      sums, sizes, [&](ImplicitLocOpBuilder &b, ValueRange loops) {
        auto constant = [&](int64_t value) -> Value {
          return arith::ConstantIndexOp::create(b, value);
        };
        auto number = [&](double value) -> Value {
          return arith::ConstantOp::create(b, b.getFloatAttr(sums, value));
        };
        ValueRange tapLoops = loops.slice(2, rank),
                   positionLoops = loops.drop_front(2 + rank);
        auto read = [&](Value tensor, ValueRange indices) {
          return castScalar(
              b,
              loadScalar(b, tensor::ExtractOp::create(b, tensor, indices),
                         elementType),
              elementType, sums);
        };
        // The tap as one number, counted within its offset group.
        Value tap = arith::DivUIOp::create(b, loops[1], perOffsetGroup);
        for (unsigned axis = 0; axis < rank; ++axis)
          tap = arith::AddIOp::create(
              b, arith::MulIOp::create(b, tap, constant(taps[axis])),
              tapLoops[axis]);
        SmallVector<Value> at{loops[0], tap};
        llvm::append_range(at, positionLoops);
        SmallVector<Value> whole, part;
        for (unsigned axis = 0; axis < rank; ++axis) {
          const WindowAxis &window = windows.axes[axis];
          SmallVector<Value> offsetAt(at);
          offsetAt[1] = arith::AddIOp::create(
              b, arith::MulIOp::create(b, tap, constant(rank)), constant(axis));
          Value start = arith::SubIOp::create(
              b,
              arith::MulIOp::create(b, positionLoops[axis],
                                    constant(window.stride)),
              constant(window.padLow));
          Value index = arith::AddIOp::create(
              b, start,
              arith::MulIOp::create(b, tapLoops[axis],
                                    constant(window.dilation)));
          Value regular = arith::SIToFPOp::create(
              b, sums, arith::IndexCastOp::create(b, b.getI64Type(), index));
          Value place =
              arith::AddFOp::create(b, regular, read(offsets, offsetAt));
          // Far outside (or NaN) is outside, and fits an integer.
          Value length = arith::SIToFPOp::create(
              b, sums,
              arith::IndexCastOp::create(b, b.getI64Type(), bounds[axis]));
          place = arith::MinNumFOp::create(
              b, arith::MaxNumFOp::create(b, place, number(-2)),
              arith::AddFOp::create(b, length, number(1)));
          Value floor = math::FloorOp::create(b, place);
          part.push_back(arith::SubFOp::create(b, place, floor));
          whole.push_back(arith::IndexCastOp::create(
              b, b.getIndexType(),
              arith::FPToSIOp::create(b, b.getI64Type(), floor)));
        }
        Value total = number(0);
        for (unsigned corner = 0; corner < 1u << rank; ++corner) {
          Value weight = number(1), isInside;
          SmallVector<Value> from{loops[0], loops[1]};
          for (unsigned axis = 0; axis < rank; ++axis) {
            bool isNext = corner >> axis & 1;
            Value index =
                isNext ? arith::AddIOp::create(b, whole[axis], constant(1))
                             .getResult()
                       : whole[axis];
            weight = arith::MulFOp::create(
                b, weight,
                isNext ? part[axis]
                       : arith::SubFOp::create(b, number(1), part[axis])
                             .getResult());
            Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                                 index, bounds[axis]);
            isInside =
                isInside
                    ? arith::AndIOp::create(b, isInside, inside).getResult()
                    : inside;
            from.push_back(
                arith::SelectOp::create(b, inside, index, constant(0)));
          }
          Value element = arith::MulFOp::create(b, read(source, from), weight);
          total = arith::AddFOp::create(
              b, total,
              arith::SelectOp::create(b, isInside, element, number(0)));
        }
        return mask
                   ? arith::MulFOp::create(b, total, read(mask, at)).getResult()
                   : total;
      });
}

FailureOr<SmallVector<Value>> DeformConvOp::lower(Lowering &l) {
  MLIRContext *context = l.getContext();
  Windows windows = *this->windows(l.scope);
  Dims x = l.scope.dims(getX()), w = l.scope.dims(getW()),
       positions = windows.positions();
  int64_t group = getGroup();
  unsigned rank = windows.rank();
  l.requireEqual(x[1], w[1] * group,
                 "W takes another number of channels than X has");
  requireKernel(l, windows, w);
  Dim none = l.scope.constant(0), taken = l.scope.constant(getOffsetGroup());
  l.requireEqual(x[1] % getOffsetGroup(), none,
                 "offset groups do not share the channels of X");
  for (const WindowAxis &axis : windows.axes)
    taken = taken * axis.kernel;
  for (Value operand : {getOffset(), getMask()}) {
    if (!operand)
      continue;
    Dims dims = l.scope.dims(operand);
    l.requireEqual(dims[0], x[0], "offsets or mask are for another batch");
    l.requireEqual(dims[1],
                   operand == getOffset() ? taken * static_cast<int64_t>(rank)
                                          : taken,
                   "offsets or mask are for other taps");
    for (unsigned axis = 0; axis < rank; ++axis)
      l.requireEqual(dims[2 + axis], positions[axis],
                     "offsets or mask are for another number of positions");
  }
  Type elementType = getElementTypeOrSelf(getX().getType()),
       sums = sumType(elementType);
  // An empty axis has nothing to clamp to.
  for (const WindowAxis &axis : windows.axes)
    if (!known(axis.input) || isKnown(axis.input, 0))
      l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::sgt,
                                      l.index(l.size(axis.input)), l.index(0)),
                Status::BadShape, "X has an empty axis");
  (void)windows.borders(l);
  Value taps = deformedTaps(*this, l, windows, sums);
  OpFoldResult groups = l.getIndexAttr(group);
  OpFoldResult outChannels = getAsOpFoldResult(
      l.createOrFold<arith::DivUIOp>(l.index(l.size(w[0])), l.index(groups)));
  taps = l.split(taps, 1, {groups, l.size(w[1])});
  Value weights = l.split(l.lowered(getW()), 0, {groups, outChannels});
  // Loops: batch, group, output channel, positions, input channel, taps.
  unsigned loops = 4 + 2 * rank, inLoop = 3 + rank;
  auto loop = [&](unsigned index) { return getAffineDimExpr(index, context); };
  SmallVector<AffineExpr> tapExprs{loop(0), loop(1), loop(inLoop)},
      weightExprs{loop(1), loop(2), loop(inLoop)},
      yExprs{loop(0), loop(1), loop(2)};
  for (unsigned axis = 0; axis < rank; ++axis) {
    tapExprs.push_back(loop(inLoop + 1 + axis));
    weightExprs.push_back(loop(inLoop + 1 + axis));
    yExprs.push_back(loop(3 + axis));
  }
  for (unsigned axis = 0; axis < rank; ++axis)
    tapExprs.push_back(loop(3 + axis));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), inLoop, utils::IteratorType::parallel);
  SmallVector<OpFoldResult> sizes{l.size(x[0]), groups, outChannels};
  llvm::append_range(sizes, l.sizes(positions));
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(loops, 0, exprs, context);
  };
  Value y =
      l.reduce(l.filled(sums, sizes, l.zero(sums)), sums, mapOf(yExprs),
               {{taps, sums, mapOf(tapExprs)},
                {weights, elementType, mapOf(weightExprs)}},
               iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
                 return sum(b, args[2],
                            product(b, args[0],
                                    castScalar(b, args[1], elementType, sums)));
               });
  return SmallVector<Value>{addChannelBias(l, l.merge(y, 1, 2), sums,
                                           getB() ? l.lowered(getB()) : Value(),
                                           elementType)};
}
