// Indexing.cpp - elements read from places that data names.
#include "ir/ops/Indexing.h"
#include "ir/Bodies.h"
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Indexing.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerIndexing(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Indexing.cpp.inc"
      >();
}

LogicalResult nn::checkIndexType(Operation *op, Value indices) {
  Type type = getElementTypeOrSelf(indices.getType());
  if (type.isSignlessInteger(32) || type.isSignlessInteger(64))
    return success();
  return op->emitOpError() << "'indices' has element type " << type
                           << " instead of i32 or i64";
}

/// Whether an index lies in [-size, size).
static Value isInRange(ImplicitLocOpBuilder &b, Value index,
                       const Scalar &size) {
  Scalar at(b, index),
      limit = Scalar(b, Value(size)).toInteger(index.getType());
  return (at >= -limit) & (at < limit);
}

void nn::requireInRange(Lowering &l, Value indices, OpFoldResult size) {
  std::optional<SmallVector<int64_t>> given = l.scope.integers(indices);
  std::optional<int64_t> limit = getConstantIntValue(size);
  if (given && limit && llvm::all_of(*given, [&](int64_t index) {
        return index >= -*limit && index < *limit;
      }))
    return;
  Value tensor = l.lowered(indices);
  Type type = getElementTypeOrSelf(tensor.getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  Scalar bound(l, size);
  requireAll(l, sizes, {{tensor, type, l.getMultiDimIdentityMap(sizes.size())}},
             "an index is out of range",
             [&](ImplicitLocOpBuilder &b, ValueRange args) {
               return isInRange(b, args[0], bound);
             });
}

void nn::requireRowsInRange(Lowering &l, Value indices,
                            ArrayRef<OpFoldResult> limits) {
  Value tensor = l.lowered(indices);
  Type type = getElementTypeOrSelf(tensor.getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t rank = sizes.size();
  SmallVector<Scalar> bounds = llvm::map_to_vector(
      limits, [&](OpFoldResult limit) { return Scalar(l, limit); });
  requireAll(l, sizes, {{tensor, type, l.getMultiDimIdentityMap(rank)}},
             "an index is out of range",
             [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
               Scalar column(b,
                             linalg::IndexOp::create(b, rank - 1).getResult()),
                   limit = column.number(0);
               for (auto [k, bound] : llvm::enumerate(bounds))
                 limit = select(column == k, Scalar(b, Value(bound)), limit);
               return isInRange(b, args[0], limit);
             });
}

//===- gather -------------------------------------------------------------===//

LogicalResult GatherOp::inferShapes(ShapeScope &scope) {
  Dims data = scope.dims(getData()), indices = scope.dims(getIndices());
  FailureOr<int64_t> axis = normalizeAxis(*this, getAxis(), data.size());
  if (failed(axis) || failed(checkIndexType(*this, getIndices())))
    return failure();
  std::optional<SmallVector<int64_t>> given = scope.integers(getIndices());
  std::optional<int64_t> size = known(data[*axis]);
  for (int64_t index : given.value_or(SmallVector<int64_t>()))
    if (size && (index < -*size || index >= *size))
      return emitOpError() << "index " << index << " is outside [" << -*size
                           << ", " << *size << ")";
  Dims dims(ArrayRef(data).take_front(*axis));
  dims.append(indices);
  dims.append(ArrayRef(data).drop_front(*axis + 1).begin(),
              ArrayRef(data).end());
  OpResult result = getOperation()->getResult(0);
  if (failed(
          scope.set(result, getElementTypeOrSelf(getData().getType()), dims)))
    return failure();
  if (!given || !size)
    return success();
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(getIndices().getType()).getShape();
  scope.followElements(result, getData(), [&](ArrayRef<int64_t> at) {
    int64_t flat = 0;
    for (auto [position, extent] :
         llvm::zip(at.slice(*axis, shape.size()), shape))
      flat = flat * extent + position;
    int64_t index = (*given)[flat];
    SmallVector<int64_t> source(at.take_front(*axis));
    source.push_back(index < 0 ? index + *size : index);
    llvm::append_range(source, at.drop_front(*axis + shape.size()));
    return source;
  });
  return success();
}

/// Whether what one index names lies in one piece, and is as much as a matrix.
static bool isLargePiece(ArrayRef<OpFoldResult> sizes, int64_t axis) {
  constexpr int64_t kLarge = 1024;
  int64_t count = 1;
  for (OpFoldResult size : sizes.drop_front(axis + 1)) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (!known || *known <= 0)
      return false;
    count = std::min(count * *known, kLarge);
  }
  return count >= kLarge && llvm::all_of(sizes.take_front(axis), isOneInteger);
}

FailureOr<SmallVector<Value>> GatherOp::lower(Lowering &l) {
  Value data = l.lowered(getData()), indices = l.lowered(getIndices());
  SmallVector<OpFoldResult> dataSizes = l.sizesOf(data), sizes,
                            indexSizes = l.sizesOf(indices);
  int64_t axis = *normalizeAxis(*this, getAxis(), dataSizes.size()),
          count = indexSizes.size();
  requireInRange(l, getIndices(), dataSizes[axis]);
  std::optional<SmallVector<int64_t>> given = l.scope.integers(getIndices());
  Type stored = getElementTypeOrSelf(data.getType()),
       indexType = getElementTypeOrSelf(indices.getType());
  Scalar size(l, dataSizes[axis]);
  // One place that is known is a view, and so is one of run time where a copy
  // would be more than what reads a view costs more.
  bool isOne = llvm::all_of(indexSizes, isOneInteger);
  if ((given && given->size() == 1) ||
      (isOne && isLargePiece(dataSizes, axis))) {
    Scalar at = place(given ? size.number(given->front())
                            : Scalar(l, onlyElement(l, getIndices())),
                      size);
    Value view =
        l.slice(data, axis, getAsOpFoldResult(Value(at)), l.getIndexAttr(1));
    Dims from = l.scope.dims(getData());
    from[axis] = l.scope.constant(1);
    return SmallVector<Value>{l.reshape(view, from, l.scope.dims(getOutput()))};
  }
  sizes.append(dataSizes.begin(), dataSizes.begin() + axis);
  sizes.append(indexSizes);
  sizes.append(dataSizes.begin() + axis + 1, dataSizes.end());
  AffineMap named =
      l.getMultiDimIdentityMap(sizes.size()).getSliceMap(axis, count);
  return SmallVector<Value>{l.generic(
      stored, sizes, {{indices, indexType, named}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        SmallVector<Value> source;
        for (int64_t at = 0; at < static_cast<int64_t>(sizes.size()); ++at)
          if (at < axis || at >= axis + count)
            source.push_back(linalg::IndexOp::create(b, at));
        source.insert(source.begin() + axis,
                      place(Scalar(b, args[0]), Scalar(b, Value(size))));
        return tensor::ExtractOp::create(b, data, source);
      })};
}

//===- gather_elements ----------------------------------------------------===//

FailureOr<int64_t> nn::elementAxis(Operation *op, Value data, Value indices,
                                   int64_t given, ShapeScope &scope) {
  Dims dims = scope.dims(data), places = scope.dims(indices);
  FailureOr<int64_t> axis = normalizeAxis(op, given, dims.size());
  if (failed(axis) || failed(checkIndexType(op, indices)))
    return failure();
  bool fits = dims.size() == places.size();
  for (size_t at = 0; fits && at < dims.size(); ++at)
    fits = static_cast<int64_t>(at) == *axis || !known(dims[at]) ||
           !known(places[at]) || *known(places[at]) <= *known(dims[at]);
  if (!fits)
    return op->emitOpError() << "'indices' has shape " << toString(places)
                             << ", which does not fit in " << toString(dims)
                             << " along axis " << *axis;
  return *axis;
}

void nn::requireFits(Lowering &l, Value data, Value indices, int64_t axis) {
  for (auto [at, dims] :
       llvm::enumerate(llvm::zip(l.scope.dims(data), l.scope.dims(indices)))) {
    auto [dim, places] = dims;
    if (static_cast<int64_t>(at) != axis && dim != places &&
        !(known(dim) && known(places)))
      l.require(Scalar(l, l.size(places)) <= Scalar(l, l.size(dim)),
                Status::BadShape, "more indices than places");
  }
}

LogicalResult GatherElementsOp::inferShapes(ShapeScope &scope) {
  if (failed(elementAxis(*this, getData(), getIndices(), getAxis(), scope)))
    return failure();
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getData().getType()),
                   scope.dims(getIndices()));
}

