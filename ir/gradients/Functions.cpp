// Functions.cpp - gradients of functions of one operand.
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include <numbers>

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

SmallVector<Value> ExpOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], getResult())};
}
SmallVector<Value> LogOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], getX())};
}
SmallVector<Value> SqrtOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(b.mul(dy[0], 0.5), getResult())};
}
SmallVector<Value> ReciprocalOp::differentiate(GradientBuilder &b,
                                               ValueRange dy) {
  return {b.neg(b.mul(dy[0], b.mul(getResult(), getResult())))};
}

static Value square(GradientBuilder &b, Value x) { return b.mul(x, x); }

SmallVector<Value> SinOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.make<CosOp>(getX()))};
}
SmallVector<Value> CosOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.neg(b.mul(dy[0], b.make<SinOp>(getX())))};
}
SmallVector<Value> TanOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.add(square(b, getResult()), 1))};
}
SmallVector<Value> AsinOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], b.sqrt(b.sub(1, square(b, getX()))))};
}
SmallVector<Value> AcosOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.neg(b.div(dy[0], b.sqrt(b.sub(1, square(b, getX())))))};
}
SmallVector<Value> AtanOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], b.add(square(b, getX()), 1))};
}
SmallVector<Value> SinhOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.make<CoshOp>(getX()))};
}
SmallVector<Value> CoshOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.make<SinhOp>(getX()))};
}
SmallVector<Value> TanhOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.sub(1, square(b, getResult())))};
}
SmallVector<Value> AsinhOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], b.sqrt(b.add(square(b, getX()), 1)))};
}
SmallVector<Value> AcoshOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], b.sqrt(b.add(square(b, getX()), -1.0)))};
}
SmallVector<Value> AtanhOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.div(dy[0], b.sub(1, square(b, getX())))};
}

SmallVector<Value> AbsOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.make<SignOp>(getX()))};
}
SmallVector<Value> NegOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.neg(dy[0])};
}
SmallVector<Value> ReluOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.masked(b.less(b.number(dy[0], 0), getResult()), dy[0])};
}

// Steps are flat: their gradient is 0 wherever there is one.
SmallVector<Value> SignOp::differentiate(GradientBuilder &, ValueRange) {
  return {Value()};
}
SmallVector<Value> FloorOp::differentiate(GradientBuilder &, ValueRange) {
  return {Value()};
}
SmallVector<Value> CeilOp::differentiate(GradientBuilder &, ValueRange) {
  return {Value()};
}
SmallVector<Value> RoundOp::differentiate(GradientBuilder &, ValueRange) {
  return {Value()};
}

SmallVector<Value> SigmoidOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], b.mul(getResult(), b.sub(1, getResult())))};
}

/// exp(-x^2) times a factor.
static Value bell(GradientBuilder &b, Value x, double rate, double factor) {
  return b.mul(b.exp(b.mul(square(b, x), -rate)), factor);
}

SmallVector<Value> ErfOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {b.mul(dy[0], bell(b, getX(), 1, 2 * std::numbers::inv_sqrtpi))};
}
SmallVector<Value> SoftplusOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  return {b.mul(dy[0], b.make<SigmoidOp>(getX()))};
}

// With P the normal distribution function: P(x) + x P'(x). Its approximation is
// (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3).
SmallVector<Value> GeluOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value x = getX(), chance, slope;
  if (getApproximate() == "none") {
    Value erf = b.make<ErfOp>(b.mul(x, 1 / std::numbers::sqrt2));
    chance = b.mul(b.add(erf, 1), 0.5);
    slope = bell(b, x, 0.5, std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  } else {
    double factor = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    Value squared = square(b, x),
          inner = b.mul(b.mul(x, b.add(b.mul(squared, 0.044715), 1)), factor),
          tanh = b.make<TanhOp>(inner);
    chance = b.mul(b.add(tanh, 1), 0.5);
    slope = b.mul(b.mul(b.sub(1, square(b, tanh)), 0.5 * factor),
                  b.add(b.mul(squared, 3 * 0.044715), 1));
  }
  return {b.mul(dy[0], b.add(chance, b.mul(x, slope)))};
}

// Numbers drawn at random follow from nothing.
SmallVector<Value> RandomUniformOp::differentiate(GradientBuilder &,
                                                  ValueRange) {
  return {};
}
SmallVector<Value> RandomUniformLikeOp::differentiate(GradientBuilder &,
                                                      ValueRange) {
  return {};
}
SmallVector<Value> RandomNormalOp::differentiate(GradientBuilder &,
                                                 ValueRange) {
  return {};
}
SmallVector<Value> RandomNormalLikeOp::differentiate(GradientBuilder &,
                                                     ValueRange) {
  return {};
}
SmallVector<Value> MultinomialOp::differentiate(GradientBuilder &, ValueRange) {
  return {};
}

// start + i * delta
SmallVector<Value> RangeOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value places = b.castAs(b.positions(dy[0]), dy[0]);
  return {b.sumAll(dy[0]), Value(), b.sumAll(b.mul(dy[0], places))};
}

// The gradient by a quantized value is one of floats (Quantization.cpp).
SmallVector<Value> CastOp::differentiate(GradientBuilder &b, ValueRange dy) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(getInput().getType()));
  return {isFloat ? b.castAs(dy[0], getInput()) : dy[0]};
}

SmallVector<Value> IdentityOp::differentiate(GradientBuilder &, ValueRange dy) {
  return {dy[0]};
}

SmallVector<Value> BarrierOp::differentiate(GradientBuilder &, ValueRange dy) {
  return {dy[0], Value()};
}
