// SmallFloats.cpp - floats of at most 8 bits, which no machine computes with,
// to and from f32.
#include "ir/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace burnish;

namespace {

/// Arithmetic on the bits of an f32.
struct Bits {
  ImplicitLocOpBuilder &b;

  Value number(int64_t value) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value real(double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }
  Value of(Value real) {
    return arith::BitcastOp::create(b, b.getI32Type(), real);
  }
  Value toReal(Value bits) {
    return arith::BitcastOp::create(b, b.getF32Type(), bits);
  }

  Value add(Value left, Value right) {
    return arith::AddIOp::create(b, left, right);
  }
  Value sub(Value left, Value right) {
    return arith::SubIOp::create(b, left, right);
  }
  Value both(Value left, Value right) {
    return arith::AndIOp::create(b, left, right);
  }
  Value either(Value left, Value right) {
    return arith::OrIOp::create(b, left, right);
  }
  Value left(Value value, int64_t places) {
    return arith::ShLIOp::create(b, value, number(places));
  }
  Value right(Value value, int64_t places) {
    return arith::ShRUIOp::create(b, value, number(places));
  }
  Value compare(arith::CmpIPredicate predicate, Value left, int64_t right) {
    return arith::CmpIOp::create(b, predicate, left, number(right));
  }
  Value select(Value condition, Value left, Value right) {
    return arith::SelectOp::create(b, condition, left, right);
  }
};

/// How a type lays out its bits.
struct Layout {
  explicit Layout(FloatType type) : semantics(type.getFloatSemantics()) {
    width = APFloat::semanticsSizeInBits(semantics);
    mantissa = APFloat::semanticsPrecision(semantics) - 1;
    leastExponent = APFloat::semanticsMinExponent(semantics);
    bias = 1 - leastExponent;
    greatest = APFloat::getLargest(semantics).bitcastToAPInt().getZExtValue();
    hasInfinity = APFloat::semanticsHasInf(semantics);
    hasNaN = APFloat::semanticsHasNaN(semantics);
    if (hasNaN)
      nan = APFloat::getNaN(semantics).bitcastToAPInt().getZExtValue();
    // FNUZ types have one zero, and NaN in the place of the other.
    isNaNNegativeZero = hasNaN && nan == (1u << (width - 1));
  }

  const llvm::fltSemantics &semantics;
  int64_t width, mantissa, leastExponent, bias, greatest, nan = 0;
  bool hasInfinity, hasNaN, isNaNNegativeZero;
};

} // namespace

static constexpr int32_t kInfinity = 0x7f800000, kNaN = 0x7fc00000,
                         kMagnitude = 0x7fffffff,
                         kPowerOfTwoMinus127 = 0x00400000;

bool nn::isSmallFloat(Type elementType) {
  return isa<FloatType>(elementType) &&
         elementType.getIntOrFloatBitWidth() <= 8;
}

/// The f32 with the exponent field `code`, which is all that f8E8M0FNU has.
static Value powerOfTwo(Bits bits, Value code) {
  Value power =
      bits.select(bits.compare(arith::CmpIPredicate::eq, code, 0),
                  bits.number(kPowerOfTwoMinus127), bits.left(code, 23));
  return bits.toReal(
      bits.select(bits.compare(arith::CmpIPredicate::eq, code, 255),
                  bits.number(kNaN), power));
}

Value nn::decodeFloat(ImplicitLocOpBuilder &b, Value stored, FloatType type) {
  Bits bits{b};
  Value code = arith::ExtUIOp::create(b, b.getI32Type(), stored);
  if (isa<Float8E8M0FNUType>(type))
    return powerOfTwo(bits, code);
  Layout layout(type);
  Value magnitude = bits.both(code, bits.number((1 << (layout.width - 1)) - 1));
  // A number is an integer of mantissa bits times a power of two; below the
  // least exponent the leading 1 is missing.
  Value exponent = bits.right(magnitude, layout.mantissa),
        fraction =
            bits.both(magnitude, bits.number((1 << layout.mantissa) - 1));
  Value isSubnormal = bits.compare(arith::CmpIPredicate::eq, exponent, 0);
  Value integer =
      bits.select(isSubnormal, fraction,
                  bits.either(fraction, bits.number(1 << layout.mantissa)));
  Value scale =
      bits.left(bits.add(bits.select(isSubnormal, bits.number(1), exponent),
                         bits.number(127 - layout.bias - layout.mantissa)),
                23);
  Value real = arith::MulFOp::create(
      b, arith::UIToFPOp::create(b, b.getF32Type(), integer),
      bits.toReal(scale));
  Value result = bits.of(real);
  if (layout.hasInfinity) {
    result = bits.select(
        bits.compare(arith::CmpIPredicate::sgt, magnitude, layout.greatest),
        bits.number(kInfinity), result);
    result = bits.select(
        bits.compare(arith::CmpIPredicate::sgt, magnitude, layout.greatest + 1),
        bits.number(kNaN), result);
  } else if (layout.hasNaN && !layout.isNaNNegativeZero) {
    result = bits.select(
        bits.compare(arith::CmpIPredicate::sgt, magnitude, layout.greatest),
        bits.number(kNaN), result);
  }
  result =
      bits.either(result, bits.left(bits.right(code, layout.width - 1), 31));
  if (layout.isNaNNegativeZero)
    result =
        bits.select(bits.compare(arith::CmpIPredicate::eq, code, layout.nan),
                    bits.number(kNaN), result);
  return bits.toReal(result);
}

