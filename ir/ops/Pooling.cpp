// Pooling.cpp - one number for each window: the greatest, the mean, a norm.
#include "ir/Ops.h"
#include "ir/Windows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Pooling.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerPooling(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Pooling.cpp.inc"
      >();
}

//===- What pools share ---------------------------------------------------===//

template <typename Op>
static FailureOr<Windows> poolWindows(Op op, ShapeScope &scope) {
  Dims x = scope.dims(op.getX());
  if (x.size() < 3)
    return op.emitOpError() << "X has rank " << x.size()
                            << "; it needs a batch, channels and spatial axes";
  if (op.getKernelShape().size() != x.size() - 2)
    return op.emitOpError()
           << "'kernel_shape' has " << op.getKernelShape().size()
           << " values for " << x.size() - 2 << " spatial axes";
  Dims kernel = llvm::map_to_vector(
      op.getKernelShape(), [&](int64_t size) { return scope.constant(size); });
  WindowAttributes attributes{op.getKernelShape(), op.getPads(),
                              op.getStrides(),     op.getDilations(),
                              op.getAutoPad(),     op.getCeilMode() != 0};
  return Windows::get(op, attributes, ArrayRef(x).drop_front(2), kernel);
}

static FailureOr<Dims> pooledDims(Value x, const FailureOr<Windows> &windows,
                                  ShapeScope &scope) {
  if (failed(windows))
    return failure();
  Dims dims{scope.dim(x, 0), scope.dim(x, 1)};
  llvm::append_range(dims, windows->positions());
  return dims;
}

/// Whether a pool of floats is one; a diagnostic if not.
static LogicalResult checkFloat(Operation *op) {
  Type elementType = getElementTypeOrSelf(op->getOperand(0).getType());
  return isa<FloatType>(elementType)
             ? success()
             : op->emitOpError() << "X has elements of " << elementType
                                 << ", which are no floats";
}

/// The loops of a pool: batch, channel, positions, taps.
namespace {
struct PoolLoops {
  PoolLoops(Lowering &l, const Windows &windows) {
    unsigned rank = windows.rank(), count = 2 + 2 * rank;
    MLIRContext *context = l.getContext();
    SmallVector<AffineExpr> read{getAffineDimExpr(0, context),
                                 getAffineDimExpr(1, context)},
        taps;
    llvm::append_range(read, windows.indices(context, 2, 2 + rank));
    for (unsigned axis = 0; axis < rank; ++axis) {
      taps.push_back(getAffineDimExpr(2 + rank + axis, context));
      tapSizes.push_back(l.size(windows.axes[axis].kernel));
    }
    input = AffineMap::get(count, 0, read, context);
    window = AffineMap::get(count, 0, taps, context);
    output = AffineMap::getMultiDimIdentityMap(count, context)
                 .getMajorSubMap(2 + rank);
    iterators.assign(count, utils::IteratorType::reduction);
    std::fill_n(iterators.begin(), 2 + rank, utils::IteratorType::parallel);
  }
  AffineMap input, window, output;
  SmallVector<OpFoldResult> tapSizes;
  SmallVector<utils::IteratorType> iterators;
};
} // namespace

/// X with a border, so that no window reads outside.
static Value bordered(Lowering &l, Value x, Type elementType,
                      const Windows::Borders &borders, Value value) {
  SmallVector<OpFoldResult> low(2, l.getIndexAttr(0)),
      high(2, l.getIndexAttr(0));
  llvm::append_range(low, borders.low);
  llvm::append_range(high, borders.high);
  return l.pad(x, elementType, low, high, value);
}

/// Combines the elements of each window, from `initial` on, in element type
/// `sums`.
static Value pool(Lowering &l, Value x, Type elementType,
                  const Windows &windows, const Windows::Borders &borders,
                  Value border, Type sums, Value initial,
                  Lowering::ScalarBody combine) {
  PoolLoops loops(l, windows);
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  sizes.resize(2);
  llvm::append_range(sizes, l.sizes(windows.positions()));
  Value padded = bordered(l, x, elementType, borders, border);
  // The loops over a window find their sizes in a tensor that nothing reads.
  Value shape = l.empty(elementType, loops.tapSizes);
  return l.reduce(
      l.filled(sums, sizes, initial), sums, loops.output,
      {{padded, elementType, loops.input}, {shape, elementType, loops.window}},
      loops.iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return combine(b, {args[0], args[2]});
      });
}

