// ScaleResults.h - products of what was multiplied by a number.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace burnish {

/// Multiplies the results of a product by the number that its larger operand is
/// multiplied by, as half the scale of attention is on keys: a cache of them is
/// read as it is then, and no scaled copy is made.
mlir::LogicalResult scaleResults(mlir::linalg::GenericOp product,
                                 mlir::PatternRewriter &rewriter);

} // namespace burnish
