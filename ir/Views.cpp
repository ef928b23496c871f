// Views.cpp - tensors of the lowering under other shapes, parts of them, and
// places in them.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// Groups of neighbouring dims with equal products: how many of `from` and of
/// `to` each takes. Nothing when there are none but all dims at once and both
/// sides have several.
static std::optional<SmallVector<std::pair<size_t, size_t>>>
matchGroups(const ShapeScope &scope, ArrayRef<Dim> from, ArrayRef<Dim> to) {
  SmallVector<std::pair<size_t, size_t>> groups;
  size_t left = 0, right = 0;
  auto findGroup = [&]() -> std::optional<std::pair<size_t, size_t>> {
    for (size_t both = 2; both <= from.size() - left + to.size() - right;
         ++both)
      for (size_t taken = 1; taken < both; ++taken)
        if (left + taken <= from.size() && right + both - taken <= to.size() &&
            scope.product(from.slice(left, taken)) ==
                scope.product(to.slice(right, both - taken)))
          return std::pair(taken, both - taken);
    return std::nullopt;
  };
  while (left < from.size() && right < to.size()) {
    std::optional<std::pair<size_t, size_t>> group = findGroup();
    if (!group)
      return std::nullopt;
    left += group->first;
    right += group->second;
    groups.push_back(*group);
  }
  // Dims of 1 may be left over on one side.
  auto isOne = [](Dim dim) { return isKnown(dim, 1); };
  if (groups.empty() || !llvm::all_of(from.drop_front(left), isOne) ||
      !llvm::all_of(to.drop_front(right), isOne))
    return std::nullopt;
  groups.back().first += from.size() - left;
  groups.back().second += to.size() - right;
  return groups;
}

Value Lowering::reshape(Value tensor, ArrayRef<Dim> from, ArrayRef<Dim> to) {
  if (from == to)
    return tensor;
  bool isStatic =
      llvm::all_of(from, [](Dim dim) { return known(dim).has_value(); }) &&
      llvm::all_of(to, [](Dim dim) { return known(dim).has_value(); });
  SmallVector<OpFoldResult> toSizes =
      llvm::map_to_vector(to, [&](Dim dim) { return checkedSize(dim); });
  if (isStatic)
    return reshape(tensor, toSizes);
  if (scope.simplify(scope.product(from)) !=
      scope.simplify(scope.product(to))) {
    auto count = [&](ArrayRef<OpFoldResult> sizes) {
      OpFoldResult product = getIndexAttr(1);
      for (OpFoldResult size : sizes)
        product = mulIndex(*this, product, size);
      return index(product);
    };
    Value fits = createOrFold<arith::CmpIOp>(
        arith::CmpIPredicate::eq, count(sizesOf(tensor)), count(toSizes));
    require(fits, Status::BadShape, "reshape to another number of elements");
  }
  std::optional<SmallVector<std::pair<size_t, size_t>>> groups =
      matchGroups(scope, from, to);
  if (!groups)
    return reshape(tensor, toSizes);
  SmallVector<ReassociationIndices> merged, split;
  SmallVector<OpFoldResult> mergedSizes;
  int64_t left = 0, right = 0;
  for (auto [taken, given] : *groups) {
    merged.push_back(llvm::to_vector(llvm::seq<int64_t>(left, left + taken)));
    split.push_back(llvm::to_vector(llvm::seq<int64_t>(right, right + given)));
    left += taken;
    right += given;
  }
  if (merged.size() != from.size())
    tensor = tensor::CollapseShapeOp::create(*this, tensor, merged);
  if (split.size() == to.size())
    return tensor;
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(toSizes, dynamic, shape);
  auto type =
      RankedTensorType::get(shape, getElementTypeOrSelf(tensor.getType()));
  // A merged dim may be known to its own dims alone, or to the group's split
  // ones.
  SmallVector<int64_t> between;
  for (const ReassociationIndices &group : split) {
    int64_t size = 1;
    for (int64_t axis : group)
      size = ShapedType::isDynamic(size) || ShapedType::isDynamic(shape[axis])
                 ? ShapedType::kDynamic
                 : size * shape[axis];
    between.push_back(size);
  }
  auto betweenType = RankedTensorType::get(between, type.getElementType());
  if (tensor.getType() != betweenType)
    tensor = tensor::CastOp::create(*this, betweenType, tensor);
  return tensor::ExpandShapeOp::create(*this, type, tensor, split, toSizes);
}