/// Whether to combine along one axis after the other, so that of k x k elements
/// 2 k are read, is less than to combine whole windows: what lies between is
/// written and read again.
static bool paysByAxis(const Windows &windows) {
  constexpr double kBetween = 2;
  double whole = 1, byAxis = 0;
  for (const WindowAxis &axis : windows.axes) {
    double taps = *known(axis.kernel);
    whole *= taps;
    byAxis = byAxis * axis.stride + taps + kBetween;
  }
  return byAxis < whole;
}

/// The same as `pool`, along one axis after the other.
static Value poolByAxis(Lowering &l, Value x, Type elementType,
                        const Windows &windows, Value lowest,
                        Lowering::ScalarBody combine) {
  using utils::IteratorType;
  Value partial = bordered(l, x, elementType, windows.borders(l), lowest);
  SmallVector<OpFoldResult> sizes = l.sizesOf(partial),
                            positions = l.sizes(windows.positions());
  unsigned rank = sizes.size();
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  iterators.push_back(IteratorType::reduction);
  AffineExpr tap = l.getAffineDimExpr(rank);
  AffineMap output = l.getMultiDimIdentityMap(rank + 1).dropResult(rank);
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    sizes[2 + index] = positions[index];
    SmallVector<AffineExpr> read(output.getResults());
    read[2 + index] = read[2 + index] * axis.stride + tap * axis.dilation;
    Value shape = l.empty(elementType, {l.size(axis.kernel)});
    partial =
        l.reduce(l.filled(elementType, sizes, lowest), elementType, output,
                 {{partial, elementType,
                   AffineMap::get(rank + 1, 0, read, l.getContext())},
                  {shape, elementType, AffineMap::get(rank + 1, 0, tap)}},
                 iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
                   return combine(b, {args[0], args[2]});
                 });
  }
  return partial;
}

//===- max_pool -----------------------------------------------------------===//

FailureOr<Windows> MaxPoolOp::windows(ShapeScope &scope) {
  return poolWindows(*this, scope);
}

LogicalResult MaxPoolOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> dims = pooledDims(getX(), windows(scope), scope);
  if (failed(dims))
    return failure();
  for (OpResult result : getOperation()->getResults()) {
    Type elementType = result == getY() ? getElementTypeOrSelf(getX().getType())
                                        : IntegerType::get(getContext(), 64);
    if (failed(scope.set(result, elementType, *dims)))
      return failure();
  }
  return success();
}

/// Greatest elements and their places, in one loop nest.
static SmallVector<Value> poolWithIndices(MaxPoolOp op, Lowering &l,
                                          const Windows &windows) {
  Type elementType = getElementTypeOrSelf(op.getX().getType()),
       i64 = l.getI64Type();
  unsigned rank = windows.rank();
  Value x = l.lowered(op.getX());
  PoolLoops loops(l, windows);
  SmallVector<OpFoldResult> xSizes = l.sizesOf(x), sizes{xSizes[0], xSizes[1]};
  llvm::append_range(sizes, l.sizes(windows.positions()));
  Windows::Borders borders = windows.borders(l);
  Value padded = bordered(l, x, elementType, borders, l.lowest(elementType)),
        shape = l.empty(elementType, loops.tapSizes);
  // -1: no element of the window has been seen, so that a window of least
  // elements has a place, too.
  Value none = l.number(i64, -1);
  Value values = l.filled(elementType, sizes, l.lowest(elementType)),
        places = l.filled(i64, sizes, none);
  SmallVector<Value> lengths, lows;
  for (unsigned axis = 0; axis < rank; ++axis) {
    lengths.push_back(l.index(xSizes[2 + axis]));
    lows.push_back(l.index(borders.low[axis]));
  }
  Value channels = l.index(xSizes[1]);
  auto generic = linalg::GenericOp::create(
      l, TypeRange{values.getType(), places.getType()},
      ValueRange{padded, shape}, ValueRange{values, places},
      {loops.input, loops.window, loops.output, loops.output}, loops.iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        Value element = loadScalar(b, args[0], elementType),
              best = loadScalar(b, args[2], elementType), place = args[3];
        SmallVector<Value> at;
        Value isInside = arith::ConstantIntOp::create(b, 1, 1);
        for (unsigned axis = 0; axis < rank; ++axis) {
          auto scaled = [&](unsigned loop, int64_t factor) -> Value {
            return arith::MulIOp::create(
                b, linalg::IndexOp::create(b, loop),
                arith::ConstantIndexOp::create(b, factor));
          };
          Value index = arith::AddIOp::create(
              b, scaled(2 + axis, windows.axes[axis].stride),
              scaled(2 + rank + axis, windows.axes[axis].dilation));
          at.push_back(arith::SubIOp::create(b, index, lows[axis]));
          isInside = arith::AndIOp::create(
              b, isInside,
              arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at.back(),
                                    lengths[axis]));
        }
        Value flat = arith::AddIOp::create(
            b,
            arith::MulIOp::create(b, linalg::IndexOp::create(b, 0), channels),
            linalg::IndexOp::create(b, 1));
        for (Value length : lengths)
          flat = arith::MulIOp::create(b, flat, length);
        Value inner = arith::ConstantIndexOp::create(b, 0);
        for (unsigned count = 0; count < rank; ++count) {
          unsigned axis = op.getStorageOrder() ? rank - 1 - count : count;
          inner = arith::AddIOp::create(
              b, arith::MulIOp::create(b, inner, lengths[axis]), at[axis]);
        }
        flat = arith::IndexCastOp::create(
            b, i64, arith::AddIOp::create(b, flat, inner));
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                              place, none),
              isGreater;
        if (isa<FloatType>(element.getType())) {
          // A NaN wins over all but an earlier NaN.
          Value bestIsNumber =
              arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, best, best);
          isGreater = arith::AndIOp::create(
              b, bestIsNumber,
              arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, element,
                                    best));
        } else {
          bool isUnsigned = elementType.isUnsignedInteger();
          isGreater =
              arith::CmpIOp::create(b,
                                    isUnsigned ? arith::CmpIPredicate::ugt
                                               : arith::CmpIPredicate::sgt,
                                    element, best);
        }
        Value wins = arith::AndIOp::create(
            b, isInside, arith::OrIOp::create(b, isFirst, isGreater));
        Value newBest = arith::SelectOp::create(b, wins, element, best);
        Value newPlace = arith::SelectOp::create(b, wins, flat, place);
        linalg::YieldOp::create(
            b, ValueRange{storeScalar(b, newBest, elementType), newPlace});
      });
  return generic.getResults();
}

