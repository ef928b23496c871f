// Arithmetic.cpp - scalar functions applied to every element.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Arithmetic.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerArithmetic(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Arithmetic.cpp.inc"
      >();
}

static Value zeroOf(ImplicitLocOpBuilder &b, Value like) { return arith::ConstantOp::create(b, b.getZeroAttr(like.getType())); }
static bool isUnsigned(Value operand) {
  Type type = getElementTypeOrSelf(operand.getType());
  return type.isUnsignedInteger() || type.isInteger(1);
}

//===- One operand --------------------------------------------------------===//

Value ExpOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) { return math::ExpOp::create(b, args[0]); }
Value SqrtOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) { return math::SqrtOp::create(b, args[0]); }

Value NegOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::NegFOp::create(b, args[0]);
  return arith::SubIOp::create(b, zeroOf(b, args[0]), args[0]);
}

Value ReluOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return maximum(b, getElementTypeOrSelf(getX().getType()), args[0], zeroOf(b, args[0]));
}

//===- cast ---------------------------------------------------------------===//

Type CastOp::getResultElementType() { return typeOfOnnx(getTo(), getContext()); }

Value CastOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return castScalar(b, args[0], getElementTypeOrSelf(getInput().getType()), getElementTypeOrSelf(getType()));
}

AffineExpr CastOp::known(ArrayRef<AffineExpr> args) {
  // Sizes fit 32 bits, or the run would have failed long before.
  auto target = dyn_cast<IntegerType>(getResultElementType());
  return target && target.getWidth() >= 32 ? args[0] : AffineExpr();
}

//===- add, sub, mul, div -------------------------------------------------===//

Value AddOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) { return sum(b, args[0], args[1]); }
AffineExpr AddOp::known(ArrayRef<AffineExpr> args) { return args[0] + args[1]; }

Value SubOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::SubFOp::create(b, args);
  return arith::SubIOp::create(b, args);
}
AffineExpr SubOp::known(ArrayRef<AffineExpr> args) { return args[0] - args[1]; }

Value MulOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) { return product(b, args[0], args[1]); }
AffineExpr MulOp::known(ArrayRef<AffineExpr> args) { return args[0] * args[1]; }

Value DivOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::DivFOp::create(b, args);
  // A zero divisor is the caller's mistake, but it must not stop the process: it gives the dividend.
  Value one = arith::ConstantOp::create(b, b.getIntegerAttr(args[1].getType(), 1));
  Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[1], zeroOf(b, args[1]));
  Value divisor = arith::SelectOp::create(b, isZero, one, args[1]);
  if (isUnsigned(getA()))
    return arith::DivUIOp::create(b, args[0], divisor);
  // The least integer by -1 traps on x86; its quotient wraps to itself.
  Value minusOne = arith::ConstantOp::create(b, b.getIntegerAttr(args[1].getType(), -1));
  Value isMinusOne = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[1], minusOne);
  Value negated = arith::SubIOp::create(b, zeroOf(b, args[0]), args[0]);
  Value quotient = arith::DivSIOp::create(b, args[0], arith::SelectOp::create(b, isMinusOne, one, divisor));
  return arith::SelectOp::create(b, isMinusOne, negated, quotient);
}
AffineExpr DivOp::known(ArrayRef<AffineExpr> args) {
  std::optional<int64_t> left = burnish::nn::known(args[0]), right = burnish::nn::known(args[1]);
  if (left && right && *right != 0 && *right != -1)
    return getAffineConstantExpr(*left / *right, getContext());
  // Sizes are not negative, so that rounding down and rounding towards zero are one.
  return right && *right > 0 && !left ? args[0].floorDiv(args[1]) : AffineExpr();
}

//===- Comparison ---------------------------------------------------------===//

static Value compare(ImplicitLocOpBuilder &b, ValueRange args, bool isUnsigned, arith::CmpFPredicate floats, arith::CmpIPredicate ints,
                     arith::CmpIPredicate unsignedInts) {
  if (isa<FloatType>(args[0].getType()))
    return arith::CmpFOp::create(b, floats, args[0], args[1]);
  return arith::CmpIOp::create(b, isUnsigned ? unsignedInts : ints, args[0], args[1]);
}
template <typename Rule> static AffineExpr compareKnown(ArrayRef<AffineExpr> args, Rule rule) {
  std::optional<int64_t> left = known(args[0]), right = known(args[1]);
  return left && right ? getAffineConstantExpr(rule(*left, *right), args[0].getContext()) : AffineExpr();
}

Value EqualOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, arith::CmpIPredicate::eq);
}
AffineExpr EqualOp::known(ArrayRef<AffineExpr> args) { return compareKnown(args, std::equal_to<int64_t>()); }

Value LessOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, arith::CmpIPredicate::ult);
}
AffineExpr LessOp::known(ArrayRef<AffineExpr> args) { return compareKnown(args, std::less<int64_t>()); }

Value GreaterOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt, arith::CmpIPredicate::ugt);
}
AffineExpr GreaterOp::known(ArrayRef<AffineExpr> args) { return compareKnown(args, std::greater<int64_t>()); }

//===- where --------------------------------------------------------------===//

Value WhereOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) { return arith::SelectOp::create(b, args[0], args[1], args[2]); }
AffineExpr WhereOp::known(ArrayRef<AffineExpr> args) {
  if (args[1] == args[2])
    return args[1];
  std::optional<int64_t> condition = burnish::nn::known(args[0]);
  return condition ? args[*condition ? 1 : 2] : AffineExpr();
}
