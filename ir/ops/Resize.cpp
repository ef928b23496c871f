// Resize.cpp - images of another size.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Resize.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerResize(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Resize.cpp.inc"
      >();
}

//===- Sizes --------------------------------------------------------------===//

namespace {
/// What the operands say of the axes that change.
struct Target {
  SmallVector<int64_t> axes;
  bool hasSizes;
  /// One of the two has an entry for each of `axes`; null or nothing where only
  /// run time knows.
  Dims sizes;
  SmallVector<std::optional<double>> scales;
};
} // namespace

/// An optional operand, which exporters also leave empty.
static Value presentOperand(Value operand, ShapeScope &scope) {
  bool isEmpty =
      operand && scope.rank(operand) == 1 && isKnown(scope.dim(operand, 0), 0);
  return isEmpty ? Value() : operand;
}

static FailureOr<Target> readTarget(ResizeOp op, ShapeScope &scope) {
  Target target;
  int64_t rank = scope.rank(op.getX());
  if (op.getAxes())
    target.axes.assign(op.getAxes()->begin(), op.getAxes()->end());
  else
    target.axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  SmallVector<bool> isUsed(rank, false);
  for (int64_t &axis : target.axes) {
    FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
    if (failed(normal))
      return failure();
    if (isUsed[*normal])
      return op.emitOpError() << "'axes' has axis " << *normal << " twice";
    isUsed[*normal] = true;
    axis = *normal;
  }
  Value scales = presentOperand(op.getScales(), scope),
        sizes = presentOperand(op.getSizes(), scope);
  if ((scales != nullptr) == (sizes != nullptr))
    return op.emitOpError() << "needs either 'scales' or 'sizes'";
  target.hasSizes = sizes != nullptr;
  Value given = scales ? scales : sizes;
  if (scope.rank(given) != 1 ||
      (known(scope.dim(given, 0)) &&
       !isKnown(scope.dim(given, 0), target.axes.size())))
    return op.emitOpError() << "'" << (scales ? "scales" : "sizes")
                            << "' has shape " << toString(scope.dims(given))
                            << " for " << target.axes.size() << " axes";
  if (sizes) {
    target.sizes =
        scope.elementsOrSymbols(sizes).value_or(Dims(target.axes.size()));
    for (Dim size : target.sizes)
      if (size && known(size).value_or(1) < 1)
        return op.emitOpError() << "'sizes' has " << *known(size);
    return target;
  }
  target.scales.resize(target.axes.size());
  auto constant = scales.getDefiningOp<ConstantOp>();
  std::optional<SmallVector<double>> numbers =
      constant ? readFloats(constant.getValue(), kMaxKnownElements)
               : std::nullopt;
  for (auto [index, number] :
       llvm::enumerate(numbers.value_or(SmallVector<double>()))) {
    if (!(number > 0) || number > 1e9)
      return op.emitOpError() << "'scales' has " << number;
    target.scales[index] = number;
  }
  return target;
}

/// The whole part of dim * scale, exactly: floats are fractions of powers of
/// two.
static Dim scaledDim(Dim dim, double scale, ShapeScope &scope) {
  if (std::optional<int64_t> size = known(dim))
    return scope.constant(
        static_cast<int64_t>(std::floor(static_cast<double>(*size) * scale)));
  constexpr int kMaxBits = 24;
  int bits = 0;
  while (bits < kMaxBits &&
         std::ldexp(scale, bits) != std::floor(std::ldexp(scale, bits)))
    ++bits;
  double numerator = std::ldexp(scale, bits);
  if (numerator != std::floor(numerator) || numerator > (1 << kMaxBits))
    return {};
  return scope.simplify(
      (dim * static_cast<int64_t>(numerator)).floorDiv(int64_t(1) << bits));
}

