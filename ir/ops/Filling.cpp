// Filling.cpp - tensors whose elements follow from their places.
#include "ir/Bodies.h"
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Filling.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerFilling(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Filling.cpp.inc"
      >();
}

//===- constant_of_shape --------------------------------------------------===//

LogicalResult ConstantOfShapeOp::inferShapes(ShapeScope &scope) {
  std::optional<Dims> dims = scope.elementsOrSymbols(getInput());
  if (!dims)
    return emitOpError()
           << "the number of elements of 'input' is not known when compiling";
  for (Dim dim : *dims)
    if (known(dim).value_or(0) < 0)
      return emitOpError() << "'input' has " << *known(dim);
  if (getValue() &&
      cast<ShapedType>(getValue()->getType()).getNumElements() != 1)
    return emitOpError()
           << "'value' has "
           << cast<ShapedType>(getValue()->getType()).getNumElements()
           << " elements instead of 1";
  Type elementType = getValue() ? getElementTypeOrSelf(getValue()->getType())
                                : Float32Type::get(getContext());
  OpResult result = getOperation()->getResult(0);
  if (failed(scope.set(result, elementType, *dims)))
    return failure();
  auto type = cast<RankedTensorType>(result.getType());
  std::optional<SmallVector<int64_t>> value =
      getValue() ? readIntegers(*getValue(), 1) : std::nullopt;
  if (value && type.hasStaticShape() &&
      type.getNumElements() <= kMaxKnownElements)
    scope.setElements(
        result, Dims(type.getNumElements(), scope.constant(value->front())));
  return success();
}

FailureOr<SmallVector<Value>> ConstantOfShapeOp::lower(Lowering &l) {
  Type stored = storageType(getElementTypeOrSelf(getType()));
  SmallVector<OpFoldResult> sizes;
  for (Dim dim : l.scope.dims(getOutput()))
    sizes.push_back(l.checkedSize(dim));
  Value element;
  if (getValue()) {
    Value constant = arith::ConstantOp::create(l, storedConstant(*getValue()));
    SmallVector<Value> first(
        cast<RankedTensorType>(constant.getType()).getRank(), l.index(0));
    element = l.createOrFold<tensor::ExtractOp>(constant, first);
  } else {
    element = arith::ConstantOp::create(l, l.getZeroAttr(stored));
  }
  return SmallVector<Value>{
      linalg::FillOp::create(l, element, l.empty(stored, sizes)).getResult(0)};
}

//===- range --------------------------------------------------------------===//

LogicalResult RangeOp::inferShapes(ShapeScope &scope) {
  Type elementType = getElementTypeOrSelf(getStart().getType());
  for (Value operand : getOperands()) {
    if (getElementTypeOrSelf(operand.getType()) != elementType)
      return emitOpError() << "operands have element types " << elementType
                           << " and "
                           << getElementTypeOrSelf(operand.getType());
    if (scope.rank(operand) > 1 ||
        (scope.rank(operand) == 1 && !isKnown(scope.dim(operand, 0), 1)))
      return emitOpError() << "an operand has shape "
                           << toString(scope.dims(operand))
                           << " instead of one element";
  }
  OpResult result = getOperation()->getResult(0);
  Dim count;
  std::optional<Dims> start = scope.elementsOrSymbols(getStart()),
                      limit = scope.elementsOrSymbols(getLimit());
  std::optional<int64_t> delta;
  if (std::optional<SmallVector<int64_t>> step = scope.integers(getDelta()))
    delta = step->front();
  constexpr int64_t kMaxStep = std::numeric_limits<int32_t>::max();
  auto floatConstant = [](Value value) -> std::optional<double> {
    auto constant = value.getDefiningOp<ConstantOp>();
    std::optional<SmallVector<double>> numbers =
        constant ? readFloats(constant.getValue(), 1) : std::nullopt;
    return numbers && numbers->size() == 1 ? std::optional(numbers->front())
                                           : std::nullopt;
  };
  std::optional<double> first = floatConstant(getStart()),
                        last = floatConstant(getLimit()),
                        by = floatConstant(getDelta());
  if (delta == 0 || by == 0.0)
    return emitOpError() << "'delta' is 0";
  if (start && limit && delta && *delta <= kMaxStep && *delta >= -kMaxStep) {
    std::optional<int64_t> from = known(start->front()),
                           to = known(limit->front());
    int64_t distance;
    if (from && to && llvm::SubOverflow(*to, *from, distance))
      return emitOpError() << "from " << *from << " to " << *to
                           << " there are more than 2^63";
    Dim length = *delta > 0 ? limit->front() - start->front()
                            : start->front() - limit->front();
    count = scope.maximum(length, scope.constant(0)).ceilDiv(std::abs(*delta));
  } else if (first && last && by) {
    double steps = std::ceil((*last - *first) / *by);
    if (!(steps < 1e15))
      return emitOpError() << "would have " << steps << " elements";
    count = scope.constant(static_cast<int64_t>(std::max(steps, 0.0)));
  }
  if (failed(scope.set(result, elementType, {count})))
    return failure();
  auto type = cast<RankedTensorType>(result.getType());
  if (start && delta && type.hasStaticShape() &&
      type.getNumElements() <= kMaxKnownElements) {
    Dims elements;
    for (int64_t index = 0; index < type.getNumElements(); ++index)
      elements.push_back(start->front() + index * *delta);
    scope.setElements(result, elements);
  }
  return success();
}

