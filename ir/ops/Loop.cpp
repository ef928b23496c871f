// Loop.cpp - a part of a network that runs again until a count or a condition
// ends it.
#include "ir/Iteration.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult LoopOp::declareArguments(ShapeScope &scope) {
  if (failed(ensureArguments(*this, getBody(), 2 + getVInitial().size())))
    return failure();
  scope.assume(getBody().getArgument(0), IntegerType::get(getContext(), 64),
               {});
  scope.assume(getBody().getArgument(1), IntegerType::get(getContext(), 1), {});
  return success();
}

SmallVector<Carried> LoopOp::carried() {
  SmallVector<Carried> all;
  for (auto [index, initial] : llvm::enumerate(getVInitial()))
    all.push_back({getBody().getArgument(2 + index), initial,
                   static_cast<unsigned>(1 + index)});
  return all;
}

/// Whether the condition holds before and after every iteration.
static bool alwaysGoesOn(LoopOp op, ShapeScope &scope) {
  Value next = yieldedBy(op.getBody())[0];
  while (auto identity = next.getDefiningOp<IdentityOp>())
    next = identity.getInput();
  bool isKept =
      next == op.getBody().getArgument(1) || knownOne(scope, next) == 1;
  return isKept && (!op.getCond() || knownOne(scope, op.getCond()) == 1);
}

/// The number of iterations as a dim, where it is one that is known before the
/// loop.
static Dim tripCount(LoopOp op, ShapeScope &scope) {
  if (!op.getM() || !alwaysGoesOn(op, scope))
    return {};
  std::optional<Dims> elements = scope.elements(op.getM());
  if (!elements || elements->size() != 1)
    return {};
  if (std::optional<int64_t> count = known(elements->front()))
    return scope.constant(std::max<int64_t>(*count, 0));
  // A dim is never negative; other numbers may be.
  auto symbol = dyn_cast<AffineSymbolExpr>(elements->front());
  return symbol && !scope.origin(symbol).isElement ? elements->front() : Dim();
}

LogicalResult LoopOp::inferShapes(ShapeScope &scope) {
  if (getM() && failed(checkOne(*this, scope, getM(), "M", 64)))
    return failure();
  if (getCond() && failed(checkOne(*this, scope, getCond(), "'cond'", 1)))
    return failure();
  size_t carriedCount = getVInitial().size();
  for (Region &region : getOperation()->getRegions())
    if (region.hasOneBlock() && !region.front().empty())
      if (auto yield = dyn_cast<YieldOp>(region.front().back());
          yield && yield.getResults().size() < 1 + carriedCount)
        return emitOpError() << "its body gives " << yield.getResults().size()
                             << " values and carries " << carriedCount;
  if (failed(inferBodies(*this, scope)))
    return failure();
  OperandRange yields = yieldedBy(getBody());
  if (failed(checkOne(*this, scope, yields[0],
                      "the condition that its body gives", 1)))
    return failure();
  if (yields.size() - 1 != getNumResults())
    return emitOpError() << "its body gives " << yields.size() - 1
                         << " values, not " << getNumResults();
  Dim count = tripCount(*this, scope);
  for (auto [index, result] : llvm::enumerate(getOperation()->getResults())) {
    Value yielded = yields[1 + index];
    Dims dims = dimsOutside(*this, yielded, scope);
    if (index >= carriedCount) {
      dims.insert(dims.begin(), count);
    } else {
      // Without iterations the result is the first value.
      for (auto [dim, initial] :
           llvm::zip_equal(dims, scope.dims(getVInitial()[index])))
        if (dim != initial)
          dim = {};
    }
    if (failed(
            scope.set(result, getElementTypeOrSelf(yielded.getType()), dims)))
      return failure();
  }
  return success();
}
static Value scalarTensor(Lowering &l, Type elementType, Value scalar) {
  Value stored = storeScalar(l, scalar, elementType);
  return tensor::FromElementsOp::create(
      l, RankedTensorType::get({}, stored.getType()), stored);
}

FailureOr<SmallVector<Value>> LoopOp::lower(Lowering &l) {
  Type i64 = l.getI64Type(), i1 = l.getI1Type();
  size_t carriedCount = getVInitial().size();
  SmallVector<BlockArgument> arguments(getBody().getArguments().drop_front(2));
  bool isCounted = getM() && alwaysGoesOn(*this, l.scope);
  OpFoldResult count;
  if (isCounted) {
    Dim known = tripCount(*this, l.scope);
    count = known ? l.size(known)
                  : arith::MaxSIOp::create(
                        l,
                        arith::IndexCastOp::create(l, l.getIndexType(),
                                                   onlyElement(l, getM())),
                        l.index(0))
                        .getResult();
  }
  Iteration iteration(*this, getBody(), carriedCount, l);
  for (Value yielded : yieldedBy(getBody()).drop_front(1 + carriedCount))
    iteration.stacks.emplace_back(*this, yielded, count, 0, l.scope);
  SmallVector<Value> initial = iteration.begin(getVInitial(), arguments);
  Value yes = arith::ConstantIntOp::create(l, 1, 1),
        limit = isCounted || !getM() ? Value() : onlyElement(l, getM());
  Value first = !isCounted && getCond() ? onlyElement(l, getCond()) : yes;
  auto body = [&](Value index, Value condition,
                  ValueRange carried) -> FailureOr<SmallVector<Value>> {
    l.map(getBody().getArgument(0),
          scalarTensor(l, i64, arith::IndexCastOp::create(l, i64, index)));
    l.map(getBody().getArgument(1), scalarTensor(l, i1, condition));
    return iteration.run(carried, arguments, 1,
                         SmallVector<Value>(iteration.stacks.size(), index));
  };
  if (isCounted)
    return iteration.count(initial, count,
                           [&](Value index, ValueRange carried) {
                             return body(index, yes, carried);
                           });
  return iteration.repeat(
      initial, first,
      [&](Value done) -> Value {
        return limit ? arith::CmpIOp::create(
                           l, arith::CmpIPredicate::slt,
                           arith::IndexCastOp::create(l, i64, done), limit)
                           .getResult()
                     : yes;
      },
      body, [&] { return onlyElement(l, yieldedBy(getBody())[0]); });
}
