// FuseElementwise.cpp - computes elementwise results where they are used.
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/loops/ReadRepeated.h"
#include "passes/loops/ScaleResults.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/Passes.h.inc"
} // namespace burnish

static constexpr int64_t kPageBytes = 4096;

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

/// Whether a body takes elements from tensors at places that it computes, which
/// no kernel does.
static bool gathers(linalg::GenericOp generic) {
  return !generic.getBody()->getOps<tensor::ExtractOp>().empty();
}

/// Whether a body calls functions, which only kernels have for vectors.
static bool callsFunctions(linalg::GenericOp generic) {
  return llvm::any_of(*generic.getBody(), [](Operation &op) {
    return isa_and_nonnull<math::MathDialect>(op.getDialect()) &&
           !isa<math::AbsFOp, math::FloorOp, math::CeilOp, math::SqrtOp,
                math::RoundEvenOp, math::TruncOp>(op);
  });
}

/// Bodies longer than this together stay apart: each fusion copies both, and
/// what makes vectors of a body takes the square of its length. A chain of
/// 10,000 operators took 22 s here, and minutes after.
static constexpr size_t kLongest = 192;

static bool isLongTogether(linalg::GenericOp left, linalg::GenericOp right) {
  return left.getBody()->getOperations().size() +
             right.getBody()->getOperations().size() >
         kLongest;
}

/// Fusing must not compute an element more often than before, unless that is
/// cheap: the consumer must read each element of the operand in one iteration
/// only. It must not hide a contraction either, which schedules look for.
static bool isWorthFusing(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || !producer->hasOneUse() ||
      isLongTogether(producer, consumer))
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  bool readsOnce = map.isPermutation();
  if (consumer.getNumReductionLoops() > 0)
    return readsOnce;
  if (gathers(producer) != gathers(consumer) &&
      (callsFunctions(producer) || callsFunctions(consumer)))
    return false;
  return readsOnce || isCheap(producer);
}

