// Functions.cpp - functions of one operand, and conversions between element
// types.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/SmallFloats.h"
#include "ir/Strings.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Functions.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerFunctions(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Functions.cpp.inc"
      >();
}

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}

/// A function of a float, computed in f32 at least and rounded once.
static Value widened(ImplicitLocOpBuilder &b, Value arg,
                     llvm::function_ref<Value(Value)> function) {
  Type type = arg.getType(), wide = wideType(type);
  return castScalar(b, function(castScalar(b, arg, type, wide)), wide, type);
}
template <typename Op>
static Value apply(ImplicitLocOpBuilder &b, ValueRange args) {
  return widened(b, args[0], [&](Value x) { return Op::create(b, x); });
}

static Value numberLike(ImplicitLocOpBuilder &b, Value like, double value) {
  if (isa<FloatType>(like.getType()))
    return arith::ConstantOp::create(b, b.getFloatAttr(like.getType(), value));
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(like.getType(), static_cast<int64_t>(value)));
}
static Value compareZero(ImplicitLocOpBuilder &b, Value value, bool isAbove) {
  Value zero = numberLike(b, value, 0);
  if (isa<FloatType>(value.getType()))
    return arith::CmpFOp::create(
        b, isAbove ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT,
        value, zero);
  return arith::CmpIOp::create(
      b, isAbove ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, value,
      zero);
}

//===- Powers, logarithms, angles, rounding -------------------------------===//

Value ExpOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::ExpOp>(b, args);
}
Value LogOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::LogOp>(b, args);
}
Value SqrtOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::SqrtOp>(b, args);
}
Value ReciprocalOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return arith::DivFOp::create(b, numberLike(b, args[0], 1), args[0]);
}
Value SinOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::SinOp>(b, args);
}
Value CosOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::CosOp>(b, args);
}
Value TanOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::TanOp>(b, args);
}
Value AsinOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AsinOp>(b, args);
}
Value AcosOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AcosOp>(b, args);
}
Value AtanOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AtanOp>(b, args);
}
Value SinhOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::SinhOp>(b, args);
}
Value CoshOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::CoshOp>(b, args);
}
Value TanhOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::TanhOp>(b, args);
}
Value AsinhOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AsinhOp>(b, args);
}
Value AcoshOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AcoshOp>(b, args);
}
Value AtanhOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::AtanhOp>(b, args);
}
Value FloorOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::FloorOp>(b, args);
}
Value CeilOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::CeilOp>(b, args);
}
Value RoundOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return apply<math::RoundEvenOp>(b, args);
}
Value ErfOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type type = elementTypeOf(getX()), f64 = b.getF64Type();
  if (isa<FloatType>(type))
    return apply<math::ErfOp>(b, args);
  // 1 from 6 on, where f64 has no number between.
  Value erf = math::ErfOp::create(b, castScalar(b, args[0], type, f64));
  return castScalar(b, erf, f64, type);
}

//===- abs, neg, sign, relu -----------------------------------------------===//

Value AbsOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return math::AbsFOp::create(b, args[0]);
  return elementTypeOf(getX()).isUnsignedInteger()
             ? args[0]
             : Value(math::AbsIOp::create(b, args[0]));
}
AffineExpr AbsOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> value = burnish::nn::known(args[0]);
  return scope.isNonNegative(args[0]) ? args[0]
         : value                      ? -args[0]
                                      : AffineExpr();
}

Value NegOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isa<FloatType>(args[0].getType()))
    return arith::NegFOp::create(b, args[0]);
  return arith::SubIOp::create(b, numberLike(b, args[0], 0), args[0]);
}
AffineExpr NegOp::known(ShapeScope &, ArrayRef<AffineExpr> args) {
  return -args[0];
}

Value SignOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Value one = numberLike(b, args[0], 1);
  if (elementTypeOf(getX()).isUnsignedInteger())
    return arith::MinUIOp::create(b, args[0], one);
  Value belowOrSelf =
      arith::SelectOp::create(b, compareZero(b, args[0], /*isAbove=*/false),
                              numberLike(b, args[0], -1), args[0]);
  return arith::SelectOp::create(b, compareZero(b, args[0], /*isAbove=*/true),
                                 one, belowOrSelf);
}
AffineExpr SignOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> value = burnish::nn::known(args[0]);
  return value ? scope.constant((*value > 0) - (*value < 0)) : AffineExpr();
}

Value ReluOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return maximum(b, elementTypeOf(getX()), args[0], numberLike(b, args[0], 0));
}
AffineExpr ReluOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  std::optional<int64_t> value = burnish::nn::known(args[0]);
  return scope.isNonNegative(args[0]) ? args[0]
         : value                      ? scope.constant(0)
                                      : AffineExpr();
}

//===- Activations --------------------------------------------------------===//

Value SigmoidOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return widened(b, args[0], [&](Value x) {
    Value one = numberLike(b, x, 1);
    Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
    return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, power));
  });
}