Value nn::encodeFloat(ImplicitLocOpBuilder &b, Value value, FloatType type) {
  Bits bits{b};
  Value word = bits.of(value),
        magnitude = bits.both(word, bits.number(kMagnitude));
  Value isNaN = bits.compare(arith::CmpIPredicate::sgt, magnitude, kInfinity);
  if (isa<Float8E8M0FNUType>(type)) {
    Value code = bits.right(magnitude, 23);
    return arith::TruncIOp::create(b, b.getI8Type(), code);
  }
  Layout layout(type);
  int64_t dropped = 23 - layout.mantissa;
  // Half of the last place less one, and one more when that place is odd: ties
  // go to even.
  Value isOdd = bits.both(bits.right(magnitude, dropped), bits.number(1));
  Value rounded = bits.add(
      bits.add(magnitude, bits.number((1 << (dropped - 1)) - 1)), isOdd);
  Value normal = bits.sub(bits.right(rounded, dropped),
                          bits.number((127 - layout.bias) << layout.mantissa));
  // Below the least exponent the places are fixed: adding a number whose last
  // place is theirs rounds to them.
  Value anchor =
      bits.real(std::ldexp(1.0, layout.leastExponent - layout.mantissa + 23));
  Value subnormal = bits.sub(
      bits.of(arith::AddFOp::create(b, bits.toReal(magnitude), anchor)),
      bits.of(anchor));
  int32_t leastNormal = (layout.leastExponent + 127) << 23;
  Value code = bits.select(
      bits.compare(arith::CmpIPredicate::slt, magnitude, leastNormal),
      subnormal, normal);

  int64_t above = layout.hasInfinity ? layout.greatest + 1
                  : layout.hasNaN    ? layout.nan
                                     : layout.greatest;
  code = bits.select(
      bits.compare(arith::CmpIPredicate::sgt, code, layout.greatest),
      bits.number(above), code);
  Value sign = bits.both(bits.right(word, 32 - layout.width),
                         bits.number(1 << (layout.width - 1)));
  if (layout.isNaNNegativeZero) {
    sign = bits.select(bits.compare(arith::CmpIPredicate::eq, code, 0),
                       bits.number(0), sign);
    code = bits.select(isNaN, bits.number(layout.nan), bits.either(code, sign));
  } else {
    // Where there is no NaN, zero with a minus sign stands for it, as
    // elsewhere.
    code =
        bits.select(isNaN, bits.number(layout.hasNaN ? layout.nan : 0), code);
    if (!layout.hasNaN)
      sign = bits.select(isNaN, bits.number(1 << (layout.width - 1)), sign);
    code = bits.either(code, sign);
  }
  return arith::TruncIOp::create(b, b.getI8Type(), code);
}

Value nn::clampToFloat(ImplicitLocOpBuilder &b, Value value, FloatType type) {
  double greatest =
      APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
  Bits bits{b};
  Value lowered = arith::MinimumFOp::create(b, value, bits.real(greatest));
  return arith::MaximumFOp::create(b, lowered, bits.real(-greatest));
}

Value nn::roundToPowerOfTwo(ImplicitLocOpBuilder &b, Value value, bool saturate,
                            StringRef roundMode) {
  Bits bits{b};
  Value word = bits.of(value),
        fraction = bits.both(word, bits.number(0x7fffff));
  Value exponent = bits.both(bits.right(word, 23), bits.number(255));
  Value isSpecial = bits.compare(arith::CmpIPredicate::eq, exponent, 255),
        roundsUp;
  if (roundMode == "up") {
    roundsUp = bits.compare(arith::CmpIPredicate::ne, fraction, 0);
  } else if (roundMode == "nearest") {
    // Ties go up, but below the least normal number.
    Value isAbove = bits.compare(arith::CmpIPredicate::ugt, fraction, 0x400000),
          isTie = bits.compare(arith::CmpIPredicate::eq, fraction, 0x400000);
    Value tieRises =
        bits.both(isTie, bits.compare(arith::CmpIPredicate::ne, exponent, 0));
    roundsUp = bits.either(isAbove, tieRises);
  }
  if (roundsUp) {
    if (saturate)
      roundsUp = bits.both(
          roundsUp, bits.compare(arith::CmpIPredicate::ne, exponent, 254));
    Value increment = arith::ExtUIOp::create(b, b.getI32Type(), roundsUp);
    exponent = bits.select(isSpecial, exponent, bits.add(exponent, increment));
  }
  return powerOfTwo(bits, exponent);
}

Value nn::roundToOdd(ImplicitLocOpBuilder &b, Value value) {
  Bits bits{b};
  Value nearest = arith::TruncFOp::create(b, b.getF32Type(), value);
  Value back = arith::ExtFOp::create(b, b.getF64Type(), nearest),
        word = bits.of(nearest);
  Value isInexact =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, back, value);
  Value isEven = bits.compare(arith::CmpIPredicate::eq,
                              bits.both(word, bits.number(1)), 0);
  Value isFarther = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                          math::AbsFOp::create(b, back),
                                          math::AbsFOp::create(b, value));
  Value odd =
      bits.add(word, bits.select(isFarther, bits.number(-1), bits.number(1)));
  return bits.toReal(bits.select(bits.both(isInexact, isEven), odd, word));
}