LogicalResult ResizeOp::inferShapes(ShapeScope &scope) {
  FailureOr<Target> target = readTarget(*this, scope);
  if (failed(target))
    return failure();
  auto isOneOf = [](StringRef name, std::initializer_list<StringRef> names) {
    return llvm::is_contained(names, name);
  };
  if (!isOneOf(getMode(), {"nearest", "linear", "cubic"}))
    return emitOpError() << "'mode' is '" << getMode()
                         << "' instead of nearest, linear or cubic";
  StringRef coordinates = getCoordinateTransformationMode();
  if (!isOneOf(coordinates,
               {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                "align_corners", "asymmetric", "tf_crop_and_resize"}))
    return emitOpError() << "'coordinate_transformation_mode' is '"
                         << coordinates << "', which is not known";
  if (!isOneOf(getNearestMode(),
               {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}))
    return emitOpError() << "'nearest_mode' is '" << getNearestMode()
                         << "', which is not known";
  StringRef policy = getKeepAspectRatioPolicy();
  if (!isOneOf(policy, {"stretch", "not_larger", "not_smaller"}))
    return emitOpError() << "'keep_aspect_ratio_policy' is '" << policy
                         << "' instead of stretch, not_larger or not_smaller";
  if (getMode() != "nearest" &&
      isa<ComplexType>(getElementTypeOrSelf(getX().getType())))
    return emitOpError() << "complex numbers are resized by the nearest only";
  if (coordinates == "tf_crop_and_resize") {
    Value roi = presentOperand(getRoi(), scope);
    if (!roi || scope.rank(roi) != 1 ||
        (known(scope.dim(roi, 0)) &&
         !isKnown(scope.dim(roi, 0), 2 * target->axes.size())))
      return emitOpError() << "'roi' needs " << 2 * target->axes.size()
                           << " elements";
  }
  Dims x = scope.dims(getX()), dims = x;
  std::optional<double> common;
  bool keepsRatio = target->hasSizes && policy != "stretch",
       isKnownRatio = true;
  for (auto [index, axis] : llvm::enumerate(target->axes)) {
    if (!target->hasSizes) {
      dims[axis] = target->scales[index]
                       ? scaledDim(x[axis], *target->scales[index], scope)
                       : Dim();
      continue;
    }
    dims[axis] = target->sizes[index];
    if (!keepsRatio)
      continue;
    std::optional<int64_t> from = known(x[axis]),
                           to = target->sizes[index]
                                    ? known(target->sizes[index])
                                    : std::nullopt;
    if (!from || !to || *from == 0) {
      isKnownRatio = false;
      continue;
    }
    double ratio = static_cast<double>(*to) / static_cast<double>(*from);
    common = !common                  ? ratio
             : policy == "not_larger" ? std::min(*common, ratio)
                                      : std::max(*common, ratio);
  }
  for (int64_t axis : target->axes)
    if (keepsRatio)
      dims[axis] =
          isKnownRatio
              ? scope.constant(static_cast<int64_t>(std::floor(
                    *common * static_cast<double>(*known(x[axis])) + 0.5)))
              : Dim();
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getX().getType()), dims);
}

//===- Lowering -----------------------------------------------------------===//

namespace {
/// One axis that changes. Coordinates are computed in f64.
struct ResizedAxis {
  int64_t axis;
  OpFoldResult from, to;
  Value scale, roiStart, roiEnd;
};
} // namespace

/// A scalar of an operand as f64.
static Scalar floatElement(Lowering &l, Value list, int64_t index) {
  Type type = getElementTypeOrSelf(list.getType());
  return Scalar(l, l.extract(l.lowered(list), type, ValueRange(l.index(index))))
      .toFloat(l.getF64Type());
}

