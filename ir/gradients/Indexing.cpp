// Indexing.cpp - gradients of lookups and of their counterparts.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

// Whole slices are added to zeros at the axis, which comes first for that.
SmallVector<Value> GatherOp::differentiate(GradientBuilder &b, ValueRange dy) {
  int64_t rank = b.rank(getData()), indexRank = b.rank(getIndices()),
          axis = b.positiveAxis(getAxis(), getData());
  SmallVector<int64_t> forward{axis}, toFront;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      forward.push_back(i);
  for (int64_t i = 0; i < indexRank; ++i)
    toFront.push_back(axis + i);
  for (int64_t i = 0; i < rank - 1 + indexRank; ++i)
    if (i < axis || i >= axis + indexRank)
      toFront.push_back(i);
  Value zeros = b.zerosLike(getData()), updates = dy[0];
  if (axis != 0) {
    zeros = b.transpose(zeros, forward);
    updates = b.transpose(updates, toFront);
  }
  Value sums = b.make<ScatterNDOp>(
      zeros, b.unsqueeze(getIndices(), {indexRank}), updates, "add");
  if (axis != 0)
    sums = b.transpose(sums, invertPermutationVector(forward));
  return {sums};
}

SmallVector<Value> GatherElementsOp::differentiate(GradientBuilder &b,
                                                   ValueRange dy) {
  return {b.make<ScatterElementsOp>(b.zerosLike(getData()), getIndices(), dy[0],
                                    getAxis(), "add")};
}

SmallVector<Value> GatherNDOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  if (getBatchDims() == 0)
    return {b.make<ScatterNDOp>(b.zerosLike(getData()), getIndices(), dy[0],
                                "add")};
  Value places =
      b.make<GatherNDOp>(b.positions(getData()), getIndices(), getBatchDims());
  return {b.addAt(getData(), places, dy[0])};
}

namespace {
/// The gradients of a scatter, whatever it calls its places: `gather` reads a
/// tensor of the result's shape where updates go, `scatter` writes updates to
/// such a tensor.
struct Scatter {
  GradientBuilder &b;
  Value data, updates, result, dy;
  llvm::function_ref<Value(Value from)> gather;
  llvm::function_ref<Value(Value to, Value updates, StringRef reduction)>
      scatter;

  /// By data and updates; what nobody wants is null.
  std::pair<Value, Value> through(StringRef reduction) {
    if (reduction == "add")
      return {dy, b.wants(updates) ? gather(dy) : Value()};
    if (reduction == "none")
      return replaced();
    return reduction == "mul" ? multiplied() : toExtremes();
  }

private:
  Value filled(double number) {
    return b.expandAs(b.number(data, number), data);
  }

  // Of several updates of one place the last counts; it is found by writing
  // their numbers in the same way.
  std::pair<Value, Value> replaced() {
    Value byData =
        b.wants(data) ? scatter(dy, b.zerosLike(updates), "none") : Value();
    if (!b.wants(updates))
      return {byData, Value()};
    Value numbers = b.positions(updates),
          last = scatter(b.make<ExpandOp>(b.integer(-1), b.shapeOf(data)),
                         numbers, "none");
    return {byData, b.masked(b.equal(gather(last), numbers), gather(dy))};
  }

  // The other factors of a place: their product over this one, or where this
  // one is 0, the product of all that are not, unless another is.
  std::pair<Value, Value> multiplied() {
    Value one = b.number(data, 1), zero = b.number(data, 0);
    Value byData =
        b.wants(data) ? b.mul(dy, scatter(filled(1), updates, "mul")) : Value();
    if (!b.wants(updates))
      return {byData, Value()};
    Value isZero = b.equal(updates, zero),
          factors = b.where(isZero, one, updates),
          zeros =
              gather(scatter(filled(0), b.indicator(isZero, updates), "add")),
          products = gather(scatter(b.mul(dy, data), factors, "mul")),
          others =
              b.where(b.equal(zeros, zero), b.div(products, factors), zero);
    return {byData,
            b.where(isZero, b.masked(b.equal(zeros, one), products), others)};
  }

  // Of several that are the extreme of a place, each gets the same part.
  std::pair<Value, Value> toExtremes() {
    Value isData = b.indicator(b.equal(data, result), data),
          isUpdate = b.indicator(b.equal(updates, gather(result)), updates),
          part = b.div(dy, scatter(isData, isUpdate, "add"));
    // A place whose extreme is neither (NaN) has no part to give.
    return {b.mul(part, isData), b.mul(gather(part), isUpdate)};
  }
};
} // namespace