Value Lowering::reshape(Value tensor, ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  auto resultType = RankedTensorType::get(shape, type.getElementType());
  if (type == resultType && type.hasStaticShape())
    return tensor;
  // Nothing keeps its place, and later passes have trouble with views of
  // nothing.
  if (llvm::is_contained(shape, 0))
    return tensor::EmptyOp::create(*this, sizes, type.getElementType());
  // Through one dim where all is known (or nothing is lost), which later passes
  // see through.
  if (type.hasStaticShape() && resultType.hasStaticShape()) {
    auto all = [](int64_t rank) {
      SmallVector<ReassociationIndices> groups;
      if (rank > 0)
        groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
      return groups;
    };
    if (type.getRank() == 0 || resultType.getRank() == 0) {
      if (type.getRank() > 0)
        return tensor::CollapseShapeOp::create(
            *this, resultType, tensor, ArrayRef<ReassociationIndices>{});
      return tensor::ExpandShapeOp::create(*this, resultType, tensor,
                                           ArrayRef<ReassociationIndices>{});
    }
    auto flatType =
        RankedTensorType::get({type.getNumElements()}, type.getElementType());
    Value flat = type.getRank() == 1
                     ? tensor
                     : tensor::CollapseShapeOp::create(*this, flatType, tensor,
                                                       all(type.getRank()));
    return resultType.getRank() == 1
               ? flat
               : tensor::ExpandShapeOp::create(*this, resultType, flat,
                                               all(resultType.getRank()));
  }
  SmallVector<Value> elements = llvm::map_to_vector(
      sizes, [&](OpFoldResult size) { return index(size); });
  auto shapeType = RankedTensorType::get({static_cast<int64_t>(sizes.size())},
                                         getIndexType());
  Value shapeTensor =
      sizes.empty()
          ? Value(tensor::EmptyOp::create(*this, ArrayRef<int64_t>{0},
                                          getIndexType()))
          : Value(tensor::FromElementsOp::create(*this, shapeType, elements));
  return tensor::ReshapeOp::create(*this, resultType, tensor, shapeTensor);
}

/// Axes of the longer shape for each axis of the shorter: one each, but `count`
/// for `axis`.
static SmallVector<ReassociationIndices> grouping(int64_t rank, int64_t axis,
                                                  int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t next = 0; next < rank;) {
    int64_t length = static_cast<int64_t>(groups.size()) == axis ? count : 1;
    groups.push_back(llvm::to_vector<2>(llvm::seq(next, next + length)));
    next += length;
  }
  return groups;
}

Value Lowering::split(Value tensor, int64_t axis,
                      ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> all = sizesOf(tensor);
  all.erase(all.begin() + axis);
  all.insert(all.begin() + axis, sizes.begin(), sizes.end());
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(all, dynamic, shape);
  auto type = cast<RankedTensorType>(tensor.getType());
  // The axis is known to the operator exactly when all its parts are.
  int64_t whole = 1;
  for (int64_t part : ArrayRef(shape).slice(axis, sizes.size()))
    whole = ShapedType::isDynamic(whole) || ShapedType::isDynamic(part)
                ? ShapedType::kDynamic
                : whole * part;
  SmallVector<int64_t> before(type.getShape());
  if (before[axis] != whole) {
    before[axis] = whole;
    tensor = tensor::CastOp::create(*this, type.clone(before), tensor);
  }
  return tensor::ExpandShapeOp::create(*this, type.clone(shape), tensor,
                                       grouping(all.size(), axis, sizes.size()),
                                       all);
}

Value Lowering::merge(Value tensor, int64_t axis, int64_t count) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return tensor::CollapseShapeOp::create(*this, tensor,
                                         grouping(rank, axis, count));
}

Value Lowering::transpose(Value tensor, ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> permuted = llvm::map_to_vector(
      permutation, [&](int64_t axis) { return sizes[axis]; });
  Type elementType = getElementTypeOrSelf(tensor.getType());
  return linalg::TransposeOp::create(
             *this, tensor,
             tensor::EmptyOp::create(*this, permuted, elementType), permutation)
      ->getResult(0);
}

Value Lowering::slice(Value tensor, int64_t axis, OpFoldResult offset,
                      OpFoldResult size) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0)),
      strides(sizes.size(), getIndexAttr(1));
  bool isOfNothing = llvm::any_of(sizes, isZeroInteger);
  offsets[axis] = offset;
  sizes[axis] = size;
  // Upstream has no slice of nothing, and none that begins at the end.
  if (isOfNothing || isZeroInteger(size))
    return tensor::EmptyOp::create(*this, sizes,
                                   getElementTypeOrSelf(tensor.getType()));
  return tensor::ExtractSliceOp::create(*this, tensor, offsets, sizes, strides);
}

