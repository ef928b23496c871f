// AdjointBodies.cpp - gradients through operators with bodies.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/graph/Adjoints.h"

using namespace mlir;
using namespace burnish;

/// Copies all but the terminator of `from` to the end of `to`, with values
/// replaced by `mapping`, and works out the shapes; what the terminator yields,
/// mapped.
static SmallVector<Value> copyBody(Block &from, Block &to, IRMapping &mapping,
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

//===- Iterations ---------------------------------------------------------===//

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
    return nn::ScanOp::create(
        b, loc, SmallVector<Type>(results, unknown), operands,
        b.getI64IntegerAttr(static_cast<int64_t>(scanned.size())),
        b.getDenseI64ArrayAttr(inputAxes),
        b.getDenseI64ArrayAttr(inputDirections),
        b.getDenseI64ArrayAttr(outputAxes),
        b.getDenseI64ArrayAttr(outputDirections));
  }
};

/// What a loop or a scan does, said alike.
struct Iterations {
  Iterations(nn::ScanOp scan, const nn::ScanForm &form);
  explicit Iterations(nn::LoopOp loop);

  /// Puts an operator in the place of this one that also stacks the states that
  /// iterations begin with, what is kept of them, and the number of each for a
  /// loop.
  void stackStates(nn::ShapeScope &scope);

  /// Something that iterations read or give a part of, and the part.
  struct Part {
    Value all, one;
    int64_t axis = 0, direction = 0;
  };
  Operation *op;
  Block *body;
  /// The states: their first values, what the body calls them, and which of its
  /// results they become.
  SmallVector<Value> initial, states;
  unsigned firstState;
  SmallVector<Part> scanned, outputs;
  /// Results in the body that take longer to compute than to read again.
  SmallVector<Value> kept;
  /// What stackStates adds: the states, and the numbers of iterations.
  SmallVector<Part> stacked;

private:
  void findKept();
  void addResults(nn::ShapeScope &scope, ArrayRef<Value> values,
                  llvm::function_ref<Operation *(size_t results)> build);
};
} // namespace

Iterations::Iterations(nn::ScanOp scan, const nn::ScanForm &form)
    : op(scan), body(&scan.getBody().front()), firstState(0) {
  llvm::append_range(initial, scan.getOperands().take_front(form.carried));
  llvm::append_range(states, body->getArguments().take_front(form.carried));
  for (size_t i = 0; i < form.inputs; ++i)
    scanned.push_back({scan.getOperand(form.carried + i),
                       body->getArgument(form.carried + i), form.inputAxes[i],
                       form.inputDirections[i]});
  for (size_t i = 0; i < form.outputs; ++i)
    outputs.push_back({scan.getResult(form.carried + i),
                       nn::yieldedBy(scan.getBody())[form.carried + i],
                       form.outputAxes[i], form.outputDirections[i]});
  findKept();
}

// The body of a loop takes its number and the condition before the states, and
// gives the condition before them.
Iterations::Iterations(nn::LoopOp loop)
    : op(loop), body(&loop.getBody().front()), firstState(1) {
  llvm::append_range(initial, loop.getVInitial());
  llvm::append_range(states, body->getArguments().drop_front(2));
  for (size_t i = initial.size(); i < loop.getNumResults(); ++i)
    outputs.push_back(
        {loop.getResult(i), nn::yieldedBy(loop.getBody())[1 + i]});
  findKept();
}

/// The sum in which alone a product is used, as a gate's with what comes from
/// outside: kept instead, it need not be added up again.
static Value withSums(Value product) {
  Value sum = product;
  while (sum.hasOneUse()) {
    auto add = dyn_cast<nn::AddOp>(*sum.user_begin());
    if (!add || add->getBlock() != product.getParentBlock() ||
        add->getResult(0).getType() != product.getType())
      break;
    sum = add->getResult(0);
  }
  return sum;
}

/// Functions whose gradient follows from what they give.
static bool isFunctionOfResult(Operation *op) {
  return isa<nn::SigmoidOp, nn::TanhOp>(op);
}

/// Whether a sum is taken apart, added to, and goes into such functions, and
/// nothing else wants it.
static bool endsInFunctions(Value sum) {
  return llvm::all_of(sum.getUsers(), [&](Operation *user) {
    return user->getBlock() == sum.getParentBlock() &&
           (isFunctionOfResult(user) ||
            (isa<nn::SplitOp, nn::SliceOp, nn::AddOp>(user) &&
             llvm::all_of(user->getResults(), endsInFunctions)));
  });
}

