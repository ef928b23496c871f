// Layout.cpp - the same elements in another order or under another shape.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

#define GET_OP_CLASSES
#include "ir/ops/Layout.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerLayout(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Layout.cpp.inc"
      >();
}

//===- reshape ------------------------------------------------------------===//

LogicalResult ReshapeOp::inferShapes(ShapeScope &scope) {
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getData().getType());
  Dims data = scope.dims(getData());
  std::optional<Dims> target = scope.elements(getShape());
  // No elements are known ones.
  if (!target && scope.rank(getShape()) == 1 &&
      isKnown(scope.dim(getShape(), 0), 0))
    target.emplace();
  if (!target) {
    if (scope.rank(getShape()) != 1)
      return emitOpError() << "'shape' has rank " << scope.rank(getShape())
                           << " instead of 1";
    std::optional<int64_t> rank = known(scope.dim(getShape(), 0));
    auto present = dyn_cast<RankedTensorType>(result.getType());
    if (!rank && !present)
      return emitOpError()
             << "the number of elements of 'shape' is not known when compiling";
    return scope.set(result, elementType,
                     Dims(rank ? *rank : present.getRank()));
  }
  Dims dims, others;
  std::optional<size_t> inferred;
  bool isOpen = false;
  for (auto [axis, element] : llvm::enumerate(*target)) {
    std::optional<int64_t> size = known(element);
    if (size == -1) {
      if (inferred)
        return emitOpError()
               << "'shape' has -1 at " << *inferred << " and at " << axis;
      inferred = axis;
      dims.push_back({});
      continue;
    }
    if (size == 0 && !getAllowzero()) {
      if (axis >= data.size())
        return emitOpError()
               << "'shape' has 0 at " << axis << ", where 'data' of rank "
               << data.size() << " has no dim to copy";
      element = data[axis];
    }
    if (size && *size < -1)
      return emitOpError() << "'shape' has " << *size << " at " << axis;
    // What only run time knows may be -1 or 0 there and mean something else.
    isOpen |= !scope.isMadeOfSizes(element);
    dims.push_back(scope.isMadeOfSizes(element) ? element : Dim());
    others.push_back(element);
  }
  if (isOpen) {
    if (failed(scope.set(result, elementType, dims)))
      return failure();
    if (std::optional<Dims> elements = scope.elements(getData()))
      scope.setElements(result, *elements);
    return success();
  }
  if (inferred) {
    dims[*inferred] = scope.quotient(data, others);
    bool allKnown =
        llvm::all_of(data, [](Dim dim) { return known(dim).has_value(); }) &&
        llvm::all_of(others, [](Dim dim) { return known(dim).has_value(); });
    if (!dims[*inferred] && allKnown &&
        !llvm::is_contained(others, scope.constant(0)))
      return emitOpError() << toString(data)
                           << " has no whole number of elements for -1 in "
                           << toString(*target);
    if (allKnown && !dims[*inferred])
      dims[*inferred] = scope.constant(0);
  } else {
    std::optional<int64_t> before = known(scope.product(data)),
                           after = known(scope.product(dims));
    if (before && after && *before != *after)
      return emitOpError() << toString(data) << " has " << *before
                           << " elements and cannot become " << toString(dims);
  }
  if (failed(scope.set(result, elementType, dims)))
    return failure();
  // A reshaped list of sizes is still the same list.
  if (std::optional<Dims> elements = scope.elements(getData()))
    scope.setElements(result, *elements);
  return success();
}

FailureOr<SmallVector<Value>> ReshapeOp::lower(Lowering &l) {
  Dims data = l.scope.dims(getData()), dims = l.scope.dims(getReshaped());
  Value tensor = l.lowered(getData());
  if (llvm::none_of(dims,
                    [&](Dim dim) { return l.scope.isOwn(dim, getReshaped()); }))
    return SmallVector<Value>{l.reshape(tensor, data, dims)};

  // Only run time knows the target: 0 copies, -1 takes what is left, and the
  // counts must agree.
  Scalar one(l, l.index(1)), count = one, others = one;
  for (OpFoldResult size : l.sizesOf(tensor))
    count = count * Scalar(l, size);
  SmallVector<Scalar> target;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    Scalar element(l, l.element(getShape(), axis));
    if (!getAllowzero() && axis < data.size())
      element = select(element == 0, Scalar(l, l.size(data[axis])), element);
    l.require(element >= -1, Status::BadShape, "reshape to a negative size");
    target.push_back(element);
    others = others * select(element == -1, one, element);
  }
  Scalar left = floorDiv(count, select(others == 0, one, others)), total = one;
  SmallVector<OpFoldResult> sizes;
  for (auto [element, dim] : llvm::zip(target, dims)) {
    element = select(element == -1, left, element);
    sizes.push_back(l.agree(getAsOpFoldResult(Value(element)), dim));
    total = total * element;
  }
  l.require(total == count, Status::BadShape,
            "reshape to another number of elements");
  return SmallVector<Value>{l.reshape(tensor, sizes)};
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  auto from = dyn_cast<RankedTensorType>(getData().getType());
  return from && from == getType() && from.hasStaticShape() ? getData()
                                                            : OpFoldResult();
}

