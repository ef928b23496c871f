// ApproximateFunctions.cpp - exp, log, sin, cos, tanh, erf, sigmoid and gelu of
// f32 vectors as polynomials, each within 2 ULP over all floats, sigmoid within
// 3 and gelu within 4 (test/passes/kernels/functions.test).
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/kernels/Body.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_APPROXIMATEFUNCTIONS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Beyond this, a multiple of pi/2 in two parts is not exact any more.
constexpr float kFarAngle = 1.0e6f;
/// 1.5 * 2^23, beside which floats are integers.
constexpr float kMagic = 12582912.0f;

/// Arithmetic on vectors of one shape.
struct VectorMath {
  VectorMath(Location loc, OpBuilder &builder, VectorType type)
      : b(loc, builder), type(type), integers(type.clone(b.getI32Type())),
        flags(arith::FastMathFlagsAttr::get(b.getContext(),
                                            arith::FastMathFlags::contract)) {}

  ImplicitLocOpBuilder b;
  VectorType type, integers;
  arith::FastMathFlagsAttr flags;

  Value number(float value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }
  Value integer(int32_t value) {
    return arith::ConstantOp::create(b,
                                     DenseElementsAttr::get(integers, value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  /// x * y + z, rounded once where the machine can.
  Value fma(Value x, Value y, Value z) {
    return arith::AddFOp::create(b, arith::MulFOp::create(b, x, y, flags), z,
                                 flags);
  }
  /// c[0] + c[1] x + ...
  Value polynomial(Value x, ArrayRef<float> c) {
    Value sum = number(c.back());
    for (float coefficient : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, number(coefficient));
    return sum;
  }
  Value less(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
  }
  Value equal(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value bits(Value x) { return arith::BitcastOp::create(b, integers, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, type, x); }
  Value magnitude(Value x) { return math::AbsFOp::create(b, x); }
  Value withSignOf(Value x, Value sign) {
    return math::CopySignOp::create(b, x, sign);
  }
  /// 2^n of integers in [-126, 127].
  Value powerOfTwo(Value n) {
    return fromBits(arith::ShLIOp::create(
        b, arith::AddIOp::create(b, n, integer(127)), integer(23)));
  }

  /// x as n ln(2) + r with |r| <= ln(2)/2: e^r, and n in the low bits of the
  /// other.
  std::pair<Value, Value> splitExp(Value x) {
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    Value magic = number(kMagic), shifted = fma(x, number(1.44269504f), magic),
          n = sub(shifted, magic);
    Value r = fma(n, number(2.12194440e-4f), fma(n, number(-0.693359375f), x));
    return {add(powerTail(r), number(1.0f)), bits(shifted)};
  }

  /// e^r - 1 with |r| <= ln(2)/2.
  Value powerTail(Value r) {
    Value tail =
        polynomial(r, {0.5f, 1.6666665459e-1f, 4.1665795894e-2f,
                       8.3334519073e-3f, 1.3981999507e-3f, 1.9875691500e-4f});
    return fma(mul(r, r), tail, r);
  }

  /// e^x = 2^n e^r: at most 1.0 ULP. NaN stays; what is beyond ends in 0 or
  /// infinity by itself.
  Value exp(Value x) {
    Value least = number(-104.0f), most = number(89.0f);
    x = select(less(x, least), least, x);
    x = select(less(most, x), most, x);
    auto [power, shifted] = splitExp(x);
    // In two steps, since 2^n alone may be out of range.
    Value whole = arith::SubIOp::create(b, shifted, bits(number(kMagic))),
          half = arith::ShRSIOp::create(b, whole, integer(1));
    return mul(mul(power, powerOfTwo(half)),
               powerOfTwo(arith::SubIOp::create(b, whole, half)));
  }

  /// ln(2^k m) = k ln(2) + ln(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)].
  Value log(Value x) {
    Value isSmall = less(x, number(std::numeric_limits<float>::min())),
          scaled = select(isSmall, mul(x, number(0x1p25f)), x);
    Value least = integer(0x3f3504f3), // sqrt(1/2)
        exponent = arith::ShRSIOp::create(
            b, arith::SubIOp::create(b, bits(scaled), least), integer(23));
    Value mantissa = fromBits(arith::SubIOp::create(
        b, bits(scaled), arith::ShLIOp::create(b, exponent, integer(23))));
    Value f = sub(mantissa, number(1.0f)),
          k = add(arith::SIToFPOp::create(b, type, exponent),
                  select(isSmall, number(-25.0f), number(0.0f)));
    Value tail = polynomial(f, {0.33333313f, -0.2500001f, 0.20002124f,
                                -0.16668005f, 0.14219452f, -0.124053404f,
                                0.11888698f, -0.116775155f, 0.067477286f});
    Value square = mul(f, f),
          rest = fma(k, number(-2.12194440e-4f), mul(mul(square, f), tail));
    Value result =
        fma(k, number(0.693359375f), add(f, fma(square, number(-0.5f), rest)));
    // What is no positive number keeps its meaning.
    float infinity = std::numeric_limits<float>::infinity();
    result = select(less(x, number(infinity)), result, x);
    result = select(less(x, number(0.0f)),
                    number(std::numeric_limits<float>::quiet_NaN()), result);
    return select(equal(x, number(0.0f)), number(-infinity), result);
  }

  Value sin(Value x) { return angle<math::SinOp>(x, 0); }
  Value cos(Value x) { return angle<math::CosOp>(x, 1); }

  /// The sine of x + quarters * pi/2. The angle is brought near 0 in f64, where
  /// multiples of the first 33 bits of pi/2 are exact.
  template <typename Op> Value angle(Value x, int64_t quarters) {
    auto isFar = [&](auto predicate, float bound) -> Value {
      return arith::CmpFOp::create(b, predicate, magnitude(x), number(bound));
    };
    Value isLarge =
        arith::AndIOp::create(b, isFar(arith::CmpFPredicate::OGT, kFarAngle),
                              isFar(arith::CmpFPredicate::OLT,
                                    std::numeric_limits<float>::infinity()));
    Value isAnyLarge =
        vector::ReductionOp::create(b, vector::CombiningKind::OR, isLarge);
    auto branch = scf::IfOp::create(b, TypeRange(type), isAnyLarge,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, eachAlone<Op>(x));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, nearAngle(x, quarters));
    return branch.getResult(0);
  }

  /// The function of one lane after the other.
  template <typename Op> Value eachAlone(Value x) {
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    auto loop = scf::ForOp::create(b, index(0), index(type.getNumElements()),
                                   index(1), ValueRange(x));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    OpFoldResult lane = loop.getInductionVar();
    Value element = vector::ExtractOp::create(b, x, lane);
    scf::YieldOp::create(
        b, Value(vector::InsertOp::create(b, Value(Op::create(b, element)),
                                          loop.getRegionIterArg(0), lane)));
    return loop.getResult(0);
  }

  Value nearAngle(Value x, int64_t quarters) {
    VectorType wide = type.clone(b.getF64Type()),
               wideBits = type.clone(b.getI64Type());
    auto wideNumber = [&](double value) -> Value {
      return arith::ConstantOp::create(b, DenseElementsAttr::get(wide, value));
    };
    auto wideFma = [&](Value factor, double constant, Value sum) {
      return fma(factor, wideNumber(constant), sum);
    };
    Value angle = arith::ExtFOp::create(b, wide, x);
    // Adding 1.5 * 2^52 rounds to an integer, which is then in the low bits.
    Value magic = wideNumber(0x1.8p52),
          shifted = wideFma(angle, 0.63661977236758134308, magic),
          turns = sub(shifted, magic);
    angle = wideFma(turns, -1.57079632673412561417e+00, angle);
    angle = wideFma(turns, -6.07710050650619224932e-11, angle);
    Value r = arith::TruncFOp::create(b, type, angle), square = mul(r, r);
    Value quarter = arith::AddIOp::create(
        b,
        Value(arith::TruncIOp::create(
            b, integers,
            Value(arith::BitcastOp::create(b, wideBits, shifted)))),
        integer(quarters));
    Value sine = fma(mul(polynomial(square, {-0.16666667f, 0.008333329f,
                                             -1.9839327e-4f, 2.7182373e-6f}),
                         square),
                     r, r);
    Value cosine =
        fma(mul(square, square),
            polynomial(square, {0.041666646f, -0.0013887362f, 2.443773e-5f}),
            fma(square, number(-0.5f), number(1.0f)));
    auto hasBit = [&](int32_t bit) -> Value {
      return arith::CmpIOp::create(
          b, arith::CmpIPredicate::ne,
          Value(arith::AndIOp::create(b, quarter, integer(bit))), integer(0));
    };
    Value result = select(hasBit(1), cosine, sine);
    return select(hasBit(2), arith::NegFOp::create(b, result), result);
  }

  /// The same for x that is not above 0; results below 2^-126 become 0.
  Value expOfNotPositive(Value x) {
    auto [power, shifted] = splitExp(x);
    // What is above n is shifted out.
    Value scale = arith::AddIOp::create(
        b, arith::ShLIOp::create(b, shifted, integer(23)), integer(127 << 23));
    return select(less(x, number(-87.33654f)), number(0.0f),
                  mul(power, fromBits(scale)));
  }

  /// 1 + e^x, or 1 + e^-x; infinity where e^x is 2^127.5 or more. NaN stays.
  /// Half the operations of exp: one 2^n is in range, and the sum needs no more
  /// than the polynomial of least relative error, 2e-9.
  Value onePlusExp(Value x, bool isNegated) {
    float sign = isNegated ? -1.0f : 1.0f;
    // 2^-127 is then 0, and 2^128 infinity.
    Value least = number(isNegated ? -89.0f : -88.0f),
          most = number(isNegated ? 88.0f : 89.0f);
    x = select(less(x, least), least, x);
    x = select(less(most, x), most, x);
    // As above, with the bias of an exponent in the low bits too.
    Value magic = number(kMagic + 127.0f),
          shifted = fma(x, number(sign * 1.44269504f), magic),
          n = sub(shifted, magic);
    Value r = fma(n, number(sign * 2.12194440e-4f),
                  fma(n, number(sign * -0.693359375f), x));
    Value power =
        polynomial(r, {1.0f, sign, 4.999999403953552e-1f,
                       sign * 1.6666430234909058e-1f, 4.166800528764725e-2f,
                       sign * 8.374195545911789e-3f, 1.3843607157468796e-3f});
    Value twoToN =
        fromBits(arith::ShLIOp::create(b, bits(shifted), integer(23)));
    return fma(power, twoToN, number(1.0f));
  }

  /// Near 0 a polynomial, else 1 - 2 / (e^(2 |x|) + 1): at most 1.5 ULP.
  Value tanh(Value x) {
    Value size = magnitude(x), square = mul(x, x);
    Value near =
        fma(mul(polynomial(square, {-3.33332819422e-1f, 1.33314422036e-1f,
                                    -5.37397155531e-2f, 2.06390887954e-2f,
                                    -5.70498872745e-3f}),
                square),
            x, x);
    Value far = sub(number(1.0f),
                    arith::DivFOp::create(b, number(2.0f),
                                          onePlusExp(add(size, size), false)));
    return select(less(size, number(0.625f)), near, withSignOf(far, x));
  }

  /// Near 0 a polynomial, else 1 - e^p(|x|): at most 1.5 ULP.
  Value erf(Value x) {
    Value size = magnitude(x), square = mul(x, x);
    Value near = fma(
        polynomial(square, {1.28379166e-1f, -3.76125336e-1f, 1.12819925e-1f,
                            -2.67681349e-2f, 4.99119423e-3f, -5.96761703e-4f}),
        x, x);
    // Beyond 4 the result is 1; the polynomial is good up to there.
    Value t = select(less(number(4.0f), size), number(4.0f), size);
    Value power = polynomial(
        t, {0.0f, -1.0f - 1.28717512e-1f, -6.34846687e-1f, -1.06777877e-1f,
            2.42546219e-2f, -3.88396438e-3f, 3.83197126e-4f, -1.72853470e-5f});
    Value far = withSignOf(sub(number(1.0f), expOfNotPositive(power)), x);
    return select(less(size, number(0.927734375f)), near, far);
  }

  /// x P(x), with P the normal distribution function, as max(x, 0) - t P(-t)
  /// with t = |x|, since 1 + erf loses all digits below -2: at most 4 ULP.
  Value gelu(Value x) {
    // Beyond this the product is below half of the least denormal number.
    Value size = magnitude(x), most = number(14.5f),
          t = select(less(most, size), most, size);
    // t^2 is the square of 12 bits, which is exact, and a small rest: the power
    // has the error of its exponent, which comes to 100.
    Value high = fromBits(arith::AndIOp::create(b, bits(t), integer(-4096))),
          low = mul(sub(t, high), add(t, high));
    Value magic = number(kMagic),
          shifted = fma(mul(t, t), number(-0.72134752f), magic),
          n = sub(shifted, magic), square = mul(high, high);
    Value r = fma(n, number(-0.693359375f), mul(square, number(-0.5f)));
    r = fma(n, number(2.12194440e-4f), fma(low, number(-0.5f), r));
    // With 2^64 too much until the end: denormal products are rounded once.
    Value scale = fromBits(arith::ShLIOp::create(
        b,
        arith::AddIOp::create(
            b, arith::SubIOp::create(b, bits(shifted), bits(magic)),
            integer(127 + 64)),
        integer(23)));
    // t P(-t) e^(t^2 / 2) = u / (sqrt(2 pi) u + v) with u = t d(t), 1.2e-8 off
    // at most; the errors of u, which is most of it, are in both. Both begin
    // high in their binade, where rounding is least: 1.75 in place of 1.
    Value u = mul(t, polynomial(t, {0.875f, 0.94932663f, 0.49461985f,
                                    0.14917196f, 0.026041351f, 0.002173122f})),
          v = polynomial(
              t, {1.75f, 1.1016515f, 0.36362252f, 0.065248586f, 0.0054477546f});
    Value chance = arith::DivFOp::create(b, u, fma(u, number(2.50662827f), v)),
          zero = number(0.0f);
    Value product = mul(fma(chance, powerTail(r), chance), scale);
    return sub(select(less(zero, x), x, zero), mul(product, number(0x1p-64f)));
  }

  /// x / (1 + e^(-2u)) with 2u = x (a + b x^2), taken apart in f64: the power
  /// has the error of its exponent, which comes to 88.
  Value geluOfTanh(Value x) {
    VectorType wide = type.clone(b.getF64Type());
    auto wideNumber = [&](double value) -> Value {
      return arith::ConstantOp::create(b, DenseElementsAttr::get(wide, value));
    };
    // What is less ends in 0, and what is greater is the result.
    Value least = number(-11.0f), most = number(6.0f);
    x = select(less(x, least), least, x);
    Value near = select(less(most, x), most, x);
    Value given = arith::ExtFOp::create(b, wide, near),
          curve = fma(mul(given, given), wideNumber(-0.0713548162726009),
                      wideNumber(-1.5957691216057308)),
          exponent = mul(given, curve);
    Value magic = wideNumber(0x1.8p52),
          turned = fma(exponent, wideNumber(1.4426950408889634), magic),
          n = sub(turned, magic);
    Value r = arith::TruncFOp::create(
        b, type, fma(n, wideNumber(-0.6931471805599453), exponent));
    Value whole = arith::TruncIOp::create(
        b, integers,
        Value(arith::BitcastOp::create(b, type.clone(b.getI64Type()), turned)));
    // The sum is divided by 16, since the result is normal for a power that is
    // 2^128 already; what is 2^132 is infinity.
    whole = arith::MinSIOp::create(
        b, Value(arith::AddIOp::create(b, whole, integer(-4))), integer(128));
    Value scale = fromBits(arith::ShLIOp::create(
        b, arith::AddIOp::create(b, whole, integer(127)), integer(23)));
    Value sum = fma(add(powerTail(r), number(1.0f)), scale, number(0x1p-4f));
    Value result = mul(arith::DivFOp::create(b, x, sum), number(0x1p-4f));
    return select(less(most, x), x, result);
  }
};

template <typename Op, Value (VectorMath::*function)(Value)>
struct Approximate : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isF32() || type.getRank() != 1)
      return failure();
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    VectorMath math(op.getLoc(), rewriter, type);
    rewriter.replaceOp(op, (math.*function)(op.getOperand()));
    return success();
  }
};

