// TopK.cpp - the greatest or least elements along an axis, in order.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Ranking.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

LogicalResult TopKOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getX());
  FailureOr<int64_t> axis = normalizeAxis(*this, getAxis(), dims.size());
  if (failed(axis))
    return failure();
  if (scope.rank(getK()) > 1 ||
      (scope.rank(getK()) == 1 && known(scope.dim(getK(), 0)).value_or(1) != 1))
    return emitOpError() << "K is " << toString(scope.dims(getK()))
                         << ", not one number";
  std::optional<Dims> count = scope.elements(getK());
  std::optional<int64_t> size = known(dims[*axis]),
                         taken = count ? known(count->front()) : std::nullopt;
  if (taken && (*taken < 0 || (size && *taken > *size)))
    return emitOpError() << "K is " << *taken << ", and axis " << *axis
                         << " has " << toString(dims[*axis]) << " elements";
  dims[*axis] = count ? count->front() : Dim();
  if (failed(scope.set(getOperation()->getResult(0),
                       getElementTypeOrSelf(getX().getType()), dims)))
    return failure();
  return scope.set(getOperation()->getResult(1),
                   IntegerType::get(getContext(), 64), dims);
}

/// So many elements are compared with the last of those taken at once.
static constexpr int64_t kBlock = 32;
/// Of more, keys are sorted by their digits: a heap takes a step for each of
/// its levels. Of 100,000 floats the first 1,000 took 1.06 ms on a Zen 4 by a
/// heap.
static constexpr int64_t kMostInHeap = 32;

namespace {
/// An element, and where it stands along the axis.
struct Entry {
  Value element, position;
};

/// Those taken so far along one line of the results, as a heap: each comes
/// after the two below it, so that the last of all is on top.
class Heap {
public:
  Heap(TopKOp op, ImplicitLocOpBuilder &b, ArrayRef<Value> line, int64_t axis)
      : b(b), elementType(getElementTypeOrSelf(op.getX().getType())),
        isLargest(op.getLargest()), at(line), axis(axis) {}

  /// NaN is greater than all numbers; of equals, the first comes before.
  Value comesBefore(const Entry &left, const Entry &right) {
    Scalar isBefore(b, isGreater(left.element, right.element)),
        isAfter(b, isGreater(right.element, left.element));
    return isBefore |
           (!isAfter & (Scalar(b, left.position) < Scalar(b, right.position)));
  }
  Entry read(ValueRange heap, Value place) {
    at[axis] = place;
    return {
        loadScalar(b, tensor::ExtractOp::create(b, heap[0], at), elementType),
        tensor::ExtractOp::create(b, heap[1], at)};
  }
  SmallVector<Value> write(ValueRange heap, Value place, const Entry &entry) {
    at[axis] = place;
    return {tensor::InsertOp::create(
                b, storeScalar(b, entry.element, elementType), heap[0], at),
            tensor::InsertOp::create(b, entry.position, heap[1], at)};
  }

  /// How many times a place of `count` can be left for one below it.
  Value levelsOf(Value count);
  /// Whether an element is greater, or less where the least are asked for.
  Value isGreater(Value left, Value right);
  /// Puts an entry where there is none, at or below `place` among the first
  /// `count`, at most so many levels below: what comes after it moves up.
  SmallVector<Value> sift(ValueRange heap, Value place, Value count,
                          const Entry &entry, Value levels);

private:
  SmallVector<Value> step(ValueRange heap, const Scalar &hole,
                          const Scalar &goesOn, const Scalar &count,
                          const Entry &entry);

  ImplicitLocOpBuilder &b;
  Type elementType;
  bool isLargest;
  SmallVector<Value> at;
  int64_t axis;
};
} // namespace

Value Heap::isGreater(Value left, Value right) {
  if (!isLargest)
    std::swap(left, right);
  if (isa<FloatType>(left.getType())) {
    Scalar greater(
        b, arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, left, right)),
        isNaN(b,
              arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, left, left)),
        isNumber(b, arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, right,
                                          right));
    return greater | (isNaN & isNumber);
  }
  return arith::CmpIOp::create(b,
                               elementType.isUnsignedInteger()
                                   ? arith::CmpIPredicate::ugt
                                   : arith::CmpIPredicate::sgt,
                               left, right);
}