static SmallVector<ResizedAxis> resizedAxes(ResizeOp op, Lowering &l) {
  Target target = *readTarget(op, l.scope);
  Type wide = l.getF64Type();
  Value tensor = l.lowered(op.getX()),
        given = presentOperand(target.hasSizes ? op.getSizes() : op.getScales(),
                               l.scope);
  l.require(Scalar(l, l.sizesOf(l.lowered(given))[0]) == target.axes.size(),
            Status::BadShape, "a size or scale for each axis");
  Value roi = op.getCoordinateTransformationMode() == "tf_crop_and_resize"
                  ? presentOperand(op.getRoi(), l.scope)
                  : Value();
  if (roi)
    l.require(Scalar(l, l.sizesOf(l.lowered(roi))[0]) == 2 * target.axes.size(),
              Status::BadShape, "a region for each axis");
  Dims x = l.scope.dims(op.getX()), y = l.scope.dims(op.getY());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  StringRef policy = op.getKeepAspectRatioPolicy();
  SmallVector<Scalar> scales;
  SmallVector<OpFoldResult> wanted;
  for (auto [index, axis] : llvm::enumerate(target.axes)) {
    Scalar from(l, sizes[axis]), width = from.toFloat(wide);
    l.require(from >= 1, Status::BadShape,
              "an image without elements cannot be resized");
    if (!target.hasSizes) {
      scales.push_back(target.scales[index]
                           ? Scalar(l, l.number(wide, *target.scales[index]))
                           : floatElement(l, given, index));
      l.require((scales.back() > 0) & (scales.back() < 1e9), Status::BadValue,
                "a scale is out of range");
      // A size that is no expression of the operands' is found here.
      bool isOpen = l.scope.isOwn(y[axis], op.getY()) || !target.scales[index];
      wanted.push_back(isOpen ? getAsOpFoldResult(Value(
                                    floor(width * scales.back()).toIndex()))
                              : l.size(y[axis]));
      continue;
    }
    wanted.push_back(target.sizes[index] ? l.size(target.sizes[index])
                                         : l.element(given, index));
    Scalar to(l, wanted.back());
    l.require(to >= 1, Status::BadShape, "a size is not positive");
    scales.push_back(to.toFloat(wide) / width);
  }
  if (target.hasSizes && policy != "stretch") {
    Scalar common = scales[0];
    for (const Scalar &scale : scales)
      common = policy == "not_larger" ? min(common, scale) : max(common, scale);
    for (auto [index, axis] : llvm::enumerate(target.axes)) {
      scales[index] = common;
      Scalar rounded =
          floor(common * Scalar(l, sizes[axis]).toFloat(wide) + 0.5);
      wanted[index] = getAsOpFoldResult(Value(rounded.toIndex()));
    }
  }
  SmallVector<ResizedAxis> axes;
  for (auto [index, axis] : llvm::enumerate(target.axes)) {
    OpFoldResult to = l.agree(wanted[index], y[axis]);
    bool isSame =
        x[axis] == y[axis] &&
        (target.hasSizes ? policy == "stretch" : target.scales[index] == 1.0);
    if (isSame && !roi)
      continue;
    Value start = roi ? Value(floatElement(l, roi, index)) : Value(),
          end = roi ? Value(floatElement(l, roi, target.axes.size() + index))
                    : Value();
    axes.push_back({axis, sizes[axis], to, scales[index], start, end});
  }
  return axes;
}

/// Where place `at` of the result lies in the operand.
static Scalar coordinate(ImplicitLocOpBuilder &b, StringRef mode,
                         const ResizedAxis &axis, Value at) {
  Type wide = b.getF64Type();
  Scalar x = Scalar(b, at).toFloat(wide), scale(b, axis.scale),
         from = Scalar(b, axis.from).toFloat(wide), to = scale * from;
  Scalar zero = x.number(0), one = x.number(1);
  if (mode == "asymmetric")
    return x / scale;
  Scalar halfPixel = (x + 0.5) / scale - 0.5;
  if (mode == "half_pixel")
    return halfPixel;
  // The samples there are count, not the fraction that scales may ask for.
  if (mode == "pytorch_half_pixel")
    return select(Scalar(b, axis.to) == 1, zero, halfPixel);
  if (mode == "half_pixel_symmetric") {
    Scalar adjustment = Scalar(b, axis.to).toFloat(wide) / to;
    return from * 0.5 * (one - adjustment) + halfPixel;
  }
  Scalar isSingle = to == 1, steps = select(isSingle, one, to - 1);
  if (mode == "align_corners")
    return select(isSingle, zero, x * (from - 1) / steps);
  Scalar start(b, axis.roiStart),
      length = (Scalar(b, axis.roiEnd) - start) * (from - 1);
  return select(isSingle, length * 0.5, x * length / steps) +
         start * (from - 1);
}

/// A coordinate as an index within the axis.
static Scalar within(ImplicitLocOpBuilder &b, const Scalar &place,
                     const ResizedAxis &axis) {
  Scalar last = Scalar(b, axis.from).toFloat(b.getF64Type()) - 1;
  return clamp(place, last.number(0), last).toIndex();
}

/// Whether a coordinate of tf_crop_and_resize lies outside the operand.
static Scalar isOutside(ImplicitLocOpBuilder &b, const Scalar &x,
                        const ResizedAxis &axis) {
  return (x < 0) | (x > Scalar(b, axis.from).toFloat(b.getF64Type()) - 1);
}

