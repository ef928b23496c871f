// Reduction.cpp - sums and extremes along axes, and where extremes are.
#include "ir/ops/Reduction.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#define GET_OP_CLASSES
#include "ir/ops/Reduction.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerReduction(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Reduction.cpp.inc"
      >();
}

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}

//===- Which axes ---------------------------------------------------------===//

/// How many axes a reduction names; none where only run time knows.
template <typename Op>
static std::optional<int64_t> axisCount(Op op, ShapeScope &scope) {
  if (!op.getAxes())
    return 0;
  return scope.rank(op.getAxes()) == 0
             ? 1
             : known(scope.product(scope.dims(op.getAxes())));
}

/// The axes a reduction runs along, sorted; none where only run time knows
/// them.
template <typename Op>
static FailureOr<std::optional<SmallVector<int64_t>>>
reducedAxes(Op op, ShapeScope &scope) {
  int64_t rank = scope.rank(op.getData());
  std::optional<int64_t> count = axisCount(op, scope);
  if (!count && !op.getKeepdims())
    return op.emitOpError()
           << "how many 'axes' there are is not known when compiling";
  SmallVector<int64_t> axes;
  if (count != 0) {
    std::optional<SmallVector<int64_t>> given = scope.integers(op.getAxes());
    if (!given && scope.rank(op.getAxes()) > 1)
      return op.emitOpError() << "'axes' has rank " << scope.rank(op.getAxes())
                              << " instead of 1";
    if (!given)
      return std::optional<SmallVector<int64_t>>();
    for (int64_t axis : *given) {
      FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
      if (failed(normal))
        return failure();
      axes.push_back(*normal);
    }
  } else if (!op.getNoopWithEmptyAxes()) {
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return std::optional(axes);
}

/// Checks operands and sets the result's type; `fold` combines the elements of
/// shapes.
template <typename Op>
static LogicalResult inferReduction(
    Op op, ShapeScope &scope,
    llvm::function_ref<AffineExpr(AffineExpr, AffineExpr)> fold = nullptr) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = reducedAxes(op, scope);
  if (failed(axes))
    return failure();
  Dims data = scope.dims(op.getData()), dims;
  OpResult result = op.getOperation()->getResult(0);
  if (!*axes) {
    int64_t rank = data.size(), count = axisCount(op, scope).value_or(0);
    if (count > rank)
      return op.emitOpError() << "there are " << count
                              << " 'axes' of an operand of rank " << rank;
    return scope.set(result, elementTypeOf(op.getData()),
                     Dims(op.getKeepdims() ? rank : rank - count, Dim()));
  }
  for (auto [axis, dim] : llvm::enumerate(data)) {
    if (!llvm::is_contained(**axes, static_cast<int64_t>(axis)))
      dims.push_back(dim);
    else if (op.getKeepdims())
      dims.push_back(scope.constant(1));
  }
  if (failed(scope.set(result, elementTypeOf(op.getData()), dims)))
    return failure();
  std::optional<Dims> elements = scope.elements(op.getData());
  if (fold && elements && !elements->empty() && data.size() == 1 &&
      (*axes)->size() == 1) {
    AffineExpr all = elements->front();
    for (AffineExpr element : ArrayRef(*elements).drop_front())
      all = fold(all, element);
    scope.setElements(result, {all});
  }
  return success();
}

//===- Along axes ---------------------------------------------------------===//

Value nn::reduceAlong(Lowering &l, Value tensor, Type elementType,
                      Type resultType, ArrayRef<int64_t> axes, Value initial,
                      Combine combine) {
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), kept;
  SmallVector<AffineExpr> keptExprs;
  SmallVector<utils::IteratorType> iterators;
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    bool isReduced = llvm::is_contained(axes, static_cast<int64_t>(axis));
    iterators.push_back(isReduced ? utils::IteratorType::reduction
                                  : utils::IteratorType::parallel);
    if (isReduced)
      continue;
    kept.push_back(size);
    keptExprs.push_back(l.getAffineDimExpr(axis));
  }
  AffineMap outMap = AffineMap::get(sizes.size(), 0, keptExprs, l.getContext());
  return l.reduce(
      l.filled(resultType, kept, initial), resultType, outMap,
      {{tensor, elementType, l.getMultiDimIdentityMap(sizes.size())}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return combine(b, resultType, args[1],
                       castScalar(b, args[0], elementType, resultType));
      });
}

