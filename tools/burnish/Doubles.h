// Doubles.h - a network in f64 instead of what it was written in.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish {

/// Makes f64 of every float of 16 or 32 bits in a function of nn: types,
/// constants, and what attributes say of element types. Failure after a
/// diagnostic where the bits of a float are looked at.
llvm::LogicalResult computeInDoubles(mlir::func::FuncOp function);

} // namespace burnish
