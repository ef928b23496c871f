// LookedUpBytes.h - functions of one byte from a table.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish {

/// Takes bytes of vectors that are computed, over many operations, of one other
/// byte and constants from a table of all 256, where the machine looks up that
/// many (vpermi2b): activations between a quantization and the next.
void lookUpBytes(mlir::func::FuncOp function);

} // namespace burnish
