// AdjointBodies.cpp - gradients through rules and branches.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "mlir/IR/IRMapping.h"
#include "passes/graph/Adjoints.h"

using namespace mlir;
using namespace burnish;

SmallVector<Value> burnish::copyBody(Block &from, Block &to, IRMapping &mapping,
                                     nn::ShapeScope &scope) {
  OpBuilder builder = OpBuilder::atBlockEnd(&to);
  for (Operation &op : from.without_terminator())
    (void)scope.infer(builder.clone(op, mapping));
  return llvm::map_to_vector(
      from.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

// What computed the values gets nothing: the rule says what follows.
LogicalResult Adjoints::throughRule(Operation *op, ArrayRef<Value> dy) {
  auto ruled = cast<nn::WithGradientOp>(op);
  IRMapping mapping;
  for (auto [argument, value, gradient] :
       llvm::zip_equal(ruled.getRule().getArguments(), ruled.getValues(), dy))
    mapping.map(argument, gradient ? gradient : builder.zerosLike(value));
  for (Operation &each : ruled.getRule().front().without_terminator())
    if (failed(scope.infer(builder.clone(each, mapping))))
      return failure();
  for (auto [by, gradient] :
       llvm::zip_equal(ruled.getBy(), nn::yieldedBy(ruled.getRule())))
    if (isDifferentiable(by))
      add(by, mapping.lookupOrDefault(gradient));
  return success(!builder.hasFailed());
}

// The same branch runs again for its gradient: what it computed is not kept.
LogicalResult Adjoints::throughIf(Operation *op, ArrayRef<Value> dy) {
  auto conditional = cast<nn::IfOp>(op);
  SmallVector<Value> outer = captured(op);
  SmallVector<Type> types =
      llvm::map_to_vector(outer, [](Value value) { return value.getType(); });
  auto gradient = nn::IfOp::create(static_cast<OpBuilder &>(builder),
                                   op->getLoc(), types, conditional.getCond());
  for (auto [from, to] :
       llvm::zip_equal(conditional->getRegions(), gradient->getRegions())) {
    Block &body = to.emplaceBlock();
    IRMapping mapping;
    SmallVector<Value> yielded = copyBody(from.front(), body, mapping, scope);
    Adjoints inner(body, outer, OpBuilder::atBlockEnd(&body), scope);
    inner.builder.setLoc(op->getLoc());
    for (auto [value, each] : llvm::zip_equal(yielded, dy))
      inner.seed(value, each);
    if (failed(inner.run()))
      return failure();
    SmallVector<Value> results = llvm::map_to_vector(
        outer, [&](Value value) { return inner.of(value); });
    nn::YieldOp::create(static_cast<OpBuilder &>(inner.builder), op->getLoc(),
                        results);
  }
  if (failed(scope.infer(gradient)))
    return failure();
  for (auto [value, result] : llvm::zip_equal(outer, gradient->getResults()))
    add(value, result);
  return success();
}
