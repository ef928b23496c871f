// BoundPairs.h - weights of which pairs of products with bytes fit 16 bits.
#pragma once
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>

namespace burnish {

/// What was taken from packed weights, vector by vector of lanes: for each, the
/// same number `most` of entries, of which the first ones count. An entry holds
/// four bytes for each lane, which go with four steps of the sum that follow
/// each other. `places` has for each vector the number of its entries, and then
/// for each entry the first of its steps, in 32 bits.
struct Excess {
  llvm::SmallVector<char> bytes, places;
  int64_t most;
};

/// Bounds signed bytes that are packed as [tiles][steps / 4][tile][4], so that
/// no pair of neighbouring steps of a lane, times bytes without sign, leaves 16
/// bits: nowhere do both of a pair go more than 128 beyond zero together. Every
/// `line` steps lie side by side in the other operand. Nothing where no pair
/// does.
std::optional<Excess> boundPairs(llvm::MutableArrayRef<char> packed,
                                 int64_t tiles, int64_t tile, int64_t width,
                                 int64_t line);

} // namespace burnish
