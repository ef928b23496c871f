// NetworkBuiltins.cpp - sums over windows and axes: what layers are made of.
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/Recipe.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

//===- Windows ------------------------------------------------------------===//

namespace {
/// Strides, dilations and borders of windows over the axes from the third on.
struct WindowFacts {
  DenseI64ArrayAttr strides, dilations, pads;
  StringRef automatic = "NOTSET";
};
} // namespace

/// `pad` is a number, one for each axis, one before and one after each, or
/// "same".
static WindowFacts windowFacts(Invocation &i, int64_t axes, unsigned pad,
                               unsigned stride, unsigned dilation,
                               SmallVector<int64_t> defaultStride = {}) {
  OpBuilder &b = i.e.builder;
  WindowFacts facts;
  SmallVector<int64_t> strides = i.perAxis(stride, axes, 1);
  if (!i.has(stride) && !defaultStride.empty())
    strides = defaultStride;
  SmallVector<int64_t> dilations = dilation < i.values.size()
                                       ? i.perAxis(dilation, axes, 1)
                                       : SmallVector<int64_t>(axes, 1);
  for (int64_t each : strides)
    if (each < 1)
      i.error("a stride of " + Twine(each));
  for (int64_t each : dilations)
    if (each < 1)
      i.error("a dilation of " + Twine(each));
  facts.strides = b.getDenseI64ArrayAttr(strides);
  facts.dilations = b.getDenseI64ArrayAttr(dilations);
  if (i.has(pad) && i.term(pad).kind == Term::Text) {
    if (i.term(pad).text != "same")
      i.error("'pad' is a number, a tuple of them or \"same\", and this is " +
              i.e.describe(i.term(pad)));
    facts.automatic = "SAME_UPPER";
    return facts;
  }
  SmallVector<int64_t> given = i.wholes(pad), pads(2 * axes, 0);
  if (static_cast<int64_t>(given.size()) == 2 * axes) {
    pads = given;
  } else {
    given = i.perAxis(pad, axes, 0);
    for (int64_t axis = 0; axis < axes; ++axis)
      pads[axis] = pads[axes + axis] = given[axis];
  }
  facts.pads = b.getDenseI64ArrayAttr(pads);
  return facts;
}

/// Checks the ranks that a convolution over `axes` axes has.
template <int64_t kAxes> static bool checkImage(Invocation &i, Value x) {
  if (i.rank(x) == kAxes + 2)
    return true;
  i.error("'" + i.name + "' takes [N, C" +
          StringRef(", D, H, W").take_back(3 * kAxes) + "], and this is " +
          i.e.describe(x));
  return false;
}

template <int64_t kAxes, bool kIsTransposed> static Term conv(Invocation &i) {
  Value x = i.tensor(0), w = i.tensor(1);
  if (!i.isFine || !checkImage<kAxes>(i, x))
    return {};
  if (i.rank(w) != kAxes + 2)
    return i.error("the weights of '" + i.name + "' are " + i.e.describe(w) +
                   ", and have " + Twine(kAxes + 2) + " dims for this image");
  WindowFacts facts = windowFacts(i, kAxes, 2, 3, 4);
  int64_t groups = i.whole(5, 1);
  if (!i.isFine)
    return {};
  Dim channels = i.e.shapes.dim(x, 1);
  Dim taken = kIsTransposed ? i.e.shapes.dim(w, 0)
                            : i.e.shapes.product({i.e.shapes.dim(w, 1),
                                                  i.e.shapes.constant(groups)});
  if (!i.e.isSame(channels, taken))
    return i.error("the image " + i.e.describe(x) + " has " +
                   i.e.describe(channels) + " channels, and the weights " +
                   i.e.describe(w) + " take " + i.e.describe(taken));
  if constexpr (kIsTransposed) {
    SmallVector<int64_t> more = i.perAxis(6, kAxes, 0);
    if (!i.isFine)
      return {};
    return i.result(i.e.builder.make<nn::ConvTransposeOp>(
        x, w, Value(), i.e.builder.getDenseI64ArrayAttr(more),
        DenseI64ArrayAttr(), facts.automatic, facts.dilations, groups,
        DenseI64ArrayAttr(), facts.pads, facts.strides));
  } else {
    return i.result(i.e.builder.make<nn::ConvOp>(
        x, w, Value(), facts.automatic, facts.dilations, groups,
        DenseI64ArrayAttr(), facts.pads, facts.strides));
  }
}

