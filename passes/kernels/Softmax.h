// Softmax.h - exponentials divided by their sum, as passes over rows.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// The last of some passes divides e^(x - y) by the sum of these, where y is
/// the greatest x. No exponent is above zero, so that neither they nor their
/// sum are too large or too small, and nothing else needs y: if an x is no
/// number, it need not be one, since the exponential and so the sum is none.
struct Softmax {
  static std::optional<Softmax>
  of(llvm::ArrayRef<mlir::linalg::GenericOp> passes);

  mlir::linalg::GenericOp greatest, exponentials, sum;
  /// What is no number after the division becomes zero.
  bool isGuarded = false;
};

} // namespace burnish
