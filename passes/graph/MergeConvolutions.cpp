// MergeConvolutions.cpp - sums of convolutions of one image as one convolution:
// the branches that a network is trained with and runs better without.
#include "passes/graph/MergeConvolutions.h"
#include "ir/Types.h"
#include "ir/Windows.h"
#include "passes/graph/Constants.h"

using namespace mlir;
using namespace burnish;

/// A larger matrix with ones on its diagonal costs more than it gains.
static constexpr int64_t kMostOfDiagonal = 1 << 22;

namespace {
/// A convolution with constant weights that only a sum needs.
struct Whole {
  nn::ConvOp conv;
  nn::Windows windows;
  RankedTensorType weights;

  static std::optional<Whole> of(Value value, nn::ShapeScope &scope) {
    auto conv = value.getDefiningOp<nn::ConvOp>();
    // Weights that others use as well would be kept twice, and products of
    // bytes are better than sums of floats.
    if (!conv || !conv->hasOneUse() || !conv.getW().hasOneUse() ||
        !isOfConstants(conv.getW()) ||
        conv.getW().getDefiningOp<nn::DequantizeLinearOp>() ||
        (conv.getB() && !isOfConstants(conv.getB())) ||
        !isa<FloatType>(getElementTypeOrSelf(conv.getW().getType())))
      return std::nullopt;
    FailureOr<nn::Windows> windows = conv.windows(scope);
    if (failed(windows) || windows->autoPad != nn::AutoPad::NotSet)
      return std::nullopt;
    return Whole{conv, *windows, cast<RankedTensorType>(conv.getW().getType())};
  }
};

/// What is added to one: weights and a bias, which may be null.
struct Part {
  Value weights, bias;
};
} // namespace

/// The tap of `whole` along one axis that the first one of `part` is, where it
/// has all of that one's and both have as many windows.
static std::optional<int64_t> firstTap(const nn::WindowAxis &whole,
                                       const nn::WindowAxis &part) {
  std::optional<int64_t> taps = nn::known(whole.kernel),
                         fewer = nn::known(part.kernel);
  if (!taps || !fewer || whole.stride != part.stride ||
      (*fewer > 1 && whole.dilation != part.dilation))
    return std::nullopt;
  int64_t shift = whole.padLow - part.padLow, first = shift / whole.dilation;
  auto border = [](const nn::WindowAxis &axis, int64_t taps) {
    return axis.padLow + axis.padHigh - (taps - 1) * axis.dilation;
  };
  if (shift < 0 || shift % whole.dilation != 0 || first + *fewer > *taps ||
      border(whole, *taps) != border(part, *fewer))
    return std::nullopt;
  return first;
}

/// Where the taps of windows begin within those of others; none where these
/// have not all of them.
static std::optional<SmallVector<int64_t>>
placeOf(ArrayRef<nn::WindowAxis> part, ArrayRef<nn::WindowAxis> whole) {
  SmallVector<int64_t> place;
  for (auto [axis, other] : llvm::zip_equal(whole, part)) {
    std::optional<int64_t> first = firstTap(axis, other);
    if (!first)
      return std::nullopt;
    place.push_back(*first);
  }
  return place;
}

/// Weights of one tap by which each channel is multiplied alone: ones, or the
/// factors.
static Value diagonal(nn::NetBuilder &b, RankedTensorType weights,
                      Value factors) {
  SmallVector<int64_t> shape(weights.getRank(), 1), list = shape;
  shape[0] = list[0] = weights.getDimSize(0);
  shape[1] = weights.getDimSize(1);
  SmallVector<float> ones(shape[0] * shape[1]);
  for (int64_t out = 0; out < shape[0]; ++out)
    ones[out * shape[1] + out % shape[1]] = 1;
  Value places = b.make<nn::ConstantOp>(DenseElementsAttr::get(
      RankedTensorType::get(shape, b.getF32Type()), ArrayRef(ones)));
  if (!weights.getElementType().isF32())
    places = b.make<nn::CastOp>(places, nn::onnxType(weights.getElementType()));
  return factors ? b.make<nn::MulOp>(places, Value(b.make<nn::ReshapeOp>(
                                                 factors, b.integers(list))))
                 : places;
}

