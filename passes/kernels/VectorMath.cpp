// VectorMath.cpp - functions of vectors of f32 as polynomials.
#include "passes/kernels/VectorMath.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Words.h"
#include <cmath>

using namespace mlir;
using namespace burnish;

/// Beyond this, a multiple of pi/2 in two parts is not exact any more.
constexpr float kFarAngle = 1.0e6f;
/// By 2^this the sum is less of which silu is a quotient.
constexpr int kSiluScale = -6;

std::pair<Value, Value> VectorMath::splitExp(Value x) {
  auto [r, shifted] = reduced(x);
  return {add(powerTail(r), number(1.0f)), shifted};
}

std::pair<Value, Value> VectorMath::reduced(Value x) {
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
  Value rounder = number(magic()),
        shifted = fma(x, number(1.44269504f), rounder),
        n = sub(shifted, rounder);
  Value r = fma(n, number(2.12194440e-4f), fma(n, number(-0.693359375f), x));
  return {r, bits(shifted)};
}

Value VectorMath::powerTail(Value r) {
  Value tail =
      polynomial(r, {0.5f, 1.6666665459e-1f, 4.1665795894e-2f, 8.3334519073e-3f,
                     1.3981999507e-3f, 1.9875691500e-4f});
  return fma(mul(r, r), tail, r);
}

Value VectorMath::exp(Value x) {
  Value least = number(-104.0f), most = number(89.0f);
  x = select(less(x, least), least, x);
  x = select(less(most, x), most, x);
  auto [power, shifted] = splitExp(x);
  auto [first, second] = twoFactors(shifted);
  return mul(mul(power, first), second);
}

std::pair<Value, Value> VectorArithmetic::twoFactors(Value shifted) {
  Value whole = arith::SubIOp::create(b, shifted, bits(number(magic()))),
        half = arith::ShRSIOp::create(b, whole, integer(1));
  return {powerOfTwo(half), powerOfTwo(arith::SubIOp::create(b, whole, half))};
}

Value VectorMath::expm1(Value x) {
  // What is less ends in -1.
  Value least = number(-20.0f), most = number(89.0f);
  Value near = select(less(x, least), least, x);
  near = select(less(most, near), most, near);
  auto [r, shifted] = reduced(near);
  auto [first, second] = twoFactors(shifted);
  Value reciprocal =
      fromBits(arith::SubIOp::create(b, integer(254 << 23), bits(second)));
  Value rest = sub(first, reciprocal);
  Value result = mul(second, fma(powerTail(r), first, rest));
  // Of 0 its sign, and of denormal numbers all bits.
  return select(less(magnitude(x), number(0x1p-26f)), x, result);
}

Value VectorMath::log(Value x) {
  Value isSmall = less(x, number(std::numeric_limits<float>::min())),
        scaled = select(isSmall, mul(x, number(0x1p25f)), x);
  Value exponent = binaryLog(scaled);
  Value mantissa = fromBits(arith::SubIOp::create(
      b, bits(scaled), arith::ShLIOp::create(b, exponent, integer(23))));
  Value f = sub(mantissa, number(1.0f)),
        k = add(arith::SIToFPOp::create(b, type, exponent),
                select(isSmall, number(-25.0f), number(0.0f)));
  Value result = sumOfLog(k, f);
  // What is no positive number keeps its meaning.
  float infinity = std::numeric_limits<float>::infinity();
  result = select(less(x, number(infinity)), result, x);
  result = select(less(x, number(0.0f)),
                  number(std::numeric_limits<float>::quiet_NaN()), result);
  return select(equal(x, number(0.0f)), number(-infinity), result);
}

Value VectorMath::binaryLog(Value x) {
  Value least = integer(0x3f3504f3); // sqrt(1/2)
  return arith::ShRSIOp::create(b, arith::SubIOp::create(b, bits(x), least),
                                integer(23));
}

Value VectorMath::sumOfLog(Value k, Value f) {
  Value tail = polynomial(f, {0.33333313f, -0.2500001f, 0.20002124f,
                              -0.16668005f, 0.14219452f, -0.124053404f,
                              0.11888698f, -0.116775155f, 0.067477286f});
  Value square = mul(f, f),
        rest = fma(k, number(-2.12194440e-4f), mul(mul(square, f), tail));
  return fma(k, number(0.693359375f), add(f, fma(square, number(-0.5f), rest)));
}