FailureOr<SmallVector<Value>> GatherElementsOp::lower(Lowering &l) {
  Value data = l.lowered(getData()), indices = l.lowered(getIndices());
  SmallVector<OpFoldResult> sizes = l.sizesOf(indices);
  int64_t axis = *normalizeAxis(*this, getAxis(), sizes.size());
  requireFits(l, getData(), getIndices(), axis);
  requireInRange(l, getIndices(), l.sizesOf(data)[axis]);
  Scalar size(l, l.sizesOf(data)[axis]);
  Lowering::Operand input{indices, getElementTypeOrSelf(indices.getType()),
                          l.getMultiDimIdentityMap(sizes.size())};
  return SmallVector<Value>{l.generic(
      getElementTypeOrSelf(data.getType()), sizes, {input},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        SmallVector<Value> source;
        for (size_t at = 0; at < sizes.size(); ++at)
          source.push_back(linalg::IndexOp::create(b, at));
        source[axis] = place(Scalar(b, args[0]), Scalar(b, Value(size)));
        return tensor::ExtractOp::create(b, data, source);
      })};
}

//===- gather_nd ----------------------------------------------------------===//

FailureOr<int64_t> nn::rowLength(Operation *op, Value data, Value indices,
                                 int64_t first, ShapeScope &scope) {
  Dims dims = scope.dims(data), rows = scope.dims(indices);
  if (failed(checkIndexType(op, indices)))
    return failure();
  if (rows.empty() || dims.empty())
    return op->emitOpError() << "'data' or 'indices' is a scalar";
  std::optional<int64_t> length = known(rows.back());
  if (!length)
    return op->emitOpError()
           << "the length of a row of 'indices' is not known when compiling";
  if (*length < 1 || *length + first > static_cast<int64_t>(dims.size()))
    return op->emitOpError()
           << "a row of 'indices' has " << *length << " elements for "
           << static_cast<int64_t>(dims.size()) - first << " axes of 'data'";
  return *length;
}

