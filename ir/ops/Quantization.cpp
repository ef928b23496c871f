// Quantization.cpp - floats to small numbers with a scale and a zero point, and
// back.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Rounding.h"
#include "ir/SmallFloats.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Quantization.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerQuantization(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Quantization.cpp.inc"
      >();
}

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}

//===- Scales -------------------------------------------------------------===//

namespace {
/// What one number of a scale is for.
enum class Granularity { Tensor, Axis, Block };
} // namespace

template <typename Op>
static Granularity granularity(Op op, ShapeScope &scope, Value scale) {
  Dims dims = scope.dims(scale);
  if (dims.empty() || (dims.size() == 1 && isKnown(dims[0], 1)))
    return Granularity::Tensor;
  return op.getBlockSize() > 0 ? Granularity::Block : Granularity::Axis;
}

/// Checks that scale and zero point fit x.
template <typename Op>
static LogicalResult checkScale(Op op, ShapeScope &scope, Value scale,
                                Value zeroPoint) {
  Dims x = scope.dims(op.getX()), dims = scope.dims(scale);
  if (auto size = static_cast<int64_t>(op.getBlockSize()); size < 0)
    return op.emitOpError() << "'block_size' is " << size;
  Granularity kind = granularity(op, scope, scale);
  if (zeroPoint) {
    Dims zeros = scope.dims(zeroPoint);
    bool isAlike = zeros.size() == dims.size();
    if (kind == Granularity::Tensor)
      isAlike = zeros.empty() ||
                (zeros.size() == 1 && known(zeros[0]).value_or(1) == 1);
    for (size_t axis = 0;
         isAlike && kind != Granularity::Tensor && axis < dims.size(); ++axis)
      isAlike = !known(dims[axis]) || !known(zeros[axis]) ||
                dims[axis] == zeros[axis];
    if (!isAlike)
      return op.emitOpError() << "the scale is " << toString(dims)
                              << " and the zero point is " << toString(zeros);
  }
  if (kind == Granularity::Tensor)
    return success();
  FailureOr<int64_t> axis = normalizeAxis(op, op.getAxis(), x.size());
  if (failed(axis))
    return failure();
  Dims fitting{x[*axis]};
  if (kind == Granularity::Block) {
    fitting = x;
    fitting[*axis] = x[*axis].ceilDiv(op.getBlockSize());
  }
  auto fits = [&](ArrayRef<Dim> given) {
    bool isFit = fitting.size() == given.size();
    for (size_t position = 0; isFit && position < given.size(); ++position)
      isFit = !known(fitting[position]) || !known(given[position]) ||
              fitting[position] == given[position];
    return isFit;
  };
  if (!fits(dims))
    return op.emitOpError()
           << "the scale is " << toString(dims) << ", and should be "
           << toString(fitting) << " or one number";
  // It may say more than a scale whose size only run time knows.
  if (zeroPoint && !fits(scope.dims(zeroPoint)))
    return op.emitOpError()
           << "the zero point is " << toString(scope.dims(zeroPoint))
           << ", and should be " << toString(fitting);
  return success();
}

/// A scale or zero point as a loop nest over x reads it. Checks at run time
/// what cannot be checked before.
template <typename Op>
static Lowering::Operand readScale(Op op, Lowering &l, Value scale,
                                   Granularity kind) {
  Value tensor = l.lowered(scale);
  int64_t rank = l.scope.rank(op.getX());
  SmallVector<AffineExpr> exprs;
  if (kind == Granularity::Tensor) {
    exprs.assign(l.scope.rank(scale), l.getAffineConstantExpr(0));
    for (Dim dim : l.scope.dims(scale))
      if (!known(dim))
        l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                        l.index(l.size(dim)), l.index(1)),
                  Status::BadShape, "the scale is not one number");
  } else {
    int64_t axis = *normalizeAxis(op, op.getAxis(), rank);
    Dims x = l.scope.dims(op.getX()), dims = l.scope.dims(scale),
         fitting{x[axis]};
    exprs = {l.getAffineDimExpr(axis)};
    if (kind == Granularity::Block) {
      exprs.clear();
      for (int64_t each = 0; each < rank; ++each)
        exprs.push_back(l.getAffineDimExpr(each));
      exprs[axis] = exprs[axis].floorDiv(op.getBlockSize());
      fitting = x;
      fitting[axis] = x[axis].ceilDiv(op.getBlockSize());
    }
    for (auto [given, needed] : llvm::zip_equal(dims, fitting))
      if (given != needed)
        l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                        l.index(l.size(given)),
                                        l.index(l.size(needed))),
                  Status::BadShape, "the scale does not fit its operand");
  }
  return {tensor, elementTypeOf(scale),
          AffineMap::get(rank, 0, exprs, l.getContext())};
}

