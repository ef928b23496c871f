// Initial.h - the first values of params: a function of their path and a seed,
// the same bits on every machine. The language calls this as well, so that a
// network that was never trained is the one that a training begins with.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace burnish {

/// A distribution by the numbers of burnish_distribution, with what it takes.
struct InitialValues {
  enum Distribution { Constant, Uniform, Normal, Orthogonal, Identity };

  int32_t distribution;
  double a, b;
};

/// Fills a tensor of `count` elements, whose first dim is `rows` (1 for a
/// scalar). Takes no memory.
void fillInitial(const InitialValues &initial, int64_t rows, int64_t count,
                 const char *path, size_t pathLength, uint64_t seed,
                 float *values);

} // namespace burnish
