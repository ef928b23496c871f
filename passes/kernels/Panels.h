// Panels.h - operands of products that only the run knows, as tiles read them.
#pragma once
#include "ir/Kernel.h"

namespace burnish {

/// Has a kernel read an operand through panels of its schedule's lanes, which
/// another kernel lays out before: the operand's axes in `order`, `cut` by
/// panels, and the lanes of a panel innermost; with pairs of elements along the
/// last axis of `order`, which is `paired`, within each lane. That kernel
/// stands outside of loops that leave the operand as it is. One operation of
/// the region reads the operand.
void readInPanels(nn::KernelOp kernel, unsigned argument, int64_t cut,
                  llvm::ArrayRef<int64_t> order,
                  std::optional<int64_t> paired = {});

} // namespace burnish
