// Control.cpp - operators that run parts of a network depending on values.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#define GET_OP_CLASSES
#include "ir/ops/Control.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerControl(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Control.cpp.inc"
      >();
}

/// Checks that an operand is one boolean or integer.
static LogicalResult checkOne(Operation *op, ShapeScope &scope, Value operand,
                              StringRef name, unsigned width) {
  for (Dim dim : scope.dims(operand))
    if (known(dim) && !isKnown(dim, 1))
      return op->emitOpError()
             << name << " is " << toString(scope.dims(operand))
             << ", not one element";
  Type elementType = getElementTypeOrSelf(operand.getType());
  if (!elementType.isInteger(width))
    return op->emitOpError()
           << name << " has elements of " << elementType << ", not i" << width;
  return success();
}

/// The value of a condition or count, if it is known when compiling.
static std::optional<int64_t> knownOne(ShapeScope &scope, Value operand) {
  std::optional<SmallVector<int64_t>> all = scope.integers(operand);
  return all && all->size() == 1 ? std::optional(all->front()) : std::nullopt;
}

static Value castTo(Lowering &l, Type type, Value tensor) {
  return tensor.getType() == type
             ? tensor
             : tensor::CastOp::create(l, type, tensor).getResult();
}

/// What a lowered body yields, from result `first` on.
static SmallVector<Value> loweredYields(Lowering &l, Region &body) {
  return llvm::map_to_vector(yieldedBy(body),
                             [&](Value value) { return l.lowered(value); });
}

/// Adds the arguments that a body does not have yet, or checks their number.
static LogicalResult ensureArguments(Operation *op, Region &body,
                                     unsigned count) {
  Block &block = body.front();
  if (block.getNumArguments() == 0)
    for (unsigned index = 0; index < count; ++index)
      block.addArgument(
          UnrankedTensorType::get(Float32Type::get(op->getContext())),
          op->getLoc());
  if (block.getNumArguments() != count)
    return op->emitOpError() << "its body takes " << block.getNumArguments()
                             << " values, not " << count;
  return success();
}

//===- if -----------------------------------------------------------------===//

LogicalResult IfOp::declareArguments(ShapeScope &) {
  for (Region &region : getOperation()->getRegions())
    if (region.getNumArguments() != 0)
      return emitOpError() << "a branch takes " << region.getNumArguments()
                           << " values, not 0";
  return success();
}

SmallVector<Carried> IfOp::carried() { return {}; }

