// Resize.cpp - images of another size.
#include "ir/ops/Resize.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "llvm/ADT/SmallPtrSet.h"

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

/// The whole part of dim * scale, of which no digit is lost where the scale is
/// a whole number or a short fraction. Others are ratios that a float rounds:
/// of 10, 0.7 leaves 7, as the product of floats does that exporters and ONNX
/// Runtime take, and not 6 as the digits behind would.
static Dim scaledDim(Dim dim, double scale, ShapeScope &scope) {
  constexpr int kMaxBits = 12;
  for (int bits = 0; bits <= kMaxBits; ++bits) {
    double numerator = std::ldexp(scale, bits);
    if (numerator == std::floor(numerator) &&
        (bits == 0 || numerator < (1 << kMaxBits)))
      return scope.simplify(
          (dim * static_cast<int64_t>(numerator)).floorDiv(int64_t(1) << bits));
  }
  if (std::optional<int64_t> size = known(dim))
    return scope.constant(static_cast<int64_t>(
        std::floor(static_cast<float>(*size) * static_cast<float>(scale))));
  return {};
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
    // Of nothing there is nothing, whatever the scale.
    Scalar from(l, sizes[axis]), width = from.toFloat(wide);
    if (!target.hasSizes) {
      scales.push_back(target.scales[index]
                           ? Scalar(l, l.number(wide, *target.scales[index]))
                           : floatElement(l, given, index));
      l.require((scales.back() > 0) & (scales.back() < 1e9), Status::BadValue,
                "a scale is out of range");
      // A size that is no expression of the operands' is found here.
      bool isOpen = l.scope.isOwn(y[axis], op.getY()) || !target.scales[index];
      Type narrow = l.getF32Type();
      wanted.push_back(
          isOpen ? getAsOpFoldResult(Value(floor(from.toFloat(narrow) *
                                                 scales.back().toFloat(narrow))
                                               .toIndex()))
                 : l.size(y[axis]));
      continue;
    }
    wanted.push_back(target.sizes[index] ? l.size(target.sizes[index])
                                         : l.element(given, index));
    Scalar to(l, wanted.back()), isEmpty = (from == 0) & (to == 0);
    if (policy != "stretch")
      isEmpty = from < 0; // what is scaled alike divides by all sizes
    l.require(isEmpty | (from >= 1), Status::BadShape,
              "an image without elements cannot be resized");
    l.require(isEmpty | (to >= 1), Status::BadShape, "a size is not positive");
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
    // A size times its inverse need not be itself: half ways would go amiss.
    Scalar length = target.hasSizes && policy == "stretch"
                        ? Scalar(l, to).toFloat(wide)
                        : scales[index] * Scalar(l, sizes[axis]).toFloat(wide);
    axes.push_back({axis, sizes[axis], to, scales[index], length, start, end});
  }
  return axes;
}

Scalar nn::coordinate(ImplicitLocOpBuilder &b, StringRef mode,
                      const ResizedAxis &axis, Value at) {
  Type wide = b.getF64Type();
  Scalar x = Scalar(b, at).toFloat(wide), scale(b, axis.scale),
         from = Scalar(b, axis.from).toFloat(wide), to(b, axis.length);
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
  // As ONNX's own cases have it, and not by the count, which ONNX Runtime takes
  // here: of four samples that 0.6 makes two, the second is at 3 / (2.4 - 1).
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

Scalar nn::isOutside(ImplicitLocOpBuilder &b, const Scalar &x,
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

/// Whether a value is made, through whatever else, of results of a convolution:
/// channels mostly lie side by side from there on.
static bool comesOfConvolution(Value value) {
  SmallVector<Value> waiting{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!waiting.empty()) {
    Operation *op = waiting.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (isa<ConvOp, ConvTransposeOp>(op))
      return true;
    llvm::append_range(waiting, op->getOperands());
  }
  return false;
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
  // Growing first the axis whose elements lie side by side leaves most of the
  // elements to passes that take many of them at once.
  std::optional<int64_t> from = getConstantIntValue(axes.back().from),
                         to = getConstantIntValue(axes.back().to);
  if (!comesOfConvolution(getX()) && (!from || !to || *to >= *from))
    std::reverse(axes.begin(), axes.end());
  for (const ResizedAxis &axis : axes)
    tensor = resizeAxis(*this, l, axis, tensor, type);
  return SmallVector<Value>{
      type == elementType ? tensor : convert(tensor, type, elementType)};
}
