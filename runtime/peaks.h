// peaks.h - what a machine can do at most.
#pragma once
#include "profile.h"

namespace burnish {

/// Billions of operations and gigabytes a second, of all threads together.
struct Peaks {
  /// Multiply-adds of f32 in vectors of the target's width, and products of
  /// bytes added up; 0 where the target has no instruction for these.
  double gflops, byteGops;
  /// Reading what stays in the second cache, in the last one, and in neither.
  double l2, l3, memory;
  /// The sizes of these caches: of one core, and of all.
  int64_t l2Bytes, l3Bytes;
};

/// Takes about a third of a second.
Peaks measurePeaks(const burnish_profile &target,
                   const burnish_context *context, int32_t threads);

} // namespace burnish
