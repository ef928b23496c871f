// UseWinograd.h - which convolutions are done by minimal filtering.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/schedules/Schedules.h"

namespace burnish {

/// Whether nn-use-winograd takes the convolution, where its sum of products
/// would take so many steps at once.
bool gainsFromWinograd(mlir::linalg::GenericOp op, const Machine &machine,
                       int64_t stepsAtOnce);

/// Replaces the gradient by 3x3 weights, if it is one, where that gains.
bool useWinogradByWeights(mlir::linalg::GenericOp op, mlir::OpBuilder &builder,
                          const Machine &machine);

} // namespace burnish
