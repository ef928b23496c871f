// SmallFloats.h - floats of at most 8 bits, which no machine computes with, to
// and from f32.
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish::nn {

/// Whether elements of this type lie in memory as bits that `decodeFloat`
/// reads.
bool isSmallFloat(mlir::Type elementType);

/// The f32 that the bits (i8) of a small float stand for. Exact.
mlir::Value decodeFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Value bits,
                        mlir::FloatType type);

/// The bits (i8) of the small float nearest to an f32, ties to even. What is
/// too large becomes an infinity, a NaN or the greatest number, the first of
/// them that the type has.
mlir::Value encodeFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                        mlir::FloatType type);

/// An f32 kept within the numbers of a small float; infinities too, NaN stays.
mlir::Value clampToFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         mlir::FloatType type);

/// A positive f32 as a power of two that f8E8M0FNU has: ONNX's Cast with
/// `round_mode` "up", "down" or "nearest".
mlir::Value roundToPowerOfTwo(mlir::ImplicitLocOpBuilder &builder,
                              mlir::Value value, bool saturate,
                              llvm::StringRef roundMode);

/// An f64 as an f32 whose last bit is 1 when it is inexact, so that a second
/// rounding gives what one would have.
mlir::Value roundToOdd(mlir::ImplicitLocOpBuilder &builder, mlir::Value value);

} // namespace burnish::nn
