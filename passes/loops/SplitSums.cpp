// SplitSums.cpp - sums that start from a tensor become sums from zero.
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_SPLITSUMS
#include "passes/Passes.h.inc"
} // namespace burnish

/// The operation that adds a step of the sum to what was there.
static Operation *adderOf(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0))
           .isProjectedPermutation())
    return nullptr;
  BlockArgument running = op.getRegionOutputArgs()[0];
  Operation *adder =
      op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!adder || !isa<arith::AddFOp, arith::AddIOp>(adder) ||
      !running.hasOneUse() || *running.user_begin() != adder ||
      adder->getBlock() != op.getBody())
    return nullptr;
  return adder;
}

// sum(x, init) -> sum(x, 0) + init
static void splitSum(linalg::GenericOp op, Operation *adder) {
  OpOperand &init = *op.getDpsInitOperand(0);
  Value start = init.get();
  auto type = cast<RankedTensorType>(start.getType());
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  Value place = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), start), type.getElementType());
  init.set(linalg::FillOp::create(b, zero, place).getResult(0));
  b.setInsertionPointAfter(op);
  AffineMap all = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(
      b, TypeRange(type), ValueRange{op.getResult(0), start}, ValueRange(place),
      ArrayRef<AffineMap>{all, all, all}, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        OperationState state(loc, adder->getName(), args.take_front(2),
                             {type.getElementType()}, adder->getAttrs());
        linalg::YieldOp::create(inner, loc, inner.create(state)->getResults());
      });
  op.getResult(0).replaceAllUsesExcept(sum.getResult(0), sum);
}

namespace {
struct SplitSums : burnish::impl::SplitSumsBase<SplitSums> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> sums;
    getOperation().walk([&](linalg::GenericOp op) {
      if (adderOf(op) && !op.getDpsInits()[0].getDefiningOp<linalg::FillOp>())
        sums.push_back(op);
    });
    for (linalg::GenericOp op : sums)
      splitSum(op, adderOf(op));
  }
};
} // namespace
