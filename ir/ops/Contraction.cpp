// Contraction.cpp - sums of products: matrix products.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Contraction.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerContraction(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Contraction.cpp.inc"
      >();
}

//===- matmul -------------------------------------------------------------===//

/// Dims of a matrix product: batch dims, then rows and columns, which a vector operand does not have.
static FailureOr<Dims> matmulDims(Operation *op, Dims a, Dims b) {
  if (a.empty() || b.empty())
    return op->emitOpError() << "operands have ranks " << a.size() << " and " << b.size() << "; a scalar is no matrix";
  bool isRow = a.size() == 1, isColumn = b.size() == 1;
  Dim one = getAffineConstantExpr(1, op->getContext());
  if (isRow)
    a.insert(a.begin(), one);
  if (isColumn)
    b.push_back(one);
  Dim columns = a.back(), rows = b[b.size() - 2];
  if (known(columns) && known(rows) && columns != rows)
    return op->emitOpError() << "A has " << *known(columns) << " columns and B has " << *known(rows) << " rows";
  FailureOr<Dims> batch = broadcastDims(op, {Dims(ArrayRef(a).drop_back(2)), Dims(ArrayRef(b).drop_back(2))});
  if (failed(batch))
    return failure();
  if (!isRow)
    batch->push_back(a[a.size() - 2]);
  if (!isColumn)
    batch->push_back(b.back());
  return batch;
}

LogicalResult MatMulOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> dims = matmulDims(*this, scope.dims(getA()), scope.dims(getB()));
  return failed(dims) ? failure() : scope.set(getOperation()->getResult(0), getElementTypeOrSelf(getA().getType()), *dims);
}

FailureOr<SmallVector<Value>> MatMulOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getY().getType());
  Dims a = l.scope.dims(getA()), b = l.scope.dims(getB()), y = l.scope.dims(getY());
  bool isRow = a.size() == 1, isColumn = b.size() == 1;
  size_t batchRank = y.size() - !isRow - !isColumn;

  // The sizes of the batch may depend on which operand is broadcast; rows and columns follow from the operands.
  Dims aBatch(ArrayRef(a).drop_back(isRow ? 1 : 2)), bBatch(ArrayRef(b).drop_back(isColumn ? 1 : 2)), yBatch(ArrayRef(y).take_front(batchRank));
  SmallVector<OpFoldResult> sizes;
  for (size_t axis = 0; axis < batchRank; ++axis) {
    auto at = [&](const Dims &dims) { return axis + dims.size() >= batchRank ? dims[axis + dims.size() - batchRank] : l.scope.constant(1); };
    Dim left = at(aBatch), right = at(bBatch);
    FailureOr<Dim> both = broadcastDim(left, right);
    if (succeeded(both) && *both) {
      sizes.push_back(l.size(*both));
      continue;
    }
    Value leftSize = l.index(l.size(left));
    Value isOne = l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, leftSize, l.index(1));
    sizes.push_back(getAsOpFoldResult(l.createOrFold<arith::SelectOp>(isOne, l.index(l.size(right)), leftSize)));
  }
  if (!isRow)
    sizes.push_back(l.size(a[a.size() - 2]));
  if (!isColumn)
    sizes.push_back(l.size(b.back()));
  Dim inner = a.back(), innerOfB = b[b.size() - (isColumn ? 1 : 2)];
  if (inner != innerOfB)
    l.require(l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, l.index(l.size(inner)), l.index(l.size(innerOfB))), Status::BadShape,
              "columns of A are not rows of B");

  // Loops: batch, rows, columns, then the sum.
  size_t rank = y.size() + 1;
  AffineExpr row = l.getAffineDimExpr(batchRank), column = l.getAffineDimExpr(batchRank + !isRow), k = l.getAffineDimExpr(rank - 1);
  auto mapOf = [&](const Dims &batch, ArrayRef<AffineExpr> matrix) {
    SmallVector<AffineExpr> exprs;
    for (size_t axis = 0; axis < batch.size(); ++axis) {
      size_t loop = batchRank - batch.size() + axis;
      exprs.push_back(isKnown(batch[axis], 1) && !isKnown(yBatch[loop], 1) ? l.getAffineConstantExpr(0) : l.getAffineDimExpr(loop));
    }
    llvm::append_range(exprs, matrix);
    return AffineMap::get(rank, 0, exprs, l.getContext());
  };
  // What only run time can broadcast is written out first.
  auto spread = [&](Value tensor, Dims &dims, Dims &batch, size_t matrixRank) {
    bool isDecided = true;
    for (size_t axis = 0; axis < batch.size(); ++axis)
      isDecided &= isKnown(batch[axis], 1) || batch[axis] == yBatch[batchRank - batch.size() + axis];
    if (isDecided)
      return tensor;
    Dims all(yBatch);
    SmallVector<OpFoldResult> allSizes(ArrayRef(sizes).take_front(batchRank));
    for (Dim dim : ArrayRef(dims).take_back(matrixRank)) {
      all.push_back(dim);
      allSizes.push_back(l.size(dim));
    }
    batch = yBatch;
    return l.broadcast(tensor, elementType, dims, all, allSizes).tensor;
  };
  Value left = spread(l.lowered(getA()), a, aBatch, isRow ? 1 : 2), right = spread(l.lowered(getB()), b, bBatch, isColumn ? 1 : 2);
  SmallVector<AffineExpr> leftMatrix{k}, rightMatrix{k};
  if (!isRow)
    leftMatrix.insert(leftMatrix.begin(), row);
  if (!isColumn)
    rightMatrix.push_back(column);
  SmallVector<utils::IteratorType> iterators(y.size(), utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value init = l.filled(elementType, sizes, l.zero(elementType));
  AffineMap outMap = AffineMap::getMultiDimIdentityMap(rank, l.getContext()).dropResult(rank - 1);
  return SmallVector<Value>{l.reduce(init, elementType, outMap,
                                     {{left, elementType, mapOf(aBatch, leftMatrix)}, {right, elementType, mapOf(bBatch, rightMatrix)}}, iterators,
                                     [](ImplicitLocOpBuilder &b, ValueRange args) { return sum(b, args[2], product(b, args[0], args[1])); })};
}
