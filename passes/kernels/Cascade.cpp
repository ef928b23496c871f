// Cascade.cpp - reads products and windows that follow each other as stages.
#include "passes/kernels/Cascade.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/Elements.h"
#include "passes/kernels/Product.h"
#include "passes/kernels/Windows.h"

using namespace mlir;
using namespace burnish;

/// Axes of images.
static constexpr unsigned kImageAxis = 0, kLineAxis = 1, kPlaceAxis = 2,
                          kChannelAxis = 3, kRank = 4;

static ArrayRef<int64_t> shapeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

static bool isImages(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && type.hasStaticShape() && type.getRank() == kRank;
}

/// The root's loop along an axis of the kernel's result.
static unsigned loopOfResult(const Nest &nest, unsigned axis) {
  linalg::GenericOp root = nest.root, epilogue = nest.epilogue,
                    last = epilogue ? epilogue : root;
  unsigned loop = last.getMatchingIndexingMap(last.getDpsInitOperand(0))
                      .getDimPosition(axis);
  return epilogue ? nest.epilogueLoops[loop] : loop;
}

/// The nest's loop that is a loop of the root, if it has more than one
/// iteration.
static std::optional<unsigned> loopOf(const Nest &nest, unsigned source) {
  for (auto [index, loop] : llvm::enumerate(nest.loops))
    if (loop.source == source)
      return index;
  return std::nullopt;
}

/// What an index grows by from iteration to iteration of a loop.
static int64_t stepOf(AffineExpr expr, unsigned loop, unsigned loops) {
  auto at = [&](int64_t value) {
    SmallVector<AffineExpr> indices(
        loops, getAffineConstantExpr(0, expr.getContext()));
    indices[loop] = getAffineConstantExpr(value, expr.getContext());
    return cast<AffineConstantExpr>(expr.replaceDims(indices)).getValue();
  };
  return at(1) - at(0);
}

/// The indices of an input of the root.
static AffineMap mapOfInput(const Nest &nest, unsigned input) {
  linalg::GenericOp root = nest.root;
  return root.getMatchingIndexingMap(root.getDpsInputOperand(input));
}

Nest CascadeStage::lineNest(ImplicitLocOpBuilder *builder, Value imageIndex,
                            Value lineIndex) const {
  Nest result = nest;
  SmallVector<std::pair<unsigned, Value>> loops;
  if (image)
    loops.push_back({*image, imageIndex});
  if (line)
    loops.push_back({*line, lineIndex});
  llvm::sort(loops, [](auto a, auto b) { return a.first > b.first; });
  for (auto [loop, index] : loops)
    result.fix(builder, loop, index);
  return result;
}

namespace {
/// Reads the region of a cascade.
class CascadeReader {
public:
  CascadeReader(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                ImplicitLocOpBuilder *builder)
      : kernel(kernel), layoutOf(layoutOf), builder(builder),
        attributes(kernel.getContext()) {}

  FailureOr<Cascade> read() {
    if (failed(findStages()) || failed(readWindows()) ||
        failed(readProduct(cascade.producer)) ||
        failed(readProduct(cascade.consumer)) || failed(readSums()))
      return failure();
    if (cascade.consumer && shapeOf(cascade.consumer->kernel->getResult(
                                0))[kLineAxis] != cascade.lines)
      return failure();
    return cascade;
  }

private:
  /// Which kernel is which, from the operands of the windows on.
  LogicalResult findStages() {
    Block &block = kernel.getBody().front();
    SmallVector<nn::KernelOp> kernels(block.getOps<nn::KernelOp>());
    auto found = llvm::find_if(kernels, [](nn::KernelOp inner) {
      return inner.getSchedule().getAlgorithm() == "windows";
    });
    if (found == kernels.end() || found - kernels.begin() > 1 ||
        kernels.end() - found > 2)
      return failure();
    for (nn::KernelOp inner : kernels) {
      if (inner->getNumResults() != 1)
        return failure();
      // An index would be one of a whole image.
      for (auto generic : inner.getBody().getOps<linalg::GenericOp>())
        if (!generic.getBody()->getOps<linalg::IndexOp>().empty())
          return failure();
    }
    cascade.windows.kernel = *found;
    if (found != kernels.begin())
      cascade.producer = CascadeStage{kernels.front(), {}, {}, {}};
    SmallVector<Value> results{kernels.back()->getResult(0)};
    if (*found != kernels.back()) {
      CascadeStage last{kernels.back(), {}, {}, {}};
      if (kernels.back().getSchedule().getAlgorithm() == "product") {
        cascade.consumer = last;
      } else {
        cascade.sums = last;
        results.insert(results.begin(), cascade.windows.kernel->getResult(0));
      }
    }
    for (nn::KernelOp inner : kernels)
      if (!isImages(inner->getResult(0)) &&
          !(cascade.sums && inner == cascade.sums->kernel))
        return failure();
    if (SmallVector<Value>(block.getTerminator()->getOperands()) != results)
      return failure();
    if (!cascade.producer)
      return success();
    Value image = cascade.producer->kernel->getResult(0);
    cascade.made = shapeOf(image)[kLineAxis];
    if (!image.hasOneUse())
      return failure();
    auto pad = dyn_cast<tensor::PadOp>(*image.user_begin());
    if (pad) {
      Value filling = pad.getConstantPaddingValue();
      ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
      Attribute number;
      if (!filling || !matchPattern(filling, m_Constant(&number)) ||
          !isImages(pad.getResult()) || low[kImageAxis] != 0 ||
          high[kImageAxis] != 0 || low[kChannelAxis] != 0 ||
          high[kChannelAxis] != 0 ||
          llvm::any_of(low, [](int64_t size) { return size < 0; }) ||
          llvm::any_of(high, [](int64_t size) { return size < 0; }))
        return failure();
      cascade.border = cast<TypedAttr>(number);
      cascade.top = low[kLineAxis];
      cascade.left = low[kPlaceAxis];
      cascade.right = high[kPlaceAxis];
      image = pad.getResult();
    }
    if (!image.hasOneUse() || *image.user_begin() != cascade.windows.kernel)
      return failure();
    made = image;
    return success();
  }

