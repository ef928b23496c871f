// CarryInStacks.cpp - states that a loop stacks are carried in the stack.
#include "ir/Kernel.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"
#include "passes/kernels/Fit.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CARRYINSTACKS
#include "passes/Passes.h.inc"
} // namespace burnish

static bool isRead(OpOperand &use) {
  Operation *user = use.getOwner();
  if (auto copy = dyn_cast<memref::CopyOp>(user))
    return use.get() == copy.getSource() && use.get() != copy.getTarget();
  if (isa<nn::KernelOp, linalg::LinalgOp>(user))
    return !cast<DestinationStyleOpInterface>(user).isDpsInit(&use);
  return isa<memref::LoadOp, memref::DimOp>(user);
}

/// Whether a buffer is read, itself or through views, and nothing else.
static bool isOnlyRead(Value buffer) {
  return llvm::all_of(buffer.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    return isa<ViewLikeOpInterface>(user)
               ? llvm::all_of(user->getResults(), isOnlyRead)
               : isRead(use);
  });
}

/// Of buffers in the workspace, as vectors like them.
static constexpr int64_t kAlignment = 64;

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

/// Whether the rows that iterations take of a buffer, each the one with its
/// number, go from the last to the first; nothing where they are no such rows.
static std::optional<bool> goesBackwards(memref::SubViewOp row,
                                         scf::ForOp loop) {
  ArrayRef<int64_t> shape = row.getSourceType().getShape();
  if (getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1 ||
      getConstantIntValue(loop.getUpperBound()) != shape[0] ||
      !row.hasUnitStride() || row.getOffsets().size() != 1 ||
      !row.isDynamicOffset(0) || row.getStaticSizes()[0] != 1)
    return std::nullopt;
  for (size_t axis = 1; axis < shape.size(); ++axis)
    if (row.getStaticOffset(axis) != 0 ||
        row.getStaticSize(axis) != shape[axis])
      return std::nullopt;
  Value place = row.getOffsets()[0];
  if (place == loop.getInductionVar())
    return false;
  auto rest = place.getDefiningOp<arith::SubIOp>();
  if (rest && getConstantIntValue(rest.getLhs()) == shape[0] - 1 &&
      rest.getRhs() == loop.getInductionVar())
    return true;
  return std::nullopt;
}

namespace {
/// A buffer that is there for a loop alone, each iteration of which has a row
/// of it.
struct Stack {
  BlockArgument argument;
  memref::AllocOp room;
  bool isBackwards = false;
  SmallVector<memref::SubViewOp> rows;

  static std::optional<Stack> of(scf::ForOp loop, Value carried);
  unsigned index() const { return argument.getArgNumber() - 1; }
};

/// A state of a loop that puts it on a stack before it goes on:
///
///   for i: read state; stack[i] = state; ...; state = next
///
/// With one row more, the next state's row is where the next iteration looks.
/// A second stack, of what states become, is the same but for the first row.
class StackedState {
public:
  static std::optional<StackedState> of(scf::ForOp loop, unsigned index);
  void carryInStack();

private:
  StackedState(scf::ForOp loop, unsigned index, Stack before,
               memref::CopyOp put)
      : loop(loop), index(index), before(before), put(put),
        b(loop.getLoc(), loop) {}

  BlockArgument state() { return loop.getRegionIterArg(index); }
  MemRefType type() { return cast<MemRefType>(state().getType()); }
  Value viewAt(int64_t row, MemRefType type);
  /// The row of a stack that is an iteration's, named where the body begins.
  Value rowOf(Value stack);
  bool replaceWhereFits(Value from, Value to);
  /// Has the next state made, or copied, where the next iteration finds it.
  void putNext(Value after, Value place);
  /// The stack whose row is the next state, and the copy out of it.
  std::pair<std::optional<Stack>, memref::CopyOp> afterwards(Value next);

  scf::ForOp loop;
  unsigned index;
  Stack before;
  memref::CopyOp put;
  ImplicitLocOpBuilder b;
  Value all;
};
} // namespace

std::optional<Stack> Stack::of(scf::ForOp loop, Value carried) {
  auto argument = dyn_cast<BlockArgument>(carried);
  if (!argument || argument.getOwner() != loop.getBody() ||
      argument == loop.getInductionVar())
    return std::nullopt;
  Stack stack{argument, {}, false, {}};
  stack.room =
      loop.getInitArgs()[stack.index()].getDefiningOp<memref::AllocOp>();
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!stack.room || !stack.room->hasOneUse() ||
      stack.room->getBlock() != loop->getBlock() || !type.hasStaticShape() ||
      type.getRank() == 0 || !type.getLayout().isIdentity() ||
      loop.getYieldedValues()[stack.index()] != argument)
    return std::nullopt;
  for (Operation *user : argument.getUsers()) {
    if (user == loop.getBody()->getTerminator())
      continue;
    auto row = dyn_cast<memref::SubViewOp>(user);
    std::optional<bool> isBackwards = row && row->getBlock() == loop.getBody()
                                          ? goesBackwards(row, loop)
                                          : std::nullopt;
    if (!isBackwards ||
        (!stack.rows.empty() && stack.isBackwards != *isBackwards))
      return std::nullopt;
    stack.isBackwards = *isBackwards;
    stack.rows.push_back(row);
  }
  return stack;
}