// reshape(reshape(x, a), b) -> reshape(x, b), where b says all by itself
static LogicalResult mergeReshapes(ReshapeOp op, PatternRewriter &rewriter) {
  auto inner = op.getData().getDefiningOp<ReshapeOp>();
  auto target = op.getShape().getDefiningOp<ConstantOp>();
  if (!inner || !target)
    return failure();
  std::optional<SmallVector<int64_t>> sizes =
      readIntegers(target.getValue(), kMaxKnownElements);
  if (!sizes || (!op.getAllowzero() && llvm::is_contained(*sizes, 0)))
    return failure();
  rewriter.modifyOpInPlace(
      op, [&] { op.getDataMutable().assign(inner.getData()); });
  return success();
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(mergeReshapes);
}

//===- squeeze, unsqueeze -------------------------------------------------===//

/// Known axes, from 0, in order; nothing when only run time knows them.
static FailureOr<std::optional<SmallVector<int64_t>>>
knownAxes(Operation *op, Value axes, int64_t rank, ShapeScope &scope) {
  if (scope.rank(axes) > 1)
    return op->emitOpError()
           << "'axes' has rank " << scope.rank(axes) << " instead of 1";
  std::optional<SmallVector<int64_t>> given = scope.integers(axes);
  if (!given)
    return std::optional<SmallVector<int64_t>>();
  for (int64_t &axis : *given) {
    FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  llvm::sort(*given);
  auto twice = std::adjacent_find(given->begin(), given->end());
  if (twice != given->end())
    return op->emitOpError() << "'axes' has axis " << *twice << " twice";
  return given;
}

/// How many axes an operand names; nothing when only run time knows.
static std::optional<int64_t> axisCount(Value axes, ShapeScope &scope) {
  return scope.rank(axes) == 0 ? 1 : known(scope.dim(axes, 0));
}

/// For each of `rank` axes, whether an operand that only run time knows names
/// it. The run is refused if it names one twice or one that there is not.
static SmallVector<Scalar> namedAxes(Lowering &l, Value axes, int64_t count,
                                     int64_t rank) {
  Scalar zero(l, l.index(0)), one(l, l.index(1)), total = zero;
  SmallVector<Scalar> isNamed;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Scalar found = one == 0;
    for (int64_t index = 0; index < count; ++index) {
      Scalar named(l, l.element(axes, index));
      found = found | (named == axis) | (named == axis - rank);
    }
    isNamed.push_back(found);
    total = total + select(found, one, zero);
  }
  l.require(total == count, Status::BadValue,
            "axes out of range, or one twice");
  return isNamed;
}

LogicalResult SqueezeOp::inferShapes(ShapeScope &scope) {
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getData().getType());
  Dims data = scope.dims(getData()), dims;
  int64_t rank = data.size();
  SmallVector<int64_t> axes;
  if (getAxes()) {
    FailureOr<std::optional<SmallVector<int64_t>>> given =
        knownAxes(*this, getAxes(), rank, scope);
    if (failed(given))
      return failure();
    if (!*given) {
      std::optional<int64_t> count = axisCount(getAxes(), scope);
      if (!count || *count > rank)
        return emitOpError() << "the number of 'axes' is not known when "
                                "compiling, or greater than the rank "
                             << rank;
      return scope.set(result, elementType, Dims(rank - *count));
    }
    axes = std::move(**given);
  } else {
    // The rank cannot be left to the run: a dim that only it knows is taken for
    // one that is not 1, and the run is refused where it is.
    auto declared = dyn_cast<RankedTensorType>(result.getType());
    for (auto [axis, dim] : llvm::enumerate(data))
      if (isKnown(dim, 1))
        axes.push_back(axis);
    if (declared &&
        declared.getRank() != rank - static_cast<int64_t>(axes.size()))
      return emitOpError() << "the rank of the result does not follow from "
                           << toString(data);
  }
  for (int64_t axis : axes)
    if (known(data[axis]) && !isKnown(data[axis], 1))
      return emitOpError() << "axis " << axis << " of " << toString(data)
                           << " is not 1";
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      dims.push_back(data[axis]);
  if (failed(scope.set(result, elementType, dims)))
    return failure();
  if (std::optional<Dims> elements = scope.elements(getData()))
    scope.setElements(result, *elements);
  return success();
}

