// OrderStacks.cpp - stacks of products where their axes lie.
#include "passes/loops/OrderStacks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

static bool isOf(AffineMap map, AffineExpr loop) {
  return map.isFunctionOfDim(cast<AffineDimExpr>(loop).getPosition());
}

/// Whether some loop of the results is one of both operands: matrices of a
/// stack, each with its own.
static bool isStack(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumReductionLoops() == 0 ||
      !isSumOfProducts(op))
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (AffineMap map : maps)
    if (!map.isProjectedPermutation() || map.getNumResults() == 0)
      return false;
  return llvm::any_of(maps[2].getResults(), [&](AffineExpr loop) {
    return isOf(maps[0], loop) && isOf(maps[1], loop);
  });
}

static linalg::TransposeOp transposeBefore(Value value) {
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  return transpose && isa<RankedTensorType>(transpose.getInput().getType())
             ? transpose
             : linalg::TransposeOp();
}

/// A map to the axes of a transpose's result, as one to those of its operand.
static AffineMap beforeTranspose(AffineMap map, linalg::TransposeOp transpose) {
  return AffineMap::get(
      map.getNumDims(), 0,
      applyPermutation(map.getResults(),
                       invertPermutationVector(transpose.getPermutation())),
      map.getContext());
}

/// The transpose that alone uses the results, where they can be of its order.
static linalg::TransposeOp transposeBehind(linalg::GenericOp op) {
  Value result = op->getResult(0);
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  auto transpose = result.hasOneUse()
                       ? dyn_cast<linalg::TransposeOp>(*result.user_begin())
                       : linalg::TransposeOp();
  return transpose && fill && transpose.getInput() == result &&
                 transpose->getNumResults() == 1 &&
                 cast<RankedTensorType>(result.getType()).hasStaticShape()
             ? transpose
             : linalg::TransposeOp();
}

static void writeBehind(linalg::GenericOp op, linalg::TransposeOp transpose,
                        AffineMap map) {
  auto type = cast<RankedTensorType>(transpose->getResult(0).getType());
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value place =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  Value zeros =
      linalg::FillOp::create(b, fill.getInputs()[0], place).getResult(0);
  op.getDpsInitsMutable()[0].set(zeros);
  op->getResult(0).setType(type);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps.back() = map;
  op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
  transpose->getResult(0).replaceAllUsesWith(op->getResult(0));
  transpose->erase();
}

/// Whether an operand whose lines run along the sum may stay so, since what it
/// is read for is little, or nobody knows how much: its squares are turned on
/// the way to few rows. Many rows are worth a copy in the order of the lanes.
static bool staysAlongSum(linalg::GenericOp op, unsigned input, AffineMap map) {
  constexpr int64_t kFewRows = 8;
  auto line = cast<AffineDimExpr>(map.getResults().back()).getPosition();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  if (op.getNumReductionLoops() != 1 ||
      op.getIteratorTypesArray()[line] != utils::IteratorType::reduction ||
      ShapedType::isDynamic(sizes[line]))
    return false;
  int64_t rows = 1;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (ShapedType::isDynamic(size))
      return true;
    if (!map.isFunctionOfDim(loop))
      rows *= size;
  }
  return rows < kFewRows;
}

void burnish::orderStack(linalg::GenericOp op, int64_t vectorBits) {
  if (!isStack(op))
    return;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray(), before = maps;
  linalg::TransposeOp sources[2];
  for (unsigned input : {0, 1})
    if ((sources[input] = transposeBefore(op.getDpsInputs()[input])))
      before[input] = beforeTranspose(maps[input], sources[input]);
  /// Whether lines of results along a loop read lines of one operand.
  auto hasLines = [&](AffineExpr lanes) {
    return llvm::any_of(ArrayRef{0, 1}, [&](unsigned input) {
      return !isOf(maps[1 - input], lanes) &&
             (maps[input].getResults().back() == lanes ||
              before[input].getResults().back() == lanes);
    });
  };
  AffineExpr lanes = maps.back().getResults().back();
  if (linalg::TransposeOp behind = transposeBehind(op)) {
    AffineMap out = AffineMap::get(
        maps.back().getNumDims(), 0,
        applyPermutation(maps.back().getResults(), behind.getPermutation()),
        op.getContext());
    AffineExpr last = out.getResults().back();
    int64_t
        size =
            op.getStaticLoopRanges()[cast<AffineDimExpr>(last).getPosition()],
        bits = cast<RankedTensorType>(op->getResult(0).getType())
                   .getElementTypeBitWidth();
    if (last == lanes || (hasLines(last) && size * bits >= vectorBits)) {
      writeBehind(op, behind, out);
      lanes = last;
    }
  }
  for (unsigned input : {0, 1}) {
    linalg::TransposeOp source = sources[input];
    AffineExpr line = maps[input].getResults().back();
    AffineExpr wanted = isOf(maps[input], lanes) ? lanes : line;
    if (!source ||
        (before[input].getResults().back() != wanted &&
         !(wanted == lanes && staysAlongSum(op, input, before[input]))))
      continue;
    SmallVector<AffineMap> own = op.getIndexingMapsArray();
    own[input] = before[input];
    op->setOperand(op.getDpsInputOperand(input)->getOperandNumber(),
                   source.getInput());
    op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(own));
    if (source->use_empty())
      source->erase();
  }
}
