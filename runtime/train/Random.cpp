// Random.cpp - random numbers that are a function of a seed and a place.
#include "Random.h"

// The same bits everywhere: no multiplication and addition as one.
#pragma clang fp contract(off)

using namespace burnish;

Philox::Philox(const uint32_t (&counter)[4], const uint32_t (&key)[2]) {
  constexpr uint32_t kMultiplyA = 0xd2511f53, kMultiplyB = 0xcd9e8d57,
                     kStepA = 0x9e3779b9, kStepB = 0xbb67ae85;
  uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3],
           keyA = key[0], keyB = key[1];
  for (int round = 0; round < 10; ++round, keyA += kStepA, keyB += kStepB) {
    uint64_t first = static_cast<uint64_t>(kMultiplyA) * a,
             second = static_cast<uint64_t>(kMultiplyB) * c;
    a = static_cast<uint32_t>(second >> 32) ^ b ^ keyA;
    b = static_cast<uint32_t>(second);
    c = static_cast<uint32_t>(first >> 32) ^ d ^ keyB;
    d = static_cast<uint32_t>(first);
  }
  words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

uint32_t Random::bits() {
  if (uint64_t wanted = taken / 4; wanted != block) {
    block = wanted;
    Philox made(
        {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
         static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
        {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    for (int i = 0; i < 4; ++i)
      words[i] = made.words[i];
  }
  return words[taken++ % 4];
}

uint64_t Random::below(uint64_t n) {
  // The high half of a product with n, where the few low halves that would make
  // some numbers likelier are drawn again (Lemire 2019).
  uint64_t threshold = (0 - n) % n;
  for (;;) {
    unsigned __int128 product = static_cast<unsigned __int128>(bits64()) * n;
    if (static_cast<uint64_t>(product) >= threshold)
      return static_cast<uint64_t>(product >> 64);
  }
}

//===- normal numbers ---===//

// Of our own, as each libm rounds in its way and a run must not depend on it.

/// The natural logarithm for normal numbers, to about 1e-15.
static double logarithm(double x) {
  uint64_t word = __builtin_bit_cast(uint64_t, x);
  int exponent = static_cast<int>(word >> 52) - 1023;
  double m =
      __builtin_bit_cast(double, (word & ((1ull << 52) - 1)) | 1023ull << 52);
  if (m > 1.4142135623730951)
    m *= 0.5, ++exponent;
  // log m = 2 artanh(z), |z| < 0.172.
  double z = (m - 1) / (m + 1), square = z * z, sum = 0;
  for (int i = 21; i >= 1; i -= 2)
    sum = sum * square + 1.0 / i;
  return exponent * 0.6931471805599453 + 2 * z * sum;
}

/// Sine and cosine of a turn's fraction in [0, 1).
static void turn(double fraction, double &sine, double &cosine) {
  int eighth = static_cast<int>(fraction * 8 + 0.5) & ~1;
  // At most an eighth of a turn on either side of a quarter.
  double x = (fraction - eighth * 0.125) * 6.283185307179586, square = x * x;
  double s = 1, c = 1;
  for (int i = 18; i >= 2; i -= 2) {
    s = 1 - s * square / (i * (i + 1));
    c = 1 - c * square / (i * (i - 1));
  }
  s *= x;
  switch (eighth / 2 % 4) {
  case 0:
    sine = s, cosine = c;
    break;
  case 1:
    sine = c, cosine = -s;
    break;
  case 2:
    sine = -s, cosine = -c;
    break;
  default:
    sine = -c, cosine = s;
    break;
  }
}

float Random::normal() {
  if (hasSpare) {
    hasSpare = false;
    return spare;
  }
  // Box and Muller's pair; never log 0.
  double radius = __builtin_sqrt(-2 * logarithm((bits() + 1.0) * 0x1p-32));
  double sine, cosine;
  turn(bits() * 0x1p-32, sine, cosine);
  spare = static_cast<float>(radius * sine);
  hasSpare = true;
  return static_cast<float>(radius * cosine);
}

//===- orders ---===//

void burnish::shuffle(int64_t *numbers, int64_t count, uint64_t seed,
                      uint64_t epoch) {
  Random random(seed, epoch);
  for (int64_t i = count - 1; i > 0; --i) {
    int64_t other =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(i) + 1));
    int64_t kept = numbers[i];
    numbers[i] = numbers[other];
    numbers[other] = kept;
  }
}

void burnish::permute(int64_t *to, int64_t n, uint64_t seed, uint64_t epoch) {
  for (int64_t i = 0; i < n; ++i)
    to[i] = i;
  shuffle(to, n, seed, epoch);
}