FailureOr<SmallVector<Value>> RangeOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getType());
  auto read = [&](Value operand) { return Scalar(l, onlyElement(l, operand)); };
  Scalar start = read(getStart()), limit = read(getLimit()),
         delta = read(getDelta());
  Dim dim = l.scope.dim(getOutput(), 0);
  Type computed = Value(start).getType();
  bool isFloat = isa<FloatType>(computed);
  if (isFloat && computed.getIntOrFloatBitWidth() < 32 && getStashType() == 1)
    computed = l.getF32Type();
  OpFoldResult size;
  if (l.scope.isOwn(dim, getOutput()) || (known(dim) && !isFloat)) {
    l.require(delta != 0, Status::BadValue, "a range with a step of 0");
    Scalar count(l, l.index(0));
    if (isFloat) {
      Type wide = l.getF64Type();
      Scalar steps = ceil((limit.toFloat(wide) - start.toFloat(wide)) /
                          delta.toFloat(wide));
      l.require(steps < 1e15, Status::BadValue, "a range without end");
      count = max(steps, steps.number(0)).toIndex();
    } else {
      Scalar zero(l, l.index(0)), one(l, l.index(1)),
          from = start.toIndex(), to = limit.toIndex(), step = delta.toIndex();
      Scalar length = max(select(step > 0, to - from, from - to), zero);
      count = ceilDiv(length, max(select(step > 0, step, -step), one));
    }
    size = l.agree(getAsOpFoldResult(Value(count)), dim);
  } else {
    size = l.checkedSize(dim);
  }
  return SmallVector<Value>{l.generate(
      elementType, {size},
      [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
        Scalar at(b, indices[0]), from(b, Value(start)), step(b, Value(delta));
        if (!isFloat)
          return from + at.toInteger(Value(from).getType()) * step;
        return (from.toFloat(computed) +
                at.toFloat(computed) * step.toFloat(computed))
            .toFloat(Value(from).getType());
      })};
}

//===- one_hot ------------------------------------------------------------===//

LogicalResult OneHotOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getIndices()), values = scope.dims(getValues()),
       depth = scope.dims(getDepth());
  FailureOr<int64_t> axis = normalizeAxis(*this, getAxis(), dims.size() + 1);
  if (failed(axis))
    return failure();
  if (values.size() != 1 || (known(values[0]) && !isKnown(values[0], 2)))
    return emitOpError() << "'values' has shape " << toString(values)
                         << " instead of 2";
  if (depth.size() > 1 ||
      (depth.size() == 1 && known(depth[0]) && !isKnown(depth[0], 1)))
    return emitOpError() << "'depth' has shape " << toString(depth)
                         << " instead of one element";
  std::optional<Dims> size =
      isa<IntegerType>(getElementTypeOrSelf(getDepth().getType()))
          ? scope.elementsOrSymbols(getDepth())
          : std::nullopt;
  if (size && known(size->front()).value_or(0) < 0)
    return emitOpError() << "'depth' is " << *known(size->front());
  dims.insert(dims.begin() + *axis, size ? size->front() : Dim());
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getValues().getType()), dims);
}

