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
  if (getRoi() && getCoordinateTransformationMode() == "tf_crop_and_resize") {
    b.refuse("it crops ('coordinate_transformation_mode' is "
             "\"tf_crop_and_resize\")",
             getX());
    return {};
  }
  SmallVector<int64_t> axes = b.allAxes(getX());
  if (getAxes())
    axes.assign(getAxes()->begin(), getAxes()->end());
  Value gradient = dy[0];
  for (auto [place, said] : llvm::enumerate(axes)) {
    int64_t axis = b.positiveAxis(said, getX()), size = (*from)[axis];
    if (size == (*to)[axis])
      continue;
    Value places = b.make<RangeOp>(b.integer(0), b.integer(size), b.integer(1));
    Value identity =
        b.indicator(b.equal(b.unsqueeze(places, {1}), places), getX());
    // Scales count where they are said: rounding depends on them.
    Value scales, sizes;
    if (getScales())
      scales = b.slice(getScales(), 0, static_cast<int64_t>(place),
                       static_cast<int64_t>(place) + 1);
    else
      sizes = b.integers({(*to)[axis]});
    Value matrix = b.make<ResizeOp>(
        identity, Value(), scales, sizes, getAntialiasAttr(),
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
  return {gradient};
}
