// CarryInPlace.cpp - gives every loop-carried buffer of static size one place.
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "passes/Passes.h"

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

static Value copyOf(OpBuilder &builder, Location loc, Value source) {
  auto type = cast<MemRefType>(source.getType());
  Value copy = memref::AllocOp::create(builder, loc, MemRefType::get(type.getShape(), type.getElementType()));
  memref::CopyOp::create(builder, loc, source, copy);
  return copy.getType() == type ? copy : memref::CastOp::create(builder, loc, type, copy);
}

/// Makes the loop start on copies of its static buffers and write what it yields back to them. `carried` are the
/// arguments that become what is `yielded` in the next iteration; they are always the copies, which both regions of a
/// while see.
static void carryInPlace(Operation *loop, MutableOperandRange inits, Block::BlockArgListType carried, Operation *terminator,
                         MutableOperandRange yielded) {
  OpBuilder before(loop), end(terminator);
  Location loc = loop->getLoc();
  SmallVector<std::pair<Value, Value>> copies;
  for (auto [init, argument, value] : llvm::zip_equal(inits, carried, yielded)) {
    if (!isStaticBuffer(argument) || value.get() == argument)
      continue;
    init.set(copyOf(before, loc, init.get()));
    copies.push_back({value.get(), init.get()});
    value.set(init.get());
  }
  // With several, one yielded value may be another's old place: all are read before any is written.
  if (copies.size() > 1)
    for (auto &[value, place] : copies)
      value = copyOf(end, loc, value);
  for (auto [value, place] : copies)
    memref::CopyOp::create(end, loc, value, place);
}

namespace {
struct CarryInPlace : burnish::impl::CarryInPlaceBase<CarryInPlace> {
  void runOnOperation() override {
    getOperation().walk([](scf::ForOp loop) {
      Operation *yield = loop.getBody()->getTerminator();
      carryInPlace(loop, loop.getInitArgsMutable(), loop.getRegionIterArgs(), yield, cast<scf::YieldOp>(yield).getResultsMutable());
    });
    getOperation().walk([](scf::WhileOp loop) {
      scf::YieldOp yield = loop.getYieldOp();
      carryInPlace(loop, loop.getInitsMutable(), loop.getBeforeArguments(), yield, yield.getResultsMutable());
    });
  }
};
} // namespace