Value Lowering::insert(Value source, Value target, int64_t axis,
                       OpFoldResult offset) {
  SmallVector<OpFoldResult> sizes = sizesOf(source);
  if (llvm::any_of(sizes, isZeroInteger) ||
      llvm::any_of(sizesOf(target), isZeroInteger))
    return target;
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0)),
      strides(sizes.size(), getIndexAttr(1));
  offsets[axis] = offset;
  return tensor::InsertSliceOp::create(*this, source, target, offsets, sizes,
                                       strides);
}

namespace {
/// Offsets, sizes and strides of what lies at some indices.
struct Picked {
  Picked(Lowering &l, Value tensor, ArrayRef<int64_t> axes,
         ArrayRef<OpFoldResult> indices)
      : sizes(l.sizesOf(tensor)), offsets(sizes.size(), l.getIndexAttr(0)),
        strides(sizes.size(), l.getIndexAttr(1)) {
    ArrayRef<int64_t> all = cast<RankedTensorType>(tensor.getType()).getShape();
    for (auto [axis, index] : llvm::zip_equal(axes, indices)) {
      sizes[axis] = l.getIndexAttr(1);
      offsets[axis] = index;
    }
    for (auto [axis, size] : llvm::enumerate(all))
      if (!llvm::is_contained(axes, static_cast<int64_t>(axis))) {
        shape.push_back(size);
        shapeSizes.push_back(sizes[axis]);
      }
  }
  SmallVector<OpFoldResult> sizes, offsets, strides;
  /// What is picked has this shape.
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> shapeSizes;
};
} // namespace

Value Lowering::pick(Value tensor, ArrayRef<int64_t> axes,
                     ArrayRef<OpFoldResult> indices) {
  Picked picked(*this, tensor, axes, indices);
  auto type = RankedTensorType::get(picked.shape,
                                    getElementTypeOrSelf(tensor.getType()));
  if (llvm::is_contained(picked.shape, 0))
    return tensor::EmptyOp::create(*this, picked.shapeSizes,
                                   type.getElementType());
  if (!llvm::is_contained(picked.shape, 1))
    return tensor::ExtractSliceOp::create(*this, type, tensor, picked.offsets,
                                          picked.sizes, picked.strides);
  // Which axes of size 1 a slice leaves out is not part of it, and upstream's
  // folding of its offsets may take others: [1, 3, 1] to 1x3 became [1, 1, 3].
  Value whole = tensor::ExtractSliceOp::create(*this, tensor, picked.offsets,
                                               picked.sizes, picked.strides);
  SmallVector<ReassociationIndices> groups(1);
  bool isGroupFull = false;
  for (int64_t axis = 0, rank = picked.sizes.size(); axis < rank; ++axis) {
    bool isKept = !llvm::is_contained(axes, axis);
    if (isKept && isGroupFull)
      groups.emplace_back();
    isGroupFull |= isKept;
    groups.back().push_back(axis);
  }
  return tensor::CollapseShapeOp::create(*this, type, whole, groups);
}

Value Lowering::place(Value source, Value target, ArrayRef<int64_t> axes,
                      ArrayRef<OpFoldResult> indices) {
  Picked picked(*this, target, axes, indices);
  auto type = RankedTensorType::get(picked.shape,
                                    getElementTypeOrSelf(target.getType()));
  if (llvm::is_contained(picked.shape, 0))
    return target;
  if (source.getType() != type)
    source = tensor::CastOp::create(*this, type, source);
  return tensor::InsertSliceOp::create(*this, source, target, picked.offsets,
                                       picked.sizes, picked.strides);
}

Value Lowering::withSize(Value tensor, int64_t axis, Dim size) {
  auto type = cast<RankedTensorType>(tensor.getType());
  std::optional<int64_t> value = known(size);
  if (!value || !type.isDynamicDim(axis))
    return tensor;
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = *value;
  return tensor::CastOp::create(*this, type.clone(shape), tensor);
}

Value Lowering::pad(Value tensor, Type elementType, ArrayRef<OpFoldResult> low,
                    ArrayRef<OpFoldResult> high, Value value) {
  auto isZero = [](OpFoldResult size) { return isConstantIntValue(size, 0); };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return tensor;
  // Nothing amid a border has no place that a slice could start at.
  if (llvm::is_contained(cast<RankedTensorType>(tensor.getType()).getShape(),
                         0)) {
    SmallVector<OpFoldResult> sizes;
    for (auto [size, before, after] : llvm::zip(sizesOf(tensor), low, high))
      sizes.push_back(addIndex(*this, addIndex(*this, size, before), after));
    return filled(elementType, sizes, value);
  }
  return tensor::PadOp::create(*this, Type(), tensor, low, high,
                               storeScalar(*this, value, elementType));
}
