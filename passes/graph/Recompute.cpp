// Recompute.cpp - computes values again for gradients instead of keeping them.
#include "passes/graph/Recompute.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace burnish;

bool burnish::isBackwardUse(OpOperand &use, Block &block,
                            const Backward &backward) {
  Operation *user = block.findAncestorOpInBlock(*use.getOwner());
  // Sizes are known without the elements.
  return user && backward.contains(user) && !isa<nn::ShapeOp>(user);
}

llvm::SetVector<Value> burnish::valuesUsed(Operation *op) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  values.remove_if(
      [](Value value) { return value.getDefiningOp<nn::ConstantOp>(); });
  return values;
}

static ArrayRef<int64_t> marksOf(Operation *op) {
  auto marks = op->getAttrOfType<DenseI64ArrayAttr>(nn::kRecomputeAttr);
  return marks ? marks.asArrayRef() : ArrayRef<int64_t>();
}

namespace {
/// Operators that are computed again together.
struct Group {
  SmallVector<Operation *> ops;
  /// Results that gradients use, and what computing them begins with.
  llvm::SetVector<Value> wanted, inputs;
};

class Recomputation {
public:
  Recomputation(Block &block, const Backward &backward, nn::ShapeScope &scope)
      : block(block), backward(backward), scope(scope) {}

  void run() {
    SmallVector<Operation *> marked;
    for (Operation &op : block)
      if (!backward.contains(&op) && !marksOf(&op).empty())
        marked.push_back(&op);
    // Copies of what is inside another such call have that one's mark.
    while (!marked.empty())
      marked = again(marked);
  }

private:
  SmallVector<Operation *> again(ArrayRef<Operation *> marked);
  /// Operators of the group that `values` follow from, in order; what they take
  /// from elsewhere goes to `inputs`. Nothing is computed that is `kept`.
  SmallVector<Operation *> needed(const Group &group,
                                  const llvm::SetVector<Value> &values,
                                  const llvm::DenseSet<Value> &kept,
                                  llvm::SetVector<Value> &inputs);
  void copy(Group &group, const llvm::DenseSet<Value> &kept,
            SmallVectorImpl<Operation *> &copies);
  bool isWanted(Value value) {
    return llvm::any_of(value.getUses(), [&](OpOperand &use) {
      return isBackwardUse(use, block, backward);
    });
  }

  Block &block;
  const Backward &backward;
  nn::ShapeScope &scope;
};
} // namespace

SmallVector<Operation *>
Recomputation::needed(const Group &group, const llvm::SetVector<Value> &values,
                      const llvm::DenseSet<Value> &kept,
                      llvm::SetVector<Value> &inputs) {
  llvm::DenseSet<Value> open(values.begin(), values.end());
  SmallVector<Operation *> ops;
  for (Operation *op : llvm::reverse(group.ops)) {
    if (llvm::none_of(op->getResults(),
                      [&](Value result) { return open.contains(result); }))
      continue;
    ops.push_back(op);
    for (Value value : valuesUsed(op))
      if (!kept.contains(value))
        open.insert(value);
  }
  std::reverse(ops.begin(), ops.end());
  llvm::DenseSet<Value> made;
  for (Operation *op : ops) {
    for (Value value : valuesUsed(op))
      if (!made.contains(value))
        inputs.insert(value);
    for (Value result : op->getResults())
      if (!kept.contains(result))
        made.insert(result);
  }
  return ops;
}

SmallVector<Operation *> Recomputation::again(ArrayRef<Operation *> marked) {
  llvm::MapVector<int64_t, Group> groups;
  for (Operation *op : marked)
    if (isMemoryEffectFree(op) && !isa<nn::ConstantOp>(op))
      groups[marksOf(op).front()].ops.push_back(op);
  // What one begins with is kept, and is there for gradients as well.
  llvm::DenseSet<Value> kept;
  for (auto &[mark, group] : groups) {
    for (Operation *op : group.ops)
      for (Value result : op->getResults())
        if (isWanted(result))
          group.wanted.insert(result);
    (void)needed(group, group.wanted, {}, group.inputs);
    kept.insert(group.inputs.begin(), group.inputs.end());
  }
  SmallVector<Operation *> copies;
  for (auto &[mark, group] : groups)
    copy(group, kept, copies);
  return copies;
}

void Recomputation::copy(Group &group, const llvm::DenseSet<Value> &kept,
                         SmallVectorImpl<Operation *> &copies) {
  group.wanted.remove_if([&](Value value) { return kept.contains(value); });
  if (group.wanted.empty())
    return;
  Operation *first = nullptr;
  for (Value value : group.wanted)
    for (OpOperand &use : value.getUses())
      if (isBackwardUse(use, block, backward)) {
        Operation *user = block.findAncestorOpInBlock(*use.getOwner());
        if (!first || user->isBeforeInBlock(first))
          first = user;
      }
  llvm::SetVector<Value> inputs;
  SmallVector<Operation *> ops = needed(group, group.wanted, kept, inputs);
  OpBuilder builder(first);
  IRMapping mapping;
  SmallVector<std::pair<Value, Value>> barriers;
  for (Value input : inputs) {
    auto held = nn::BarrierOp::create(builder, input.getLoc(), input.getType(),
                                      input, backward.lookup(first));
    (void)scope.infer(held);
    mapping.map(input, held.getOutput());
    barriers.push_back({input, held.getOutput()});
  }
  for (Operation *op : ops) {
    // A result that is kept is read, even where another of the same operator is
    // computed again.
    SmallVector<std::pair<Value, Value>> read;
    for (Value result : op->getResults())
      if (Value held = mapping.lookupOrNull(result))
        read.push_back({result, held});
    Operation *copied = builder.clone(*op, mapping);
    for (auto [result, held] : read)
      mapping.map(result, held);
    ArrayRef<int64_t> inner = marksOf(op).drop_front();
    if (inner.empty())
      copied->removeAttr(nn::kRecomputeAttr);
    else
      copied->setAttr(nn::kRecomputeAttr, builder.getDenseI64ArrayAttr(inner));
    (void)scope.infer(copied);
    if (!inner.empty())
      copies.push_back(copied);
  }
  // What gradients make of an input shall be no copy of what was made of it
  // before either, or that would be kept beside the input.
  for (auto [input, held] : barriers)
    input.replaceUsesWithIf(held, [&](OpOperand &use) {
      return isBackwardUse(use, block, backward) &&
             !block.findAncestorOpInBlock(*use.getOwner())
                  ->isBeforeInBlock(first);
    });
  for (Value value : group.wanted)
    value.replaceUsesWithIf(mapping.lookup(value), [&](OpOperand &use) {
      return isBackwardUse(use, block, backward);
    });
}

void burnish::recompute(Block &block, const Backward &backward,
                        nn::ShapeScope &scope, int64_t choices) {
  if (!isa<func::FuncOp>(block.getParentOp()))
    return;
  if (choices >= 0)
    chooseRecomputed(block, backward, choices);
  Recomputation(block, backward, scope).run();
}
