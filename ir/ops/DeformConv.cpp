// DeformConv.cpp - convolutions whose taps are moved by fractions of elements.
#include "ir/Ops.h"
#include "ir/ops/Convolution.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

FailureOr<Windows> DeformConvOp::windows(ShapeScope &scope) {
  WindowAttributes attributes{getKernelShape(), getPads(), getStrides(),
                              getDilations()};
  return Windows::get(*this, attributes, spatial(scope.dims(getX())),
                      spatial(scope.dims(getW())));
}

LogicalResult DeformConvOp::inferShapes(ShapeScope &scope) {
  if (failed(checkChannels(*this, windowOperandsOf(*this), scope,
                           /*isTransposed=*/false)))
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

/// The elements that the taps of a deformed window see: (n, positions...,
/// taps..., channels), in f32 or f64. What is found of a tap is found once for
/// all channels of its offset group, which lie side by side.
static Value deformedTaps(DeformConvOp op, Lowering &l, const Windows &windows,
                          Type sums) {
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  unsigned rank = windows.rank();
  Dims x = l.scope.dims(op.getX());
  SmallVector<OpFoldResult> sizes{l.size(x[0])};
  llvm::append_range(sizes, l.sizes(windows.positions()));
  SmallVector<int64_t> taps;
  for (const WindowAxis &axis : windows.axes) {
    taps.push_back(*known(axis.kernel));
    sizes.push_back(l.getIndexAttr(taps.back()));
  }
  OpFoldResult offsetGroups = l.getIndexAttr(op.getOffsetGroup()),
               perOffsetGroup =
                   getAsOpFoldResult(l.createOrFold<arith::DivUIOp>(
                       l.index(l.size(x[1])), l.index(offsetGroups)));
  sizes.append({offsetGroups, perOffsetGroup});
  SmallVector<Value> bounds = llvm::map_to_vector(
      spatial(x), [&](Dim dim) { return l.index(l.size(dim)); });
  SmallVector<int64_t> channelsLast{0};
  llvm::append_range(channelsLast, llvm::seq<int64_t>(2, 2 + rank));
  channelsLast.push_back(1);
  Value source = l.split(l.transpose(l.lowered(op.getX()), channelsLast),
                         1 + rank, {offsetGroups, perOffsetGroup}),
        offsets = l.lowered(op.getOffset()),
        mask = op.getMask() ? l.lowered(op.getMask()) : Value();
  Value seen =
      l.generate(sums, sizes, [&](ImplicitLocOpBuilder &b, ValueRange loops) {
        auto constant = [&](int64_t value) -> Value {
          return arith::ConstantIndexOp::create(b, value);
        };
        auto number = [&](double value) -> Value {
          return arith::ConstantOp::create(b, b.getFloatAttr(sums, value));
        };
        ValueRange positionLoops = loops.slice(1, rank),
                   tapLoops = loops.slice(1 + rank, rank),
                   channelLoops = loops.drop_front(1 + 2 * rank);
        auto read = [&](Value tensor, ValueRange indices) {
          return castScalar(
              b,
              loadScalar(b, tensor::ExtractOp::create(b, tensor, indices),
                         elementType),
              elementType, sums);
        };
        // The tap as one number, counted within its offset group.
        Value tap = channelLoops[0];
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
          SmallVector<Value> from{loops[0]};
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
          llvm::append_range(from, channelLoops);
          Value element = arith::MulFOp::create(b, read(source, from), weight);
          total = arith::AddFOp::create(
              b, total,
              arith::SelectOp::create(b, isInside, element, number(0)));
        }
        return mask
                   ? arith::MulFOp::create(b, total, read(mask, at)).getResult()
                   : total;
      });
  return l.merge(seen, 1 + 2 * rank, 2);
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
  taps = l.split(taps, 1 + 2 * rank, {groups, l.size(w[1])});
  Value weights = l.split(l.lowered(getW()), 0, {groups, outChannels});
  // Loops: batch, group, output channel, positions, input channel, taps.
  unsigned loops = 4 + 2 * rank, inLoop = 3 + rank;
  auto loop = [&](unsigned index) { return getAffineDimExpr(index, context); };
  SmallVector<AffineExpr> tapExprs{loop(0)},
      weightExprs{loop(1), loop(2), loop(inLoop)},
      yExprs{loop(0), loop(1), loop(2)};
  for (unsigned axis = 0; axis < rank; ++axis) {
    weightExprs.push_back(loop(inLoop + 1 + axis));
    yExprs.push_back(loop(3 + axis));
    tapExprs.push_back(loop(3 + axis));
  }
  for (unsigned axis = 0; axis < rank; ++axis)
    tapExprs.push_back(loop(inLoop + 1 + axis));
  tapExprs.append({loop(1), loop(inLoop)});
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
