// WriteInOnePiece.cpp - results that are joined along an axis are written
// there.
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/Nest.h"
#include "passes/loops/JointKernel.h"

using namespace mlir;
using namespace burnish;

/// The insertions, first to last, of which a tensor is made of nothing but
/// results of one kernel, each used there alone; none for other tensors.
static SmallVector<tensor::InsertSliceOp>
insertionsInto(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> insertions;
  int64_t elements = 0;
  auto isNumber = [](int64_t number) { return !ShapedType::isDynamic(number); };
  for (tensor::InsertSliceOp insert = last; insert;) {
    RankedTensorType from = insert.getSourceType(), to = insert.getDestType();
    bool isPlain = from.getRank() == to.getRank() && to.hasStaticShape() &&
                   from.hasStaticShape() &&
                   insert.getStaticSizes() == from.getShape() &&
                   llvm::all_of(insert.getStaticOffsets(), isNumber) &&
                   llvm::all_of(insert.getStaticStrides(),
                                [](int64_t stride) { return stride == 1; });
    if (!isPlain || !insert.getSource().hasOneUse() ||
        insert.getSource().getDefiningOp() !=
            last.getSource().getDefiningOp() ||
        (insert != last && !insert->hasOneUse()))
      return {};
    insertions.insert(insertions.begin(), insert);
    elements += from.getNumElements();
    if (insert.getDest().getDefiningOp<tensor::EmptyOp>())
      break;
    insert = insert.getDest().getDefiningOp<tensor::InsertSliceOp>();
    if (!insert)
      return {};
  }
  auto areApart = [](tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
    for (int64_t axis = 0; axis < a.getDestType().getRank(); ++axis) {
      int64_t low = a.getStaticOffset(axis), high = b.getStaticOffset(axis);
      if (low + a.getStaticSize(axis) <= high ||
          high + b.getStaticSize(axis) <= low)
        return true;
    }
    return false;
  };
  for (auto [index, one] : llvm::enumerate(insertions))
    for (tensor::InsertSliceOp other :
         ArrayRef(insertions).drop_front(index + 1))
      if (!areApart(one, other))
        return {};
  return elements == last.getDestType().getNumElements()
             ? insertions
             : SmallVector<tensor::InsertSliceOp>();
}

/// Has the kernel write what is joined in one piece.
static void writeJoined(ArrayRef<tensor::InsertSliceOp> insertions) {
  tensor::InsertSliceOp last = insertions.back();
  auto kernel = last.getSource().getDefiningOp<nn::KernelOp>();
  JointKernel joint(kernel, kernel.getLoc());
  for (Value input : kernel.getInputs())
    joint.addInput(input);
  SmallVector<Value> joined, others;
  for (tensor::InsertSliceOp insert : insertions)
    joined.push_back(insert.getSource());
  for (auto [result, out] :
       llvm::zip_equal(kernel->getResults(), kernel.getOuts()))
    if (!llvm::is_contained(joined, result)) {
      others.push_back(result);
      joint.addOut(out);
    }
  RankedTensorType type = last.getDestType();
  joint.addOut(tensor::EmptyOp::create(joint.b, kernel.getLoc(),
                                       type.getShape(), type.getElementType()));
  nn::KernelOp next = joint.create();
  IRMapping values;
  joint.take(kernel, values);
  SmallVector<Value> before = yieldedBy(kernel), yields;
  auto insideOf = [&](Value result) {
    return values.lookup(before[cast<OpResult>(result).getResultNumber()]);
  };
  for (Value result : others)
    yields.push_back(insideOf(result));
  Value whole = joint.outArgument(others.size());
  for (tensor::InsertSliceOp insert : insertions)
    whole = tensor::InsertSliceOp::create(
        joint.b, insert.getLoc(), insideOf(insert.getSource()), whole,
        insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
  yields.push_back(whole);
  joint.yield(yields);
  next.setScheduleAttr(kernel.getSchedule());
  for (auto [result, by] : llvm::zip(others, next->getResults()))
    result.replaceAllUsesWith(by);
  last->getResult(0).replaceAllUsesWith(next->getResults().back());
  for (tensor::InsertSliceOp insert : llvm::reverse(insertions))
    insert->erase();
  kernel->erase();
}

void burnish::writeInOnePiece(Operation *root) {
  SmallVector<tensor::InsertSliceOp> inserts;
  root->walk([&](tensor::InsertSliceOp insert) {
    auto kernel = insert.getSource().getDefiningOp<nn::KernelOp>();
    if (kernel && kernel.getSchedule().getAlgorithm() == kTogether)
      inserts.push_back(insert);
  });
  // Those that end a chain come last.
  llvm::SmallPtrSet<Operation *, 16> gone;
  for (tensor::InsertSliceOp insert : llvm::reverse(inserts)) {
    if (gone.contains(insert))
      continue;
    SmallVector<tensor::InsertSliceOp> insertions = insertionsInto(insert);
    if (insertions.size() < 2)
      continue;
    gone.insert(insertions.begin(), insertions.end());
    writeJoined(insertions);
  }
}
