// PlaceResults.cpp - static results of the model become arguments that it
// writes.
#include "ir/Signature.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_PLACERESULTS
#include "passes/Passes.h.inc"
} // namespace burnish

/// The allocation that a result is, seen through changes of shape; null when it
/// is none of this function's top level, or no whole buffer.
static memref::AllocOp allocationOf(Value value, Block *body) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      return alloc->getBlock() == body && alloc.getType().hasStaticShape()
                 ? alloc
                 : nullptr;
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp,
             memref::ReshapeOp>(op))
      return nullptr;
    value = op->getOperand(0);
  }
  return nullptr;
}

/// `argument` under the type of `alloc`, which has as many elements.
static Value asAllocated(OpBuilder &builder, BlockArgument argument,
                         memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  if (argument.getType() == type)
    return argument;
  auto [strides, offset] = type.getStridesAndOffset();
  return memref::ReinterpretCastOp::create(builder, alloc.getLoc(), type,
                                           argument, offset, type.getShape(),
                                           strides);
}

/// A result that was returned under another buffer goes to its place now.
static void copyUnlessThere(OpBuilder &builder, Value result, Value place) {
  Value buffer = result;
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  if (buffer != place)
    memref::CopyOp::create(builder, result.getLoc(), result, place);
}

static void placeResults(func::FuncOp function) {
  Block &body = function.getBody().front();
  auto terminator = cast<func::ReturnOp>(body.getTerminator());
  SmallVector<Value> kept;
  SmallVector<memref::AllocOp> replaced;
  OpBuilder atStart = OpBuilder::atBlockBegin(&body), atEnd(terminator);
  for (auto [index, result] : llvm::enumerate(terminator.getOperands())) {
    auto type = cast<MemRefType>(result.getType());
    if (!type.hasStaticShape()) {
      kept.push_back(result);
      continue;
    }
    BlockArgument argument = body.addArgument(type, result.getLoc());
    // The caller names the argument's buffer here, which is written already.
    if (int64_t updated = nn::updatedArgument(function, index); updated >= 0) {
      copyUnlessThere(atEnd, result, body.getArgument(updated));
      continue;
    }
    memref::AllocOp alloc = allocationOf(result, &body);
    // The same buffer returned twice is written once and copied once.
    if (!alloc || llvm::is_contained(replaced, alloc)) {
      memref::CopyOp::create(atEnd, terminator.getLoc(), result, argument);
      continue;
    }
    replaced.push_back(alloc);
    alloc.replaceAllUsesWith(asAllocated(atStart, argument, alloc));
  }
  for (memref::AllocOp alloc : replaced)
    alloc.erase();
  terminator.getOperandsMutable().assign(kept);
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(),
                                     TypeRange(ValueRange(kept))));
}

namespace {
struct PlaceResults : burnish::impl::PlaceResultsBase<PlaceResults> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    placeResults(*function);
  }
};
} // namespace