LogicalResult IfOp::inferShapes(ShapeScope &scope) {
  if (failed(checkOne(*this, scope, getCond(), "'cond'", 1)) ||
      failed(inferBodies(*this, scope)))
    return failure();
  OperandRange otherwise = yieldedBy(getElseBranch()),
               then = yieldedBy(getThenBranch());
  if (then.size() != getNumResults() || otherwise.size() != getNumResults())
    return emitOpError() << "branches give " << then.size() << " and "
                         << otherwise.size() << " values, not "
                         << getNumResults();
  std::optional<int64_t> condition = knownOne(scope, getCond());
  for (auto [result, no, yes] :
       llvm::zip_equal(getOperation()->getResults(), otherwise, then)) {
    if (condition) {
      Value chosen = *condition ? yes : no;
      if (failed(scope.set(result, getElementTypeOrSelf(chosen.getType()),
                           dimsOutside(*this, chosen, scope))))
        return failure();
      continue;
    }
    Dims noDims = dimsOutside(*this, no, scope),
         yesDims = dimsOutside(*this, yes, scope);
    Type noType = getElementTypeOrSelf(no.getType()),
         yesType = getElementTypeOrSelf(yes.getType());
    if (noType != yesType)
      return emitOpError() << "branches give elements of " << yesType << " and "
                           << noType << " for result "
                           << result.getResultNumber();
    if (noDims.size() != yesDims.size())
      return emitOpError() << "branches give ranks " << yesDims.size()
                           << " and " << noDims.size() << " for result "
                           << result.getResultNumber()
                           << ", and the condition is not known when compiling";
    for (auto [dim, other] : llvm::zip_equal(yesDims, noDims))
      if (dim != other)
        dim = {};
    if (failed(scope.set(result, yesType, yesDims)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>> IfOp::lower(Lowering &l) {
  if (std::optional<int64_t> known = knownOne(l.scope, getCond())) {
    Region &chosen = *known ? getThenBranch() : getElseBranch();
    if (failed(l.lowerBlock(chosen.front())))
      return failure();
    return loweredYields(l, chosen);
  }
  SmallVector<Type> types = llvm::map_to_vector(
      getResultTypes(), [](Type type) -> Type { return storageTensor(type); });
  Value condition = onlyElement(l, getCond());
  auto branch = scf::IfOp::create(l, TypeRange(types), condition,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(l);
  for (auto [region, block] : {std::pair(&getThenBranch(), branch.thenBlock()),
                               {&getElseBranch(), branch.elseBlock()}}) {
    l.setInsertionPointToStart(block);
    if (failed(l.lowerBlock(region->front())))
      return failure();
    SmallVector<Value> yields = loweredYields(l, *region);
    for (auto [value, type] : llvm::zip_equal(yields, types))
      value = castTo(l, type, value);
    scf::YieldOp::create(l, yields);
  }
  return SmallVector<Value>(branch.getResults());
}

// if(constant) -> the branch
LogicalResult IfOp::canonicalize(IfOp op, PatternRewriter &rewriter) {
  ElementsAttr condition;
  if (!matchPattern(op.getCond(), m_Constant(&condition)))
    return failure();
  std::optional<SmallVector<int64_t>> elements = readIntegers(condition, 1);
  if (!elements || elements->size() != 1)
    return failure();
  Block &block =
      (elements->front() ? op.getThenBranch() : op.getElseBranch()).front();
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getResults().getTypes() != op.getResultTypes())
    return failure();
  SmallVector<Value> results(yield.getResults());
  rewriter.inlineBlockBefore(&block, op);
  rewriter.replaceOp(op, results);
  rewriter.eraseOp(yield);
  return success();
}

//===- with_gradient ------------------------------------------------------===//

LogicalResult WithGradientOp::declareArguments(ShapeScope &scope) {
  if (failed(ensureArguments(*this, getRule(), getValues().size())))
    return failure();
  for (auto [argument, value] :
       llvm::zip_equal(getRule().getArguments(), getValues()))
    scope.assume(argument, getElementTypeOrSelf(value.getType()),
                 scope.dims(value));
  return success();
}

SmallVector<Carried> WithGradientOp::carried() { return {}; }

LogicalResult WithGradientOp::inferShapes(ShapeScope &scope) {
  if (failed(inferBodies(*this, scope)))
    return failure();
  if (getNumResults() != getValues().size() ||
      yieldedBy(getRule()).size() != getBy().size())
    return emitOpError() << "has " << getValues().size() << " values for "
                         << getNumResults() << " results, and a rule of "
                         << yieldedBy(getRule()).size() << " gradients by "
                         << getBy().size() << " values";
  for (auto [by, gradient] : llvm::zip_equal(getBy(), yieldedBy(getRule())))
    if (getElementTypeOrSelf(by.getType()) !=
            getElementTypeOrSelf(gradient.getType()) ||
        scope.rank(by) != scope.rank(gradient))
      return emitOpError() << "has a gradient of " << gradient.getType()
                           << " by " << by.getType();
  for (auto [result, value] : llvm::zip_equal(getOutputs(), getValues())) {
    if (failed(scope.set(cast<OpResult>(result),
                         getElementTypeOrSelf(value.getType()),
                         scope.dims(value))))
      return failure();
    scope.copy(result, value);
  }
  return success();
}

FailureOr<SmallVector<Value>> WithGradientOp::lower(Lowering &l) {
  return llvm::map_to_vector(getValues(),
                             [&](Value value) { return l.lowered(value); });
}

// with_gradient(x) -> x
LogicalResult WithGradientOp::fold(FoldAdaptor,
                                   SmallVectorImpl<OpFoldResult> &results) {
  if (!llvm::equal(getValues().getTypes(), getResultTypes()))
    return failure();
  llvm::append_range(results, getValues());
  return success();
}

//===- loop ---------------------------------------------------------------===//

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

namespace {
/// A loop over iterations, whatever makes it end: what it carries, and what it
/// stacks.
class Iteration {
public:
  Iteration(Operation *op, Region &body, size_t carriedCount, Lowering &l)
      : op(op), body(body), carriedCount(carriedCount), l(l) {}

  /// The tensors to carry: first values, then stacks.
  SmallVector<Value> begin(ValueRange initial,
                           ArrayRef<BlockArgument> arguments) {
    SmallVector<Value> all;
    for (auto [value, argument] : llvm::zip_equal(initial, arguments)) {
      all.push_back(
          castTo(l, storageTensor(argument.getType()), l.lowered(value)));
      isChanging |= l.scope.dims(value) != l.scope.dims(argument);
    }
    for (const Stack &stack : stacks) {
      all.push_back(stack.begin(l));
      isChanging |= stack.isGrowing();
    }
    return all;
  }

  /// The tensors to hand on after the body, whose arguments are mapped, has run
  /// as iteration `index`. `places` has the index of each stack.
  FailureOr<SmallVector<Value>> run(ValueRange carried,
                                    ArrayRef<BlockArgument> arguments,
                                    size_t firstYield, ArrayRef<Value> places) {
    for (auto [argument, value] :
         llvm::zip_equal(arguments, carried.take_front(carriedCount)))
      l.map(argument, value);
    if (failed(l.lowerBlock(body.front())))
      return failure();
    l.setLoc(op->getLoc());
    SmallVector<Value> yields = loweredYields(l, body), next;
    for (size_t index = 0; index < carriedCount; ++index)
      next.push_back(
          castTo(l, carried[index].getType(), yields[firstYield + index]));
    for (auto [index, stack] : llvm::enumerate(stacks)) {
      Value last = carried[carriedCount + index];
      next.push_back(
          castTo(l, last.getType(),
                 stack.put(l, last, yields[firstYield + carriedCount + index],
                           places[index])));
    }
    return next;
  }

  using Body = llvm::function_ref<FailureOr<SmallVector<Value>>(
      Value index, ValueRange carried)>;

  /// Runs `body` for each index below `count`, and gives what is left.
  FailureOr<SmallVector<Value>> count(ArrayRef<Value> initial,
                                      OpFoldResult count, Body body) {
    // A body that never runs would stack into nothing.
    if (isConstantIntValue(count, 0))
      return finish(initial, l.index(0));
    // The canonicaliser gives what an scf.for carries the sizes of its first
    // value, even when the next has others.
    if (isChanging) {
      Value yes = arith::ConstantIntOp::create(l, 1, 1);
      return repeat(
          initial, yes,
          [&](Value done) -> Value {
            return arith::CmpIOp::create(l, arith::CmpIPredicate::slt, done,
                                         l.index(count));
          },
          [&](Value index, Value, ValueRange carried) {
            return body(index, carried);
          },
          [&] { return yes; });
    }
    auto loop =
        scf::ForOp::create(l, l.index(0), l.index(count), l.index(1), initial);
    OpBuilder::InsertionGuard guard(l);
    if (!loop.getBody()->empty())
      loop.getBody()->back().erase();
    l.setInsertionPointToStart(loop.getBody());
    FailureOr<SmallVector<Value>> next =
        body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (failed(next))
      return failure();
    scf::YieldOp::create(l, *next);
    l.setInsertionPointAfter(loop);
    return finish(loop.getResults(), l.index(count));
  }

  /// Runs `body` as long as `condition`, which begins as `first` and is what
  /// `next` gives after the body, and `goesOn` hold.
  FailureOr<SmallVector<Value>>
  repeat(ArrayRef<Value> initial, Value first,
         llvm::function_ref<Value(Value done)> goesOn,
         llvm::function_ref<FailureOr<SmallVector<Value>>(Value, Value,
                                                          ValueRange)>
             body,
         llvm::function_ref<Value()> next) {
    // The tensors come first: bufferisation finds them at the same places in
    // both regions, whatever of the rest is unused.
    SmallVector<Value> all(initial);
    all.append({l.index(0), first});
    size_t count = initial.size();
    SmallVector<Type> types(ValueRange(all).getTypes());
    SmallVector<Location> locs(types.size(), op->getLoc());
    auto loop = scf::WhileOp::create(l, TypeRange(types), ValueRange(all));
    OpBuilder::InsertionGuard guard(l);
    Block *before = l.createBlock(&loop.getBefore(), {}, types, locs);
    Value condition = arith::AndIOp::create(l, before->getArgument(count + 1),
                                            goesOn(before->getArgument(count)));
    scf::ConditionOp::create(l, condition, before->getArguments());
    Block *after = l.createBlock(&loop.getAfter(), {}, types, locs);
    Value index = after->getArgument(count);
    FailureOr<SmallVector<Value>> results =
        body(index, after->getArgument(count + 1),
             after->getArguments().take_front(count));
    if (failed(results))
      return failure();
    results->append({arith::AddIOp::create(l, index, l.index(1)), next()});
    scf::YieldOp::create(l, *results);
    l.setInsertionPointAfter(loop);
    return finish(loop.getResults().take_front(count), loop.getResult(count));
  }

  SmallVector<Stack> stacks;

private:
  SmallVector<Value> finish(ValueRange carried, Value done) {
    SmallVector<Value> results(carried.take_front(carriedCount));
    for (auto [stack, value] :
         llvm::zip_equal(stacks, carried.drop_front(carriedCount)))
      results.push_back(stack.finish(l, value, done));
    return results;
  }

  Operation *op;
  Region &body;
  size_t carriedCount;
  Lowering &l;
  bool isChanging = false;
};
} // namespace

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

//===- scan ---------------------------------------------------------------===//

FailureOr<ScanForm> nn::scanFormOf(ScanOp op, ShapeScope &scope) {
  size_t operands = op->getNumOperands();
  int64_t inputs = op.getNumScanInputs();
  if (inputs < 1 || inputs > static_cast<int64_t>(operands))
    return op.emitOpError() << "'num_scan_inputs' is " << inputs << " for "
                            << operands << " operands";
  if (op->getNumResults() < operands - inputs)
    return op.emitOpError()
           << "it carries " << operands - inputs << " values and has "
           << op->getNumResults() << " results";
  ScanForm form{operands - inputs,
                static_cast<size_t>(inputs),
                op->getNumResults() - (operands - inputs),
                {},
                {},
                {},
                {}};
  auto list = [&](StringRef name, std::optional<ArrayRef<int64_t>> given,
                  size_t count, SmallVector<int64_t> &values) -> LogicalResult {
    if (!given || given->empty()) {
      values.assign(count, 0);
      return success();
    }
    if (given->size() != count)
      return op.emitOpError() << "'" << name << "' has " << given->size()
                              << " values, not " << count;
    values.assign(given->begin(), given->end());
    return success();
  };
  if (failed(list("scan_input_axes", op.getScanInputAxes(), form.inputs,
                  form.inputAxes)) ||
      failed(list("scan_input_directions", op.getScanInputDirections(),
                  form.inputs, form.inputDirections)) ||
      failed(list("scan_output_axes", op.getScanOutputAxes(), form.outputs,
                  form.outputAxes)) ||
      failed(list("scan_output_directions", op.getScanOutputDirections(),
                  form.outputs, form.outputDirections)))
    return failure();
  for (auto [axis, operand] : llvm::zip_equal(
           form.inputAxes, op->getOperands().drop_front(form.carried))) {
    FailureOr<int64_t> normal = normalizeAxis(op, axis, scope.rank(operand));
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  return form;
}

LogicalResult ScanOp::declareArguments(ShapeScope &scope) {
  FailureOr<ScanForm> form = scanFormOf(*this, scope);
  if (failed(form) ||
      failed(ensureArguments(*this, getBody(), getNumOperands())))
    return failure();
  for (size_t index = 0; index < form->inputs; ++index) {
    Value operand = getOperand(form->carried + index);
    Dims dims = scope.dims(operand);
    dims.erase(dims.begin() + form->inputAxes[index]);
    scope.assume(getBody().getArgument(form->carried + index),
                 getElementTypeOrSelf(operand.getType()), dims);
  }
  return success();
}

SmallVector<Carried> ScanOp::carried() {
  SmallVector<Carried> all;
  for (unsigned index = 0;
       index < getNumOperands() - static_cast<unsigned>(getNumScanInputs());
       ++index)
    all.push_back({getBody().getArgument(index), getOperand(index), index});
  return all;
}

LogicalResult ScanOp::inferShapes(ShapeScope &scope) {
  FailureOr<ScanForm> form = scanFormOf(*this, scope);
  if (failed(form))
    return failure();
  if (getBody().hasOneBlock() && !getBody().front().empty())
    if (auto yield = dyn_cast<YieldOp>(getBody().front().back());
        yield && yield.getResults().size() != getNumResults())
      return emitOpError() << "its body gives " << yield.getResults().size()
                           << " values, not " << getNumResults();
  Dim length;
  for (size_t index = 0; index < form->inputs; ++index) {
    Dim dim =
        scope.dim(getOperand(form->carried + index), form->inputAxes[index]);
    if (length && known(length) && known(dim) && length != dim)
      return emitOpError() << "scans " << *known(length) << " and "
                           << *known(dim) << " elements at once";
    if (!length || !known(length))
      length = dim;
  }
  if (failed(inferBodies(*this, scope)))
    return failure();
  OperandRange yields = yieldedBy(getBody());
  for (auto [index, result] : llvm::enumerate(getOperation()->getResults())) {
    Dims dims = dimsOutside(*this, yields[index], scope);
    if (index >= form->carried) {
      FailureOr<int64_t> axis = normalizeAxis(
          *this, form->outputAxes[index - form->carried], dims.size() + 1);
      if (failed(axis))
        return failure();
      dims.insert(dims.begin() + *axis, length);
    } else {
      for (auto [dim, initial] :
           llvm::zip_equal(dims, scope.dims(getOperand(index))))
        if (dim != initial)
          dim = {};
    }
    if (failed(scope.set(result, getElementTypeOrSelf(yields[index].getType()),
                         dims)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>> ScanOp::lower(Lowering &l) {
  ScanForm form = *scanFormOf(*this, l.scope);
  ValueRange scanned = getOperands().drop_front(form.carried);
  Dim length = l.scope.dim(scanned[0], form.inputAxes[0]);
  for (auto [operand, axis] : llvm::zip_equal(scanned, form.inputAxes)) {
    Dim dim = l.scope.dim(operand, axis);
    l.requireEqual(dim, length, "scanned operands have different lengths");
    if (known(dim))
      length = dim;
  }
  OpFoldResult count = l.size(length);
  Iteration iteration(*this, getBody(), form.carried, l);
  for (auto [axis, yielded] : llvm::zip_equal(
           form.outputAxes, yieldedBy(getBody()).drop_front(form.carried)))
    iteration.stacks.emplace_back(
        *this, yielded, count,
        *normalizeAxis(*this, axis, l.scope.rank(yielded) + 1), l.scope);
  SmallVector<BlockArgument> arguments(
      getBody().getArguments().take_front(form.carried));
  SmallVector<Value> initial =
      iteration.begin(getOperands().take_front(form.carried), arguments);
  return iteration.count(initial, count, [&](Value index, ValueRange carried) {
    Value last = l.index(subIndex(l, count, l.getIndexAttr(1))),
          backwards = arith::SubIOp::create(l, last, index);
    for (size_t at = 0; at < form.inputs; ++at) {
      BlockArgument argument = getBody().getArgument(form.carried + at);
      Value slice =
          l.pick(l.lowered(scanned[at]), {form.inputAxes[at]},
                 {OpFoldResult(form.inputDirections[at] ? backwards : index)});
      l.map(argument, castTo(l, storageTensor(argument.getType()), slice));
    }
    SmallVector<Value> places =
        llvm::map_to_vector(form.outputDirections, [&](int64_t direction) {
          return direction ? backwards : index;
        });
    return iteration.run(carried, arguments, 0, places);
  });
}
