// Words.h - elements of 8 or 16 bits, of which one instruction multiplies those
// of several steps of a sum.
#pragma once
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// LLVM knows its intrinsics by their names. As calls of functions they pass
/// through what would stop at operations with unknown effects.
mlir::Value callIntrinsic(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name,
                          mlir::Type result, mlir::ValueRange operands);

/// The elements of a vector as one integer, and these in each lane of a vector.
mlir::Value wordOf(mlir::ImplicitLocOpBuilder &b, mlir::Value elements);
mlir::Value wordInLanes(mlir::ImplicitLocOpBuilder &b, mlir::Value word,
                        int64_t lanes, mlir::Type element);

/// The sum, of 4, 8 or 16 lanes, with both products of each lane's pairs of
/// bf16.
mlir::Value addHalfPairs(mlir::ImplicitLocOpBuilder &b, mlir::Value sum,
                         mlir::Value left, mlir::Value right);

} // namespace burnish
