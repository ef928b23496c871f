// Bufferize.h - tensors become buffers.
#pragma once
#include "ir/Kernel.h"
#include "mlir/IR/DialectRegistry.h"

namespace burnish {

/// Tells bufferisation what kernels and barriers read and write.
void registerOwnBufferization(mlir::DialectRegistry &registry);

/// Whether a kernel is one pass along the elements of these operands, which
/// reads each before it is written.
bool isElementwise(nn::KernelOp kernel,
                   llvm::ArrayRef<mlir::OpOperand *> operands);

} // namespace burnish