/// exp(x) with x <= 0
struct ApproximateNotPositive : OpRewritePattern<math::ExpOp> {
  ApproximateNotPositive(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!op->hasAttr(kNotPositiveAttr) || !type ||
        !type.getElementType().isF32() || type.getRank() != 1)
      return failure();
    VectorMath math(op.getLoc(), rewriter, type);
    rewriter.replaceOp(op, math.expOfNotPositive(op.getOperand()));
    return success();
  }
};

/// Bodies spread their constants over vectors.
bool isOne(Value value) {
  if (auto spread = value.getDefiningOp<vector::BroadcastOp>())
    value = spread.getSource();
  return matchPattern(value, m_OneFloat());
}

/// x where `sum` is 1 + exp(-x) of f32 vectors; else null.
Value sigmoidArgument(Value sum) {
  auto type = dyn_cast<VectorType>(sum.getType());
  auto add = sum.getDefiningOp<arith::AddFOp>();
  if (!type || !type.getElementType().isF32() || !add)
    return {};
  for (auto [one, other] : {std::pair(add.getLhs(), add.getRhs()),
                            std::pair(add.getRhs(), add.getLhs())})
    if (auto power = other.getDefiningOp<math::ExpOp>(); power && isOne(one))
      if (auto negative = power.getOperand().getDefiningOp<arith::NegFOp>())
        return negative.getOperand();
  return {};
}

