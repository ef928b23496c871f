// ScaleResults.cpp - products of what was multiplied by a number.
#include "passes/loops/ScaleResults.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

/// The number that an operation multiplies each element by; null where it does
/// anything else.
static FloatAttr scaleOf(linalg::GenericOp op) {
  if (!op || op.getNumReductionLoops() > 0 || op.getNumDpsInputs() != 1 ||
      op.getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      !isa<RankedTensorType>(op.getDpsInputs()[0].getType()) ||
      !op.getIndexingMapsArray().back().isIdentity())
    return {};
  auto product = op.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<arith::MulFOp>();
  if (!product || product->getBlock() != op.getBody())
    return {};
  FloatAttr scale;
  for (auto [number, other] : {std::pair(product.getRhs(), product.getLhs()),
                               {product.getLhs(), product.getRhs()}})
    if (other == op.getRegionInputArgs()[0] &&
        matchPattern(number, m_Constant(&scale)))
      return scale;
  return {};
}

/// Whether there are so few results for each element of an operand, which moves
/// with the lanes, that another pass over it is worth leaving out.
static bool isMostOfWork(linalg::GenericOp product, AffineMap map) {
  constexpr int64_t kFewRows = 8;
  AffineMap out = product.getIndexingMapsArray().back();
  if (out.getNumResults() == 0 || !out.isProjectedPermutation() ||
      !map.isFunctionOfDim(
          cast<AffineDimExpr>(out.getResults().back()).getPosition()))
    return false;
  int64_t rows = 1;
  for (auto [loop, size] : llvm::enumerate(product.getStaticLoopRanges())) {
    if (ShapedType::isDynamic(size))
      return true;
    if (!map.isFunctionOfDim(loop))
      rows *= size;
  }
  return rows < kFewRows;
}

/// What was scaled, without that, behind the same changes of shape and order.
static Value unscaled(PatternRewriter &rewriter, Value value,
                      linalg::GenericOp scale) {
  Location loc = scale.getLoc();
  if (value == scale->getResult(0)) {
    Value source = scale.getDpsInputs()[0];
    if (scale.getIndexingMapsArray()[0].isIdentity())
      return source;
    auto copy = linalg::GenericOp::create(
        rewriter, loc, value.getType(), source, scale.getDpsInits()[0],
        scale.getIndexingMapsArray(), scale.getIteratorTypesArray(),
        [](OpBuilder &b, Location loc, ValueRange elements) {
          linalg::YieldOp::create(b, loc, elements[0]);
        });
    return copy->getResult(0);
  }
  Operation *op = value.getDefiningOp();
  Value source = unscaled(rewriter, op->getOperand(0), scale);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return tensor::CollapseShapeOp::create(rewriter, loc,
                                           collapse.getResultType(), source,
                                           collapse.getReassociationIndices());
  auto transpose = cast<linalg::TransposeOp>(op);
  auto type = cast<RankedTensorType>(value.getType());
  Value place = tensor::EmptyOp::create(
      rewriter, loc,
      applyPermutation(tensor::getMixedSizes(rewriter, loc, source),
                       transpose.getPermutation()),
      type.getElementType());
  return linalg::TransposeOp::create(rewriter, loc, source, place,
                                     transpose.getPermutation())
      ->getResult(0);
}

// product(x, c y) -> c product(x, y)
LogicalResult burnish::scaleResults(linalg::GenericOp product,
                                    PatternRewriter &rewriter) {
  if (product.getNumDpsInputs() != 2 || product.getNumReductionLoops() == 0 ||
      !isSumOfProducts(product) || !startsFromZero(product))
    return failure();
  for (OpOperand *operand : product.getDpsInputOperands()) {
    if (!isMostOfWork(product, product.getMatchingIndexingMap(operand)))
      continue;
    Value source = operand->get();
    while (isa_and_nonnull<linalg::TransposeOp, tensor::CollapseShapeOp>(
        source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    auto scale = source.getDefiningOp<linalg::GenericOp>();
    FloatAttr factor = scaleOf(scale);
    if (!factor || !factor.getType().isF32() ||
        isConstant(scale.getDpsInputs()[0]))
      continue;
    Value other = unscaled(rewriter, operand->get(), scale);
    rewriter.modifyOpInPlace(product, [&] { operand->set(other); });
    rewriter.setInsertionPointAfter(product);
    Location loc = scale.getLoc();
    auto type = cast<RankedTensorType>(product->getResult(0).getType());
    Value place = tensor::EmptyOp::create(
        rewriter, loc,
        tensor::getMixedSizes(rewriter, loc, product.getDpsInits()[0]),
        type.getElementType());
    SmallVector<AffineMap> maps(
        2, rewriter.getMultiDimIdentityMap(type.getRank()));
    SmallVector<utils::IteratorType> iterators(type.getRank(),
                                               utils::IteratorType::parallel);
    auto scaled = linalg::GenericOp::create(
        rewriter, loc, type, product->getResult(0), place, maps, iterators,
        [&](OpBuilder &b, Location loc, ValueRange elements) {
          Value number = arith::ConstantOp::create(b, loc, factor);
          linalg::YieldOp::create(
              b, loc,
              Value(arith::MulFOp::create(b, loc, elements[0], number)));
        });
    rewriter.replaceAllUsesExcept(product->getResult(0), scaled->getResult(0),
                                  scaled);
    return success();
  }
  return failure();
}