  /// Where an operand of a stage lies: within a line, for what is kept.
  Layout layoutIn(const CascadeStage &stage, unsigned argument) {
    nn::KernelOp inner = stage.kernel;
    Value operand = inner->getOperand(argument);
    bool isOut = argument + 1 == inner->getNumOperands();
    if (auto outside = dyn_cast<BlockArgument>(operand))
      return layoutOf(outside.getArgNumber());
    // Lines of which there are sums are a result.
    if (!isOut && cascade.sums && inner == cascade.sums->kernel)
      return layoutIn(cascade.windows,
                      cascade.windows.kernel->getNumOperands() - 1);
    Value tensor = isOut ? inner->getResult(0) : operand;
    bool isMadeOut =
        isOut && cascade.producer && inner == cascade.producer->kernel;
    int64_t channels = shapeOf(tensor)[kChannelAxis];
    auto index = [&](int64_t value) -> OpFoldResult {
      return attributes.getIndexAttr(value);
    };
    return {index(isMadeOut ? cascade.left * channels : 0),
            {index(0), index(0), index(channels), index(1)}};
  }

  LogicalResult readNest(CascadeStage &stage) {
    nn::KernelOp inner = stage.kernel;
    // What lies inside is one of the two tensors that are kept.
    for (Value operand : inner.getInputs())
      if (!isa<BlockArgument>(operand) && operand != made &&
          operand != cascade.windows.kernel->getResult(0))
        return failure();
    FailureOr<Nest> nest = Nest::of(
        inner, [&](unsigned argument) { return layoutIn(stage, argument); },
        [&](unsigned argument, unsigned axis) -> OpFoldResult {
          return attributes.getIndexAttr(
              cast<ShapedType>(inner->getOperand(argument).getType())
                  .getDimSize(axis));
        },
        builder, /*merges=*/false);
    if (failed(nest) || nest->given)
      return failure();
    stage.nest = *nest;
    stage.image = loopOf(*nest, loopOfResult(*nest, kImageAxis));
    stage.line = loopOf(*nest, loopOfResult(*nest, kLineAxis));
    return success();
  }

  LogicalResult readWindows() {
    CascadeStage &stage = cascade.windows;
    if (failed(readNest(stage)))
      return failure();
    Nest line = stage.lineNest(nullptr, {}, {});
    FailureOr<WindowForm> form = WindowForm::of(line);
    if (failed(form) || !form->outer.empty() || form->otherTaps.size() > 1)
      return failure();
    Value image = stage.kernel->getOperand(line.inputs[form->image].argument);
    if (!isImages(image) ||
        (cascade.producer ? image != made : !isa<BlockArgument>(image)))
      return failure();
    AffineMap map = mapOfInput(stage.nest, form->image);
    Value result = stage.kernel->getResult(0);
    unsigned across = loopOfResult(stage.nest, kLineAxis);
    if (!isSame(stage.nest, map.getResult(kImageAxis),
                dimOf(loopOfResult(stage.nest, kImageAxis))))
      return failure();
    AffineExpr lineExpr = map.getResult(kLineAxis);
    cascade.images = shapeOf(result)[kImageAxis];
    cascade.lines = shapeOf(result)[kLineAxis];
    cascade.step = stepOf(lineExpr, across, map.getNumDims());
    cascade.taps = cascade.spacing = 1;
    if (!form->otherTaps.empty()) {
      const Loop &taps = line.loops[form->otherTaps[0]];
      cascade.taps = taps.known();
      cascade.spacing = stepOf(lineExpr, *taps.source, map.getNumDims());
    }
    AffineExpr expected = dimOf(across) * cascade.step;
    if (!form->otherTaps.empty())
      expected = expected + dimOf(*line.loops[form->otherTaps[0]].source) *
                                cascade.spacing;
    if (!isSame(stage.nest, lineExpr, expected))
      return failure();
    if (cascade.step < 1 || cascade.spacing < 1)
      return failure();
    cascade.places = shapeOf(image)[kPlaceAxis];
    cascade.channels = shapeOf(image)[kChannelAxis];
    ArrayRef<int64_t> shape = shapeOf(result);
    cascade.resultSize = shape[kPlaceAxis] * shape[kChannelAxis];
    return success();
  }