// All iterations must give the same sizes, which those of the body's types are.
// Where functions of a product's sums are kept, the sums need not be, and
// functions of functions are kept too: of an LSTM, gates and the cell's tanh
// instead of the gates' sums, which takes a quarter more and no function again.
void Iterations::findKept() {
  auto isKnown = [](Operation &op) {
    return cast<ShapedType>(op.getResult(0).getType()).hasStaticShape();
  };
  bool keepsFunctions = false;
  for (Operation &op : *body)
    if (isa<nn::MatMulOp, nn::ConvOp>(op) && isKnown(op)) {
      Value sum = withSums(op.getResult(0));
      if (endsInFunctions(sum))
        keepsFunctions = true;
      else if (!llvm::is_contained(kept, sum))
        kept.push_back(sum);
    }
  for (Operation &op : *body)
    if (keepsFunctions && isFunctionOfResult(&op) && isKnown(op))
      kept.push_back(op.getResult(0));
}

void Iterations::addResults(
    nn::ShapeScope &scope, ArrayRef<Value> values,
    llvm::function_ref<Operation *(size_t results)> build) {
  size_t before = op->getNumResults();
  Operation *next = build(before + values.size());
  if (Attribute again = op->getAttr(nn::kRecomputeAttr))
    next->setAttr(nn::kRecomputeAttr, again);
  next->getRegion(0).takeBody(op->getRegion(0));
  Operation *yield = body->getTerminator();
  yield->insertOperands(yield->getNumOperands(), values);
  (void)scope.infer(next);
  for (auto [old, result] : llvm::zip(op->getResults(), next->getResults())) {
    old.replaceAllUsesWith(result);
    scope.forget(old);
  }
  op->erase();
  op = next;
  for (auto [value, result] :
       llvm::zip_equal(values, op->getResults().drop_front(before)))
    stacked.push_back({result, value});
}

void Iterations::stackStates(nn::ShapeScope &scope) {
  OpBuilder b(op);
  SmallVector<Value> values = states;
  llvm::append_range(values, kept);
  if (auto loop = dyn_cast<nn::LoopOp>(op)) {
    values.push_back(body->getArgument(0));
    addResults(scope, values, [&](size_t results) {
      SmallVector<Type> types(results, UnrankedTensorType::get(b.getF32Type()));
      return nn::LoopOp::create(b, loop.getLoc(), types, loop.getM(),
                                loop.getCond(), loop.getVInitial());
    });
    return;
  }
  addResults(scope, values, [&](size_t results) {
    NewScan next;
    next.carried = initial;
    for (const Part &part : scanned) {
      next.scanned.push_back(part.all);
      next.inputAxes.push_back(part.axis);
      next.inputDirections.push_back(part.direction);
    }
    for (const Part &part : outputs) {
      next.outputAxes.push_back(part.axis);
      next.outputDirections.push_back(part.direction);
    }
    next.outputAxes.append(values.size(), 0);
    next.outputDirections.append(values.size(), 0);
    return next.build(b, op->getLoc(), results);
  });
}

/// Moves what is the same in every iteration before the scan.
static void hoist(nn::ScanOp scan) {
  for (Operation &op : llvm::make_early_inc_range(scan.getBody().front())) {
    bool isInside = llvm::any_of(op.getOperands(), [&](Value operand) {
      return scan.getBody().isAncestor(operand.getParentRegion());
    });
    if (isPure(&op) && op.getNumRegions() == 0 && !isInside &&
        !op.hasTrait<OpTrait::IsTerminator>())
      op.moveBefore(scan);
  }
}

