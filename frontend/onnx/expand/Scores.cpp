// Scores.cpp - what models of ai.onnx.ml do with the scores of targets or
// classes.
#include "frontend/onnx/expand/Scores.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

Value featureRows(Expansion &e, Value x, int64_t type) {
  int64_t rank = Expansion::rank(x);
  if (rank == 1)
    x = e("Unsqueeze", {x, e.integers(0)});
  else if (rank != 2)
    return e.fail("X has rank " + Twine(rank) + " instead of 2");
  return e.cast(x, type);
}

Value featureRows(Expansion &e, Value x, int64_t type, int64_t columns) {
  Value rows = featureRows(e, x, type);
  if (!isa<mlir::RankedTensorType>(rows.getType()))
    return rows;
  std::optional<int64_t> size = Expansion::size(rows, 1);
  if (!size)
    return e.reshape(rows, {e.extent(rows, 0), columns});
  return *size == columns
             ? rows
             : e.fail("X has " + Twine(*size) +
                      " columns, and the model is of " + Twine(columns));
}

bool isTransform(Expansion &e, StringRef transform) {
  for (StringRef known :
       {"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"})
    if (transform == known)
      return true;
  e.fail("post_transform '" + transform + "' is unknown");
  return false;
}

// erfinv(y) by v = 2 / (pi a) + log(1 - y^2) / 2, with the digits that ONNX
// Runtime has of pi and a.
Value probit(Expansion &e, Value x) {
  constexpr double kA = 0.147, kPi = 3.14159, kRoot = 1.41421356;
  auto number = [&](double value) { return e.scalar(value, x); };
  Value y = e.sub(e.mul(x, number(2)), number(1));
  Value log = e("Log", e.mul(e.sub(number(1), y), e.add(number(1), y)));
  Value v = e.add(e.mul(log, number(0.5)), number(2 / (kPi * kA)));
  Value root = e("Sqrt", e.sub(e.mul(v, v), e.mul(log, number(1 / kA))));
  Value size = e("Sqrt", e.sub(root, v));
  Value isBelow = e("Less", {y, number(0)});
  return e.mul(e("Where", {isBelow, e("Neg", size), size}), number(kRoot));
}

// Softmax over what is not zero; ONNX Runtime calls zero what is nearer than
// 1e-7.
static Value softmaxZero(Expansion &e, Value x) {
  Value greatest = e.reduce("ReduceMax", x, {1});
  Value exponentials = e("Exp", e.sub(x, greatest));
  Value isOther = e("Greater", {e("Abs", x), e.scalar(1e-7, x)});
  Value sum = e.reduce(
      "ReduceSum", e("Where", {isOther, exponentials, e.scalar(0, x)}), {1});
  Value small = e.mul(x, e("Exp", e("Neg", greatest)));
  return e.div(e("Where", {isOther, exponentials, small}), sum);
}

Value transformed(Expansion &e, Value scores, StringRef transform) {
  if (transform == "LOGISTIC")
    return e("Sigmoid", scores);
  if (transform == "SOFTMAX")
    return e("Softmax", scores, {{"axis", int64_t(1)}});
  if (transform == "SOFTMAX_ZERO")
    return softmaxZero(e, scores);
  return transform == "PROBIT" ? probit(e, scores) : scores;
}

Value transformedTargets(Expansion &e, Value scores, int64_t targets,
                         StringRef transform) {
  return targets > 1 || transform == "PROBIT"
             ? transformed(e, scores, transform)
             : scores;
}

std::optional<SmallVector<int64_t>> classLabels(Expansion &e, StringRef name) {
  int64_t strings = e.stringsAttr("classlabels_strings").size();
  if (strings == 1) {
    e.fail("a single class label that is a string is not supported");
    return std::nullopt;
  }
  if (strings > 0)
    return llvm::to_vector(llvm::seq(strings));
  SmallVector<int64_t> labels = e.intsAttr(name);
  if (labels.empty()) {
    e.fail("attribute '" + name + "' is missing");
    return std::nullopt;
  }
  return labels;
}

SmallVector<Value> withStringLabels(Expansion &e, SmallVector<Value> results) {
  SmallVector<StringRef> labels = e.stringsAttr("classlabels_strings");
  if (!labels.empty() && isa<mlir::RankedTensorType>(results[0].getType()))
    results[0] =
        e("Gather", {e.strings(labels, int64_t(labels.size())), results[0]},
          {{"axis", int64_t(0)}});
  return results;
}

Value labelAt(Expansion &e, ArrayRef<int64_t> labels, Value index) {
  return e("Gather", {e.integers(labels), index}, {{"axis", int64_t(0)}});
}

Value labelIf(Expansion &e, Value condition, int64_t whenTrue,
              int64_t otherwise) {
  return e("Where", {condition, e.integer(whenTrue), e.integer(otherwise)});
}

Value greatestLabel(Expansion &e, ArrayRef<int64_t> labels, Value scores) {
  return labelAt(
      e, labels,
      e("ArgMax", scores, {{"axis", int64_t(1)}, {"keepdims", int64_t(0)}}));
}

Value columns(Expansion &e, Value matrix, int64_t from, int64_t to) {
  return e("Slice",
           {matrix, e.integers(from), e.integers(to), e.integers(int64_t(1))});
}

Value sideBySide(Expansion &e, ArrayRef<Value> matrices) {
  return e("Concat", matrices, {{"axis", int64_t(1)}});
}

Value asList(Expansion &e, Value column) {
  return e("Squeeze", {column, e.integers(int64_t(1))});
}

} // namespace burnish::onnx_import
