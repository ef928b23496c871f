// CarryInPlace.cpp - gives every loop-carried buffer of static size one place.
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "passes/Passes.h"
#include "passes/memory/Bufferize.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CARRYINPLACE
#include "passes/Passes.h.inc"
} // namespace burnish

static bool isStaticBuffer(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.hasStaticShape();
}

/// A buffer under a static layout that it would not have by itself: a loop's
/// type has it from the first buffer that the loop carried, a view.
static Value laidOut(OpBuilder &builder, Location loc, MemRefType type) {
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t span = 1;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    if (!ShapedType::isDynamic(stride))
      span += std::max<int64_t>(size - 1, 0) * stride;
  // What is left open follows, one axis around the other.
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    if (ShapedType::isDynamic(stride)) {
      stride = span;
      span *= std::max<int64_t>(size, 1);
    }
  offset = ShapedType::isDynamic(offset) ? 0 : offset;
  Value flat = memref::AllocOp::create(
      builder, loc, MemRefType::get({offset + span}, type.getElementType()));
  auto indices = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(builder.getContext(), values);
  };
  Value laid = memref::ReinterpretCastOp::create(
      builder, loc, flat, builder.getIndexAttr(offset),
      indices(type.getShape()), indices(strides));
  return laid.getType() == type
             ? laid
             : memref::CastOp::create(builder, loc, type, laid);
}

static Value copyOf(OpBuilder &builder, Location loc, Value source) {
  auto type = cast<MemRefType>(source.getType());
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  Value copy;
  if (memref::CastOp::areCastCompatible(plain, type)) {
    copy = memref::AllocOp::create(builder, loc, plain);
    if (type != plain)
      copy = memref::CastOp::create(builder, loc, type, copy);
  } else {
    copy = laidOut(builder, loc, type);
  }
  memref::CopyOp::create(builder, loc, source, copy);
  return copy;
}

