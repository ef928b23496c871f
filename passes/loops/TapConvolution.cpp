// TapConvolution.cpp - convolutions with 3x3 taps as minimal filtering takes
// them.
#include "passes/loops/TapConvolution.h"
#include "mlir/IR/Matchers.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

/// Whether the run may only choose how many images there are, and how large.
static bool hasKnownChannels(RankedTensorType type) {
  return type.getRank() == 4 && !type.isDynamicDim(3);
}

void burnish::takeBorder(Value &image, int64_t &top, int64_t &left) {
  auto pad = image.getDefiningOp<tensor::PadOp>();
  if (!pad)
    return;
  Value filling = pad.getConstantPaddingValue();
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  if (!filling || !matchPattern(filling, m_AnyZeroFloat()) ||
      !hasKnownChannels(pad.getSourceType()) ||
      ShapedType::isDynamicShape(low) || ShapedType::isDynamicShape(high) ||
      low[0] != 0 || low[3] != 0 || high[0] != 0 || high[3] != 0)
    return;
  image = pad.getSource();
  top = low[1];
  left = low[2];
}

/// An elementwise operation of the loops of its result, which reads `value`
/// as it writes.
static bool isElementwiseOn(linalg::GenericOp op, Value value) {
  if (op.getNumReductionLoops() > 0 || op.getNumDpsInits() != 1 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      llvm::count(op.getDpsInputs(), value) != 1 ||
      llvm::is_contained(op.getDpsInits(), value))
    return false;
  for (Operation &inside : *op.getBody())
    if (isa<linalg::IndexOp, tensor::ExtractOp>(inside))
      return false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isProjectedPermutation() ||
        (input->get() == value && !map.isIdentity()))
      return false;
  }
  return true;
}

std::optional<TapConvolution> TapConvolution::match(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumLoops() != 7 ||
      op.getNumReductionLoops() != 3)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResultTypes()[0]);
  if (!type.getElementType().isF32() || !isSumOfProducts(op) ||
      !startsFromZero(op))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[2].isProjectedPermutation() || maps[2].getNumResults() != 4 ||
      !hasKnownChannels(type))
    return std::nullopt;
  SmallVector<AffineExpr> out(maps[2].getResults());
  for (unsigned which : {1u, 0u}) {
    TapConvolution found;
    found.op = op;
    found.image = op.getDpsInputs()[1 - which];
    auto imageType = cast<RankedTensorType>(found.image.getType());
    AffineMap image = maps[1 - which], weights = maps[which];
    found.weights = op.getDpsInputs()[which];
    matchPattern(found.weights, m_Constant(&found.constant));
    auto weightsType = cast<RankedTensorType>(found.weights.getType());
    if (weightsType.getElementType() != imageType.getElementType() ||
        image.getNumResults() != 4 || !hasKnownChannels(imageType) ||
        !weightsType.hasStaticShape() || !weights.isProjectedPermutation() ||
        weights.getNumResults() != 4)
      continue;
    bool isConstant = found.constant != nullptr;
    // image: n, y + i, x + j, c
    auto channel = dyn_cast<AffineDimExpr>(image.getResult(3));
    if (image.getResult(0) != out[0] || !channel)
      continue;
    SmallVector<AffineExpr> wanted{out[3], channel};
    for (unsigned axis : {1u, 2u}) {
      AffineExpr tap = simplifyAffineExpr(image.getResult(axis) - out[axis],
                                          image.getNumDims(), 0);
      // From the last tap to the first.
      AffineExpr back = simplifyAffineExpr(2 - tap, image.getNumDims(), 0);
      bool isTurned = !isa<AffineDimExpr>(tap);
      if ((isTurned && (isConstant || !isa<AffineDimExpr>(back))) ||
          (axis == 2 && isTurned != found.isTurned))
        break;
      found.isTurned = isTurned;
      wanted.push_back(isTurned ? back : tap);
    }
    if (wanted.size() != 4)
      continue;
    for (AffineExpr expr : wanted)
      if (std::optional<unsigned> axis = weights.getResultPosition(expr))
        found.axes.push_back(*axis);
    if (found.axes.size() != 4)
      continue;
    ArrayRef<int64_t> taps = found.weightsShape();
    if (taps[found.axes[2]] != 3 || taps[found.axes[3]] != 3)
      continue;
    takeBorder(found.image, found.top, found.left);
    Value result = op->getResult(0);
    if (result.hasOneUse())
      if (auto user = dyn_cast<linalg::GenericOp>(*result.user_begin());
          user && user->getBlock() == op->getBlock() &&
          isElementwiseOn(user, result))
        found.epilogue = user;
    return found;
  }
  return std::nullopt;
}