template <bool kIsMax> static Term pool(Invocation &i) {
  Value x = i.tensor(0);
  if (!i.isFine)
    return {};
  int64_t axes = i.rank(x) - 2;
  if (axes < 1)
    return i.error("'" + i.name +
                   "' takes [N, C, H, W] or the like, and this "
                   "is " +
                   i.e.describe(x));
  SmallVector<int64_t> kernel = i.perAxis(1, axes, 1);
  WindowFacts facts = windowFacts(i, axes, 3, 2, kIsMax ? 4 : 99, kernel);
  bool roundsUp = i.truth(kIsMax ? 5 : 4, false);
  if (!i.isFine)
    return {};
  for (int64_t each : kernel)
    if (each < 1)
      return i.error("a window of " + Twine(each));
  auto kernelAttr = i.e.builder.getDenseI64ArrayAttr(kernel);
  if constexpr (kIsMax)
    return i.result(i.e.builder.make<nn::MaxPoolOp>(
        x, 0, facts.automatic, roundsUp, facts.dilations, kernelAttr,
        facts.pads, facts.strides));
  else
    return i.result(i.e.builder.make<nn::AveragePoolOp>(
        x, i.truth(5, false), facts.automatic, roundsUp, facts.dilations,
        kernelAttr, facts.pads, facts.strides));
}

static Term batchNorm(Invocation &i) {
  Value x = i.tensor(0);
  if (!i.isFine)
    return {};
  if (i.rank(x) < 2)
    return i.error("'batch_norm' takes [N, C, ...], and this is " +
                   i.e.describe(x));
  SmallVector<Value> operands;
  for (unsigned at = 1; at <= 4; ++at) {
    operands.push_back(i.tensor(at));
    Dims dims = i.e.shapes.dims(operands.back());
    if (dims.size() != 1 || !i.e.isSame(dims[0], i.e.shapes.dim(x, 1)))
      return i.error("'" + i.names[at] + "' of 'batch_norm' is " +
                     i.e.describe(operands.back()) + ", and " +
                     i.e.describe(x) + " has " +
                     i.e.describe(i.e.shapes.dim(x, 1)) + " channels");
  }
  Type unknown = UnrankedTensorType::get(i.e.builder.getF32Type());
  bool isUpdating = i.e.training && i.e.training->isUpdating;
  Type running = isUpdating ? unknown : Type();
  auto op = nn::BatchNormalizationOp::create(
      i.e.builder, unknown, running, running, x, operands[0], operands[1],
      operands[2], operands[3],
      llvm::APFloat(static_cast<float>(i.real(5, 1e-5))),
      llvm::APFloat(static_cast<float>(i.real(6, 0.9))), isUpdating);
  (void)i.e.shapes.infer(op);
  if (isUpdating)
    for (auto [operand, now] : {std::pair(operands[2], op.getRunningMean()),
                                std::pair(operands[3], op.getRunningVar())})
      if (Elaborator::Slot *slot = i.e.slotNow(operand))
        slot->value = now;
  return i.result(op.getY());
}

//===- Softmax ------------------------------------------------------------===//

/// A mask whose dims are the first of `like`, with axes of one behind them.
static Value alignMask(Invocation &i, Value mask, Value like) {
  int64_t missing = i.rank(like) - i.rank(mask);
  if (missing > 0) {
    SmallVector<int64_t> axes;
    for (int64_t at = 0; at < missing; ++at)
      axes.push_back(i.rank(mask) + at);
    mask = i.e.builder.make<nn::UnsqueezeOp>(mask, i.e.builder.integers(axes));
  }
  return mask;
}