Value VectorMath::log1p(Value x) {
  // Beside what is above 2^64 the 1 is nothing, and 2^-k is in range for the
  // rest.
  Value isLarge = less(number(0x1p64f), x),
        part = select(isLarge, mul(x, number(0x1p-64f)), x),
        one = select(isLarge, number(0.0f), number(1.0f));
  Value exponent = binaryLog(add(part, one)),
        scale = fromBits(arith::ShLIOp::create(
            b, arith::SubIOp::create(b, integer(127), exponent), integer(23)));
  // f = 2^-k (1 + x) - 1, rounded once where it matters.
  Value f = fma(part, scale, fma(one, scale, number(-1.0f))),
        k = add(arith::SIToFPOp::create(b, type, exponent),
                select(isLarge, number(64.0f), number(0.0f)));
  Value result = sumOfLog(k, f);
  float infinity = std::numeric_limits<float>::infinity();
  result = select(less(x, number(infinity)), result, x);
  result = select(less(x, number(-1.0f)),
                  number(std::numeric_limits<float>::quiet_NaN()), result);
  result = select(equal(x, number(-1.0f)), number(-infinity), result);
  return select(less(magnitude(x), number(0x1p-26f)), x, result);
}

Value VectorMath::sin(Value x) { return angle<math::SinOp>(x, 0); }
Value VectorMath::cos(Value x) { return angle<math::CosOp>(x, 1); }

template <typename Op> Value VectorMath::angle(Value x, int64_t quarters) {
  auto isFar = [&](auto predicate, float bound) -> Value {
    return arith::CmpFOp::create(b, predicate, magnitude(x), number(bound));
  };
  Value isLarge = arith::AndIOp::create(
      b, isFar(arith::CmpFPredicate::OGT, kFarAngle),
      isFar(arith::CmpFPredicate::OLT, std::numeric_limits<float>::infinity()));
  Value isAnyLarge =
      vector::ReductionOp::create(b, vector::CombiningKind::OR, isLarge);
  auto branch = scf::IfOp::create(b, TypeRange(type), isAnyLarge,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, eachAlone<Op>(x));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, nearAngle(x, quarters));
  return branch.getResult(0);
}

template <typename Op> Value VectorMath::eachAlone(Value x) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto loop = scf::ForOp::create(b, index(0), index(type.getNumElements()),
                                 index(1), ValueRange(x));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  OpFoldResult lane = loop.getInductionVar();
  Value element = vector::ExtractOp::create(b, x, lane);
  scf::YieldOp::create(
      b, Value(vector::InsertOp::create(b, Value(Op::create(b, element)),
                                        loop.getRegionIterArg(0), lane)));
  return loop.getResult(0);
}

Value VectorMath::nearAngle(Value x, int64_t quarters) {
  VectorType wide = type.clone(b.getF64Type()),
             wideBits = type.clone(b.getI64Type());
  auto wideNumber = [&](double value) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(wide, value));
  };
  auto wideFma = [&](Value factor, double constant, Value sum) {
    return fma(factor, wideNumber(constant), sum);
  };
  Value angle = arith::ExtFOp::create(b, wide, x);
  // Adding 1.5 * 2^52 rounds to an integer, which is then in the low bits.
  Value rounder = wideNumber(0x1.8p52),
        shifted = wideFma(angle, 0.63661977236758134308, rounder),
        turns = sub(shifted, rounder);
  angle = wideFma(turns, -1.57079632673412561417e+00, angle);
  angle = wideFma(turns, -6.07710050650619224932e-11, angle);
  Value r = arith::TruncFOp::create(b, type, angle), square = mul(r, r);
  Value quarter = arith::AddIOp::create(
      b,
      Value(arith::TruncIOp::create(
          b, integers, Value(arith::BitcastOp::create(b, wideBits, shifted)))),
      integer(quarters));
  Value sine = fma(mul(polynomial(square, {-0.16666667f, 0.008333329f,
                                           -1.9839327e-4f, 2.7182373e-6f}),
                       square),
                   r, r);
  Value cosine =
      fma(mul(square, square),
          polynomial(square, {0.041666646f, -0.0013887362f, 2.443773e-5f}),
          fma(square, number(-0.5f), number(1.0f)));
  auto hasBit = [&](int32_t bit) -> Value {
    return arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne,
        Value(arith::AndIOp::create(b, quarter, integer(bit))), integer(0));
  };
  Value result = select(hasBit(1), cosine, sine);
  return select(hasBit(2), arith::NegFOp::create(b, result), result);
}

