// HoistChecks.h - sizes are compared before anything relies on them.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish {

/// Puts every check as far to the front of its block as what it compares
/// allows. What a check says of sizes becomes part of types, also of those
/// before it: of `matmul(relu(x), w)`, relu has as many columns as w has rows,
/// and would read so many of an x that has fewer.
void hoistChecks(mlir::func::FuncOp function);

} // namespace burnish
