// Convolution.cpp - gradients of convolutions, which are convolutions: by the
// image it is the transposed one, by the weights one of the image with the
// gradient, with batch and channels exchanged.
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include "ir/gradients/Windows.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// All axes but that of the channels.
static SmallVector<int64_t> allButChannels(int64_t rank) {
  SmallVector<int64_t> axes{0};
  for (int64_t axis = 2; axis < rank; ++axis)
    axes.push_back(axis);
  return axes;
}

static Value exchangeFirstTwo(GradientBuilder &b, Value value) {
  SmallVector<int64_t> permutation = b.allAxes(value);
  std::swap(permutation[0], permutation[1]);
  return b.transpose(value, permutation);
}

/// The gradient by weights (m, c / group, taps...) of the convolution of
/// `image` (n, c, ...) whose result has the gradient `dy` (n, m, ...).
static Value byWeights(GradientBuilder &b, Value image, Value dy, Value weights,
                       const Windows &windows, int64_t group) {
  int64_t rank = b.rank(image);
  WindowLists lists(windows);
  Value rows = image;
  if (group == 1) {
    rows = exchangeFirstTwo(b, rows);
  } else {
    // (n, group * c, ...) -> (c, group * n, ...)
    std::optional<SmallVector<int64_t>> dims = b.knownDims(image);
    if (!dims)
      return weights;
    SmallVector<int64_t> split{(*dims)[0], group, (*dims)[1] / group},
        merged{(*dims)[1] / group, group * (*dims)[0]}, permutation{2, 1, 0};
    for (int64_t axis = 2; axis < rank; ++axis) {
      split.push_back((*dims)[axis]);
      merged.push_back((*dims)[axis]);
      permutation.push_back(axis + 1);
    }
    rows = b.reshape(b.transpose(b.reshape(rows, split), permutation), merged);
  }
  Value sums = b.make<ConvOp>(
      rows, exchangeFirstTwo(b, dy), Value(), b.getStringAttr("NOTSET"),
      b.getDenseI64ArrayAttr(lists.strides), b.getI64IntegerAttr(group),
      DenseI64ArrayAttr(), b.getDenseI64ArrayAttr(lists.pads),
      b.getDenseI64ArrayAttr(lists.dilations));
  // Where windows do not reach the end there are more taps than weights.
  for (auto [index, axis] : llvm::enumerate(windows.axes)) {
    std::optional<int64_t> taps = known(axis.kernel);
    if (!taps)
      return b.refuse("the number of taps is known only at run time", weights);
    sums = b.slice(sums, 2 + static_cast<int64_t>(index), 0, *taps);
  }
  return exchangeFirstTwo(b, sums);
}

SmallVector<Value> ConvOp::differentiate(GradientBuilder &b, ValueRange dy) {
  FailureOr<Windows> windows = withBorders(b, this->windows(b.scope));
  if (failed(windows))
    return {};
  int64_t group = static_cast<int64_t>(getGroup());
  SmallVector<Value> gradients(getNumOperands());
  if (b.wants(getX()))
    gradients[0] = byImage(b, getX(), dy[0], getW(), *windows, group);
  if (b.wants(getW()))
    gradients[1] = byWeights(b, getX(), dy[0], getW(), *windows, group);
  if (b.wants(getB()))
    gradients[2] = b.reduceSum(dy[0], allButChannels(b.rank(dy[0])), false);
  return gradients;
}

// The transposed convolution is what a convolution has as its gradient: the
// roles of image and gradient are exchanged.
SmallVector<Value> ConvTransposeOp::differentiate(GradientBuilder &b,
                                                  ValueRange dy) {
  FailureOr<Windows> windows = this->windows(b.scope);
  if (failed(windows))
    return {};
  if (windows->autoPad == AutoPad::SameUpper ||
      windows->autoPad == AutoPad::SameLower || getOutputShape()) {
    b.refuse("its borders follow from the size of its result ('auto_pad' or "
             "'output_shape'); 'pads' can say the same",
             getX());
    return {};
  }
  WindowLists lists(*windows);
  int64_t group = static_cast<int64_t>(getGroup());
  SmallVector<Value> gradients(getNumOperands());
  if (b.wants(getX())) {
    Value image = b.make<ConvOp>(
        dy[0], getW(), Value(), b.getStringAttr("NOTSET"),
        b.getDenseI64ArrayAttr(lists.dilations), b.getI64IntegerAttr(group),
        DenseI64ArrayAttr(), b.getDenseI64ArrayAttr(lists.pads),
        b.getDenseI64ArrayAttr(lists.strides));
    for (int64_t axis = 2; axis < b.rank(image); ++axis)
      if (std::optional<int64_t> size = known(b.scope.dim(getX(), axis)))
        image = b.slice(image, axis, 0, *size);
    gradients[0] = image;
  }
  if (b.wants(getW()))
    gradients[1] = byWeights(b, dy[0], getX(), getW(), *windows, group);
  if (b.wants(getB()))
    gradients[2] = b.reduceSum(dy[0], allButChannels(b.rank(dy[0])), false);
  return gradients;
}
