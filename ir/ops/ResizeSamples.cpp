// ResizeSamples.cpp - an axis of an image resized by weighing samples, linear
// or cubic.
#include "ir/Ops.h"
#include "ir/ops/Resize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The weight of a sample at `distance`: a triangle, or the cubic that is 1 at
/// 0 and 0 at the other whole numbers.
static Scalar kernelWeight(const Scalar &distance, bool isCubic, double a) {
  Scalar x = abs(distance);
  if (!isCubic)
    return max(-x + 1, x.number(0));
  Scalar near = ((x * (a + 2) - (a + 3)) * x) * x + 1,
         far = ((x * a - 5 * a) * x + 8 * a) * x - 4 * a;
  return select(x <= 1, near, select(x < 2, far, x.number(0)));
}

namespace {
/// How one axis is sampled: the samples of place `at` start at starts[at], and
/// there are `taps` of them.
class Sampler {
public:
  Sampler(ResizeOp op, Lowering &l, const ResizedAxis &axis)
      : op(op), axis(axis) {
    isCubic = op.getMode() == "cubic";
    Scalar scale(l, axis.scale), one = scale.number(1);
    stretch = op.getAntialias() ? Value(min(scale, one)) : Value(one);
    // The kernel reaches 1 or 2 to each side, more when it is stretched to
    // cover what is left out.
    Scalar reach = one * (isCubic ? 2 : 1),
           first = floor(-reach / Scalar(l, stretch)) + 1;
    half = (-first + 1).toIndex();
    if (op.getAntialias())
      l.require(reach / Scalar(l, stretch) < 1e6, Status::BadValue,
                "a scale is out of range");
  }

  OpFoldResult taps(Lowering &l) const {
    if (!op.getAntialias())
      return l.getIndexAttr(isCubic ? 4 : 2);
    return getAsOpFoldResult(Value(Scalar(l, half) * 2));
  }

  /// Of a place: its coordinate and its first sample, which may lie outside.
  std::pair<Scalar, Scalar> start(ImplicitLocOpBuilder &b, Value at) const {
    Scalar x = coordinate(b, op.getCoordinateTransformationMode(), axis, at);
    // The sample before x comes first also when x is a sample.
    Scalar before = ceil(x) - 1,
           first = before - Scalar(b, half).toFloat(b.getF64Type()) + 1;
    return {x, first};
  }

  /// The weight of a sample before it is divided by the sum.
  Scalar weight(ImplicitLocOpBuilder &b, const Scalar &x,
                const Scalar &sample) const {
    Scalar raw = kernelWeight((sample - x) * Scalar(b, stretch), isCubic,
                              op.getCubicCoeffA().convertToDouble());
    if (!op.getExcludeOutside())
      return raw;
    Scalar from = Scalar(b, axis.from).toFloat(b.getF64Type());
    return select((sample >= 0) & (sample < from), raw, raw.number(0));
  }

  /// Whether weights are divided by their sum; without need they have sum 1.
  /// Otherwise the number of samples is known.
  bool isNormalized() const {
    return op.getAntialias() || op.getExcludeOutside();
  }

private:
  mutable ResizeOp op;
  const ResizedAxis &axis;
  bool isCubic;
  Value stretch, half;
};
} // namespace

/// The element of `tensor` at the loops' place, but at `sample` along the axis,
/// or at the nearest element where that is beyond the ends.
static Scalar sampleAt(ImplicitLocOpBuilder &b, Value tensor, Type type,
                       const ResizedAxis &axis, int64_t rank,
                       const Scalar &sample) {
  SmallVector<Value> source;
  for (int64_t at = 0; at < rank; ++at)
    source.push_back(linalg::IndexOp::create(b, at));
  source[axis.axis] = clamp(sample, sample.number(0), Scalar(b, axis.from) - 1);
  return Scalar(
      b, loadScalar(b, tensor::ExtractOp::create(b, tensor, source), type));
}

