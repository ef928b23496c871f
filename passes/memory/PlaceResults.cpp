// PlaceResults.cpp - results whose sizes are known at entry become arguments
// that the model writes.
#include "ir/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Passes.h"
#include "passes/memory/EntrySizes.h"

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
      return alloc->getBlock() == body ? alloc : nullptr;
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp,
             memref::ReshapeOp>(op))
      return nullptr;
    value = op->getOperand(0);
  }
  return nullptr;
}

/// Ends the run unless what was computed on the way is what the buffer was made
/// for: the caller's may end where the model would write on.
static void requireSame(OpBuilder &b, Location loc, Value size, Value made) {
  if (size == made)
    return;
  Value isSame =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, size, made);
  cf::AssertOp::create(b, loc, isSame, "1:a size is negative");
}

static Value elementsOf(OpBuilder &b, Location loc, MemRefType type,
                        llvm::function_ref<Value(int64_t)> sizeOf) {
  int64_t known = 1;
  Value product;
  for (auto [axis, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      known *= size;
      continue;
    }
    Value each = sizeOf(axis);
    product = product ? arith::MulIOp::create(b, loc, product, each).getResult()
                      : each;
  }
  Value constant = arith::ConstantIndexOp::create(b, loc, known);
  return product ? arith::MulIOp::create(b, loc, product, constant).getResult()
                 : constant;
}

/// `argument` under the type of `alloc`, which has as many elements.
static Value asAllocated(OpBuilder &atStart, BlockArgument argument,
                         memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  auto given = cast<MemRefType>(argument.getType());
  bool isStatic = type.hasStaticShape() && given.hasStaticShape();
  OpBuilder atAlloc(alloc);
  OpBuilder &b = isStatic ? atStart : atAlloc;
  Location loc = alloc.getLoc();
  auto sizeOf = [&](int64_t axis) -> Value {
    return alloc.getDynamicSizes()[type.getDynamicDimIndex(axis)];
  };
  auto givenSizeOf = [&](int64_t axis) {
    return memref::DimOp::create(b, loc, argument, axis).getResult();
  };
  if (argument.getType() == type) {
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        requireSame(b, loc, sizeOf(axis), givenSizeOf(axis));
    return argument;
  }
  if (!isStatic)
    requireSame(b, loc, elementsOf(b, loc, type, sizeOf),
                elementsOf(b, loc, given, givenSizeOf));
  SmallVector<OpFoldResult> sizes, strides(type.getRank());
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    sizes.push_back(type.isDynamicDim(axis)
                        ? OpFoldResult(sizeOf(axis))
                        : b.getIndexAttr(type.getDimSize(axis)));
  OpFoldResult stride = b.getIndexAttr(1);
  for (int64_t axis = type.getRank(); axis-- > 0;) {
    strides[axis] = stride;
    std::optional<int64_t> known = getConstantIntValue(stride),
                           size = getConstantIntValue(sizes[axis]);
    if (known && size)
      stride = b.getIndexAttr(*known * *size);
    else if (axis > 0)
      stride = arith::MulIOp::create(
                   b, loc, getValueOrCreateConstantIndexOp(b, loc, stride),
                   getValueOrCreateConstantIndexOp(b, loc, sizes[axis]))
                   .getResult();
  }
  return memref::ReinterpretCastOp::create(
      b, loc, type, argument, OpFoldResult(b.getIndexAttr(0)), sizes, strides);
}

/// A result that was returned under another buffer goes to its place now.
static void copyUnlessThere(OpBuilder &builder, Value result, Value place) {
  Value buffer = result;
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  if (buffer != place)
    memref::CopyOp::create(builder, result.getLoc(), result, place);
}

/// The results whose sizes only run time knows, and which follow from those of
/// inputs. Leaves the function that tells them.
static llvm::SmallDenseSet<int64_t> findSized(func::FuncOp function) {
  SmallVector<int64_t> found;
  auto module = function->getParentOfType<ModuleOp>();
  if (!module->hasAttr(nn::kSignatureAttr) || entryDims(function).empty())
    return {};
  Operation *end = function.getBody().front().getTerminator();
  func::FuncOp sizesOfResults = makeEntryFunction(
      function, kResultSizes, [&](OpBuilder &, EntrySizes &sizes) {
        SmallVector<Value> all;
        for (auto [index, result] : llvm::enumerate(end->getOperands())) {
          auto type = cast<MemRefType>(result.getType());
          if (type.hasStaticShape() ||
              nn::updatedArgument(function, index) >= 0)
            continue;
          SmallVector<Value> own;
          for (int64_t axis = 0; axis < type.getRank(); ++axis)
            if (type.isDynamicDim(axis))
              own.push_back(sizes.sizeOf(result, axis));
          if (!llvm::all_of(own, [](Value size) { return bool(size); }))
            continue;
          llvm::append_range(all, own);
          found.push_back(index);
        }
        return all;
      });
  if (found.empty())
    sizesOfResults.erase();
  else
    sizesOfResults->setAttr(
        kPlacedAttr, DenseI64ArrayAttr::get(function.getContext(), found));
  return {found.begin(), found.end()};
}

static void placeResults(func::FuncOp function) {
  Block &body = function.getBody().front();
  auto terminator = cast<func::ReturnOp>(body.getTerminator());
  SmallVector<Value> kept;
  SmallVector<memref::AllocOp> replaced;
  OpBuilder atStart = OpBuilder::atBlockBegin(&body), atEnd(terminator);
  llvm::SmallDenseSet<int64_t> sized = findSized(function);
  size_t outputs = terminator->getNumOperands();
  auto module = function->getParentOfType<ModuleOp>();
  if (module->hasAttr(nn::kSignatureAttr))
    outputs = nn::Signature::recorded(module).outputs.size();
  for (auto [index, result] : llvm::enumerate(terminator.getOperands())) {
    auto type = cast<MemRefType>(result.getType());
    // A state that grows is in its argument's buffer already.
    if (index >= outputs) {
      copyUnlessThere(atEnd, result,
                      body.getArgument(nn::updatedArgument(function, index)));
      continue;
    }
    if (!type.hasStaticShape() && !sized.contains(index)) {
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
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        if (type.isDynamicDim(axis))
          requireSame(
              atEnd, terminator.getLoc(),
              memref::DimOp::create(atEnd, terminator.getLoc(), result, axis),
              memref::DimOp::create(atEnd, terminator.getLoc(), argument,
                                    axis));
      memref::CopyOp::create(atEnd, terminator.getLoc(), result, argument);
      continue;
    }
    replaced.push_back(alloc);
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (auto dim = dyn_cast<memref::DimOp>(user))
        if (std::optional<int64_t> axis = dim.getConstantIndex();
            axis && alloc.getType().isDynamicDim(*axis)) {
          unsigned number = alloc.getType().getDynamicDimIndex(*axis);
          dim.replaceAllUsesWith(alloc.getDynamicSizes()[number]);
          dim.erase();
        }
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
