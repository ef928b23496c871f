// RunTimeAxes.cpp - operators whose axes are data. Ranks are known all the
// same, and so the result is: sizes are computed.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

constexpr int64_t kInt64 = onnx::TensorProto::INT64;

// 0, 1, ... as a row or a column
Value row(Expansion &e, int64_t count) {
  return e.reshape(e.integers(llvm::to_vector(llvm::seq<int64_t>(count))),
                   {int64_t(1), count});
}
Value column(Expansion &e, int64_t count) {
  return e.reshape(e.integers(llvm::to_vector(llvm::seq<int64_t>(count))),
                   {count, int64_t(1)});
}

// For each of `rank` axes, whether it is among `axes`, as i1.
Value among(Expansion &e, Value axes, int64_t rank) {
  axes = e("Reshape", {e.cast(axes, kInt64), e.integers({-1, 1})});
  Value counted = e("Where", {e("Less", {axes, e.integer(0)}),
                              e.add(axes, e.integer(rank)), axes});
  Value matches = e.cast(e("Equal", {counted, row(e, rank)}), kInt64);
  return e("Greater", {e.reduce("ReduceSum", matches, 0, /*keepDims=*/false),
                       e.integer(0)});
}

// For each axis, how many axes before it are not flagged.
Value unflaggedBefore(Expansion &e, Value flags, int64_t rank) {
  Value before = e("Less", {row(e, rank), column(e, rank)});
  Value counts = e("And", {before, e("Not", flags)});
  return e.reduce("ReduceSum", e.cast(counts, kInt64), 1, /*keepDims=*/false);
}

// The shape without the flagged axes, `count` of which are left.
Value shapeWithout(Expansion &e, Value shape, Value flags, int64_t rank,
                   int64_t count) {
  Value position =
      e.reshape(unflaggedBefore(e, flags, rank), {int64_t(1), rank});
  Value stays =
      e("And", {e("Equal", {position, column(e, count)}), e("Not", flags)});
  return e.reduce("ReduceSum", e("Where", {stays, shape, e.integer(0)}), 1,
                  /*keepDims=*/false);
}

SmallVector<Value> squeeze(Expansion &e) {
  Value x = e.operand(0), axes = e.operand(1);
  int64_t rank = Expansion::rank(x);
  std::optional<int64_t> count =
      Expansion::rank(axes) == 0 ? 1 : Expansion::size(axes, 0);
  if (!count && e.declaredRank() && *e.declaredRank() <= rank) {
    count = rank - *e.declaredRank();
    axes = e.reshape(axes, {*count});
  }
  if (!count || *count > rank)
    return e.refuse(
        "axes are not known when compiling, nor how many there are");
  Value shape = shapeWithout(e, e.shape(e.extents(x)), among(e, axes, rank),
                             rank, rank - *count);
  return {e("Reshape", {x, shape}, {{"allowzero", int64_t(1)}})};
}

SmallVector<Value> unsqueeze(Expansion &e) {
  Value x = e.operand(0), axes = e.operand(1);
  int64_t rank = Expansion::rank(x);
  std::optional<int64_t> count =
      Expansion::rank(axes) == 0 ? 1 : Expansion::size(axes, 0);
  if (!count && e.declaredRank() && *e.declaredRank() >= rank) {
    count = *e.declaredRank() - rank;
    axes = e.reshape(axes, {*count});
  }
  if (!count)
    return e.refuse(
        "axes are not known when compiling, nor how many there are");
  constexpr int64_t kMostAxes = 64; // as of any value
  if (*count > kMostAxes - rank)
    return e.refuse("the result would have " + Twine(*count) +
                    " axes more than rank " + Twine(rank));
  int64_t whole = rank + *count;
  Value isNew = among(e, axes, whole);
  Value source =
      e.reshape(unflaggedBefore(e, isNew, whole), {whole, int64_t(1)});
  Value taken = e("Where", {e("Equal", {source, row(e, rank)}),
                            e.shape(e.extents(x)), e.integer(0)});
  Value shape =
      e("Where", {isNew, e.integer(1),
                  e.reduce("ReduceSum", taken, 1, /*keepDims=*/false)});
  return {e("Reshape", {x, shape}, {{"allowzero", int64_t(1)}})};
}

} // namespace

ExpandFunction findRunTimeForm(StringRef op) {
  static const ExpandTable table = [] {
    ExpandTable forms;
    forms["Squeeze"] = squeeze;
    forms["Unsqueeze"] = unsqueeze;
    return forms;
  }();
  return table.lookup(op);
}

} // namespace burnish::onnx_import
