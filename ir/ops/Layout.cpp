// Layout.cpp - the same elements in another order or under another shape.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

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

/// The quotient of two products of dims, after common factors are struck out; null when it is not known to be whole.
static Dim divideDims(ArrayRef<Dim> dividend, ArrayRef<Dim> divisor, MLIRContext *context) {
  SmallVector<Dim> left(dividend), right;
  for (Dim dim : divisor) {
    auto same = llvm::find(left, dim);
    if (same != left.end() && !known(dim))
      left.erase(same);
    else
      right.push_back(dim);
  }
  Dim above = getAffineConstantExpr(1, context), below = above;
  for (Dim dim : left)
    above = above * dim;
  for (Dim dim : right)
    below = below * dim;
  std::optional<int64_t> top = known(above), bottom = known(below);
  if (bottom == 0)
    return {};
  if (top && bottom)
    return *top % *bottom == 0 ? getAffineConstantExpr(*top / *bottom, context) : Dim();
  return bottom ? above.floorDiv(*bottom) : Dim();
}

LogicalResult ReshapeOp::inferShapes(ShapeScope &scope) {
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getData().getType());
  Dims data = scope.dims(getData());
  std::optional<Dims> target = scope.elements(getShape());
  if (!target) {
    std::optional<int64_t> rank = scope.rank(getShape()) == 1 ? known(scope.dim(getShape(), 0)) : std::nullopt;
    auto present = dyn_cast<RankedTensorType>(result.getType());
    if (!rank && !present)
      return emitOpError() << "the number of elements of 'shape' is not known when compiling";
    return scope.set(result, elementType, Dims(rank ? *rank : present.getRank()));
  }
  Dims dims, others;
  std::optional<size_t> inferred;
  for (auto [axis, element] : llvm::enumerate(*target)) {
    std::optional<int64_t> size = known(element);
    if (size == -1) {
      if (inferred)
        return emitOpError() << "'shape' has -1 at " << *inferred << " and at " << axis;
      inferred = axis;
      dims.push_back({});
      continue;
    }
    if (size == 0 && !getAllowzero()) {
      if (axis >= data.size())
        return emitOpError() << "'shape' has 0 at " << axis << ", where 'data' of rank " << data.size() << " has no dim to copy";
      element = data[axis];
    }
    dims.push_back(element);
    others.push_back(element);
  }
  if (inferred) {
    dims[*inferred] = divideDims(data, others, getContext());
    bool allKnown = llvm::all_of(data, [](Dim dim) { return known(dim).has_value(); }) && llvm::all_of(others, [](Dim dim) { return known(dim).has_value(); });
    if (!dims[*inferred] && allKnown && !llvm::is_contained(others, scope.constant(0)))
      return emitOpError() << toString(data) << " has no whole number of elements for -1 in " << toString(*target);
    if (allKnown && !dims[*inferred])
      dims[*inferred] = scope.constant(0);
  } else {
    std::optional<int64_t> before = known(scope.product(data)), after = known(scope.product(dims));
    if (before && after && *before != *after)
      return emitOpError() << toString(data) << " has " << *before << " elements and cannot become " << toString(dims);
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
  auto isOwn = [&](Dim dim) {
    auto symbol = dyn_cast<AffineSymbolExpr>(dim);
    return symbol && !l.scope.origin(symbol).isElement && l.scope.origin(symbol).value == getReshaped();
  };
  if (llvm::none_of(dims, isOwn))
    return SmallVector<Value>{l.reshape(tensor, l.sizes(dims))};

  // Only run time knows the target: 0 copies, -1 takes what is left, and the counts must agree.
  Value zero = l.index(0), one = l.index(1), minusOne = l.index(-1);
  Value count = one, others = one;
  for (OpFoldResult size : l.sizesOf(tensor))
    count = l.createOrFold<arith::MulIOp>(count, l.index(size));
  auto equals = [&](Value left, Value right) -> Value { return l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, left, right); };
  SmallVector<Value> target;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    Value element = l.index(l.element(getShape(), axis));
    if (!getAllowzero() && axis < data.size())
      element = l.createOrFold<arith::SelectOp>(equals(element, zero), l.index(l.size(data[axis])), element);
    target.push_back(element);
    others = l.createOrFold<arith::MulIOp>(others, l.createOrFold<arith::SelectOp>(equals(element, minusOne), one, element));
  }
  Value divisor = l.createOrFold<arith::SelectOp>(equals(others, zero), one, others);
  Value left = l.createOrFold<arith::DivSIOp>(count, divisor);
  Value total = one;
  for (Value &element : target) {
    element = l.createOrFold<arith::SelectOp>(equals(element, minusOne), left, element);
    total = l.createOrFold<arith::MulIOp>(total, element);
  }
  l.require(equals(total, count), Status::BadShape, "reshape to another number of elements");
  SmallVector<OpFoldResult> sizes = getAsOpFoldResult(target);
  for (auto [size, dim] : llvm::zip(sizes, dims))
    if (std::optional<int64_t> static_ = known(dim))
      size = l.getIndexAttr(*static_);
  return SmallVector<Value>{l.reshape(tensor, sizes)};
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
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= static_cast<int64_t>(data.size()) || isUsed[axis] || perm.size() != data.size())
      return emitOpError() << "'perm' is no order of the " << data.size() << " axes of 'data'";
    isUsed[axis] = true;
  }
  Dims dims = llvm::map_to_vector(perm, [&](int64_t axis) { return data[axis]; });
  return scope.set(getOperation()->getResult(0), getElementTypeOrSelf(getData().getType()), dims);
}

FailureOr<SmallVector<Value>> TransposeOp::lower(Lowering &l) { return SmallVector<Value>{l.transpose(l.lowered(getData()), permutation())}; }