/// Whether an expansion could stand before the padding that it expands, right
/// behind what is padded: the sizes it gives must be known there.
static bool hasSizesBefore(OpOperand *operand, Operation *producer) {
  auto expansion = dyn_cast<tensor::ExpandShapeOp>(operand->getOwner());
  auto padding = dyn_cast_or_null<tensor::PadOp>(producer);
  if (!expansion || !padding)
    return true;
  Operation *padded = padding.getSource().getDefiningOp();
  return llvm::all_of(expansion.getOutputShape(), [&](Value size) {
    Operation *op = size.getDefiningOp();
    return !op || (padded && op->getBlock() == padded->getBlock() &&
                   op->isBeforeInBlock(padded));
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

/// Whether a product reads an operand as well where it lies as where its axes
/// are put into another order: what has the rows of the result, as in products
/// of gradients, or the weights of a convolution. What moves with the lanes is
/// better turned once.
static bool readsAnyOrder(OpOperand &operand, linalg::TransposeOp transpose) {
  auto product = cast<linalg::GenericOp>(operand.getOwner());
  if (product.getNumDpsInputs() != 2 || product.getNumReductionLoops() == 0 ||
      !isSumOfProducts(product))
    return false;
  SmallVector<AffineMap> maps = product.getIndexingMapsArray();
  AffineMap out = maps.back(), own = maps[operand.getOperandNumber()],
            other = maps[1 - operand.getOperandNumber()];
  if (!other.isProjectedPermutation())
    return own.isProjectedPermutation();
  if (!out.isProjectedPermutation() || out.getNumResults() == 0)
    return false;
  auto isOf = [](AffineMap map, AffineExpr expr) {
    return map.isFunctionOfDim(cast<AffineDimExpr>(expr).getPosition());
  };
  if (isOf(own, out.getResults().back()))
    return false;
  // Steps of a page are no stream: of 2048 rows of 1024, the product ran at 59
  // % of what it did behind a copy.
  auto source = cast<RankedTensorType>(transpose.getInput().getType());
  int64_t step = source.getElementTypeBitWidth() / 8;
  for (int64_t size :
       source.getShape().drop_front(transpose.getPermutation().back() + 1))
    step *= ShapedType::isDynamic(size) ? 1 : size;
  if (step >= kPageBytes)
    return false;
  bool hasStack = llvm::any_of(out.getResults(), [&](AffineExpr expr) {
    return isOf(own, expr) && isOf(other, expr);
  });
  if (!hasStack)
    return true;
  // In a stack of products, matrices that are turned as they stand.
  SmallVector<int64_t> turned =
      llvm::to_vector(llvm::seq<int64_t>(transpose.getPermutation().size()));
  if (turned.size() < 2)
    return false;
  std::swap(turned[turned.size() - 1], turned[turned.size() - 2]);
  return transpose.getPermutation() == ArrayRef(turned);
}

/// Whether something that is no loops wants the axes in their new order, so
/// that they are put into it in any case.
static bool isWantedAnyway(linalg::TransposeOp transpose) {
  return llvm::any_of(transpose->getUsers(), [](Operation *user) {
    return isa<tensor::CollapseShapeOp, tensor::ExtractSliceOp>(user);
  });
}

// loops(transpose(constant)) -> loops(constant), read in its own order: packing
// gives it the order that the loops want. Products do so with any operand.
static LogicalResult readInPlace(linalg::GenericOp generic,
                                 PatternRewriter &rewriter) {
  for (OpOperand *operand : generic.getDpsInputOperands()) {
    auto transpose = operand->get().getDefiningOp<linalg::TransposeOp>();
    if (!transpose ||
        (!matchPattern(transpose.getInput(), m_Constant()) &&
         (isWantedAnyway(transpose) || !readsAnyOrder(*operand, transpose))))
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

/// Makes all places of an operand loops again: where it is read from the last
/// element to the first, the loop of a sum goes the other way.
static bool turnLoops(linalg::GenericOp product, AffineMap operand,
                      SmallVector<AffineMap> &maps) {
  MLIRContext *context = product.getContext();
  SmallVector<int64_t> sizes = product.getStaticLoopRanges();
  SmallVector<AffineExpr> loops;
  for (unsigned loop = 0; loop < operand.getNumDims(); ++loop)
    loops.push_back(getAffineDimExpr(loop, context));
  for (AffineExpr expr : operand.getResults()) {
    if (isa<AffineDimExpr>(expr))
      continue;
    std::optional<unsigned> turned;
    for (unsigned loop = 0; loop < operand.getNumDims(); ++loop)
      if (expr.isFunctionOfDim(loop))
        turned = loop;
    if (!turned || product.getIteratorTypesArray()[*turned] !=
                       utils::IteratorType::reduction)
      return false;
    AffineExpr loop = getAffineDimExpr(*turned, context),
               last = simplifyAffineExpr(expr + loop, operand.getNumDims(), 0);
    if (last != getAffineConstantExpr(sizes[*turned] - 1, context))
      return false;
    loops[*turned] = last - loop;
  }
  for (AffineMap &map : maps)
    map = simplifyAffineMap(map.replaceDimsAndSymbols(
        loops, {}, map.getNumDims(), map.getNumSymbols()));
  return true;
}

// product(copy(x)) -> product(x), where the copy puts elements into another
// order: weights that are turned round for the gradient of a convolution.
static LogicalResult readThroughCopy(linalg::GenericOp product,
                                     PatternRewriter &rewriter) {
  if (product.getNumDpsInputs() != 2 || product.getNumReductionLoops() == 0 ||
      !isSumOfProducts(product))
    return failure();
  for (OpOperand *operand : product.getDpsInputOperands()) {
    auto copy = operand->get().getDefiningOp<linalg::GenericOp>();
    if (!copy || copy.getNumReductionLoops() > 0 ||
        copy.getNumDpsInputs() != 1 || copy.getNumResults() != 1 ||
        !llvm::hasSingleElement(*copy.getBody()) ||
        copy.getBody()->getTerminator()->getOperand(0) !=
            copy.getRegionInputArgs()[0] ||
        !isa<RankedTensorType>(copy.getDpsInputs()[0].getType()))
      continue;
    AffineMap from = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0)),
              to = copy.getMatchingIndexingMap(copy.getDpsInitOperand(0));
    // Elements that are read more than once are better copied.
    SmallVector<AffineMap> maps = product.getIndexingMapsArray();
    AffineMap &map = maps[operand->getOperandNumber()];
    if (!to.isIdentity() || !map.isProjectedPermutation() ||
        from.getNumResults() != from.getNumDims())
      continue;
    map = from.compose(map);
    if (!turnLoops(product, map, maps))
      continue;
    rewriter.modifyOpInPlace(product, [&] {
      operand->set(copy.getDpsInputs()[0]);
      product.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
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
    // What is left undone after the driver's last round is as right as before.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
    (void)applyPatternsGreedily(getOperation(), std::move(back));
  }

  RewritePatternSet fusions() {
    RewritePatternSet patterns(&getContext());
    patterns.add(readInPlace);
    patterns.add(readThroughCopy);
    patterns.add(readRepeated);
    patterns.add(scaleResults);
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
