// Unique.cpp - the different slices of a tensor, and which of them each is.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Ranking.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult UniqueOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getX());
  int64_t axis = 0;
  if (getAxis()) {
    FailureOr<int64_t> normal = normalizeAxis(*this, *getAxis(), dims.size());
    if (failed(normal))
      return failure();
    axis = *normal;
  } else {
    dims = {scope.product(dims)};
  }
  if (isa<ComplexType>(getElementTypeOrSelf(getX().getType())))
    return emitOpError() << "complex numbers have no order";
  Dim all = dims[axis];
  dims[axis] = {};
  if (failed(scope.set(cast<OpResult>(getY()),
                       getElementTypeOrSelf(getX().getType()), dims)))
    return failure();
  Type integer = IntegerType::get(getContext(), 64);
  Dim kept = scope.dim(getY(), axis);
  for (Value result : {getIndices(), getCounts()})
    if (result && failed(scope.set(cast<OpResult>(result), integer, {kept})))
      return failure();
  return success(!getInverseIndices() ||
                 succeeded(scope.set(cast<OpResult>(getInverseIndices()),
                                     integer, {all})));
}

/// A strict order of two scalars: NaN comes after all numbers, and no NaN
/// before another.
static Scalar comesBefore(ImplicitLocOpBuilder &b, Value left, Value right,
                          Type elementType) {
  auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) {
    return Scalar(b, b.createOrFold<arith::CmpFOp>(predicate, x, y));
  };
  if (isString(elementType)) {
    SmallVector<Value> both{left, right};
    return Scalar(b, callString(b, "burnish_string_compare", both)) < 0;
  }
  if (isa<FloatType>(left.getType()))
    return compare(arith::CmpFPredicate::OLT, left, right) |
           (compare(arith::CmpFPredicate::UNO, right, right) &
            compare(arith::CmpFPredicate::ORD, left, left));
  bool isUnsigned = elementType.isUnsignedInteger() || elementType.isInteger(1);
  return {b,
          b.createOrFold<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ult
                                                   : arith::CmpIPredicate::slt,
                                        left, right)};
}

/// The places of a list of numbers in their order, equals as they stand.
static Value orderOfElements(Lowering &l, Value list, Type elementType) {
  Keys keys(elementType, /*isLargest=*/false);
  OpFoldResult size = l.sizesOf(list)[0];
  SmallVector<Value> filled =
      loopNest(l, size, Ranks::make(l, keys, size).carried(),
               [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
                 Value element = loadScalar(
                     b, tensor::ExtractOp::create(b, list, at), elementType);
                 return Ranks::of(carried)
                     .with(b, at[0], keys.of(b, element), at[0])
                     .carried();
               });
  return Ranks::of(filled).sort(l, l.index(size)).places;
}

namespace {
/// Slices along an axis are put in order, so that equal ones are neighbours,
/// and numbered by groups of equal ones.
class UniqueSlices {
public:
  UniqueSlices(UniqueOp op, Lowering &l)
      : op(op), l(l), elementType(getElementTypeOrSelf(op.getX().getType())),
        integer(l.getI64Type()), x(l.lowered(op.getX())) {}

  SmallVector<Value> run();

private:
  Value list(OpFoldResult size) { return scratch(l, integer, {size}); }
  /// The items in their order.
  Value sorted();
  /// -1, 0 or 1 as the first elements that differ have it.
  Scalar compare(ImplicitLocOpBuilder &b, Value left, Value right);
  /// The first item and the size of each group, the group of each item, and how
  /// many groups there are.
  SmallVector<Value> groupsOf(Value order);
  /// The groups in the order of their first items, and `inverse` by that order.
  Value rankedBy(Value first, OpFoldResult kept, Value &inverse);

  UniqueOp op;
  Lowering &l;
  Type elementType, integer;
  Value x;
  int64_t axis = 0;
  SmallVector<OpFoldResult> sizes;
};
} // namespace

Scalar UniqueSlices::compare(ImplicitLocOpBuilder &b, Value left, Value right) {
  SmallVector<OpFoldResult> within;
  for (auto [at, size] : llvm::enumerate(sizes))
    if (static_cast<int64_t>(at) != axis)
      within.push_back(size);
  auto elementOf = [&](ImplicitLocOpBuilder &in, Value item, ValueRange at) {
    SmallVector<Value> place(at);
    place.insert(place.begin() + axis, item);
    return loadScalar(in, tensor::ExtractOp::create(in, x, place), elementType);
  };
  Value equal = arith::ConstantIndexOp::create(b, 0);
  SmallVector<Value> order = loopNest(
      b, within, equal,
      [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange carried) {
        Value mine = elementOf(in, left, at), other = elementOf(in, right, at);
        Scalar so(in, carried[0]),
            isLess = comesBefore(in, mine, other, elementType),
            isMore = comesBefore(in, other, mine, elementType);
        Scalar here = select(isLess, so.number(-1),
                             select(isMore, so.number(1), so.number(0)));
        return SmallVector<Value>{select(so == 0, here, so)};
      });
  return {b, order[0]};
}

