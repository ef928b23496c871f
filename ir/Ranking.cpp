// Ranking.cpp - the greatest of many elements, and their order, by keys: what
// takes so many steps for each element, whatever their order.
#include "ir/Ranking.h"
#include "ir/Scalar.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

static constexpr int64_t kDigitBits = 8, kDigits = 1 << kDigitBits;

//===- Keys ---------------------------------------------------------------===//

IntegerType Keys::type() const {
  unsigned width = computeType(elementType).getIntOrFloatBitWidth();
  return IntegerType::get(elementType.getContext(), std::max(16u, width));
}

static Value numberOf(ImplicitLocOpBuilder &b, Type type, const APInt &value) {
  return arith::ConstantOp::create(b, IntegerAttr::get(type, value));
}

Value Keys::of(ImplicitLocOpBuilder &b, Value element) const {
  unsigned width = element.getType().getIntOrFloatBitWidth();
  Type word = b.getIntegerType(width);
  Value sign = numberOf(b, word, APInt::getSignMask(width)),
        all = numberOf(b, word, APInt::getAllOnes(width)), key = element;
  if (isa<FloatType>(element.getType())) {
    auto isSo = [&](arith::CmpFPredicate predicate, Value other) -> Value {
      return arith::CmpFOp::create(b, predicate, element, other);
    };
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element.getType())),
          none = numberOf(b, word, APInt(width, 0)),
          bits = arith::BitcastOp::create(b, word, element);
    bits = arith::SelectOp::create(b, isSo(arith::CmpFPredicate::OEQ, zero),
                                   none, bits);
    // Of numbers below zero, the greater bits are the lesser number.
    Value isBelow =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, bits, none);
    key = arith::XOrIOp::create(
        b, bits, Value(arith::SelectOp::create(b, isBelow, all, sign)));
    key = arith::SelectOp::create(b, isSo(arith::CmpFPredicate::UNO, element),
                                  all, key);
  } else if (!elementType.isUnsignedInteger() && !elementType.isInteger(1)) {
    key = arith::XOrIOp::create(b, key, sign);
  }
  if (!isLargest)
    key = arith::XOrIOp::create(b, key, all);
  return width == type().getWidth()
             ? key
             : Value(arith::ExtUIOp::create(b, type(), key));
}

Value Keys::isGreater(ImplicitLocOpBuilder &b, Value left, Value right) const {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, left, right);
}

//===- Ranks --------------------------------------------------------------===//

Ranks Ranks::make(Lowering &l, const Keys &keys, OpFoldResult room) {
  auto list = [&](Type type) { return scratch(l, type, {room}); };
  return {list(keys.type()), list(l.getI64Type()), list(keys.type()),
          list(l.getI64Type()),
          scratch(l, l.getI64Type(), {l.getIndexAttr(kDigits)})};
}

Ranks Ranks::with(ImplicitLocOpBuilder &b, Value count, Value key,
                  Value place) const {
  Ranks next = *this;
  next.keys = tensor::InsertOp::create(b, key, keys, count);
  next.places = tensor::InsertOp::create(
      b, Value(Scalar(b, place).toInteger(b.getI64Type())), places, count);
  return next;
}

Value Ranks::placeAt(ImplicitLocOpBuilder &b, Value index) const {
  return Scalar(b, tensor::ExtractOp::create(b, places, index).getResult())
      .toIndex();
}

static IntegerType keyType(Value keys) {
  return cast<IntegerType>(getElementTypeOrSelf(keys.getType()));
}

/// The digit of a key that begins at bit `shift`.
static Value digitOf(ImplicitLocOpBuilder &b, Value key, Value shift) {
  auto type = cast<IntegerType>(key.getType());
  Value moved = arith::ShRUIOp::create(b, key, shift),
        digit = arith::AndIOp::create(
            b, moved, numberOf(b, type, APInt(type.getWidth(), kDigits - 1)));
  return arith::IndexCastUIOp::create(b, b.getIndexType(), digit);
}

/// A bit's number as a key's type.
static Value shiftOf(ImplicitLocOpBuilder &b, Type type, const Scalar &bit) {
  return Scalar(b, Value(bit)).toInteger(type);
}

static Value cleared(ImplicitLocOpBuilder &b, Value counts) {
  return loopNest(
      b, OpFoldResult(b.getIndexAttr(kDigits)), counts,
      [](ImplicitLocOpBuilder &in, ValueRange at, ValueRange carried) {
        Value zero = arith::ConstantOp::create(in, in.getI64IntegerAttr(0));
        return SmallVector<Value>{
            tensor::InsertOp::create(in, zero, carried[0], at)};
      })[0];
}

/// How many of the first `count` keys are greater than `bound`, or as great,
/// too.
static Value countAbove(ImplicitLocOpBuilder &b, Value keys, Value count,
                        Value bound, arith::CmpIPredicate predicate) {
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value found = loopNest(
      b, getAsOpFoldResult(count), none,
      [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
        Value key = tensor::ExtractOp::create(in, keys, at),
              isAbove = arith::CmpIOp::create(in, predicate, key, bound);
        return SmallVector<Value>{arith::AddIOp::create(
            in, so[0],
            Value(arith::ExtUIOp::create(in, in.getI32Type(), isAbove)))};
      })[0];
  return arith::IndexCastUIOp::create(b, b.getIndexType(), found);
}

