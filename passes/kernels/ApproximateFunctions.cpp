// ApproximateFunctions.cpp - functions of f32 and f64 vectors as polynomials.
// How far each is off, test/passes/kernels/functions.test and
// wide-functions.test say.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/WideMath.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_APPROXIMATEFUNCTIONS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// A vector of f32 or f64, which functions of its elements are computed for.
VectorType approximated(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  bool isOne =
      vector && vector.getRank() == 1 &&
      (vector.getElementType().isF32() || vector.getElementType().isF64());
  return isOne ? vector : VectorType();
}

template <typename Op, Value (VectorMath::*narrow)(Value),
          Value (WideMath::*wide)(Value) = nullptr>
struct Approximate : OpRewritePattern<Op> {
  Approximate(MLIRContext *context, int64_t lookupLanes)
      : OpRewritePattern<Op>(context), lookupLanes(lookupLanes) {}
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    VectorType type = approximated(op.getType());
    bool isWide = type && type.getElementType().isF64();
    if (!type || (isWide && !hasWide))
      return failure();
    if (op->use_empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    if constexpr (hasWide)
      if (isWide) {
        WideMath math(op.getLoc(), rewriter, type);
        rewriter.replaceOp(op, (math.*wide)(op.getOperand()));
        return success();
      }
    VectorMath math(op.getLoc(), rewriter, type, lookupLanes);
    rewriter.replaceOp(op, (math.*narrow)(op.getOperand()));
    return success();
  }
  static constexpr bool hasWide = wide != nullptr;
  int64_t lookupLanes;
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
// y * (1 / (1 + exp(-x))) -> y / (1 + exp(-x)), which is rounded less;
// x * (1 / (1 + exp(-x))) -> silu(x), which is no 0 before it is denormal
void useSigmoid(Operation *root, int64_t lookupLanes) {
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
    VectorMath math(sigmoid.getLoc(), builder, type, lookupLanes);
    Value sum = math.onePlusExp(x, true);
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
        factor == x
            ? VectorMath(product.getLoc(), builder, type, lookupLanes).silu(x)
            : arith::DivFOp::create(builder, product.getLoc(), factor, sum);
    product.getResult().replaceAllUsesWith(quotient);
    product.erase();
    sigmoid.erase();
  }
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

// exp(x) - 1 -> expm1(x)
void useExpm1(Operation *root) {
  SmallVector<std::pair<arith::SubFOp, Value>> differences;
  root->walk([&](arith::SubFOp op) {
    if (auto power = op.getLhs().getDefiningOp<math::ExpOp>();
        power && isOne(op.getRhs()))
      differences.push_back({op, power.getOperand()});
  });
  for (auto [difference, x] : differences) {
    OpBuilder builder(difference);
    Value result = math::ExpM1Op::create(builder, difference.getLoc(), x);
    difference.getResult().replaceAllUsesWith(result);
    difference.erase();
  }
}

/// x where `value` is max(x, 0) + log1p(exp(-|x|)) of f32 vectors; else null.
Value softplusArgument(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (!type || !type.getElementType().isF32() || type.getRank() != 1 || !sum)
    return {};
  for (unsigned side : {0, 1}) {
    auto above = sum->getOperand(side).getDefiningOp<arith::MaximumFOp>();
    auto log = sum->getOperand(1 - side).getDefiningOp<math::Log1pOp>();
    auto exp =
        log ? log.getOperand().getDefiningOp<math::ExpOp>() : math::ExpOp();
    auto negative =
        exp ? exp.getOperand().getDefiningOp<arith::NegFOp>() : arith::NegFOp();
    auto size = negative ? negative.getOperand().getDefiningOp<math::AbsFOp>()
                         : math::AbsFOp();
    if (above && size && above.getLhs() == size.getOperand() &&
        numberOf(above.getRhs()) == 0.0)
      return size.getOperand();
  }
  return {};
}

// x * tanh(softplus(x)) -> mish(x)
void useMish(Operation *root) {
  SmallVector<arith::MulFOp> products;
  root->walk([&](arith::MulFOp op) { products.push_back(op); });
  for (arith::MulFOp product : products)
    for (unsigned side : {0, 1}) {
      Value x = product->getOperand(side);
      auto tanh = product->getOperand(1 - side).getDefiningOp<math::TanhOp>();
      if (!tanh || softplusArgument(tanh.getOperand()) != x)
        continue;
      OpBuilder builder(product);
      VectorMath math(product.getLoc(), builder, cast<VectorType>(x.getType()));
      product.getResult().replaceAllUsesWith(math.mish(x));
      product.erase();
      break;
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

bool isNear(std::optional<double> value, double expected) {
  return value && std::abs(*value - expected) < 1e-6 * std::abs(expected);
}

/// x where `value` is x times a number, the result of one product or quotient.
Value scaledBy(Value value, double number) {
  if (auto quotient = value.getDefiningOp<arith::DivFOp>())
    return isNear(numberOf(quotient.getRhs()), 1 / number) ? quotient.getLhs()
                                                           : Value();
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
void useGelu(Operation *root, int64_t lookupLanes) {
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
                      cast<VectorType>(product.getType()), lookupLanes);
      product.getResult().replaceAllUsesWith(isExact ? math.gelu(x)
                                                     : math.geluOfTanh(x));
      break;
    }
  }
}

/// x where the factors of `value` are a number, erf(x / sqrt(2)) + 1 and
/// nothing else; twice the chance of less than x is then that sum.
Value chanceArgument(Value value) {
  SmallVector<Value> factors;
  factorsOf(value, factors);
  for (unsigned side : {0, 1}) {
    auto sum = factors.size() == 2
                   ? factors[side].getDefiningOp<arith::AddFOp>()
                   : arith::AddFOp();
    if (!sum || !isNear(numberOf(factors[1 - side]), 0.5))
      continue;
    for (unsigned place : {0, 1})
      if (auto erf = sum->getOperand(place).getDefiningOp<math::ErfOp>();
          erf && isOne(sum->getOperand(1 - place)))
        return scaledBy(erf.getOperand(), 0.70710678118654752);
  }
  return {};
}

/// Whether `value` is x e^(-x^2 / 2) / sqrt(2 pi).
bool isBellTimes(Value value, Value x) {
  auto numberAmong = [](ArrayRef<Value> factors, double number) {
    return llvm::count_if(factors, [&](Value factor) {
      return isNear(numberOf(factor), number);
    });
  };
  SmallVector<Value> factors;
  factorsOf(value, factors);
  if (factors.size() != 3 || llvm::count(factors, x) != 1 ||
      numberAmong(factors, 0.39894228040143268) != 1)
    return false;
  for (Value factor : factors)
    if (auto power = factor.getDefiningOp<math::ExpOp>()) {
      SmallVector<Value> inner;
      factorsOf(power.getOperand(), inner);
      return inner.size() == 3 && llvm::count(inner, x) == 2 &&
             numberAmong(inner, -0.5) == 1;
    }
  return false;
}

// (1 + erf(x / sqrt(2))) / 2 + x e^(-x^2 / 2) / sqrt(2 pi): of the gradient of
// gelu
void useGeluSlope(Operation *root) {
  SmallVector<arith::AddFOp> sums;
  root->walk([&](arith::AddFOp op) {
    auto type = dyn_cast<VectorType>(op.getType());
    if (type && type.getElementType().isF32() && type.getRank() == 1)
      sums.push_back(op);
  });
  for (arith::AddFOp sum : sums)
    for (unsigned side : {0, 1}) {
      Value x = chanceArgument(sum->getOperand(side));
      if (!x || !isBellTimes(sum->getOperand(1 - side), x))
        continue;
      OpBuilder builder(sum);
      VectorMath math(sum.getLoc(), builder, cast<VectorType>(sum.getType()));
      sum.getResult().replaceAllUsesWith(math.geluSlope(x));
      break;
    }
}

struct ApproximateFunctions
    : burnish::impl::ApproximateFunctionsBase<ApproximateFunctions> {
  void runOnOperation() override {
    int64_t lookupLanes = Machine::of(getOperation()).lookupLanes;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        approximate(function, lookupLanes);
  }

  void approximate(func::FuncOp function, int64_t lookupLanes) {
    useGeluSlope(function);
    useGelu(function, lookupLanes);
    useMish(function);
    useExpm1(function);
    useSigmoid(function, lookupLanes);
    RewritePatternSet patterns(&getContext());
    // exp(x) -> 2^n p(r), and so on, on vectors of f32 and f64
    patterns.add<ApproximateNotPositive>(&getContext());
    patterns
        .add<Approximate<math::ExpOp, &VectorMath::exp, &WideMath::exp>,
             Approximate<math::ExpM1Op, &VectorMath::expm1, &WideMath::expm1>,
             Approximate<math::LogOp, &VectorMath::log, &WideMath::log>,
             Approximate<math::Log1pOp, &VectorMath::log1p, &WideMath::log1p>,
             Approximate<math::SinOp, &VectorMath::sin>,
             Approximate<math::CosOp, &VectorMath::cos>,
             Approximate<math::TanhOp, &VectorMath::tanh, &WideMath::tanh>,
             Approximate<math::ErfOp, &VectorMath::erf, &WideMath::erf>>(
            &getContext(), lookupLanes);
    walkAndApplyPatterns(function, std::move(patterns));
  }
};
} // namespace
