// Random.h - random numbers that are a function of a seed and a place.
#pragma once
#include <stdint.h>

namespace burnish {

/// Four words that depend on 128 bits of counter and 64 of key alone:
/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3" (2011).
struct Philox {
  uint32_t words[4];

  Philox(const uint32_t (&counter)[4], const uint32_t (&key)[2]);
};

/// A sequence of numbers of its own for each (seed, stream). Any thread may
/// make one for its part of the work: nothing is shared, and the same pair
/// gives the same bits on any machine.
class Random {
public:
  explicit Random(uint64_t seed, uint64_t stream = 0)
      : seed(seed), stream(stream) {}

  uint32_t bits();
  uint64_t bits64() {
    uint64_t low = bits();
    return low | static_cast<uint64_t>(bits()) << 32;
  }
  /// A multiple of 2^-24 in [0, 1).
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  float uniform(float low, float high) {
    return low + (high - low) * uniform();
  }
  /// Mean 0 and deviation 1.
  float normal();
  /// A whole number in [0, n) for n > 0, each with the same probability.
  uint64_t below(uint64_t n);

  /// Continues as if `count` words had been taken.
  void seek(uint64_t count) {
    taken = count;
    hasSpare = false;
  }

private:
  uint64_t seed, stream, taken = 0, block = UINT64_MAX;
  uint32_t words[4];
  float spare = 0;
  bool hasSpare = false;
};

/// Writes the numbers from 0 to n - 1 in an order that depends on (seed, epoch)
/// alone, all orders alike.
void permute(int64_t *to, int64_t n, uint64_t seed, uint64_t epoch);
/// Puts `count` given numbers in such an order.
void shuffle(int64_t *numbers, int64_t count, uint64_t seed, uint64_t epoch);

} // namespace burnish
