// Interfaces.cpp - what the passes may ask of an operator.
#include "ir/Interfaces.h"
#include "ir/Lowering.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

#include "ir/Interfaces.cpp.inc"

/// The elements of a small integer result, where the operator has a rule for
/// them.
static void followElements(Elementwise op, ShapeScope &scope) {
  OpResult result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  if (!type.hasStaticShape() || type.getRank() > 1 ||
      type.getNumElements() > kMaxKnownElements ||
      !isa<IntegerType>(type.getElementType()))
    return;
  SmallVector<Dims> operands;
  for (Value operand : op->getOperands()) {
    std::optional<Dims> elements = scope.elements(operand);
    if (!elements || elements->empty())
      return;
    operands.push_back(std::move(*elements));
  }
  Dims all;
  bool knowsAny = false;
  for (int64_t index = 0; index < type.getNumElements(); ++index) {
    SmallVector<Dim> args =
        llvm::map_to_vector(operands, [&](const Dims &elements) {
          return elements[elements.size() == 1 ? 0 : index];
        });
    all.push_back(op.known(scope, args));
    knowsAny |= static_cast<bool>(all.back());
  }
  if (knowsAny)
    scope.setElements(result, all);
}

LogicalResult nn::inferElementwise(Operation *op, ShapeScope &scope) {
  auto elementwise = cast<Elementwise>(op);
  if (op->getNumOperands() == 0)
    return op->emitOpError() << "has no operands";
  OperandRange alike = elementwise.getAlike();
  for (Value operand : alike)
    if (getElementTypeOrSelf(operand.getType()) !=
        getElementTypeOrSelf(alike[0].getType()))
      return op->emitOpError()
             << "operands have element types "
             << getElementTypeOrSelf(alike[0].getType()) << " and "
             << getElementTypeOrSelf(operand.getType());
  if (failed(elementwise.check()))
    return failure();
  FailureOr<Dims> dims = broadcastDims(
      op,
      llvm::map_to_vector(op->getOperands(),
                          [&](Value operand) { return scope.dims(operand); }),
      &scope);
  if (failed(dims) ||
      failed(scope.set(op->getResult(0), elementwise.getResultElementType(),
                       *dims)))
    return failure();
  followElements(elementwise, scope);
  return success();
}

FailureOr<SmallVector<Value>> nn::lowerElementwise(Operation *op,
                                                   Lowering &lowering) {
  return lowering.elementwise(op);
}
