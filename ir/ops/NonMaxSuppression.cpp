// NonMaxSuppression.cpp - boxes by their scores, without those that overlap
// better ones.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Ranking.h"
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

/// Corner `k` of the box that was selected as number `index` of its class.
static Scalar cornerOf(ImplicitLocOpBuilder &b, Value corners, int64_t k,
                       Value index, Type boxType) {
  Value element = tensor::ExtractOp::create(
      b, corners, ValueRange{arith::ConstantIndexOp::create(b, k), index});
  return {b, loadScalar(b, element, boxType)};
}

namespace {
/// Goes through the classes of each batch. `carried` are the rows (batch,
/// class, box) of what is selected, one behind the other, how many there are,
/// and the corners of the present class's boxes side by side, so that another
/// is compared with several at once.
class Suppression {
public:
  Suppression(NonMaxSuppressionOp op, Lowering &l)
      : op(op), l(l), boxes(l.lowered(op.getBoxes())),
        scores(l.lowered(op.getScores())),
        boxType(getElementTypeOrSelf(op.getBoxes().getType())),
        scoreType(getElementTypeOrSelf(op.getScores().getType())),
        keys(scoreType, /*isLargest=*/true) {}

  Value run();

private:
  using Builder = ImplicitLocOpBuilder;
  static constexpr size_t kCarried = 3;

  void takeLimits();
  /// Of one class: `carried`, then the memory of the ranks.
  SmallVector<Value> classOf(Builder &b, Value batch, Value which,
                             ValueRange carried);
  /// The boxes whose scores count, in the order of these, and how many they
  /// are.
  std::pair<Ranks, Value> wantedOf(Builder &b, Value batch, Value which,
                                   ValueRange ranks);
  /// Selects a box unless one before it, of those from row `start` on, shares
  /// too much with it.
  SmallVector<Value> selectBox(Builder &b, ArrayRef<Value> row, Value start,
                               ValueRange carried);
  /// Whether none of the boxes selected for a class so far shares too much with
  /// one.
  Value isFree(Builder &b, ArrayRef<Scalar> box, Value corners, Value count);
  SmallVector<Scalar> boxAt(Builder &b, Value batch, Value item);

  NonMaxSuppressionOp op;
  Lowering &l;
  Value boxes, scores;
  Type boxType, scoreType;
  Keys keys;
  Value count, perClass, bestOverlap, leastScore;
};
} // namespace

void Suppression::takeLimits() {
  Dims boxDims = l.scope.dims(op.getBoxes()),
       scoreDims = l.scope.dims(op.getScores());
  l.requireEqual(boxDims[2], l.scope.constant(4), "boxes of four numbers");
  l.requireEqual(boxDims[0], scoreDims[0], "boxes and scores of one batch");
  l.requireEqual(boxDims[1], scoreDims[2], "a score for each box");
  Scalar all(l, l.sizesOf(scores)[2]);
  Scalar most(l, limitOf(l, op.getMaxOutputBoxesPerClass(),
                         l.number(l.getI64Type(), 0)));
  count = all;
  perClass = min(max(most.toIndex(), all.number(0)), all);
  bestOverlap = limitOf(l, op.getIouThreshold(), l.number(boxType, 0));
  leastScore =
      limitOf(l, op.getScoreThreshold(),
              l.number(scoreType, -std::numeric_limits<double>::infinity()));
}

Value Suppression::run() {
  takeLimits();
  SmallVector<OpFoldResult> sizes = l.sizesOf(scores);
  // At least one row: there is no view of a place in a tensor of none.
  Scalar most(l, perClass),
      one = most.number(1),
      room = max(Scalar(l, sizes[0]) * Scalar(l, sizes[1]) * most, one);
  SmallVector<Value> initial{
      scratch(l, l.getI64Type(),
              {getAsOpFoldResult(Value(room)), l.getIndexAttr(3)}),
      l.index(0),
      scratch(l, boxType,
              {l.getIndexAttr(4), getAsOpFoldResult(Value(max(most, one)))})};
  llvm::append_range(initial, Ranks::make(l, keys, sizes[2]).carried());
  SmallVector<Value> selected =
      loopNest(l, ArrayRef(sizes).drop_back(), initial,
               [&](Builder &b, ValueRange at, ValueRange carried) {
                 return classOf(b, at[0], at[1], carried);
               });
  OpFoldResult found = l.agree(getAsOpFoldResult(selected[1]),
                               l.scope.dim(op.getSelectedIndices(), 0));
  return l.slice(selected[0], 0, l.getIndexAttr(0), found);
}

SmallVector<Value> Suppression::classOf(Builder &builder, Value batch,
                                        Value which, ValueRange carried) {
  auto [ranks, wanted] =
      wantedOf(builder, batch, which, carried.drop_front(kCarried));
  Ranks order = ranks;
  Value start = carried[1];
  SmallVector<Value> chosen =
      loopNest(builder, getAsOpFoldResult(wanted), carried.take_front(kCarried),
               [&](Builder &b, ValueRange k, ValueRange so) {
                 Value item = Scalar(b, order.placeAt(b, k[0]));
                 Scalar isWanted =
                     Scalar(b, so[1]) - Scalar(b, start) < Scalar(b, perClass);
                 return onlyIf(b, isWanted, so, [&](Builder &in) {
                   return selectBox(in, {batch, which, item}, start, so);
                 });
               });
  llvm::append_range(chosen, order.carried());
  return chosen;
}

