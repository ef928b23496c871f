// Lengths.cpp - lists whose number of elements follows from the operator.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

constexpr int64_t kInt64 = onnx::TensorProto::INT64;

/// A list, by its place among the operands, and how long it must be.
struct List {
  size_t operand;
  int64_t length;
};

SmallVector<List, 1> listsOf(const Expansion &e) {
  if (!e.operand(0))
    return {};
  StringRef op = e.node.op_type();
  if (op == "Split")
    return {{1, e.node.output_size()}};
  if (op == "Range")
    return {{0, 1}, {1, 1}, {2, 1}};
  std::optional<int64_t> declared = e.declaredRank();
  if (op == "ConstantOfShape" && declared)
    return {{0, *declared}};
  if (op == "Reshape" && declared)
    return {{1, *declared}};
  if (op == "Col2Im" && declared)
    return {{1, *declared - 2}, {2, *declared - 2}};
  int64_t rank = Expansion::rank(e.operand(0));
  // A shorter list is as good there as one of this rank.
  if (op == "Expand" && declared && *declared > rank)
    return {{1, *declared}};
  if (op.starts_with("Reduce") && declared && e.intAttr("keepdims", 1) == 0)
    return {{1, rank - *declared}};
  if (op == "Tile")
    return {{1, rank}};
  if (op == "MaxUnpool")
    return {{2, rank}};
  if (op == "CenterCropPad") {
    for (const auto &attribute : e.node.attribute())
      if (attribute.name() == "axes")
        return {{1, attribute.ints_size()}};
    return {{1, rank}};
  }
  if (op == "Pad") {
    Value axes = e.operand(3);
    if (!axes)
      return {{1, 2 * rank}};
    if (Expansion::rank(axes) == 1)
      if (std::optional<int64_t> count = Expansion::size(axes, 0))
        return {{1, 2 * *count}};
  }
  return {};
}

bool isOfRun(Value list) {
  return list && Expansion::rank(list) == 1 && !Expansion::size(list, 0);
}

// A list with ones before it, so that it has `length` elements; the run fails
// where it has more.
Value withOnesBefore(Expansion &e, Value list, int64_t length) {
  SmallVector<int64_t> ones(length, 1);
  Value more = e("Slice", {e.integers(ones), e("Shape", {list}),
                           e.integers({length}), e.integers({0})});
  return e.reshape(e.concat({more, list}, 0), {length});
}

// What a list has for the axes that another names, and `otherwise` for those
// that it does not.
Value forAllAxes(Expansion &e, Value list, Value axes, int64_t otherwise,
                 int64_t rank) {
  Value all = e.integers(SmallVector<int64_t>(rank, otherwise));
  return e("ScatterElements", {all, axes, e.cast(list, kInt64)});
}

// Axes and widths, as many as only the run knows: a width for each axis.
void padAllAxes(Expansion &e, SmallVectorImpl<Value> &operands) {
  int64_t rank = Expansion::rank(operands[0]);
  Value widths = operands[1], axes = e.cast(operands[3], kInt64),
        count = e("Shape", {axes}), first = e.integers({0});
  Value low = e("Slice", {widths, first, count, first}),
        high = e("Slice", {widths, count, e("Shape", {widths}), first});
  operands[1] = e.concat(
      {forAllAxes(e, low, axes, 0, rank), forAllAxes(e, high, axes, 0, rank)},
      0);
  operands[3] = Value();
}

// The same of a slice: whole along the axes that it does not name.
void sliceAllAxes(Expansion &e, SmallVectorImpl<Value> &operands) {
  int64_t rank = Expansion::rank(operands[0]);
  operands.resize(5);
  Value axes =
      operands[3]
          ? e.cast(operands[3], kInt64)
          : e("Range", {e.integer(0), e.reshape(e("Shape", {operands[1]}), {}),
                        e.integer(1)});
  Value starts = forAllAxes(e, operands[1], axes, 0, rank),
        ends = forAllAxes(e, operands[2], axes, INT64_MAX, rank);
  operands[3] = e.integers(llvm::to_vector(llvm::seq<int64_t>(rank)));
  if (operands[4])
    operands[4] = forAllAxes(e, operands[4], axes, 1, rank);
  operands[1] = starts;
  operands[2] = ends;
}

// A signal whose last axis is one real part or two parts, as one of two.
Value withBothParts(Expansion &e, Value signal) {
  SmallVector<Extent> sizes = e.extents(signal);
  Value parts = e.shape({sizes.back()});
  sizes.back() = int64_t(1);
  Value zeros = e.expandTo(e.scalar(0, signal), sizes);
  // One element, none, or a size that nothing can have two parts with.
  Value missing = e("Slice", {zeros, e.integers({0}),
                              e.sub(e.integers({2}), parts), e.integers({-1})});
  sizes.back() = int64_t(2);
  return e.reshape(e.concat({signal, missing}, -1), sizes);
}

// Indices in rows, which name so many of `rank` axes that the rest of these
// and the rows' own are `whole`.
Value withRowsFor(Expansion &e, Value indices, int64_t rank, int64_t whole) {
  if (!indices || Expansion::rank(indices) == 0 || Expansion::size(indices, -1))
    return indices;
  int64_t length = rank + Expansion::rank(indices) - 1 - whole;
  if (length <= 0)
    return indices;
  SmallVector<Extent> sizes = e.extents(indices);
  sizes.back() = length;
  return e.reshape(indices, sizes);
}

} // namespace

SmallVector<Value> withKnownLengths(Expansion &e) {
  SmallVector<Value> operands(e.operands);
  for (const List &list : listsOf(e))
    if (Value value = e.operand(list.operand);
        isOfRun(value) && list.length >= 0)
      operands[list.operand] = e.reshape(value, {list.length});
  StringRef op = e.node.op_type();
  if (operands.empty() || !operands[0])
    return operands;
  int64_t rank = Expansion::rank(operands[0]);
  std::optional<int64_t> declared = e.declaredRank();
  if (op == "Expand" && isOfRun(operands[1]) && declared == rank)
    operands[1] = withOnesBefore(e, operands[1], rank);
  if (op == "Pad" && isOfRun(e.operand(3)))
    padAllAxes(e, operands);
  if (op == "Slice" &&
      (isOfRun(e.operand(1)) || isOfRun(e.operand(2)) || isOfRun(e.operand(3))))
    sliceAllAxes(e, operands);
  if (op == "DFT" && rank > 0 && !Expansion::size(operands[0], -1))
    operands[0] = withBothParts(e, operands[0]);
  // The axes that a row of indices does not name are those of what it names;
  // of a single axis it cannot but name that.
  if (op == "GatherND" && operands[1]) {
    int64_t named = rank - e.intAttr("batch_dims", 0);
    if (declared || named == 1)
      operands[1] =
          withRowsFor(e, operands[1], named,
                      declared.value_or(Expansion::rank(operands[1]) - 1));
  }
  if (op == "ScatterND" && e.operand(2))
    operands[1] =
        withRowsFor(e, operands[1], rank, Expansion::rank(operands[2]));
  return operands;
}

} // namespace burnish::onnx_import