LogicalResult GatherNDOp::inferShapes(ShapeScope &scope) {
  Dims data = scope.dims(getData()), indices = scope.dims(getIndices());
  int64_t batch = getBatchDims();
  if (batch < 0 ||
      batch >= static_cast<int64_t>(std::min(data.size(), indices.size())))
    return emitOpError() << "'batch_dims' is " << batch << " for ranks "
                         << data.size() << " and " << indices.size();
  FailureOr<int64_t> length =
      rowLength(*this, getData(), getIndices(), batch, scope);
  if (failed(length))
    return failure();
  for (int64_t axis = 0; axis < batch; ++axis) {
    if (known(data[axis]) && known(indices[axis]) &&
        data[axis] != indices[axis])
      return emitOpError() << "batches of " << toString(data) << " and "
                           << toString(indices) << " differ";
    if (known(data[axis]))
      indices[axis] = data[axis];
  }
  Dims dims(ArrayRef(indices).drop_back());
  dims.append(ArrayRef(data).drop_front(batch + *length).begin(),
              ArrayRef(data).end());
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getData().getType()), dims);
}

FailureOr<SmallVector<Value>> GatherNDOp::lower(Lowering &l) {
  Value data = l.lowered(getData()), indices = l.lowered(getIndices());
  int64_t batch = getBatchDims(), rows = l.scope.rank(getIndices()) - 1,
          length = *rowLength(*this, getData(), getIndices(), batch, l.scope);
  SmallVector<OpFoldResult> dataSizes = l.sizesOf(data),
                            sizes = l.sizesOf(indices);
  sizes.pop_back();
  for (int64_t axis = 0; axis < batch; ++axis)
    l.requireEqual(l.scope.dim(getData(), axis),
                   l.scope.dim(getIndices(), axis), "batches differ");
  sizes.append(dataSizes.begin() + batch + length, dataSizes.end());
  ArrayRef<OpFoldResult> limits = ArrayRef(dataSizes).slice(batch, length);
  requireRowsInRange(l, getIndices(), limits);
  SmallVector<Scalar> bounds = llvm::map_to_vector(
      limits, [&](OpFoldResult limit) { return Scalar(l, limit); });
  return SmallVector<Value>{l.generate(
      getElementTypeOrSelf(data.getType()), sizes,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> source(at.take_front(batch)),
            row(at.take_front(rows));
        row.push_back({});
        for (auto [k, bound] : llvm::enumerate(bounds)) {
          row.back() = arith::ConstantIndexOp::create(b, k);
          Value index = tensor::ExtractOp::create(b, indices, row);
          source.push_back(place(Scalar(b, index), Scalar(b, Value(bound))));
        }
        llvm::append_range(source, at.drop_front(rows));
        return tensor::ExtractOp::create(b, data, source);
      })};
}