/// `tensor` with dims of 1 put back at `axes`.
static Value keepDims(Lowering &l, Value tensor, ArrayRef<int64_t> axes,
                      int64_t rank) {
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), all;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    all.push_back(llvm::is_contained(axes, axis)
                      ? OpFoldResult(l.getIndexAttr(1))
                      : sizes[next++]);
  return l.reshape(tensor, all);
}

/// A reduction along axes that only run time knows: every element is added
/// where it belongs. Gives the tensor with all dims, and sets `count` to the
/// number of elements that become one.
template <typename Op>
static Value reduceAtRunTime(Op op, Lowering &l, Type resultType, Value initial,
                             Combine combine, OpFoldResult &count,
                             SmallVectorImpl<Value> &isReduced) {
  Type elementType = elementTypeOf(op.getData());
  Value data = l.lowered(op.getData());
  SmallVector<OpFoldResult> sizes = l.sizesOf(data), kept;
  int64_t rank = sizes.size();
  Value one = l.index(1), zero = l.index(0), axes = l.lowered(op.getAxes());
  Value given = cast<RankedTensorType>(axes.getType()).getRank() == 0
                    ? one
                    : l.createOrFold<tensor::DimOp>(axes, zero);
  // A flag for each axis, set by what names it; without names all axes are
  // meant, unless none is.
  Value isAll = arith::ConstantOp::create(l, l.getBoolAttr(false));
  if (!op.getNoopWithEmptyAxes())
    isAll = arith::CmpIOp::create(l, arith::CmpIPredicate::eq, given, zero);
  auto name = scf::ForOp::create(
      l, zero, given, one, SmallVector<Value>(rank, isAll),
      [&](OpBuilder &, Location, Value position, ValueRange flags) {
        Value axis = tensor::ExtractOp::create(
            l, axes,
            ShapeScope::rank(op.getAxes()) == 0 ? ValueRange()
                                                : ValueRange(position));
        axis = l.createOrFold<arith::IndexCastOp>(l.getIndexType(), axis);
        SmallVector<Value> now;
        for (int64_t each = 0; each < rank; ++each) {
          Value isNamed = arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                                axis, l.index(each));
          isNamed = arith::OrIOp::create(
              l, isNamed,
              arith::CmpIOp::create(l, arith::CmpIPredicate::eq, axis,
                                    l.index(each - rank)));
          now.push_back(arith::OrIOp::create(l, flags[each], isNamed));
        }
        scf::YieldOp::create(l, now);
      });
  llvm::append_range(isReduced, name.getResults());
  Value found = zero;
  count = l.getIndexAttr(1);
  for (auto [flag, each] : llvm::zip_equal(isReduced, sizes)) {
    Value size = l.index(each);
    found = arith::AddIOp::create(l, found,
                                  arith::SelectOp::create(l, flag, one, zero));
    count = mulIndex(
        l, count,
        OpFoldResult(Value(arith::SelectOp::create(l, flag, size, one))));
    kept.push_back(Value(arith::SelectOp::create(l, flag, one, size)));
  }
  Value fits = arith::CmpIOp::create(l, arith::CmpIPredicate::eq, found, given);
  l.require(arith::OrIOp::create(l, fits, isAll), Status::BadValue,
            "axes of a reduction do not fit its operand");
  Value init = l.filled(resultType, kept, initial);
  return l.loop(sizes, init, [&](ValueRange indices, ValueRange carried) {
    SmallVector<Value> place;
    for (auto [index, flag] : llvm::zip_equal(indices, isReduced))
      place.push_back(arith::SelectOp::create(l, flag, zero, index));
    Value element = castScalar(l, l.extract(data, elementType, indices),
                               elementType, resultType);
    Value now = combine(l, resultType, l.extract(carried[0], resultType, place),
                        element);
    return SmallVector<Value>{tensor::InsertOp::create(
        l, storeScalar(l, now, resultType), carried[0], place)};
  })[0];
}

