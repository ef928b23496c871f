// Iterations.cpp - loops and scans, as gradients go through them.
#include "passes/graph/Iterations.h"
#include "ir/Signature.h"

using namespace mlir;
using namespace burnish;

nn::ScanOp NewScan::build(OpBuilder &b, Location loc, size_t results) const {
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