//===- quantize_linear ----------------------------------------------------===//

static Type quantizedType(QuantizeLinearOp op) {
  if (op.getYZeroPoint())
    return elementTypeOf(op.getYZeroPoint());
  return typeOfOnnx(op.getOutputDtype() == 0 ? 2 : op.getOutputDtype(),
                    op.getContext());
}

/// The type in which quotients are taken.
static Type quotientType(QuantizeLinearOp op) {
  if (op.getPrecision() != 0)
    return typeOfOnnx(op.getPrecision(), op.getContext());
  Type scale = elementTypeOf(op.getYScale());
  if (!isa<FloatType>(scale))
    return Float64Type::get(op.getContext());
  return isSmallFloat(scale) ? Float32Type::get(op.getContext()) : scale;
}

LogicalResult QuantizeLinearOp::inferShapes(ShapeScope &scope) {
  Type type = quantizedType(*this), quotient = quotientType(*this);
  auto integer = dyn_cast_or_null<IntegerType>(type);
  if (!type || !(integer ? integer.getWidth() > 1 && integer.getWidth() <= 16
                         : isSmallFloat(type)))
    return emitOpError() << "results of element type "
                         << (type ? type : Type(NoneType::get(getContext())))
                         << " are no quantized ones";
  if (!isa_and_nonnull<FloatType>(quotient) || isSmallFloat(quotient))
    return emitOpError() << "'precision' is " << getPrecision()
                         << ", which is no float of 16 bits or more";
  if (getYZeroPoint() && getOutputDtype() != 0 &&
      typeOfOnnx(getOutputDtype(), getContext()) != type)
    return emitOpError() << "'output_dtype' is " << getOutputDtype()
                         << ", and the zero point is of element type " << type;
  if (failed(checkScale(*this, scope, getYScale(), getYZeroPoint())))
    return failure();
  return scope.set(getOperation()->getResult(0), type, scope.dims(getX()));
}

