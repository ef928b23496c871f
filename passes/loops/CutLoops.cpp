// CutLoops.cpp - results of which a part is read are computed in that part.
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CUTLOOPS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Whether the slice begins where its source does, and leaves something out.
static bool isBeginning(tensor::ExtractSliceOp slice) {
  return slice.getSourceType().hasStaticShape() &&
         slice.getResultType().getRank() == slice.getSourceType().getRank() &&
         slice.getResultType() != slice.getSourceType() &&
         llvm::all_of(slice.getStaticOffsets(),
                      [](int64_t offset) { return offset == 0; }) &&
         llvm::none_of(slice.getStaticSizes(), ShapedType::isDynamic) &&
         llvm::all_of(slice.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; });
}

/// The loops of `op` along which the slice leaves something out may end
/// earlier: its inputs have them in windows only, and may be larger than these
/// reach.
static bool canEndEarlier(linalg::GenericOp op, tensor::ExtractSliceOp slice) {
  AffineMap map = op.getIndexingMapsArray().back();
  if (!map.isProjectedPermutation())
    return false;
  for (auto [axis, whole, taken] :
       llvm::enumerate(slice.getSourceType().getShape(),
                       slice.getResultType().getShape())) {
    AffineExpr loop = map.getResult(axis);
    for (OpOperand *input : op.getDpsInputOperands())
      if (whole != taken &&
          llvm::is_contained(op.getMatchingIndexingMap(input).getResults(),
                             loop))
        return false;
  }
  return true;
}

namespace {
struct CutLoops : burnish::impl::CutLoopsBase<CutLoops> {
  void runOnOperation() override {
    // A slice of a slice is one of the smaller result by then.
    getOperation().walk([](tensor::ExtractSliceOp slice) {
      auto op = slice.getSource().getDefiningOp<linalg::GenericOp>();
      if (!op || op->getNumResults() != 1 || !op->hasOneUse() ||
          !isBeginning(slice) || !canEndEarlier(op, slice))
        return;
      auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
      if (!fill)
        return;
      ImplicitLocOpBuilder b(op.getLoc(), op);
      RankedTensorType type = slice.getResultType();
      Value empty = tensor::EmptyOp::create(b, type.getShape(),
                                            type.getElementType()),
            init = linalg::FillOp::create(b, fill.getInputs()[0], empty)
                       .getResult(0);
      IRMapping values;
      values.map(op.getDpsInits()[0], init);
      Operation *cut = b.clone(*op, values);
      cut->getResult(0).setType(type);
      slice.replaceAllUsesWith(cut->getResult(0));
      slice.erase();
      op.erase();
    });
  }
};
} // namespace
