// Arithmetic.cpp - sums, products, powers and extremes of broadcast operands.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

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

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}
static bool isUnsigned(Type elementType) {
  return elementType.isUnsignedInteger() || elementType.isInteger(1);
}

/// `value` of the type of `like`.
static Value numberLike(ImplicitLocOpBuilder &b, Value like, int64_t value) {
  if (isa<FloatType>(like.getType()))
    return arith::ConstantOp::create(b, b.getFloatAttr(like.getType(), value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(like.getType(), value));
}
static Value equals(ImplicitLocOpBuilder &b, Value value, int64_t number) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value,
                               numberLike(b, value, number));
}
static Value isBelowZero(ImplicitLocOpBuilder &b, Value value) {
  Value zero = numberLike(b, value, 0);
  if (isa<FloatType>(value.getType()))
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, value, zero);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, zero);
}

//===- add, sub, mul, div -------------------------------------------------===//

Value AddOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return sum(b, args[0], args[1]);
}
AffineExpr AddOp::known(ShapeScope &, ArrayRef<AffineExpr> args) {
  return args[0] + args[1];
}

Value SubOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::SubFOp::create(b, args);
  return arith::SubIOp::create(b, args);
}
AffineExpr SubOp::known(ShapeScope &, ArrayRef<AffineExpr> args) {
  return args[0] - args[1];
}

Value MulOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return product(b, args[0], args[1]);
}
AffineExpr MulOp::known(ShapeScope &, ArrayRef<AffineExpr> args) {
  return args[0] * args[1];
}

Value DivOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::DivFOp::create(b, args);
  // A zero divisor is the caller's mistake, but it must not stop the process:
  // it gives the dividend.
  Value one = numberLike(b, args[1], 1);
  Value divisor =
      arith::SelectOp::create(b, equals(b, args[1], 0), one, args[1]);
  if (isUnsigned(elementTypeOf(getA())))
    return arith::DivUIOp::create(b, args[0], divisor);
  // The least integer by -1 traps on x86; its quotient wraps to itself.
  Value isMinusOne = equals(b, args[1], -1);
  Value negated = arith::SubIOp::create(b, numberLike(b, args[0], 0), args[0]);
  Value quotient = arith::DivSIOp::create(
      b, args[0], arith::SelectOp::create(b, isMinusOne, one, divisor));
  return arith::SelectOp::create(b, isMinusOne, negated, quotient);
}
AffineExpr DivOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> left = burnish::nn::known(args[0]),
                         right = burnish::nn::known(args[1]);
  if (left && right && *right != 0 && *right != -1)
    return scope.constant(*left / *right);
  // Where nothing is negative, rounding down and rounding towards zero are one.
  return right && *right > 0 && scope.isNonNegative(args[0])
             ? args[0].floorDiv(args[1])
             : AffineExpr();
}

//===- mod ----------------------------------------------------------------===//

Value ModOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type elementType = elementTypeOf(getA());
  bool ofSignOfA = getFmod() != 0;
  if (auto floatType = dyn_cast<FloatType>(args[0].getType())) {
    Type wide = wideType(elementType);
    Value left = castScalar(b, args[0], floatType, wide),
          right = castScalar(b, args[1], floatType, wide);
    Value remainder = arith::RemFOp::create(b, left, right);
    if (!ofSignOfA) {
      Value zero = numberLike(b, left, 0);
      Value differs = arith::XOrIOp::create(b, isBelowZero(b, remainder),
                                            isBelowZero(b, right));
      Value moved = arith::SelectOp::create(
          b, differs, arith::AddFOp::create(b, remainder, right), remainder);
      Value isZero =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, remainder, zero);
      remainder = arith::SelectOp::create(
          b, isZero, math::CopySignOp::create(b, zero, right), moved);
    }
    return castScalar(b, remainder, wide, floatType);
  }
  // Divisors of 0 (a mistake) and -1 (which traps for the least integer) leave
  // nothing.
  Value isTrivial = equals(b, args[1], 0), one = numberLike(b, args[1], 1);
  if (isUnsigned(elementType))
    return arith::RemUIOp::create(
        b, args[0], arith::SelectOp::create(b, isTrivial, one, args[1]));
  isTrivial = arith::OrIOp::create(b, isTrivial, equals(b, args[1], -1));
  Value remainder = arith::RemSIOp::create(
      b, args[0], arith::SelectOp::create(b, isTrivial, one, args[1]));
  if (ofSignOfA)
    return remainder;
  Value differs = arith::XOrIOp::create(b, isBelowZero(b, remainder),
                                        isBelowZero(b, args[1]));
  Value isNonzero = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ne, remainder, numberLike(b, remainder, 0));
  Value moved = arith::AddIOp::create(b, remainder, args[1]);
  return arith::SelectOp::create(
      b, arith::AndIOp::create(b, differs, isNonzero), moved, remainder);
}
AffineExpr ModOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> divisor = burnish::nn::known(args[1]);
  return divisor && *divisor > 0 && scope.isNonNegative(args[0])
             ? args[0] % args[1]
             : AffineExpr();
}

