// WinogradWeights.h - 3x3 taps at the points of minimal filtering.
#pragma once
#include "passes/kernels/Winograd.h"
#include "passes/loops/TapConvolution.h"

namespace burnish {

/// The factors of 3x3 taps at each point, [points^2][3][3], with the taps from
/// the last to the first if `isTurned`.
mlir::Value makeTapFactors(mlir::ImplicitLocOpBuilder &b,
                           const WinogradTransform &transform, mlir::Type type,
                           bool isTurned);

/// The constant weights of a convolution at the points:
/// [points^2][C / lanes][lanes][O].
mlir::ElementsAttr transformWeights(const TapConvolution &conv,
                                    const WinogradTransform &transform,
                                    int64_t lanes);

/// The same of weights that only the run knows: at each point a sum over the
/// taps, whose factors are a constant.
mlir::Value transformInRun(mlir::ImplicitLocOpBuilder &b,
                           const TapConvolution &conv,
                           const WinogradTransform &transform,
                           mlir::Value weights, int64_t lanes);

} // namespace burnish
