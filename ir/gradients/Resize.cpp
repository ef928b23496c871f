// Resize.cpp - the gradient of sampling at other places.
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include <numeric>

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
  int64_t rank = b.rank(getX());
  SmallVector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (getAxes())
    axes.assign(getAxes()->begin(), getAxes()->end());
  Value gradient = dy[0];
  for (auto [place, said] : llvm::enumerate(axes)) {
    int64_t axis = said < 0 ? said + rank : said, size = (*from)[axis];
    if (size == (*to)[axis])
      continue;
    Value identity = b.make<CastOp>(
        b.equal(b.unsqueeze(b.make<RangeOp>(b.integer(0), b.integer(size),
                                            b.integer(1)),
                            {1}),
                b.make<RangeOp>(b.integer(0), b.integer(size), b.integer(1))),
        int64_t(1));
    identity = b.castAs(identity, getX());
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
    SmallVector<int64_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[axis], order.back());
    gradient = b.transpose(gradient, order);
    gradient = b.matmul(gradient, b.transposeMatrix(matrix));
    gradient = b.transpose(gradient, order);
  }
  return {gradient};
}