// 1 / (1 + exp(-x)) with a sum that takes half the operations;
// y * (1 / (1 + exp(-x))) -> y / (1 + exp(-x)), which is rounded less
void useSigmoid(Operation *root) {
  SmallVector<std::pair<arith::DivFOp, Value>> sigmoids;
  root->walk([&](arith::DivFOp op) {
    if (!isOne(op.getLhs()))
      return;
    if (Value x = sigmoidArgument(op.getRhs()))
      sigmoids.push_back({op, x});
  });
  for (auto [sigmoid, x] : sigmoids) {
    OpBuilder builder(sigmoid);
    auto type = cast<VectorType>(sigmoid.getType());
    Value sum = VectorMath(sigmoid.getLoc(), builder, type).onePlusExp(x, true);
    sigmoid.getRhsMutable().assign(sum);
    auto product = sigmoid->hasOneUse()
                       ? dyn_cast<arith::MulFOp>(*sigmoid->user_begin())
                       : arith::MulFOp();
    if (!product)
      continue;
    Value factor = product.getLhs() == sigmoid.getResult() ? product.getRhs()
                                                           : product.getLhs();
    builder.setInsertionPoint(product);
    Value quotient =
        arith::DivFOp::create(builder, product.getLoc(), factor, sum);
    product.getResult().replaceAllUsesWith(quotient);
    product.erase();
    sigmoid.erase();
  }
}

