// WideMath.cpp - functions of vectors of f64 as polynomials, of least greatest
// error each.
#include "passes/kernels/WideMath.h"
#include <limits>

using namespace mlir;
using namespace burnish;

/// ln(2) in two parts: multiples of the first by any exponent are exact.
constexpr double kLn2 = 0.6931471804855391, kLn2Rest = 7.440617110012397e-11;

std::pair<Value, Value> WideMath::reduced(Value x) {
  Value origin = number(magic()),
        shifted = fma(x, number(1.4426950408889634), origin),
        n = sub(shifted, origin);
  Value r = fma(n, number(-kLn2Rest), fma(n, number(-kLn2), x));
  return {r, bits(shifted)};
}

Value WideMath::powerTail(Value r) {
  Value tail = polynomial(r, {0.5000000000000012, 0.166666666666667,
                              0.041666666666515646, 0.008333333333306428,
                              0.00138888889469637, 0.0001984126991887046,
                              2.4801489990057425e-05, 2.755721513944234e-06,
                              2.76312648444415e-07, 2.511818417701393e-08});
  return fma(mul(r, r), tail, r);
}

Value WideMath::oneFactor(Value shifted) {
  // What is above n is shifted out.
  return fromBits(arith::AddIOp::create(
      b, arith::ShLIOp::create(b, shifted, integer(fractionBits())),
      integer(bias() << fractionBits())));
}

Value WideMath::exp(Value x) {
  x = atMost(atLeast(x, number(-746.0)), number(710.0));
  auto [r, shifted] = reduced(x);
  auto [first, second] = twoFactors(shifted);
  return mul(mul(add(powerTail(r), number(1.0)), first), second);
}

Value WideMath::expm1(Value x) {
  // What is less ends in -1.
  Value near = atMost(atLeast(x, number(-40.0)), number(710.0));
  auto [r, shifted] = reduced(near);
  auto [first, second] = twoFactors(shifted);
  Value reciprocal = fromBits(arith::SubIOp::create(
      b, integer(2 * bias() << fractionBits()), bits(second)));
  Value result = mul(second, fma(powerTail(r), first, sub(first, reciprocal)));
  // Of 0 its sign, and of denormal numbers all bits.
  return select(less(magnitude(x), number(0x1p-54)), x, result);
}

Value WideMath::log(Value x) {
  Value isSmall = less(x, number(std::numeric_limits<double>::min())),
        scaled = select(isSmall, mul(x, number(0x1p54)), x);
  Value exponent = binaryLog(scaled);
  Value mantissa = fromBits(arith::SubIOp::create(
      b, bits(scaled),
      arith::ShLIOp::create(b, exponent, integer(fractionBits()))));
  Value k = arith::AddIOp::create(
      b, exponent, Value(select(isSmall, integer(-54), integer(0))));
  Value result = sumOfLog(k, sub(mantissa, number(1.0)));
  // What is no positive number keeps its meaning.
  double infinity = std::numeric_limits<double>::infinity();
  result = select(less(x, number(infinity)), result, x);
  result = select(less(x, number(0.0)),
                  number(std::numeric_limits<double>::quiet_NaN()), result);
  return select(equal(x, number(0.0)), number(-infinity), result);
}

Value WideMath::binaryLog(Value x) {
  Value least = integer(0x3fe6a09e667f3bcd); // sqrt(1/2)
  return arith::ShRSIOp::create(b, arith::SubIOp::create(b, bits(x), least),
                                integer(fractionBits()));
}

Value WideMath::sumOfLog(Value k, Value f) {
  // ln(1 + f) = f - f^2/2 + s (f^2/2 + R) with s = f / (2 + f).
  Value s = div(f, add(f, number(2.0))), z = mul(s, s),
        half = mul(mul(f, f), number(0.5));
  Value rest = mul(z, polynomial(z, {0.6666666666666734, 0.3999999999941474,
                                     0.2857142874239265, 0.22222198571113538,
                                     0.18183564509206024, 0.15314043983319817,
                                     0.147960338660724}));
  // An integer beside 1.5 * 2^52 needs no instruction of its own to be f64.
  Value origin = number(magic()),
        times =
            sub(fromBits(arith::AddIOp::create(b, k, bits(origin))), origin);
  Value small = fma(s, add(half, rest), mul(times, number(kLn2Rest)));
  return fma(times, number(kLn2), sub(f, sub(half, small)));
}

Value WideMath::log1p(Value x) {
  // Beside what is above 2^512 the 1 is nothing, and 2^-k is in range for the
  // rest.
  Value isLarge = less(number(0x1p512), x),
        part = select(isLarge, mul(x, number(0x1p-512)), x),
        one = select(isLarge, number(0.0), number(1.0));
  Value exponent = binaryLog(add(part, one)),
        scale = powerOfTwo(arith::SubIOp::create(b, integer(0), exponent));
  // f = 2^-k (1 + x) - 1, rounded once where it matters.
  Value f = fma(part, scale, fma(one, scale, number(-1.0)));
  Value k = arith::AddIOp::create(
      b, exponent, Value(select(isLarge, integer(512), integer(0))));
  Value result = sumOfLog(k, f);
  double infinity = std::numeric_limits<double>::infinity();
  result = select(less(x, number(infinity)), result, x);
  result = select(less(x, number(-1.0)),
                  number(std::numeric_limits<double>::quiet_NaN()), result);
  result = select(equal(x, number(-1.0)), number(-infinity), result);
  return select(less(magnitude(x), number(0x1p-54)), x, result);
}

Value WideMath::tanh(Value x) {
  // Of what is greater the result is 1.
  Value t = atMost(magnitude(x), number(20.0));
  auto [r, shifted] = reduced(add(t, t));
  Value scale = oneFactor(shifted),
        e = fma(powerTail(r), scale, sub(scale, number(1.0)));
  return withSignOf(div(e, add(e, number(2.0))), x);
}

Value WideMath::erf(Value x) {
  Value size = magnitude(x), square = mul(x, x);
  Value near =
      fma(polynomial(square, {0.12837916709551256, -0.3761263890318355,
                              0.11283791670945253, -0.02686617064327622,
                              0.005223977607423468, -0.0008548325989696758,
                              0.00012055295320494294, -1.4924744663335489e-05,
                              1.6447517677871873e-06, -1.6209175911748696e-07,
                              1.3722976265924504e-08, -7.801188874097751e-10}),
          x, x);
  // Beyond 5.95 the result is 1; the polynomial is good up to there.
  Value t = atMost(size, number(5.95));
  Value power = polynomial(
      t, {-1.8443080414558442e-07, -1.1283772819296687, -0.6366287059695668,
          -0.10274663595327624, 0.01907694167482884, 0.00028224922898271743,
          -0.0017709489216310287, 0.0006428545339394146, -4.597050697165566e-05,
          -6.974235028937259e-05, 4.476632302448495e-05, -1.642020555474238e-05,
          4.301419667453792e-06, -8.45113159143352e-07, 1.2481733942174915e-07,
          -1.3520539117527098e-08, 1.0169006324517203e-09,
          -4.750919292400343e-11, 1.0388525816824444e-12});
  auto [r, shifted] = reduced(power);
  Value scale = oneFactor(shifted), rest = fma(powerTail(r), scale, scale);
  Value far = withSignOf(sub(number(1.0), rest), x);
  return select(less(size, number(1.0)), near, far);
}
