// ReadRepeated.cpp - products with what is repeated for several of their
// results.
#include "passes/loops/ReadRepeated.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

namespace {
/// An operand of which an axis was made of two, the second of which repeats.
struct Repeated {
  /// What lies there once, and for each axis of it that of the operand, before
  /// the two became one and axes were put into another order.
  Value source;
  SmallVector<unsigned> axes;
  /// The axis, the number of what it was made of, and how often each is there.
  unsigned axis;
  int64_t count, times;
  /// Null where axes are as they were.
  linalg::TransposeOp transpose;

  static std::optional<Repeated> of(Value operand);
};
} // namespace

/// What a copy reads, and the places of its axes, without those of one element
/// that were put in to repeat them.
static std::optional<std::pair<Value, SmallVector<unsigned>>>
readBy(linalg::GenericOp copy) {
  Value source = copy.getDpsInputs()[0];
  AffineMap from = copy.getIndexingMapsArray()[0];
  SmallVector<unsigned> places;
  auto take = [&](AffineExpr expr) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim)
      places.push_back(dim.getPosition());
    return bool(dim);
  };
  if (from.isProjectedPermutation()) {
    llvm::for_each(from.getResults(), take);
    return std::pair(source, places);
  }
  auto expand = source.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand)
    return std::nullopt;
  SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
  for (const ReassociationIndices &group : groups) {
    size_t before = places.size();
    for (int64_t axis : group)
      if (!take(from.getResult(axis)) &&
          expand.getResultType().getDimSize(axis) != 1)
        return std::nullopt;
    if (places.size() != before + 1)
      return std::nullopt;
  }
  return std::pair(expand.getSrc(), places);
}

std::optional<Repeated> Repeated::of(Value operand) {
  Repeated found;
  found.transpose = operand.getDefiningOp<linalg::TransposeOp>();
  if (found.transpose)
    operand = found.transpose.getInput();
  auto collapse = operand.getDefiningOp<tensor::CollapseShapeOp>();
  auto copy = collapse ? collapse.getSrc().getDefiningOp<linalg::GenericOp>()
                       : linalg::GenericOp();
  if (!copy || copy.getNumReductionLoops() > 0 || copy.getNumDpsInputs() != 1 ||
      copy.getNumResults() != 1 || !llvm::hasSingleElement(*copy.getBody()) ||
      copy.getBody()->getTerminator()->getOperand(0) !=
          copy.getRegionInputArgs()[0] ||
      !isa<RankedTensorType>(copy.getDpsInputs()[0].getType()) ||
      !copy.getIndexingMapsArray()[1].isIdentity())
    return std::nullopt;
  std::optional<std::pair<Value, SmallVector<unsigned>>> read = readBy(copy);
  if (!read)
    return std::nullopt;
  found.source = read->first;
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  std::optional<unsigned> joined;
  for (auto [axis, group] : llvm::enumerate(groups))
    if (group.size() > 1) {
      if (joined || group.size() > 2)
        return std::nullopt;
      joined = axis;
    }
  if (!joined)
    return std::nullopt;
  int64_t first = groups[*joined][0], second = groups[*joined][1];
  found.axis = *joined;
  found.count = collapse.getSrcType().getDimSize(first);
  found.times = collapse.getSrcType().getDimSize(second);
  if (ShapedType::isDynamic(found.count) || ShapedType::isDynamic(found.times))
    return std::nullopt;
  for (unsigned place : read->second) {
    if (place == second)
      return std::nullopt;
    found.axes.push_back(place > second ? place - 1 : place);
  }
  return llvm::is_contained(found.axes, *joined) ? std::optional(found)
                                                 : std::nullopt;
}

/// Takes an axis of a shape apart.
static SmallVector<OpFoldResult> apart(Builder &b, ArrayRef<OpFoldResult> sizes,
                                       unsigned axis,
                                       const Repeated &repeated) {
  SmallVector<OpFoldResult> result(sizes);
  result[axis] = b.getIndexAttr(repeated.count);
  result.insert(result.begin() + axis + 1, b.getIndexAttr(repeated.times));
  return result;
}

static SmallVector<ReassociationIndices> groupsWith(int64_t rank,
                                                    int64_t axis) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t each = 0, next = 0; each < rank; ++each) {
    groups.push_back({next++});
    if (each == axis)
      groups.back().push_back(next++);
  }
  return groups;
}

