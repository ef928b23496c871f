// Lanes.cpp - along which loop of a convolution its vectors lie.
#include "passes/loops/Lanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

/// Fewer lanes than this are not worth another layout.
static constexpr int64_t kLeastLanes = 4;
/// The same where weights are arguments, and must be moved in each run.
static constexpr int64_t kLeastLanesOfRun = 8;

SmallVector<unsigned> burnish::loopsOf(AffineMap out) {
  return llvm::map_to_vector(out.getResults(), [](AffineExpr expr) {
    return cast<AffineDimExpr>(expr).getPosition();
  });
}

std::optional<size_t> burnish::weightsOf(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() != 2)
    return std::nullopt;
  for (size_t index : {1, 0})
    if (isConstant(op.getDpsInputs()[index]))
      return index;
  // Of a convolution whose weights only the run knows, that over which no
  // window moves.
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto hasWindows = [&](AffineMap map) {
    return llvm::any_of(map.getResults(), [&](AffineExpr expr) {
      return !isa<AffineDimExpr>(expr) &&
             llvm::any_of(maps.back().getResults(), [&](AffineExpr out) {
               auto loop = dyn_cast<AffineDimExpr>(out);
               return loop && expr.isFunctionOfDim(loop.getPosition());
             });
    });
  };
  // What a pooling has beside its image says how large its windows are, and
  // is not read.
  for (size_t index : {1, 0})
    if (!hasWindows(maps[index]) && hasWindows(maps[1 - index]) &&
        op.payloadUsesValueFromOperand(op.getDpsInputOperand(index)))
      return index;
  return std::nullopt;
}

SmallVector<unsigned> burnish::lanesOf(linalg::GenericOp op,
                                       ArrayRef<AffineMap> maps,
                                       ArrayRef<unsigned> natural) {
  std::optional<size_t> weights = weightsOf(op);
  if (!weights || natural.size() < 3)
    return {};
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  // The longest of the loops that only the weights have, with the loops of
  // the weights around it (groups).
  auto hasWeights = [&](unsigned loop) {
    return maps[*weights].isFunctionOfDim(loop);
  };
  std::optional<size_t> longest;
  for (auto [place, loop] : llvm::enumerate(natural))
    if (hasWeights(loop) && !maps[1 - *weights].isFunctionOfDim(loop) &&
        (!longest || sizes[loop] > sizes[natural[*longest]]))
      longest = place;
  bool areKnown = isConstant(op.getDpsInputs()[*weights]);
  if (!longest ||
      sizes[natural[*longest]] < (areKnown ? kLeastLanes : kLeastLanesOfRun))
    return {};
  size_t first = *longest, last = *longest + 1;
  while (first > 0 && hasWeights(natural[first - 1]))
    --first;
  while (last < natural.size() && hasWeights(natural[last]))
    ++last;
  return SmallVector<unsigned>(natural.slice(first, last - first));
}

/// Whether windows of floats slide along the innermost axis of an image, by
/// one element, for all of its channels together: each element is met
/// several times then, and a vector of them at once.
static bool slidesAlong(linalg::GenericOp op, ArrayRef<unsigned> natural,
                        AffineMap image, AffineMap weights) {
  constexpr int64_t kLeastLength = 16;
  auto isShared = [&](unsigned loop) {
    return image.isFunctionOfDim(loop) && weights.isFunctionOfDim(loop);
  };
  if (image.getNumResults() == 0 || llvm::any_of(natural, isShared) ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
    return false;
  AffineExpr innermost = image.getResults().back();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  bool hasTaps = llvm::any_of(
      llvm::seq<unsigned>(0, op.getNumLoops()), [&](unsigned loop) {
        return op.getIteratorTypesArray()[loop] ==
                   utils::IteratorType::reduction &&
               innermost.isFunctionOfDim(loop) && sizes[loop] != 1;
      });
  return hasTaps && llvm::any_of(natural, [&](unsigned loop) {
           AffineExpr without =
               innermost - getAffineDimExpr(loop, op.getContext());
           return innermost.isFunctionOfDim(loop) &&
                  !simplifyAffineExpr(without, image.getNumDims(), 0)
                       .isFunctionOfDim(loop) &&
                  (ShapedType::isDynamic(sizes[loop]) ||
                   sizes[loop] >= kLeastLength);
         });
}

/// Whether an axis moves with the loop alone, and no other does.
static bool isAxis(AffineMap map, unsigned loop) {
  int64_t uses = llvm::count_if(map.getResults(), [&](AffineExpr expr) {
    return expr.isFunctionOfDim(loop);
  });
  return uses == 1 &&
         llvm::is_contained(map.getResults(),
                            getAffineDimExpr(loop, map.getContext()));
}

/// Whether vectors along an image, which are full ones, gain more than it takes
/// to move the image to where it lies so: about two vectors' time for each of
/// its own.
static bool gainsAlongImage(linalg::GenericOp op, ArrayRef<unsigned> lanes,
                            int64_t width) {
  int64_t count = 1, taps = 1;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (unsigned loop : lanes)
    count *= sizes[loop];
  AffineMap image = op.getIndexingMapsArray()[1 - *weightsOf(op)];
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction &&
        !isAxis(image, loop))
      taps *= sizes[loop];
  return taps * (width - 2 * count) > 2 * width;
}

