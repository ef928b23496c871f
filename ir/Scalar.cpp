// Scalar.cpp - arithmetic on scalar values, written as in C.
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

static bool isFloat(const Scalar &scalar) {
  return isa<FloatType>(Value(scalar).getType());
}

template <typename IntOp, typename FloatOp>
static Scalar binary(const Scalar &a, const Scalar &b) {
  ImplicitLocOpBuilder &builder = a.getBuilder();
  if (isFloat(a))
    return {builder, builder.createOrFold<FloatOp>(a, b)};
  return {builder, builder.createOrFold<IntOp>(a, b)};
}
template <typename Op> static Scalar integer(const Scalar &a, const Scalar &b) {
  assert(!isFloat(a) && "an operation on integers");
  return {a.getBuilder(), a.getBuilder().createOrFold<Op>(Value(a), Value(b))};
}
template <typename Op> static Scalar unary(const Scalar &a) {
  return {a.getBuilder(), a.getBuilder().createOrFold<Op>(Value(a))};
}

static Scalar compare(const Scalar &a, const Scalar &b,
                      arith::CmpIPredicate ints, arith::CmpFPredicate floats) {
  ImplicitLocOpBuilder &builder = a.getBuilder();
  if (isFloat(a))
    return {builder, builder.createOrFold<arith::CmpFOp>(floats, a, b)};
  return {builder, builder.createOrFold<arith::CmpIOp>(ints, a, b)};
}

Scalar::Scalar(ImplicitLocOpBuilder &builder, OpFoldResult index)
    : builder(&builder),
      value(getValueOrCreateConstantIndexOp(builder, builder.getLoc(), index)) {
}

Scalar Scalar::number(double other) const {
  Type type = value.getType();
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(other);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return {*builder, arith::ConstantOp::create(
                          *builder, FloatAttr::get(floatType, number))
                          .getResult()};
  }
  return {*builder, arith::ConstantOp::create(
                        *builder, builder->getIntegerAttr(
                                      type, static_cast<int64_t>(other)))
                        .getResult()};
}

Scalar Scalar::toInteger(Type type) const {
  Type from = value.getType();
  if (from == type)
    return *this;
  if (from.isIndex() || type.isIndex())
    return {*builder, builder->createOrFold<arith::IndexCastOp>(type, value)};
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return {*builder, builder->createOrFold<arith::ExtSIOp>(type, value)};
  return {*builder, builder->createOrFold<arith::TruncIOp>(type, value)};
}

Scalar Scalar::toFloat(Type type) const {
  Type from = value.getType();
  if (from == type)
    return *this;
  if (auto floatType = dyn_cast<FloatType>(from)) {
    unsigned width = cast<FloatType>(type).getWidth();
    if (floatType.getWidth() < width)
      return {*builder, builder->createOrFold<arith::ExtFOp>(type, value)};
    if (floatType.getWidth() > width)
      return {*builder,
              arith::TruncFOp::create(*builder, type, value).getResult()};
    return toFloat(builder->getF32Type()).toFloat(type);
  }
  return {*builder, builder->createOrFold<arith::SIToFPOp>(
                        type, toInteger(builder->getI64Type()))};
}

Scalar Scalar::toIndex() const {
  if (!isFloat(*this))
    return toInteger(builder->getIndexType());
  Value whole =
      builder->createOrFold<arith::FPToSIOp>(builder->getI64Type(), value);
  return Scalar(*builder, whole).toInteger(builder->getIndexType());
}

std::optional<int64_t> Scalar::constant() const {
  return getConstantIntValue(value);
}

Scalar Scalar::operator+(const Scalar &other) const {
  return binary<arith::AddIOp, arith::AddFOp>(*this, other);
}
Scalar Scalar::operator-(const Scalar &other) const {
  return binary<arith::SubIOp, arith::SubFOp>(*this, other);
}
Scalar Scalar::operator*(const Scalar &other) const {
  return binary<arith::MulIOp, arith::MulFOp>(*this, other);
}
Scalar Scalar::operator/(const Scalar &other) const {
  assert(isFloat(*this) && "integers are divided by floorDiv or ceilDiv");
  return {*builder, builder->createOrFold<arith::DivFOp>(value, other.value)};
}
Scalar Scalar::operator==(const Scalar &other) const {
  return compare(*this, other, arith::CmpIPredicate::eq,
                 arith::CmpFPredicate::OEQ);
}
Scalar Scalar::operator!=(const Scalar &other) const {
  return compare(*this, other, arith::CmpIPredicate::ne,
                 arith::CmpFPredicate::ONE);
}
Scalar Scalar::operator<(const Scalar &other) const {
  return compare(*this, other, arith::CmpIPredicate::slt,
                 arith::CmpFPredicate::OLT);
}
Scalar Scalar::operator<=(const Scalar &other) const {
  return compare(*this, other, arith::CmpIPredicate::sle,
                 arith::CmpFPredicate::OLE);
}
Scalar Scalar::operator&(const Scalar &other) const {
  return integer<arith::AndIOp>(*this, other);
}
Scalar Scalar::operator|(const Scalar &other) const {
  return integer<arith::OrIOp>(*this, other);
}
Scalar Scalar::operator!() const {
  return integer<arith::XOrIOp>(*this, number(1));
}

Scalar nn::min(const Scalar &a, const Scalar &b) {
  return binary<arith::MinSIOp, arith::MinimumFOp>(a, b);
}
Scalar nn::max(const Scalar &a, const Scalar &b) {
  return binary<arith::MaxSIOp, arith::MaximumFOp>(a, b);
}
Scalar nn::clamp(const Scalar &a, const Scalar &low, const Scalar &high) {
  return min(max(a, low), high);
}
Scalar nn::floorDiv(const Scalar &a, const Scalar &b) {
  return integer<arith::FloorDivSIOp>(a, b);
}
Scalar nn::ceilDiv(const Scalar &a, const Scalar &b) {
  return integer<arith::CeilDivSIOp>(a, b);
}
Scalar nn::mod(const Scalar &a, const Scalar &b) {
  Scalar remainder = integer<arith::RemSIOp>(a, b);
  return select(remainder < 0, remainder + b, remainder);
}
Scalar nn::select(const Scalar &condition, const Scalar &a, const Scalar &b) {
  return {a.getBuilder(), a.getBuilder().createOrFold<arith::SelectOp>(
                              Value(condition), Value(a), Value(b))};
}
Scalar nn::floor(const Scalar &a) { return unary<math::FloorOp>(a); }
Scalar nn::ceil(const Scalar &a) { return unary<math::CeilOp>(a); }
Scalar nn::roundEven(const Scalar &a) { return unary<math::RoundEvenOp>(a); }
Scalar nn::abs(const Scalar &a) {
  return isFloat(a) ? unary<math::AbsFOp>(a) : max(a, -a);
}