Value SoftplusOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  // max(x, 0) + log(1 + exp(-|x|)): the power is 1 at most.
  return widened(b, args[0], [&](Value x) {
    Value power = math::ExpOp::create(
        b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
    Value above = arith::MaximumFOp::create(b, x, numberLike(b, x, 0));
    return arith::AddFOp::create(b, above, math::Log1pOp::create(b, power));
  });
}

LogicalResult GeluOp::check() {
  if (getApproximate() != "none" && getApproximate() != "tanh")
    return emitOpError() << "'approximate' is \"" << getApproximate()
                         << "\", not \"none\" or \"tanh\"";
  return success();
}

Value GeluOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return widened(b, args[0], [&](Value x) {
    auto times = [&](Value left, Value right) {
      return arith::MulFOp::create(b, left, right);
    };
    Value curve;
    if (getApproximate() == "tanh") {
      Value cube = times(numberLike(b, x, 0.044715), times(x, times(x, x)));
      curve =
          math::TanhOp::create(b, times(numberLike(b, x, 0.79788456080286536),
                                        arith::AddFOp::create(b, x, cube)));
    } else {
      curve = math::ErfOp::create(
          b, times(x, numberLike(b, x, 0.70710678118654752)));
    }
    Value half = times(x, numberLike(b, x, 0.5));
    return times(half, arith::AddFOp::create(b, numberLike(b, x, 1), curve));
  });
}

//===- cast ---------------------------------------------------------------===//

/// The element type with ONNX's number `to`; null for what is no number.
static Type numberType(int64_t to, MLIRContext *context) {
  Type type = typeOfOnnx(to, context);
  return type && type.isIntOrFloat() ? type : Type();
}

Type CastOp::getResultElementType() {
  Type type = typeOfOnnx(getTo(), getContext());
  return type && isString(type) ? type : numberType(getTo(), getContext());
}

LogicalResult CastOp::check() {
  if (!getResultElementType())
    return emitOpError() << "'to' is " << getTo()
                         << ", which is no element type of numbers or strings";
  if (!llvm::is_contained({"up", "down", "nearest"}, getRoundMode()))
    return emitOpError() << "'round_mode' is \"" << getRoundMode()
                         << "\", not \"up\", \"down\" or \"nearest\"";
  return success();
}

Value CastOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  if (isString(elementTypeOf(getResult())))
    return castToString(b, args[0], elementTypeOf(getInput()));
  if (isString(elementTypeOf(getInput())))
    return castFromString(b, args[0], elementTypeOf(getResult()));
  return castScalar(b, args[0], elementTypeOf(getInput()),
                    elementTypeOf(getResult()), getSaturate() != 0,
                    getRoundMode());
}

AffineExpr CastOp::known(ShapeScope &scope, ArrayRef<AffineExpr> args) {
  auto target = dyn_cast<IntegerType>(getResultElementType());
  if (!target)
    return {};
  std::optional<int64_t> value = burnish::nn::known(args[0]);
  if (target.getWidth() == 1)
    return value ? scope.constant(*value != 0) : AffineExpr();
  // Sizes fit 32 bits, or the run would have failed long before.
  return target.getWidth() >= 32 ? args[0] : AffineExpr();
}

//===- bit_cast -----------------------------------------------------------===//

/// Bits of an element: ONNX's booleans are bytes.
static unsigned bitsOf(Type elementType) {
  return elementType.isInteger(1) ? 8 : elementType.getIntOrFloatBitWidth();
}

Type BitCastOp::getResultElementType() {
  return numberType(getTo(), getContext());
}

LogicalResult BitCastOp::check() {
  Type from = elementTypeOf(getInput()), to = getResultElementType();
  if (!to)
    return emitOpError() << "'to' is " << getTo()
                         << ", which is no element type of numbers";
  if (!from.isIntOrFloat())
    return emitOpError() << "its operand has elements of " << from;
  if (bitsOf(from) != bitsOf(to))
    return emitOpError() << "'to' has " << bitsOf(to)
                         << " bits and the operand has " << bitsOf(from);
  return success();
}

Value BitCastOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  Type from = elementTypeOf(getInput()), to = elementTypeOf(getResult());
  Type bitsType = b.getIntegerType(bitsOf(from));
  Value bits = args[0];
  if (isSmallFloat(from) || from.isInteger(1)) {
    bits = storeScalar(b, bits, from);
    bits = bits.getType() == bitsType
               ? bits
               : Value(arith::TruncIOp::create(b, bitsType, bits));
  } else if (isa<FloatType>(from)) {
    bits = arith::BitcastOp::create(b, bitsType, bits);
  }
  if (isSmallFloat(to) || to.isInteger(1))
    return loadScalar(b,
                      bitsType == b.getI8Type() ? bits
                                                : Value(arith::ExtUIOp::create(
                                                      b, b.getI8Type(), bits)),
                      to);
  return isa<FloatType>(to) ? Value(arith::BitcastOp::create(b, to, bits))
                            : bits;
}
