// AdjointIterations.cpp - gradients through loops and scans.
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/graph/Adjoints.h"
#include "passes/graph/Iterations.h"

using namespace mlir;
using namespace burnish;

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

static Iterations iterationsOf(Operation *op, nn::ShapeScope &scope) {
  if (auto loop = dyn_cast<nn::LoopOp>(op))
    return Iterations(loop);
  auto scan = cast<nn::ScanOp>(op);
  return {scan, *nn::scanFormOf(scan, scope)};
}

/// The scan that goes through iterations from the last to the first, computes
/// what was not kept of each again and hands the gradient by the state on to
/// the one before. The states that iterations began with are stacked by the
/// operator itself, and so is what its products give: that an LSTM's product is
/// not made again saves a sixth of its multiplications.
class Adjoints::BackwardScan {
public:
  BackwardScan(Adjoints &all, Operation *op, ArrayRef<Value> dy)
      : all(all), builder(all.builder), scope(all.scope), loc(op->getLoc()),
        above(all.captured(op)), dy(dy), isLoop(isa<nn::LoopOp>(op)),
        iterations(iterationsOf(op, all.scope)),
        carried(iterations.states.size()), wanted(above) {}

  LogicalResult write() {
    iterations.stackStates(scope);
    // The body stands in a scan of nothing until it is known what there is to
    // scan.
    draft = NewScan().build(builder, loc, 0);
    body = &draft.getBody().emplaceBlock();
    takeStates();
    readIterations();
    if (failed(differentiate()))
      return failure();
    giveByState();
    sumByValuesAbove();
    stackByScanned();
    stackFactors();
    finishBody();
    if (failed(replaceDraft()))
      return failure();
    addResults();
    return success();
  }

private:
  Value argument(Value like) {
    Value added = body->addArgument(like.getType(), loc);
    scope.copy(added, like);
    return added;
  }

  /// The first arguments: gradients by the states.
  void takeStates() {
    byState.resize(carried);
    for (auto [index, state] : llvm::enumerate(iterations.states)) {
      if (!isDifferentiable(state))
        continue;
      byState[index] = argument(state);
      next.carried.push_back(
          dy[index] ? dy[index] : builder.zerosLike(iterations.initial[index]));
    }
    sums = next.carried.size();
  }

  /// An argument that has the parts of a tensor from the last to the first.
  Value backwards(Value whole, const Iterations::Part &part) {
    next.scanned.push_back(whole);
    next.inputAxes.push_back(part.axis);
    next.inputDirections.push_back(!part.direction);
    return argument(part.one);
  }

  /// Then what is read of each iteration: states and what was kept, what it
  /// scanned, and gradients by what it gave.
  void readIterations() {
    for (const Iterations::Part &part : iterations.stacked) {
      Value one = backwards(part.all, part);
      if (llvm::is_contained(iterations.kept, part.one)) {
        kept.push_back(one);
        continue;
      }
      mapping.map(part.one, one);
      wholes[one] = part.all;
      if (isDifferentiable(part.one))
        wanted.push_back(one);
    }
    for (const Iterations::Part &part : iterations.scanned) {
      Value one = backwards(part.all, part);
      mapping.map(part.one, one);
      if (part.axis == 0 && part.direction == 0)
        wholes[one] = part.all;
      if (all.active.contains(part.all))
        wanted.push_back(one);
    }
    byOutput.resize(iterations.outputs.size());
    for (auto [index, part] : llvm::enumerate(iterations.outputs))
      if (Value whole = dy[carried + index])
        byOutput[index] = backwards(whole, part);
  }

  /// Computes an iteration again, and its gradients.
  LogicalResult differentiate() {
    if (isLoop) { // An iteration that was entered had its condition.
      nn::NetBuilder b(loc, OpBuilder::atBlockEnd(body), scope);
      mapping.map(iterations.body->getArgument(1),
                  b.make<nn::ConstantOp>(DenseElementsAttr::get(
                      RankedTensorType::get({}, b.getI1Type()), true)));
    }
    SmallVector<Value> yielded =
        copyBody(*iterations.body, *body, mapping, scope);
    inner.emplace(*body, wanted, OpBuilder::atBlockEnd(body), scope);
    inner->builder.setLoc(loc);
    inner->products.emplace();
    for (size_t i = 0; i < carried; ++i)
      inner->seed(yielded[iterations.firstState + i], byState[i]);
    for (size_t i = 0; i < byOutput.size(); ++i)
      inner->seed(yielded[iterations.firstState + carried + i], byOutput[i]);
    return inner->run();
  }

