// Logic.cpp - comparisons, and functions of booleans and bits.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Logic.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerLogic(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Logic.cpp.inc"
      >();
}

static bool isUnsigned(Value operand) {
  Type type = getElementTypeOrSelf(operand.getType());
  return type.isUnsignedInteger() || type.isInteger(1);
}

//===- Comparison ---------------------------------------------------------===//

static Value compare(ImplicitLocOpBuilder &b, ValueRange args, bool isUnsigned,
                     arith::CmpFPredicate floats, arith::CmpIPredicate ints,
                     arith::CmpIPredicate unsignedInts) {
  if (isa<FloatType>(args[0].getType()))
    return arith::CmpFOp::create(b, floats, args[0], args[1]);
  return arith::CmpIOp::create(b, isUnsigned ? unsignedInts : ints, args[0],
                               args[1]);
}

/// What a comparison gives for elements of shapes: known for two constants, and
/// where one is a size and the other is below zero.
template <typename Rule>
static AffineExpr compareKnown(ShapeScope &scope, ArrayRef<AffineExpr> args,
                               Rule rule) {
  std::optional<int64_t> left = known(args[0]), right = known(args[1]);
  if (left && right)
    return scope.constant(rule(*left, *right));
  if (args[0] == args[1] ||
      (right && *right < 0 && scope.isNonNegative(args[0])))
    return scope.constant(rule(0, args[0] == args[1] ? 0 : -1));
  if (left && *left < 0 && scope.isNonNegative(args[1]))
    return scope.constant(rule(-1, 0));
  return {};
}

Value EqualOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isString(getA().getType()))
    return Scalar(b, callString(b, "burnish_string_equal", args)) != 0;
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OEQ,
                 arith::CmpIPredicate::eq, arith::CmpIPredicate::eq);
}
AffineExpr EqualOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return compareKnown(scope, args, std::equal_to<int64_t>());
}

Value LessOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OLT,
                 arith::CmpIPredicate::slt, arith::CmpIPredicate::ult);
}
AffineExpr LessOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return compareKnown(scope, args, std::less<int64_t>());
}

Value LessOrEqualOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OLE,
                 arith::CmpIPredicate::sle, arith::CmpIPredicate::ule);
}
AffineExpr LessOrEqualOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return compareKnown(scope, args, std::less_equal<int64_t>());
}

Value GreaterOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OGT,
                 arith::CmpIPredicate::sgt, arith::CmpIPredicate::ugt);
}
AffineExpr GreaterOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return compareKnown(scope, args, std::greater<int64_t>());
}

Value GreaterOrEqualOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return compare(b, args, isUnsigned(getA()), arith::CmpFPredicate::OGE,
                 arith::CmpIPredicate::sge, arith::CmpIPredicate::uge);
}
AffineExpr GreaterOrEqualOp::known(ShapeScope &scope,
                                   ArrayRef<AffineExpr> args) {
  return compareKnown(scope, args, std::greater_equal<int64_t>());
}

//===- is_nan, is_inf -----------------------------------------------------===//

Value IsNaNOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, args[0], args[0]);
}

Value IsInfOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  auto type = cast<FloatType>(args[0].getType());
  auto isInfinity = [&](bool isNegative) -> Value {
    Value infinity = arith::ConstantOp::create(
        b, FloatAttr::get(
               type, APFloat::getInf(type.getFloatSemantics(), isNegative)));
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, args[0],
                                 infinity);
  };
  Value result = arith::ConstantOp::create(b, b.getBoolAttr(false));
  if (getDetectNegative())
    result = isInfinity(true);
  if (getDetectPositive())
    result = getDetectNegative()
                 ? Value(arith::OrIOp::create(b, result, isInfinity(false)))
                 : isInfinity(false);
  return result;
}

//===- Booleans -----------------------------------------------------------===//

Value AndOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::AndIOp::create(b, args);
}
AffineExpr AndOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  if (isKnown(args[0], 0) || isKnown(args[1], 0))
    return scope.constant(0);
  return isKnown(args[0], 1)   ? args[1]
         : isKnown(args[1], 1) ? args[0]
                               : AffineExpr();
}

Value OrOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::OrIOp::create(b, args);
}
AffineExpr OrOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  if (isKnown(args[0], 1) || isKnown(args[1], 1))
    return scope.constant(1);
  return isKnown(args[0], 0)   ? args[1]
         : isKnown(args[1], 0) ? args[0]
                               : AffineExpr();
}

Value XorOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::XOrIOp::create(b, args);
}
AffineExpr XorOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> left = burnish::nn::known(args[0]),
                         right = burnish::nn::known(args[1]);
  return left && right ? scope.constant(*left != *right) : AffineExpr();
}

Value NotOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::XOrIOp::create(
      b, args[0], arith::ConstantOp::create(b, b.getBoolAttr(true)));
}
AffineExpr NotOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> value = burnish::nn::known(args[0]);
  return value ? scope.constant(!*value) : AffineExpr();
}

//===- where --------------------------------------------------------------===//

Value WhereOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::SelectOp::create(b, args[0], args[1], args[2]);
}
AffineExpr WhereOp::known(ShapeScope &, ArrayRef<AffineExpr> args) {
  if (args[1] == args[2])
    return args[1];
  std::optional<int64_t> condition = burnish::nn::known(args[0]);
  return condition ? args[*condition ? 1 : 2] : AffineExpr();
}

//===- Bits ---------------------------------------------------------------===//

Value BitwiseAndOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::AndIOp::create(b, args);
}
Value BitwiseOrOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::OrIOp::create(b, args);
}
Value BitwiseXorOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::XOrIOp::create(b, args);
}
Value BitwiseNotOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::XOrIOp::create(
      b, args[0],
      arith::ConstantOp::create(b, b.getIntegerAttr(args[0].getType(), -1)));
}

LogicalResult BitShiftOp::check() {
  if (getDirection() != "LEFT" && getDirection() != "RIGHT")
    return emitOpError() << "'direction' is \"" << getDirection()
                         << "\", not \"LEFT\" or \"RIGHT\"";
  return success();
}

Value BitShiftOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type type = args[0].getType();
  auto number = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  };
  Value last = number(type.getIntOrFloatBitWidth() - 1), zero = number(0);
  // Negative amounts are large ones when read without sign.
  Value isFar =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, args[1], last);
  Value places = arith::SelectOp::create(b, isFar, last, args[1]);
  if (getDirection() == "RIGHT" && !isUnsigned(getX()))
    return arith::ShRSIOp::create(b, args[0], places);
  Value shifted = getDirection() == "LEFT"
                      ? Value(arith::ShLIOp::create(b, args[0], places))
                      : Value(arith::ShRUIOp::create(b, args[0], places));
  return arith::SelectOp::create(b, isFar, zero, shifted);
}
