// Access.cpp - operands at linear offsets of loops.
#include "passes/kernels/Access.h"
#include "ir/Lowering.h"

using namespace mlir;
using namespace burnish;

int64_t burnish::knownOr(OpFoldResult value) {
  return value ? getConstantIntValue(value).value_or(ShapedType::kDynamic)
               : ShapedType::kDynamic;
}

int64_t Access::along(unsigned loop) const {
  return knownOr(coefficients[loop]);
}

Layout Layout::rowMajor(ShapedType type) {
  Builder builder(type.getContext());
  Layout layout{builder.getIndexAttr(0),
                SmallVector<OpFoldResult>(type.getRank()), true};
  int64_t stride = 1;
  for (int64_t axis = type.getRank(); axis-- > 0;) {
    if (!ShapedType::isDynamic(stride))
      layout.strides[axis] = builder.getIndexAttr(stride);
    bool isKnown = !ShapedType::isDynamic(stride) && !type.isDynamicDim(axis);
    stride = isKnown ? stride * type.getDimSize(axis) : ShapedType::kDynamic;
  }
  return layout;
}

OpFoldResult AccessBuilder::multiply(OpFoldResult value, int64_t factor) {
  if (factor == 0)
    return constant(0);
  if (!value || factor == 1)
    return value;
  if (int64_t known = knownOr(value); !ShapedType::isDynamic(known))
    return constant(known * factor);
  return builder ? nn::mulIndex(*builder, value, constant(factor))
                 : OpFoldResult();
}

OpFoldResult AccessBuilder::add(OpFoldResult left, OpFoldResult right) {
  if (!left || !right)
    return {};
  int64_t a = knownOr(left), b = knownOr(right);
  if (!ShapedType::isDynamic(a) && !ShapedType::isDynamic(b))
    return constant(a + b);
  if (a == 0)
    return right;
  if (b == 0)
    return left;
  return builder ? nn::addIndex(*builder, left, right) : OpFoldResult();
}

bool AccessBuilder::accumulate(Access &access, AffineExpr expr,
                               OpFoldResult stride) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
    access.base = add(access.base, multiply(stride, number.getValue()));
    return true;
  }
  if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
    OpFoldResult &coefficient = access.coefficients[loop.getPosition()];
    coefficient = add(coefficient, stride);
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return accumulate(access, binary.getLHS(), stride) &&
           accumulate(access, binary.getRHS(), stride);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (binary.getKind() != AffineExprKind::Mul || !factor)
    return false;
  return accumulate(access, binary.getLHS(),
                    multiply(stride, factor.getValue()));
}

/// Loops that alone move along neighbouring axes.
static SmallVector<std::pair<unsigned, unsigned>>
neighbours(ArrayRef<AffineExpr> exprs) {
  auto loopOf = [&](AffineExpr expr) -> std::optional<unsigned> {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    bool isAlone = loop && llvm::count_if(exprs, [&](AffineExpr other) {
                             return other.isFunctionOfDim(loop.getPosition());
                           }) == 1;
    return isAlone ? std::optional(loop.getPosition()) : std::nullopt;
  };
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (size_t axis = 1; axis < exprs.size(); ++axis) {
    std::optional<unsigned> outer = loopOf(exprs[axis - 1]),
                            inner = loopOf(exprs[axis]);
    if (outer && inner)
      pairs.push_back({*outer, *inner});
  }
  return pairs;
}

FailureOr<Access> AccessBuilder::access(unsigned argument, const Layout &layout,
                                        ArrayRef<AffineExpr> exprs,
                                        unsigned loops) {
  Access access = scalar(argument, loops);
  access.base = layout.offset;
  for (auto [expr, stride] : llvm::zip_equal(exprs, layout.strides))
    if (!accumulate(access, expr, stride))
      return failure();
  if (layout.isGapless)
    access.gapless = neighbours(exprs);
  return access;
}

Access AccessBuilder::scalar(unsigned argument, unsigned loops) {
  Access access;
  access.argument = argument;
  access.coefficients.assign(loops, constant(0));
  return access;
}

FailureOr<Access> burnish::accessOf(MLIRContext *context,
                                    ImplicitLocOpBuilder *builder,
                                    unsigned argument, const Layout &layout,
                                    ArrayRef<AffineExpr> exprs,
                                    unsigned loops) {
  return AccessBuilder(context, builder).access(argument, layout, exprs, loops);
}
