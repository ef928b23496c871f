// Features.cpp - what ai.onnx.ml does with features before and after models.
#include "frontend/onnx/expand/Scores.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

// One number, or one for each column of X; null after a diagnostic.
Value byColumn(Expansion &e, StringRef name, Value numbers, Value x) {
  std::optional<int64_t> count = Expansion::size(numbers, 0),
                         columns = Expansion::size(x, -1);
  if (*count == 1)
    return e.reshape(numbers, ArrayRef<Extent>());
  if (Expansion::rank(x) == 0 || *count == 0 ||
      (columns && *count != *columns)) {
    e.fail("'" + name + "' has " + Twine(*count) + " elements for " +
           (columns ? Twine(*columns) : Twine("as many")) + " columns");
    return {};
  }
  return numbers;
}

Value listOf(Expansion &e, StringRef name, mlir::Type type) {
  SmallVector<double> values = e.numbersAttr(name);
  return e.floats(values, int64_t(values.size()), type);
}

// (X - offset) * scale, f32
SmallVector<Value> scaler(Expansion &e) {
  Value x = e.operand(0);
  if (Expansion::onnxType(x) != TensorProto::DOUBLE)
    x = e.cast(x, TensorProto::FLOAT);
  mlir::Type type = Expansion::elementType(x);
  Value offset = byColumn(e, "offset", listOf(e, "offset", type), x),
        scale = byColumn(e, "scale", listOf(e, "scale", type), x);
  if (!offset || !scale)
    return {e.poison()};
  return {e.cast(e.mul(e.sub(x, offset), scale), TensorProto::FLOAT)};
}

// Each row over its greatest element or its norm; rows of zeros stay.
SmallVector<Value> normalizer(Expansion &e) {
  Value x = e.cast(e.operand(0), TensorProto::FLOAT);
  std::string norm = e.stringAttr("norm", "MAX");
  int64_t rank = Expansion::rank(x);
  if (rank != 1 && rank != 2)
    return e.refuse("X has rank " + Twine(rank) + " instead of 1 or 2");
  StringRef op = StringSwitch<StringRef>(norm)
                     .Case("MAX", "ReduceMax")
                     .Case("L1", "ReduceL1")
                     .Case("L2", "ReduceL2")
                     .Default("");
  if (op.empty())
    return e.refuse("norm '" + norm + "' is unknown");
  Value size = e.reduce(op, x, {rank - 1});
  Value isZero = e("Equal", {size, e.scalar(0, size)});
  return {e.div(x, e("Where", {isZero, e.scalar(1, size), size}))};
}

SmallVector<Value> binarizer(Expansion &e) {
  Value x = e.operand(0);
  Value wide = e.cast(x, Expansion::onnxType(x) == TensorProto::DOUBLE
                             ? TensorProto::DOUBLE
                             : TensorProto::FLOAT);
  Value isAbove =
      e("Greater", {wide, e.scalar(e.floatAttr("threshold", 0), wide)});
  return {e.cast(isAbove, Expansion::onnxType(x))};
}

SmallVector<Value> imputer(Expansion &e) {
  Value x = e.operand(0), values, isMissing;
  if (isa<mlir::FloatType>(Expansion::elementType(x))) {
    float replaced = e.floatAttr("replaced_value_float", 0);
    values = listOf(e, "imputed_value_floats", Expansion::elementType(x));
    isMissing = std::isnan(replaced) ? e("IsNaN", x)
                                     : e("Equal", {x, e.scalar(replaced, x)});
  } else {
    Value replaced = e.integer(e.intAttr("replaced_value_int64", 0));
    values = e.cast(e.integers(e.intsAttr("imputed_value_int64s")),
                    Expansion::onnxType(x));
    isMissing = e("Equal", {x, e.cast(replaced, Expansion::onnxType(x))});
  }
  values = byColumn(e, "imputed_value", values, x);
  if (!values)
    return {e.poison()};
  return {e("Where", {isMissing, values, x})};
}

// Columns of all operands side by side, f32. An operand that has more columns
// than it is said to have loses the last ones, one that has fewer gets zeros.
SmallVector<Value> featureVectorizer(Expansion &e) {
  SmallVector<int64_t> widths = e.intsAttr("inputdimensions");
  if (!widths.empty() && widths.size() != e.operands.size())
    return e.refuse("'inputdimensions' has " + Twine(widths.size()) +
                    " elements for " + Twine(e.operands.size()) + " inputs");
  SmallVector<Value> parts;
  for (auto [index, x] : enumerate(e.operands)) {
    SmallVector<Extent> sizes = e.extents(x);
    if (sizes.empty())
      return e.refuse("an input has rank 0");
    Value rows = e.reshape(e.cast(x, TensorProto::FLOAT),
                           {sizes[0], e.product(ArrayRef(sizes).drop_front())});
    std::optional<int64_t> columns = Expansion::size(rows, 1);
    int64_t wanted = widths.empty() ? columns.value_or(0) : widths[index];
    if (wanted < 0)
      return e.refuse("'inputdimensions' has " + Twine(wanted));
    if (!widths.empty() && columns != wanted) {
      if (!columns)
        rows = e.reshape(rows, {sizes[0], wanted});
      else if (*columns > wanted)
        rows = burnish::onnx_import::columns(e, rows, 0, wanted);
      else
        rows = e("Pad", {rows, e.integers({0, 0, 0, wanted - *columns})});
    }
    parts.push_back(rows);
  }
  return {sideBySide(e, parts)};
}

// Elements of the last axis; of a list a matrix of one row.
SmallVector<Value> arrayFeatureExtractor(Expansion &e) {
  Value x = e.operand(0), places = e.operand(1);
  if (Expansion::rank(x) == 0)
    return e.refuse("X has rank 0");
  places = e.reshape(places, e.product(e.extents(places)));
  if (Expansion::rank(x) == 1)
    x = e("Unsqueeze", {x, e.integers(int64_t(0))});
  return {e("Gather", {x, places}, {{"axis", int64_t(-1)}})};
}

// A list of maps from labels to scores is given as the scores.
SmallVector<Value> zipMap(Expansion &e) {
  e.remark("gives the scores in the order of the labels, not maps");
  return {e.operand(0)};
}

} // namespace

void addFeatures(ExpandTable &table) {
  table["ai.onnx.ml.ArrayFeatureExtractor"] = arrayFeatureExtractor;
  table["ai.onnx.ml.Binarizer"] = binarizer;
  table["ai.onnx.ml.FeatureVectorizer"] = featureVectorizer;
  table["ai.onnx.ml.Imputer"] = imputer;
  table["ai.onnx.ml.Normalizer"] = normalizer;
  table["ai.onnx.ml.Scaler"] = scaler;
  table["ai.onnx.ml.ZipMap"] = zipMap;
}

} // namespace burnish::onnx_import