FailureOr<SmallVector<Value>> QuantizeLinearOp::lower(Lowering &l) {
  Type from = elementTypeOf(getX()), scaleType = elementTypeOf(getYScale()),
       type = elementTypeOf(getY()), quotient = quotientType(*this),
       wide = wideType(quotient);
  Value x = l.lowered(getX());
  Granularity kind = granularity(*this, l.scope, getYScale());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  SmallVector<Lowering::Operand> inputs{
      {x, from, l.getMultiDimIdentityMap(sizes.size())},
      readScale(*this, l, getYScale(), kind)};
  // Zero points of floats of 8 bits are 0.
  bool isEightBits = isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8;
  bool hasZeroPoint = getYZeroPoint() && !isEightBits;
  if (hasZeroPoint)
    inputs.push_back(readScale(*this, l, getYZeroPoint(), kind));
  return SmallVector<Value>{l.generic(
      type, sizes, inputs,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        // Operands and quotient are rounded to the type of the quotient, though
        // computed in a wider one.
        auto rounded = [&](Value value, Type from) {
          return castScalar(b, castScalar(b, value, from, quotient), quotient,
                            wide);
        };
        Value result = arith::DivFOp::create(b, rounded(args[0], from),
                                             rounded(args[1], scaleType));
        result = rounded(result, wide);
        if (isa<FloatType>(type)) {
          result = castScalar(b, result, wide, b.getF32Type());
          if (hasZeroPoint)
            result = arith::AddFOp::create(b, result, args[2]);
          return castScalar(b, result, b.getF32Type(), type,
                            getSaturate() != 0);
        }
        // What is clipped here is far outside every result type, whatever the
        // zero point; NaN becomes the least number.
        auto real = [&](double number) {
          return arith::ConstantOp::create(b, b.getFloatAttr(wide, number));
        };
        // Compared and selected, either is one instruction of x86, where
        // maxnum, which looks for NaN on either side, is several.
        auto select = [&](arith::CmpFPredicate is, double bound) {
          result = arith::SelectOp::create(
              b, arith::CmpFOp::create(b, is, result, real(bound)), result,
              real(bound));
        };
        result = math::RoundEvenOp::create(b, result);
        select(arith::CmpFPredicate::OGT, -1 << 20);
        select(arith::CmpFPredicate::OLT, 1 << 20);
        Value whole = arith::FPToSIOp::create(b, b.getI32Type(), result);
        if (hasZeroPoint)
          whole = arith::AddIOp::create(
              b, whole, castScalar(b, args[2], type, b.getI32Type()));
        unsigned width = type.getIntOrFloatBitWidth();
        bool isUnsigned = type.isUnsignedInteger();
        auto integer = [&](int64_t number) {
          return arith::ConstantOp::create(b, b.getI32IntegerAttr(number));
        };
        whole = arith::MaxSIOp::create(
            b, whole, integer(isUnsigned ? 0 : -(1 << (width - 1))));
        whole = arith::MinSIOp::create(
            b, whole, integer((1 << (isUnsigned ? width : width - 1)) - 1));
        return arith::TruncIOp::create(b, computeType(type), whole);
      })};
}

//===- dequantize_linear --------------------------------------------------===//

LogicalResult DequantizeLinearOp::inferShapes(ShapeScope &scope) {
  Type type = getOutputDtype() == 0
                  ? elementTypeOf(getXScale())
                  : typeOfOnnx(getOutputDtype(), getContext());
  if (type && isa<Float8E8M0FNUType>(type) && getOutputDtype() == 0)
    type = Float32Type::get(getContext());
  if (!isa_and_nonnull<FloatType>(type))
    return emitOpError() << "results would be no floats: 'output_dtype' is "
                         << getOutputDtype()
                         << " and the scale is of element type "
                         << elementTypeOf(getXScale());
  if (getXZeroPoint() &&
      elementTypeOf(getXZeroPoint()) != elementTypeOf(getX()))
    return emitOpError() << "x and its zero point have element types "
                         << elementTypeOf(getX()) << " and "
                         << elementTypeOf(getXZeroPoint());
  if (failed(checkScale(*this, scope, getXScale(), getXZeroPoint())))
    return failure();
  return scope.set(getOperation()->getResult(0), type, scope.dims(getX()));
}

FailureOr<SmallVector<Value>> DequantizeLinearOp::lower(Lowering &l) {
  Type from = elementTypeOf(getX()), scaleType = elementTypeOf(getXScale()),
       type = elementTypeOf(getY()), wide = wideType(type);
  Value x = l.lowered(getX());
  Granularity kind = granularity(*this, l.scope, getXScale());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  SmallVector<Lowering::Operand> inputs{
      {x, from, l.getMultiDimIdentityMap(sizes.size())},
      readScale(*this, l, getXScale(), kind)};
  bool hasZeroPoint = getXZeroPoint() && isa<IntegerType>(from);
  if (hasZeroPoint)
    inputs.push_back(readScale(*this, l, getXZeroPoint(), kind));
  return SmallVector<Value>{l.generic(
      type, sizes, inputs,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value number = args[0];
        Type numberType = from;
        if (hasZeroPoint) {
          numberType = b.getI32Type();
          number =
              arith::SubIOp::create(b, castScalar(b, number, from, numberType),
                                    castScalar(b, args[2], from, numberType));
        }
        // Quantized numbers lie on a lattice, where sums of them often are
        // halves of a step: how a product was rounded decides those.
        Value result = arith::MulFOp::create(
            b, castScalar(b, number, numberType, wide),
            castScalar(b, args[1], scaleType, wide), kRoundedProduct);
        return castScalar(b, result, wide, type);
      })};
}