std::pair<Ranks, Value> Suppression::wantedOf(Builder &builder, Value batch,
                                              Value which, ValueRange ranks) {
  // Few have a score that counts: only these are put in order.
  SmallVector<Value> listing(ranks);
  listing.push_back(arith::ConstantIndexOp::create(builder, 0));
  SmallVector<Value> wanted = loopNest(
      builder, getAsOpFoldResult(count), listing,
      [&](Builder &b, ValueRange item, ValueRange so) {
        Scalar score(
            b, loadScalar(b,
                          tensor::ExtractOp::create(
                              b, scores, ValueRange{batch, which, item[0]}),
                          scoreType)),
            found(b, so.back()), isWanted = score > Scalar(b, leastScore);
        SmallVector<Value> next =
            Ranks::of(so).with(b, found, keys.of(b, score), item[0]).carried();
        next.push_back(select(isWanted, found + 1, found));
        return next;
      });
  return {Ranks::of(wanted).sort(builder, wanted.back()), wanted.back()};
}

SmallVector<Value> Suppression::selectBox(Builder &builder, ArrayRef<Value> row,
                                          Value start, ValueRange carried) {
  SmallVector<Scalar> box = boxAt(builder, row[0], row[2]);
  Scalar ofClass = Scalar(builder, carried[1]) - Scalar(builder, start);
  Value free = isFree(builder, box, carried[2], ofClass);
  return onlyIf(builder, free, carried, [&](Builder &b) {
    Value rows = carried[0], corners = carried[2];
    for (auto [column, value] : llvm::enumerate(row))
      rows = tensor::InsertOp::create(
          b, asItem(b, value), rows,
          ValueRange{carried[1], arith::ConstantIndexOp::create(b, column)});
    for (auto [k, corner] : llvm::enumerate(box))
      corners = tensor::InsertOp::create(
          b, storeScalar(b, corner, boxType), corners,
          ValueRange{arith::ConstantIndexOp::create(b, k), ofClass});
    return SmallVector<Value>{rows, Scalar(b, carried[1]) + 1, corners};
  });
}

Value Suppression::isFree(Builder &builder, ArrayRef<Scalar> box, Value corners,
                          Value count) {
  // Until among so many there is one: a branch for each cost more than it
  // saved.
  constexpr int64_t kBlock = 32;
  SmallVector<Value> initial{
      arith::ConstantIndexOp::create(builder, 0),
      arith::ConstantOp::create(builder, builder.getBoolAttr(true))};
  auto search = scf::WhileOp::create(
      builder, ValueRange(initial).getTypes(), initial,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        Scalar from(b, args[0]), goesOn(b, args[1]);
        scf::ConditionOp::create(b, (from < Scalar(b, count)) & goesOn, args);
      },
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        Scalar from(b, args[0]),
            length = min(from.number(kBlock), Scalar(b, count) - from);
        Value free = loopNest(
            b, getAsOpFoldResult(Value(length)), args[1],
            [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
              Value index = Scalar(in, args[0]) + Scalar(in, at[0]);
              SmallVector<Scalar> mine, other;
              for (int64_t k = 0; k < 4; ++k) {
                mine.emplace_back(in, Value(box[k]));
                other.push_back(cornerOf(in, corners, k, index, boxType));
              }
              return SmallVector<Value>{
                  Scalar(in, so[0]) &
                  (overlap(mine, other) <= Scalar(in, bestOverlap))};
            })[0];
        scf::YieldOp::create(b, ValueRange{from + kBlock, free});
      });
  return search.getResult(1);
}

SmallVector<Scalar> Suppression::boxAt(Builder &b, Value batch, Value item) {
  SmallVector<Scalar> numbers;
  for (int64_t k = 0; k < 4; ++k) {
    Value element = tensor::ExtractOp::create(
        b, boxes,
        ValueRange{batch, item, arith::ConstantIndexOp::create(b, k)});
    numbers.emplace_back(b, loadScalar(b, element, boxType));
  }
  if (op.getCenterPointBox()) {
    Scalar halfWidth = numbers[2] * 0.5, halfHeight = numbers[3] * 0.5;
    return {numbers[0] - halfWidth, numbers[1] - halfHeight,
            numbers[0] + halfWidth, numbers[1] + halfHeight};
  }
  return {min(numbers[0], numbers[2]), min(numbers[1], numbers[3]),
          max(numbers[0], numbers[2]), max(numbers[1], numbers[3])};
}

FailureOr<SmallVector<Value>> NonMaxSuppressionOp::lower(Lowering &l) {
  return SmallVector<Value>{Suppression(*this, l).run()};
}
