// Windows.cpp - windows as gradients need them: borders as numbers.
#include "ir/gradients/Windows.h"
#include "ir/Ops.h"
#include <limits>

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

WindowLists::WindowLists(const Windows &windows) {
  for (const WindowAxis &axis : windows.axes) {
    strides.push_back(axis.stride);
    dilations.push_back(axis.dilation);
    pads.push_back(axis.padLow);
  }
  for (const WindowAxis &axis : windows.axes)
    pads.push_back(axis.padHigh);
}

FailureOr<Windows> nn::withBorders(GradientBuilder &b,
                                   FailureOr<Windows> windows) {
  if (failed(windows))
    return failure();
  bool isSame = windows->autoPad == AutoPad::SameUpper ||
                windows->autoPad == AutoPad::SameLower;
  if (!isSame && !windows->isCeil)
    return windows;
  Dims positions = windows->positions();
  for (auto [axis, position] : llvm::zip_equal(windows->axes, positions)) {
    std::optional<int64_t> size = known(axis.input), count = known(position),
                           extent = known(axis.extent());
    if (!size || !count || !extent) {
      b.refuse("its borders depend on sizes that are known only at run time; "
               "--dim or --shape gives them",
               {});
      return failure();
    }
    int64_t covered = (*count - 1) * axis.stride + *extent;
    if (isSame) {
      int64_t border = std::max<int64_t>(0, covered - *size);
      axis.padLow = windows->autoPad == AutoPad::SameUpper
                        ? border / 2
                        : border - border / 2;
      axis.padHigh = border - axis.padLow;
    } else {
      axis.padHigh = std::max(axis.padHigh, covered - *size - axis.padLow);
    }
  }
  windows->autoPad = AutoPad::NotSet;
  windows->isCeil = false;
  return windows;
}

/// The convolution of `dy` with the weights turned round, where windows move by
/// one; null where a border would be negative.
static Value turnedRound(GradientBuilder &b, Value dy, Value weights,
                         const Windows &windows, int64_t group) {
  WindowLists lists(windows);
  SmallVector<int64_t> pads, axes, last, before, back;
  int64_t rank = static_cast<int64_t>(windows.rank());
  for (int64_t end = 0; end < 2; ++end)
    for (auto [index, axis] : llvm::enumerate(windows.axes)) {
      std::optional<int64_t> extent = known(axis.extent());
      if (!extent || axis.stride != 1)
        return {};
      pads.push_back(*extent - 1 - (end ? axis.padHigh : axis.padLow));
      if (pads.back() < 0)
        return {};
    }
  std::optional<int64_t> outputs = known(b.scope.dim(weights, 0)),
                         inputs = known(b.scope.dim(weights, 1));
  if (!outputs || !inputs)
    return {};
  for (int64_t axis = 0; axis < rank; ++axis) {
    axes.push_back(2 + axis);
    last.push_back(-1);
    before.push_back(std::numeric_limits<int64_t>::min());
    back.push_back(-1);
  }
  Value turned = b.make<SliceOp>(weights, b.integers(last), b.integers(before),
                                 b.integers(axes), b.integers(back));
  // (group * m, c, ...) -> (group * c, m, ...); between one group and none
  // stands no reshape, so that the convolution reads weights where they lie.
  SmallVector<int64_t> exchanged = llvm::to_vector(llvm::seq(rank + 2));
  std::swap(exchanged[0], exchanged[1]);
  SmallVector<int64_t> split{group, *outputs / group, *inputs},
      merged{group * *inputs, *outputs / group}, order{0, 2, 1};
  for (int64_t axis = 0; axis < rank; ++axis) {
    int64_t taps = *known(windows.axes[axis].kernel);
    split.push_back(taps);
    merged.push_back(taps);
    order.push_back(3 + axis);
  }
  turned = group == 1 ? b.transpose(turned, exchanged)
                      : b.reshape(b.transpose(b.reshape(turned, split), order),
                                  merged);
  return b.make<ConvOp>(dy, turned, Value(), b.getStringAttr("NOTSET"),
                        b.getDenseI64ArrayAttr(lists.dilations),
                        b.getI64IntegerAttr(group), DenseI64ArrayAttr(),
                        b.getDenseI64ArrayAttr(pads),
                        b.getDenseI64ArrayAttr(lists.strides));
}

Value nn::byImage(GradientBuilder &b, Value image, Value dy, Value weights,
                  const Windows &windows, int64_t group) {
  if (Value turned = turnedRound(b, dy, weights, windows, group))
    return turned;
  WindowLists lists(windows);
  // What windows do not reach at the end.
  SmallVector<int64_t> rest;
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    if (axis.stride == 1) {
      rest.push_back(0);
      continue;
    }
    std::optional<int64_t> size = known(axis.input),
                           count = known(b.scope.dim(
                               dy, 2 + static_cast<int64_t>(index))),
                           extent = known(axis.extent());
    if (!size || !count || !extent)
      return b.refuse("with a stride the sizes of the image must be known; "
                      "--dim or --shape gives them",
                      image);
    rest.push_back(*size + axis.padLow + axis.padHigh -
                   ((*count - 1) * axis.stride + *extent));
  }
  return b.make<ConvTransposeOp>(
      dy, weights, Value(), b.getDenseI64ArrayAttr(rest), DenseI64ArrayAttr(),
      b.getStringAttr("NOTSET"), b.getDenseI64ArrayAttr(lists.dilations),
      b.getI64IntegerAttr(group), DenseI64ArrayAttr(),
      b.getDenseI64ArrayAttr(lists.pads),
      b.getDenseI64ArrayAttr(lists.strides));
}
