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