Value VectorMath::expOfNotPositive(Value x) {
  auto [power, shifted] = splitExp(x);
  // What is above n is shifted out.
  Value scale = arith::AddIOp::create(
      b, arith::ShLIOp::create(b, shifted, integer(23)), integer(127 << 23));
  return select(less(x, number(-87.33654f)), number(0.0f),
                mul(power, fromBits(scale)));
}

Value VectorMath::onePlusExp(Value x, bool isNegated) {
  // A power below 2^-24 is nothing beside 1.
  if (looksUp())
    return isNegated ? onePlusLookedUpExp(atMost(x, number(87.0f)), -1.0f, 0)
                     : onePlusLookedUpExp(atLeast(x, number(-87.0f)), 1.0f, 0);
  return isNegated ? scaledOnePlusExp(x, -1.0f, -89.0f, 88.0f, 0)
                   : scaledOnePlusExp(x, 1.0f, -88.0f, 89.0f, 0);
}

Value VectorMath::silu(Value x) {
  // What is greater is the result.
  constexpr float most = 80.0f;
  Value sum = looksUp() ? onePlusLookedUpExp(x, -1.0f, kSiluScale)
                        : scaledOnePlusExp(x, -1.0f, -93.0f, most, kSiluScale),
        result = mul(div(x, sum), number(std::ldexp(1.0f, kSiluScale)));
  return select(less(number(most), x), x, result);
}

Value VectorMath::mish(Value x) {
  // With w = e^-|x|, tanh(ln(1 + e^x)) is (1 + 2w) / (1 + 2w + 2w^2) above 0,
  // and w (w + 2) / (w (w + 2) + 2) below, where the power comes last: it may
  // be denormal where the result is not. What is less ends in 0.
  Value farthest = number(-112.0f), most = number(112.0f), one = number(1.0f),
        two = number(2.0f);
  Value near = select(less(x, farthest), farthest, x), size = magnitude(near),
        t = select(less(most, size), most, size);
  auto [r, shifted] = reduced(arith::NegFOp::create(b, t));
  auto [first, second] = twoFactors(shifted);
  Value tail = powerTail(r), w = mul(mul(add(tail, one), first), second),
        isAbove = less(number(0.0f), x);
  Value above = fma(two, w, one), below = add(w, two);
  Value numerator = select(isAbove, above, fma(tail, below, below)),
        denominator = fma(select(isAbove, add(w, w), below), w,
                          select(isAbove, above, two));
  Value product = arith::DivFOp::create(b, mul(near, numerator), denominator);
  product = mul(product, select(isAbove, one, first));
  return mul(product, select(isAbove, one, second));
}

Value VectorMath::scaledOnePlusExp(Value x, float sign, float from, float to,
                                   int scale) {
  // 2^-127 is then 0, and 2^128 infinity.
  Value least = number(from), most = number(to);
  x = select(less(x, least), least, x);
  x = select(less(most, x), most, x);
  // As above, with the bias of an exponent in the low bits too.
  Value rounder = number(magic() + 127.0 + scale),
        shifted = fma(x, number(sign * 1.44269504f), rounder),
        n = sub(shifted, rounder);
  Value r = fma(n, number(sign * 2.12194440e-4f),
                fma(n, number(sign * -0.693359375f), x));
  Value power =
      polynomial(r, {1.0f, sign, 4.999999403953552e-1f,
                     sign * 1.6666430234909058e-1f, 4.166800528764725e-2f,
                     sign * 8.374195545911789e-3f, 1.3843607157468796e-3f});
  Value twoToN = fromBits(arith::ShLIOp::create(b, bits(shifted), integer(23)));
  return fma(power, twoToN, number(std::ldexp(1.0f, scale)));
}

