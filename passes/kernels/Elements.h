// Elements.h - one pass along the elements of results or operands.
#pragma once
#include "passes/kernels/Combiner.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The loop whose iterations lie side by side in vectors.
struct Lanes {
  unsigned loop;
  /// For a reduction: how partial results are put together.
  std::optional<Combiner> combiner;
};

/// Picks it; nothing when no loop is worth it.
std::optional<Lanes> chooseLanes(const Nest &nest);

} // namespace burnish
