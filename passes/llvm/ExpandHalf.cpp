// ExpandHalf.cpp - f16 to and from f32 in integers, for CPUs that have no
// instruction for it.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_EXPANDHALF
#include "passes/Passes.h.inc"
} // namespace burnish

/// The elements of a scalar or vector type replaced.
static Type withElements(Type shape, Type element) {
  auto vector = dyn_cast<VectorType>(shape);
  return vector ? Type(vector.clone(element)) : element;
}

namespace {
/// Arithmetic on the bits of f32s, of a scalar or of each lane.
struct Bits {
  Bits(Location loc, RewriterBase &rewriter, Type shape)
      : b(loc, rewriter), integers(withElements(shape, b.getI32Type())),
        shorts(withElements(shape, b.getI16Type())),
        reals(withElements(shape, b.getF32Type())) {}

  Value constant(Type type, TypedAttr number) {
    if (auto vector = dyn_cast<VectorType>(type))
      number = DenseElementsAttr::get(vector, number);
    return arith::ConstantOp::create(b, number);
  }
  Value number(int32_t value) {
    return constant(integers, b.getI32IntegerAttr(value));
  }
  Value real(float value) { return constant(reals, b.getF32FloatAttr(value)); }
  Value of(Value real) { return arith::BitcastOp::create(b, integers, real); }
  Value toReal(Value bits) { return arith::BitcastOp::create(b, reals, bits); }
  Value both(Value value, int32_t mask) {
    return arith::AndIOp::create(b, value, number(mask));
  }
  Value select(arith::CmpIPredicate predicate, Value value, int32_t limit,
               Value then, Value otherwise) {
    Value holds = arith::CmpIOp::create(b, predicate, value, number(limit));
    return arith::SelectOp::create(b, holds, then, otherwise);
  }
  Value left(Value value, int32_t places) {
    return arith::ShLIOp::create(b, value, number(places));
  }
  Value right(Value value, int32_t places) {
    return arith::ShRUIOp::create(b, value, number(places));
  }

  Value extend(Value half) {
    Value code = arith::ExtUIOp::create(
        b, integers, Value(arith::BitcastOp::create(b, shorts, half)));
    Value magnitude = both(code, 0x7fff);
    // The same bits as an f32 are the number times 2^-112, below f16's least
    // normal number too.
    Value finite = of(
        arith::MulFOp::create(b, toReal(left(magnitude, 13)), real(0x1p112f)));
    Value special =
        arith::OrIOp::create(b, left(magnitude, 13), number(0x7f800000));
    Value result =
        select(arith::CmpIPredicate::sgt, magnitude, 0x7bff, special, finite);
    return toReal(
        arith::OrIOp::create(b, result, left(both(code, 0x8000), 16)));
  }

  /// To nearest, ties to even.
  Value truncate(Value real32) {
    Value word = of(real32), magnitude = both(word, 0x7fffffff);
    // Half of the last place less one, and one more when that place is odd.
    Value isOdd = both(right(magnitude, 13), 1);
    Value rounded = arith::AddIOp::create(
        b, Value(arith::AddIOp::create(b, magnitude, number(0xfff))), isOdd);
    Value normal =
        arith::SubIOp::create(b, right(rounded, 13), number(112 << 10));
    // Below the least normal number the places are fixed: a number whose last
    // place is theirs rounds to them.
    Value sum = arith::AddFOp::create(b, toReal(magnitude), real(0.5f));
    Value subnormal = arith::SubIOp::create(b, of(sum), of(real(0.5f)));
    Value code = select(arith::CmpIPredicate::slt, magnitude, 113 << 23,
                        subnormal, normal);
    code =
        select(arith::CmpIPredicate::sgt, code, 0x7bff, number(0x7c00), code);
    // A NaN keeps its first bits and is quiet.
    Value nan = arith::OrIOp::create(b, both(right(magnitude, 13), 0x3ff),
                                     number(0x7e00));
    code = select(arith::CmpIPredicate::sgt, magnitude, 0x7f800000, nan, code);
    code = arith::OrIOp::create(b, code, both(right(word, 16), 0x8000));
    return arith::TruncIOp::create(b, shorts, code);
  }

  ImplicitLocOpBuilder b;
  Type integers, shorts, reals;
};
} // namespace

// extf f16 -> integers of its bits
static LogicalResult expandExtend(arith::ExtFOp op, PatternRewriter &rewriter) {
  Type from = op.getIn().getType(), to = op.getType();
  if (!getElementTypeOrSelf(from).isF16())
    return failure();
  Value wide = Bits(op.getLoc(), rewriter, from).extend(op.getIn());
  if (!getElementTypeOrSelf(to).isF32())
    wide = arith::ExtFOp::create(rewriter, op.getLoc(), to, wide);
  rewriter.replaceOp(op, wide);
  return success();
}

// truncf f32 -> f16 from integers of its bits
static LogicalResult expandTruncate(arith::TruncFOp op,
                                    PatternRewriter &rewriter) {
  Type from = op.getIn().getType(), to = op.getType();
  if (!getElementTypeOrSelf(to).isF16() || !getElementTypeOrSelf(from).isF32())
    return failure();
  rewriter.replaceOpWithNewOp<arith::BitcastOp>(
      op, to, Bits(op.getLoc(), rewriter, from).truncate(op.getIn()));
  return success();
}

namespace {
struct ExpandHalf : burnish::impl::ExpandHalfBase<ExpandHalf> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(expandExtend);
    patterns.add(expandTruncate);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
