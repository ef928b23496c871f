// ExpandShapes.cpp - shapes of buffers with several run-time sizes in place of
// one.
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_EXPANDSHAPES
#include "passes/Passes.h.inc"
} // namespace burnish

static bool hasSeveralUnknown(memref::ExpandShapeOp op) {
  return llvm::any_of(op.getReassociationIndices(),
                      [&](const ReassociationIndices &group) {
                        return llvm::count_if(group, [&](int64_t axis) {
                                 return op.getResultType().isDynamicDim(axis);
                               }) > 1;
                      });
}

/// expand_shape -> reinterpret_cast with the strides of each group worked out
/// from its last dim.
static void expand(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto source =
      memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  auto [knownStrides, knownOffset] = op.getResultType().getStridesAndOffset();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(),
                            strides(sizes.size());
  for (auto [group, axes] : llvm::enumerate(op.getReassociationIndices())) {
    Value stride = source.getStrides()[group];
    for (int64_t axis : llvm::reverse(axes)) {
      strides[axis] = ShapedType::isDynamic(knownStrides[axis])
                          ? OpFoldResult(stride)
                          : builder.getIndexAttr(knownStrides[axis]);
      Value size = getValueOrCreateConstantIndexOp(builder, loc, sizes[axis]);
      stride = arith::MulIOp::create(builder, loc, stride, size);
    }
  }
  OpFoldResult offset = ShapedType::isDynamic(knownOffset)
                            ? OpFoldResult(source.getOffset())
                            : builder.getIndexAttr(knownOffset);
  op.replaceAllUsesWith(memref::ReinterpretCastOp::create(
                            builder, loc, op.getResultType(),
                            source.getBaseBuffer(), offset, sizes, strides)
                            .getResult());
  op.erase();
}

namespace {
struct ExpandShapes : burnish::impl::ExpandShapesBase<ExpandShapes> {
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      if (hasSeveralUnknown(op))
        expand(op);
    });
  }
};
} // namespace
