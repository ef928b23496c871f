// Iteration.cpp - loops that carry values and stack what iterations give.
#include "ir/Iteration.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

SmallVector<Value> Iteration::begin(ValueRange initial,
                                    ArrayRef<BlockArgument> arguments) {
  SmallVector<Value> all;
  for (auto [value, argument] : llvm::zip_equal(initial, arguments)) {
    all.push_back(
        castTo(l, storageTensor(argument.getType()), l.lowered(value)));
    isChanging |= l.scope.dims(value) != l.scope.dims(argument);
  }
  for (const Stack &stack : stacks) {
    all.push_back(stack.begin(l));
    isChanging |= stack.isGrowing();
  }
  return all;
}

FailureOr<SmallVector<Value>> Iteration::run(ValueRange carried,
                                             ArrayRef<BlockArgument> arguments,
                                             size_t firstYield,
                                             ArrayRef<Value> places) {
  for (auto [argument, value] :
       llvm::zip_equal(arguments, carried.take_front(carriedCount)))
    l.map(argument, value);
  if (failed(l.lowerBlock(body.front())))
    return failure();
  l.setLoc(op->getLoc());
  SmallVector<Value> yields = loweredYields(l, body), next;
  for (size_t index = 0; index < carriedCount; ++index)
    next.push_back(
        castTo(l, carried[index].getType(), yields[firstYield + index]));
  for (auto [index, stack] : llvm::enumerate(stacks)) {
    Value last = carried[carriedCount + index];
    next.push_back(
        castTo(l, last.getType(),
               stack.put(l, last, yields[firstYield + carriedCount + index],
                         places[index])));
  }
  return next;
}

FailureOr<SmallVector<Value>> Iteration::count(ArrayRef<Value> initial,
                                               OpFoldResult count, Body body) {
  // A body that never runs would stack into nothing.
  if (isConstantIntValue(count, 0))
    return finish(initial, l.index(0));
  // The canonicaliser gives what an scf.for carries the sizes of its first
  // value, even when the next has others.
  if (isChanging) {
    Value yes = arith::ConstantIntOp::create(l, 1, 1);
    return repeat(
        initial, yes,
        [&](Value done) -> Value {
          return arith::CmpIOp::create(l, arith::CmpIPredicate::slt, done,
                                       l.index(count));
        },
        [&](Value index, Value, ValueRange carried) {
          return body(index, carried);
        },
        [&] { return yes; });
  }
  auto loop =
      scf::ForOp::create(l, l.index(0), l.index(count), l.index(1), initial);
  OpBuilder::InsertionGuard guard(l);
  if (!loop.getBody()->empty())
    loop.getBody()->back().erase();
  l.setInsertionPointToStart(loop.getBody());
  FailureOr<SmallVector<Value>> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (failed(next))
    return failure();
  scf::YieldOp::create(l, *next);
  l.setInsertionPointAfter(loop);
  return finish(loop.getResults(), l.index(count));
}

FailureOr<SmallVector<Value>>
Iteration::repeat(ArrayRef<Value> initial, Value first,
                  llvm::function_ref<Value(Value done)> goesOn,
                  ConditionalBody body, llvm::function_ref<Value()> next) {
  // The tensors come first: bufferisation finds them at the same places in
  // both regions, whatever of the rest is unused.
  SmallVector<Value> all(initial);
  all.append({l.index(0), first});
  size_t count = initial.size();
  SmallVector<Type> types(ValueRange(all).getTypes());
  SmallVector<Location> locs(types.size(), op->getLoc());
  auto loop = scf::WhileOp::create(l, TypeRange(types), ValueRange(all));
  OpBuilder::InsertionGuard guard(l);
  Block *before = l.createBlock(&loop.getBefore(), {}, types, locs);
  Value condition = arith::AndIOp::create(l, before->getArgument(count + 1),
                                          goesOn(before->getArgument(count)));
  scf::ConditionOp::create(l, condition, before->getArguments());
  Block *after = l.createBlock(&loop.getAfter(), {}, types, locs);
  Value index = after->getArgument(count);
  FailureOr<SmallVector<Value>> results =
      body(index, after->getArgument(count + 1),
           after->getArguments().take_front(count));
  if (failed(results))
    return failure();
  results->append({arith::AddIOp::create(l, index, l.index(1)), next()});
  scf::YieldOp::create(l, *results);
  l.setInsertionPointAfter(loop);
  return finish(loop.getResults().take_front(count), loop.getResult(count));
}

SmallVector<Value> Iteration::finish(ValueRange carried, Value done) {
  SmallVector<Value> results(carried.take_front(carriedCount));
  for (auto [stack, value] :
       llvm::zip_equal(stacks, carried.drop_front(carriedCount)))
    results.push_back(stack.finish(l, value, done));
  return results;
}
