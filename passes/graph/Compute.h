// Compute.h - operators on constants, computed without code made for them.
#pragma once
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace burnish {

/// The only result of `op`, an operator of nn, from its operands: other orders
/// and shapes, sums and products, conversions to wider types. Null where it
/// takes more than that. Each element has the bits that code at level 0 gives.
mlir::ElementsAttr compute(mlir::Operation *op,
                           llvm::ArrayRef<mlir::ElementsAttr> operands);

} // namespace burnish