FailureOr<SmallVector<Value>> MaxPoolOp::lower(Lowering &l) {
  Windows windows = *this->windows(l.scope);
  if (getIndices())
    return poolWithIndices(*this, l, windows);
  Type elementType = getElementTypeOrSelf(getX().getType());
  Value x = l.lowered(getX()), lowest = l.lowest(elementType);
  auto greatest = [&](ImplicitLocOpBuilder &b, ValueRange args) {
    return maximum(b, elementType, args[1], args[0]);
  };
  if (paysByAxis(windows))
    return SmallVector<Value>{
        poolByAxis(l, x, elementType, windows, lowest, greatest)};
  return SmallVector<Value>{pool(l, x, elementType, windows, windows.borders(l),
                                 lowest, elementType, lowest, greatest)};
}

//===- average_pool -------------------------------------------------------===//

FailureOr<Windows> AveragePoolOp::windows(ShapeScope &scope) {
  return poolWindows(*this, scope);
}

LogicalResult AveragePoolOp::inferShapes(ShapeScope &scope) {
  if (failed(checkFloat(*this)))
    return failure();
  FailureOr<Dims> dims = pooledDims(getX(), windows(scope), scope);
  return failed(dims)
             ? failure()
             : scope.set(getOperation()->getResult(0),
                         getElementTypeOrSelf(getX().getType()), *dims);
}

/// How many taps of a window along one axis lie in [low, high) of the axis, for
/// each position, as floats; 1 for none, whose sum is 0, as the mean of nothing
/// but padding is.
static Value countTaps(Lowering &l, const WindowAxis &axis, Dim positions,
                       OpFoldResult border, Value low, Value high,
                       Type elementType) {
  Value start = l.index(border), kernel = l.index(l.size(axis.kernel)),
        zero = l.index(0);
  return l.generate(
      elementType, {l.size(positions)},
      [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
        Value first = arith::SubIOp::create(
            b,
            arith::MulIOp::create(
                b, indices[0], arith::ConstantIndexOp::create(b, axis.stride)),
            start);
        Value dilation = arith::ConstantIndexOp::create(b, axis.dilation);
        // Taps before a bound: the bound's distance in steps of the dilation,
        // rounded up.
        auto before = [&](Value bound) -> Value {
          Value steps = arith::CeilDivSIOp::create(
              b, arith::SubIOp::create(b, bound, first), dilation);
          return arith::MinSIOp::create(
              b, arith::MaxSIOp::create(b, steps, zero), kernel);
        };
        Value count = arith::SubIOp::create(b, before(high), before(low));
        return arith::SIToFPOp::create(
            b, elementType,
            arith::IndexCastOp::create(
                b, b.getI64Type(),
                arith::MaxSIOp::create(b, count,
                                       arith::ConstantIndexOp::create(b, 1))));
      });
}

