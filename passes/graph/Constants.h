// Constants.h - what is known when compiling.
#pragma once
#include "mlir/IR/Value.h"

namespace burnish {

/// Whether a value of known size depends on constants only, over a few
/// operators.
bool isOfConstants(mlir::Value value);

} // namespace burnish
