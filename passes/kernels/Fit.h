// Fit.h - kernels with the buffers that they have.
#pragma once
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// What a type tells of where a buffer lies; the rest is null.
Layout layoutOf(mlir::MemRefType type);

/// Whether the kernel's schedule can be done with the kernel's buffers.
/// Schedules are chosen for operands that are row-major without gaps, and for
/// these they always can; views may lie otherwise.
bool fitsBuffers(nn::KernelOp kernel);
/// The same for a nest that was read with the layouts of the buffers.
bool fitsBuffers(nn::KernelOp kernel, const Nest &nest);

} // namespace burnish