/// The value whose buffer `value` is: inner loops that carry it in place give
/// it back, branches that both end with it do, and the condition of a while
/// loop hands on what it gets.
static Value sourceOf(Value value) {
  while (true) {
    if (auto branch = value.getDefiningOp<scf::IfOp>()) {
      unsigned index = cast<OpResult>(value).getResultNumber();
      Value source = sourceOf(branch.thenYield().getOperand(index));
      if (source != sourceOf(branch.elseYield().getOperand(index)))
        return value;
      value = source;
      continue;
    }
    if (auto loop = value.getDefiningOp<scf::WhileOp>()) {
      unsigned index = cast<OpResult>(value).getResultNumber();
      auto carried = dyn_cast<BlockArgument>(
          sourceOf(loop.getConditionOp().getArgs()[index]));
      if (!carried || carried.getOwner() != loop.getBeforeBody() ||
          sourceOf(loop.getYieldOp().getOperand(carried.getArgNumber())) !=
              carried)
        return value;
      value = loop.getInits()[carried.getArgNumber()];
      continue;
    }
    if (auto loop = value.getDefiningOp<scf::ForOp>()) {
      unsigned index = cast<OpResult>(value).getResultNumber();
      if (loop.getYieldedValues()[index] != loop.getRegionIterArg(index))
        return value;
      value = loop.getInitArgs()[index];
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(value);
    auto loop =
        argument
            ? dyn_cast_or_null<scf::WhileOp>(argument.getOwner()->getParentOp())
            : scf::WhileOp();
    if (!loop || argument.getOwner() != loop.getAfterBody())
      return value;
    value = loop.getConditionOp().getArgs()[argument.getArgNumber()];
  }
}

/// A buffer that was allocated, or part of one: no place that a loop carries.
static bool isAllocated(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value.getDefiningOp<memref::AllocOp>() != nullptr;
}

/// The operands by which the operators of a block use a buffer, views of it
/// among them; nothing where some use is none that ends there, as one by an
/// operator that hands the buffer on.
static std::optional<SmallVector<OpOperand *>> usesIn(Block *block,
                                                      Value buffer) {
  SmallVector<OpOperand *> all;
  for (OpOperand &use : buffer.getUses()) {
    Operation *user = use.getOwner();
    if (isa<ViewLikeOpInterface>(user)) {
      std::optional<SmallVector<OpOperand *>> more =
          usesIn(block, user->getResult(0));
      if (!more)
        return std::nullopt;
      llvm::append_range(all, *more);
      continue;
    }
    if (user->getBlock() != block || user->hasTrait<OpTrait::IsTerminator>() ||
        llvm::any_of(user->getResultTypes(), llvm::IsaPred<BaseMemRefType>))
      return std::nullopt;
    all.push_back(&use);
  }
  return all;
}

/// Whether what an iteration makes in `made` can be made in `place`, where it
/// found the old: nothing reads that any more once the new is written.
static bool canBeMadeIn(memref::AllocOp made, BlockArgument place,
                        Operation *terminator) {
  Block *block = place.getOwner();
  if (!made || made->getBlock() != block || made.getType() != place.getType() ||
      llvm::count(terminator->getOperands(), made.getResult()) != 1)
    return false;
  std::optional<SmallVector<OpOperand *>> old = usesIn(block, place);
  SmallVector<OpOperand *> fresh;
  for (OpOperand &use : made->getUses()) {
    if (use.getOwner() == terminator)
      continue;
    if (use.getOwner()->getBlock() != block ||
        isa<ViewLikeOpInterface>(use.getOwner()))
      return false;
    fresh.push_back(&use);
  }
  return old && llvm::all_of(*old, [&](OpOperand *before) {
           return llvm::all_of(fresh, [&](OpOperand *after) {
             if (before->getOwner() != after->getOwner())
               return before->getOwner()->isBeforeInBlock(after->getOwner());
             auto kernel = dyn_cast<nn::KernelOp>(before->getOwner());
             return kernel && isElementwise(kernel, {before, after});
           });
         });
}

/// Makes the loop start on copies of its static buffers and write what it
/// yields back to them. `carried` are the region's arguments, `yielded` the
/// terminator's operands that become them in the next iteration. The regions of
/// a while loop do not see each other's arguments, so that there the copies are
/// named from outside.
static void carryInPlace(Operation *loop, MutableOperandRange inits,
                         Block::BlockArgListType carried, Operation *terminator,
                         MutableOperandRange yielded) {
  OpBuilder before(loop), end(terminator);
  Location loc = loop->getLoc();
  SmallVector<std::pair<Value, Value>> copies;
  for (auto [init, argument, value] :
       llvm::zip_equal(inits, carried, yielded)) {
    if (!isStaticBuffer(argument))
      continue;
    bool isInside = argument.getOwner() == terminator->getBlock();
    if (sourceOf(value.get()) == argument) {
      if (isInside)
        value.set(argument);
      continue;
    }
    init.set(copyOf(before, loc, init.get()));
    if (auto made = value.get().getDefiningOp<memref::AllocOp>();
        isInside && canBeMadeIn(made, argument, terminator)) {
      made->replaceAllUsesWith(ValueRange(argument));
      made.erase();
      continue;
    }
    Value place = isInside ? Value(argument) : init.get();
    copies.push_back({value.get(), place});
    value.set(place);
  }
  // With several, one yielded value may be another's old place: all that may be
  // are read before any is written.
  if (copies.size() > 1)
    for (auto &[value, place] : copies)
      if (!isAllocated(value))
        value = copyOf(end, loc, value);
  for (auto [value, place] : copies)
    memref::CopyOp::create(end, loc, value, place);
}

namespace {
struct CarryInPlace : burnish::impl::CarryInPlaceBase<CarryInPlace> {
  void runOnOperation() override {
    getOperation().walk([](scf::ForOp loop) {
      Operation *yield = loop.getBody()->getTerminator();
      carryInPlace(loop, loop.getInitArgsMutable(), loop.getRegionIterArgs(),
                   yield, cast<scf::YieldOp>(yield).getResultsMutable());
    });
    getOperation().walk([](scf::WhileOp loop) {
      scf::YieldOp yield = loop.getYieldOp();
      carryInPlace(loop, loop.getInitsMutable(), loop.getBeforeArguments(),
                   yield, yield.getResultsMutable());
    });
  }
};
} // namespace