Value Heap::levelsOf(Value count) {
  if (std::optional<int64_t> known = getConstantIntValue(count))
    return arith::ConstantIndexOp::create(
        b, llvm::Log2_64_Ceil(static_cast<uint64_t>(*known) + 1));
  Type word = b.getI64Type();
  Value zeros = math::CountLeadingZerosOp::create(
            b, arith::IndexCastOp::create(b, word, count)),
        bits = arith::ConstantOp::create(b, b.getI64IntegerAttr(64));
  return arith::IndexCastOp::create(b, b.getIndexType(),
                                    arith::SubIOp::create(b, bits, zeros));
}

/// One step down of an entry whose place would be `hole`: the later of the two
/// below moves up if it comes after the entry, which stands there otherwise.
/// Gives the heap, the next place and whether the entry goes on.
SmallVector<Value> Heap::step(ValueRange heap, const Scalar &hole,
                              const Scalar &goesOn, const Scalar &count,
                              const Entry &entry) {
  Scalar left = hole + hole + 1, top = count - 1, first = min(left, top),
         second = min(left + 1, top);
  Entry firstEntry = read(heap, first), secondEntry = read(heap, second);
  Scalar isSecond(b, comesBefore(firstEntry, secondEntry));
  auto later = [&](Value second, Value first) -> Value {
    return arith::SelectOp::create(b, isSecond, second, first);
  };
  Entry child{later(secondEntry.element, firstEntry.element),
              later(secondEntry.position, firstEntry.position)};
  Scalar moves = goesOn & (left < count) & Scalar(b, comesBefore(entry, child));
  auto chosen = [&](Value moved, Value own) -> Value {
    return arith::SelectOp::create(b, moves, moved, own);
  };
  SmallVector<Value> next = write(heap, hole,
                                  {chosen(child.element, entry.element),
                                   chosen(child.position, entry.position)});
  next.append({select(moves, select(isSecond, second, first), hole), moves});
  return next;
}

SmallVector<Value> Heap::sift(ValueRange heap, Value place, Value count,
                              const Entry &entry, Value levels) {
  SmallVector<Value> initial(heap);
  initial.append({place, arith::ConstantOp::create(b, b.getBoolAttr(true))});
  // Counted and without a branch: tensors that others carry are copied.
  auto loop =
      scf::ForOp::create(b, arith::ConstantIndexOp::create(b, 0), levels,
                         arith::ConstantIndexOp::create(b, 1), initial);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange carried = loop.getRegionIterArgs();
    scf::YieldOp::create(b,
                         step(carried.take_front(2), Scalar(b, carried[2]),
                              Scalar(b, carried[3]), Scalar(b, count), entry));
  }
  return write(loop.getResults().take_front(2), loop.getResult(2), entry);
}

namespace {
/// What both ways of taking elements need of the operator.
struct Lines {
  TopKOp op;
  Value data;
  Type elementType, positionType;
  int64_t axis;
  /// One line each for all but the axis.
  SmallVector<OpFoldResult> others;
  Value size, count;

  Value given(ImplicitLocOpBuilder &b, ArrayRef<Value> line,
              Value place) const {
    SmallVector<Value> at(line);
    at[axis] = place;
    return loadScalar(b, tensor::ExtractOp::create(b, data, at), elementType);
  }
};
} // namespace

static SmallVector<OpFoldResult> times(Value number) {
  return {getAsOpFoldResult(number)};
}

