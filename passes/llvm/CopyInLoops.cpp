// CopyInLoops.cpp - copies between buffers that are not contiguous become
// loops, and no long ones of short rows are unrolled.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_COPYINLOOPS
#include "passes/Passes.h.inc"
} // namespace burnish

/// LLVM takes a row of three elements for one cheap call of memset, unrolled
/// the 3192 rows of a border into one block, and was busy with that for more
/// than a minute.
static constexpr int64_t kMostUnrolled = 64;

/// The rows of a fill or a copy; the greatest number where only run time knows
/// them.
static int64_t rowsOf(linalg::LinalgOp op) {
  int64_t rows = 1;
  for (int64_t size : ArrayRef(op.getStaticLoopRanges()).drop_back())
    if (ShapedType::isDynamic(size) || llvm::MulOverflow(rows, size, rows))
      return INT64_MAX;
  return rows;
}

/// The loops of a fill or a copy, of which LLVM may unroll the innermost alone.
static void keepLoops(linalg::LinalgOp op) {
  MLIRContext *context = op.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {},
      {});
  auto annotation = LLVM::LoopAnnotationAttr::get(
      context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  IRRewriter rewriter(op);
  FailureOr<linalg::LinalgLoops> loops = linalg::linalgOpToLoops(rewriter, op);
  if (failed(loops))
    return;
  for (Operation *loop : ArrayRef(*loops).drop_back())
    loop->setDiscardableAttr("llvm.loop_annotation", annotation);
  rewriter.eraseOp(op);
}

namespace {
struct CopyInLoops : burnish::impl::CopyInLoopsBase<CopyInLoops> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> moves;
    getOperation().walk([&](Operation *op) {
      if (auto fill = dyn_cast<linalg::FillOp>(op))
        moves.push_back(fill);
      auto copy = dyn_cast<memref::CopyOp>(op);
      if (!copy)
        return;
      auto isContiguous = [](Value buffer) {
        auto type = dyn_cast<MemRefType>(buffer.getType());
        return type && type.getLayout().isIdentity();
      };
      if (copy.getSource() == copy.getTarget())
        return copy.erase();
      if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
        return;
      OpBuilder builder(copy);
      moves.push_back(linalg::makeMemRefCopyOp(
          builder, copy.getLoc(), copy.getSource(), copy.getTarget()));
      copy.erase();
    });
    for (linalg::LinalgOp move : moves)
      if (move.hasPureBufferSemantics() && move.getNumLoops() > 1 &&
          rowsOf(move) > kMostUnrolled)
        keepLoops(move);
  }
};
} // namespace