//===- pow ----------------------------------------------------------------===//

/// The exponent, where all elements are known and alike.
static std::optional<double> constantExponent(PowOp op) {
  auto constant = op.getY().getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue())
                        : DenseElementsAttr();
  if (!dense || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().convertToDouble();
  return dense.getSplatValue<APInt>().roundToDouble(
      !isUnsigned(dense.getElementType()));
}

/// x^n by squaring, which wraps; a negative n leaves 1 / x^-n, which is an
/// integer for 1 and -1 only.
static Value integerPower(ImplicitLocOpBuilder &b, Value base, Value exponent,
                          bool isUnsignedExponent) {
  Value one = numberLike(b, base, 1), zero = numberLike(b, base, 0);
  Value first = arith::ConstantIndexOp::create(b, 0),
        step = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(
      b, exponent.getType().getIntOrFloatBitWidth());
  auto loop = scf::ForOp::create(
      b, first, count, step, ValueRange{one, base, exponent},
      [](OpBuilder &builder, Location loc, Value, ValueRange state) {
        ImplicitLocOpBuilder b(loc, builder);
        Value isOdd = arith::TruncIOp::create(b, b.getI1Type(), state[2]);
        Value multiplied = arith::MulIOp::create(b, state[0], state[1]);
        Value power = arith::SelectOp::create(b, isOdd, multiplied, state[0]);
        Value square = arith::MulIOp::create(b, state[1], state[1]);
        Value rest =
            arith::ShRUIOp::create(b, state[2], numberLike(b, state[2], 1));
        scf::YieldOp::create(b, ValueRange{power, square, rest});
      });
  Value power = loop.getResult(0);
  if (isUnsignedExponent)
    return power;
  Value isOdd = arith::TruncIOp::create(b, b.getI1Type(), exponent),
        minusOne = numberLike(b, base, -1);
  Value ofMinusOne = arith::SelectOp::create(b, isOdd, minusOne, one);
  Value inverse =
      arith::SelectOp::create(b, equals(b, base, -1), ofMinusOne, zero);
  inverse = arith::SelectOp::create(b, equals(b, base, 1), one, inverse);
  return arith::SelectOp::create(b, isBelowZero(b, exponent), inverse, power);
}

Value PowOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type base = elementTypeOf(getX()), exponent = elementTypeOf(getY());
  std::optional<double> constant = constantExponent(*this);
  if (constant == 1.0)
    return args[0];
  if (constant == 2.0)
    return product(b, args[0], args[0]);
  if (isa<IntegerType>(base) && isa<IntegerType>(exponent))
    return integerPower(b, args[0], args[1], isUnsigned(exponent));

  Type wide = isa<IntegerType>(base) ? b.getF64Type() : wideType(base);
  Value x = castScalar(b, args[0], base, wide), result;
  if (constant == 3.0)
    result = arith::MulFOp::create(b, arith::MulFOp::create(b, x, x), x);
  else if (constant == -1.0)
    result = arith::DivFOp::create(b, numberLike(b, x, 1), x);
  else
    result = math::PowFOp::create(b, x, castScalar(b, args[1], exponent, wide));
  return castScalar(b, result, wide, base);
}

//===- prelu --------------------------------------------------------------===//

