// WinogradRewriter.h - a convolution with 3x3 taps in tiles.
#pragma once
#include "passes/kernels/Winograd.h"
#include "passes/loops/TapConvolution.h"
#include "passes/schedules/Schedules.h"

namespace burnish {

/// Writes a convolution, with what follows it, as tiles of its image at the
/// points, products there, and results of these, before its last operation.
/// `shape` is noted on the kernels. Returns the result.
mlir::Value rewriteByTiles(mlir::OpBuilder &builder, TapConvolution &conv,
                           const WinogradSchedule &schedule,
                           mlir::StringAttr shape);

/// A kernel that transforms tiles, `elements` in all, with a region that has
/// its arguments and no operation yet: there the builder goes.
nn::KernelOp startTransform(mlir::ImplicitLocOpBuilder &b,
                            llvm::StringRef algorithm, int64_t lanes,
                            double elements, mlir::ValueRange inputs,
                            mlir::Value out);

} // namespace burnish
