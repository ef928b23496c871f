// Adjoints.cpp - reverse accumulation over the operators of a block.
#include "passes/graph/Adjoints.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace burnish;

bool burnish::isDifferentiable(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

LogicalResult burnish::expandLayers(func::FuncOp function,
                                    nn::ShapeScope &scope) {
  SmallVector<Operation *> layers;
  function.walk([&](Operation *op) {
    if (isa<nn::LstmOp, nn::GruOp, nn::RnnOp>(op))
      layers.push_back(op);
  });
  for (Operation *layer : layers) {
    // What a layer is made of is computed again where it would be.
    Attribute again = layer->getAttr(nn::kRecomputeAttr);
    Operation *before = layer->getPrevNode(), *after = layer->getNextNode();
    Block *block = layer->getBlock();
    if (failed(nn::expandRecurrent(layer, scope)))
      return failure();
    for (Operation *op = before ? before->getNextNode() : &block->front();
         again && op != after; op = op->getNextNode())
      op->setAttr(nn::kRecomputeAttr, again);
  }
  return success();
}

Adjoints::Adjoints(Block &block, ArrayRef<Value> wanted, OpBuilder builder,
                   nn::ShapeScope &scope)
    : block(block), scope(scope), active(wanted.begin(), wanted.end()),
      builder(builder, scope, active) {
  for (Operation &op : block)
    if (isActive(&op))
      for (Value result : op.getResults())
        if (isDifferentiable(result) || isQuantized(&op))
          active.insert(result);
}

SmallVector<Value> Adjoints::captured(Operation *op) const {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return llvm::filter_to_vector(
      values, [&](Value value) { return active.contains(value); });
}

bool Adjoints::isQuantized(Operation *op) const {
  if (isa<nn::QuantizeLinearOp>(op))
    return true;
  return isa<nn::IdentityOp, nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp,
             nn::TransposeOp>(op) &&
         active.contains(op->getOperand(0));
}

bool Adjoints::isActive(Operation *op) const {
  return llvm::any_of(op->getOperands(),
                      [&](Value value) { return active.contains(value); }) ||
         (op->getNumRegions() > 0 && !captured(op).empty());
}

void Adjoints::add(Value value, Value gradient) {
  if (!gradient || !active.contains(value))
    return;
  Value &sum = adjoints[value];
  sum = sum ? builder.add(sum, gradient) : gradient;
}

Value Adjoints::of(Value value) {
  Value gradient = find(value);
  return gradient ? gradient : builder.zerosLike(value);
}

LogicalResult Adjoints::run() {
  // What rules build comes behind.
  SmallVector<Operation *> ops =
      llvm::map_to_vector(block, [](Operation &op) { return &op; });
  for (Operation *op : llvm::reverse(ops))
    if (failed(visit(op)))
      return failure();
  return success(!builder.hasFailed());
}

Value Adjoints::takenApart(Operation *op, Value dy) {
  auto product = dyn_cast<nn::MatMulOp>(op);
  if (!products || !product || !builder.wants(product.getB()) ||
      product.getB().getParentBlock() == &block ||
      builder.rank(product.getA()) < 2 || builder.rank(product.getB()) != 2)
    return {};
  products->push_back({product.getA(), product.getB(), dy});
  return product.getB();
}

LogicalResult Adjoints::visit(Operation *op) {
  SmallVector<Value> dy = llvm::map_to_vector(
      op->getResults(), [&](Value result) { return find(result); });
  if (llvm::none_of(dy, [](Value each) { return bool(each); }) || !isActive(op))
    return success();
  builder.setLoc(op->getLoc());
  Block::iterator end = builder.getInsertionPoint();
  Operation *before = end == block.begin() ? nullptr : &*std::prev(end);
  LogicalResult result = handOn(op, dy);
  auto *given = llvm::find_if(dy, [](Value each) { return bool(each); });
  for (Block::iterator each = before ? std::next(before->getIterator())
                                     : block.begin();
       each != end; ++each)
    built[&*each] = *given;
  return result;
}

LogicalResult Adjoints::handOn(Operation *op, ArrayRef<Value> dy) {
  if (isa<nn::WithGradientOp>(op))
    return throughRule(op, dy);
  if (isa<nn::IfOp>(op))
    return throughIf(op, dy);
  if (isa<nn::LoopOp, nn::ScanOp>(op))
    return throughIterations(op, dy);
  auto differentiable = dyn_cast<nn::Differentiable>(op);
  if (!differentiable)
    return op->emitError() << "'" << op->getName()
                           << "' has no gradient, and the loss depends on it";
  Value apart = takenApart(op, dy[0]);
  if (apart)
    active.erase(apart);
  SmallVector<Value> gradients = differentiable.differentiate(builder, dy);
  if (apart)
    active.insert(apart);
  for (auto [operand, gradient] : llvm::zip(op->getOperands(), gradients)) {
    if (gradient && !isa<RankedTensorType>(gradient.getType()))
      return failure();
    add(operand, gradient);
  }
  return success(!builder.hasFailed());
}