// The states that iterations began with are stacked by the operator itself, and
// so is what its products give; a scan goes through them from the last to the
// first, computes the rest of each iteration again and hands the gradient by
// the state on to the one before. That an LSTM's product is not made again
// saves a sixth of its multiplications.
LogicalResult Adjoints::throughIterations(Operation *op, ArrayRef<Value> dy) {
  Location loc = op->getLoc();
  SmallVector<Value> outer = captured(op);
  auto loop = dyn_cast<nn::LoopOp>(op);
  Iterations all =
      loop ? Iterations(loop)
           : Iterations(cast<nn::ScanOp>(op),
                        *nn::scanFormOf(cast<nn::ScanOp>(op), scope));
  size_t carried = all.states.size();
  // The operator is replaced, and its results may not be mistaken for others
  // that come to lie where they were.
  for (Value result : op->getResults()) {
    active.erase(result);
    adjoints.erase(result);
  }
  all.stackStates(scope);

  // The body: gradients by the states, then what is read of each iteration.
  // They stand in a scan of nothing until it is known what there is to scan.
  nn::ScanOp draft = NewScan().build(builder, loc, 0);
  Block &body = draft.getBody().emplaceBlock();
  auto argument = [&](Value like) -> Value {
    Value added = body.addArgument(like.getType(), loc);
    scope.copy(added, like);
    return added;
  };
  NewScan next;
  IRMapping mapping;
  SmallVector<Value> byState(carried), wanted(outer);
  for (auto [index, state] : llvm::enumerate(all.states)) {
    if (!isDifferentiable(state))
      continue;
    byState[index] = argument(state);
    next.carried.push_back(dy[index] ? dy[index]
                                     : builder.zerosLike(all.initial[index]));
  }
  size_t sums = next.carried.size();
  auto backwards = [&](Value whole, const Iterations::Part &part) {
    next.scanned.push_back(whole);
    next.inputAxes.push_back(part.axis);
    next.inputDirections.push_back(!part.direction);
    return argument(part.one);
  };
  // What is there as a whole, one iteration after another.
  llvm::DenseMap<Value, Value> wholes;
  SmallVector<Value> read;
  for (const Iterations::Part &part : all.stacked) {
    if (llvm::is_contained(all.kept, part.one)) {
      read.push_back(backwards(part.all, part));
      continue;
    }
    mapping.map(part.one, backwards(part.all, part));
    wholes[mapping.lookup(part.one)] = part.all;
    if (isDifferentiable(part.one))
      wanted.push_back(mapping.lookup(part.one));
  }
  for (const Iterations::Part &part : all.scanned) {
    mapping.map(part.one, backwards(part.all, part));
    if (part.axis == 0 && part.direction == 0)
      wholes[mapping.lookup(part.one)] = part.all;
    if (active.contains(part.all))
      wanted.push_back(mapping.lookup(part.one));
  }
  SmallVector<Value> byOutput(all.outputs.size());
  for (auto [index, part] : llvm::enumerate(all.outputs))
    if (Value whole = dy[carried + index])
      byOutput[index] = backwards(whole, part);

  if (loop) { // An iteration that was entered had its condition.
    nn::NetBuilder b(loc, OpBuilder::atBlockEnd(&body), scope);
    mapping.map(all.body->getArgument(1),
                b.make<nn::ConstantOp>(DenseElementsAttr::get(
                    RankedTensorType::get({}, b.getI1Type()), true)));
  }
  SmallVector<Value> yielded = copyBody(*all.body, body, mapping, scope);
  Adjoints inner(body, wanted, OpBuilder::atBlockEnd(&body), scope);
  inner.builder.setLoc(loc);
  inner.products.emplace();
  for (size_t i = 0; i < carried; ++i)
    inner.seed(yielded[all.firstState + i], byState[i]);
  for (size_t i = 0; i < byOutput.size(); ++i)
    inner.seed(yielded[all.firstState + carried + i], byOutput[i]);
  if (failed(inner.run()))
    return failure();

  // Gradients by the states go on; those by values above are summed; those by
  // what was scanned are stacked, and so are factors of products.
  SmallVector<Value> results, summed, given;
  for (auto [index, state] : llvm::enumerate(all.states))
    if (byState[index])
      results.push_back(inner.of(mapping.lookup(state)));
  for (Value value : outer) {
    Value gradient = inner.find(value);
    if (!gradient)
      continue;
    Value before = body.insertArgument(sums++, value.getType(), loc);
    scope.copy(before, value);
    next.carried.push_back(builder.zerosLike(value));
    results.push_back(inner.builder.add(before, gradient));
    summed.push_back(value);
  }
  // The results that have a value of all iterations, one after another.
  llvm::DenseMap<Value, size_t> places;
  auto stack = [&](Value one, int64_t axis, int64_t direction) {
    if (axis == 0 && direction == 0)
      places.try_emplace(one, results.size());
    results.push_back(one);
    next.outputAxes.push_back(axis);
    next.outputDirections.push_back(!direction);
  };
  for (const Iterations::Part &part : all.scanned) {
    if (!active.contains(part.all))
      continue;
    stack(inner.of(mapping.lookup(part.one)), part.axis, part.direction);
    given.push_back(part.all);
  }
  for (const Product &product : *inner.products)
    for (Value factor : {product.left, product.gradient})
      if (!wholes.contains(factor) && !places.contains(factor))
        stack(factor, 0, 0);
  nn::YieldOp::create(static_cast<OpBuilder &>(inner.builder), loc, results);
  // Gradients went through the products; what these gave, or became, is read.
  for (auto [one, stacked] : llvm::zip_equal(all.kept, read))
    mapping.lookup(one).replaceAllUsesWith(stacked);
  for (Operation &each : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&each)) {
      for (Value result : each.getResults())
        scope.forget(result);
      each.erase();
    }
  nn::ScanOp backward = next.build(builder, loc, results.size());
  backward.getBody().takeBody(draft.getBody());
  draft.erase();
  hoist(backward);
  if (failed(scope.infer(backward)))
    return failure();

  auto result = backward->getResults().begin();
  for (size_t i = 0; i < carried; ++i)
    if (byState[i])
      add(all.initial[i], *result++);
  for (Value value : summed)
    add(value, *result++);
  for (Value value : given)
    add(value, *result++);
  auto wholeOf = [&](Value factor) -> Value {
    if (Value whole = wholes.lookup(factor))
      return whole;
    return backward->getResult(places.at(factor));
  };
  for (const Product &product : *inner.products)
    add(product.right,
        builder.rowsProduct(wholeOf(product.left), wholeOf(product.gradient)));
  return success();
}
