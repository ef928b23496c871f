// Rounding.h - which products are rounded before they go into a sum.
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace burnish::nn {

/// Says of an arith.mulf that what follows sees its rounded result, so that no
/// sum takes it in (a * b + c with one rounding). Products have no use for the
/// flag by itself: it lets a division become a product with the reciprocal.
inline constexpr mlir::arith::FastMathFlags kRoundedProduct =
    mlir::arith::FastMathFlags::arcp;

} // namespace burnish::nn
