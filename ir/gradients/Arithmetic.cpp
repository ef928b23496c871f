// Arithmetic.cpp - gradients of sums, products, extremes.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The gradient of one operand of several, null where it is not asked for.
static Value forOperand(GradientBuilder &b, Value operand,
                        llvm::function_ref<Value()> rule) {
  return b.wants(operand) ? b.sumTo(rule(), operand) : Value();
}

SmallVector<Value> AddOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {forOperand(b, getA(), [&] { return dy[0]; }),
          forOperand(b, getB(), [&] { return dy[0]; })};
}

SmallVector<Value> SubOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {forOperand(b, getA(), [&] { return dy[0]; }),
          forOperand(b, getB(), [&] { return b.neg(dy[0]); })};
}

SmallVector<Value> MulOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {forOperand(b, getA(), [&] { return b.mul(dy[0], getB()); }),
          forOperand(b, getB(), [&] { return b.mul(dy[0], getA()); })};
}

SmallVector<Value> DivOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value quotient = b.div(dy[0], getB());
  return {forOperand(b, getA(), [&] { return quotient; }),
          forOperand(b, getB(),
                     [&] { return b.neg(b.mul(quotient, getResult())); })};
}

// A - B * q for a whole q, which is constant but for jumps.
SmallVector<Value> ModOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return {forOperand(b, getA(), [&] { return dy[0]; }),
          forOperand(b, getB(), [&] {
            return b.mul(dy[0], b.div(b.sub(getResult(), getA()), getB()));
          })};
}

// X^0 is 1 whatever X is, and so is 0^0; powers of negative numbers exist for
// whole exponents only, where the exponent has no gradient.
SmallVector<Value> PowOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value x = getX(), y = b.castAs(getY(), x), zero = b.number(x, 0);
  return {forOperand(b, x,
                     [&] {
                       Value slope = b.mul(y, b.make<PowOp>(x, b.add(y, -1.0)));
                       return b.mul(dy[0],
                                    b.where(b.equal(y, zero), zero, slope));
                     }),
          forOperand(b, getY(), [&] {
            Value isAbove = b.less(zero, x),
                  log = b.make<LogOp>(b.where(isAbove, x, b.number(x, 1)));
            return b.castAs(b.mul(dy[0], b.mul(getResult(), log)), getY());
          })};
}

SmallVector<Value> PReluOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value isBelow = b.less(getX(), b.number(getX(), 0));
  return {forOperand(b, getX(),
                     [&] {
                       return b.where(isBelow, b.mul(dy[0], getSlope()), dy[0]);
                     }),
          forOperand(b, getSlope(),
                     [&] { return b.masked(isBelow, b.mul(dy[0], getX())); })};
}

/// Of several operands that are the extreme, each gets the same part.
static SmallVector<Value> toExtremes(GradientBuilder &b, OperandRange operands,
                                     Value result, Value dy) {
  Value count;
  SmallVector<Value> isExtreme;
  for (Value operand : operands) {
    isExtreme.push_back(b.indicator(b.equal(operand, result), result));
    count = count ? b.add(count, isExtreme.back()) : isExtreme.back();
  }
  Value part = operands.size() > 1 ? b.div(dy, count) : dy;
  return llvm::map_to_vector(
      llvm::zip_equal(operands, isExtreme), [&](auto each) {
        auto [operand, is] = each;
        return forOperand(b, operand, [&, is = is] { return b.mul(part, is); });
      });
}

SmallVector<Value> MaxOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return toExtremes(b, getInputs(), getResult(), dy[0]);
}

SmallVector<Value> MinOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return toExtremes(b, getInputs(), getResult(), dy[0]);
}

SmallVector<Value> SumOp::differentiate(GradientBuilder &b, ValueRange dy) {
  return llvm::map_to_vector(getInputs(), [&](Value operand) {
    return forOperand(b, operand, [&] { return dy[0]; });
  });
}

// What is at a bound counts as inside.
SmallVector<Value> ClipOp::differentiate(GradientBuilder &b, ValueRange dy) {
  SmallVector<Value> gradients{forOperand(b, getInput(), [&] {
    return b.masked(b.equal(getInput(), getResult()), dy[0]);
  })};
  if (Value least = getMin())
    gradients.push_back(forOperand(
        b, least, [&] { return b.masked(b.less(getInput(), least), dy[0]); }));
  if (Value greatest = getMax())
    gradients.push_back(forOperand(b, greatest, [&] {
      return b.masked(b.less(greatest, getInput()), dy[0]);
    }));
  return gradients;
}

SmallVector<Value> WhereOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value condition = getOperand(0), x = getOperand(1), y = getOperand(2);
  return {Value(), forOperand(b, x, [&] { return b.masked(condition, dy[0]); }),
          forOperand(b, y, [&] {
            return b.where(condition, b.number(dy[0], 0), dy[0]);
          })};
}
