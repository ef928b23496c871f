// HoistChecks.cpp - sizes are compared before anything relies on them.
#include "passes/loops/HoistChecks.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

/// What may be computed earlier than it stands: sizes, and numbers of them.
static bool isOfSizes(Operation *op) {
  return (isa<tensor::DimOp>(op) ||
          isa_and_present<arith::ArithDialect, affine::AffineDialect>(
              op->getDialect())) &&
         op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         isSpeculatable(op);
}

/// A size of what is computed into a tensor is one of that tensor, which is
/// there before.
static void readSizeBefore(tensor::DimOp dim) {
  while (auto maker =
             dim.getSource().getDefiningOp<DestinationStyleOpInterface>())
    dim.getSourceMutable().assign(
        maker.getTiedOpOperand(cast<OpResult>(dim.getSource()))->get());
}

namespace {
/// The operations of a block, in its order, and where some were moved.
class Moves {
public:
  explicit Moves(Block &block) : block(block) {
    int64_t place = 0;
    for (Operation &op : block)
      places[&op] = order[&op] = ++place;
  }
  void hoist(cf::AssertOp check) {
    SetVector<Operation *> sizes;
    Operation *given = nullptr;
    SmallVector<Value> open{check.getArg()};
    while (!open.empty()) {
      Operation *op = open.pop_back_val().getDefiningOp();
      if (!op || op->getBlock() != &block)
        continue;
      if (!isOfSizes(op))
        given = !given || places[op] > places[given] ? op : given;
      else if (sizes.insert(op))
        llvm::append_range(open, op->getOperands());
    }
    int64_t place = given ? places[given] : 0;
    SmallVector<Operation *> moved = llvm::filter_to_vector(
        sizes, [&](Operation *op) { return places[op] > place; });
    llvm::sort(moved,
               [&](Operation *a, Operation *b) { return order[a] < order[b]; });
    moved.push_back(check);
    // Checks keep their order, as the first that fails is what a run says.
    Operation *&behind = last.try_emplace(place, given).first->second;
    for (Operation *op : moved) {
      if (behind)
        op->moveAfter(behind);
      else
        op->moveBefore(&block, block.begin());
      behind = op;
      places[op] = place;
    }
  }

private:
  Block &block;
  DenseMap<Operation *, int64_t> order, places;
  /// Behind which operation the next check goes that needs what is at a place.
  DenseMap<int64_t, Operation *> last;
};
} // namespace

void burnish::hoistChecks(func::FuncOp function) {
  function.walk(readSizeBefore);
  function.walk([](Block *block) {
    auto checks = llvm::to_vector(block->getOps<cf::AssertOp>());
    if (checks.empty())
      return;
    Moves moves(*block);
    for (cf::AssertOp check : checks)
      moves.hoist(check);
  });
}
