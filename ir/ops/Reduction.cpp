// Reduction.cpp - sums, extremes and norms along axes.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

//===- Along axes ---------------------------------------------------------===//

/// Which axes a reduction runs along, sorted; null where only run time knows.
template <typename Op> static FailureOr<SmallVector<int64_t>> reducedAxes(Op op, ShapeScope &scope) {
  int64_t rank = scope.rank(op.getData());
  SmallVector<int64_t> axes;
  if (op.getAxes()) {
    std::optional<SmallVector<int64_t>> given = scope.integers(op.getAxes());
    if (!given)
      return op.emitOpError() << "'axes' are not known when compiling";
    for (int64_t axis : *given) {
      FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
      if (failed(normal))
        return failure();
      axes.push_back(*normal);
    }
  }
  if (axes.empty() && !op.getNoopWithEmptyAxes())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return axes;
}

template <typename Op> static LogicalResult inferReduction(Op op, ShapeScope &scope) {
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(op, scope);
  if (failed(axes))
    return failure();
  Dims dims;
  for (auto [axis, dim] : llvm::enumerate(scope.dims(op.getData()))) {
    if (!llvm::is_contained(*axes, static_cast<int64_t>(axis)))
      dims.push_back(dim);
    else if (op.getKeepdims())
      dims.push_back(scope.constant(1));
  }
  return scope.set(op.getOperation()->getResult(0), getElementTypeOrSelf(op.getData().getType()), dims);
}

using Combine = Value (*)(ImplicitLocOpBuilder &, Type, Value, Value);

/// `tensor` combined along `axes`, which go away.
static Value reduceAlong(Lowering &l, Value tensor, Type elementType, ArrayRef<int64_t> axes, Value initial, Combine combine) {
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), kept;
  SmallVector<AffineExpr> keptExprs;
  SmallVector<utils::IteratorType> iterators;
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    bool isReduced = llvm::is_contained(axes, static_cast<int64_t>(axis));
    iterators.push_back(isReduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (isReduced)
      continue;
    kept.push_back(size);
    keptExprs.push_back(l.getAffineDimExpr(axis));
  }
  AffineMap outMap = AffineMap::get(sizes.size(), 0, keptExprs, l.getContext());
  return l.reduce(l.filled(elementType, kept, initial), elementType, outMap, {{tensor, elementType, l.getMultiDimIdentityMap(sizes.size())}},
                  iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) { return combine(b, elementType, args[1], args[0]); });
}

/// `tensor` with dims of 1 put back at `axes`.
static Value keepDims(Lowering &l, Value tensor, ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), all;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    all.push_back(llvm::is_contained(axes, axis) ? OpFoldResult(l.getIndexAttr(1)) : sizes[next++]);
  return l.reshape(tensor, all);
}

template <typename Op>
static FailureOr<SmallVector<Value>> lowerReduction(Op op, Lowering &l, Value initial, Combine combine,
                                                    llvm::function_ref<Value(Value, ArrayRef<int64_t>)> finish = nullptr) {
  SmallVector<int64_t> axes = *reducedAxes(op, l.scope);
  Type elementType = getElementTypeOrSelf(op.getData().getType());
  Value data = l.lowered(op.getData());
  Value reduced = reduceAlong(l, data, elementType, axes, initial, combine);
  if (finish)
    reduced = finish(reduced, axes);
  return SmallVector<Value>{op.getKeepdims() ? keepDims(l, reduced, axes, l.scope.rank(op.getData())) : reduced};
}

static Value combineSum(ImplicitLocOpBuilder &b, Type, Value left, Value right) { return sum(b, left, right); }
static Value combineProduct(ImplicitLocOpBuilder &b, Type, Value left, Value right) { return product(b, left, right); }

LogicalResult ReduceSumOp::inferShapes(ShapeScope &scope) { return inferReduction(*this, scope); }
FailureOr<SmallVector<Value>> ReduceSumOp::lower(Lowering &l) {
  return lowerReduction(*this, l, l.zero(getElementTypeOrSelf(getData().getType())), combineSum);
}