/// A few elements of each line by a heap.
static SmallVector<Value> takeByHeap(Lowering &l, const Lines &lines,
                                     ValueRange results) {
  Value size = lines.size, count = lines.count, zero = l.index(0),
        one = l.index(1);
  Value half = l.createOrFold<arith::ShRUIOp>(count, one),
        last = l.createOrFold<arith::SubIOp>(
            l.createOrFold<arith::MaxUIOp>(count, one), one),
        isNone = l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, count,
                                               zero),
        rest = l.createOrFold<arith::SelectOp>(
            isNone, zero, l.createOrFold<arith::SubIOp>(size, count));
  return l.loop(
      lines.others, results, [&](ValueRange outer, ValueRange carried) {
        SmallVector<Value> at(outer);
        Heap heap(lines.op, l, at, lines.axis);
        auto given = [&](Value place) -> Entry {
          return {lines.given(l, at, place),
                  arith::IndexCastOp::create(l, lines.positionType, place)};
        };
        auto anyGreater = [&](Value first, Value length, const Entry &top) {
          auto loop = scf::ForOp::create(
              l, zero, length, one,
              ValueRange(arith::ConstantOp::create(l, l.getBoolAttr(false))));
          OpBuilder::InsertionGuard guard(l);
          l.setInsertionPointToStart(loop.getBody());
          Entry entry =
              given(arith::AddIOp::create(l, first, loop.getInductionVar()));
          scf::YieldOp::create(
              l, Value(Scalar(l, loop.getRegionIterArgs()[0]) |
                       Scalar(l, heap.isGreater(entry.element, top.element))));
          return loop.getResult(0);
        };
        // The first of them, in the order of a heap.
        SmallVector<Value> taken =
            l.loop(times(count), carried, [&](ValueRange step, ValueRange now) {
              return heap.write(now, step[0], given(step[0]));
            });
        Value levels = heap.levelsOf(count);
        taken =
            l.loop(times(half), taken, [&](ValueRange step, ValueRange now) {
              Value place = arith::SubIOp::create(
                  l, arith::SubIOp::create(l, half, one), step[0]);
              return heap.sift(now, place, count, heap.read(now, place),
                               levels);
            });
        // What is greater than the last of them takes its place; few are, so
        // that most blocks are looked at once.
        Value block = l.index(kBlock);
        Value blocks = l.createOrFold<arith::CeilDivUIOp>(rest, block);
        taken =
            l.loop(times(blocks), taken, [&](ValueRange step, ValueRange now) {
              Value first = arith::AddIOp::create(
                        l, count, arith::MulIOp::create(l, step[0], block)),
                    length = arith::MinUIOp::create(
                        l, block, arith::SubIOp::create(l, size, first)),
                    some = anyGreater(first, length, heap.read(now, zero));
              return l.loop(
                  times(arith::SelectOp::create(l, some, length, zero)), now,
                  [&](ValueRange step, ValueRange now) {
                    Entry entry =
                              given(arith::AddIOp::create(l, first, step[0])),
                          top = heap.read(now, zero);
                    Value isTaken = heap.isGreater(entry.element, top.element),
                          once = arith::SelectOp::create(l, isTaken, one, zero);
                    return l.loop(
                        times(once), now, [&](ValueRange, ValueRange now) {
                          return heap.sift(now, zero, count, entry, levels);
                        });
                  });
            });
        // The last of those that are left goes behind them, again and again.
        return l.loop(times(last), taken, [&](ValueRange step, ValueRange now) {
          Value end = arith::SubIOp::create(l, last, step[0]);
          Entry top = heap.read(now, zero), moved = heap.read(now, end);
          return heap.write(heap.sift(now, zero, end, moved, levels), end, top);
        });
      });
}

