// Reductions.cpp - norms and logarithms of sums, pooling over everything, and
// one-hot forms of extremes.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// The same reduction with another function: `axes` and attributes as the node
// has them.
static Value reduceLike(Expansion &e, StringRef op, Value data) {
  SmallVector<Attr> attributes{
      {"keepdims", e.intAttr("keepdims", 1)},
      {"noop_with_empty_axes", e.intAttr("noop_with_empty_axes", 0)}};
  return e(op, {data, e.operand(1)}, attributes);
}

// Whether the node reduces nothing, and only its function of the elements is
// left.
static bool isNoop(Expansion &e) {
  return e.intAttr("noop_with_empty_axes", 0) &&
         (!e.operand(1) || Expansion::size(e.operand(1), 0) == 0);
}

// What roots and logarithms of sums are computed in. Squares of 16 bits
// overflow from 256 on, and the root of their sum does not; of integers ONNX
// wants the whole part.
static Value widened(Value x, Expansion &e) {
  mlir::Type type = Expansion::elementType(x);
  if (type.isF16())
    return e.cast(x, onnx::TensorProto::FLOAT);
  return type.isInteger() ? e.cast(x, onnx::TensorProto::DOUBLE) : x;
}

static SmallVector<int64_t> spatialAxes(Value x) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 2; axis < Expansion::rank(x); ++axis)
    axes.push_back(axis);
  return axes;
}

void addReductions(ExpandTable &table) {
  table["ReduceL1"] = [](Expansion &e) -> SmallVector<Value> {
    return {reduceLike(e, "ReduceSum", e("Abs", e.operand(0)))};
  };
  table["ReduceL2"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = widened(e.operand(0), e);
    Value root = e("Sqrt", reduceLike(e, "ReduceSum", e.mul(x, x)));
    return {e.cast(root, Expansion::onnxType(e.operand(0)))};
  };
  table["ReduceSumSquare"] = [](Expansion &e) -> SmallVector<Value> {
    return {reduceLike(e, "ReduceSum", e.mul(e.operand(0), e.operand(0)))};
  };
  table["ReduceLogSum"] = [](Expansion &e) -> SmallVector<Value> {
    Value sum = reduceLike(e, "ReduceSum", widened(e.operand(0), e));
    return {e.cast(e("Log", sum), Expansion::onnxType(e.operand(0)))};
  };
  // log(sum(exp(x))) = max + log(sum(exp(x - max))), which does not overflow.
  // Where the maximum is infinite the difference would be NaN, and 0 is taken
  // for it.
  table["ReduceLogSumExp"] = [](Expansion &e) -> SmallVector<Value> {
    if (isNoop(e))
      return {e("Identity", e.operand(0))};
    Value x = widened(e.operand(0), e);
    Value most = e("ReduceMax", {x, e.operand(1)}, {{"keepdims", int64_t(1)}});
    Value finite = e("Where", {e("IsInf", most), e.scalar(0, most), most});
    Value sum = reduceLike(e, "ReduceSum", e("Exp", e.sub(x, finite)));
    Value kept =
        e.intAttr("keepdims", 1) ? finite : reduceLike(e, "ReduceMax", finite);
    return {
        e.cast(e.add(e("Log", sum), kept), Expansion::onnxType(e.operand(0)))};
  };

  table["GlobalAveragePool"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.reduce("ReduceMean", e.operand(0), spatialAxes(e.operand(0)))};
  };
  table["GlobalMaxPool"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.reduce("ReduceMax", e.operand(0), spatialAxes(e.operand(0)))};
  };
  table["GlobalLpPool"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    int64_t p = e.intAttr("p", 2);
    if (p == 1 || p == 2)
      return {e.reduce(p == 1 ? "ReduceL1" : "ReduceL2", x, spatialAxes(x))};
    Value sum = e.reduce("ReduceSum", e("Pow", {e("Abs", x), e.scalar(p, x)}),
                         spatialAxes(x));
    return {e("Pow", {sum, e.scalar(1.0 / p, x)})};
  };

  // 1 at the first greatest element along the axis, else 0
  table["Hardmax"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    std::optional<int64_t> axis =
        e.axis(e.intAttr("axis", -1), Expansion::rank(x));
    if (!axis)
      return {e.poison()};
    // None is the greatest of none.
    if (Expansion::size(x, *axis) == 0)
      return {e("Identity", x)};
    Value best = e("ArgMax", x, {{"axis", *axis}, {"keepdims", int64_t(1)}});
    SmallVector<Extent> along(Expansion::rank(x), int64_t(1));
    along[*axis] = e.extent(x, *axis);
    Extent size = along[*axis];
    Value limit = std::holds_alternative<int64_t>(size)
                      ? e.integer(std::get<int64_t>(size))
                      : e.reshape(std::get<Value>(size), {});
    Value places =
        e.reshape(e("Range", {e.integer(0), limit, e.integer(1)}), along);
    return {e.cast(e("Equal", {places, best}), Expansion::onnxType(x))};
  };
}

} // namespace burnish::onnx_import