Value VectorMath::lookedUp(ArrayRef<float> table, Value places) {
  Value numbers =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, table));
  return callIntrinsic(b,
                       table.size() == 16 ? "llvm.x86.avx512.permvar.sf.512"
                                          : "llvm.x86.avx2.permps",
                       type, {numbers, places});
}

Value VectorMath::lookedUpPower(Value shifted, int scale) {
  int64_t lanes = type.getNumElements();
  SmallVector<float> parts;
  for (int64_t part = 0; part < lanes; ++part)
    parts.push_back(std::exp2(scale + double(part) / lanes));
  Value part = lookedUp(parts, bits(shifted));
  Value whole = arith::AndIOp::create(b, bits(shifted), integer(-lanes));
  Value exponent = arith::ShLIOp::create(
      b, whole, integer(fractionBits() - llvm::Log2_64(lanes)));
  return fromBits(arith::AddIOp::create(b, bits(part), exponent));
}

Value VectorMath::onePlusLookedUpExp(Value x, float sign, int scale) {
  int64_t lanes = type.getNumElements();
  bool isShort = lanes == 16;
  // k = 2^scale lanes n + j, of which j is in the lowest bits.
  double origin = magic() + lanes * scale;
  Value shifted = fma(x, number(sign * lanes / std::log(2.0)), number(origin));
  // Of more than these the sum of exponents is none of a number.
  shifted = atMost(shifted, number(magic() + 127 * lanes + lanes - 1));
  Value k = sub(shifted, number(origin));
  Value r = fma(k,
                number(-sign * (isShort ? 1.9966365590818384e-06
                                        : 3.993273118163677e-06)),
                fma(k, number(-sign * 0.693115234375 / lanes), x));
  Value power =
      isShort
          ? polynomial(
                r, {1.0f, sign, 0.5000162187740079, sign * 0.1666705844709407})
          : polynomial(r, {1.0f, sign, 0.49999999722349037,
                           sign * 0.16668030642844453, 0.04167075504918377});
  return fma(power, lookedUpPower(shifted, 0), number(std::ldexp(1.0f, scale)));
}

Value VectorMath::tanh(Value x) {
  Value size = magnitude(x), square = mul(x, x);
  Value near =
      fma(mul(polynomial(square, {-3.33332819422e-1f, 1.33314422036e-1f,
                                  -5.37397155531e-2f, 2.06390887954e-2f,
                                  -5.70498872745e-3f}),
              square),
          x, x);
  Value far = sub(number(1.0f),
                  arith::DivFOp::create(b, number(2.0f),
                                        onePlusExp(add(size, size), false)));
  return select(less(size, number(0.625f)), near, withSignOf(far, x));
}

Value VectorMath::erf(Value x) {
  Value size = magnitude(x), square = mul(x, x);
  Value near = fma(
      polynomial(square, {1.28379166e-1f, -3.76125336e-1f, 1.12819925e-1f,
                          -2.67681349e-2f, 4.99119423e-3f, -5.96761703e-4f}),
      x, x);
  // Beyond 4 the result is 1; the polynomial is good up to there.
  Value t = select(less(number(4.0f), size), number(4.0f), size);
  Value power = polynomial(t, {0.0f, -1.0f - 1.28717512e-1f, -6.34846687e-1f,
                               -1.06777877e-1f, 2.42546219e-2f, -3.88396438e-3f,
                               3.83197126e-4f, -1.72853470e-5f});
  Value far = withSignOf(sub(number(1.0f), expOfNotPositive(power)), x);
  return select(less(size, number(0.927734375f)), near, far);
}

