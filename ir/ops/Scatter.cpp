// Scatter.cpp - elements written to places that data names.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "ir/ops/Indexing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- scatter_elements, scatter_nd ---------------------------------------===//

static bool isReduction(StringRef name) {
  return llvm::is_contained({"none", "add", "mul", "min", "max"}, name);
}

/// `data` with `update` (as stored) at indices, after the reduction with what
/// is there.
static Value updated(ImplicitLocOpBuilder &b, Value data, Value update,
                     ValueRange at, StringRef reduction, Type elementType) {
  if (reduction != "none") {
    Value before = loadScalar(b, tensor::ExtractOp::create(b, data, at),
                              elementType),
          given = loadScalar(b, update, elementType);
    Value combined = reduction == "add"   ? sum(b, before, given)
                     : reduction == "mul" ? product(b, before, given)
                     : reduction == "min"
                         ? minimum(b, elementType, before, given)
                         : maximum(b, elementType, before, given);
    update = storeScalar(b, combined, elementType);
  }
  return tensor::InsertOp::create(b, update, data, at);
}

static LogicalResult checkUpdates(Operation *op, Value data, Value updates,
                                  StringRef reduction) {
  if (!isReduction(reduction))
    return op->emitOpError() << "'reduction' is '" << reduction
                             << "' instead of none, add, mul, min or max";
  if (getElementTypeOrSelf(data.getType()) !=
      getElementTypeOrSelf(updates.getType()))
    return op->emitOpError()
           << "'data' has element type " << getElementTypeOrSelf(data.getType())
           << " and 'updates' " << getElementTypeOrSelf(updates.getType());
  if (isString(data.getType()) && reduction != "none")
    return op->emitOpError()
           << "'reduction' of strings is '" << reduction << "' instead of none";
  return success();
}

LogicalResult ScatterElementsOp::inferShapes(ShapeScope &scope) {
  if (failed(elementAxis(*this, getData(), getIndices(), getAxis(), scope)) ||
      failed(checkUpdates(*this, getData(), getUpdates(), getReduction())))
    return failure();
  Dims indices = scope.dims(getIndices()), updates = scope.dims(getUpdates());
  bool fits = indices.size() == updates.size();
  for (auto [index, update] : llvm::zip(indices, updates))
    fits &= index == update || !known(index) || !known(update);
  if (!fits)
    return emitOpError() << "'indices' has shape " << toString(indices)
                         << " and 'updates' " << toString(updates);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getData().getType()),
                   scope.dims(getData()));
}

FailureOr<SmallVector<Value>> ScatterElementsOp::lower(Lowering &l) {
  Value data = l.lowered(getData()), indices = l.lowered(getIndices()),
        updates = l.lowered(getUpdates());
  SmallVector<OpFoldResult> sizes = l.sizesOf(indices);
  int64_t axis = *normalizeAxis(*this, getAxis(), sizes.size());
  Type elementType = getElementTypeOrSelf(getData().getType());
  requireFits(l, getData(), getIndices(), axis);
  l.requireDims(getUpdates(), l.scope.dims(getIndices()),
                "as many updates as indices");
  requireInRange(l, getIndices(), l.sizesOf(data)[axis]);
  Scalar size(l, l.sizesOf(data)[axis]);
  return loopNest(
      l, sizes, data,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        SmallVector<Value> target(at);
        target[axis] = place(
            Scalar(b, tensor::ExtractOp::create(b, indices, at).getResult()),
            Scalar(b, Value(size)));
        Value update = tensor::ExtractOp::create(b, updates, at);
        return SmallVector<Value>{updated(b, carried[0], update, target,
                                          getReduction(), elementType)};
      });
}

LogicalResult ScatterNDOp::inferShapes(ShapeScope &scope) {
  FailureOr<int64_t> length =
      rowLength(*this, getData(), getIndices(), 0, scope);
  if (failed(length) ||
      failed(checkUpdates(*this, getData(), getUpdates(), getReduction())))
    return failure();
  Dims data = scope.dims(getData()), updates = scope.dims(getUpdates()),
       expected(scope.dims(getIndices()));
  expected.pop_back();
  expected.append(ArrayRef(data).drop_front(*length).begin(),
                  ArrayRef(data).end());
  bool fits = expected.size() == updates.size();
  for (auto [wanted, update] : llvm::zip(expected, updates))
    fits &= wanted == update || !known(wanted) || !known(update);
  if (!fits)
    return emitOpError() << "'updates' has shape " << toString(updates)
                         << " instead of " << toString(expected);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getData().getType()), data);
}

