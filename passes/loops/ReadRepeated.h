// ReadRepeated.h - products with what is repeated for several of their results.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace burnish {

/// Has a stack of products, some of whose sizes only the run knows, read what
/// was repeated along the stack, as the keys of heads that share them, where it
/// lies once.
mlir::LogicalResult readRepeated(mlir::linalg::GenericOp product,
                                 mlir::PatternRewriter &rewriter);

} // namespace burnish
