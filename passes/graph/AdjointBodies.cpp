// AdjointBodies.cpp - gradients through operators with bodies.
#include "ir/Bodies.h"
#include "ir/Ops.h"
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

namespace {
/// A scan whose body is still to be written: operands and results in the order
/// in which the operator has them.
struct NewScan {
  SmallVector<Value> carried, scanned;
  SmallVector<int64_t> inputAxes, inputDirections, outputAxes, outputDirections;

  nn::ScanOp build(OpBuilder &b, Location loc, size_t results) const {
    SmallVector<Value> operands = carried;
    llvm::append_range(operands, scanned);
    Type unknown = UnrankedTensorType::get(b.getF32Type());
    auto scan = nn::ScanOp::create(
        b, loc, SmallVector<Type>(results, unknown), operands,
        b.getI64IntegerAttr(static_cast<int64_t>(scanned.size())),
        b.getDenseI64ArrayAttr(inputAxes),
        b.getDenseI64ArrayAttr(inputDirections),
        b.getDenseI64ArrayAttr(outputAxes),
        b.getDenseI64ArrayAttr(outputDirections));
    return scan;
  }
};

/// A list attribute of a scan with a value for each of `count`.
SmallVector<int64_t> listOf(std::optional<ArrayRef<int64_t>> values,
                            size_t count) {
  return values ? SmallVector<int64_t>(*values)
                : SmallVector<int64_t>(count, 0);
}
} // namespace

/// Puts a scan in the place of `scan` that also stacks `extra` values of its
/// body.
static nn::ScanOp withResults(nn::ScanOp scan, ArrayRef<Value> extra,
                              nn::ShapeScope &scope) {
  size_t scanned = scan.getNumScanInputs(),
         carried = scan.getNumOperands() - scanned,
         outputs = scan.getNumResults() - carried;
  OpBuilder b(scan);
  NewScan next;
  llvm::append_range(next.carried, scan.getOperands().take_front(carried));
  llvm::append_range(next.scanned, scan.getOperands().drop_front(carried));
  next.inputAxes = listOf(scan.getScanInputAxes(), scanned);
  next.inputDirections = listOf(scan.getScanInputDirections(), scanned);
  next.outputAxes = listOf(scan.getScanOutputAxes(), outputs);
  next.outputDirections = listOf(scan.getScanOutputDirections(), outputs);
  next.outputAxes.resize(outputs + extra.size(), 0);
  next.outputDirections.resize(outputs + extra.size(), 0);
  nn::ScanOp result =
      next.build(b, scan.getLoc(), scan.getNumResults() + extra.size());
  result.getBody().takeBody(scan.getBody());
  result.getBody().front().getTerminator()->insertOperands(scan.getNumResults(),
                                                           extra);
  (void)scope.infer(result);
  for (auto [before, after] :
       llvm::zip(scan->getResults(), result->getResults())) {
    before.replaceAllUsesWith(after);
    scope.forget(before);
  }
  scan.erase();
  return result;
}