static bool isTruth(Value value) {
  return getElementTypeOrSelf(value.getType()).isInteger(1);
}

template <typename Op> static Term softmax(Invocation &i) {
  Value x = i.tensor(0);
  int64_t axis = i.axis(1, x, -1);
  if (!i.isFine)
    return {};
  if (i.has(2)) {
    Value mask = i.tensor(2);
    if (!isTruth(mask))
      return i.error("'mask' of '" + i.name + "' is bool[...], and this is " +
                     i.e.describe(mask));
    if (!i.e.checkBroadcast(i.term(0), Term::ofTensor(mask, i.term(2).from),
                            i.call.span, "and the mask"))
      return {};
    // The least number, not -inf: where all is masked the result is even, and
    // not NaN.
    Type type = getElementTypeOrSelf(x.getType());
    auto floatType = cast<FloatType>(type);
    Value least = i.e.builder.make<nn::ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get({}, type),
        llvm::APFloat::getLargest(floatType.getFloatSemantics(), true)));
    x = i.e.builder.make<nn::WhereOp>(mask, x, least);
  }
  return i.result(i.e.builder.make<Op>(x, axis));
}

//===- Reductions ---------------------------------------------------------===//

/// Sums or means over axes, all without `over`; of the elements where a mask
/// holds.
template <typename Op> static Term reduce(Invocation &i) {
  Value x = i.tensor(0);
  SmallVector<int64_t> axes = i.axes(2, x);
  bool keeps = i.truth(3, false);
  if (!i.isFine)
    return {};
  auto over = [&](Value value) -> Value {
    Value list = i.has(2) ? i.e.builder.integers(axes) : Value();
    return i.e.builder.make<nn::ReduceSumOp>(value, list, keeps, 0);
  };
  Value list = i.has(2) ? i.e.builder.integers(axes) : Value();
  if (!i.has(1))
    return i.result(i.e.builder.make<Op>(x, list, keeps, 0));
  Value mask = i.tensor(1);
  if (!isTruth(mask))
    return i.error("'mask' of '" + i.name + "' is bool[...], and this is " +
                   i.e.describe(mask));
  mask = alignMask(i, mask, x);
  if (!i.e.checkBroadcast(i.term(0), Term::ofTensor(mask, i.term(1).from),
                          i.call.span, "and the mask"))
    return {};
  Type type = getElementTypeOrSelf(x.getType());
  Value kept =
      i.e.builder.make<nn::WhereOp>(mask, x, i.e.builder.scalar(type, 0));
  if constexpr (std::is_same_v<Op, nn::ReduceSumOp>)
    return i.result(over(kept));
  Value ones = i.e.builder.make<nn::CastOp>(mask, nn::onnxType(type), 1, "up");
  // Along axes that the mask lacks it counts once for each element.
  Value counted =
      i.e.builder.make<nn::ExpandOp>(ones, i.e.shapeTensor(i.e.shapes.dims(x)));
  return i.result(i.e.builder.make<nn::DivOp>(over(kept), over(counted)));
}

/// The greatest of two operands' elements, or along axes.
template <typename Reduce, typename Elementwise>
static Term extreme(Invocation &i) {
  if (i.has(1)) {
    const Term &a = i.term(0), &b = i.term(1);
    if (a.isNumber() && b.isNumber()) {
      constexpr bool kIsMax = std::is_same_v<Elementwise, nn::MaxOp>;
      if (a.kind == Term::Whole && b.kind == Term::Whole)
        return Term::ofWhole(kIsMax ? i.e.shapes.maximum(a.whole, b.whole)
                                    : i.e.shapes.minimum(a.whole, b.whole),
                             i.call.span);
      double x = i.real(0, 0), y = i.real(1, 0);
      return Term::ofReal(kIsMax ? std::max(x, y) : std::min(x, y),
                          i.call.span);
    }
    auto typeOf = [](const Term &term) {
      return term.kind == Term::Tensor
                 ? getElementTypeOrSelf(term.tensor.getType())
                 : Type();
    };
    Value left = i.tensor(0, typeOf(b)), right = i.tensor(1, typeOf(a));
    if (!i.isFine ||
        !i.e.checkBroadcast(Term::ofTensor(left, a.from),
                            Term::ofTensor(right, b.from), i.call.span, "and"))
      return {};
    return i.result(i.e.builder.make<Elementwise>(ValueRange{left, right}));
  }
  Value x = i.tensor(0);
  SmallVector<int64_t> axes = i.axes(2, x);
  bool keeps = i.truth(3, false);
  if (!i.isFine)
    return {};
  Value list = i.has(2) ? i.e.builder.integers(axes) : Value();
  return i.result(i.e.builder.make<Reduce>(x, list, keeps, 0));
}

