// WinogradGradient.cpp - gradients by 3x3 weights by minimal filtering: the
// transforms of the convolution, turned round.
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "passes/kernels/Winograd.h"
#include "passes/loops/SumOfProducts.h"
#include "passes/loops/TapConvolution.h"
#include "passes/loops/UseWinograd.h"
#include "passes/loops/WinogradRewriter.h"
#include "passes/loops/WinogradWeights.h"

using namespace mlir;
using namespace burnish;

namespace {
/// result[i, j, c, o] = sum over n, y and x of image[n, y+i, x+j, c] times
/// dy[n, y, x, o], with the axes of the result in any order.
struct WeightGradient {
  linalg::GenericOp op;
  /// Without its border of zeros, of which `top` and `left` are before it.
  Value image;
  int64_t top = 0, left = 0;
  Value dy;
  /// Where i, j, c and o are among the axes of the result.
  SmallVector<unsigned> axes;

  static ArrayRef<int64_t> shapeOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getShape();
  }

  static std::optional<WeightGradient> match(linalg::GenericOp op);
};
} // namespace

std::optional<WeightGradient> WeightGradient::match(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumLoops() != 7 ||
      op.getNumReductionLoops() != 3)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResultTypes()[0]);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!type.getElementType().isF32() || !type.hasStaticShape() ||
      !isSumOfProducts(op) || !startsFromZero(op) ||
      !maps[2].isProjectedPermutation() || maps[2].getNumResults() != 4)
    return std::nullopt;
  for (unsigned which : {0u, 1u}) {
    WeightGradient found;
    found.op = op;
    found.image = op.getDpsInputs()[which];
    found.dy = op.getDpsInputs()[1 - which];
    AffineMap image = maps[which], dy = maps[1 - which];
    if (image.getNumResults() != 4 || dy.getNumResults() != 4 ||
        !dy.isProjectedPermutation() ||
        getElementTypeOrSelf(found.image.getType()) != type.getElementType() ||
        getElementTypeOrSelf(found.dy.getType()) != type.getElementType())
      continue;
    // image: n, y + i, x + j, c; dy: n, y, x, o
    SmallVector<AffineExpr> wanted;
    for (unsigned axis : {1u, 2u})
      wanted.push_back(simplifyAffineExpr(
          image.getResult(axis) - dy.getResult(axis), image.getNumDims(), 0));
    llvm::append_values(wanted, image.getResult(3), dy.getResult(3));
    if (image.getResult(0) != dy.getResult(0))
      continue;
    for (AffineExpr expr : wanted)
      if (isa<AffineDimExpr>(expr))
        if (std::optional<unsigned> axis = maps[2].getResultPosition(expr))
          found.axes.push_back(*axis);
    ArrayRef<int64_t> padded = shapeOf(found.image),
                      results = shapeOf(found.dy);
    if (found.axes.size() != 4 || type.getDimSize(found.axes[0]) != 3 ||
        type.getDimSize(found.axes[1]) != 3)
      continue;
    // Where the image has more, tiles would read what no window does.
    if (padded[1] != results[1] + 2 || padded[2] != results[2] + 2)
      continue;
    if (cast<RankedTensorType>(found.image.getType()).hasStaticShape())
      takeBorder(found.image, found.top, found.left);
    return found;
  }
  return std::nullopt;
}

namespace {
class GradientRewriter {
public:
  GradientRewriter(OpBuilder &builder, WeightGradient &gradient,
                   const WinogradSchedule &schedule)
      : b(gradient.op.getLoc(), builder), gradient(gradient),
        schedule(schedule), transform(schedule.tile),
        points(transform.points() * transform.points()),
        results(WeightGradient::shapeOf(gradient.dy)),
        ins(WeightGradient::shapeOf(gradient.image)[3]), outs(results[3]),
        columns(llvm::divideCeil(results[2], schedule.tile)),
        tiles(schedule.images * schedule.tileRows * columns),
        type(getElementTypeOrSelf(gradient.dy.getType())) {}

  Value rewrite() {
    b.setInsertionPoint(gradient.op);
    if (schedule.outs)
      return rewriteByChannels();
    int64_t blocks = results[0] / schedule.images;
    Value sums = zeros({blocks, points, ins, outs}, /*isFilled=*/false);
    if (blocks == 1)
      return combine(b.createOrFold<tensor::ExpandShapeOp>(
          sums.getType(), multiply(constant(0)),
          ArrayRef<ReassociationIndices>{{0, 1}, {2}, {3}}));
    auto loop =
        scf::ForOp::create(b, constant(0), constant(blocks), constant(1), sums);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value block = loop.getInductionVar();
      Value image = arith::MulIOp::create(b, block, constant(schedule.images));
      SmallVector<OpFoldResult> offsets{block, b.getIndexAttr(0),
                                        b.getIndexAttr(0), b.getIndexAttr(0)},
          sizes =
              getAsIndexOpFoldResult(b.getContext(), {1, points, ins, outs}),
          strides(4, b.getIndexAttr(1));
      Value next = tensor::InsertSliceOp::create(b, multiply(image),
                                                 loop.getRegionIterArg(0),
                                                 offsets, sizes, strides);
      scf::YieldOp::create(b, next);
    }
    return combine(loop.getResult(0));
  }

private:
  Value constant(int64_t number) {
    return arith::ConstantIndexOp::create(b, number);
  }

  Value zeros(ArrayRef<int64_t> shape, bool isFilled = true) {
    Value empty = tensor::EmptyOp::create(b, shape, type);
    if (!isFilled)
      return empty;
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return linalg::FillOp::create(b, zero, empty).getResult(0);
  }

