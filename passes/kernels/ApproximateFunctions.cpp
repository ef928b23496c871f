// ApproximateFunctions.cpp - exp, tanh and erf of f32 vectors as polynomials.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_APPROXIMATEFUNCTIONS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
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

  /// e^x = 2^n e^r with |r| <= ln(2)/2: at most 1.0 ULP. NaN stays; what is
  /// beyond ends in 0 or infinity by itself.
  Value exp(Value x) {
    Value least = number(-104.0f), most = number(89.0f);
    x = select(less(x, least), least, x);
    x = select(less(most, x), most, x);
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    Value magic = number(12582912.0f),
          shifted = fma(x, number(1.44269504f), magic), n = sub(shifted, magic);
    Value r = fma(n, number(2.12194440e-4f), fma(n, number(-0.693359375f), x));
    Value tail =
        polynomial(r, {0.5f, 1.6666665459e-1f, 4.1665795894e-2f,
                       8.3334519073e-3f, 1.3981999507e-3f, 1.9875691500e-4f});
    Value power = add(fma(mul(r, r), tail, r), number(1.0f));
    // In two steps, since 2^n alone may be out of range.
    Value whole = arith::SubIOp::create(b, bits(shifted), bits(magic)),
          half = arith::ShRSIOp::create(b, whole, integer(1));
    return mul(mul(power, powerOfTwo(half)),
               powerOfTwo(arith::SubIOp::create(b, whole, half)));
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
    Value far =
        sub(number(1.0f),
            arith::DivFOp::create(b, number(2.0f),
                                  add(exp(add(size, size)), number(1.0f))));
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
    Value far = withSignOf(sub(number(1.0f), exp(power)), x);
    return select(less(size, number(0.927734375f)), near, far);
  }
};

template <typename Op, Value (VectorMath::*function)(Value)>
struct Approximate : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isF32())
      return failure();
    VectorMath math(op.getLoc(), rewriter, type);
    rewriter.replaceOp(op, (math.*function)(op.getOperand()));
    return success();
  }
};

struct ApproximateFunctions
    : burnish::impl::ApproximateFunctionsBase<ApproximateFunctions> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    // exp(x) -> 2^n p(r), and so on, on vectors of f32
    patterns.add<Approximate<math::ExpOp, &VectorMath::exp>,
                 Approximate<math::TanhOp, &VectorMath::tanh>,
                 Approximate<math::ErfOp, &VectorMath::erf>>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
