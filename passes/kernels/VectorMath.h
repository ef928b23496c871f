// VectorMath.h - functions of vectors of f32 as polynomials, and the arithmetic
// for such.
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// Arithmetic on vectors of one shape, of f32 or f64.
struct VectorArithmetic {
  VectorArithmetic(mlir::Location loc, mlir::OpBuilder &builder,
                   mlir::VectorType type)
      : b(loc, builder), type(type),
        integers(type.clone(b.getIntegerType(type.getElementTypeBitWidth()))),
        flags(mlir::arith::FastMathFlagsAttr::get(
            b.getContext(), mlir::arith::FastMathFlags::contract)) {}

  mlir::ImplicitLocOpBuilder b;
  mlir::VectorType type, integers;
  mlir::arith::FastMathFlagsAttr flags;

  /// Bits of a fraction, and what is added to an exponent.
  int64_t fractionBits() const {
    return type.getElementType().isF64() ? 52 : 23;
  }
  int64_t bias() const { return type.getElementType().isF64() ? 1023 : 127; }

  mlir::Value number(double value) {
    return mlir::arith::ConstantOp::create(
        b, mlir::DenseElementsAttr::get(
               type,
               mlir::Attribute(b.getFloatAttr(type.getElementType(), value))));
  }
  mlir::Value integer(int64_t value) {
    return mlir::arith::ConstantOp::create(
        b, mlir::DenseElementsAttr::get(
               integers, mlir::Attribute(b.getIntegerAttr(
                             integers.getElementType(), value))));
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return mlir::arith::AddFOp::create(b, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return mlir::arith::SubFOp::create(b, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return mlir::arith::MulFOp::create(b, x, y);
  }
  mlir::Value div(mlir::Value x, mlir::Value y) {
    return mlir::arith::DivFOp::create(b, x, y);
  }
  /// x * y + z, rounded once where the machine can.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z) {
    return mlir::arith::AddFOp::create(
        b, mlir::arith::MulFOp::create(b, x, y, flags), z, flags);
  }
  /// c[0] + c[1] x + ...
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<double> c) {
    mlir::Value sum = number(c.back());
    for (double coefficient : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, number(coefficient));
    return sum;
  }
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::OLT, x,
                                       y);
  }
  mlir::Value equal(mlir::Value x, mlir::Value y) {
    return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::OEQ, x,
                                       y);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return mlir::arith::SelectOp::create(b, condition, x, y);
  }
  /// x, or the bound that it is beyond; NaN stays.
  mlir::Value atLeast(mlir::Value x, mlir::Value bound) {
    return select(less(x, bound), bound, x);
  }
  mlir::Value atMost(mlir::Value x, mlir::Value bound) {
    return select(less(bound, x), bound, x);
  }
  mlir::Value bits(mlir::Value x) {
    return mlir::arith::BitcastOp::create(b, integers, x);
  }
  mlir::Value fromBits(mlir::Value x) {
    return mlir::arith::BitcastOp::create(b, type, x);
  }
  mlir::Value magnitude(mlir::Value x) {
    return mlir::math::AbsFOp::create(b, x);
  }
  mlir::Value withSignOf(mlir::Value x, mlir::Value sign) {
    return mlir::math::CopySignOp::create(b, x, sign);
  }
  /// 2^n of integers that normal numbers have as exponents.
  mlir::Value powerOfTwo(mlir::Value n) {
    return fromBits(mlir::arith::ShLIOp::create(
        b, mlir::arith::AddIOp::create(b, n, integer(bias())),
        integer(fractionBits())));
  }
  /// 2^n of n in the low bits beside those of 1.5 * 2^fractionBits, as two
  /// factors of which each is in range.
  std::pair<mlir::Value, mlir::Value> twoFactors(mlir::Value shifted);
  /// 1.5 * 2^fractionBits, beside which numbers are integers.
  double magic() const {
    return type.getElementType().isF64() ? 0x1.8p52 : 0x1.8p23;
  }
};

/// Functions of vectors of f32.
struct VectorMath : VectorArithmetic {
  VectorMath(mlir::Location loc, mlir::OpBuilder &builder,
             mlir::VectorType type, int64_t lookupLanes = 0)
      : VectorArithmetic(loc, builder, type), lookupLanes(lookupLanes) {}

  /// The most lanes that one instruction of AVX2 or AVX-512 takes from a table
  /// of as many numbers, by the low bits of integers; 0: the machine has none.
  int64_t lookupLanes;