Value VectorMath::gelu(Value x) {
  if (looksUp() && type.getNumElements() == 16)
    return lookedUpGelu(x);
  // Beyond this the product is below half of the least denormal number.
  Value size = magnitude(x), most = number(14.5f),
        t = select(less(most, size), most, size);
  // t^2 is the square of 12 bits, which is exact, and a small rest: the power
  // has the error of its exponent, which comes to 100.
  Value high = fromBits(arith::AndIOp::create(b, bits(t), integer(-4096))),
        low = mul(sub(t, high), add(t, high));
  Value rounder = number(magic()),
        shifted = fma(mul(t, t), number(-0.72134752f), rounder),
        n = sub(shifted, rounder), square = mul(high, high);
  Value r = fma(n, number(-0.693359375f), mul(square, number(-0.5f)));
  r = fma(n, number(2.12194440e-4f), fma(low, number(-0.5f), r));
  // With 2^64 too much until the end: denormal products are rounded once.
  Value scale = fromBits(arith::ShLIOp::create(
      b,
      arith::AddIOp::create(
          b, arith::SubIOp::create(b, bits(shifted), bits(rounder)),
          integer(127 + 64)),
      integer(23)));
  // t P(-t) e^(t^2 / 2) = u / (sqrt(2 pi) u + v) with u = t d(t), 1.2e-8 off
  // at most; the errors of u, which is most of it, are in both. Both begin
  // high in their binade, where rounding is least: 1.75 in place of 1.
  Value u = mul(t, polynomial(t, {0.875f, 0.94932663f, 0.49461985f, 0.14917196f,
                                  0.026041351f, 0.002173122f})),
        v = polynomial(
            t, {1.75f, 1.1016515f, 0.36362252f, 0.065248586f, 0.0054477546f});
  Value chance = arith::DivFOp::create(b, u, fma(u, number(2.50662827f), v)),
        zero = number(0.0f);
  Value product = mul(fma(chance, powerTail(r), chance), scale);
  return sub(select(less(zero, x), x, zero), mul(product, number(0x1p-64f)));
}

Value VectorMath::geluSlope(Value x) {
  // Below 0 this is e^(-t^2 / 2) (d(t) - t / sqrt(2 pi)) with t = -x, where d
  // falls slowly from 1/2, and above 0 what is left to 1. The polynomial is
  // good up to 6; beyond, the power makes nothing of it.
  Value t = atMost(magnitude(x), number(13.0f)), one = number(1.0f);
  Value square = mul(t, t), rounder = number(magic()),
        shifted = fma(square, number(-0.72134752f), rounder),
        n = sub(shifted, rounder);
  Value f = fma(square, number(-0.72134752f), arith::NegFOp::create(b, n));
  Value power =
      polynomial(f, {1.0f, 0.6931471825f, 0.2402264625f, 0.0555032864f,
                     0.0096184891f, 0.0013399932f, 0.00015345813f});
  Value rest = polynomial(t, {0.49999997f, -0.79788285f, 0.24997257f,
                              -0.1328058f, 0.06192394f, -0.025471825f,
                              0.009003853f, -0.0025900935f, 5.636538e-04f,
                              -8.477121e-05f, 7.708803e-06f, -3.155442e-07f});
  Value below = mul(mul(rest, power), powerOfTwo(bits(shifted)));
  return select(less(number(0.0f), x), sub(one, below), below);
}

Value VectorMath::geluOfTanh(Value x) {
  VectorType wide = type.clone(b.getF64Type());
  auto wideNumber = [&](double value) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(wide, value));
  };
  // What is less ends in 0, and what is greater is the result.
  Value least = number(-11.0f), most = number(6.0f);
  x = select(less(x, least), least, x);
  Value near = select(less(most, x), most, x);
  Value given = arith::ExtFOp::create(b, wide, near),
        curve = fma(mul(given, given), wideNumber(-0.0713548162726009),
                    wideNumber(-1.5957691216057308)),
        exponent = mul(given, curve);
  Value rounder = wideNumber(0x1.8p52),
        turned = fma(exponent, wideNumber(1.4426950408889634), rounder),
        n = sub(turned, rounder);
  Value r = arith::TruncFOp::create(
      b, type, fma(n, wideNumber(-0.6931471805599453), exponent));
  Value whole = arith::TruncIOp::create(
      b, integers,
      Value(arith::BitcastOp::create(b, type.clone(b.getI64Type()), turned)));
  // The sum is divided by 16, since the result is normal for a power that is
  // 2^128 already; what is 2^132 is infinity.
  whole = arith::MinSIOp::create(
      b, Value(arith::AddIOp::create(b, whole, integer(-4))), integer(128));
  Value scale = fromBits(arith::ShLIOp::create(
      b, arith::AddIOp::create(b, whole, integer(127)), integer(23)));
  Value sum = fma(add(powerTail(r), number(1.0f)), scale, number(0x1p-4f));
  Value result = mul(arith::DivFOp::create(b, x, sum), number(0x1p-4f));
  return select(less(most, x), x, result);
}
