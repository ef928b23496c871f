// half.c - compares the conversions of half.cpp with plain arithmetic on
// doubles.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern float __extendhfsf2(_Float16);
extern _Float16 __truncsfhf2(float);
extern _Float16 __truncdfhf2(double);
extern __bf16 __truncsfbf2(float);
extern __bf16 __truncdfbf2(double);

static int failures;
#define BITS(to, from) memcpy(&(to), &(from), sizeof(to))

// The value of a float of 16 bits, by definition.
static double valueOf(uint16_t bits, int exponentBits) {
  int mantissaBits = 15 - exponentBits, most = (1 << exponentBits) - 1,
      bias = most / 2;
  int exponent = bits >> mantissaBits & most,
      mantissa = bits & ((1 << mantissaBits) - 1);
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == most)
    return mantissa ? NAN : sign * INFINITY;
  return sign * ldexp(exponent ? mantissa + (1 << mantissaBits) : mantissa,
                      (exponent ? exponent : 1) - bias - mantissaBits);
}
// The nearest number with so many bits, of ties the even one, by rounding to a
// multiple of its last place.
static double rounded(double value, int exponentBits) {
  if (value == 0 || isnan(value) || isinf(value))
    return value;
  int mantissaBits = 15 - exponentBits, bias = (1 << (exponentBits - 1)) - 1,
      exponent;
  frexp(value, &exponent);
  int place =
      (exponent - 1 < 1 - bias ? 1 - bias : exponent - 1) - mantissaBits;
  double result = ldexp(nearbyint(ldexp(value, -place)), place);
  return fabs(result) >= ldexp(1, bias + 1) ? copysign(INFINITY, value)
                                            : result;
}
static void check(const char *what, double input, uint16_t bits,
                  int exponentBits) {
  double got = valueOf(bits, exponentBits),
         wanted = rounded(input, exponentBits);
  if ((isnan(wanted) && isnan(got)) ||
      (got == wanted && !signbit(got) == !signbit(wanted)))
    return;
  if (failures++ < 10)
    printf("%s(%a) is %a and not %a\n", what, input, got, wanted);
}
static void checkAll(double wide) {
  float narrow = (float)wide;
  uint16_t bits;
  _Float16 half = __truncsfhf2(narrow);
  BITS(bits, half);
  check("__truncsfhf2", narrow, bits, 5);
  half = __truncdfhf2(wide);
  BITS(bits, half);
  check("__truncdfhf2", wide, bits, 5);
  __bf16 brain = __truncsfbf2(narrow);
  BITS(bits, brain);
  check("__truncsfbf2", narrow, bits, 8);
  brain = __truncdfbf2(wide);
  BITS(bits, brain);
  check("__truncdfbf2", wide, bits, 8);
}

int main(void) {
  for (uint32_t i = 0; i < 65536; ++i) {
    uint16_t bits = (uint16_t)i;
    _Float16 half;
    BITS(half, bits);
    double value = valueOf(bits, 5), got = (double)__extendhfsf2(half);
    if (!(isnan(value) && isnan(got)) &&
        (got != value || !signbit(got) != !signbit(value)) && failures++ < 10)
      printf("__extendhfsf2(%04x) is %a and not %a\n", i, got, value);
    // Each 16-bit float, the ties between it and the next, and what lies just
    // beside them.
    for (int exponentBits = 5; exponentBits <= 8; exponentBits += 3) {
      double here = valueOf(bits, exponentBits),
             next = valueOf((uint16_t)(i + 1), exponentBits);
      checkAll(here);
      if (isnan(here) || isnan(next) || isinf(here) || isinf(next))
        continue;
      double tie = (here + next) / 2;
      checkAll(tie);
      checkAll(nextafter(tie, here));
      checkAll(nextafter(tie, next));
      checkAll((double)nextafterf((float)tie, (float)here));
      checkAll((double)nextafterf((float)tie, (float)next));
    }
  }
  checkAll(65504), checkAll(65519.99), checkAll(65520), checkAll(-65536),
      checkAll(1e30), checkAll(1e300), checkAll(1e-300), checkAll(3.4e38),
      checkAll(INFINITY), checkAll(NAN);
  return failures != 0;
}
