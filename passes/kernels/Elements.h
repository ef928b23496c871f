// Elements.h - one pass along the elements of results or operands.
#pragma once
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The loop whose iterations lie side by side in vectors.
struct Lanes {
  unsigned loop;
  /// For a reduction: how partial results are put together.
  std::optional<mlir::vector::CombiningKind> kind;
};

/// Picks it; nothing when no loop is worth it.
std::optional<Lanes> chooseLanes(const Nest &nest);

} // namespace burnish
