// Initial.cpp - the first values of params.
//
// Nothing here calls libm, whose functions differ in their last bits from one
// machine to the next, and no product and sum are fused: +, -, *, / and sqrt
// round alike everywhere.
#include "runtime/train/Initial.h"
#include <bit>

#pragma STDC FP_CONTRACT OFF

using namespace burnish;

namespace {
/// Numbers that are a function of a key and a place (splitmix64).
class Generator {
public:
  Generator(const char *path, size_t length, uint64_t seed) {
    // FNV-1a, and then every bit of the key depends on all of it.
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; ++i)
      hash = (hash ^ static_cast<uint8_t>(path[i])) * 0x100000001B3u;
    key = mix(hash) ^ (seed * kStep);
  }

  /// In (0, 1).
  double unit(int64_t place) const {
    uint64_t bits = mix(key + (static_cast<uint64_t>(place) + 1) * kStep);
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
  }

private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15u;
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  uint64_t key;
};
} // namespace

/// The natural logarithm of a number in (0, 1), to 1e-13: log(m) + e log(2)
/// with m near 1, by the series of artanh.
static double logarithm(double x) {
  uint64_t bits = std::bit_cast<uint64_t>(x);
  int64_t exponent = static_cast<int64_t>(bits >> 52) - 1023;
  double m =
      std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  double t = (m - 1) / (m + 1), square = t * t, sum = 0;
  for (int n = 19; n >= 1; n -= 2)
    sum = sum * square + 1.0 / n;
  return 2 * t * sum + static_cast<double>(exponent) * 0.6931471805599453;
}

/// The number below which a standard normal one lies with probability `p`
/// (Wichura's algorithm AS 241, PPND7: seven digits, as many as floats have).
static double normalQuantile(double p) {
  double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    double r = 0.180625 - q * q;
    return q *
           (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r +
            3.3871327179) /
           (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }
  double r = __builtin_sqrt(-logarithm(q < 0 ? p : 1 - p)), value;
  if (r <= 5) {
    r -= 1.6;
    value = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r +
             1.4234372777) /
            ((0.12021132975 * r + 0.73700164250) * r + 1);
  } else {
    r -= 5;
    value = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r +
             6.6579051150) /
            ((0.012258202635 * r + 0.24197894225) * r + 1);
  }
  return q < 0 ? -value : value;
}

/// Makes the rows of a matrix orthogonal and of length `gain`, one after the
/// other, twice for those that are nearly dependent. With fewer columns than
/// rows, the columns. In place, so that it takes no memory: what lies there is
/// rounded to floats between the rows, and sums are of doubles.
static void orthogonalize(float *values, int64_t rows, int64_t columns,
                          double gain, const Generator &numbers) {
  bool isTall = rows > columns;
  int64_t count = isTall ? columns : rows, length = isTall ? rows : columns;
  // Element k of vector i.
  int64_t next = isTall ? 1 : columns, stride = isTall ? columns : 1;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t k = 0; k < length; ++k)
      values[i * next + k * stride] =
          static_cast<float>(normalQuantile(numbers.unit(i * length + k)));
  for (int64_t i = 0; i < count; ++i) {
    float *mine = values + i * next;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const float *other = values + j * next;
        double dot = 0;
        for (int64_t k = 0; k < length; ++k)
          dot += static_cast<double>(mine[k * stride]) *
                 static_cast<double>(other[k * stride]);
        for (int64_t k = 0; k < length; ++k)
          mine[k * stride] =
              static_cast<float>(static_cast<double>(mine[k * stride]) -
                                 dot * static_cast<double>(other[k * stride]));
      }
    double square = 0;
    for (int64_t k = 0; k < length; ++k)
      square += static_cast<double>(mine[k * stride]) *
                static_cast<double>(mine[k * stride]);
    double scale = square > 0 ? 1 / __builtin_sqrt(square) : 0;
    for (int64_t k = 0; k < length; ++k)
      mine[k * stride] =
          static_cast<float>(static_cast<double>(mine[k * stride]) * scale);
  }
  for (int64_t i = 0; i < rows * columns; ++i)
    values[i] = static_cast<float>(gain * static_cast<double>(values[i]));
}

void burnish::fillInitial(const InitialValues &initial, int64_t rows,
                          int64_t count, const char *path, size_t pathLength,
                          uint64_t seed, float *values) {
  Generator numbers(path, pathLength, seed);
  double a = initial.a, b = initial.b;
  int64_t columns = rows > 0 ? count / rows : 0;
  switch (initial.distribution) {
  case InitialValues::Uniform:
    for (int64_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(a + (b - a) * numbers.unit(i));
    return;
  case InitialValues::Normal:
    for (int64_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(a + b * normalQuantile(numbers.unit(i)));
    return;
  case InitialValues::Orthogonal:
    if (count > 0)
      orthogonalize(values, rows, columns, a, numbers);
    return;
  case InitialValues::Identity:
    for (int64_t i = 0; i < count; ++i)
      values[i] = i % (columns + 1) == 0;
    return;
  default:
    for (int64_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(a);
    return;
  }
}
