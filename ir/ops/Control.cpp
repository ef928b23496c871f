// Control.cpp - operators that run parts of a network depending on values.
#include "ir/Bodies.h"
#include "ir/Ops.h"
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
