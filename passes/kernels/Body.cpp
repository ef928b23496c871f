// Body.cpp - the scalar body of a linalg.generic on vectors.
#include "passes/kernels/Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace burnish;

static bool isElement(Type type) { return type.isIntOrIndexOrFloat(); }

bool burnish::isVectorisable(linalg::GenericOp generic) {
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (isa<linalg::IndexOp, arith::ConstantOp>(op))
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&op) ||
        op.getNumResults() != 1 ||
        !llvm::all_of(op.getOperandTypes(), isElement) ||
        !isElement(op.getResult(0).getType()))
      return false;
    // A value from outside may be a constant only.
    for (Value operand : op.getOperands())
      if (operand.getParentRegion() != &generic.getRegion() &&
          !matchPattern(operand, m_Constant()))
        return false;
  }
  Block *body = generic.getBody();
  return llvm::all_of(body->getTerminator()->getOperands(), [&](Value value) {
    return value.getParentRegion() == &generic.getRegion() ||
           matchPattern(value, m_Constant());
  });
}

Value burnish::spread(ImplicitLocOpBuilder &b, Value value, int64_t width) {
  if (width == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(
      b, VectorType::get({width}, value.getType()), value);
}

/// A product and the sum that it goes into may be one operation with one
/// rounding.
static void allowContraction(Operation *op) {
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op))
    return;
  auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
  auto with = flags.getValue() | arith::FastMathFlags::contract;
  op->setAttr("fastmath",
              arith::FastMathFlagsAttr::get(op->getContext(), with));
}

Operation *burnish::onLanes(ImplicitLocOpBuilder &b, Operation &op,
                            SmallVector<Value> operands, int64_t width) {
  bool isUniform = llvm::none_of(
      operands, [](Value value) { return isa<VectorType>(value.getType()); });
  Type type = op.getResult(0).getType();
  if (!isUniform) {
    for (Value &operand : operands)
      operand = spread(b, operand, width);
    type = VectorType::get({width}, type);
  }
  return b.create(OperationState(b.getLoc(), op.getName(), operands, {type},
                                 op.getAttrs()));
}

Value burnish::evaluate(ImplicitLocOpBuilder &b, linalg::GenericOp generic,
                        ArrayRef<Value> arguments, int64_t width,
                        llvm::function_ref<Value(unsigned)> indexOf) {
  Block *body = generic.getBody();
  IRMapping values;
  for (auto [argument, value] : llvm::zip(body->getArguments(), arguments))
    values.map(argument, value);
  auto mapped = [&](Value value) {
    if (Value found = values.lookupOrNull(value))
      return found;
    // A constant of the kernel's region.
    Operation *constant = value.getDefiningOp();
    Value copy =
        b.clone(*constant)->getResult(cast<OpResult>(value).getResultNumber());
    values.map(value, copy);
    return copy;
  };
  for (Operation &op : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      values.map(index.getResult(), indexOf(index.getDim()));
      continue;
    }
    Operation *copy =
        onLanes(b, op, llvm::map_to_vector(op.getOperands(), mapped), width);
    allowContraction(copy);
    values.map(op.getResult(0), copy->getResult(0));
  }
  return mapped(body->getTerminator()->getOperand(0));
}