/// The sizes that are left when some axes go away, which only run time knows.
static SmallVector<OpFoldResult> dropAtRunTime(Lowering &l,
                                               ArrayRef<OpFoldResult> sizes,
                                               ArrayRef<Value> isReduced,
                                               int64_t left) {
  SmallVector<Value> all(left, l.index(1));
  Value next = l.index(0), one = l.index(1);
  for (auto [size, flag] : llvm::zip_equal(sizes, isReduced)) {
    for (int64_t position = 0; position < left; ++position) {
      Value isHere = arith::CmpIOp::create(l, arith::CmpIPredicate::eq, next,
                                           l.index(position));
      Value kept =
          arith::SelectOp::create(l, flag, all[position], l.index(size));
      all[position] = arith::SelectOp::create(l, isHere, kept, all[position]);
    }
    next = arith::SelectOp::create(l, flag, next,
                                   arith::AddIOp::create(l, next, one));
  }
  return llvm::map_to_vector(all,
                             [](Value size) { return OpFoldResult(size); });
}

/// Divides sums by the number of their terms.
static Value divide(Lowering &l, Value sums, Type type, OpFoldResult count) {
  // Of nothing there is no mean: NaN among floats, 0 among integers, which
  // cannot be divided by 0.
  Value terms = l.index(count);
  if (isa<IntegerType>(type))
    terms = arith::MaxSIOp::create(l, terms, l.index(1));
  Value divisor =
      castScalar(l, arith::IndexCastOp::create(l, l.getI64Type(), terms),
                 l.getI64Type(), type);
  SmallVector<OpFoldResult> sizes = l.sizesOf(sums);
  return l.generic(type, sizes,
                   {{sums, type, l.getMultiDimIdentityMap(sizes.size())}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     if (isa<FloatType>(type))
                       return arith::DivFOp::create(b, args[0], divisor);
                     if (type.isUnsignedInteger())
                       return arith::DivUIOp::create(b, args[0], divisor);
                     return arith::DivSIOp::create(b, args[0], divisor);
                   });
}

template <typename Op>
static FailureOr<SmallVector<Value>>
lowerReduction(Op op, Lowering &l, Type type, Value initial, Combine combine,
               bool isMean = false) {
  std::optional<SmallVector<int64_t>> axes = *reducedAxes(op, l.scope);
  Type elementType = elementTypeOf(op.getData());
  int64_t rank = l.scope.rank(op.getData());
  if (!axes) {
    OpFoldResult count;
    SmallVector<Value> isReduced;
    Value reduced =
        reduceAtRunTime(op, l, type, initial, combine, count, isReduced);
    if (isMean)
      reduced = divide(l, reduced, type, count);
    reduced = l.convert(reduced, type, elementType);
    if (!op.getKeepdims())
      reduced =
          l.reshape(reduced, dropAtRunTime(l, l.sizesOf(reduced), isReduced,
                                           rank - *axisCount(op, l.scope)));
    return SmallVector<Value>{reduced};
  }
  Value data = l.lowered(op.getData());
  Value reduced =
      reduceAlong(l, data, elementType, type, *axes, initial, combine);
  if (isMean) {
    SmallVector<OpFoldResult> sizes = l.sizesOf(data);
    OpFoldResult count = l.getIndexAttr(1);
    for (int64_t axis : *axes)
      count = mulIndex(l, count, sizes[axis]);
    reduced = divide(l, reduced, type, count);
  }
  reduced = l.convert(reduced, type, elementType);
  return SmallVector<Value>{op.getKeepdims() ? keepDims(l, reduced, *axes, rank)
                                             : reduced};
}

LogicalResult ReduceSumOp::inferShapes(ShapeScope &scope) {
  return inferReduction(*this, scope, [](AffineExpr left, AffineExpr right) {
    return left + right;
  });
}
FailureOr<SmallVector<Value>> ReduceSumOp::lower(Lowering &l) {
  Type type = sumType(elementTypeOf(getData()));
  return lowerReduction(*this, l, type, l.zero(type), combineSum);
}

LogicalResult ReduceMaxOp::inferShapes(ShapeScope &scope) {
  return inferReduction(*this, scope);
}
FailureOr<SmallVector<Value>> ReduceMaxOp::lower(Lowering &l) {
  Type type = elementTypeOf(getData());
  return lowerReduction(*this, l, type, l.lowest(type), maximum);
}

LogicalResult ReduceMinOp::inferShapes(ShapeScope &scope) {
  return inferReduction(*this, scope);
}
FailureOr<SmallVector<Value>> ReduceMinOp::lower(Lowering &l) {
  Type type = elementTypeOf(getData());
  return lowerReduction(*this, l, type, l.highest(type), minimum);
}

