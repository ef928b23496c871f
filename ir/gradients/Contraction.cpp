// Contraction.cpp - gradients of matrix products.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

// dA = dY B', dB = A' dY; a matrix that all of a stack are multiplied with gets
// one product over all rows.
SmallVector<Value> MatMulOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value left = getA(), right = getB(), gradient = dy[0];
  // Vectors are a row on the left and a column on the right.
  int64_t rank = b.rank(gradient);
  if (b.rank(right) == 1) {
    right = b.unsqueeze(right, {1});
    gradient = b.unsqueeze(gradient, {rank++});
  }
  if (b.rank(left) == 1) {
    left = b.unsqueeze(left, {0});
    gradient = b.unsqueeze(gradient, {rank - 1});
  }
  SmallVector<Value> gradients(2);
  if (b.wants(getA())) {
    Value all = b.matmul(gradient, b.transposeMatrix(right));
    gradients[0] = b.reshapeAs(b.sumTo(all, left), getA());
  }
  if (b.wants(getB())) {
    bool isShared = b.rank(right) == 2 && b.rank(left) >= b.rank(gradient);
    Value all =
        isShared ? b.rowsProduct(left, gradient)
                 : b.sumTo(b.matmul(b.transposeMatrix(left), gradient), right);
    gradients[1] = b.reshapeAs(all, getB());
  }
  return gradients;
}

// By each element, the determinant of what is left without its row and column,
// with the sign of a chessboard: right for singular matrices, too.
SmallVector<Value> DetOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value x = getX();
  int64_t rank = b.rank(x);
  std::optional<int64_t> order = known(b.scope.dim(x, rank - 1));
  if (!order) {
    b.refuse("its rule needs the order of the matrices; --dim or --shape gives "
             "it",
             x);
    return {};
  }
  Value gradient = b.unsqueeze(dy[0], {rank - 2, rank - 1});
  if (*order < 2)
    return {b.expandAs(gradient, x)};
  SmallVector<int64_t> others;
  SmallVector<double> signs;
  for (int64_t i = 0; i < *order; ++i)
    for (int64_t j = 0; j < *order; ++j) {
      signs.push_back((i + j) % 2 ? -1 : 1);
      if (i != j)
        others.push_back(j);
    }
  Value left = b.reshape(b.integers(others), {*order, *order - 1}),
        // (..., n, n - 1, n, n - 1) -> (..., n, n, n - 1, n - 1)
      parts = b.make<GatherOp>(b.make<GatherOp>(x, left, rank - 2), left, rank);
  SmallVector<int64_t> permutation = b.allAxes(parts);
  std::swap(permutation[rank - 1], permutation[rank]);
  Value minors = b.make<DetOp>(b.transpose(parts, permutation));
  Type type = getElementTypeOrSelf(x.getType());
  Value chessboard = b.make<ConstantOp>(DenseElementsAttr::get(
      RankedTensorType::get({*order, *order}, type),
      llvm::map_to_vector(signs, [&](double sign) -> Attribute {
        return b.getFloatAttr(type, sign);
      })));
  return {b.mul(b.mul(minors, chessboard), gradient)};
}