LogicalResult PReluOp::inferShapes(ShapeScope &scope) {
  Type elementType = elementTypeOf(getX());
  if (elementTypeOf(getSlope()) != elementType)
    return emitOpError() << "X and slope have element types " << elementType
                         << " and " << elementTypeOf(getSlope());
  Dims x = scope.dims(getX()), slope = scope.dims(getSlope());
  FailureOr<Dims> both = broadcastDims(*this, {x, slope});
  if (failed(both))
    return failure();
  // The slope may not stretch X, where compiling can tell; what run time brings
  // broadcasts as in any other operator.
  Dim one = scope.constant(1);
  for (size_t back = 1; back <= slope.size(); ++back) {
    Dim size = slope[slope.size() - back],
        there = back > x.size() ? one : x[x.size() - back];
    if (isKnown(there, 1) && ::burnish::nn::known(size) && !isKnown(size, 1))
      return emitOpError() << "slope " << toString(slope)
                           << " does not broadcast to X " << toString(x);
  }
  return scope.set(getOperation()->getResult(0), elementType, *both);
}

FailureOr<SmallVector<Value>> PReluOp::lower(Lowering &l) {
  return lowerElementwise(*this, l);
}

Value PReluOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isUnsigned(elementTypeOf(getX())))
    return args[0];
  return arith::SelectOp::create(b, isBelowZero(b, args[0]),
                                 product(b, args[0], args[1]), args[0]);
}

//===- max, min, sum ------------------------------------------------------===//

using Combine = llvm::function_ref<Value(Value, Value)>;
static Value foldArgs(ValueRange args, Combine combine) {
  Value result = args[0];
  for (Value arg : args.drop_front())
    result = combine(result, arg);
  return result;
}

static AffineExpr greaterKnown(ShapeScope &scope, AffineExpr left,
                               AffineExpr right) {
  std::optional<int64_t> a = known(left), b = known(right);
  if (left == right || (b && *b <= 0 && scope.isNonNegative(left)))
    return left;
  if (a && *a <= 0 && scope.isNonNegative(right))
    return right;
  return a && b ? scope.constant(std::max(*a, *b)) : AffineExpr();
}
static AffineExpr lesserKnown(ShapeScope &scope, AffineExpr left,
                              AffineExpr right) {
  std::optional<int64_t> a = known(left), b = known(right);
  if (left == right || (a && *a <= 0 && scope.isNonNegative(right)))
    return left;
  if (b && *b <= 0 && scope.isNonNegative(left))
    return right;
  return a && b ? scope.constant(std::min(*a, *b)) : AffineExpr();
}
using KnownRule = AffineExpr (*)(ShapeScope &, AffineExpr, AffineExpr);
static AffineExpr foldKnown(ShapeScope &scope, ArrayRef<AffineExpr> args,
                            KnownRule rule) {
  AffineExpr result = args[0];
  for (AffineExpr arg : args.drop_front())
    if (result)
      result = rule(scope, result, arg);
  return result;
}

Value MaxOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return foldArgs(args, [&](Value left, Value right) {
    return maximum(b, elementTypeOf(getInputs()[0]), left, right);
  });
}
AffineExpr MaxOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return foldKnown(scope, args, greaterKnown);
}

Value MinOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return foldArgs(args, [&](Value left, Value right) {
    return minimum(b, elementTypeOf(getInputs()[0]), left, right);
  });
}
AffineExpr MinOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return foldKnown(scope, args, lesserKnown);
}

Value SumOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return foldArgs(args,
                  [&](Value left, Value right) { return sum(b, left, right); });
}
AffineExpr SumOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  return foldKnown(scope, args,
                   [](ShapeScope &, AffineExpr left, AffineExpr right) {
                     return left + right;
                   });
}

//===- clip ---------------------------------------------------------------===//

Value ClipOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type elementType = elementTypeOf(getInput());
  Value result = args[0];
  if (getMin())
    result = maximum(b, elementType, result, args[1]);
  return getMax() ? minimum(b, elementType, result, args.back()) : result;
}
AffineExpr ClipOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  AffineExpr result = args[0];
  if (getMin())
    result = greaterKnown(scope, result, args[1]);
  return getMax() && result ? lesserKnown(scope, result, args.back()) : result;
}