template <typename Op> static Term position(Invocation &i) {
  Value x = i.tensor(0);
  int64_t axis = i.axis(1, x, -1);
  bool keeps = i.truth(2, false);
  if (!i.isFine || i.rank(x) == 0)
    return i.isFine ? i.error("a number without dims has no places") : Term();
  return i.result(i.e.builder.make<Op>(x, axis, keeps, 0));
}

static Term topk(Invocation &i) {
  Value x = i.tensor(0);
  int64_t k = i.whole(1, 1), axis = i.axis(2, x, -1);
  if (!i.isFine)
    return {};
  auto op = i.e.builder.makeMany<nn::TopKOp>(2, x, i.e.builder.integers(k),
                                             axis, 1, 1);
  return Term::ofTuple({i.result(op->getResult(0)), i.result(op->getResult(1))},
                       i.call.span);
}

static Term cumsum(Invocation &i) {
  Value x = i.tensor(0);
  int64_t axis = i.axis(1, x, -1);
  if (!i.isFine)
    return {};
  return i.result(
      i.e.builder.make<nn::CumSumOp>(x, i.e.builder.integer(axis), 0, 0));
}

//===- Resizing -----------------------------------------------------------===//

static Term upsample(Invocation &i) {
  Value x = i.tensor(0);
  std::string mode = i.text(2, "nearest");
  if (!i.isFine)
    return {};
  int64_t axes = i.rank(x) - 2;
  SmallVector<int64_t> factors = i.perAxis(1, std::max<int64_t>(axes, 0), 1);
  if (!i.isFine)
    return {};
  if (axes < 1 || (mode != "nearest" && mode != "linear"))
    return i.error("'upsample' takes [N, C, H, W] or the like and \"nearest\" "
                   "or \"linear\", and these are " +
                   i.e.describe(x) + " and \"" + mode + "\"");
  SmallVector<float> scales{1, 1};
  for (int64_t factor : factors)
    scales.push_back(factor);
  Value scale = i.e.builder.make<nn::ConstantOp>(DenseElementsAttr::get(
      RankedTensorType::get({static_cast<int64_t>(scales.size())},
                            i.e.builder.getF32Type()),
      ArrayRef<float>(scales)));
  OperationState state(i.e.builder.getLoc(), nn::ResizeOp::getOperationName());
  state.addOperands({x, scale});
  state.addAttribute("operandSegmentSizes",
                     i.e.builder.getDenseI32ArrayAttr({1, 0, 1, 0}));
  state.addAttribute("mode", i.e.builder.getStringAttr(mode));
  state.addAttribute("coordinate_transformation_mode",
                     i.e.builder.getStringAttr(
                         mode == "nearest" ? "asymmetric" : "half_pixel"));
  state.addAttribute("nearest_mode", i.e.builder.getStringAttr("floor"));
  state.addTypes(UnrankedTensorType::get(i.e.builder.getF32Type()));
  Operation *op = i.e.builder.create(state);
  (void)i.e.shapes.infer(op);
  return i.result(op->getResult(0));
}

//===- Of recipes ---------------------------------------------------------===//

