// half.cpp - conversions of 16-bit floats that compilers call where a CPU has
// none; compiler-rt's, under its names.
#include <stdint.h>

// Where the language has the type, it says how the ABI passes it; elsewhere the
// bits travel as an integer.
#ifdef __FLT16_MANT_DIG__
using Half = _Float16;
#else
using Half = uint16_t;
#endif
#if defined(__x86_64__) || defined(__aarch64__) ||                             \
    (defined(__riscv) && defined(__riscv_flen))
using Brain = __bf16;
#else
using Brain = uint16_t;
#endif

/// Rounds a number given by its bits to a narrower format, to nearest and ties
/// to even; NaNs stay NaNs and quiet.
template <typename From, int kFromMantissa, int kToExponent, int kToMantissa>
static uint16_t narrow(From bits) {
  constexpr int kFromExponent = sizeof(From) * 8 - 1 - kFromMantissa,
                kDrop = kFromMantissa - kToMantissa;
  constexpr int kFromBias = (1 << (kFromExponent - 1)) - 1,
                kToBias = (1 << (kToExponent - 1)) - 1;
  constexpr From kOne = 1, kInfinity = ((kOne << kFromExponent) - 1)
                                       << kFromMantissa;
  constexpr uint16_t kToInfinity = ((1 << kToExponent) - 1) << kToMantissa;
  uint16_t sign =
      static_cast<uint16_t>(bits >> (sizeof(From) * 8 - 16)) & 0x8000;
  From magnitude = bits & ~(kOne << (sizeof(From) * 8 - 1));
  if (magnitude > kInfinity)
    return sign | kToInfinity | 1 << (kToMantissa - 1) |
           static_cast<uint16_t>((magnitude >> kDrop) &
                                 ((1 << (kToMantissa - 1)) - 1));

  int exponent =
      static_cast<int>(magnitude >> kFromMantissa) - kFromBias + kToBias;
  if (exponent >= (1 << kToExponent) - 1)
    return sign | kToInfinity;
  From significand = magnitude & ((kOne << kFromMantissa) - 1);
  int shift = kDrop;
  if (exponent <= 0) {
    // Below the normal numbers the leading one is written out. From formats
    // with the same exponents it already may be.
    bool isNormal = (magnitude >> kFromMantissa) != 0;
    if (isNormal)
      significand |= kOne << kFromMantissa;
    shift += isNormal ? 1 - exponent
             : kFromExponent == kToExponent
                 ? 0
                 : static_cast<int>(sizeof(From)) * 8;
    if (shift > kFromMantissa + 1)
      return sign;
    exponent = 0;
  }
  // A carry out of the significand is the next exponent, up to infinity.
  From rest = significand & ((kOne << shift) - 1), tie = kOne << (shift - 1);
  uint16_t result = static_cast<uint16_t>(
      (static_cast<From>(exponent) << kToMantissa) + (significand >> shift));
  if (rest > tie || (rest == tie && (result & 1)))
    ++result;
  return sign | result;
}

static uint32_t widenHalf(uint16_t half) {
  uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31,
           significand = half & 1023;
  if (exponent == 31)
    return sign | 0x7f800000 | significand << 13 | (significand ? 0x400000 : 0);
  if (exponent == 0) {
    if (significand == 0)
      return sign;
    int shift = __builtin_clz(significand) - 21;
    significand = significand << shift & 1023;
    exponent = static_cast<uint32_t>(1 - shift);
  }
  return sign | (exponent + 112) << 23 | significand << 13;
}

// Weak: a program that brings compiler-rt or libgcc uses theirs.
#define CONVERSION extern "C" __attribute__((weak, visibility("hidden")))

// Compilers call them so.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
CONVERSION float __extendhfsf2(Half half) {
  return __builtin_bit_cast(float,
                            widenHalf(__builtin_bit_cast(uint16_t, half)));
}
CONVERSION Half __truncsfhf2(float value) {
  return __builtin_bit_cast(
      Half, narrow<uint32_t, 23, 5, 10>(__builtin_bit_cast(uint32_t, value)));
}
CONVERSION Half __truncdfhf2(double value) {
  return __builtin_bit_cast(
      Half, narrow<uint64_t, 52, 5, 10>(__builtin_bit_cast(uint64_t, value)));
}
CONVERSION Brain __truncsfbf2(float value) {
  return __builtin_bit_cast(
      Brain, narrow<uint32_t, 23, 8, 7>(__builtin_bit_cast(uint32_t, value)));
}
CONVERSION Brain __truncdfbf2(double value) {
  return __builtin_bit_cast(
      Brain, narrow<uint64_t, 52, 8, 7>(__builtin_bit_cast(uint64_t, value)));
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
