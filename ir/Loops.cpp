// Loops.cpp - loops that carry tensors, and sorting with them.
#include "ir/Loops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

SmallVector<Value> nn::loopNest(ImplicitLocOpBuilder &builder,
                                ArrayRef<OpFoldResult> sizes,
                                ValueRange carried, LoopBody body) {
  Scalar zero(builder, builder.getIndexAttr(0)),
      one(builder, builder.getIndexAttr(1));
  SmallVector<Value> indices, running(carried);
  SmallVector<scf::ForOp> loops;
  ImplicitLocOpBuilder inner(builder.getLoc(), builder);
  for (OpFoldResult size : sizes) {
    auto loop =
        scf::ForOp::create(inner, zero, Scalar(inner, size), one, running);
    loops.push_back(loop);
    indices.push_back(loop.getInductionVar());
    running.assign(loop.getRegionIterArgs().begin(),
                   loop.getRegionIterArgs().end());
    inner.setInsertionPointToStart(loop.getBody());
  }
  SmallVector<Value> next = body(inner, indices, running);
  for (scf::ForOp loop : llvm::reverse(loops)) {
    // A loop that carries nothing has its terminator already.
    if (!carried.empty()) {
      inner.setInsertionPointToEnd(loop.getBody());
      scf::YieldOp::create(inner, next);
    }
    next.assign(loop.getResults().begin(), loop.getResults().end());
  }
  return next;
}

SmallVector<Value>
nn::onlyIf(ImplicitLocOpBuilder &builder, Value condition, ValueRange otherwise,
           function_ref<SmallVector<Value>(ImplicitLocOpBuilder &)> body) {
  auto choice = scf::IfOp::create(
      builder, condition,
      [&](OpBuilder &inner, Location loc) {
        ImplicitLocOpBuilder b(loc, inner);
        scf::YieldOp::create(b, body(b));
      },
      [&](OpBuilder &inner, Location loc) {
        scf::YieldOp::create(inner, loc, otherwise);
      });
  return SmallVector<Value>(choice.getResults());
}

Value nn::scratch(Lowering &l, Type elementType, ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  return bufferization::AllocTensorOp::create(
      l, RankedTensorType::get(shape, storageType(elementType)), dynamic);
}

/// The two sorted halves [low, middle) and [middle, high) of `from`, merged
/// into `to`.
static Value merge(ImplicitLocOpBuilder &builder, Value from, Value to,
                   const Scalar &low, const Scalar &middle, const Scalar &high,
                   Before before) {
  Scalar one = low.number(1);
  auto loop =
      scf::ForOp::create(builder, low, high, one, ValueRange{to, low, middle});
  ImplicitLocOpBuilder b(builder.getLoc(), builder);
  b.setInsertionPointToStart(loop.getBody());
  Scalar left(b, loop.getRegionIterArgs()[1]),
      right(b, loop.getRegionIterArgs()[2]), end(b, Value(high)),
      half(b, Value(middle));
  Scalar step(b, Value(one)), zero = left.number(0), last = end - step;
  Scalar leftItem(
      b, tensor::ExtractOp::create(b, from, ValueRange(min(left, last)))
             .getResult());
  Scalar rightItem(
      b, tensor::ExtractOp::create(b, from, ValueRange(min(right, last)))
             .getResult());
  Scalar isBefore(b, before(b, rightItem.toIndex(), leftItem.toIndex()));
  Scalar takesRight = (right < end) & ((left >= half) | isBefore);
  Value taken = select(takesRight, rightItem, leftItem);
  Value written = tensor::InsertOp::create(
      b, taken, loop.getRegionIterArgs()[0], loop.getInductionVar());
  Scalar nextLeft = left + select(takesRight, zero, step),
         nextRight = right + select(takesRight, step, zero);
  scf::YieldOp::create(b, ValueRange{written, nextLeft, nextRight});
  return loop.getResult(0);
}

Value nn::sortedOrder(ImplicitLocOpBuilder &builder, Value count, Value order,
                      Value spare, Before before) {
  SmallVector<Value> counted = loopNest(
      builder, {count}, order,
      [](ImplicitLocOpBuilder &b, ValueRange indices, ValueRange carried) {
        Value item = Scalar(b, indices[0]).toInteger(b.getI64Type());
        return SmallVector<Value>{
            tensor::InsertOp::create(b, item, carried[0], indices)};
      });
  return sortedList(builder, count, counted[0], spare, before);
}

Value nn::sortedList(ImplicitLocOpBuilder &builder, Value count, Value list,
                     Value spare, Before before) {
  Scalar one(builder, builder.getIndexAttr(1)), zero = one.number(0);
  // Runs of one element are sorted; each pass merges pairs of runs into runs of
  // twice the width.
  SmallVector<Value> initial{one, list, spare};
  auto passes = scf::WhileOp::create(
      builder, ValueRange(initial).getTypes(), initial,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        scf::ConditionOp::create(b, Scalar(b, args[0]) < Scalar(b, count),
                                 args);
      },
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, inner);
        Scalar width(b, args[0]), twice = width + width, end(b, count),
                                  start(b, Value(zero));
        auto pairs = scf::ForOp::create(b, start, end, twice, args[2]);
        ImplicitLocOpBuilder in(loc, b);
        in.setInsertionPointToStart(pairs.getBody());
        Scalar low(in, pairs.getInductionVar()), limit(in, count);
        Scalar middle = min(low + Scalar(in, args[0]), limit),
               high = min(low + Scalar(in, Value(twice)), limit);
        scf::YieldOp::create(in,
                             merge(in, args[1], pairs.getRegionIterArgs()[0],
                                   low, middle, high, before));
        Value merged = pairs.getResult(0);
        Value copied = linalg::CopyOp::create(b, merged, args[1]).getResult(0);
        scf::YieldOp::create(b, ValueRange{twice, copied, merged});
      });
  return passes.getResult(1);
}

void nn::requireAll(Lowering &l, ArrayRef<OpFoldResult> sizes,
                    ArrayRef<Lowering::Operand> inputs, StringRef message,
                    Lowering::ScalarBody body) {
  Type flag = l.getI1Type();
  Value yes = l.number(flag, 1);
  int64_t rank = sizes.size();
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  Value all = l.reduce(
      l.filled(flag, {}, yes), flag, AffineMap::get(rank, 0, l.getContext()),
      inputs, iterators,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return Scalar(b, body(b, args.drop_back())) & Scalar(b, args.back());
      });
  l.require(l.extract(all, flag, {}), Status::BadValue, message);
}

Value nn::asItem(ImplicitLocOpBuilder &b, Value index) {
  return Scalar(b, index).toInteger(b.getI64Type());
}

Scalar nn::itemAt(ImplicitLocOpBuilder &b, Value list, Value at) {
  return Scalar(b, tensor::ExtractOp::create(b, list, at).getResult())
      .toIndex();
}
