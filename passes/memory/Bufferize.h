// Bufferize.h - tensors become buffers.
#pragma once
#include "mlir/IR/DialectRegistry.h"

namespace burnish {

/// Tells bufferisation what kernels and barriers read and write.
void registerOwnBufferization(mlir::DialectRegistry &registry);

} // namespace burnish