  AffineExpr dimOf(unsigned loop) {
    return getAffineDimExpr(loop, kernel.getContext());
  }

  /// Whether two indices are the same; loops of one iteration stay at 0.
  static bool isSame(const Nest &nest, AffineExpr index, AffineExpr other) {
    linalg::GenericOp root = nest.root;
    unsigned loops = root.getNumLoops();
    SmallVector<AffineExpr> indices;
    for (unsigned loop = 0; loop < loops; ++loop)
      indices.push_back(loopOf(nest, loop)
                            ? getAffineDimExpr(loop, index.getContext())
                            : getAffineConstantExpr(0, index.getContext()));
    AffineExpr difference = (index - other).replaceDims(indices);
    return simplifyAffineExpr(difference, loops, 0) ==
           getAffineConstantExpr(0, index.getContext());
  }

  LogicalResult readSums() {
    if (!cascade.sums)
      return success();
    CascadeStage &stage = *cascade.sums;
    nn::KernelOp inner = stage.kernel;
    Value lines = cascade.windows.kernel->getResult(0);
    auto type = cast<RankedTensorType>(inner->getResult(0).getType());
    if (inner.getSchedule().getAlgorithm() != "elements" ||
        inner.getInputs().size() != 1 || inner.getInputs()[0] != lines ||
        type.getRank() != kRank - 1 || !type.hasStaticShape() ||
        failed(readNest(stage)) || stage.nest.epilogue)
      return failure();
    AffineMap map = mapOfInput(stage.nest, 0);
    for (unsigned axis : {kImageAxis, kLineAxis})
      if (!isSame(stage.nest, map.getResult(axis),
                  dimOf(loopOfResult(stage.nest, axis))))
        return failure();
    std::optional<Lanes> lanes = chooseLanes(stage.lineNest(nullptr, {}, {}));
    return success(lanes && !lanes->combiner);
  }

  LogicalResult readProduct(std::optional<CascadeStage> &stage) {
    if (!stage)
      return success();
    nn::ScheduleAttr schedule = stage->kernel.getSchedule();
    if (schedule.getAlgorithm() != "product" || schedule.getPacks() ||
        schedule.getBackAndForth() || failed(readNest(*stage)))
      return failure();
    Nest line = stage->lineNest(nullptr, {}, {});
    FailureOr<ProductForm> form = ProductForm::of(line, /*packs=*/false);
    if (failed(form) || !form->fitsTiles(line, schedule))
      return failure();
    // Only the windows come between the two, and lines come one by one.
    if (cascade.consumer && stage->kernel == cascade.consumer->kernel) {
      const Access &left = line.inputs[form->left];
      Value lines = cascade.windows.kernel->getResult(0);
      if (stage->kernel->getOperand(left.argument) != lines ||
          !lines.hasOneUse())
        return failure();
      AffineMap map = mapOfInput(stage->nest, form->left);
      for (unsigned axis : {kImageAxis, kLineAxis})
        if (!isSame(stage->nest, map.getResult(axis),
                    dimOf(loopOfResult(stage->nest, axis))))
          return failure();
    }
    return success();
  }

  nn::KernelOp kernel;
  Nest::LayoutOf layoutOf;
  ImplicitLocOpBuilder *builder;
  Builder attributes;
  Cascade cascade;
  /// What the producer made, in its border.
  Value made;
};
} // namespace

FailureOr<Cascade> Cascade::of(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                               ImplicitLocOpBuilder *builder) {
  return CascadeReader(kernel, layoutOf, builder).read();
}

static int64_t bytesOf(Type type) {
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

int64_t Cascade::frameBytes() const {
  int64_t bytes = 0;
  if (producer)
    bytes += kept() * lineSize() * bytesOf(producer->nest.outType);
  if (consumer)
    bytes += resultSize * bytesOf(windows.nest.outType);
  return bytes;
}

static nn::KernelOp windowsOf(nn::KernelOp kernel) {
  for (auto inner : kernel.getBody().getOps<nn::KernelOp>())
    if (inner.getSchedule().getAlgorithm() == "windows")
      return inner;
  return {};
}

int64_t burnish::tasksOfCascade(nn::KernelOp kernel) {
  ArrayRef<int64_t> shape = shapeOf(windowsOf(kernel)->getResult(0));
  return shape[kImageAxis] * shape[kLineAxis];
}

std::string burnish::nameOfCascade(nn::KernelOp kernel) {
  std::string name = "cascade";
  for (auto inner : kernel.getBody().getOps<nn::KernelOp>()) {
    name += "_";
    for (int64_t size : shapeOf(inner->getResult(0)).drop_front())
      name += (name.back() == '_' ? "" : "x") + std::to_string(size);
  }
  return name;
}