  /// The tiles at the points, of a block of images from `first` on:
  /// [points][tiles][channels].
  Value makeTiles(Value image, Value first, bool isGradient) {
    int64_t channels = WeightGradient::shapeOf(image)[3];
    auto tilesType = RankedTensorType::get({points, tiles, channels}, type);
    Value empty = tensor::EmptyOp::create(b, tilesType.getShape(), type);
    OpBuilder::InsertionGuard guard(b);
    Value row = constant(0);
    nn::KernelOp made = startTransform(b, "winograd_input", schedule.lanes,
                                       double(tiles) * points * channels,
                                       {image, first, row}, empty);
    Block &block = made.getBody().front();
    Value result = nn::WinogradInputOp::create(
        b, tilesType, block.getArgument(0), block.getArgument(1),
        block.getArgument(2), ValueRange(), schedule.tile,
        isGradient ? 0 : gradient.top, isGradient ? 0 : gradient.left,
        schedule.tileRows, columns, isGradient);
    nn::KernelYieldOp::create(b, result);
    return made->getResult(0);
  }

  /// Tiles of all images, and some output channels after the other.
  Value rewriteByChannels() {
    Value first = constant(0),
          image = makeTiles(gradient.image, first, /*isGradient=*/false),
          dy = makeTiles(gradient.dy, first, /*isGradient=*/true),
          all = zeros(WeightGradient::shapeOf(gradient.op->getResult(0)),
                      /*isFilled=*/false);
    auto loop = scf::ForOp::create(b, first, constant(outs),
                                   constant(schedule.outs), all);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    outs = schedule.outs;
    Value begin = loop.getInductionVar();
    auto parts = [&](Value tensor, int64_t axis) {
      SmallVector<int64_t> sizes(WeightGradient::shapeOf(tensor));
      sizes[axis] = outs;
      return getAsIndexOpFoldResult(b.getContext(), sizes);
    };
    SmallVector<OpFoldResult> from(3, b.getIndexAttr(0)),
        to(4, b.getIndexAttr(0)), ones(4, b.getIndexAttr(1));
    from[2] = to[gradient.axes[3]] = begin;
    Value some = tensor::ExtractSliceOp::create(b, dy, from, parts(dy, 2),
                                                ArrayRef(ones).drop_back()),
          sums = multiply(image, some);
    auto sumsType = RankedTensorType::get({1, points, ins, outs}, type);
    Value done = combine(b.createOrFold<tensor::ExpandShapeOp>(
              sumsType, sums,
              ArrayRef<ReassociationIndices>{{0, 1}, {2}, {3}})),
          next = tensor::InsertSliceOp::create(
              b, done, loop.getRegionIterArg(0), to,
              parts(all, gradient.axes[3]), ones);
    scf::YieldOp::create(b, next);
    return loop.getResult(0);
  }

  /// A sum over the tiles of a block for each point: [points][C][O].
  Value multiply(Value first) {
    return multiply(makeTiles(gradient.image, first, /*isGradient=*/false),
                    makeTiles(gradient.dy, first, /*isGradient=*/true));
  }
  Value multiply(Value image, Value dy) {
    AffineExpr point, in, out, tile;
    bindDims(b.getContext(), point, in, out, tile);
    auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(4, 0, exprs, b.getContext());
    };
    return makeSumOfProducts(b, image, dy, zeros({points, ins, outs}),
                             {mapOf({point, tile, in}),
                              mapOf({point, tile, out}),
                              mapOf({point, in, out})},
                             /*reductions=*/1);
  }

  /// Results from the sums of all blocks at the points.
  Value combine(Value sums) {
    Value table = makeTapFactors(b, transform, type, /*isTurned=*/false);
    AffineExpr down, across, in, out, block, point;
    bindDims(b.getContext(), down, across, in, out, block, point);
    auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(6, 0, exprs, b.getContext());
    };
    SmallVector<AffineExpr> result(4);
    SmallVector<AffineExpr> natural{down, across, in, out};
    for (auto [axis, expr] : llvm::zip_equal(gradient.axes, natural))
      result[axis] = expr;
    SmallVector<int64_t> shape(
        WeightGradient::shapeOf(gradient.op->getResult(0)));
    shape[gradient.axes[3]] = outs;
    return makeSumOfProducts(b, table, sums, zeros(shape),
                             {mapOf({point, down, across}),
                              mapOf({block, point, in, out}), mapOf(result)},
                             /*reductions=*/2);
  }

  ImplicitLocOpBuilder b;
  WeightGradient &gradient;
  const WinogradSchedule &schedule;
  WinogradTransform transform;
  int64_t points;
  ArrayRef<int64_t> results;
  int64_t ins, outs, columns, tiles;
  Type type;
};
} // namespace

bool burnish::useWinogradByWeights(linalg::GenericOp op, OpBuilder &builder,
                                   const Machine &machine) {
  std::optional<WeightGradient> found = WeightGradient::match(op);
  if (!found)
    return false;
  ArrayRef<int64_t> dy = WeightGradient::shapeOf(found->dy);
  std::optional<WinogradSchedule> schedule = scheduleWinogradByWeights(
      {dy[0], dy[1], dy[2], WeightGradient::shapeOf(found->image)[3], dy[3],
       /*hasWeightsOfRun=*/true},
      machine);
  if (!schedule)
    return false;
  op->getResult(0).replaceAllUsesWith(
      GradientRewriter(builder, *found, *schedule).rewrite());
  op->erase();
  return true;
}
