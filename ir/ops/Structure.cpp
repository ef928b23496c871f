// Structure.cpp - constants, and what holds a network together.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Structure.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerStructure(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Structure.cpp.inc"
      >();
}

//===- constant -----------------------------------------------------------===//

LogicalResult ConstantOp::inferShapes(ShapeScope &scope) {
  auto type = cast<ShapedType>(getValue().getType());
  Dims dims = llvm::map_to_vector(
      type.getShape(), [&](int64_t size) { return scope.constant(size); });
  return scope.set(getOperation()->getResult(0), type.getElementType(), dims);
}

FailureOr<SmallVector<Value>> ConstantOp::lower(Lowering &lowering) {
  return SmallVector<Value>{
      arith::ConstantOp::create(lowering, storedConstant(getValue()))};
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}

//===- identity -----------------------------------------------------------===//

/// The result is its operand, with all that is known of it.
static LogicalResult inferLike(OpResult result, Value operand,
                               ShapeScope &scope) {
  if (failed(scope.set(result, getElementTypeOrSelf(operand.getType()),
                       scope.dims(operand))))
    return failure();
  scope.copy(result, operand);
  return success();
}

LogicalResult IdentityOp::inferShapes(ShapeScope &scope) {
  return inferLike(getOperation()->getResult(0), getInput(), scope);
}

FailureOr<SmallVector<Value>> IdentityOp::lower(Lowering &lowering) {
  return SmallVector<Value>{lowering.lowered(getInput())};
}

OpFoldResult IdentityOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : OpFoldResult();
}

//===- barrier ------------------------------------------------------------===//

LogicalResult BarrierOp::inferShapes(ShapeScope &scope) {
  return inferLike(getOperation()->getResult(0), getInput(), scope);
}

FailureOr<SmallVector<Value>> BarrierOp::lower(Lowering &lowering) {
  Value input = lowering.lowered(getInput());
  return SmallVector<Value>{BarrierOp::create(lowering, input.getType(), input,
                                              lowering.lowered(getAfter()))
                                .getOutput()};
}

//===- shape --------------------------------------------------------------===//

/// The dims that the operator gives: `start` and `end` count from the end when
/// negative, and are clamped.
static Dims shownDims(ShapeOp op, ShapeScope &scope) {
  Dims dims = scope.dims(op.getData());
  int64_t rank = dims.size();
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  int64_t start = clamp(op.getStart()), end = clamp(op.getEnd().value_or(rank));
  return Dims(ArrayRef(dims).slice(start, std::max<int64_t>(end - start, 0)));
}

LogicalResult ShapeOp::inferShapes(ShapeScope &scope) {
  Dims shown = shownDims(*this, scope);
  OpResult result = getOperation()->getResult(0);
  if (failed(scope.set(result, IntegerType::get(getContext(), 64),
                       {scope.constant(shown.size())})))
    return failure();
  scope.setElements(result, shown);
  return success();
}

FailureOr<SmallVector<Value>> ShapeOp::lower(Lowering &lowering) {
  SmallVector<Value> elements;
  for (Dim dim : shownDims(*this, lowering.scope))
    elements.push_back(arith::IndexCastOp::create(
        lowering, lowering.getI64Type(), lowering.index(lowering.size(dim))));
  auto type = cast<RankedTensorType>(getType());
  if (elements.empty())
    return SmallVector<Value>{tensor::EmptyOp::create(
        lowering, ArrayRef<int64_t>{0}, lowering.getI64Type())};
  return SmallVector<Value>{
      tensor::FromElementsOp::create(lowering, type, elements)};
}

//===- gradient_at --------------------------------------------------------===//

LogicalResult GradientAtOp::inferShapes(ShapeScope &scope) {
  if (getVariables().size() != getValues().size() ||
      getNumResults() > getVariables().size())
    return emitOpError() << "has " << getVariables().size() << " variables, "
                         << getValues().size() << " values for them and "
                         << getNumResults() << " gradients";
  if (!isa<FloatType>(getElementTypeOrSelf(getY().getType())))
    return emitOpError() << "is that of " << getY().getType()
                         << ", whose elements are no floats";
  for (auto [variable, value] : llvm::zip_equal(getVariables(), getValues()))
    if (getElementTypeOrSelf(variable.getType()) !=
        getElementTypeOrSelf(value.getType()))
      return emitOpError() << "has " << value.getType() << " as a value of "
                           << variable.getType();
  for (auto [result, value] : llvm::zip(getGradients(), getValues())) {
    if (!isa<FloatType>(getElementTypeOrSelf(value.getType())))
      return emitOpError() << "is taken by " << value.getType()
                           << ", whose elements are no floats";
    if (failed(scope.set(cast<OpResult>(result),
                         getElementTypeOrSelf(value.getType()),
                         scope.dims(value))))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>> GradientAtOp::lower(Lowering &) {
  return emitOpError() << "is expanded before anything is lowered";
}