FailureOr<SmallVector<Value>> ScatterNDOp::lower(Lowering &l) {
  Value data = l.lowered(getData()), indices = l.lowered(getIndices()),
        updates = l.lowered(getUpdates());
  int64_t length = *rowLength(*this, getData(), getIndices(), 0, l.scope),
          rows = l.scope.rank(getIndices()) - 1;
  Type elementType = getElementTypeOrSelf(getData().getType());
  Dims expected = l.scope.dims(getIndices()), dims = l.scope.dims(getData());
  expected.pop_back();
  expected.append(ArrayRef(dims).drop_front(length).begin(),
                  ArrayRef(dims).end());
  l.requireDims(getUpdates(), expected, "as many updates as indices");
  SmallVector<OpFoldResult> limits = l.sizesOf(data);
  limits.resize(length);
  requireRowsInRange(l, getIndices(), limits);
  SmallVector<Scalar> bounds = llvm::map_to_vector(
      limits, [&](OpFoldResult limit) { return Scalar(l, limit); });
  SmallVector<OpFoldResult> sizes = l.sizesOf(updates);
  // Where a row of indices points to is found once for all elements there.
  return loopNest(
      l, ArrayRef(sizes).take_front(rows), data,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        SmallVector<Value> start, row(at);
        row.push_back({});
        for (auto [k, bound] : llvm::enumerate(bounds)) {
          row.back() = arith::ConstantIndexOp::create(b, k);
          start.push_back(place(
              Scalar(b, tensor::ExtractOp::create(b, indices, row).getResult()),
              Scalar(b, Value(bound))));
        }
        return loopNest(
            b, ArrayRef(sizes).drop_front(rows), carried,
            [&](ImplicitLocOpBuilder &in, ValueRange inner, ValueRange before) {
              SmallVector<Value> from(at), target(start);
              llvm::append_range(from, inner);
              llvm::append_range(target, inner);
              Value update = tensor::ExtractOp::create(in, updates, from);
              return SmallVector<Value>{updated(in, before[0], update, target,
                                                getReduction(), elementType)};
            });
      });
}

//===- tensor_scatter -----------------------------------------------------===//

LogicalResult TensorScatterOp::inferShapes(ShapeScope &scope) {
  Dims cache = scope.dims(getPastCache()), update = scope.dims(getUpdate());
  FailureOr<int64_t> axis = normalizeAxis(*this, getAxis(), cache.size());
  if (failed(axis))
    return failure();
  if (*axis == 0)
    return emitOpError() << "'axis' is that of the batch";
  if (getMode() != "linear" && getMode() != "circular")
    return emitOpError() << "'mode' is '" << getMode()
                         << "' instead of linear or circular";
  bool fits = cache.size() == update.size() &&
              getElementTypeOrSelf(getPastCache().getType()) ==
                  getElementTypeOrSelf(getUpdate().getType());
  for (size_t at = 0; fits && at < cache.size(); ++at)
    if (known(cache[at]) && known(update[at]))
      fits = static_cast<int64_t>(at) == *axis
                 ? *known(update[at]) <= *known(cache[at])
                 : cache[at] == update[at];
  if (!fits)
    return emitOpError() << "'update' is " << getUpdate().getType()
                         << ", which does not fit in "
                         << getPastCache().getType() << " along axis " << *axis;
  if (getWriteIndices()) {
    Dims starts = scope.dims(getWriteIndices());
    if (failed(checkIndexType(*this, getWriteIndices())))
      return failure();
    if (starts.size() != 1 ||
        (known(starts[0]) && known(cache[0]) && starts[0] != cache[0]))
      return emitOpError() << "'write_indices' has shape " << toString(starts)
                           << " for a batch of " << toString({cache[0]});
  }
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getPastCache().getType()), cache);
}

FailureOr<SmallVector<Value>> TensorScatterOp::lower(Lowering &l) {
  Value cache = l.lowered(getPastCache()), update = l.lowered(getUpdate());
  Dims cacheDims = l.scope.dims(getPastCache()),
       updateDims = l.scope.dims(getUpdate());
  int64_t axis = *normalizeAxis(*this, getAxis(), cacheDims.size());
  SmallVector<OpFoldResult> sizes = l.sizesOf(update);
  Scalar room(l, l.sizesOf(cache)[axis]), length(l, sizes[axis]);
  Dims expected = cacheDims;
  expected[axis] = updateDims[axis];
  l.requireDims(getUpdate(), expected, "an update that does not fit its cache");
  l.require(length <= room, Status::BadShape,
            "an update longer than its cache");
  Value starts;
  bool isCircular = getMode() == "circular";
  if (getWriteIndices()) {
    starts = l.lowered(getWriteIndices());
    l.requireEqual(l.scope.dim(getWriteIndices(), 0), cacheDims[0],
                   "as many write indices as the batch has");
    Scalar last = isCircular ? room : room - length + 1;
    Type type = getElementTypeOrSelf(starts.getType());
    requireAll(
        l, l.sizesOf(starts), {{starts, type, l.getMultiDimIdentityMap(1)}},
        "a write index is out of range",
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Scalar at(b, args[0]), limit = Scalar(b, Value(last)).toInteger(type);
          return isCircular ? at >= 0 : (at >= 0) & (at < limit);
        });
  }
  return loopNest(
      l, sizes, cache,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        SmallVector<Value> target(at);
        Scalar size(b, Value(room)), place(b, at[axis]);
        if (starts) {
          Scalar start =
              Scalar(b, tensor::ExtractOp::create(b, starts, at[0]).getResult())
                  .toIndex();
          place = isCircular ? mod(mod(start, size) + place, size)
                             : min(start + place, size - 1);
        }
        target[axis] = place;
        Value element = tensor::ExtractOp::create(b, update, at);
        return SmallVector<Value>{
            tensor::InsertOp::create(b, element, carried[0], target)};
      });
}