// The states that iterations began with are stacked by the scan itself; a
// second scan goes through them from the last to the first, computes each
// iteration again and hands the gradient by the state on to the one before.
LogicalResult Adjoints::throughScan(Operation *op, ArrayRef<Value> dy) {
  auto scan = cast<nn::ScanOp>(op);
  Location loc = op->getLoc();
  size_t scanned = scan.getNumScanInputs(),
         carried = scan.getNumOperands() - scanned,
         outputs = scan.getNumResults() - carried;
  SmallVector<Value> outer = captured(op), operands(scan.getOperands());
  SmallVector<int64_t> inputAxes = listOf(scan.getScanInputAxes(), scanned),
                       inputDirections =
                           listOf(scan.getScanInputDirections(), scanned),
                       outputAxes = listOf(scan.getScanOutputAxes(), outputs),
                       outputDirections =
                           listOf(scan.getScanOutputDirections(), outputs);
  for (Value result : op->getResults()) {
    active.erase(result);
    adjoints.erase(result);
  }
  Block &forward = scan.getBody().front();
  SmallVector<Value> states(forward.getArguments().take_front(carried));
  scan = withResults(scan, states, scope);
  SmallVector<Value> stacked(scan->getResults().take_back(carried));

  // The body: gradients by the states, then what is read of each iteration.
  Region region;
  Block &body = region.emplaceBlock();
  auto argument = [&](Value like) -> Value {
    Value added = body.addArgument(like.getType(), loc);
    scope.copy(added, like);
    return added;
  };
  NewScan next;
  IRMapping mapping;
  SmallVector<Value> byState(carried), wanted(outer);
  for (auto [index, state] : llvm::enumerate(states)) {
    if (!isDifferentiable(state))
      continue;
    byState[index] = argument(state);
    next.carried.push_back(dy[index] ? dy[index]
                                     : builder.zerosLike(operands[index]));
  }
  size_t sums = next.carried.size();
  auto scanOver = [&](Value all, Value one, int64_t axis, int64_t direction) {
    next.scanned.push_back(all);
    next.inputAxes.push_back(axis);
    next.inputDirections.push_back(!direction);
    return argument(one);
  };
  for (auto [state, all] : llvm::zip_equal(states, stacked)) {
    mapping.map(state, scanOver(all, state, 0, 0));
    if (isDifferentiable(state))
      wanted.push_back(mapping.lookup(state));
  }
  for (size_t i = 0; i < scanned; ++i) {
    Value one = forward.getArgument(carried + i);
    mapping.map(one, scanOver(operands[carried + i], one, inputAxes[i],
                              inputDirections[i]));
    if (active.contains(operands[carried + i]))
      wanted.push_back(mapping.lookup(one));
  }
  OperandRange yields = nn::yieldedBy(scan.getBody());
  SmallVector<Value> byOutput(outputs);
  for (size_t i = 0; i < outputs; ++i)
    if (Value all = dy[carried + i])
      byOutput[i] = scanOver(all, yields[carried + i], outputAxes[i],
                             outputDirections[i]);

  SmallVector<Value> yielded = copyBody(forward, body, mapping, scope);
  Adjoints inner(body, wanted, OpBuilder::atBlockEnd(&body), scope);
  inner.builder.setLoc(loc);
  inner.products.emplace();
  for (size_t i = 0; i < carried; ++i)
    if (byState[i])
      inner.seed(yielded[i], byState[i]);
  for (size_t i = 0; i < outputs; ++i)
    if (byOutput[i])
      inner.seed(yielded[carried + i], byOutput[i]);
  if (failed(inner.run()))
    return failure();

  // Gradients by the states go on; those by values above are summed; those by
  // what was scanned are stacked, and so are factors of products.
  SmallVector<Value> results, summed, given;
  for (auto [index, state] : llvm::enumerate(states))
    if (byState[index])
      results.push_back(inner.of(mapping.lookup(state)));
  for (Value value : outer) {
    Value gradient = inner.find(value);
    if (!gradient)
      continue;
    Value before = body.insertArgument(sums, value.getType(), loc);
    scope.copy(before, value);
    ++sums;
    next.carried.push_back(builder.zerosLike(value));
    results.push_back(inner.builder.add(before, gradient));
    summed.push_back(value);
  }
  auto stack = [&](Value one, int64_t axis, int64_t direction) {
    results.push_back(one);
    next.outputAxes.push_back(axis);
    next.outputDirections.push_back(!direction);
  };
  for (size_t i = 0; i < scanned; ++i) {
    if (!active.contains(operands[carried + i]))
      continue;
    stack(inner.of(mapping.lookup(forward.getArgument(carried + i))),
          inputAxes[i], inputDirections[i]);
    given.push_back(operands[carried + i]);
  }
  for (const Product &product : *inner.products) {
    stack(product.left, 0, 0);
    stack(product.gradient, 0, 0);
  }
  nn::YieldOp::create(static_cast<OpBuilder &>(inner.builder), loc, results);
  nn::ScanOp backward =
      next.build(static_cast<OpBuilder &>(builder), loc, results.size());
  backward.getBody().takeBody(region);
  if (failed(scope.infer(backward)))
    return failure();

  auto result = backward->getResults().begin();
  for (size_t i = 0; i < carried; ++i)
    if (byState[i])
      add(operands[i], *result++);
  for (Value value : summed)
    add(value, *result++);
  for (Value value : given)
    add(value, *result++);
  for (const Product &product : *inner.products) {
    Value left = *result++, gradient = *result++;
    add(product.right, builder.rowsProduct(left, gradient));
  }
  return success();
}