FailureOr<SmallVector<Value>> SqueezeOp::lower(Lowering &l) {
  Dims data = l.scope.dims(getData()), dims = l.scope.dims(getSqueezed());
  Value tensor = l.lowered(getData());
  if (!getAxes())
    for (auto [dim, size] : llvm::zip(data, l.sizesOf(tensor)))
      if (!known(dim))
        l.require(!(Scalar(l, size) == 1), Status::BadShape,
                  "a squeeze whose result would have another rank");
  if (!getAxes() || l.scope.integers(getAxes()))
    return SmallVector<Value>{l.reshape(tensor, data, dims)};
  // The size of result axis i is that of the i-th axis that stays.
  int64_t rank = data.size();
  SmallVector<Scalar> isNamed =
      namedAxes(l, getAxes(), rank - dims.size(), rank);
  SmallVector<Scalar> sizes = llvm::map_to_vector(
      l.sizesOf(tensor), [&](OpFoldResult size) { return Scalar(l, size); });
  SmallVector<Scalar> targets(dims.size(), Scalar(l, l.index(1)));
  Scalar kept(l, l.index(0));
  for (int64_t axis = 0; axis < rank; ++axis) {
    l.require(!isNamed[axis] | (sizes[axis] == 1), Status::BadShape,
              "squeeze of a dim that is not 1");
    for (auto [place, target] : llvm::enumerate(targets))
      target = select(!isNamed[axis] & (kept == place), sizes[axis], target);
    kept = select(isNamed[axis], kept, kept + 1);
  }
  SmallVector<OpFoldResult> found;
  for (auto [target, dim] : llvm::zip(targets, dims))
    found.push_back(l.agree(getAsOpFoldResult(Value(target)), dim));
  return SmallVector<Value>{l.reshape(tensor, found)};
}

OpFoldResult SqueezeOp::fold(FoldAdaptor adaptor) {
  // Without axes the run has to see that no dim of its own is 1.
  if (getData().getType() == getType() &&
      (getAxes() || getType().hasStaticShape()))
    return getData();
  auto inner = getData().getDefiningOp<UnsqueezeOp>();
  return inner && inner.getAxes() == getAxes() &&
                 inner.getData().getType() == getType()
             ? inner.getData()
             : OpFoldResult();
}

LogicalResult UnsqueezeOp::inferShapes(ShapeScope &scope) {
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getData().getType());
  Dims data = scope.dims(getData());
  std::optional<int64_t> count = axisCount(getAxes(), scope);
  if (!count)
    return emitOpError() << "the number of 'axes' is not known when compiling";
  int64_t rank = data.size() + *count;
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      knownAxes(*this, getAxes(), rank, scope);
  if (failed(axes))
    return failure();
  Dims dims;
  for (int64_t axis = 0, next = 0; *axes && axis < rank; ++axis)
    dims.push_back(llvm::is_contained(**axes, axis) ? scope.constant(1)
                                                    : data[next++]);
  if (failed(scope.set(result, elementType, *axes ? dims : Dims(rank))))
    return failure();
  if (std::optional<Dims> elements = scope.elements(getData()))
    scope.setElements(result, *elements);
  return success();
}

FailureOr<SmallVector<Value>> UnsqueezeOp::lower(Lowering &l) {
  Dims data = l.scope.dims(getData()), dims = l.scope.dims(getExpanded());
  Value tensor = l.lowered(getData());
  if (l.scope.integers(getAxes()))
    return SmallVector<Value>{l.reshape(tensor, data, dims)};
  int64_t rank = dims.size();
  SmallVector<Scalar> isNamed =
      namedAxes(l, getAxes(), rank - data.size(), rank);
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), found;
  Scalar next(l, l.index(0));
  for (int64_t axis = 0; axis < rank; ++axis) {
    Scalar target(l, l.index(1));
    for (auto [place, size] : llvm::enumerate(sizes))
      target =
          select(!isNamed[axis] & (next == place), Scalar(l, size), target);
    next = select(isNamed[axis], next, next + 1);
    found.push_back(l.agree(getAsOpFoldResult(Value(target)), dims[axis]));
  }
  return SmallVector<Value>{l.reshape(tensor, found)};
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor adaptor) {
  if (getData().getType() == getType())
    return getData();
  auto inner = getData().getDefiningOp<SqueezeOp>();
  return inner && inner.getAxes() == getAxes() &&
                 inner.getData().getType() == getType()
             ? inner.getData()
             : OpFoldResult();
}