/// Factors of a product, which is taken apart where nothing else uses it.
void factorsOf(Value value, SmallVectorImpl<Value> &factors) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product) {
    factors.push_back(value);
    return;
  }
  for (Value factor : product->getOperands())
    if (factor.hasOneUse())
      factorsOf(factor, factors);
    else
      factors.push_back(factor);
}

/// The number that all elements of a vector are.
std::optional<double> numberOf(Value value) {
  if (auto spread = value.getDefiningOp<vector::BroadcastOp>())
    value = spread.getSource();
  FloatAttr number;
  DenseFPElementsAttr numbers;
  if (matchPattern(value, m_Constant(&number)))
    return number.getValueAsDouble();
  if (matchPattern(value, m_Constant(&numbers)) && numbers.isSplat())
    return numbers.getSplatValue<APFloat>().convertToDouble();
  return std::nullopt;
}

bool isNear(std::optional<double> value, double expected) {
  return value && std::abs(*value - expected) < 1e-6 * std::abs(expected);
}

/// x where `value` is x times a number, the result of one product.
Value scaledBy(Value value, double number) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product)
    return {};
  for (unsigned side : {0, 1})
    if (isNear(numberOf(product->getOperand(side)), number))
      return product->getOperand(1 - side);
  return {};
}

/// x + 0.044715 x^3
Value cubicArgument(Value sum) {
  auto add = sum.getDefiningOp<arith::AddFOp>();
  if (!add)
    return {};
  for (unsigned side : {0, 1}) {
    Value x = add->getOperand(side);
    SmallVector<Value> factors;
    factorsOf(add->getOperand(1 - side), factors);
    if (factors.size() == 4 && llvm::count(factors, x) == 3 &&
        llvm::any_of(factors, [](Value factor) {
          return isNear(numberOf(factor), 0.044715);
        }))
      return x;
  }
  return {};
}