  /// x as n ln(2) + r with |r| <= ln(2)/2: e^r, and n in the low bits of the
  /// other.
  std::pair<mlir::Value, mlir::Value> splitExp(mlir::Value x);
  /// That r, and n.
  std::pair<mlir::Value, mlir::Value> reduced(mlir::Value x);
  /// e^r - 1 with |r| <= ln(2)/2.
  mlir::Value powerTail(mlir::Value r);
  /// e^x = 2^n e^r: at most 1.0 ULP. NaN stays; what is beyond ends in 0 or
  /// infinity by itself.
  mlir::Value exp(mlir::Value x);
  /// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), in which nothing cancels.
  mlir::Value expm1(mlir::Value x);
  /// ln(2^k m) = k ln(2) + ln(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)].
  mlir::Value log(mlir::Value x);
  mlir::Value log1p(mlir::Value x);
  /// k ln(2) + ln(1 + f).
  mlir::Value sumOfLog(mlir::Value k, mlir::Value f);
  /// The k of a positive number, as an integer.
  mlir::Value binaryLog(mlir::Value x);
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  /// The sine of x + quarters * pi/2. The angle is brought near 0 in f64, where
  /// multiples of the first 33 bits of pi/2 are exact.
  template <typename Op> mlir::Value angle(mlir::Value x, int64_t quarters);
  /// The function of one lane after the other.
  template <typename Op> mlir::Value eachAlone(mlir::Value x);
  mlir::Value nearAngle(mlir::Value x, int64_t quarters);
  /// The same for x that is not above 0; results below 2^-126 become 0.
  mlir::Value expOfNotPositive(mlir::Value x);
  /// 1 + e^x, or 1 + e^-x; infinity where e^x is 2^127.5 or more. NaN stays.
  /// Half the operations of exp: one 2^n is in range, and the sum needs no more
  /// than the polynomial of least relative error, 2e-9.
  mlir::Value onePlusExp(mlir::Value x, bool isNegated);
  /// x / (1 + e^-x): of such a sum a 64th part, since the result is normal for
  /// a power that is 2^128 already; what is 2^134 is infinity.
  mlir::Value silu(mlir::Value x);
  /// x tanh(ln(1 + e^x)) without a tangent or a logarithm.
  mlir::Value mish(mlir::Value x);
  /// Near 0 a polynomial, else 1 - 2 / (e^(2 |x|) + 1): at most 1.5 ULP.
  mlir::Value tanh(mlir::Value x);
  /// Near 0 a polynomial, else 1 - e^p(|x|): at most 1.5 ULP.
  mlir::Value erf(mlir::Value x);
  /// x P(x), with P the normal distribution function, as max(x, 0) - t P(-t)
  /// with t = |x|, since 1 + erf loses all digits below -2: at most 4 ULP.
  mlir::Value gelu(mlir::Value x);
  /// x / (1 + e^(-2u)) with 2u = x (a + b x^2), taken apart in f64: the power
  /// has the error of its exponent, which comes to 88.
  mlir::Value geluOfTanh(mlir::Value x);
  /// The slope of gelu, P(x) + x p(x) with P's density p: at most 1.2e-7 off.
  /// One power does for both, which take 2.4 times as long one by one.
  mlir::Value geluSlope(mlir::Value x);

private:
  /// The sum times 2^scale, of x within bounds.
  mlir::Value scaledOnePlusExp(mlir::Value x, float sign, float from, float to,
                               int scale);
  bool looksUp() const {
    return type.getNumElements() == 8
               ? lookupLanes >= 8
               : type.getNumElements() == 16 && lookupLanes == 16;
  }
  /// The same with 2^(j/lanes) from a table, so that the polynomial is of an
  /// eighth or a 16th of the range: three or four steps of it instead of six.
  /// NaN stays; x is not so large that the power is below 2^-126, and where it
  /// is beyond all numbers the sum is infinity.
  mlir::Value onePlusLookedUpExp(mlir::Value x, float sign, int scale);
  /// Numbers of a table of as many as there are lanes, by the lowest bits of
  /// each place.
  mlir::Value lookedUp(llvm::ArrayRef<float> table, mlir::Value places);
  /// 2^(scale + k / lanes) where the lowest bits of `shifted` are k: a part of
  /// a power of two from a table, and a whole one.
  mlir::Value lookedUpPower(mlir::Value shifted, int scale);
  /// gelu without a division, by 16 polynomials and 16 parts of a power of two:
  /// at most 3 ULP.
  mlir::Value lookedUpGelu(mlir::Value x);
};

} // namespace burnish
