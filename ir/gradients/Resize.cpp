// Resize.cpp - the gradient of sampling at other places.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

// Along each axis the result is a matrix times X; the same resize of the
// identity is that matrix, and a product with it the other way round is the
// gradient. Constant folding computes the matrices when compiling.
SmallVector<Value> ResizeOp::differentiate(GradientBuilder &b, ValueRange dy) {
  std::optional<SmallVector<int64_t>> from = b.knownDims(getX()),
                                      to = b.knownDims(getY());
  if (!from || !to)
    return {};
  bool isCropped = getCoordinateTransformationMode() == "tf_crop_and_resize";
  if (isCropped && b.wants(getRoi())) {
    b.refuse("it crops, and has no gradient by the region", getX());
    return {};
  }
  SmallVector<int64_t> axes = b.allAxes(getX());
  if (getAxes())
    axes.assign(getAxes()->begin(), getAxes()->end());
  // With one ratio for all sides, places follow from it and not from sizes.
  bool keepsRatio = getSizes() && getKeepAspectRatioPolicy() != "stretch";
  double ratio = 1;
  if (keepsRatio) {
    std::optional<SmallVector<int64_t>> wanted = b.scope.integers(getSizes());
    if (!wanted || wanted->size() != axes.size()) {
      b.refuse("it keeps the ratio of sides, and sizes are known only at run "
               "time",
               getX());
      return {};
    }
    for (auto [place, said] : llvm::enumerate(axes)) {
      double each = static_cast<double>((*wanted)[place]) /
                    static_cast<double>((*from)[b.positiveAxis(said, getX())]);
      ratio = place == 0 ? each
              : getKeepAspectRatioPolicy() == "not_larger"
                  ? std::min(ratio, each)
                  : std::max(ratio, each);
    }
  }
  Value gradient = dy[0];
  for (auto [place, said] : llvm::enumerate(axes)) {
    int64_t axis = b.positiveAxis(said, getX()), size = (*from)[axis];
    if (size == (*to)[axis] && !isCropped)
      continue;
    Value places = b.make<RangeOp>(b.integer(0), b.integer(size), b.integer(1));
    Value identity =
        b.indicator(b.equal(b.unsqueeze(places, {1}), places), getX());
    // Scales count where they are said: rounding depends on them.
    Value scales, sizes;
    double exact = ratio * static_cast<double>(size);
    if (getScales()) {
      scales = b.slice(getScales(), 0, static_cast<int64_t>(place),
                       static_cast<int64_t>(place) + 1);
    } else if (!keepsRatio ||
               std::abs(exact - static_cast<double>((*to)[axis])) < 1e-6) {
      sizes = b.integers({(*to)[axis]});
    } else if (std::floor(exact) == static_cast<double>((*to)[axis])) {
      scales = b.make<ConstantOp>(
          DenseElementsAttr::get(RankedTensorType::get({1}, b.getF32Type()),
                                 static_cast<float>(ratio)));
    } else {
      b.refuse("it keeps the ratio of sides, and rounds a size up", getX());
      return {};
    }
    // What a crop leaves outside is a number, from which nothing follows.
    Value region;
    if (isCropped) {
      auto edge = [&](size_t at) {
        return b.slice(getRoi(), 0, static_cast<int64_t>(at),
                       static_cast<int64_t>(at) + 1);
      };
      region = b.concat({edge(place), edge(axes.size() + place)}, 0);
    }
    Value matrix = b.make<ResizeOp>(
        identity, region, scales, sizes, getAntialiasAttr(),
        b.getDenseI64ArrayAttr({1}), getCoordinateTransformationModeAttr(),
        getCubicCoeffAAttr(), getExcludeOutsideAttr(),
        b.getFloatAttr(b.getF32Type(), 0.0), b.getStringAttr("stretch"),
        getModeAttr(), getNearestModeAttr());
    // (..., to, ...) -> (..., from, ...), the axis last.
    SmallVector<int64_t> order = b.allAxes(gradient);
    std::swap(order[axis], order.back());
    gradient = b.transpose(gradient, order);
    gradient = b.matmul(gradient, b.transposeMatrix(matrix));
    gradient = b.transpose(gradient, order);
  }
  SmallVector<Value> gradients(getNumOperands());
  gradients[0] = gradient;
  return gradients;
}
