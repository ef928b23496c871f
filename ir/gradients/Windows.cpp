// Windows.cpp - windows as gradients need them: borders as numbers.
#include "ir/gradients/Windows.h"
#include "ir/Ops.h"

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

Value nn::byImage(GradientBuilder &b, Value image, Value dy, Value weights,
                  const Windows &windows, int64_t group) {
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
