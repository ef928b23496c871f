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

static RankedTensorType typeOf(ArrayRef<OpFoldResult> sizes, Type element) {
  return RankedTensorType::get(decomposeMixedValues(sizes).first, element);
}

namespace {
/// A loop of a product that becomes two.
class LoopInTwo {
public:
  LoopInTwo(MLIRContext *context, unsigned loop, unsigned loops)
      : context(context), loop(loop), loops(loops) {}

  /// The expression of a loop as it is then.
  AffineExpr moved(AffineExpr expr) const {
    unsigned place = cast<AffineDimExpr>(expr).getPosition();
    return getAffineDimExpr(place > loop ? place + 1 : place, context);
  }
  AffineMap map(ArrayRef<AffineExpr> results) const {
    return AffineMap::get(loops, 0, results, context);
  }
  /// A map of which the axis along the loop is taken apart too.
  AffineMap apart(AffineMap whole) const {
    SmallVector<AffineExpr> results;
    for (AffineExpr expr : whole.getResults()) {
      results.push_back(moved(expr));
      if (results.back() == getAffineDimExpr(loop, context))
        results.push_back(getAffineDimExpr(loop + 1, context));
    }
    return map(results);
  }
  std::optional<unsigned> axisOf(AffineMap whole) const {
    return whole.getResultPosition(getAffineDimExpr(loop, context));
  }

private:
  MLIRContext *context;
  unsigned loop, loops;
};
} // namespace

/// The product with what `input` repeats, with a loop more.
static Value multiplyOnce(linalg::GenericOp product, linalg::FillOp fill,
                          unsigned input, ArrayRef<AffineExpr> places,
                          const Repeated &repeated, RewriterBase &rewriter) {
  Location loc = product.getLoc();
  SmallVector<AffineMap> maps = product.getIndexingMapsArray(), own(3);
  unsigned loop = cast<AffineDimExpr>(places[repeated.axis]).getPosition(),
           other = 1 - input;
  LoopInTwo two(rewriter.getContext(), loop, product.getNumLoops() + 1);
  SmallVector<Value> operands(2);
  operands[input] = repeated.source;
  own[input] = two.map(llvm::map_to_vector(
      repeated.axes, [&](unsigned axis) { return two.moved(places[axis]); }));
  operands[other] = product.getDpsInputs()[other];
  own[other] = two.apart(maps[other]);
  if (std::optional<unsigned> axis = two.axisOf(maps[other])) {
    auto type = cast<RankedTensorType>(operands[other].getType());
    SmallVector<OpFoldResult> sizes =
        apart(rewriter, tensor::getMixedSizes(rewriter, loc, operands[other]),
              *axis, repeated);
    operands[other] = tensor::ExpandShapeOp::create(
        rewriter, loc, typeOf(sizes, type.getElementType()), operands[other],
        groupsWith(type.getRank(), *axis), sizes);
  }
  auto type = cast<RankedTensorType>(product->getResult(0).getType());
  unsigned axis = *two.axisOf(maps[2]);
  SmallVector<OpFoldResult> sizes = apart(
      rewriter, tensor::getMixedSizes(rewriter, loc, fill.getOutputs()[0]),
      axis, repeated);
  own[2] = two.apart(maps[2]);
  Value place =
      tensor::EmptyOp::create(rewriter, loc, sizes, type.getElementType());
  Value zeros =
      linalg::FillOp::create(rewriter, loc, fill.getInputs()[0], place)
          .getResult(0);
  SmallVector<utils::IteratorType> iterators = product.getIteratorTypesArray();
  iterators.insert(iterators.begin() + loop + 1, utils::IteratorType::parallel);
  auto made = linalg::GenericOp::create(rewriter, loc, zeros.getType(),
                                        operands, zeros, own, iterators);
  rewriter.cloneRegionBefore(product.getRegion(), made.getRegion(),
                             made.getRegion().begin());
  return tensor::CollapseShapeOp::create(rewriter, loc, type,
                                         made->getResult(0),
                                         groupsWith(type.getRank(), axis));
}

// product(x, join(repeat(y))) -> join(product(part(x), y))
LogicalResult burnish::readRepeated(linalg::GenericOp product,
                                    PatternRewriter &rewriter) {
  if (product.getNumDpsInputs() != 2 || product.getNumReductionLoops() == 0 ||
      !isSumOfProducts(product) ||
      llvm::none_of(product.getStaticLoopRanges(), ShapedType::isDynamic))
    return failure();
  SmallVector<AffineMap> maps = product.getIndexingMapsArray();
  auto fill = product.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || llvm::any_of(maps, [](AffineMap map) {
        return !map.isProjectedPermutation();
      }))
    return failure();
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
    // The loop along the axis becomes two, and so does the result's axis.
    if (!maps[2].isFunctionOfDim(
            cast<AffineDimExpr>(places[repeated->axis]).getPosition()))
      continue;
    rewriter.replaceOp(product, multiplyOnce(product, fill, input, places,
                                             *repeated, rewriter));
    return success();
  }
  return failure();
}