// product(x, join(repeat(y))) -> join(product(part(x), y))
LogicalResult burnish::readRepeated(linalg::GenericOp product,
                                    PatternRewriter &rewriter) {
  if (product.getNumDpsInputs() != 2 || product.getNumReductionLoops() == 0 ||
      !isSumOfProducts(product) ||
      llvm::none_of(product.getStaticLoopRanges(), ShapedType::isDynamic))
    return failure();
  SmallVector<AffineMap> maps = product.getIndexingMapsArray();
  if (llvm::any_of(maps,
                   [](AffineMap map) { return !map.isProjectedPermutation(); }))
    return failure();
  auto fill = product.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill)
    return failure();
  Location loc = product.getLoc();
  for (unsigned input : {0u, 1u}) {
    std::optional<Repeated> repeated =
        Repeated::of(product.getDpsInputs()[input]);
    if (!repeated)
      continue;
    SmallVector<AffineExpr> places(maps[input].getResults());
    if (repeated->transpose)
      places = applyPermutation(
          places,
          invertPermutationVector(repeated->transpose.getPermutation()));
    // The loop along the axis becomes two.
    unsigned loop = cast<AffineDimExpr>(places[repeated->axis]).getPosition(),
             loops = product.getNumLoops() + 1;
    if (!maps[2].isFunctionOfDim(loop))
      continue;
    auto moved = [&](AffineExpr expr) {
      unsigned place = cast<AffineDimExpr>(expr).getPosition();
      return rewriter.getAffineDimExpr(place > loop ? place + 1 : place);
    };
    auto mapOf = [&](ArrayRef<AffineExpr> results) {
      return AffineMap::get(loops, 0, results, rewriter.getContext());
    };
    auto axisOf = [&](AffineMap map) -> std::optional<unsigned> {
      return map.getResultPosition(rewriter.getAffineDimExpr(loop));
    };
    auto apartMap = [&](AffineMap map) {
      SmallVector<AffineExpr> results;
      for (AffineExpr expr : map.getResults()) {
        results.push_back(moved(expr));
        if (results.back() == rewriter.getAffineDimExpr(loop))
          results.push_back(rewriter.getAffineDimExpr(loop + 1));
      }
      return mapOf(results);
    };
    SmallVector<Value> operands(2);
    SmallVector<AffineMap> own(3);
    operands[input] = repeated->source;
    SmallVector<AffineExpr> results;
    for (unsigned axis : repeated->axes)
      results.push_back(moved(places[axis]));
    own[input] = mapOf(results);
    unsigned other = 1 - input;
    operands[other] = product.getDpsInputs()[other];
    own[other] = apartMap(maps[other]);
    auto shapeOf = [](ArrayRef<OpFoldResult> sizes, Type element) {
      return RankedTensorType::get(decomposeMixedValues(sizes).first, element);
    };
    if (std::optional<unsigned> axis = axisOf(maps[other])) {
      auto type = cast<RankedTensorType>(operands[other].getType());
      SmallVector<OpFoldResult> sizes =
          apart(rewriter, tensor::getMixedSizes(rewriter, loc, operands[other]),
                *axis, *repeated);
      operands[other] = tensor::ExpandShapeOp::create(
          rewriter, loc, shapeOf(sizes, type.getElementType()), operands[other],
          groupsWith(type.getRank(), *axis), sizes);
    }
    auto type = cast<RankedTensorType>(product->getResult(0).getType());
    unsigned axis = *axisOf(maps[2]);
    SmallVector<OpFoldResult> sizes = apart(
        rewriter, tensor::getMixedSizes(rewriter, loc, fill.getOutputs()[0]),
        axis, *repeated);
    own[2] = apartMap(maps[2]);
    Value place =
        tensor::EmptyOp::create(rewriter, loc, sizes, type.getElementType());
    Value zeros =
        linalg::FillOp::create(rewriter, loc, fill.getInputs()[0], place)
            .getResult(0);
    SmallVector<utils::IteratorType> iterators =
        product.getIteratorTypesArray();
    iterators.insert(iterators.begin() + loop + 1,
                     utils::IteratorType::parallel);
    auto made = linalg::GenericOp::create(rewriter, loc, zeros.getType(),
                                          operands, zeros, own, iterators);
    rewriter.cloneRegionBefore(product.getRegion(), made.getRegion(),
                               made.getRegion().begin());
    Value joined =
        tensor::CollapseShapeOp::create(rewriter, loc, type, made->getResult(0),
                                        groupsWith(type.getRank(), axis));
    rewriter.replaceOp(product, joined);
    return success();
  }
  return failure();
}