/// The sum of the squares or sizes of all params that a pattern matches;
/// `weights` are those that may decay.
template <bool kIsSquare> static Term penalty(Invocation &i) {
  std::string pattern = i.text(0, "*");
  if (!i.isFine)
    return {};
  if (!i.e.training)
    return i.error(quoted(i.name) + " is for the loss of a recipe");
  nn::NetBuilder &b = i.e.builder;
  Value sum = b.scalar(b.getF32Type(), 0);
  bool isAny = false;
  for (const Elaborator::Slot &slot : i.e.slots) {
    StringRef net = StringRef(slot.path).split('.').first;
    bool isMeant = pattern == "*" ? !llvm::is_contained(slot.flags, "no_decay")
                                  : matchesPath(pattern, slot.path, net);
    if (slot.isState || !isMeant)
      continue;
    isAny = true;
    Value w = slot.argument;
    sum =
        b.make<nn::AddOp>(sum, i.e.sumOfAll(kIsSquare ? b.make<nn::MulOp>(w, w)
                                                      : b.make<nn::AbsOp>(w)));
  }
  if (!isAny)
    return i.error(quoted(pattern) + " matches no param that is met before");
  return i.result(sum);
}

/// Uniform numbers in [0, 1), others in each step, of dims or like a tensor.
static Term random(Invocation &i) {
  if (!i.e.training)
    return i.error(quoted(i.name) + " is for the training of a recipe");
  SmallVector<int64_t> sizes;
  Dims dims = i.term(0).kind == Term::Tensor
                  ? Dims(i.e.shapes.dims(i.term(0).tensor))
                  : i.dims(0);
  for (Dim dim : dims) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size)
      return i.error("'random' takes dims that are known when compiling");
    sizes.push_back(*size);
  }
  return i.isFine ? i.result(i.e.draw(sizes)) : Term();
}

ArrayRef<Builtin> dsl::networkBuiltins() {
  static const Builtin kTable[] = {
      {"conv1d",
       {"x", "w", "pad", "stride", "dilation", "groups"},
       2,
       conv<1, false>},
      {"conv2d",
       {"x", "w", "pad", "stride", "dilation", "groups"},
       2,
       conv<2, false>},
      {"conv3d",
       {"x", "w", "pad", "stride", "dilation", "groups"},
       2,
       conv<3, false>},
      {"conv_transpose1d",
       {"x", "w", "pad", "stride", "dilation", "groups", "output_pad"},
       2,
       conv<1, true>},
      {"conv_transpose2d",
       {"x", "w", "pad", "stride", "dilation", "groups", "output_pad"},
       2,
       conv<2, true>},
      {"max_pool",
       {"x", "k", "stride", "pad", "dilation", "ceil"},
       2,
       pool<true>},
      {"avg_pool",
       {"x", "k", "stride", "pad", "ceil", "counts_pad"},
       2,
       pool<false>},
      {"batch_norm",
       {"x", "scale", "bias", "mean", "var", "eps", "momentum"},
       5,
       batchNorm},
      {"softmax", {"x", "axis", "mask"}, 1, softmax<nn::SoftmaxOp>},
      {"log_softmax", {"x", "axis", "mask"}, 1, softmax<nn::LogSoftmaxOp>},
      {"sum", {"x", "mask", "over", "keep"}, 1, reduce<nn::ReduceSumOp>},
      {"mean", {"x", "mask", "over", "keep"}, 1, reduce<nn::ReduceMeanOp>},
      {"max",
       {"x", "y", "over", "keep"},
       1,
       extreme<nn::ReduceMaxOp, nn::MaxOp>},
      {"min",
       {"x", "y", "over", "keep"},
       1,
       extreme<nn::ReduceMinOp, nn::MinOp>},
      {"argmax", {"x", "over", "keep"}, 1, position<nn::ArgMaxOp>},
      {"argmin", {"x", "over", "keep"}, 1, position<nn::ArgMinOp>},
      {"topk", {"x", "k", "axis"}, 2, topk},
      {"cumsum", {"x", "over"}, 1, cumsum},
      {"upsample", {"x", "factor", "mode"}, 2, upsample},
      {"l1", {"pattern"}, 0, penalty<false>},
      {"l2", {"pattern"}, 0, penalty<true>},
      {"random", {"dims"}, 1, random},
  };
  return kTable;
}
