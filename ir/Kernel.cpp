// Kernel.cpp - groups of loops that become one function.
#include "ir/Kernel.h"

#define GET_OP_CLASSES
#include "ir/Kernel.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerKernel(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/Kernel.cpp.inc"
      >();
}

void KernelOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getInputsMutable())
    if (isa<BaseMemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : getOutsMutable())
    if (isa<BaseMemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getNumOperands())
    return emitOpError() << "has " << getNumOperands()
                         << " operands and a region of "
                         << block.getNumArguments() << " arguments";
  for (auto [index, type, argument] :
       llvm::enumerate(getOperandTypes(), block.getArguments())) {
    auto shaped = dyn_cast<ShapedType>(type),
         inside = dyn_cast<ShapedType>(argument.getType());
    bool fits = shaped && inside
                    ? shaped.getElementType() == inside.getElementType() &&
                          succeeded(verifyCompatibleShape(shaped, inside))
                    : type == argument.getType();
    if (!fits)
      return emitOpError() << "operand " << index << " is " << type
                           << " and its argument is " << argument.getType();
  }
  if (block.getTerminator()->getNumOperands() != getOuts().size())
    return emitOpError() << "yields " << block.getTerminator()->getNumOperands()
                         << " values for " << getOuts().size() << " outs";
  return success();
}