LogicalResult ReduceProdOp::inferShapes(ShapeScope &scope) {
  return inferReduction(*this, scope, [](AffineExpr left, AffineExpr right) {
    return left * right;
  });
}
FailureOr<SmallVector<Value>> ReduceProdOp::lower(Lowering &l) {
  Type type = sumType(elementTypeOf(getData()));
  return lowerReduction(*this, l, type, l.number(computeType(type), 1),
                        combineProduct);
}

LogicalResult ReduceMeanOp::inferShapes(ShapeScope &scope) {
  return inferReduction(*this, scope);
}
FailureOr<SmallVector<Value>> ReduceMeanOp::lower(Lowering &l) {
  Type type = sumType(elementTypeOf(getData()));
  return lowerReduction(*this, l, type, l.zero(type), combineSum,
                        /*isMean=*/true);
}

//===- argmax, argmin -----------------------------------------------------===//

template <typename Op> static LogicalResult inferArg(Op op, ShapeScope &scope) {
  Dims dims = scope.dims(op.getData());
  FailureOr<int64_t> axis = normalizeAxis(op, op.getAxis(), dims.size());
  if (failed(axis))
    return failure();
  if (isKnown(dims[*axis], 0))
    return op.emitOpError() << "there are no elements along axis " << *axis;
  if (op.getKeepdims())
    dims[*axis] = scope.constant(1);
  else
    dims.erase(dims.begin() + *axis);
  return scope.set(op.getOperation()->getResult(0),
                   IntegerType::get(op.getContext(), 64), dims);
}

template <typename Op>
static FailureOr<SmallVector<Value>> lowerArg(Op op, Lowering &l, Value initial,
                                              Combine combine) {
  Type elementType = elementTypeOf(op.getData()), positionType = l.getI64Type();
  Value data = l.lowered(op.getData());
  SmallVector<OpFoldResult> sizes = l.sizesOf(data), kept(sizes);
  int64_t rank = sizes.size(), axis = *normalizeAxis(op, op.getAxis(), rank);
  kept.erase(kept.begin() + axis);
  Value isSome = l.createOrFold<arith::CmpIOp>(
      arith::CmpIPredicate::sgt, l.index(sizes[axis]), l.index(0));
  if (!matchPattern(isSome, m_One()))
    l.require(isSome, Status::BadShape, "no elements along the axis");
  // The extreme first, then the first or last place where it stands: two passes
  // over one element at a time.
  Value best =
      reduceAlong(l, data, elementType, elementType, {axis}, initial, combine);
  bool isLast = op.getSelectLastIndex();
  Value none =
      l.filled(positionType, kept,
               isLast ? l.zero(positionType) : l.highest(positionType));
  AffineMap all = l.getMultiDimIdentityMap(rank), along = all.dropResult(axis);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  Value places = l.reduce(
      none, positionType, along,
      {{data, elementType, all}, {best, elementType, along}}, iterators,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isHere;
        if (isa<FloatType>(args[0].getType())) {
          Value isEqual = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                args[0], args[1]);
          isHere = arith::OrIOp::create(
              b, isEqual,
              arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, args[0],
                                    args[0]));
        } else {
          isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[0],
                                         args[1]);
        }
        Value place = arith::IndexCastOp::create(
            b, positionType, linalg::IndexOp::create(b, axis));
        Value candidate = arith::SelectOp::create(b, isHere, place, args[2]);
        if (isLast)
          return arith::MaxSIOp::create(b, candidate, args[2]);
        return arith::MinSIOp::create(b, candidate, args[2]);
      });
  return SmallVector<Value>{op.getKeepdims() ? keepDims(l, places, {axis}, rank)
                                             : places};
}

LogicalResult ArgMaxOp::inferShapes(ShapeScope &scope) {
  return inferArg(*this, scope);
}
FailureOr<SmallVector<Value>> ArgMaxOp::lower(Lowering &l) {
  return lowerArg(*this, l, l.lowest(elementTypeOf(getData())), maximum);
}

LogicalResult ArgMinOp::inferShapes(ShapeScope &scope) {
  return inferArg(*this, scope);
}
FailureOr<SmallVector<Value>> ArgMinOp::lower(Lowering &l) {
  return lowerArg(*this, l, l.highest(elementTypeOf(getData())), minimum);
}
