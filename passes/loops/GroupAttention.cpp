// GroupAttention.cpp - finds two products with passes over rows between them.
#include "passes/loops/GroupAttention.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "passes/kernels/Attention.h"
#include "passes/loops/GroupRows.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace burnish;

/// Whether a kernel in place of the last operation can give all that others
/// want of what lies between the products: whole rows that passes make, of
/// which nothing is asked before.
static bool givesRest(ArrayRef<linalg::GenericOp> group,
                      ArrayRef<int64_t> sizes) {
  Operation *last = group.back();
  llvm::SmallPtrSet<Operation *, 8> members(group.begin(), group.end());
  return llvm::all_of(usedBeyond(group), [&](linalg::GenericOp op) {
    bool isRow = op != group.front() && op.getNumReductionLoops() == 0 &&
                 *rowLoopsOf(op) == sizes;
    forEachUser(op->getResult(0), [&](Operation *user) {
      if (members.contains(user))
        return;
      Operation *place = last->getBlock()->findAncestorOpInBlock(*user);
      isRow &= place && last->isBeforeInBlock(place);
    });
    return isRow;
  });
}

SmallVector<linalg::GenericOp> burnish::attentionGroupFrom(
    linalg::GenericOp first,
    llvm::function_ref<bool(linalg::GenericOp)> isCandidate) {
  if (first.getNumReductionLoops() == 0 || first.getNumDpsInputs() != 2)
    return {};
  SmallVector<int64_t> sizes = longAxesOf(first->getResult(0));
  if (sizes.size() < 2)
    return {};
  ArrayRef<int64_t> rowSizes = ArrayRef(sizes).drop_back();
  SmallVector<linalg::GenericOp> group{first};
  llvm::SmallPtrSet<Operation *, 8> members{first};
  auto follows = [&](linalg::GenericOp op) {
    return llvm::any_of(op.getDpsInputs(), [&](Value input) {
      return members.contains(withoutUnitAxes(input).getDefiningOp());
    });
  };
  for (Operation *next = first->getNextNode(); next;
       next = next->getNextNode()) {
    auto op = dyn_cast<linalg::GenericOp>(next);
    if (!op || !follows(op))
      continue;
    if (!isCandidate(op))
      return {};
    group.push_back(op);
    members.insert(op);
    std::optional<SmallVector<int64_t>> own = rowLoopsOf(op);
    if (own && (*own == sizes || *own == rowSizes))
      continue;
    // Constants are packed when compiling, which only plain products have them
    // for.
    std::optional<AttentionForm> form = AttentionForm::of(group);
    if (!form || !givesRest(group, sizes) ||
        matchPattern(first.getDpsInputs()[form->keyInput], m_Constant()) ||
        matchPattern(op.getDpsInputs()[form->valueInput], m_Constant()))
      return {};
    return group;
  }
  return {};
}

/// A tensor's axes are results of a map: those of the tensor that it is a
/// transpose of.
static AffineMap beforeTranspose(AffineMap map, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> exprs =
      applyPermutation(map.getResults(), invertPermutationVector(permutation));
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), exprs,
                        map.getContext());
}

static void setMap(linalg::GenericOp op, unsigned operand, AffineMap map) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[operand] = map;
  op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
}

static void eraseUnused(Operation *op) {
  if (op->use_empty())
    op->erase();
}

static bool keepsInnermost(linalg::TransposeOp transpose) {
  ArrayRef<int64_t> order = transpose.getPermutation();
  return order.back() + 1 == static_cast<int64_t>(order.size());
}

static void readThroughTranspose(nn::KernelOp kernel, linalg::GenericOp op,
                                 unsigned input, bool staysInnermost) {
  auto inside = dyn_cast<BlockArgument>(op.getDpsInputs()[input]);
  if (!inside || !inside.hasOneUse())
    return;
  OpOperand &operand = kernel->getOpOperand(inside.getArgNumber());
  auto transpose = operand.get().getDefiningOp<linalg::TransposeOp>();
  if (!transpose || (staysInnermost && !keepsInnermost(transpose)))
    return;
  operand.set(transpose.getInput());
  inside.setType(transpose.getInput().getType());
  setMap(op, input,
         beforeTranspose(op.getIndexingMapsArray()[input],
                         transpose.getPermutation()));
  eraseUnused(transpose);
}

static void writeThroughTranspose(nn::KernelOp kernel, linalg::GenericOp op) {
  Value result = kernel->getResult(0);
  if (!result.hasOneUse())
    return;
  auto transpose = dyn_cast<linalg::TransposeOp>(*result.user_begin());
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!transpose || !fill || transpose.getInput() != result ||
      !keepsInnermost(transpose))
    return;
  auto type = cast<RankedTensorType>(transpose->getResult(0).getType());
  OpBuilder b(kernel);
  Value out = tensor::EmptyOp::create(b, kernel.getLoc(), type.getShape(),
                                      type.getElementType());
  unsigned number = kernel.getInputs().size();
  kernel->setOperand(number, out);
  result.setType(type);
  kernel.getBody().front().getArgument(number).setType(type);
  fill->getResult(0).setType(type);
  op->getResult(0).setType(type);
  unsigned init = op.getDpsInitOperand(0)->getOperandNumber();
  AffineMap map = op.getIndexingMapsArray()[init];
  setMap(op, init,
         AffineMap::get(
             map.getNumDims(), map.getNumSymbols(),
             applyPermutation(map.getResults(), transpose.getPermutation()),
             map.getContext()));
  transpose->getResult(0).replaceAllUsesWith(result);
  transpose->erase();
}

void burnish::readThroughTransposes(nn::KernelOp kernel) {
  FailureOr<AttentionNest> nest = AttentionNest::ofTypes(kernel);
  const AttentionForm &form = nest->form;
  readThroughTranspose(kernel, form.scores, form.queryInput,
                       form.scorePairs.has_value());
  readThroughTranspose(kernel, form.scores, form.keyInput, false);
  readThroughTranspose(kernel, form.values, form.valueInput, true);
  writeThroughTranspose(kernel, form.values);
}