bool burnish::hasFewLanes(linalg::GenericOp op, int64_t width) {
  std::optional<size_t> weights = weightsOf(op);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!weights || !maps.back().isProjectedPermutation())
    return false;
  SmallVector<unsigned> natural = loopsOf(maps.back());
  if (natural.size() < 3)
    return false;
  SmallVector<unsigned> lanes = lanesOf(op, maps, natural);
  if (!isConstant(op.getDpsInputs()[*weights]))
    return lanes.empty();
  return slidesAlong(op, natural, maps[1 - *weights], maps[*weights]) &&
         (lanes.empty() || gainsAlongImage(op, lanes, width));
}

static bool fillsVectors(linalg::GenericOp op, unsigned loop, int64_t width) {
  int64_t size = op.getStaticLoopRanges()[loop];
  return width > 0 && !ShapedType::isDynamic(size) && size % width == 0;
}

std::optional<unsigned> burnish::imagesOf(linalg::GenericOp op,
                                          ArrayRef<unsigned> natural,
                                          int64_t width) {
  std::optional<size_t> weights = weightsOf(op);
  if (isConstant(op.getDpsInputs()[*weights]))
    return std::nullopt;
  AffineMap image = op.getIndexingMapsArray()[1 - *weights];
  for (unsigned loop : natural)
    if (!op.getIndexingMapsArray()[*weights].isFunctionOfDim(loop) &&
        fillsVectors(op, loop, width) && isAxis(image, loop))
      return loop;
  return std::nullopt;
}

static Operation *splitOver(IRRewriter &b, linalg::GenericOp op,
                            unsigned loop) {
  b.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.push_back(op.getStaticLoopRanges()[loop]);
  Value zero = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>().value();
  auto zeros = [&](ArrayRef<int64_t> sizes) {
    Value place = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
    return linalg::FillOp::create(b, loc, zero, place).getResult(0);
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<AffineExpr> places(maps.back().getResults());
  places.push_back(b.getAffineDimExpr(loop));
  maps.back() =
      AffineMap::get(maps.back().getNumDims(), 0, places, b.getContext());
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  iterators[loop] = utils::IteratorType::parallel;
  auto apart =
      linalg::GenericOp::create(b, loc, type.clone(shape), op.getDpsInputs(),
                                zeros(shape), maps, iterators);
  b.cloneRegionBefore(op.getRegion(), apart.getRegion(),
                      apart.getRegion().begin());
  int64_t rank = type.getRank();
  AffineMap all = b.getMultiDimIdentityMap(rank + 1);
  iterators.assign(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto sum = linalg::GenericOp::create(
      b, loc, type, apart->getResult(0), zeros(type.getShape()),
      ArrayRef{all, all.dropResult(rank)}, iterators,
      [](OpBuilder &inside, Location loc, ValueRange values) {
        linalg::YieldOp::create(
            inside, loc,
            Value(arith::AddFOp::create(inside, loc, values[0], values[1])));
      });
  b.replaceOp(op, sum);
  return apart;
}

// sum(x[.., n], y[.., n]) over n and others
//   -> sum over n of (sum(x[.., n], y[.., n]) over the others)
llvm::SmallDenseSet<Operation *, 4>
burnish::splitOverImages(IRRewriter &b, func::FuncOp function, int64_t width) {
  SmallVector<std::pair<linalg::GenericOp, unsigned>> found;
  function.walk([&](linalg::GenericOp op) {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
        op.getNumReductionLoops() < 2 || op.getNumDpsInputs() != 2 ||
        !isSumOfProducts(op) || !startsFromZero(op) ||
        !hasFewLanes(op, width) ||
        llvm::any_of(op.getDpsInputs(), isConstant) ||
        !cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape())
      return;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (imagesOf(op, loopsOf(maps[2]), width))
      return;
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction &&
          fillsVectors(op, loop, width) && isAxis(maps[0], loop) &&
          isAxis(maps[1], loop)) {
        found.push_back({op, loop});
        return;
      }
  });
  llvm::SmallDenseSet<Operation *, 4> split;
  for (auto [op, loop] : found)
    split.insert(splitOver(b, op, loop));
  return split;
}