/// The statistics of a normalisation that are constants, as weights of one tap.
static std::optional<Part> partOf(nn::BatchNormalizationOp norm,
                                  RankedTensorType weights, nn::NetBuilder &b) {
  auto isUsable = [&](Value value) {
    return isOfConstants(value) &&
           getElementTypeOrSelf(value.getType()) == weights.getElementType();
  };
  if (norm.getTrainingMode() || norm->getNumResults() != 1 ||
      !norm->hasOneUse() ||
      !llvm::all_of(norm->getOperands().drop_front(), isUsable))
    return std::nullopt;
  Value epsilon =
      b.scalar(weights.getElementType(), norm.getEpsilon().convertToDouble());
  Value deviation =
      b.make<nn::SqrtOp>(b.make<nn::AddOp>(norm.getInputVar(), epsilon));
  Value factors = b.make<nn::DivOp>(norm.getScale(), deviation);
  return Part{
      diagonal(b, weights, factors),
      b.make<nn::SubOp>(norm.getB(),
                        b.make<nn::MulOp>(norm.getInputMean(), factors))};
}

/// What is added to the weights of `whole` for the other summand, and the place
/// of its first tap.
static std::optional<std::pair<Part, SmallVector<int64_t>>>
otherOf(const Whole &whole, Value other, nn::NetBuilder &b) {
  nn::ConvOp conv = whole.conv;
  ArrayRef<nn::WindowAxis> axes = whole.windows.axes;
  if (std::optional<Whole> part = Whole::of(other, b.scope)) {
    if (part->conv.getX() != conv.getX() ||
        part->conv.getGroup() != conv.getGroup() ||
        part->weights.getShape().take_front(2) !=
            whole.weights.getShape().take_front(2))
      return std::nullopt;
    auto place = placeOf(part->windows.axes, axes);
    if (!place)
      return std::nullopt;
    return std::pair(Part{part->conv.getW(), part->conv.getB()}, *place);
  }
  auto norm = other.getDefiningOp<nn::BatchNormalizationOp>();
  bool isDepthwise = whole.weights.getDimSize(1) == 1;
  auto image = dyn_cast<RankedTensorType>(conv.getX().getType());
  if (!(norm ? norm.getX() == conv.getX()
             : isDepthwise && other == conv.getX()) ||
      !image || image.getDimSize(1) != whole.weights.getDimSize(0) ||
      whole.weights.getDimSize(0) * whole.weights.getDimSize(1) >
          kMostOfDiagonal)
    return std::nullopt;
  SmallVector<nn::WindowAxis> points(axes);
  for (nn::WindowAxis &axis : points)
    axis = {axis.input, b.getAffineConstantExpr(1)};
  auto place = placeOf(points, axes);
  std::optional<Part> part =
      !place ? std::nullopt
      : norm ? partOf(norm, whole.weights, b)
             : Part{diagonal(b, whole.weights, Value()), Value()};
  if (!part)
    return std::nullopt;
  return std::pair(*part, *place);
}

// conv(x, v) + conv(x, w) -> conv(x, v + w), w with zeros for taps that it has
// not
static Value merge(const Whole &whole, const Part &part,
                   ArrayRef<int64_t> place, nn::NetBuilder &b) {
  nn::ConvOp conv = whole.conv;
  ArrayRef<int64_t> taps = whole.weights.getShape(),
                    fewer = cast<RankedTensorType>(part.weights.getType())
                                .getShape();
  SmallVector<int64_t> pads(2 * taps.size());
  for (auto [axis, first] : llvm::enumerate(place)) {
    pads[2 + axis] = first;
    pads[taps.size() + 2 + axis] = taps[2 + axis] - first - fewer[2 + axis];
  }
  Value added = part.weights;
  if (taps != fewer)
    added = b.make<nn::PadOp>(added, b.integers(pads), Value(), Value(),
                              "constant");
  Value weights = b.make<nn::AddOp>(conv.getW(), added), bias = conv.getB();
  if (part.bias)
    bias = bias ? Value(b.make<nn::AddOp>(bias, part.bias)) : part.bias;
  SmallVector<Value> operands{conv.getX(), weights};
  if (bias)
    operands.push_back(bias);
  OpBuilder &plain = b;
  return plain
      .create(conv->getLoc(), conv->getName().getIdentifier(), operands,
              conv->getResultTypes(), conv->getAttrs())
      ->getResult(0);
}

Value burnish::mergeConvolutions(nn::AddOp sum, nn::NetBuilder &b) {
  for (unsigned index : {0u, 1u}) {
    Value other = sum->getOperand(1 - index);
    std::optional<Whole> whole = Whole::of(sum->getOperand(index), b.scope);
    if (!whole || other.getType() != sum->getResult(0).getType() ||
        whole->conv.getY().getType() != other.getType())
      continue;
    if (auto found = otherOf(*whole, other, b))
      return merge(*whole, found->first, found->second, b);
  }
  return {};
}