LogicalResult ReduceMaxOp::inferShapes(ShapeScope &scope) { return inferReduction(*this, scope); }
FailureOr<SmallVector<Value>> ReduceMaxOp::lower(Lowering &l) {
  return lowerReduction(*this, l, l.lowest(getElementTypeOrSelf(getData().getType())), maximum);
}

LogicalResult ReduceMinOp::inferShapes(ShapeScope &scope) { return inferReduction(*this, scope); }
FailureOr<SmallVector<Value>> ReduceMinOp::lower(Lowering &l) {
  return lowerReduction(*this, l, l.highest(getElementTypeOrSelf(getData().getType())), minimum);
}

LogicalResult ReduceProdOp::inferShapes(ShapeScope &scope) {
  if (failed(inferReduction(*this, scope)))
    return failure();
  std::optional<Dims> elements = scope.elements(getData());
  if (elements && scope.rank(getData()) == 1 && reducedAxes(*this, scope)->size() == 1)
    scope.setElements(getOperation()->getResult(0), {scope.product(*elements)});
  return success();
}
FailureOr<SmallVector<Value>> ReduceProdOp::lower(Lowering &l) {
  return lowerReduction(*this, l, l.number(computeType(getElementTypeOrSelf(getData().getType())), 1), combineProduct);
}

LogicalResult ReduceMeanOp::inferShapes(ShapeScope &scope) { return inferReduction(*this, scope); }
FailureOr<SmallVector<Value>> ReduceMeanOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getData().getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(l.lowered(getData()));
  auto divide = [&](Value sums, ArrayRef<int64_t> axes) {
    OpFoldResult count = l.getIndexAttr(1);
    for (int64_t axis : axes)
      count = mulIndex(l, count, sizes[axis]);
    Value integer = arith::IndexCastOp::create(l, l.getI64Type(), l.index(count));
    Value divisor = castScalar(l, integer, l.getI64Type(), elementType);
    SmallVector<OpFoldResult> resultSizes = l.sizesOf(sums);
    return l.generic(elementType, resultSizes, {{sums, elementType, l.getMultiDimIdentityMap(resultSizes.size())}},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       if (isa<FloatType>(args[0].getType()))
                         return arith::DivFOp::create(b, args[0], divisor);
                       return arith::DivSIOp::create(b, args[0], divisor);
                     });
  };
  return lowerReduction(*this, l, l.zero(elementType), combineSum, divide);
}

//===- softmax ------------------------------------------------------------===//

LogicalResult SoftmaxOp::inferShapes(ShapeScope &scope) {
  if (failed(normalizeAxis(*this, getAxis(), scope.rank(getInput()))))
    return failure();
  return scope.set(getOperation()->getResult(0), getElementTypeOrSelf(getInput().getType()), scope.dims(getInput()));
}

FailureOr<SmallVector<Value>> SoftmaxOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getInput().getType());
  Value input = l.lowered(getInput());
  SmallVector<OpFoldResult> sizes = l.sizesOf(input);
  int64_t rank = sizes.size(), axis = *normalizeAxis(*this, getAxis(), rank);
  AffineMap all = l.getMultiDimIdentityMap(rank), along = all.dropResult(axis);
  Value greatest = reduceAlong(l, input, elementType, {axis}, l.lowest(elementType), maximum);
  Value powers = l.generic(elementType, sizes, {{input, elementType, all}, {greatest, elementType, along}}, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
    return math::ExpOp::create(b, arith::SubFOp::create(b, args[0], args[1]));
  });
  Value sums = reduceAlong(l, powers, elementType, {axis}, l.zero(elementType), combineSum);
  return SmallVector<Value>{l.generic(elementType, sizes, {{powers, elementType, all}, {sums, elementType, along}},
                                      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value { return arith::DivFOp::create(b, args[0], args[1]); })};
}
