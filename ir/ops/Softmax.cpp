// Softmax.cpp - softmax and its logarithm.
#include "ir/Ops.h"
#include "ir/ops/Reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

template <typename Op>
static LogicalResult inferSoftmax(Op op, ShapeScope &scope) {
  if (failed(normalizeAxis(op, op.getAxis(), scope.rank(op.getInput()))))
    return failure();
  return scope.set(op.getOperation()->getResult(0),
                   getElementTypeOrSelf(op.getInput().getType()),
                   scope.dims(op.getInput()));
}

/// Softmax or its logarithm, computed in f32 at least.
static Value lowerSoftmax(Lowering &l, Value input, Type elementType,
                          int64_t axis, bool isLog) {
  Type type = wideType(elementType);
  SmallVector<OpFoldResult> sizes = l.sizesOf(input);
  AffineMap all = l.getMultiDimIdentityMap(sizes.size()),
            along = all.dropResult(axis);
  Value greatest = reduceAlong(l, input, elementType, elementType, {axis},
                               l.lowest(elementType), maximum);
  Value shifted = l.generic(
      type, sizes, {{input, elementType, all}, {greatest, elementType, along}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value x = castScalar(b, args[0], elementType, type),
              most = castScalar(b, args[1], elementType, type);
        Value difference = arith::SubFOp::create(b, x, most);
        return isLog ? difference : Value(math::ExpOp::create(b, difference));
      });
  Value powers = shifted;
  if (isLog)
    powers = l.generic(type, sizes, {{shifted, type, all}},
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                         return math::ExpOp::create(b, args[0]);
                       });
  Value sums =
      reduceAlong(l, powers, type, type, {axis}, l.zero(type), combineSum);
  return l.generic(
      elementType, sizes, {{shifted, type, all}, {sums, type, along}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value result = isLog
                           ? Value(arith::SubFOp::create(
                                 b, args[0], math::LogOp::create(b, args[1])))
                           : Value(arith::DivFOp::create(b, args[0], args[1]));
        return castScalar(b, result, type, elementType);
      });
}

LogicalResult SoftmaxOp::inferShapes(ShapeScope &scope) {
  return inferSoftmax(*this, scope);
}
FailureOr<SmallVector<Value>> SoftmaxOp::lower(Lowering &l) {
  int64_t axis = *normalizeAxis(*this, getAxis(), l.scope.rank(getInput()));
  return SmallVector<Value>{
      lowerSoftmax(l, l.lowered(getInput()),
                   getElementTypeOrSelf(getInput().getType()), axis,
                   /*isLog=*/false)};
}

LogicalResult LogSoftmaxOp::inferShapes(ShapeScope &scope) {
  return inferSoftmax(*this, scope);
}
FailureOr<SmallVector<Value>> LogSoftmaxOp::lower(Lowering &l) {
  int64_t axis = *normalizeAxis(*this, getAxis(), l.scope.rank(getInput()));
  return SmallVector<Value>{
      lowerSoftmax(l, l.lowered(getInput()),
                   getElementTypeOrSelf(getInput().getType()), axis,
                   /*isLog=*/true)};
}