  /// Gradients by the states go on.
  void giveByState() {
    for (auto [index, state] : llvm::enumerate(iterations.states))
      if (byState[index])
        results.push_back(inner->of(mapping.lookup(state)));
  }

  /// Those by values above are summed.
  void sumByValuesAbove() {
    for (Value value : above) {
      Value gradient = inner->find(value);
      if (!gradient)
        continue;
      Value before = body->insertArgument(sums++, value.getType(), loc);
      scope.copy(before, value);
      next.carried.push_back(builder.zerosLike(value));
      results.push_back(inner->builder.add(before, gradient));
      summed.push_back(value);
    }
  }

  void stack(Value one, int64_t axis, int64_t direction) {
    if (axis == 0 && direction == 0)
      places.try_emplace(one, results.size());
    results.push_back(one);
    next.outputAxes.push_back(axis);
    next.outputDirections.push_back(!direction);
  }

  /// Those by what was scanned are stacked,
  void stackByScanned() {
    for (const Iterations::Part &part : iterations.scanned) {
      if (!all.active.contains(part.all))
        continue;
      stack(inner->of(mapping.lookup(part.one)), part.axis, part.direction);
      scanned.push_back(part.all);
    }
  }

  /// and so are factors of products that are not there as a whole yet.
  void stackFactors() {
    for (const Product &product : *inner->products)
      for (Value factor : {product.left, product.gradient})
        if (!wholes.contains(factor) && !places.contains(factor))
          stack(factor, 0, 0);
  }

  /// Gradients went through the products; what these gave, or became, is read.
  void finishBody() {
    nn::YieldOp::create(static_cast<OpBuilder &>(inner->builder), loc, results);
    for (auto [one, stacked] : llvm::zip_equal(iterations.kept, kept))
      mapping.lookup(one).replaceAllUsesWith(stacked);
    for (Operation &each : llvm::make_early_inc_range(llvm::reverse(*body)))
      if (isOpTriviallyDead(&each)) {
        for (Value result : each.getResults())
          scope.forget(result);
        each.erase();
      }
  }

  LogicalResult replaceDraft() {
    backward = next.build(builder, loc, results.size());
    backward.getBody().takeBody(draft.getBody());
    draft.erase();
    hoist(backward);
    return scope.infer(backward);
  }

  void addResults() {
    auto result = backward->getResults().begin();
    for (size_t i = 0; i < carried; ++i)
      if (byState[i])
        all.add(iterations.initial[i], *result++);
    for (Value value : summed)
      all.add(value, *result++);
    for (Value value : scanned)
      all.add(value, *result++);
    auto wholeOf = [&](Value factor) -> Value {
      if (Value whole = wholes.lookup(factor))
        return whole;
      return backward->getResult(places.at(factor));
    };
    for (const Product &product : *inner->products)
      all.add(product.right, builder.rowsProduct(wholeOf(product.left),
                                                 wholeOf(product.gradient)));
  }

  Adjoints &all;
  nn::GradientBuilder &builder;
  nn::ShapeScope &scope;
  Location loc;
  /// Active values from above that the body uses.
  SmallVector<Value> above;
  ArrayRef<Value> dy;
  bool isLoop;
  Iterations iterations;
  size_t carried;

  nn::ScanOp draft, backward;
  NewScan next;
  Block *body = nullptr;
  /// What the iteration has, in the body; gradients by its states and outputs
  /// (null: none); and what was kept of it.
  IRMapping mapping;
  SmallVector<Value> byState, byOutput, kept;
  /// Whose gradients the body computes.
  SmallVector<Value> wanted;
  std::optional<Adjoints> inner;
  /// What the body gives, and where sums come among its arguments.
  SmallVector<Value> results;
  size_t sums = 0;
  /// Values whose gradients follow those by states among the results.
  SmallVector<Value> summed, scanned;
  /// What is there as a whole, one iteration after another: before, or as a
  /// result.
  llvm::DenseMap<Value, Value> wholes;
  llvm::DenseMap<Value, size_t> places;
};

LogicalResult Adjoints::throughIterations(Operation *op, ArrayRef<Value> dy) {
  // The operator is replaced, and its results may not be mistaken for others
  // that come to lie where they were.
  BackwardScan scan(*this, op, dy);
  for (Value result : op->getResults()) {
    active.erase(result);
    adjoints.erase(result);
  }
  return scan.write();
}