/// A key that all of the `wanted` greatest reach, and no other if there is one
/// such. Its bits are found from the first on; each takes a look at all keys,
/// many of which fit a vector.
static Value boundOf(ImplicitLocOpBuilder &builder, Value keys, Value count,
                     Value wanted) {
  IntegerType type = keyType(keys);
  unsigned width = type.getWidth();
  SmallVector<Value> initial{numberOf(builder, type, APInt::getSignMask(width)),
                             numberOf(builder, type, APInt(width, 0)), count};
  auto search = scf::WhileOp::create(
      builder, ValueRange(initial).getTypes(), initial,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        Scalar bit(b, args[0]), reach(b, args[2]);
        scf::ConditionOp::create(b, (bit != 0) & (reach > Scalar(b, wanted)),
                                 args);
      },
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        Value tried = arith::OrIOp::create(b, args[0], args[1]),
              reach =
                  countAbove(b, keys, count, tried, arith::CmpIPredicate::uge),
              one = numberOf(b, type, APInt(width, 1)),
              next = arith::ShRUIOp::create(b, args[0], one);
        Scalar isEnough = Scalar(b, reach) >= Scalar(b, wanted);
        scf::YieldOp::create(
            b, ValueRange{
                   next,
                   nn::select(isEnough, Scalar(b, tried), Scalar(b, args[1])),
                   nn::select(isEnough, Scalar(b, reach), Scalar(b, args[2]))});
      });
  return search.getResult(1);
}

std::pair<Ranks, Value> Ranks::select(ImplicitLocOpBuilder &b, Value count,
                                      Value wanted) const {
  Value least = boundOf(b, keys, count, wanted),
        above = countAbove(b, keys, count, least, arith::CmpIPredicate::ugt);
  SmallVector<Value> initial{keys, places, arith::ConstantIndexOp::create(b, 0),
                             Scalar(b, wanted) - Scalar(b, above)};
  SmallVector<Value> kept = loopNest(
      b, getAsOpFoldResult(count), initial,
      [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
        Value key = tensor::ExtractOp::create(in, so[0], at),
              place = tensor::ExtractOp::create(in, so[1], at);
        auto compared = [&](arith::CmpIPredicate predicate) {
          return Scalar(in, arith::CmpIOp::create(in, predicate, key, least));
        };
        Scalar end(in, so[2]), equals(in, so[3]),
            isEqual = compared(arith::CmpIPredicate::eq);
        Scalar stays =
            compared(arith::CmpIPredicate::ugt) | (isEqual & (equals > 0));
        return SmallVector<Value>{
            tensor::InsertOp::create(in, key, so[0], Value(end)),
            tensor::InsertOp::create(in, place, so[1], Value(end)),
            nn::select(stays, end + 1, end),
            nn::select(isEqual, equals - 1, equals)};
      });
  Ranks next = *this;
  next.keys = kept[0];
  next.places = kept[1];
  return {next, least};
}

/// The first `count` of one list in the other, by the digit at `shift`, those
/// with the greatest first. Gives the other list and the counts.
static SmallVector<Value> sortDigit(ImplicitLocOpBuilder &b, Value count,
                                    Value shift, Value keys, Value places,
                                    Value toKeys, Value toPlaces,
                                    Value counts) {
  OpFoldResult size = getAsOpFoldResult(count);
  auto digitAt = [&](ImplicitLocOpBuilder &in, Value key) {
    return digitOf(in, key, shift);
  };
  Value histogram = loopNest(
      b, size, cleared(b, counts),
      [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
        Value digit = digitAt(in, tensor::ExtractOp::create(in, keys, at));
        Scalar counted(in,
                       tensor::ExtractOp::create(in, so[0], digit).getResult());
        return SmallVector<Value>{
            tensor::InsertOp::create(in, counted + 1, so[0], digit)};
      })[0];
  Value none = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  Value starts = loopNest(
      b, OpFoldResult(b.getIndexAttr(kDigits)), {histogram, none},
      [](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
        Scalar digit = -Scalar(in, at[0]) + (kDigits - 1), sum(in, so[1]);
        Scalar own(
            in, tensor::ExtractOp::create(in, so[0], Value(digit)).getResult());
        return SmallVector<Value>{
            tensor::InsertOp::create(in, sum, so[0], Value(digit)), sum + own};
      })[0];
  return loopNest(
      b, size, {toKeys, toPlaces, starts},
      [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange so) {
        Value key = tensor::ExtractOp::create(in, keys, at),
              place = tensor::ExtractOp::create(in, places, at),
              digit = digitAt(in, key);
        Scalar end(in, tensor::ExtractOp::create(in, so[2], digit).getResult());
        Value to = end.toIndex();
        return SmallVector<Value>{
            tensor::InsertOp::create(in, key, so[0], to),
            tensor::InsertOp::create(in, place, so[1], to),
            tensor::InsertOp::create(in, end + 1, so[2], digit)};
      });
}

Ranks Ranks::sort(ImplicitLocOpBuilder &b, Value count) const {
  IntegerType type = keyType(keys);
  // Two digits at a time, there and back, so that lists keep their places.
  return of(loopNest(
      b, OpFoldResult(b.getIndexAttr(type.getWidth() / (2 * kDigitBits))),
      carried(), [&](ImplicitLocOpBuilder &in, ValueRange step, ValueRange so) {
        Ranks now = of(so);
        Scalar bit = Scalar(in, step[0]) * (2 * kDigitBits);
        SmallVector<Value> there =
            sortDigit(in, count, shiftOf(in, type, bit), now.keys, now.places,
                      now.spareKeys, now.sparePlaces, now.counts);
        SmallVector<Value> back =
            sortDigit(in, count, shiftOf(in, type, bit + kDigitBits), there[0],
                      there[1], now.keys, now.places, there[2]);
        return Ranks{back[0], back[1], there[0], there[1], back[2]}.carried();
      }));
}
