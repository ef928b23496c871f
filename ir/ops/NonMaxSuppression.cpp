// NonMaxSuppression.cpp - boxes by their scores, without those that overlap
// better ones.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult NonMaxSuppressionOp::inferShapes(ShapeScope &scope) {
  Dims boxes = scope.dims(getBoxes()), scores = scope.dims(getScores());
  auto fits = [](Dim a, Dim b) { return a == b || !known(a) || !known(b); };
  if (boxes.size() != 3 || scores.size() != 3 ||
      !fits(boxes[2], scope.constant(4)) || !fits(boxes[0], scores[0]) ||
      !fits(boxes[1], scores[2]))
    return emitOpError() << "'boxes' has shape " << toString(boxes)
                         << " and 'scores' " << toString(scores)
                         << " instead of BxNx4 and BxCxN";
  if (!isa<FloatType>(getElementTypeOrSelf(getBoxes().getType())) ||
      !isa<FloatType>(getElementTypeOrSelf(getScores().getType())))
    return emitOpError() << "'boxes' or 'scores' are no floats";
  for (Value operand :
       {getMaxOutputBoxesPerClass(), getIouThreshold(), getScoreThreshold()})
    if (operand && llvm::any_of(scope.dims(operand), [&](Dim dim) {
          return !fits(dim, scope.constant(1));
        }))
      return emitOpError() << "a limit has shape "
                           << toString(scope.dims(operand))
                           << " instead of one element";
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 64),
                   {Dim(), scope.constant(3)});
}

/// The one element of an operand, or `otherwise` without it.
static Value limitOf(Lowering &l, Value operand, Value otherwise) {
  if (!operand)
    return otherwise;
  for (Dim dim : l.scope.dims(operand))
    l.requireEqual(dim, l.scope.constant(1), "a limit is not one number");
  SmallVector<Value> first(l.scope.rank(operand), l.index(0));
  return l.extract(l.lowered(operand), getElementTypeOrSelf(operand.getType()),
                   first);
}

/// How much of the union of two boxes is in both.
static Scalar overlap(ArrayRef<Scalar> a, ArrayRef<Scalar> b) {
  auto width = [](const Scalar &low, const Scalar &high) {
    return max(high - low, low.number(0));
  };
  Scalar both = width(max(a[0], b[0]), min(a[2], b[2])) *
                width(max(a[1], b[1]), min(a[3], b[3]));
  Scalar areaA = (a[2] - a[0]) * (a[3] - a[1]),
         areaB = (b[2] - b[0]) * (b[3] - b[1]), either = areaA + areaB - both;
  Scalar exists = (areaA > 0) & (areaB > 0) & (either > 0);
  return select(exists, both / select(exists, either, either.number(1)),
                both.number(0));
}

namespace {
/// Goes through the classes of each batch. Rows (batch, class, box) of what is
/// chosen are written one behind the other, and those of the present class are
/// what a box must not overlap.
class Suppression {
public:
  Suppression(NonMaxSuppressionOp op, Lowering &l)
      : op(op), l(l), boxes(l.lowered(op.getBoxes())),
        scores(l.lowered(op.getScores())),
        boxType(getElementTypeOrSelf(op.getBoxes().getType())),
        scoreType(getElementTypeOrSelf(op.getScores().getType())),
        integer(l.getI64Type()) {}

  Value run();

private:
  using Builder = ImplicitLocOpBuilder;
  /// Rows, how many there are, and two lists of as many items as boxes.
  SmallVector<Value> classOf(Builder &b, Value batch, Value which,
                             ValueRange carried);
  SmallVector<Value> wantedOf(Builder &b, Value batch, Value which, Value list);
  SmallVector<Value> add(Builder &b, ArrayRef<Value> row, ValueRange rows);
  /// Whether a box overlaps none of the rows from `start` on too much.
  Value isFree(Builder &b, Value batch, Value box, Value start,
               ValueRange rows);
  SmallVector<Scalar> boxAt(Builder &b, Value batch, Value item);
  Scalar scoreAt(Builder &b, Value batch, Value which, Value item) {
    Value score =
        tensor::ExtractOp::create(b, scores, ValueRange{batch, which, item});
    return {b, loadScalar(b, score, scoreType)};
  }

