// Constants.cpp - what is known when compiling.
#include "passes/graph/Constants.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;

static bool isOfConstants(Value value, unsigned depth) {
  constexpr unsigned kDeepest = 16;
  Operation *op = value.getDefiningOp();
  if (!op || depth > kDeepest || !isMemoryEffectFree(op) ||
      op->getNumRegions() > 0 ||
      !cast<ShapedType>(value.getType()).hasStaticShape())
    return false;
  return isa<nn::ConstantOp>(op) ||
         (isa<nn::Lowerable>(op) && op->getNumOperands() > 0 &&
          llvm::all_of(op->getOperands(), [&](Value operand) {
            return isOfConstants(operand, depth + 1);
          }));
}

bool burnish::isOfConstants(Value value) { return ::isOfConstants(value, 0); }