/// One axis of `tensor` resized by the given number of samples: all of them in
/// one pass, so that what is found out of a place is found once.
static Value resizeByFewSamples(Lowering &l, const Sampler &sampler,
                                const ResizedAxis &axis, Value tensor,
                                Type type, Value starts, int64_t taps) {
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  sizes[axis.axis] = axis.to;
  int64_t rank = sizes.size();
  AffineMap place = AffineMap::get(rank, 0, l.getAffineDimExpr(axis.axis));
  SmallVector<Lowering::Operand> tables{{starts, l.getI64Type(), place}};
  for (int64_t tap = 0; tap < taps; ++tap)
    tables.push_back(
        {l.generate(type, {axis.to},
                    [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                      auto [x, first] = sampler.start(b, at[0]);
                      return sampler.weight(b, x, first + tap).toFloat(type);
                    }),
         type, place});
  return l.generic(type, sizes, tables,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Scalar first = Scalar(b, args[0]).toIndex();
                     Scalar total(b, args[1]);
                     for (int64_t tap = 0; tap < taps; ++tap) {
                       Scalar product =
                           Scalar(b, args[1 + tap]) *
                           sampleAt(b, tensor, type, axis, rank, first + tap);
                       total = tap == 0 ? product : total + product;
                     }
                     return total;
                   });
}

/// One axis of `tensor` resized by any number of samples, as sums over them,
/// with weights whose sum is brought to 1.
static Value resizeBySums(Lowering &l, const Sampler &sampler,
                          const ResizedAxis &axis, Value tensor, Type type,
                          Value starts, OpFoldResult taps) {
  Type wide = l.getF64Type(), integer = l.getI64Type();
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  sizes[axis.axis] = axis.to;
  int64_t rank = sizes.size();
  Value weights = l.generate(
      wide, {axis.to, taps},
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        auto [x, first] = sampler.start(b, at[0]);
        return sampler.weight(b, x, first + Scalar(b, at[1]).toFloat(wide));
      });
  AffineMap both = l.getMultiDimIdentityMap(2), row = both.dropResult(1);
  using utils::IteratorType;
  Value sums = l.reduce(l.filled(wide, {axis.to}, l.zero(wide)), wide, row,
                        {{weights, wide, both}},
                        {IteratorType::parallel, IteratorType::reduction},
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return Scalar(b, args[1]) + Scalar(b, args[0]);
                        });
  weights = l.generic(
      type, {axis.to, taps}, {{weights, wide, both}, {sums, wide, row}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar weight(b, args[0]), total(b, args[1]);
        return (weight / select(total == 0, total.number(1), total))
            .toFloat(type);
      });
  // result[..., at, ...] = sum over k of weights[at, k] * tensor[...,
  // starts[at] + k, ...]
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  AffineExpr place = l.getAffineDimExpr(axis.axis),
             tap = l.getAffineDimExpr(rank);
  AffineMap outMap = l.getMultiDimIdentityMap(rank + 1).dropResult(rank);
  SmallVector<Lowering::Operand> inputs{
      {starts, integer, AffineMap::get(rank + 1, 0, place)},
      {weights, type,
       AffineMap::get(rank + 1, 0, {place, tap}, l.getContext())}};
  return l.reduce(
      l.filled(type, sizes, l.zero(type)), type, outMap, inputs, iterators,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar sample = Scalar(b, args[0]).toIndex() +
                        Scalar(b, linalg::IndexOp::create(b, rank).getResult());
        return Scalar(b, args[2]) + Scalar(b, args[1]) * sampleAt(b, tensor,
                                                                  type, axis,
                                                                  rank, sample);
      });
}

Value nn::resizeAxis(ResizeOp op, Lowering &l, const ResizedAxis &axis,
                     Value tensor, Type type) {
  Type integer = l.getI64Type();
  Sampler sampler(op, l, axis);
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  sizes[axis.axis] = axis.to;
  int64_t rank = sizes.size();
  OpFoldResult taps = sampler.taps(l);
  Value starts = l.generate(
      integer, {axis.to}, [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Scalar first = sampler.start(b, at[0]).second;
        return Scalar(b, b.createOrFold<arith::FPToSIOp>(integer, first));
      });
  Value resized =
      sampler.isNormalized()
          ? resizeBySums(l, sampler, axis, tensor, type, starts, taps)
          : resizeByFewSamples(l, sampler, axis, tensor, type, starts,
                               *getConstantIntValue(taps));
  if (!axis.roiStart)
    return resized;
  Value extrapolated =
      l.number(type, op.getExtrapolationValue().convertToDouble());
  return l.generic(
      type, sizes, {{resized, type, l.getMultiDimIdentityMap(rank)}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar x = coordinate(b, op.getCoordinateTransformationMode(), axis,
                              linalg::IndexOp::create(b, axis.axis));
        return select(isOutside(b, x, axis), Scalar(b, extrapolated),
                      Scalar(b, args[0]));
      });
}