/// Many elements of each line: of those so far that may be among them, which
/// there is room for, only so many are kept each time the room is full, and
/// nothing comes in that is not greater than the least of these.
static SmallVector<Value> takeByKeys(Lowering &l, const Lines &lines,
                                     ValueRange results) {
  constexpr int64_t kRoom = 4, kLeastRoom = 1024;
  TopKOp op = lines.op;
  Keys keys(lines.elementType, op.getLargest() != 0);
  Scalar size(l, lines.size), count(l, lines.count), block(l, l.index(kBlock));
  Scalar first = min(size, max(count * kRoom, count.number(kLeastRoom))),
         room = first + block;
  // Only whole blocks are compared at once.
  Scalar rest = size - first,
         blocks(l, l.createOrFold<arith::CeilDivUIOp>(rest, block));
  SmallVector<Value> initial(results);
  llvm::append_range(
      initial, Ranks::make(l, keys, getAsOpFoldResult(Value(room))).carried());
  size_t own = results.size();
  auto loop = [&](Value number, ValueRange carried, LoopBody body) {
    return loopNest(l, getAsOpFoldResult(number), carried, body);
  };
  SmallVector<Value> done =
      l.loop(lines.others, initial, [&](ValueRange outer, ValueRange carried) {
        SmallVector<Value> line(outer);
        auto keyAt = [&](ImplicitLocOpBuilder &b, Value place) {
          return keys.of(b, lines.given(b, line, place));
        };
        SmallVector<Value> now =
            loop(first, carried.drop_front(own),
                 [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange so) {
                   return Ranks::of(so)
                       .with(b, at[0], keyAt(b, at[0]), at[0])
                       .carried();
                 });
        // Keeps `count` where `isFull`; the number there are and the least key
        // are carried, too.
        auto keepSome = [&](ImplicitLocOpBuilder &b, Value isFull,
                            ValueRange so) {
          Value once = arith::SelectOp::create(
              b, isFull, arith::ConstantIndexOp::create(b, 1),
              arith::ConstantIndexOp::create(b, 0));
          return loopNest(
              b, getAsOpFoldResult(once), so,
              [&](ImplicitLocOpBuilder &in, ValueRange, ValueRange held) {
                auto [kept, least] = Ranks::of(held).select(
                    in, held[Ranks::kCarried], lines.count);
                SmallVector<Value> next = kept.carried();
                next.append({lines.count, least});
                return next;
              });
        };
        now.append(
            {first, arith::ConstantOp::create(l, l.getZeroAttr(keys.type()))});
        now = keepSome(l, first > count, now);
        now = loop(
            blocks, now,
            [&](ImplicitLocOpBuilder &b, ValueRange step, ValueRange so) {
              Scalar from =
                         Scalar(b, Value(first)) + Scalar(b, step[0]) * kBlock,
                     length = min(Scalar(b, Value(block)),
                                  Scalar(b, Value(size)) - from);
              Value least = so.back(),
                    no = arith::ConstantOp::create(b, b.getBoolAttr(false));
              Value some =
                  loopNest(b, getAsOpFoldResult(Value(length)), no,
                           [&](ImplicitLocOpBuilder &in, ValueRange at,
                               ValueRange found) {
                             Value key = keyAt(in, Scalar(in, Value(from)) +
                                                       Scalar(in, at[0]));
                             return SmallVector<Value>{
                                 Scalar(in, found[0]) |
                                 Scalar(in, keys.isGreater(in, key, least))};
                           })[0];
              Value taken = select(Scalar(b, some), length, length.number(0));
              SmallVector<Value> held = loopNest(
                  b, getAsOpFoldResult(taken), so.drop_back(),
                  [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
                    Value place = Scalar(in, Value(from)) + Scalar(in, at[0]),
                          key = keyAt(in, place);
                    Scalar held(in, so[Ranks::kCarried]);
                    SmallVector<Value> next =
                        Ranks::of(so).with(in, held, key, place).carried();
                    next.push_back(
                        select(Scalar(in, keys.isGreater(in, key, least)),
                               held + 1, held));
                    return next;
                  });
              held.push_back(least);
              Scalar number(b, held[Ranks::kCarried]);
              return keepSome(b, number > Scalar(b, Value(first)), held);
            });
        now = keepSome(l, Scalar(l, now[Ranks::kCarried]) > count, now);
        Ranks sorted = Ranks::of(now).sort(l, count);
        SmallVector<Value> next = loop(
            count, carried.take_front(own),
            [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange so) {
              Scalar place(b, sorted.placeAt(b, at[0]));
              SmallVector<Value> target(line);
              target[lines.axis] = at[0];
              Value element = storeScalar(b, lines.given(b, line, place),
                                          lines.elementType);
              return SmallVector<Value>{
                  tensor::InsertOp::create(b, element, so[0], target),
                  tensor::InsertOp::create(
                      b, place.toInteger(lines.positionType), so[1], target)};
            });
        llvm::append_range(next, sorted.carried());
        return next;
      });
  done.resize(own);
  return done;
}

FailureOr<SmallVector<Value>> TopKOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getX().getType()),
       positionType = l.getI64Type();
  Value data = l.lowered(getX());
  l.requireOne(getK());
  SmallVector<OpFoldResult> sizes = l.sizesOf(data), kept(sizes), others(sizes);
  int64_t axis = *normalizeAxis(*this, getAxis(), sizes.size());
  Value size = l.index(sizes[axis]), count = l.index(l.element(getK(), 0));
  Value isEnough =
      l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ule, count, size);
  if (!matchPattern(isEnough, m_One()))
    l.require(isEnough, Status::BadValue, "K is larger than the axis");
  kept[axis] = getAsOpFoldResult(count);
  SmallVector<Value> results{l.empty(elementType, kept),
                             l.empty(positionType, kept)};
  if (isConstantIntValue(kept[axis], 0))
    return results;

  others[axis] = l.getIndexAttr(1);
  Lines lines{*this, data,   elementType, positionType,
              axis,  others, size,        count};
  bool isFew =
      getConstantIntValue(count).value_or(kMostInHeap + 1) <= kMostInHeap;
  return isFew ? takeByHeap(l, lines, results) : takeByKeys(l, lines, results);
}
