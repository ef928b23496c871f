// Cumulative.cpp - running sums and products along an axis.
#include "ir/Ops.h"
#include "ir/ops/Reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

template <typename Op>
static LogicalResult inferCumulative(Op op, ShapeScope &scope) {
  if (scope.rank(op.getAxis()) > 1 ||
      (scope.rank(op.getAxis()) == 1 &&
       known(scope.dim(op.getAxis(), 0)).value_or(1) != 1))
    return op.emitOpError()
           << "'axis' is " << toString(scope.dims(op.getAxis()))
           << ", not one number";
  std::optional<SmallVector<int64_t>> axis = scope.integers(op.getAxis());
  if (axis && failed(normalizeAxis(op, axis->front(), scope.rank(op.getX()))))
    return failure();
  return scope.set(op.getOperation()->getResult(0),
                   getElementTypeOrSelf(op.getX().getType()),
                   scope.dims(op.getX()));
}

template <typename Op>
static FailureOr<SmallVector<Value>>
lowerCumulative(Op op, Lowering &l, double neutral, Combine combine) {
  Type elementType = getElementTypeOrSelf(op.getX().getType()),
       type = sumType(elementType);
  Value data = l.lowered(op.getX()), zero = l.index(0), one = l.index(1),
        initial = l.number(computeType(type), neutral);
  SmallVector<OpFoldResult> sizes = l.sizesOf(data);
  int64_t rank = sizes.size();
  auto along = [&](int64_t axis) {
    Value last = arith::SubIOp::create(l, l.index(sizes[axis]), one);
    Value sums = l.loop(
        sizes, l.empty(type, sizes),
        [&](ValueRange indices, ValueRange carried) {
          Value step = indices[axis],
                isFirst = arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                                step, zero);
          Value before = arith::SelectOp::create(
              l, isFirst, zero, arith::SubIOp::create(l, step, one));
          SmallVector<Value> here(indices), there(indices);
          there[axis] = before;
          if (op.getReverse()) {
            here[axis] = arith::SubIOp::create(l, last, step);
            there[axis] = arith::SubIOp::create(l, last, before);
          }
          Value element = castScalar(
              l, l.extract(data, elementType, op.getExclusive() ? there : here),
              elementType, type);
          Value sum =
              combine(l, type, l.extract(carried[0], type, there), element);
          sum = arith::SelectOp::create(
              l, isFirst, op.getExclusive() ? initial : element, sum);
          return SmallVector<Value>{tensor::InsertOp::create(
              l, storeScalar(l, sum, type), carried[0], here)};
        })[0];
    return l.convert(sums, type, elementType);
  };
  if (std::optional<SmallVector<int64_t>> axis = l.scope.integers(op.getAxis()))
    return SmallVector<Value>{along(*normalizeAxis(op, axis->front(), rank))};

  // An axis that only run time knows: one loop nest for each.
  l.requireOne(op.getAxis());
  Value given = l.index(l.element(op.getAxis(), 0)),
        isNegative =
            arith::CmpIOp::create(l, arith::CmpIPredicate::slt, given, zero);
  Value axis = arith::SelectOp::create(
      l, isNegative, arith::AddIOp::create(l, given, l.index(rank)), given);
  l.require(
      arith::CmpIOp::create(l, arith::CmpIPredicate::ult, axis, l.index(rank)),
      Status::BadValue, "the axis is outside the operand's rank");
  std::function<Value(int64_t)> choose = [&](int64_t candidate) -> Value {
    if (candidate + 1 >= rank)
      return along(candidate);
    Value isThis = arith::CmpIOp::create(l, arith::CmpIPredicate::eq, axis,
                                         l.index(candidate));
    auto branch = scf::IfOp::create(
        l, isThis,
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(l, along(candidate));
        },
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(l, choose(candidate + 1));
        });
    return branch.getResult(0);
  };
  return SmallVector<Value>{rank == 0 ? data : choose(0)};
}

LogicalResult CumSumOp::inferShapes(ShapeScope &scope) {
  return inferCumulative(*this, scope);
}
FailureOr<SmallVector<Value>> CumSumOp::lower(Lowering &l) {
  return lowerCumulative(*this, l, 0, combineSum);
}

LogicalResult CumProdOp::inferShapes(ShapeScope &scope) {
  return inferCumulative(*this, scope);
}
FailureOr<SmallVector<Value>> CumProdOp::lower(Lowering &l) {
  return lowerCumulative(*this, l, 1, combineProduct);
}
