// NoteBorders.cpp - what a sum over windows need not read.
#include "passes/loops/NoteBorders.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/kernels/Nest.h"

using namespace mlir;
using namespace burnish;

/// Zeros below and above the image, along each of its axes where windows have
/// taps that lie apart; null without any. Taps side by side meet the image
/// nearly everywhere, and their loops keep the lengths that are known.
static Attribute bordersOf(linalg::GenericOp op, OpOperand &operand) {
  auto pad = operand.get().getDefiningOp<tensor::PadOp>();
  if (!pad)
    return {};
  Value filling = pad.getConstantPaddingValue();
  if (!filling || !(matchPattern(filling, m_AnyZeroFloat()) ||
                    matchPattern(filling, m_Zero())))
    return {};
  unsigned rank = pad.getType().getRank();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> zeros(2 * rank, 0);
  for (unsigned axis = 0; axis < rank; ++axis) {
    int64_t low = pad.getStaticLow()[axis], high = pad.getStaticHigh()[axis];
    if (ShapedType::isDynamic(low) || ShapedType::isDynamic(high) ||
        low + high == 0 || !Border::along(op, map.getResult(axis)))
      continue;
    zeros[axis] = low;
    zeros[rank + axis] = high;
  }
  if (llvm::all_of(zeros, [](int64_t count) { return count == 0; }))
    return {};
  return DenseI64ArrayAttr::get(op.getContext(), zeros);
}

void burnish::noteBorders(linalg::GenericOp op) {
  SmallVector<Attribute> borders;
  bool hasAny = false;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    Attribute own = bordersOf(op, *operand);
    hasAny |= own != nullptr;
    borders.push_back(own ? own : DenseI64ArrayAttr::get(op.getContext(), {}));
  }
  if (hasAny)
    op->setAttr(kBordersAttr, ArrayAttr::get(op.getContext(), borders));
}
