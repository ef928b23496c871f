// Body.h - the scalar body of a linalg.generic on vectors.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// Whether every operation of the body can be done on vectors.
bool isVectorisable(mlir::linalg::GenericOp generic);

/// The body's result for `width` elements at once. Arguments are scalars (the
/// same for all elements) or vectors; what depends on scalars only is computed
/// once. `indexOf` gives the index of a loop, also as a scalar or a vector.
mlir::Value evaluate(mlir::ImplicitLocOpBuilder &builder,
                     mlir::linalg::GenericOp generic,
                     llvm::ArrayRef<mlir::Value> arguments, int64_t width,
                     llvm::function_ref<mlir::Value(unsigned loop)> indexOf);

/// One operation of a body for `width` elements at once, from operands that are
/// scalars or vectors; for one where all are scalars.
mlir::Operation *onLanes(mlir::ImplicitLocOpBuilder &builder,
                         mlir::Operation &op,
                         llvm::SmallVector<mlir::Value> operands,
                         int64_t width);

/// The attribute of an exponential whose operand is never above zero.
constexpr llvm::StringLiteral kNotPositiveAttr = "nn.not_positive";

/// `value` as a vector of `width` elements, if it is none; itself when `width`
/// is 1.
mlir::Value spread(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                   int64_t width);

} // namespace burnish