FailureOr<SmallVector<Value>> OneHotOp::lower(Lowering &l) {
  Value indices = l.lowered(getIndices()), values = l.lowered(getValues());
  Type indexType = getElementTypeOrSelf(getIndices().getType()),
       depthType = getElementTypeOrSelf(getDepth().getType());
  Type stored = getElementTypeOrSelf(values.getType());
  Dims dims = l.scope.dims(getOutput());
  int64_t rank = dims.size(), axis = *normalizeAxis(*this, getAxis(), rank);
  Value depth =
      castScalar(l, onlyElement(l, getDepth()), depthType, l.getI64Type());
  l.require(Scalar(l, depth) >= 0, Status::BadValue, "a negative depth");
  Scalar count = Scalar(l, depth).toIndex();
  l.require(Scalar(l, l.sizesOf(values)[0]) == 2, Status::BadShape,
            "two values of a one-hot tensor");
  SmallVector<OpFoldResult> sizes = l.sizesOf(indices);
  sizes.insert(sizes.begin() + axis,
               l.agree(getAsOpFoldResult(Value(count)), dims[axis]));
  Value off = tensor::ExtractOp::create(l, values, ValueRange(l.index(0))),
        on = tensor::ExtractOp::create(l, values, ValueRange(l.index(1)));
  AffineMap map = l.getMultiDimIdentityMap(rank).dropResult(axis);
  return SmallVector<Value>{l.generic(
      stored, sizes, {{indices, indexType, map}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar at(b, castScalar(b, args[0], indexType, b.getI64Type())),
            place(b, linalg::IndexOp::create(b, axis).getResult());
        at = select(at < 0, at + Scalar(b, depth), at);
        return arith::SelectOp::create(b, at == place.toInteger(b.getI64Type()),
                                       on, off);
      })};
}

//===- trilu --------------------------------------------------------------===//

LogicalResult TriluOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getInput());
  if (dims.size() < 2)
    return emitOpError() << "'input' has rank " << dims.size()
                         << " instead of 2 or more";
  if (getK() && llvm::any_of(scope.dims(getK()), [](Dim dim) {
        return known(dim) && !isKnown(dim, 1);
      }))
    return emitOpError() << "'k' has shape " << toString(scope.dims(getK()))
                         << " instead of one element";
  if (getK() && (!getElementTypeOrSelf(getK().getType()).isInteger(64) ||
                 scope.rank(getK()) > 1))
    return emitOpError() << "'k' is " << getK().getType()
                         << " instead of one i64";
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), dims);
}

FailureOr<SmallVector<Value>> TriluOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput());
  Type stored = getElementTypeOrSelf(tensor.getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t rank = sizes.size();
  if (getK())
    for (Dim dim : l.scope.dims(getK()))
      l.requireEqual(dim, l.scope.constant(1), "a diagonal is not one number");
  Value diagonal =
      l.index(getK() ? l.element(getK(), 0) : OpFoldResult(l.getIndexAttr(0)));
  Value zero = arith::ConstantOp::create(l, l.getZeroAttr(stored));
  return SmallVector<Value>{l.generic(
      stored, sizes, {{tensor, stored, l.getMultiDimIdentityMap(rank)}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar row(b, linalg::IndexOp::create(b, rank - 2).getResult()),
            column(b, linalg::IndexOp::create(b, rank - 1).getResult());
        Scalar offset = column - row, k(b, diagonal);
        return arith::SelectOp::create(
            b, getUpper() ? offset >= k : offset <= k, args[0], zero);
      })};
}
