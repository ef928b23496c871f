// ScaleWeights.cpp - factors of an image's channels go into the weights.
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_SCALEWEIGHTS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// An image times a factor for each of its channels.
struct ScaledImage {
  Value image, factors;
  /// How the factors are indexed by the axes of the image.
  AffineMap map;

  static std::optional<ScaledImage> match(Value value) {
    auto op = value.getDefiningOp<linalg::GenericOp>();
    if (!op || !value.hasOneUse() || op.getNumReductionLoops() > 0 ||
        op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
        !op.hasPureTensorSemantics() ||
        !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
      return std::nullopt;
    Block *body = op.getBody();
    auto product =
        body->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
    if (!product || llvm::range_size(body->getOperations()) != 2)
      return std::nullopt;
    for (unsigned which : {0u, 1u}) {
      AffineMap image = op.getMatchingIndexingMap(op.getDpsInputOperand(which)),
                factors =
                    op.getMatchingIndexingMap(op.getDpsInputOperand(1 - which));
      bool isProduct = (product.getLhs() == body->getArgument(0) &&
                        product.getRhs() == body->getArgument(1)) ||
                       (product.getLhs() == body->getArgument(1) &&
                        product.getRhs() == body->getArgument(0));
      if (isProduct && image.isIdentity() && !factors.isIdentity())
        return ScaledImage{op.getDpsInputs()[which],
                           op.getDpsInputs()[1 - which], factors};
    }
    return std::nullopt;
  }
};
} // namespace

/// Whether the body is sum + a * b.
static bool isSumOfProducts(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || op.getNumDpsInputs() != 2 ||
      llvm::range_size(body->getOperations()) != 3)
    return false;
  for (auto [factor, running] : {std::pair(sum.getLhs(), sum.getRhs()),
                                 std::pair(sum.getRhs(), sum.getLhs())})
    if (auto product = factor.getDefiningOp<arith::MulFOp>();
        product && running == body->getArgument(2))
      return product.getLhs() != product.getRhs() &&
             product.getLhs() != running && product.getRhs() != running;
  return false;
}

static int64_t countOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getNumElements();
}

// sum of (image[m, k] * factors[k]) * weights[k, n]
//   -> sum of image[m, k] * (factors[k] * weights[k, n])
// where there are fewer weights than elements of the image.
static void scaleWeights(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || !op.hasPureTensorSemantics() ||
      op.getNumDpsInits() != 1 || !isSumOfProducts(op))
    return;
  for (unsigned left : {0u, 1u}) {
    Value scaledTensor = op.getDpsInputs()[left],
          weights = op.getDpsInputs()[1 - left];
    std::optional<ScaledImage> scaled = ScaledImage::match(scaledTensor);
    if (!scaled || !matchPattern(weights, m_Constant()) ||
        !cast<RankedTensorType>(scaledTensor.getType()).hasStaticShape() ||
        countOf(weights) >= countOf(scaledTensor))
      continue;
    AffineMap leftMap = op.getMatchingIndexingMap(op.getDpsInputOperand(left)),
              rightMap =
                  op.getMatchingIndexingMap(op.getDpsInputOperand(1 - left));
    // Factors by the loops of the sum, each of which the weights have too.
    AffineMap factors = scaled->map.compose(leftMap);
    if (!rightMap.isProjectedPermutation())
      continue;
    auto type = cast<RankedTensorType>(weights.getType());
    auto factorType = cast<RankedTensorType>(scaled->factors.getType());
    // By the axes of the weights; an axis of one element has no loop.
    SmallVector<AffineExpr> exprs;
    MLIRContext *context = op.getContext();
    for (auto [size, expr] :
         llvm::zip_equal(factorType.getShape(), factors.getResults())) {
      if (size == 1) {
        exprs.push_back(getAffineConstantExpr(0, context));
        continue;
      }
      auto loop = dyn_cast<AffineDimExpr>(expr);
      std::optional<unsigned> axis =
          loop ? rightMap.getResultPosition(loop) : std::nullopt;
      if (!axis || op.getIteratorTypesArray()[loop.getPosition()] !=
                       utils::IteratorType::reduction)
        return;
      exprs.push_back(getAffineDimExpr(*axis, context));
    }
    // Channels outside, results of the product inside, as its tiles read them.
    SmallVector<AffineExpr> order;
    SmallVector<int64_t> shape;
    for (bool isReduction : {true, false})
      for (auto [axis, expr] : llvm::enumerate(rightMap.getResults())) {
        unsigned loop = cast<AffineDimExpr>(expr).getPosition();
        bool isSum =
            op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
        if (isSum != isReduction)
          continue;
        order.push_back(getAffineDimExpr(axis, context));
        shape.push_back(type.getDimSize(axis));
      }
    ImplicitLocOpBuilder b(op.getLoc(), op);
    unsigned rank = type.getRank();
    AffineMap out = AffineMap::get(rank, 0, order, context);
    Value empty = tensor::EmptyOp::create(b, shape, type.getElementType());
    auto product = linalg::GenericOp::create(
        b, empty.getType(), ValueRange{weights, scaled->factors}, empty,
        ArrayRef{b.getMultiDimIdentityMap(rank),
                 AffineMap::get(rank, 0, exprs, context), out},
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
        [](OpBuilder &inside, Location loc, ValueRange values) {
          Value scaled =
              arith::MulFOp::create(inside, loc, values[0], values[1]);
          linalg::YieldOp::create(inside, loc, scaled);
        });
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[1 - left] = out.compose(rightMap);
    op->setOperand(left, scaled->image);
    op->setOperand(1 - left, product->getResult(0));
    op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    scaledTensor.getDefiningOp()->erase();
    return;
  }
}

namespace {
struct ScaleWeights : burnish::impl::ScaleWeightsBase<ScaleWeights> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() > 0)
        products.push_back(op);
    });
    for (linalg::GenericOp op : products)
      scaleWeights(op);
  }
};
} // namespace