//===- transpose ----------------------------------------------------------===//

SmallVector<int64_t> TransposeOp::permutation() {
  if (getPerm())
    return SmallVector<int64_t>(*getPerm());
  int64_t rank = ShapeScope::rank(getData());
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

LogicalResult TransposeOp::inferShapes(ShapeScope &scope) {
  Dims data = scope.dims(getData());
  SmallVector<int64_t> perm = permutation();
  SmallVector<bool> isUsed(data.size());
  bool isOrder = perm.size() == data.size();
  for (int64_t axis : perm) {
    isOrder = isOrder && axis >= 0 &&
              axis < static_cast<int64_t>(data.size()) && !isUsed[axis];
    if (isOrder)
      isUsed[axis] = true;
  }
  if (!isOrder)
    return emitOpError() << "'perm' is no order of the " << data.size()
                         << " axes of 'data'";
  Dims dims =
      llvm::map_to_vector(perm, [&](int64_t axis) { return data[axis]; });
  OpResult result = getOperation()->getResult(0);
  if (failed(
          scope.set(result, getElementTypeOrSelf(getData().getType()), dims)))
    return failure();
  scope.followElements(result, getData(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index.size());
    for (auto [axis, position] : llvm::zip(perm, index))
      source[axis] = position;
    return source;
  });
  return success();
}

FailureOr<SmallVector<Value>> TransposeOp::lower(Lowering &l) {
  return SmallVector<Value>{l.transpose(l.lowered(getData()), permutation())};
}

static bool isIdentity(ArrayRef<int64_t> perm) {
  return llvm::equal(perm, llvm::seq<int64_t>(0, perm.size()));
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (!ShapeScope::isRanked(getData()) || getData().getType() != getType())
    return {};
  return isIdentity(permutation()) ? getData() : OpFoldResult();
}

// transpose(transpose(x, p), q) -> transpose(x, p after q)
static LogicalResult mergeTransposes(TransposeOp op,
                                     PatternRewriter &rewriter) {
  auto inner = op.getData().getDefiningOp<TransposeOp>();
  if (!inner || !ShapeScope::isRanked(inner.getData()))
    return failure();
  SmallVector<int64_t> first = inner.permutation(), second = op.permutation();
  for (int64_t &axis : second)
    axis = first[axis];
  if (isIdentity(second) && inner.getData().getType() == op.getType()) {
    rewriter.replaceOp(op, inner.getData());
    return success();
  }
  rewriter.modifyOpInPlace(op, [&] {
    op.getDataMutable().assign(inner.getData());
    op.setPerm(second);
  });
  return success();
}

// (A' B)' is B' A: one transpose instead of two. Products of gradients are of
// this kind. A constant stays on the right, where it is packed when compiling.
static LogicalResult transposeFactors(TransposeOp op,
                                      PatternRewriter &rewriter) {
  auto product = op.getData().getDefiningOp<MatMulOp>();
  if (!product || !product->hasOneUse() ||
      op.permutation() != ArrayRef<int64_t>{1, 0} ||
      product.getB().getDefiningOp<ConstantOp>())
    return failure();
  auto left = product.getA().getDefiningOp<TransposeOp>();
  auto right = dyn_cast<RankedTensorType>(product.getB().getType());
  if (!left || !right || right.getRank() != 2 || left.permutation().size() != 2)
    return failure();
  ArrayRef<int64_t> dims = right.getShape();
  Value turned = TransposeOp::create(
      rewriter, op.getLoc(),
      RankedTensorType::get({dims[1], dims[0]}, right.getElementType()),
      product.getB(), op.getPermAttr());
  rewriter.replaceOpWithNewOp<MatMulOp>(op, op.getType(), turned,
                                        left.getData());
  return success();
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(mergeTransposes);
  patterns.add(transposeFactors);
}
