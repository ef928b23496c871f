// Contraction.cpp - sums of products: matrix products.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Windows.h"
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

/// Dims of a matrix product: batch dims, then rows and columns, which a vector
/// operand does not have.
static FailureOr<Dims> matmulDims(Operation *op, Dims a, Dims b) {
  if (a.empty() || b.empty())
    return op->emitOpError() << "operands have ranks " << a.size() << " and "
                             << b.size() << "; a scalar is no matrix";
  bool isRow = a.size() == 1, isColumn = b.size() == 1;
  Dim one = getAffineConstantExpr(1, op->getContext());
  if (isRow)
    a.insert(a.begin(), one);
  if (isColumn)
    b.push_back(one);
  Dim columns = a.back(), rows = b[b.size() - 2];
  if (known(columns) && known(rows) && columns != rows)
    return op->emitOpError()
           << "A has " << *known(columns) << " columns and B has "
           << *known(rows) << " rows";
  FailureOr<Dims> batch = broadcastDims(
      op, {Dims(ArrayRef(a).drop_back(2)), Dims(ArrayRef(b).drop_back(2))});
  if (failed(batch))
    return failure();
  if (!isRow)
    batch->push_back(a[a.size() - 2]);
  if (!isColumn)
    batch->push_back(b.back());
  return batch;
}

LogicalResult MatMulOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> dims =
      matmulDims(*this, scope.dims(getA()), scope.dims(getB()));
  return failed(dims)
             ? failure()
             : scope.set(getOperation()->getResult(0),
                         productType(getElementTypeOrSelf(getA().getType()),
                                     getElementTypeOrSelf(getB().getType())),
                         *dims);
}

/// The sizes of a product's batch, which may depend on which operand is
/// broadcast. Batches of fewer axes are aligned at the end.
static SmallVector<OpFoldResult> batchSizes(Lowering &l, ArrayRef<Dim> left,
                                            ArrayRef<Dim> right, size_t rank) {
  SmallVector<OpFoldResult> sizes;
  for (size_t axis = 0; axis < rank; ++axis) {
    auto at = [&](ArrayRef<Dim> dims) {
      return axis + dims.size() >= rank ? dims[axis + dims.size() - rank]
                                        : l.scope.constant(1);
    };
    Dim a = at(left), b = at(right);
    FailureOr<Dim> both = broadcastDim(a, b);
    if (succeeded(both) && *both) {
      sizes.push_back(l.size(*both));
      continue;
    }
    Value size = l.index(l.size(a));
    Value isOne = l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, size,
                                                l.index(1));
    sizes.push_back(getAsOpFoldResult(
        l.createOrFold<arith::SelectOp>(isOne, l.index(l.size(b)), size)));
  }
  return sizes;
}

namespace {
/// An operand of a product: its tensor, and the dims of its batch, which are
/// the product's once they are written out.
struct Factor {
  Value tensor;
  Type type;
  Dims dims, batch;

  Factor(Lowering &l, Value operand)
      : tensor(l.lowered(operand)),
        type(getElementTypeOrSelf(operand.getType())),
        dims(l.scope.dims(operand)),
        batch(ArrayRef(dims).drop_back(isVector() ? 1 : 2)) {}

  bool isVector() const { return dims.size() == 1; }
  /// Writes out what only run time can broadcast.
  void spread(Lowering &l, ArrayRef<Dim> result, ArrayRef<OpFoldResult> sizes);
  AffineMap mapOf(Lowering &l, ArrayRef<Dim> result, size_t loops,
                  ArrayRef<AffineExpr> matrix) const;
};
} // namespace

void Factor::spread(Lowering &l, ArrayRef<Dim> result,
                    ArrayRef<OpFoldResult> sizes) {
  bool isDecided = true;
  for (size_t axis = 0; axis < batch.size(); ++axis)
    isDecided &= isKnown(batch[axis], 1) ||
                 batch[axis] == result[result.size() - batch.size() + axis];
  if (isDecided)
    return;
  Dims all(result);
  SmallVector<OpFoldResult> allSizes(sizes.take_front(result.size()));
  for (Dim dim : ArrayRef(dims).drop_front(batch.size())) {
    all.push_back(dim);
    allSizes.push_back(l.size(dim));
  }
  batch = Dims(result);
  tensor = l.broadcast(tensor, type, dims, all, allSizes).tensor;
}

AffineMap Factor::mapOf(Lowering &l, ArrayRef<Dim> result, size_t loops,
                        ArrayRef<AffineExpr> matrix) const {
  SmallVector<AffineExpr> exprs;
  for (size_t axis = 0; axis < batch.size(); ++axis) {
    size_t loop = result.size() - batch.size() + axis;
    exprs.push_back(isKnown(batch[axis], 1) && !isKnown(result[loop], 1)
                        ? l.getAffineConstantExpr(0)
                        : l.getAffineDimExpr(loop));
  }
  llvm::append_range(exprs, matrix);
  return AffineMap::get(loops, 0, exprs, l.getContext());
}

FailureOr<SmallVector<Value>> MatMulOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getY().getType());
  Factor left(l, getA()), right(l, getB());
  const Dims a = left.dims, b = right.dims, y = l.scope.dims(getY());
  bool isRow = left.isVector(), isColumn = right.isVector();
  size_t batchRank = y.size() - !isRow - !isColumn;
  Dims batch(ArrayRef(y).take_front(batchRank));
  // Rows and columns follow from the operands.
  SmallVector<OpFoldResult> sizes =
      batchSizes(l, left.batch, right.batch, batchRank);
  if (!isRow)
    sizes.push_back(l.size(a[a.size() - 2]));
  if (!isColumn)
    sizes.push_back(l.size(b.back()));
  Dim inner = a.back(), innerOfB = b[b.size() - (isColumn ? 1 : 2)];
  if (inner != innerOfB)
    l.require(l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                            l.index(l.size(inner)),
                                            l.index(l.size(innerOfB))),
              Status::BadShape, "columns of A are not rows of B");
  left.spread(l, batch, sizes);
  right.spread(l, batch, sizes);

  // Loops: batch, rows, columns, then the sum.
  size_t rank = y.size() + 1;
  AffineExpr row = l.getAffineDimExpr(batchRank),
             column = l.getAffineDimExpr(batchRank + !isRow),
             k = l.getAffineDimExpr(rank - 1);
  SmallVector<AffineExpr> leftMatrix{k}, rightMatrix{k};
  if (!isRow)
    leftMatrix.insert(leftMatrix.begin(), row);
  if (!isColumn)
    rightMatrix.push_back(column);
  SmallVector<utils::IteratorType> iterators(y.size(),
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  // Sums of 16-bit floats are kept in f32, as everybody's are.
  Type sumType =
      isa<FloatType>(elementType) ? wideType(elementType) : elementType;
  Value init = l.filled(sumType, sizes, l.zero(sumType));
  AffineMap outMap = AffineMap::getMultiDimIdentityMap(rank, l.getContext())
                         .dropResult(rank - 1);
  Value sums = l.reduce(
      init, sumType, outMap,
      {{left.tensor, left.type, left.mapOf(l, batch, rank, leftMatrix)},
       {right.tensor, right.type, right.mapOf(l, batch, rank, rightMatrix)}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(b, args[2],
                   product(b, castScalar(b, args[0], left.type, sumType),
                           castScalar(b, args[1], right.type, sumType)));
      });
  return SmallVector<Value>{l.convert(sums, sumType, elementType)};
}
