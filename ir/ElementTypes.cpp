// ElementTypes.cpp - extremes, sums and casts of scalars, by element type.
#include "ir/Lowering.h"
#include "ir/SmallFloats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

Value nn::maximum(ImplicitLocOpBuilder &b, Type elementType, Value left,
                  Value right) {
  if (isa<FloatType>(left.getType()))
    return arith::MaximumFOp::create(b, left, right);
  if (elementType.isUnsignedInteger() || elementType.isInteger(1))
    return arith::MaxUIOp::create(b, left, right);
  return arith::MaxSIOp::create(b, left, right);
}

Value nn::minimum(ImplicitLocOpBuilder &b, Type elementType, Value left,
                  Value right) {
  if (isa<FloatType>(left.getType()))
    return arith::MinimumFOp::create(b, left, right);
  if (elementType.isUnsignedInteger() || elementType.isInteger(1))
    return arith::MinUIOp::create(b, left, right);
  return arith::MinSIOp::create(b, left, right);
}

Value nn::sum(ImplicitLocOpBuilder &b, Value left, Value right) {
  if (isa<FloatType>(left.getType()))
    return arith::AddFOp::create(b, left, right);
  if (left.getType().isInteger(1))
    return arith::OrIOp::create(b, left, right);
  return arith::AddIOp::create(b, left, right);
}

Value nn::product(ImplicitLocOpBuilder &b, Value left, Value right) {
  if (isa<FloatType>(left.getType()))
    return arith::MulFOp::create(b, left, right);
  if (left.getType().isInteger(1))
    return arith::AndIOp::create(b, left, right);
  return arith::MulIOp::create(b, left, right);
}

Type nn::wideType(Type elementType) {
  auto floatType = dyn_cast<FloatType>(elementType);
  return floatType && floatType.getWidth() < 32
             ? Float32Type::get(elementType.getContext())
             : computeType(elementType);
}

static Value castFloat(ImplicitLocOpBuilder &b, Value value, FloatType to,
                       bool saturate, StringRef roundMode) {
  auto from = cast<FloatType>(value.getType()),
       target = cast<FloatType>(computeType(to));
  // Between types of 16 bits, and from 64 to fewer than 32, the way leads
  // through f32.
  if (from.getWidth() < 32 && from != target) {
    value = arith::ExtFOp::create(b, b.getF32Type(), value);
  } else if (from.getWidth() > 32 && to.getWidth() < 32) {
    value = roundToOdd(b, value);
  }
  from = cast<FloatType>(value.getType());
  if (isa<Float8E8M0FNUType>(to))
    return roundToPowerOfTwo(b, value, saturate, roundMode);
  if (isSmallFloat(to))
    return saturate ? clampToFloat(b, value, to) : value;
  if (from.getWidth() < target.getWidth())
    return arith::ExtFOp::create(b, target, value);
  if (from.getWidth() > target.getWidth())
    return arith::TruncFOp::create(b, target, value);
  return value;
}

/// A float cut to an integer of the same sign. What does not fit becomes the
/// nearest integer that does, NaN becomes 0: the machine's own conversion would
/// be undefined.
static Value truncateToInteger(ImplicitLocOpBuilder &b, Value value,
                               IntegerType type, bool isUnsigned) {
  auto floatType = cast<FloatType>(value.getType());
  auto real = [&](double number) {
    return arith::ConstantOp::create(b, b.getFloatAttr(floatType, number));
  };
  auto integer = [&](APInt number) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, number));
  };
  unsigned width = type.getWidth();
  Value low = real(isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1)),
        high = real(std::ldexp(1.0, isUnsigned ? width : width - 1));
  Value isLow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, low),
        isHigh =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, value, high);
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  Value isOutside =
      arith::OrIOp::create(b, arith::OrIOp::create(b, isLow, isHigh), isNaN);
  Value inside = arith::SelectOp::create(b, isOutside, real(0.0), value);
  Value result = isUnsigned ? Value(arith::FPToUIOp::create(b, type, inside))
                            : Value(arith::FPToSIOp::create(b, type, inside));
  APInt least =
      isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  APInt greatest =
      isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  result = arith::SelectOp::create(b, isHigh, integer(greatest), result);
  return arith::SelectOp::create(b, isLow, integer(least), result);
}

Value nn::castScalar(ImplicitLocOpBuilder &b, Value value, Type from, Type to,
                     bool saturate, StringRef roundMode) {
  if (from == to)
    return value;
  Type target = computeType(to);
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  bool fromUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (to.isInteger(1)) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
    if (fromFloat)
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, value, zero);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value, zero);
  }
  if (fromFloat && toFloat)
    return castFloat(b, value, cast<FloatType>(to), saturate, roundMode);
  if (fromFloat) {
    value = castFloat(b, value,
                      cast<FloatType>(value.getType().isF64() ? b.getF64Type()
                                                              : b.getF32Type()),
                      saturate, roundMode);
    unsigned width = target.getIntOrFloatBitWidth();
    if (width == 64 && to.isUnsignedInteger()) {
      // Numbers below zero wrap, as those of smaller unsigned types do.
      Value isNegative = arith::CmpFOp::create(
          b, arith::CmpFPredicate::OLT, value,
          arith::ConstantOp::create(b, b.getZeroAttr(value.getType())));
      return arith::SelectOp::create(
          b, isNegative,
          truncateToInteger(b, value, b.getI64Type(), /*isUnsigned=*/false),
          truncateToInteger(b, value, b.getI64Type(), /*isUnsigned=*/true));
    }
    // Through 32 or 64 bits, of which what does not fit loses its upper ones.
    IntegerType wide = width < 32 || (width == 32 && !to.isUnsignedInteger())
                           ? b.getI32Type()
                           : b.getI64Type();
    Value integer = truncateToInteger(b, value, wide, /*isUnsigned=*/false);
    return target == wide ? integer
                          : Value(arith::TruncIOp::create(b, target, integer));
  }
  if (toFloat) {
    Type wide = wideType(to);
    Value real = fromUnsigned ? Value(arith::UIToFPOp::create(b, wide, value))
                              : Value(arith::SIToFPOp::create(b, wide, value));
    return castFloat(b, real, cast<FloatType>(to), saturate, roundMode);
  }
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth(),
           toWidth = target.getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return value;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, target, value);
  if (fromUnsigned)
    return arith::ExtUIOp::create(b, target, value);
  return arith::ExtSIOp::create(b, target, value);
}
