// WinogradWeights.cpp - 3x3 taps at the points of minimal filtering.
#include "passes/loops/WinogradWeights.h"
#include "ir/Storage.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

Value burnish::makeTapFactors(ImplicitLocOpBuilder &b,
                              const WinogradTransform &transform, Type type,
                              bool isTurned) {
  int64_t count = transform.points();
  SmallVector<float> factors;
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < count; ++column)
      for (int64_t tap = 0; tap < 9; ++tap) {
        int64_t own = isTurned ? 8 - tap : tap;
        factors.push_back(
            static_cast<float>(transform.weightRow(row)[own / 3] *
                               transform.weightRow(column)[own % 3]));
      }
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(RankedTensorType::get({count * count, 3, 3}, type),
                             ArrayRef<float>(factors)));
}

ElementsAttr burnish::transformWeights(const TapConvolution &conv,
                                       const WinogradTransform &transform,
                                       int64_t lanes) {
  ArrayRef<int64_t> shape = conv.weightsShape();
  SmallVector<int64_t> strides =
                           applyPermutation(computeStrides(shape), conv.axes),
                       sizes = applyPermutation(shape, conv.axes);
  int64_t outs = sizes[0], ins = sizes[1], points = transform.points();
  SmallVector<char> copy;
  std::optional<ArrayRef<char>> raw = nn::rawBytes(conv.constant);
  if (!raw)
    raw = copy = nn::copyBytes(conv.constant);
  SmallVector<SmallVector<double>> rows;
  for (int64_t point = 0; point < points; ++point)
    rows.push_back(transform.weightRow(point));
  SmallVector<char> bytes(points * points * ins * outs * sizeof(float));
  SmallVector<double> half(points * 3);
  for (int64_t out = 0; out < outs; ++out)
    for (int64_t in = 0; in < ins; ++in) {
      double taps[9];
      for (int64_t tap = 0; tap < 9; ++tap) {
        float value; // a mapped file may lie at any address
        std::memcpy(&value,
                    raw->data() +
                        sizeof(float) *
                            (out * strides[0] + in * strides[1] +
                             tap / 3 * strides[2] + tap % 3 * strides[3]),
                    sizeof(float));
        taps[tap] = value;
      }
      for (int64_t row = 0; row < points; ++row)
        for (int64_t tap = 0; tap < 3; ++tap)
          half[row * 3 + tap] = rows[row][0] * taps[tap] +
                                rows[row][1] * taps[3 + tap] +
                                rows[row][2] * taps[6 + tap];
      for (int64_t row = 0; row < points; ++row)
        for (int64_t column = 0; column < points; ++column) {
          const double *line = &half[row * 3];
          float value = static_cast<float>(line[0] * rows[column][0] +
                                           line[1] * rows[column][1] +
                                           line[2] * rows[column][2]);
          int64_t at = ((row * points + column) * ins + in) * outs + out;
          std::memcpy(bytes.data() + at * sizeof(float), &value, sizeof(float));
        }
    }
  Type elementType = conv.constant.getElementType();
  return nn::constantWith(
      RankedTensorType::get({points * points, ins / lanes, lanes, outs},
                            elementType),
      "winograd", std::move(bytes));
}

Value burnish::transformInRun(ImplicitLocOpBuilder &b,
                              const TapConvolution &conv,
                              const WinogradTransform &transform, Value weights,
                              int64_t lanes) {
  Type type = getElementTypeOrSelf(weights.getType());
  int64_t points = transform.points() * transform.points();
  Value table = makeTapFactors(b, transform, type, conv.isTurned);
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(weights.getType()).getShape();
  int64_t outs = shape[conv.axes[0]], ins = shape[conv.axes[1]];
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type)),
        init = linalg::FillOp::create(
                   b, zero,
                   Value(tensor::EmptyOp::create(
                       b, ArrayRef<int64_t>{points, ins, outs}, type)))
                   .getResult(0);
  AffineExpr point, in, out, down, across;
  bindDims(b.getContext(), point, in, out, down, across);
  SmallVector<AffineExpr> from(4);
  SmallVector<AffineExpr> natural{out, in, down, across};
  for (auto [axis, expr] : llvm::zip_equal(conv.axes, natural))
    from[axis] = expr;
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(5, 0, exprs, b.getContext());
  };
  Value sums = makeSumOfProducts(
      b, table, weights, init,
      {mapOf({point, down, across}), mapOf(from), mapOf({point, in, out})},
      /*reductions=*/2);
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get({points, ins / lanes, lanes, outs}, type), sums,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}});
}
