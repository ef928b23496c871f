// UseWinograd.h - which convolutions are done by minimal filtering.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/kernels/Winograd.h"
#include "passes/schedules/Schedules.h"

namespace burnish {

/// The factors of 3x3 taps at each point, [points^2][3][3], with the taps from
/// the last to the first if `isTurned`.
mlir::Value makeTapFactors(mlir::ImplicitLocOpBuilder &b,
                           const WinogradTransform &transform, mlir::Type type,
                           bool isTurned);

/// Whether nn-use-winograd takes the convolution, where its sum of products
/// would take so many steps at once.
bool gainsFromWinograd(mlir::linalg::GenericOp op, const Machine &machine,
                       int64_t stepsAtOnce);

/// Replaces the gradient by 3x3 weights, if it is one, where that gains.
bool useWinogradByWeights(mlir::linalg::GenericOp op, mlir::OpBuilder &builder,
                          const Machine &machine);

} // namespace burnish
