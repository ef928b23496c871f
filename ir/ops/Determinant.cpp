// Determinant.cpp - determinants of square matrices.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult DetOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getX());
  if (dims.size() < 2 || (known(dims.back()) && known(dims[dims.size() - 2]) &&
                          dims.back() != dims[dims.size() - 2]))
    return emitOpError() << "X is " << toString(dims)
                         << ", whose last two axes are no square matrix";
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getX().getType()),
                   Dims(ArrayRef(dims).drop_back(2)));
}

namespace {

/// Gaussian elimination with partial pivoting (Golub and Van Loan, Matrix
/// Computations, 3.4) of one matrix among those of a tensor, in place.
class Elimination {
public:
  /// `matrix` are the indices of the matrix among those of the batch.
  Elimination(Lowering &l, ValueRange matrix, OpFoldResult order, Type type)
      : l(l), matrix(matrix), order(order), type(type) {}

  /// Step `k`, of a tensor and the product of the pivots so far: both after it.
  SmallVector<Value> step(Value k, Value tensor, Value product) {
    Value pivotRow = findPivot(tensor, k);
    tensor = swapRows(tensor, k, pivotRow);
    Value pivot = at(tensor, k, k);
    Value next = arith::MulFOp::create(
        l, tensor::ExtractOp::create(l, product, matrix), pivot);
    Value isSame =
        arith::CmpIOp::create(l, arith::CmpIPredicate::eq, pivotRow, k);
    next = arith::SelectOp::create(l, isSame, next,
                                   arith::NegFOp::create(l, next));
    return {eliminate(tensor, k, pivot),
            tensor::InsertOp::create(l, next, product, matrix)};
  }

private:
  SmallVector<Value> place(Value row, Value column) {
    SmallVector<Value> indices(matrix);
    indices.append({row, column});
    return indices;
  }
  Value at(Value tensor, Value row, Value column) {
    return tensor::ExtractOp::create(l, tensor, place(row, column));
  }
  Value insert(Value element, Value tensor, Value row, Value column) {
    return tensor::InsertOp::create(l, element, tensor, place(row, column));
  }
  Value isAfter(Value index, Value k) {
    return arith::CmpIOp::create(l, arith::CmpIPredicate::ugt, index, k);
  }

  /// The row from `k` on with the greatest element of column `k`.
  Value findPivot(Value tensor, Value k) {
    return scf::ForOp::create(
               l, l.index(0), l.index(order), l.index(1), ValueRange{k},
               [&](OpBuilder &, Location, Value row, ValueRange best) {
                 Value isBetter = arith::CmpFOp::create(
                     l, arith::CmpFPredicate::OGT,
                     math::AbsFOp::create(l, at(tensor, row, k)),
                     math::AbsFOp::create(l, at(tensor, best[0], k)));
                 Value isNext =
                     arith::AndIOp::create(l, isBetter, isAfter(row, k));
                 scf::YieldOp::create(l, ValueRange{arith::SelectOp::create(
                                             l, isNext, row, best[0])});
               })
        .getResult(0);
  }

  Value swapRows(Value tensor, Value k, Value pivotRow) {
    return l.loop({order}, tensor, [&](ValueRange column, ValueRange now) {
      Value upper = at(now[0], k, column[0]),
            lower = at(now[0], pivotRow, column[0]);
      // Where both rows are one, the second write repeats the first.
      Value first = insert(lower, now[0], k, column[0]);
      return SmallVector<Value>{insert(upper, first, pivotRow, column[0])};
    })[0];
  }

  /// Takes row `k` from those after it, so often that column `k` is zero there.
  Value eliminate(Value tensor, Value k, Value pivot) {
    Value isSome = arith::CmpFOp::create(l, arith::CmpFPredicate::UNE, pivot,
                                         l.zero(type));
    return l.loop({order}, tensor, [&](ValueRange row, ValueRange now) {
      Value quotient = arith::DivFOp::create(l, at(now[0], row[0], k), pivot);
      Value isUsed = arith::AndIOp::create(l, isAfter(row[0], k), isSome);
      Value factor = arith::SelectOp::create(l, isUsed, quotient, l.zero(type));
      return l.loop({order}, now, [&](ValueRange column, ValueRange current) {
        Value upper = at(current[0], k, column[0]),
              own = at(current[0], row[0], column[0]);
        Value left = arith::SubFOp::create(
            l, own, arith::MulFOp::create(l, factor, upper));
        Value kept = arith::SelectOp::create(l, isUsed, left, own);
        return SmallVector<Value>{insert(kept, current[0], row[0], column[0])};
      });
    })[0];
  }

  Lowering &l;
  ValueRange matrix;
  OpFoldResult order;
  Type type;
};

} // namespace

FailureOr<SmallVector<Value>> DetOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getX().getType()),
       type = wideType(elementType);
  Value x = l.lowered(getX());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x),
                            batch(ArrayRef(sizes).drop_back(2));
  OpFoldResult order = sizes.back();
  l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::eq, l.index(order),
                                  l.index(sizes[sizes.size() - 2])),
            Status::BadShape, "matrices are not square");
  // Elimination in a copy; the product of the pivots is the result.
  SmallVector<Value> state{l.convert(x, elementType, type),
                           l.filled(type, batch, l.number(type, 1))};
  if (elementType == type)
    state[0] = l.generic(
        type, sizes, {{x, type, l.getMultiDimIdentityMap(sizes.size())}},
        [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
  SmallVector<Value> results =
      l.loop(batch, state, [&](ValueRange matrix, ValueRange outer) {
        Elimination elimination(l, matrix, order, type);
        return l.loop({order}, outer, [&](ValueRange k, ValueRange carried) {
          return elimination.step(k[0], carried[0], carried[1]);
        });
      });
  return SmallVector<Value>{l.convert(results[1], type, elementType)};
}
