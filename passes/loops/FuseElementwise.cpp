// FuseElementwise.cpp - computes elementwise results where they are used.
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/Passes.h.inc"
} // namespace burnish

/// Whether computing an element again costs no more than reading it: at most
/// two of the quickest operations.
static bool isCheap(linalg::GenericOp producer) {
  int64_t count = 0;
  for (Operation &op : producer.getBody()->without_terminator()) {
    if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::AddIOp,
             arith::SubIOp, arith::ExtFOp, arith::ExtUIOp, arith::ExtSIOp,
             arith::TruncIOp, arith::SIToFPOp, arith::NegFOp>(op))
      return false;
    ++count;
  }
  return count <= 2;
}

/// Fusing must not compute an element more often than before, unless that is
/// cheap: the consumer must read each element of the operand in one iteration
/// only. It must not hide a contraction either, which schedules look for.
static bool isWorthFusing(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || !producer->hasOneUse())
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  bool readsOnce = map.isPermutation();
  if (consumer.getNumReductionLoops() > 0)
    return readsOnce;
  return readsOnce || isCheap(producer);
}

/// Whether an expansion could stand before the padding that it expands: the
/// sizes it gives must be known there.
static bool hasSizesBefore(OpOperand *operand, Operation *producer) {
  auto expansion = dyn_cast<tensor::ExpandShapeOp>(operand->getOwner());
  if (!expansion || !isa_and_nonnull<tensor::PadOp>(producer))
    return true;
  return llvm::all_of(expansion.getOutputShape(), [&](Value size) {
    Operation *op = size.getDefiningOp();
    return !op || op->getBlock() != producer->getBlock() ||
           op->isBeforeInBlock(producer);
  });
}

static bool followsProduct(linalg::GenericOp generic);

/// Whether all that is made of a value is made by its one user, and it is a
/// product, or computed of each result of one where that arises.
static bool isOfProduct(Value value) {
  if (!value.hasOneUse())
    return false;
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  return generic && ((generic.getNumReductionLoops() > 0 &&
                      generic.getNumDpsInputs() == 2) ||
                     followsProduct(generic));
}

/// Whether it could be computed where a product's results arise.
static bool followsProduct(linalg::GenericOp generic) {
  if (!generic || generic.getNumReductionLoops() > 0)
    return false;
  return llvm::any_of(generic.getDpsInputOperands(), [&](OpOperand *input) {
    return generic.getMatchingIndexingMap(input).isPermutation() &&
           isOfProduct(input->get());
  });
}

/// A change of shape may move through loops that are all parallel; it would
/// take the form from others, and take what follows a product away from it.
static bool mayReshape(OpOperand *operand) {
  auto isParallel = [](Operation *op) {
    auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
    return !generic || generic.getNumReductionLoops() == 0;
  };
  Operation *producer = operand->get().getDefiningOp();
  return isParallel(producer) && isParallel(operand->getOwner()) &&
         operand->get().hasOneUse() && hasSizesBefore(operand, producer) &&
         !followsProduct(dyn_cast<linalg::GenericOp>(operand->getOwner())) &&
         !followsProduct(dyn_cast_or_null<linalg::GenericOp>(producer));
}

/// Whether what takes an expanded product could come before the expansion, and
/// so become one with what follows the product.
static bool mayCollapse(OpOperand *operand) {
  auto expansion = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  auto owner = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!expansion || !owner || owner.getNumReductionLoops() > 0 ||
      !expansion->hasOneUse())
    return false;
  return owner.getMatchingIndexingMap(operand).isPermutation() &&
         isOfProduct(expansion.getSrc());
}

// elementwise(transpose(x)) -> transpose(elementwise(x)), which may then follow
// what makes x.
static LogicalResult moveBeforeTranspose(linalg::GenericOp generic,
                                         PatternRewriter &rewriter) {
  if (generic.getNumReductionLoops() > 0 || generic.getNumDpsInputs() != 1 ||
      generic.getNumDpsInits() != 1 || !generic.hasPureTensorSemantics() ||
      !llvm::all_of(generic.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }) ||
      !generic.getBody()->getOps<linalg::IndexOp>().empty() ||
      !generic.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>())
    return failure();
  auto transpose =
      generic.getDpsInputs()[0].getDefiningOp<linalg::TransposeOp>();
  if (!transpose || !transpose->hasOneUse())
    return failure();
  Value source = transpose.getInput();
  auto sourceType = cast<RankedTensorType>(source.getType());
  auto type = cast<RankedTensorType>(generic->getResult(0).getType());
  Location loc = generic.getLoc();
  Value place = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, source),
      type.getElementType());
  auto before = linalg::GenericOp::create(
      rewriter, loc, sourceType.clone(type.getElementType()), source, place,
      generic.getIndexingMapsArray(), generic.getIteratorTypesArray());
  rewriter.inlineRegionBefore(generic.getRegion(), before.getRegion(),
                              before.getRegion().begin());
  rewriter.replaceOpWithNewOp<linalg::TransposeOp>(
      generic, before->getResult(0), generic.getDpsInits()[0],
      transpose.getPermutation());
  return success();
}

// loops(transpose(constant)) -> loops(constant), read in its own order: packing
// gives it the order that the loops want.
static LogicalResult readConstantInPlace(linalg::GenericOp generic,
                                         PatternRewriter &rewriter) {
  for (OpOperand *operand : generic.getDpsInputOperands()) {
    auto transpose = operand->get().getDefiningOp<linalg::TransposeOp>();
    if (!transpose || !matchPattern(transpose.getInput(), m_Constant()))
      continue;
    SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
    AffineMap &map = maps[operand->getOperandNumber()];
    SmallVector<AffineExpr> places(map.getNumResults());
    for (auto [axis, expr] :
         llvm::zip_equal(transpose.getPermutation(), map.getResults()))
      places[axis] = expr;
    map = AffineMap::get(map.getNumDims(), 0, places, rewriter.getContext());
    rewriter.modifyOpInPlace(generic, [&] {
      operand->set(transpose.getInput());
      generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
  return failure();
}

namespace {
struct FuseElementwise : burnish::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns = fusions();
    patterns.add(moveBeforeTranspose);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, mayReshape);
    // Those that take an expansion back would go on for ever beside them.
    RewritePatternSet back = fusions();
    linalg::populateFoldReshapeOpsByCollapsingPatterns(back, mayCollapse);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(back))))
      signalPassFailure();
  }

  RewritePatternSet fusions() {
    RewritePatternSet patterns(&getContext());
    patterns.add(readConstantInPlace);
    linalg::populateElementwiseOpsFusionPatterns(patterns, isWorthFusing);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    return patterns;
  }
};
} // namespace
