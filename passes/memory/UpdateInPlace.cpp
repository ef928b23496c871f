// UpdateInPlace.cpp - results that take the place of arguments.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_UPDATEINPLACE
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// A result, and the argument that it takes the place of.
struct Update {
  unsigned result;
  BlockArgument argument;
};

struct UpdateInPlace : burnish::impl::UpdateInPlaceBase<UpdateInPlace> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration())
      return;
    Block &body = function.getBody().front();
    SmallVector<Update> updates;
    for (unsigned index = 0; index < function.getNumResults(); ++index)
      if (int64_t updated = nn::updatedArgument(function, index); updated >= 0)
        updates.push_back({index, body.getArgument(updated)});
    if (updates.empty())
      return;
    orderWriters(body, updates);
    auto end = cast<func::ReturnOp>(body.getTerminator());
    OpBuilder builder(end);
    for (Update &update : updates) {
      Value value = end.getOperand(update.result);
      if (value == update.argument)
        continue;
      if (Operation *maker = value.getDefiningOp()) {
        giveRoom(maker);
        builder.setInsertionPointAfter(maker);
      } else {
        builder.setInsertionPoint(end);
      }
      auto moved = bufferization::MaterializeInDestinationOp::create(
          builder, end.getLoc(), value.getType(), value, update.argument);
      // Whoever else wants it finds it there.
      value.replaceAllUsesExcept(moved.getResult(), moved);
    }
  }

private:
  static Operation *within(Block &body, Operation *op) {
    return body.findAncestorOpInBlock(*op);
  }

  /// What reads a value, behind barriers too.
  static SmallVector<Operation *> readersOf(Value value) {
    SmallVector<Operation *> readers;
    for (Operation *user : value.getUsers()) {
      readers.push_back(user);
      if (auto barrier = dyn_cast<nn::BarrierOp>(user);
          barrier && barrier.getInput() == value)
        llvm::append_range(readers, readersOf(barrier.getOutput()));
    }
    return readers;
  }

  /// The room that an operation writes to becomes its own, so that the argument
  /// can take its place for no other.
  static void giveRoom(Operation *maker) {
    auto writer = dyn_cast<DestinationStyleOpInterface>(maker);
    if (!writer)
      return;
    OpBuilder builder(maker);
    for (OpOperand &init : writer.getDpsInitsMutable())
      if (auto room = init.get().getDefiningOp<tensor::EmptyOp>())
        init.set(builder.clone(*room)->getResult(0));
  }

  /// Where what writes an argument stands before something that reads its old
  /// contents, bufferisation would copy it. Writers, and what follows from
  /// them, go behind. Updates may read each other, so that moving one puts
  /// another in question: what a few rounds do not settle is copied.
  void orderWriters(Block &body, ArrayRef<Update> updates) {
    Operation *end = body.getTerminator();
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
      bool isChanged = false;
      for (const Update &update : updates) {
        Operation *writer = end->getOperand(update.result).getDefiningOp();
        if (!writer)
          continue;
        Operation *last = nullptr;
        for (Operation *user : readersOf(update.argument)) {
          Operation *reader = within(body, user);
          if (reader != writer && reader != end &&
              (!last || last->isBeforeInBlock(reader)))
            last = reader;
        }
        if (!last || last->isBeforeInBlock(writer))
          continue;
        SetVector<Operation *> followers;
        ForwardSliceOptions options;
        options.filter = [&](Operation *op) { return op != end; };
        getForwardSlice(writer, &followers, options);
        SmallVector<Operation *> moved{writer};
        for (Operation *op : followers)
          if (op->getBlock() == &body && op->isBeforeInBlock(last))
            moved.push_back(op);
        // A reader that needs what is written cannot stand before it.
        if (followers.contains(last) ||
            llvm::any_of(followers, [&](Operation *op) {
              return within(body, op) == last;
            }))
          continue;
        llvm::sort(moved, [](Operation *a, Operation *b) {
          return a->isBeforeInBlock(b);
        });
        for (Operation *op : llvm::reverse(moved))
          op->moveAfter(last);
        isChanged = true;
      }
      if (!isChanged)
        return;
    }
  }
};
} // namespace