static Value resizeNearest(ResizeOp op, Lowering &l, ArrayRef<ResizedAxis> axes,
                           Value tensor) {
  Type stored = getElementTypeOrSelf(tensor.getType()),
       elementType = getElementTypeOrSelf(op.getX().getType()),
       integer = l.getI64Type();
  StringRef mode = op.getNearestMode(),
            coordinates = op.getCoordinateTransformationMode();
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  for (const ResizedAxis &axis : axes)
    sizes[axis.axis] = axis.to;
  SmallVector<Lowering::Operand> tables;
  // For each axis, the source of each place: -1 where the result is the
  // extrapolation value.
  for (const ResizedAxis &axis : axes) {
    Value table = l.generate(
        integer, {axis.to},
        [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
          Scalar x = coordinate(b, coordinates, axis, at[0]);
          Scalar place = mode == "floor"               ? floor(x)
                         : mode == "ceil"              ? ceil(x)
                         : mode == "round_prefer_ceil" ? floor(x + 0.5)
                                                       : ceil(x - 0.5);
          Scalar index = within(b, place, axis).toInteger(integer);
          return axis.roiStart
                     ? select(isOutside(b, x, axis), index.number(-1), index)
                     : index;
        });
    tables.push_back(
        {table, integer,
         AffineMap::get(sizes.size(), 0, l.getAffineDimExpr(axis.axis))});
  }
  auto complex = dyn_cast<ComplexType>(elementType);
  Type part = complex ? complex.getElementType() : elementType;
  auto number = [&](double value) {
    return castScalar(l, l.number(l.getF32Type(), value), l.getF32Type(), part);
  };
  Value extrapolated = number(op.getExtrapolationValue().convertToDouble());
  if (complex)
    extrapolated =
        complex::CreateOp::create(l, complex, extrapolated, number(0));
  extrapolated = storeScalar(l, extrapolated, elementType);
  return l.generic(
      stored, sizes, tables,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        SmallVector<Value> source;
        for (size_t at = 0; at < sizes.size(); ++at)
          source.push_back(linalg::IndexOp::create(b, at));
        Scalar zero(b, arith::ConstantIndexOp::create(b, 0).getResult()),
            isInside = zero == 0;
        bool mayMiss = false;
        for (auto [axis, arg] : llvm::zip(axes, args)) {
          Scalar place = Scalar(b, arg).toIndex();
          if (axis.roiStart) {
            isInside = isInside & (place >= 0);
            place = max(place, zero);
            mayMiss = true;
          }
          source[axis.axis] = place;
        }
        Value element = tensor::ExtractOp::create(b, tensor, source);
        return mayMiss ? Value(arith::SelectOp::create(b, isInside, element,
                                                       extrapolated))
                       : element;
      });
}

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

/// One axis of `tensor` (of floats of type `type`) resized.
static Value resizeAxis(ResizeOp op, Lowering &l, const ResizedAxis &axis,
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

FailureOr<SmallVector<Value>> ResizeOp::lower(Lowering &l) {
  Value tensor = l.lowered(getX());
  SmallVector<ResizedAxis> axes = resizedAxes(*this, l);
  if (axes.empty())
    return SmallVector<Value>{tensor};
  if (getMode() == "nearest")
    return SmallVector<Value>{resizeNearest(*this, l, axes, tensor)};
  Type elementType = getElementTypeOrSelf(getX().getType());
  bool isWide =
      elementType.isF64() || (isa<IntegerType>(elementType) &&
                              elementType.getIntOrFloatBitWidth() > 16);
  Type type = isWide ? Type(l.getF64Type()) : l.getF32Type();
  auto convert = [&](Value from, Type fromType, Type toType) {
    SmallVector<OpFoldResult> sizes = l.sizesOf(from);
    return l.generic(
        toType, sizes,
        {{from, fromType, l.getMultiDimIdentityMap(sizes.size())}},
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Value number = args[0];
          // Integers are rounded, and held within their type.
          if (isa<IntegerType>(toType)) {
            unsigned width = toType.getIntOrFloatBitWidth();
            bool isUnsigned = toType.isUnsignedInteger() || width == 1;
            double low = isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1),
                   high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
            Scalar rounded = roundEven(Scalar(b, number));
            number = clamp(rounded, rounded.number(low), rounded.number(high));
          }
          return castScalar(b, number, fromType, toType);
        });
  };
  if (type != elementType)
    tensor = convert(tensor, elementType, type);
  for (const ResizedAxis &axis : axes)
    tensor = resizeAxis(*this, l, axis, tensor, type);
  return SmallVector<Value>{
      type == elementType ? tensor : convert(tensor, type, elementType)};
}