// x / 2 (1 + erf(x / sqrt(2))) and x / 2 (1 + tanh(sqrt(2 / pi) (x + ...)))
// without their cancellation, in whatever order the factors come
void useGelu(Operation *root) {
  SmallVector<arith::MulFOp> products;
  root->walk([&](arith::MulFOp op) {
    auto type = dyn_cast<VectorType>(op.getType());
    if (type && type.getElementType().isF32() && type.getRank() == 1)
      products.push_back(op);
  });
  for (arith::MulFOp product : llvm::reverse(products)) {
    if (product->use_empty())
      continue;
    SmallVector<Value> factors;
    factorsOf(product.getResult(), factors);
    if (factors.size() != 3)
      continue;
    for (unsigned place = 0; place < 3; ++place) {
      auto sum = factors[place].getDefiningOp<arith::AddFOp>();
      if (!sum)
        continue;
      Value one = sum.getRhs(), curve = sum.getLhs();
      if (isOne(curve))
        std::swap(one, curve);
      if (!isNear(numberOf(one), 1))
        continue;
      Value x;
      bool isExact = false;
      if (auto erf = curve.getDefiningOp<math::ErfOp>()) {
        x = scaledBy(erf.getOperand(), 0.70710678118654752);
        isExact = true;
      } else if (auto tanh = curve.getDefiningOp<math::TanhOp>()) {
        if (Value cubic = scaledBy(tanh.getOperand(), 0.79788456080286536))
          x = cubicArgument(cubic);
      }
      Value left = factors[(place + 1) % 3], right = factors[(place + 2) % 3];
      if (left != x)
        std::swap(left, right);
      if (!x || left != x || !isNear(numberOf(right), 0.5))
        continue;
      OpBuilder builder(product);
      VectorMath math(product.getLoc(), builder,
                      cast<VectorType>(product.getType()));
      product.getResult().replaceAllUsesWith(isExact ? math.gelu(x)
                                                     : math.geluOfTanh(x));
      break;
    }
  }
}

struct ApproximateFunctions
    : burnish::impl::ApproximateFunctionsBase<ApproximateFunctions> {
  void runOnOperation() override {
    useGelu(getOperation());
    useSigmoid(getOperation());
    RewritePatternSet patterns(&getContext());
    // exp(x) -> 2^n p(r), and so on, on vectors of f32
    patterns
        .add<ApproximateNotPositive, Approximate<math::ExpOp, &VectorMath::exp>,
             Approximate<math::LogOp, &VectorMath::log>,
             Approximate<math::SinOp, &VectorMath::sin>,
             Approximate<math::CosOp, &VectorMath::cos>,
             Approximate<math::TanhOp, &VectorMath::tanh>,
             Approximate<math::ErfOp, &VectorMath::erf>>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