SmallVector<Value> ScatterElementsOp::differentiate(GradientBuilder &b,
                                                    ValueRange dy) {
  auto gather = [&](Value from) {
    return b.make<GatherElementsOp>(from, getIndices(), getAxis());
  };
  auto scatter = [&](Value to, Value updates, StringRef reduction) {
    return b.make<ScatterElementsOp>(to, getIndices(), updates, getAxis(),
                                     reduction);
  };
  auto [byData, byUpdates] =
      Scatter{b, getData(), getUpdates(), getOutput(), dy[0], gather, scatter}
          .through(getReduction());
  return {byData, Value(), byUpdates};
}

SmallVector<Value> ScatterNDOp::differentiate(GradientBuilder &b,
                                              ValueRange dy) {
  auto gather = [&](Value from) {
    return b.make<GatherNDOp>(from, getIndices(), /*batch_dims=*/0);
  };
  auto scatter = [&](Value to, Value updates, StringRef reduction) {
    return b.make<ScatterNDOp>(to, getIndices(), updates, reduction);
  };
  auto [byData, byUpdates] =
      Scatter{b, getData(), getUpdates(), getOutput(), dy[0], gather, scatter}
          .through(getReduction());
  return {byData, Value(), byUpdates};
}

// An update of L elements lies at start, start + 1, ... along the axis.
SmallVector<Value> TensorScatterOp::differentiate(GradientBuilder &b,
                                                  ValueRange dy) {
  Value update = getUpdate();
  int64_t axis = b.positiveAxis(getAxis(), update), rank = b.rank(update);
  Value length = b.reshape(b.shapeOf(update, axis, axis + 1), {}),
        places = b.make<RangeOp>(b.integer(0), length, b.integer(1));
  if (getWriteIndices()) {
    Value starts = b.castAs(getWriteIndices(), places);
    places = b.add(b.unsqueeze(starts, {1}), places);
    if (getMode() == "circular")
      places = b.make<ModOp>(places, b.shapeOf(getPastCache(), axis, axis + 1),
                             /*fmod=*/0);
  } else {
    places = b.unsqueeze(places, {0});
  }
  SmallVector<int64_t> more;
  for (int64_t each = 1; each < rank; ++each)
    if (each != axis)
      more.push_back(each);
  places =
      b.expandAs(more.empty() ? places : b.unsqueeze(places, more), update);
  SmallVector<Value> gradients(2);
  if (b.wants(getPastCache()))
    gradients[0] = b.make<ScatterElementsOp>(dy[0], places, b.zerosLike(update),
                                             axis, "none");
  if (b.wants(update))
    gradients[1] = b.make<GatherElementsOp>(dy[0], places, axis);
  return gradients;
}

// Elements go back to where they were.
SmallVector<Value> CompressOp::differentiate(GradientBuilder &b,
                                             ValueRange dy) {
  Value places = b.make<CompressOp>(b.positions(getInput()), getCondition(),
                                    getAxisAttr());
  return {b.addAt(getInput(), places, dy[0])};
}

// Of equal slices the first gives its values.
SmallVector<Value> UniqueOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value places = getIndices();
  if (!places) {
    // The operator of the network finds out where they are, too.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(*this);
    Type unknown = UnrankedTensorType::get(b.getF32Type());
    auto type = [&](Value result) { return result ? unknown : Type(); };
    auto unique =
        UniqueOp::create(static_cast<OpBuilder &>(b), getLoc(), unknown,
                         unknown, type(getInverseIndices()), type(getCounts()),
                         getX(), getAxisAttr(), getSortedAttr());
    (void)b.scope.infer(unique);
    places = unique.getIndices();
    getY().replaceAllUsesWith(unique.getY());
    for (auto [old, now] :
         {std::pair(getInverseIndices(), unique.getInverseIndices()),
          std::pair(getCounts(), unique.getCounts())})
      if (old)
        old.replaceAllUsesWith(now);
  }
  Value all = b.positions(getX()),
        kept = getAxis() ? b.make<GatherOp>(all, places, *getAxis())
                         : b.make<GatherOp>(b.flatten(all), places, 0);
  return {b.addAt(getX(), kept, dy[0])};
}

// The second value counts where the index is, the first elsewhere.
SmallVector<Value> OneHotOp::differentiate(GradientBuilder &b, ValueRange dy) {
  Value marks = b.concat({b.reshape(b.number(dy[0], 0), {1}),
                          b.reshape(b.number(dy[0], 1), {1})},
                         0),
        rows = b.make<OneHotOp>(getIndices(), getDepth(), marks, getAxis()),
        on = b.sumAll(b.mul(dy[0], rows)), off = b.sub(b.sumAll(dy[0]), on);
  return {Value(), Value(),
          b.concat({b.reshape(off, {1}), b.reshape(on, {1})}, 0)};
}
