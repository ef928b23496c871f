// OrderStacks.h - stacks of products where their axes lie.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// Has a stack of products, as of the heads of attention, read operands before
/// their axes are put into another order, and write results behind such a
/// change, where it still finds elements of a line side by side, or can turn
/// them as it reads.
void orderStack(mlir::linalg::GenericOp product, int64_t vectorBits);

} // namespace burnish
