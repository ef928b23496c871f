// GroupRows.cpp - finds passes over the same rows.
#include "passes/loops/GroupRows.h"
#include "mlir/IR/BuiltinTypes.h"
#include "passes/kernels/Rows.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace burnish;

void burnish::forEachUser(Value value,
                          llvm::function_ref<void(Operation *)> visit) {
  for (Operation *user : value.getUsers()) {
    if (user->getNumResults() == 1 &&
        isa<RankedTensorType>(user->getResult(0).getType()) &&
        withoutUnitAxes(user->getResult(0)) != user->getResult(0))
      forEachUser(user->getResult(0), visit);
    else
      visit(user);
  }
}

SmallVector<linalg::GenericOp>
burnish::usedBeyond(ArrayRef<linalg::GenericOp> group) {
  llvm::SmallPtrSet<Operation *, 8> members(group.begin(), group.end());
  SmallVector<linalg::GenericOp> found;
  for (linalg::GenericOp op : group.drop_back()) {
    bool isUsedOutside = false;
    forEachUser(op->getResult(0), [&](Operation *user) {
      isUsedOutside |= !members.contains(user);
    });
    if (isUsedOutside)
      found.push_back(op);
  }
  return found;
}

SmallVector<linalg::GenericOp>
burnish::rowGroupFrom(linalg::GenericOp first,
                      llvm::function_ref<bool(linalg::GenericOp)> isCandidate) {
  std::optional<SmallVector<int64_t>> sizes = rowLoopsOf(first);
  if (first.getNumReductionLoops() == 0 || !sizes || sizes->empty())
    return {};
  SmallVector<int64_t> rowSizes(ArrayRef(*sizes).drop_back());
  SmallVector<linalg::GenericOp> group{first};
  llvm::SmallPtrSet<Operation *, 8> members{first};
  auto follows = [&](linalg::GenericOp op) {
    return llvm::any_of(op.getDpsInputs(), [&](Value input) {
      return members.contains(withoutUnitAxes(input).getDefiningOp());
    });
  };
  // Many times what a norm or a softmax has: a chain of 700 of these took 19 s,
  // as every group was taken to the chain's end first.
  constexpr size_t kMost = 64;
  for (Operation *next = first->getNextNode(); next && group.size() < kMost;
       next = next->getNextNode()) {
    auto op = dyn_cast<linalg::GenericOp>(next);
    if (!op || !follows(op) || !isCandidate(op))
      continue;
    std::optional<SmallVector<int64_t>> own = rowLoopsOf(op);
    if (!own || (*own != *sizes && *own != rowSizes))
      continue;
    group.push_back(op);
    members.insert(op);
  }
  auto isClosed = [&] {
    if (!usedBeyond(group).empty())
      return false;
    linalg::GenericOp last = group.back();
    return last.getNumReductionLoops() == 0 && *rowLoopsOf(last) == *sizes;
  };
  while (group.size() > 1 && !isClosed())
    members.erase(group.pop_back_val());
  return group.size() > 1 ? group : SmallVector<linalg::GenericOp>();
}
