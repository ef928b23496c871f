// UpdateInPlace.cpp - results that take the place of arguments.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
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
    bringForward(body, updates);
    orderWriters(body, updates);
    auto end = cast<func::ReturnOp>(body.getTerminator());
    OpBuilder builder(end);
    for (Update &update : updates) {
      Value value = end.getOperand(update.result);
      if (value == update.argument)
        continue;
      Operation *maker = value.getDefiningOp();
      Operation *last =
          maker ? lastReaderOf(body, update.argument, maker) : nullptr;
      if (last && maker->isBeforeInBlock(last)) {
        // What wants the old contents and the new ones: these wait elsewhere.
        builder.setInsertionPointAfter(last);
        auto moved = bufferization::MaterializeInDestinationOp::create(
            builder, end.getLoc(), value.getType(), value, update.argument);
        end->setOperand(update.result, moved.getResult());
        continue;
      }
      if (maker) {
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

  /// What reads a value, behind barriers and as parts and other shapes, too.
  static SmallVector<Operation *> readersOf(Value value) {
    SmallVector<Operation *> readers;
    for (Operation *user : value.getUsers()) {
      readers.push_back(user);
      auto barrier = dyn_cast<nn::BarrierOp>(user);
      if (barrier ? barrier.getInput() == value
                  : isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                        tensor::ExtractSliceOp, tensor::CastOp>(user))
        llvm::append_range(readers, readersOf(user->getResult(0)));
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

  /// The last operation in `body` that reads an argument's old contents, beside
  /// what writes the new; null when there is none.
  static Operation *lastReaderOf(Block &body, BlockArgument argument,
                                 Operation *writer) {
    Operation *last = nullptr;
    for (Operation *user : readersOf(argument)) {
      Operation *reader = within(body, user);
      if (reader != writer && reader != body.getTerminator() &&
          (!last || last->isBeforeInBlock(reader)))
        last = reader;
    }
    return last;
  }

  /// Moves an operation to behind `place` and what it takes, if that is
  /// earlier, with the room that it writes to.
  static void moveUp(Operation *op, Operation *place) {
    giveRoom(op);
    SmallVector<Operation *> rooms;
    SetVector<Value> taken(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), taken);
    for (Value value : taken) {
      Operation *maker = value.getDefiningOp();
      if (!maker || maker->getBlock() != op->getBlock())
        continue;
      if (isa<tensor::EmptyOp>(maker) && maker->hasOneUse() &&
          maker->getNumOperands() == 0)
        rooms.push_back(maker);
      else if (!place || place->isBeforeInBlock(maker))
        place = maker;
    }
    if (place && op->isBeforeInBlock(place))
      return;
    if (place)
      op->moveAfter(place);
    else
      op->moveBefore(&op->getBlock()->front());
    for (Operation *room : rooms)
      room->moveBefore(op);
  }

  /// Whether an operation makes a few numbers, such as a rate, of others.
  static bool isSmall(Operation *op) {
    constexpr int64_t kFew = 64;
    return op->getNumResults() > 0 && isMemoryEffectFree(op) &&
           llvm::all_of(op->getResultTypes(), [](Type type) {
             auto tensor = dyn_cast<RankedTensorType>(type);
             return tensor && tensor.hasStaticShape() &&
                    tensor.getNumElements() <= kFew;
           });
  }

  /// Updates stand at the end, and would keep all gradients until then, or,
  /// where they are done with the products that gradients are, what these
  /// multiply. Each is done as soon as its gradient is there and nothing wants
  /// the old contents any more.
  static void bringForward(Block &body, ArrayRef<Update> updates) {
    Operation *end = body.getTerminator();
    SmallVector<std::pair<Operation *, BlockArgument>> writers;
    SetVector<Operation *> before;
    BackwardSliceOptions options;
    options.omitBlockArguments = true;
    options.filter = [&](Operation *op) { return op->getBlock() == &body; };
    for (const Update &update : updates)
      if (Operation *writer = end->getOperand(update.result).getDefiningOp()) {
        writers.push_back({writer, update.argument});
        (void)getBackwardSlice(writer, &before, options);
      }
    for (Operation &op : llvm::make_early_inc_range(body))
      if (before.contains(&op) && isSmall(&op))
        moveUp(&op, nullptr);
    // What is made for updates alone follows what it is made of, which is then
    // still near: of an LSTM, products over all steps waited for those of the
    // layers below, and read 8 MB of gradients from memory again.
    llvm::SmallPtrSet<Operation *, 16> own;
    for (auto [writer, argument] : writers)
      own.insert(writer);
    for (Operation &op : llvm::reverse(body)) {
      auto isOwn = [&](Operation *user) { return own.contains(user); };
      if (before.contains(&op) && !isSmall(&op) &&
          isa<DestinationStyleOpInterface>(op) && isMemoryEffectFree(&op) &&
          llvm::all_of(op.getUsers(), isOwn))
        own.insert(&op);
    }
    auto isMade = [](Value value) {
      return !isa_and_nonnull<tensor::EmptyOp>(value.getDefiningOp()) &&
             !isa<BlockArgument>(value);
    };
    for (Operation &op : llvm::make_early_inc_range(body))
      if (before.contains(&op) && own.contains(&op) &&
          llvm::any_of(op.getOperands(), isMade))
        moveUp(&op, nullptr);
    llvm::sort(writers, [](auto &a, auto &b) {
      return a.first != b.first && a.first->isBeforeInBlock(b.first);
    });
    for (auto [writer, argument] : writers)
      moveUp(writer, lastReaderOf(body, argument, writer));
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
        Operation *last = lastReaderOf(body, update.argument, writer);
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
