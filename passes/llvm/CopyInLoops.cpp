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

/// So many elements of so many lines are turned at a time.
static constexpr int64_t kBlock = 16;
/// Less than this stays in the first cache anyway.
static constexpr int64_t kLeastTurned = 4096;

/// Turns a matrix, or a stack of them, block by block, through a place in the
/// frame: lines often lie pages apart, where the first cache keeps eight of
/// them, so that each line of either side is met once.
static void turnInBlocks(linalg::TransposeOp transpose,
                         llvm::DenseMap<Type, Value> &blocks) {
  auto source = dyn_cast<MemRefType>(transpose.getInput().getType()),
       target = dyn_cast<MemRefType>(transpose.getInit().getType());
  ArrayRef<int64_t> order = transpose.getPermutation();
  int64_t rank = order.size();
  if (!source || !target || !target.hasStaticShape() || rank < 2 ||
      target.getNumElements() < kLeastTurned || order.back() == rank - 1)
    return;
  // The axis of the target that lies innermost in the source.
  int64_t across = llvm::find(order, rank - 1) - order.begin();
  ImplicitLocOpBuilder b(transpose.getLoc(), transpose);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  SmallVector<Value> at(rank);
  auto open = [&](Value from, Value to, int64_t step) -> Value {
    auto loop = scf::ForOp::create(b, from, to, index(step));
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  };
  auto endOf = [&](Value begin, int64_t step, int64_t size) -> Value {
    Value end = arith::AddIOp::create(b, begin, index(step));
    return size % step == 0 ? end : arith::MinSIOp::create(b, end, index(size));
  };
  for (int64_t axis = 0; axis < rank - 1; ++axis)
    if (axis != across)
      at[axis] = open(index(0), index(target.getDimSize(axis)), 1);
  int64_t height = target.getDimSize(across),
          width = target.getDimSize(rank - 1);
  Value &block = blocks[target.getElementType()];
  if (!block) {
    OpBuilder::InsertionGuard guard(b);
    Block &entry = transpose->getParentOfType<func::FuncOp>().getBody().front();
    b.setInsertionPointToStart(&entry);
    block = memref::AllocaOp::create(
        b, MemRefType::get({kBlock, kBlock}, target.getElementType()));
  }
  Value row = open(index(0), index(height), kBlock),
        column = open(index(0), index(width), kBlock),
        rowEnd = endOf(row, kBlock, height),
        columnEnd = endOf(column, kBlock, width);
  auto pass = [&](bool reads) {
    OpBuilder::InsertionGuard guard(b);
    int64_t outer = reads ? rank - 1 : across,
            inner = reads ? across : rank - 1;
    at[outer] = open(reads ? column : row, reads ? columnEnd : rowEnd, 1);
    at[inner] = open(reads ? row : column, reads ? rowEnd : columnEnd, 1);
    SmallVector<Value> from(rank),
        inside{arith::SubIOp::create(b, at[rank - 1], column),
               arith::SubIOp::create(b, at[across], row)};
    for (auto [axis, place] : llvm::zip_equal(order, at))
      from[axis] = place;
    if (reads)
      memref::StoreOp::create(
          b, Value(memref::LoadOp::create(b, transpose.getInput(), from)),
          block, inside);
    else
      memref::StoreOp::create(b,
                              Value(memref::LoadOp::create(b, block, inside)),
                              transpose.getInit(), at);
  };
  pass(/*reads=*/true);
  pass(/*reads=*/false);
  transpose.erase();
}

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
    // One place in the frame for all of a type.
    llvm::DenseMap<Type, Value> blocks;
    getOperation().walk([&](linalg::TransposeOp transpose) {
      turnInBlocks(transpose, blocks);
    });
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