FailureOr<SmallVector<Value>> AveragePoolOp::lower(Lowering &l) {
  Windows windows = *this->windows(l.scope);
  Windows::Borders borders = windows.borders(l);
  Type elementType = getElementTypeOrSelf(getX().getType()),
       sums = sumType(elementType);
  Value total = pool(
      l, l.lowered(getX()), elementType, windows, borders, l.zero(elementType),
      sums, l.zero(sums), [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(b, args[1], castScalar(b, args[0], elementType, sums));
      });
  SmallVector<OpFoldResult> sizes = l.sizesOf(total);
  unsigned rank = windows.rank();
  AffineMap all = l.getMultiDimIdentityMap(2 + rank);
  SmallVector<Lowering::Operand> inputs{{total, sums, all}};
  OpFoldResult taps = l.getIndexAttr(1);
  Dims positions = windows.positions();
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    bool hasBorder = !isConstantIntValue(borders.low[index], 0) ||
                     !isConstantIntValue(borders.high[index], 0);
    // Without a border, and where all of it counts, the windows have all their
    // taps.
    if (!hasBorder || (getCountIncludePad() && !windows.isCeil)) {
      taps = mulIndex(l, taps, l.size(axis.kernel));
      continue;
    }
    Value length = l.index(l.size(axis.input)), low = l.index(0), high = length;
    if (getCountIncludePad()) {
      low = l.index(-axis.padLow);
      high = l.index(addIndex(l, length, l.getIndexAttr(axis.padHigh)));
    }
    Value counts = countTaps(l, axis, positions[index], borders.low[index], low,
                             high, sums);
    inputs.push_back(
        {counts, sums,
         AffineMap::get(2 + rank, 0, l.getAffineDimExpr(2 + index))});
  }
  Value whole = castScalar(
      l, arith::IndexCastOp::create(l, l.getI64Type(), l.index(taps)),
      l.getI64Type(), sums);
  return SmallVector<Value>{
      l.generic(elementType, sizes, inputs,
                [&](ImplicitLocOpBuilder &b, ValueRange args) {
                  Value count = whole;
                  for (Value along : args.drop_front())
                    count = arith::MulFOp::create(b, count, along);
                  return castScalar(b, arith::DivFOp::create(b, args[0], count),
                                    sums, elementType);
                })};
}

//===- lp_pool ------------------------------------------------------------===//

FailureOr<Windows> LpPoolOp::windows(ShapeScope &scope) {
  return poolWindows(*this, scope);
}

LogicalResult LpPoolOp::inferShapes(ShapeScope &scope) {
  if (failed(checkFloat(*this)))
    return failure();
  if (getP() < 1)
    return emitOpError() << "'p' is " << static_cast<int64_t>(getP());
  FailureOr<Dims> dims = pooledDims(getX(), windows(scope), scope);
  return failed(dims)
             ? failure()
             : scope.set(getOperation()->getResult(0),
                         getElementTypeOrSelf(getX().getType()), *dims);
}

FailureOr<SmallVector<Value>> LpPoolOp::lower(Lowering &l) {
  Windows windows = *this->windows(l.scope);
  Type elementType = getElementTypeOrSelf(getX().getType()),
       sums = sumType(elementType);
  int64_t p = getP();
  Value total = pool(
      l, l.lowered(getX()), elementType, windows, windows.borders(l),
      l.zero(elementType), sums, l.zero(sums),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value size =
            math::AbsFOp::create(b, castScalar(b, args[0], elementType, sums));
        if (p == 2)
          size = arith::MulFOp::create(b, size, size);
        else if (p != 1)
          size = math::PowFOp::create(
              b, size, arith::ConstantOp::create(b, b.getFloatAttr(sums, p)));
        return arith::AddFOp::create(b, args[1], size);
      });
  SmallVector<OpFoldResult> sizes = l.sizesOf(total);
  return SmallVector<Value>{l.generic(
      elementType, sizes,
      {{total, sums, l.getMultiDimIdentityMap(sizes.size())}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        Value root = args[0];
        if (p == 2)
          root = math::SqrtOp::create(b, root);
        else if (p != 1)
          root = math::PowFOp::create(
              b, root,
              arith::ConstantOp::create(b, b.getFloatAttr(sums, 1.0 / p)));
        return castScalar(b, root, sums, elementType);
      })};
}
