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

/// Whether none of the boxes selected for a class so far shares too much with
/// one.
static Value isFree(ImplicitLocOpBuilder &builder, ArrayRef<Scalar> box,
                    Value corners, Value count, const Scalar &bestOverlap,
                    Type boxType) {
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
                  (overlap(mine, other) <= Scalar(in, Value(bestOverlap)))};
            })[0];
        scf::YieldOp::create(b, ValueRange{from + kBlock, free});
      });
  return search.getResult(1);
}

/// Selects a box unless one before it shares too much with it. `carried` are
/// the rows of what is selected, their number and the corners of the class's,
/// which begin at row `start`; `row` is the batch, the class and the box.
static SmallVector<Value> selectBox(ImplicitLocOpBuilder &builder,
                                    ArrayRef<Value> row, ArrayRef<Scalar> box,
                                    ValueRange carried, Value start,
                                    const Scalar &bestOverlap, Type boxType) {
  Scalar count = Scalar(builder, carried[1]) - Scalar(builder, start);
  Value free = isFree(builder, box, carried[2], count, bestOverlap, boxType);
  return onlyIf(builder, free, carried, [&](ImplicitLocOpBuilder &b) {
    Value rows = carried[0], corners = carried[2];
    for (auto [column, value] : llvm::enumerate(row))
      rows = tensor::InsertOp::create(
          b, asItem(b, Scalar(b, value)), rows,
          ValueRange{carried[1], arith::ConstantIndexOp::create(b, column)});
    for (auto [k, corner] : llvm::enumerate(box))
      corners = tensor::InsertOp::create(
          b, storeScalar(b, corner, boxType), corners,
          ValueRange{arith::ConstantIndexOp::create(b, k), count});
    return SmallVector<Value>{rows, Scalar(b, carried[1]) + 1, corners};
  });
}

FailureOr<SmallVector<Value>> NonMaxSuppressionOp::lower(Lowering &l) {
  Value boxes = l.lowered(getBoxes()), scores = l.lowered(getScores());
  Type boxType = getElementTypeOrSelf(getBoxes().getType()),
       scoreType = getElementTypeOrSelf(getScores().getType()),
       integer = l.getI64Type();
  Dims boxDims = l.scope.dims(getBoxes()),
       scoreDims = l.scope.dims(getScores());
  l.requireEqual(boxDims[2], l.scope.constant(4), "boxes of four numbers");
  l.requireEqual(boxDims[0], scoreDims[0], "boxes and scores of one batch");
  l.requireEqual(boxDims[1], scoreDims[2], "a score for each box");
  SmallVector<OpFoldResult> sizes = l.sizesOf(scores);
  Scalar count(l, sizes[2]), zero = count.number(0);
  Scalar most =
      Scalar(l, limitOf(l, getMaxOutputBoxesPerClass(), l.number(integer, 0)));
  Scalar perClass = min(max(most.toIndex(), zero), count);
  Scalar bestOverlap(l, limitOf(l, getIouThreshold(), l.number(boxType, 0)));
  Scalar leastScore(
      l,
      limitOf(l, getScoreThreshold(),
              l.number(scoreType, -std::numeric_limits<double>::infinity())));
  // At least one row: there is no view of a place in a tensor of none.
  Scalar one = zero + 1,
         room = max(Scalar(l, sizes[0]) * Scalar(l, sizes[1]) * perClass, one);
  // What is selected, how many; the corners of a class's boxes side by side,
  // so that another is compared with several at once; the order of the boxes.
  SmallVector<Value> initial{
      scratch(l, integer, {getAsOpFoldResult(Value(room)), l.getIndexAttr(3)}),
      l.index(0),
      scratch(
          l, boxType,
          {l.getIndexAttr(4), getAsOpFoldResult(Value(max(perClass, one)))})};
  constexpr size_t kOwn = 3;
  Keys keys(scoreType, /*isLargest=*/true);
  llvm::append_range(initial, Ranks::make(l, keys, sizes[2]).carried());
  auto boxAt = [&](ImplicitLocOpBuilder &b, Value batch, Value item) {
    SmallVector<Scalar> numbers;
    for (int64_t k = 0; k < 4; ++k) {
      Value element = tensor::ExtractOp::create(
          b, boxes,
          ValueRange{batch, item, arith::ConstantIndexOp::create(b, k)});
      numbers.emplace_back(b, loadScalar(b, element, boxType));
    }
    if (getCenterPointBox()) {
      Scalar halfWidth = numbers[2] * 0.5, halfHeight = numbers[3] * 0.5;
      return SmallVector<Scalar>{
          numbers[0] - halfWidth, numbers[1] - halfHeight,
          numbers[0] + halfWidth, numbers[1] + halfHeight};
    }
    return SmallVector<Scalar>{
        min(numbers[0], numbers[2]), min(numbers[1], numbers[3]),
        max(numbers[0], numbers[2]), max(numbers[1], numbers[3])};
  };
  ArrayRef<OpFoldResult> classes = ArrayRef(sizes).drop_back();
  SmallVector<Value> selected = loopNest(
      l, classes, initial,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Value batch = at[0];
        auto scoreOf = [&](ImplicitLocOpBuilder &in, Value item) {
          return Scalar(
              in, loadScalar(in,
                             tensor::ExtractOp::create(
                                 in, scores, ValueRange{batch, at[1], item}),
                             scoreType));
        };
        // Few have a score that counts: only these are put in order.
        SmallVector<Value> listing(carried.drop_front(kOwn));
        listing.push_back(arith::ConstantIndexOp::create(b, 0));
        SmallVector<Value> wanted = loopNest(
            b, getAsOpFoldResult(Value(count)), listing,
            [&](ImplicitLocOpBuilder &in, ValueRange item, ValueRange so) {
              Scalar score = scoreOf(in, item[0]), found(in, so.back()),
                     isWanted = score > Scalar(in, Value(leastScore));
              SmallVector<Value> next =
                  Ranks::of(so)
                      .with(in, found, keys.of(in, score), item[0])
                      .carried();
              next.push_back(select(isWanted, found + 1, found));
              return next;
            });
        Ranks ranks = Ranks::of(wanted).sort(b, wanted.back());
        Value start = carried[1];
        SmallVector<Value> chosen = loopNest(
            b, getAsOpFoldResult(wanted.back()), carried.take_front(kOwn),
            [&](ImplicitLocOpBuilder &in, ValueRange k, ValueRange so) {
              Scalar item(in, ranks.placeAt(in, k[0])), found(in, so[1]),
                  first(in, start);
              Scalar isWanted = found - first < Scalar(in, Value(perClass));
              return onlyIf(in, isWanted, so, [&](ImplicitLocOpBuilder &deep) {
                SmallVector<Scalar> mine = boxAt(deep, batch, item);
                return selectBox(deep, {at[0], at[1], item}, mine, so, start,
                                 bestOverlap, boxType);
              });
            });
        llvm::append_range(chosen, ranks.carried());
        return chosen;
      });
  OpFoldResult found = l.agree(getAsOpFoldResult(selected[1]),
                               l.scope.dim(getSelectedIndices(), 0));
  return SmallVector<Value>{l.slice(selected[0], 0, l.getIndexAttr(0), found)};
}
