// Combiner.cpp - how partial results of a reduction are put together.
#include "passes/kernels/Combiner.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;
using namespace burnish;

std::optional<Combiner> Combiner::of(linalg::GenericOp generic) {
  SmallVector<Operation *, 4> combiners;
  if (!matchReduction(generic.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1)
    return std::nullopt;
  std::optional<vector::CombiningKind> kind =
      linalg::getCombinerOpKind(combiners[0]);
  if (!kind || !arith::getNeutralElement(combiners[0]))
    return std::nullopt;
  return Combiner{combiners[0], *kind};
}

Value Combiner::neutral(ImplicitLocOpBuilder &b) const {
  return arith::ConstantOp::create(b, *arith::getNeutralElement(op));
}

Value Combiner::combine(ImplicitLocOpBuilder &b, Value left,
                        Value right) const {
  // One instruction on x86, where the order of zeros and NaN takes five.
  if (ignoresNaN)
    return arith::SelectOp::create(
        b,
        Value(arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, left, right)),
        left, right);
  OperationState state(b.getLoc(), op->getName(), {left, right},
                       {left.getType()}, op->getAttrs());
  return b.create(state)->getResult(0);
}

Value Combiner::total(ImplicitLocOpBuilder &b, ArrayRef<Value> partial) const {
  SmallVector<Value> rest(partial);
  while (rest.size() > 1) {
    SmallVector<Value> half;
    for (size_t index = 0; index + 1 < rest.size(); index += 2)
      half.push_back(combine(b, rest[index], rest[index + 1]));
    if (rest.size() % 2)
      half.push_back(rest.back());
    rest = half;
  }
  Value value = rest[0];
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return value;
  // In the halves below LLVM 22 sees a vpdpbusd of bytes, and forgets to add up
  // its four lanes.
  if (isa<IntegerType>(type.getElementType()))
    return vector::ReductionOp::create(b, kind, value);
  // Halves of the vector, of those halves, and so on: a reduction of vectors
  // would add the elements one by one.
  for (int64_t count = type.getNumElements(); count > 1;) {
    if (count % 2)
      return vector::ReductionOp::create(b, kind, value);
    count /= 2;
    auto half = [&](int64_t start) -> Value {
      return vector::ExtractStridedSliceOp::create(
          b, value, ArrayRef<int64_t>{start}, ArrayRef<int64_t>{count},
          ArrayRef<int64_t>{1});
    };
    Value low = half(0);
    value = combine(b, low, half(count));
  }
  return vector::ExtractOp::create(b, value, ArrayRef<int64_t>{0});
}