  NonMaxSuppressionOp op;
  Lowering &l;
  Value boxes, scores;
  Type boxType, scoreType, integer;
  Value count, perClass, bestOverlap, leastScore;
};
} // namespace

Value Suppression::run() {
  Dims boxDims = l.scope.dims(op.getBoxes()),
       scoreDims = l.scope.dims(op.getScores());
  l.requireEqual(boxDims[2], l.scope.constant(4), "boxes of four numbers");
  l.requireEqual(boxDims[0], scoreDims[0], "boxes and scores of one batch");
  l.requireEqual(boxDims[1], scoreDims[2], "a score for each box");
  SmallVector<OpFoldResult> sizes = l.sizesOf(scores);
  Scalar all(l, sizes[2]), zero = all.number(0);
  count = all;
  Scalar most(l,
              limitOf(l, op.getMaxOutputBoxesPerClass(), l.number(integer, 0)));
  perClass = min(max(most.toIndex(), zero), all);
  bestOverlap = limitOf(l, op.getIouThreshold(), l.number(boxType, 0));
  leastScore =
      limitOf(l, op.getScoreThreshold(),
              l.number(scoreType, -std::numeric_limits<double>::infinity()));
  // At least one row: there is no view of a place in a tensor of none.
  Scalar room =
      max(Scalar(l, sizes[0]) * Scalar(l, sizes[1]) * Scalar(l, perClass),
          zero + 1);
  SmallVector<Value> initial{
      scratch(l, integer, {getAsOpFoldResult(Value(room)), l.getIndexAttr(3)}),
      l.index(0), scratch(l, integer, {sizes[2]}),
      scratch(l, integer, {sizes[2]})};
  SmallVector<Value> selected =
      loopNest(l, ArrayRef(sizes).drop_back(), initial,
               [&](Builder &b, ValueRange at, ValueRange carried) {
                 return classOf(b, at[0], at[1], carried);
               });
  OpFoldResult found = l.agree(getAsOpFoldResult(selected[1]),
                               l.scope.dim(op.getSelectedIndices(), 0));
  return l.slice(selected[0], 0, l.getIndexAttr(0), found);
}

SmallVector<Value> Suppression::classOf(Builder &b, Value batch, Value which,
                                        ValueRange carried) {
  SmallVector<Value> wanted = wantedOf(b, batch, which, carried[2]);
  Value order = sortedList(b, wanted[1], wanted[0], carried[3],
                           [&](Builder &in, Value left, Value right) -> Value {
                             return scoreAt(in, batch, which, left) >
                                    scoreAt(in, batch, which, right);
                           });
  Value start = carried[1];
  SmallVector<Value> chosen =
      loopNest(b, getAsOpFoldResult(wanted[1]), carried.take_front(2),
               [&](Builder &in, ValueRange k, ValueRange rows) {
                 Scalar item = itemAt(in, order, k[0]), found(in, rows[1]),
                        first(in, start);
                 Scalar isWanted = found - first < Scalar(in, perClass);
                 return onlyIf(in, isWanted, rows, [&](Builder &deep) {
                   Value free = isFree(deep, batch, item, start, rows);
                   return onlyIf(deep, free, rows, [&](Builder &d) {
                     return add(d, {batch, which, item}, rows);
                   });
                 });
               });
  return {chosen[0], chosen[1], order, carried[3]};
}

