// ProductSteps.cpp - several steps of a sum at once, of bytes or of bf16, by
// the machine's instructions for that.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/ProductMaker.h"
#include "passes/kernels/Words.h"

using namespace mlir;
using namespace burnish;

SmallVector<Value> ProductMaker::addSteps(Index row, int64_t count, Index lane,
                                          ArrayRef<Piece> pieces,
                                          SmallVector<Value> sums) {
  std::optional<ByteProduct> ofBytes = ByteProduct::of(nest.root);
  unsigned unsignedInput = ofBytes ? ofBytes->unsignedInput : form.left;
  // Pairs are multiplied as 16 bits: products of bytes would be cut short.
  bool isWidened = ofBytes && steps == 2;
  auto widened = [&](Value bytes, unsigned input) -> Value {
    if (!isWidened)
      return bytes;
    auto type = VectorType::get(cast<VectorType>(bytes.getType()).getShape(),
                                b.getI16Type());
    if (input == unsignedInput)
      return arith::ExtUIOp::create(b, type, bytes);
    return arith::ExtSIOp::create(b, type, bytes);
  };
  SmallVector<Value> rightParts;
  for (const Piece &piece : pieces)
    rightParts.push_back(widened(loadRight(lane, piece), form.right));
  for (int64_t index = 0; index < count; ++index) {
    enterRow(row, index);
    Value word = loadWord();
    for (auto [place, piece] : llvm::enumerate(pieces)) {
      Value &sum = sums[index * pieces.size() + place];
      Value rightPart = rightParts[place];
      Value leftPart = widened(
          wordInLanes(b, word, piece.width, elementOf(left)), form.left);
      if (code.schedule.getAddsPairs()) {
        sum = addPairs(sum, leftPart, rightPart);
        continue;
      }
      if (isWidened) {
        sum = arith::AddIOp::create(b, sum,
                                    callIntrinsic(b, pairsName(piece.width),
                                                  sum.getType(),
                                                  {leftPart, rightPart}));
        continue;
      }
      if (unsignedInput == form.right)
        std::swap(leftPart, rightPart);
      sum = ofBytes ? callIntrinsic(b,
                                    "llvm.x86.avx512.vpdpbusd." +
                                        std::to_string(piece.width * 32),
                                    sum.getType(), {sum, leftPart, rightPart})
                    : addHalfPairs(b, sum, leftPart, rightPart);
    }
  }
  return sums;
}

Value ProductMaker::loadWord() {
  return wordOf(b, code.loadSteps(left, *stepsLoop, steps));
}

Value ProductMaker::addPairs(Value sum, Value leftPart, Value rightPart) {
  int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
  auto halves = VectorType::get({lanes * 2}, b.getI16Type());
  Value pairs = callIntrinsic(b,
                              lanes == 16  ? "llvm.x86.avx512.pmaddubs.w.512"
                              : lanes == 8 ? "llvm.x86.avx2.pmadd.ub.sw"
                                           : "llvm.x86.ssse3.pmadd.ub.sw.128",
                              halves, {leftPart, rightPart}),
        ones = arith::ConstantOp::create(
            b, DenseElementsAttr::get(halves, b.getI16IntegerAttr(1)));
  return arith::AddIOp::create(
      b, sum, callIntrinsic(b, pairsName(lanes), sum.getType(), {pairs, ones}));
}

SmallVector<Value> ProductMaker::addExcess(Index row, int64_t count, Index lane,
                                           ArrayRef<Piece> pieces,
                                           SmallVector<Value> sums) {
  Value excess = code.data[*nest.excess], places = code.data[*nest.excess + 1];
  int64_t most = nest.excessCount;
  auto load = [&](Value at) -> Value {
    return arith::IndexCastUIOp::create(
        b, b.getIndexType(), Value(memref::LoadOp::create(b, places, at)));
  };
  auto plus = [&](Value base, Value more) -> Value {
    return arith::AddIOp::create(b, base, more);
  };
  auto times = [&](Value value, int64_t factor) -> Value {
    return arith::MulIOp::create(b, value, code.constant(factor));
  };
  for (auto [place, piece] : llvm::enumerate(pieces)) {
    Value vector = b.createOrFold<arith::DivUIOp>(
              code.valueOf(lane + piece.start), code.constant(width)),
          known = times(vector, 1 + most), from = times(vector, most);
    SmallVector<Value> own;
    for (int64_t index = 0; index < count; ++index)
      own.push_back(sums[index * pieces.size() + place]);
    own = code.carry(
        code.constant(0), load(known), 1, own,
        [&](Value index, ValueRange values) {
          enterStep(load(plus(plus(known, code.constant(1)), index)));
          Value weights = vector::LoadOp::create(
              b, VectorType::get({width * steps}, elementOf(right)), excess,
              times(plus(from, index), width * steps));
          SmallVector<Value> next(values);
          for (auto [at, sum] : llvm::enumerate(next)) {
            enterRow(row, at);
            sum = addPairs(sum,
                           wordInLanes(b, loadWord(), width, elementOf(left)),
                           weights);
          }
          return next;
        });
    for (int64_t index = 0; index < count; ++index)
      sums[index * pieces.size() + place] = own[index];
  }
  return sums;
}

void ProductMaker::enterStep(Value step) {
  for (size_t place = form.depth.size(); place-- > 0;) {
    unsigned loop = form.depth[place];
    Value size = code.size(loop);
    code.at[loop] = {place == 0 ? step
                                : b.createOrFold<arith::RemUIOp>(step, size)};
    if (place > 0)
      step = b.createOrFold<arith::DivUIOp>(step, size);
  }
}

std::string ProductMaker::pairsName(int64_t width) {
  return width == 16  ? "llvm.x86.avx512.pmaddw.d.512"
         : width == 8 ? "llvm.x86.avx2.pmadd.wd"
                      : "llvm.x86.sse2.pmadd.wd";
}
