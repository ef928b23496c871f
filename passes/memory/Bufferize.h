// Bufferize.h - tensors become buffers.
#pragma once
#include "mlir/IR/DialectRegistry.h"

namespace burnish {

/// Tells bufferisation what kernels read and write.
void registerKernelBufferization(mlir::DialectRegistry &registry);

} // namespace burnish