Value UniqueSlices::sorted() {
  if (sizes.size() == 1 && !isString(elementType))
    return orderOfElements(l, x, elementType);
  return sortedOrder(
      l, l.index(sizes[axis]), list(sizes[axis]), list(sizes[axis]),
      [&](ImplicitLocOpBuilder &b, Value left, Value right) -> Value {
        return compare(b, left, right) < 0;
      });
}

SmallVector<Value> UniqueSlices::groupsOf(Value order) {
  // Equal slices are neighbours now, the first of them first: number them.
  SmallVector<Value> initial{list(sizes[axis]), list(sizes[axis]),
                             list(sizes[axis]), l.index(0)};
  return loopNest(
      l, sizes[axis], initial,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar k(b, at[0]), found(b, carried[3]), zero = k.number(0);
        Scalar item = itemAt(b, order, k),
               previous = itemAt(b, order, max(k - 1, zero));
        Scalar isNew = (k == 0) | (compare(b, previous, item) != 0);
        Scalar group = select(isNew, found, found - 1),
               next = select(isNew, found + 1, found);
        Value firstSoFar =
                  tensor::ExtractOp::create(b, carried[0], Value(group)),
              countSoFar =
                  tensor::ExtractOp::create(b, carried[1], Value(group));
        Scalar itemNumber(b, asItem(b, item)), counted(b, countSoFar);
        Value first = tensor::InsertOp::create(
            b, select(isNew, itemNumber, Scalar(b, firstSoFar)), carried[0],
            Value(group));
        Value counts = tensor::InsertOp::create(
            b, select(isNew, counted.number(1), counted + 1), carried[1],
            Value(group));
        Value inverse = tensor::InsertOp::create(b, asItem(b, group),
                                                 carried[2], Value(item));
        return SmallVector<Value>{first, counts, inverse, next};
      });
}

Value UniqueSlices::rankedBy(Value first, OpFoldResult kept, Value &inverse) {
  Value ranked = sortedOrder(
      l, l.index(kept), list(kept), list(kept),
      [&](ImplicitLocOpBuilder &b, Value left, Value right) -> Value {
        return itemAt(b, first, left) < itemAt(b, first, right);
      });
  Value positions = loopNest(
      l, kept, list(kept),
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        return SmallVector<Value>{tensor::InsertOp::create(
            b, asItem(b, at[0]), carried[0], Value(itemAt(b, ranked, at[0])))};
      })[0];
  inverse = l.generic(integer, sizes[axis],
                      {{inverse, integer, l.getMultiDimIdentityMap(1)}},
                      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                        return tensor::ExtractOp::create(
                            b, positions, Value(Scalar(b, args[0]).toIndex()));
                      });
  return ranked;
}

SmallVector<Value> UniqueSlices::run() {
  Dims dims = l.scope.dims(op.getX());
  if (!op.getAxis())
    x = l.reshape(x, dims, {l.scope.product(dims)});
  else
    axis = *normalizeAxis(op, *op.getAxis(), dims.size());
  sizes = l.sizesOf(x);
  SmallVector<Value> groups = groupsOf(sorted());
  Value first = groups[0], counts = groups[1], inverse = groups[2];
  OpFoldResult kept =
      l.agree(getAsOpFoldResult(groups[3]), l.scope.dim(op.getY(), axis));
  // The k-th result is group ranked[k].
  Value ranked;
  if (!op.getSorted())
    ranked = rankedBy(first, kept, inverse);
  auto group = [&](ImplicitLocOpBuilder &b, Value k) -> Value {
    return ranked ? Value(itemAt(b, ranked, k)) : k;
  };
  auto ofGroups = [&](Value numbers) {
    return l.generate(
        integer, {kept}, [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
          return tensor::ExtractOp::create(b, numbers, group(b, at[0]));
        });
  };
  SmallVector<OpFoldResult> resultSizes(sizes);
  resultSizes[axis] = kept;
  SmallVector<Value> results{
      l.generate(getElementTypeOrSelf(x.getType()), resultSizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                   SmallVector<Value> source(at);
                   source[axis] = itemAt(b, first, group(b, at[axis]));
                   return tensor::ExtractOp::create(b, x, source);
                 })};
  if (op.getIndices())
    results.push_back(ofGroups(first));
  if (op.getInverseIndices())
    results.push_back(inverse);
  if (op.getCounts())
    results.push_back(ofGroups(counts));
  return results;
}

FailureOr<SmallVector<Value>> UniqueOp::lower(Lowering &l) {
  return UniqueSlices(*this, l).run();
}