std::optional<StackedState> StackedState::of(scf::ForOp loop, unsigned index) {
  BlockArgument state = loop.getRegionIterArg(index);
  auto type = dyn_cast<MemRefType>(state.getType());
  if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity() ||
      !type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() % 8 != 0 ||
      !llvm::all_of(state.getUses(), isRead) ||
      !isOnlyRead(loop.getResult(index)))
    return std::nullopt;
  for (Operation *user : state.getUsers()) {
    auto put = dyn_cast<memref::CopyOp>(user);
    auto row = put ? put.getTarget().getDefiningOp<memref::SubViewOp>()
                   : memref::SubViewOp();
    std::optional<Stack> stack =
        row ? Stack::of(loop, row.getSource()) : std::nullopt;
    // Nobody else looks at the stack before the loop is done.
    if (stack && stack->rows.size() == 1 && row->hasOneUse() &&
        put->getBlock() == loop.getBody() &&
        isOnlyRead(loop.getResult(stack->index())))
      return StackedState(loop, index, *stack, put);
  }
  return std::nullopt;
}

Value StackedState::viewAt(int64_t row, MemRefType type) {
  Value bytes = arith::ConstantIndexOp::create(b, row * bytesOf(this->type()));
  return memref::ViewOp::create(b, type, all, bytes, ValueRange());
}

Value StackedState::rowOf(Value stack) {
  memref::SubViewOp row = before.rows[0];
  Value place = loop.getInductionVar();
  if (before.isBackwards)
    place =
        arith::SubIOp::create(b,
                              Value(arith::ConstantIndexOp::create(
                                  b, row.getSourceType().getDimSize(0) - 1)),
                              place);
  SmallVector<OpFoldResult> offsets = row.getMixedOffsets();
  offsets[0] = place;
  return memref::SubViewOp::create(b, row.getType(), stack, offsets,
                                   row.getMixedSizes(), row.getMixedStrides());
}

bool StackedState::replaceWhereFits(Value from, Value to) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : from.getUses())
    if (use.getOwner() != loop.getBody()->getTerminator())
      uses.push_back(&use);
  for (OpOperand *use : uses)
    use->set(to);
  bool fits = llvm::all_of(uses, [](OpOperand *use) {
    auto kernel = dyn_cast<nn::KernelOp>(use->getOwner());
    return !kernel || fitsBuffers(kernel);
  });
  if (!fits)
    for (OpOperand *use : uses)
      use->set(from);
  return fits;
}

std::pair<std::optional<Stack>, memref::CopyOp>
StackedState::afterwards(Value next) {
  auto made = next.getDefiningOp<memref::AllocOp>();
  if (!made || llvm::range_size(made->getUses()) != 2)
    return {};
  for (Operation *user : made->getUsers()) {
    auto copy = dyn_cast<memref::CopyOp>(user);
    auto row = copy && copy.getTarget() == next
                   ? copy.getSource().getDefiningOp<memref::SubViewOp>()
                   : memref::SubViewOp();
    std::optional<Stack> stack =
        row ? Stack::of(loop, row.getSource()) : std::nullopt;
    if (!stack || stack->isBackwards != before.isBackwards ||
        stack->argument.getType() != before.argument.getType() ||
        !isOnlyRead(loop.getResult(stack->index())))
      continue;
    // What is copied is what the row has in the end.
    bool isLast = llvm::all_of(stack->rows, [&](memref::SubViewOp row) {
      return llvm::all_of(row->getUsers(), [&](Operation *user) {
        return user == copy || (user->getBlock() == copy->getBlock() &&
                                user->isBeforeInBlock(copy));
      });
    });
    if (isLast)
      return {stack, copy};
  }
  return {};
}

void StackedState::putNext(Value after, Value place) {
  Value next = loop.getYieldedValues()[index];
  auto [stack, copy] = afterwards(next);
  if (stack) {
    loop.getInitArgsMutable()[stack->index()].set(after);
    stack->room.erase();
    return copy.erase();
  }
  auto made = next.getDefiningOp<memref::AllocOp>();
  bool isOwn =
      made && made->getBlock() == loop.getBody() &&
      llvm::none_of(made->getUsers(), llvm::IsaPred<ViewLikeOpInterface>) &&
      llvm::count(loop.getYieldedValues(), next) == 1;
  if (isOwn && replaceWhereFits(next, place))
    return;
  ImplicitLocOpBuilder end(loop.getLoc(), loop.getBody()->getTerminator());
  memref::CopyOp::create(end, next, place);
}

void StackedState::carryInStack() {
  MemRefType stackType = before.room.getType();
  int64_t rows = stackType.getDimSize(0);
  all = memref::AllocOp::create(
      b, MemRefType::get({(rows + 1) * bytesOf(type())}, b.getI8Type()),
      b.getI64IntegerAttr(kAlignment));
  Value low = viewAt(0, stackType), high = viewAt(1, stackType),
        first = viewAt(before.isBackwards ? rows : 0, type()),
        last = viewAt(before.isBackwards ? 0 : rows, type()),
        after = before.isBackwards ? low : high;
  Value initial = loop.getInitArgs()[index];
  memref::CopyOp::create(b, initial, first);
  b.setInsertionPointToStart(loop.getBody());
  Value here = rowOf(before.argument), place = rowOf(after);
  // What is left unused is gone when canonicalised.
  if (!replaceWhereFits(state(), here))
    return first.getUsers().begin()->erase();
  put.erase();
  loop.getInitArgsMutable()[before.index()].set(before.isBackwards ? high
                                                                   : low);
  before.room.erase();
  putNext(after, place);
  loop.getBody()->getTerminator()->setOperand(index, state());
  loop.getResult(index).replaceAllUsesWith(last);
}

namespace {
struct CarryInStacks : burnish::impl::CarryInStacksBase<CarryInStacks> {
  void runOnOperation() override {
    getOperation().walk([](scf::ForOp loop) {
      for (unsigned index = 0; index < loop.getNumResults(); ++index)
        if (std::optional<StackedState> state = StackedState::of(loop, index))
          state->carryInStack();
    });
  }
};
} // namespace