/// Few have a score that counts: only these are put in order. The list of them,
/// and how many there are.
SmallVector<Value> Suppression::wantedOf(Builder &b, Value batch, Value which,
                                         Value list) {
  SmallVector<Value> listing{list, arith::ConstantIndexOp::create(b, 0)};
  return loopNest(
      b, getAsOpFoldResult(count), listing,
      [&](Builder &in, ValueRange item, ValueRange so) {
        Scalar found(in, so[1]), isWanted = scoreAt(in, batch, which, item[0]) >
                                            Scalar(in, leastScore);
        return SmallVector<Value>{
            tensor::InsertOp::create(in, asItem(in, item[0]), so[0], so[1]),
            select(isWanted, found + 1, found)};
      });
}

SmallVector<Value> Suppression::add(Builder &b, ArrayRef<Value> row,
                                    ValueRange rows) {
  Value next = rows[0];
  for (auto [column, value] : llvm::enumerate(row))
    next = tensor::InsertOp::create(
        b, asItem(b, value), next,
        ValueRange{rows[1], arith::ConstantIndexOp::create(b, column)});
  return {next, Scalar(b, rows[1]) + 1};
}

Value Suppression::isFree(Builder &b, Value batch, Value box, Value start,
                          ValueRange rows) {
  SmallVector<Scalar> mine = boxAt(b, batch, box);
  Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true)),
        last = arith::ConstantIndexOp::create(b, 2);
  Value better = Scalar(b, rows[1]) - Scalar(b, start);
  auto fits = [&](Builder &e, Value at) {
    Value other = tensor::ExtractOp::create(e, rows[0], ValueRange{at, last});
    SmallVector<Scalar> own;
    for (const Scalar &number : mine)
      own.emplace_back(e, Value(number));
    Scalar shared = overlap(own, boxAt(e, batch, Scalar(e, other).toIndex()));
    return shared <= Scalar(e, bestOverlap);
  };
  // Until among so many there is one that shares too much with it: a branch for
  // each cost more than it saved.
  Value block = arith::ConstantIndexOp::create(b, 32);
  SmallVector<Value> initially{arith::ConstantIndexOp::create(b, 0), yes};
  auto search = scf::WhileOp::create(
      b, ValueRange(initially).getTypes(), initially,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Builder d(loc, inner);
        scf::ConditionOp::create(
            d, (Scalar(d, args[0]) < Scalar(d, better)) & Scalar(d, args[1]),
            args);
      },
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Builder d(loc, inner);
        Scalar from(d, args[0]), length(d, block), end(d, better);
        Value some = min(length, end - from);
        SmallVector<Value> free =
            loopNest(d, getAsOpFoldResult(some), args[1],
                     [&](Builder &e, ValueRange j, ValueRange so) {
                       Scalar row = Scalar(e, start) + Scalar(e, args[0]) +
                                    Scalar(e, j[0]);
                       Scalar isFine = fits(e, row);
                       return SmallVector<Value>{Scalar(e, so[0]) & isFine};
                     });
        SmallVector<Value> next{from + length, free[0]};
        scf::YieldOp::create(d, next);
      });
  return search.getResult(1);
}

/// Two corners of a box, the lower one first.
SmallVector<Scalar> Suppression::boxAt(Builder &b, Value batch, Value item) {
  SmallVector<Scalar> numbers;
  for (int64_t k = 0; k < 4; ++k) {
    Value element = tensor::ExtractOp::create(
        b, boxes,
        ValueRange{batch, item, arith::ConstantIndexOp::create(b, k)});
    numbers.emplace_back(b, loadScalar(b, element, boxType));
  }
  if (!op.getCenterPointBox())
    return {min(numbers[0], numbers[2]), min(numbers[1], numbers[3]),
            max(numbers[0], numbers[2]), max(numbers[1], numbers[3])};
  Scalar halfWidth = numbers[2] * 0.5, halfHeight = numbers[3] * 0.5;
  return {numbers[0] - halfWidth, numbers[1] - halfHeight,
          numbers[0] + halfWidth, numbers[1] + halfHeight};
}

FailureOr<SmallVector<Value>> NonMaxSuppressionOp::lower(Lowering &l) {
  return SmallVector<Value>{Suppression(*this, l).run()};
}
