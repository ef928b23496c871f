// OrderLoops.cpp - moves the loop along which results lie in memory innermost.
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_ORDERLOOPS
#include "passes/Passes.h.inc"
} // namespace burnish

/// The loop that runs along the last axis of the result, if it is parallel and
/// worth vectorising: every input that moves with it moves by one element.
static std::optional<unsigned> contiguousLoop(linalg::GenericOp op) {
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (out.getNumResults() == 0)
    return std::nullopt;
  auto last = dyn_cast<AffineDimExpr>(out.getResult(out.getNumResults() - 1));
  if (!last || op.getIteratorTypesArray()[last.getPosition()] !=
                   utils::IteratorType::parallel)
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    for (AffineExpr expr :
         ArrayRef(map.getResults()).drop_back(map.getNumResults() ? 1 : 0))
      if (expr.isFunctionOfDim(last.getPosition()))
        return std::nullopt;
  }
  return last.getPosition();
}

namespace {
struct OrderLoops : burnish::impl::OrderLoopsBase<OrderLoops> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> reductions;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() > 0 && op.getNumDpsInits() == 1 &&
          op.hasPureTensorSemantics())
        reductions.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : reductions) {
      std::optional<unsigned> innermost = contiguousLoop(op);
      if (!innermost || *innermost + 1 == op.getNumLoops())
        continue;
      SmallVector<unsigned> order;
      for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
        if (loop != *innermost)
          order.push_back(loop);
      order.push_back(*innermost);
      rewriter.setInsertionPoint(op);
      if (failed(linalg::interchangeGenericOp(rewriter, op, order)))
        return signalPassFailure();
    }
  }
};
} // namespace
