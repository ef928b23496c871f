// Expand.cpp - what expansions are written with, and the table of them.
#include "frontend/onnx/Expand.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Types.h"

using namespace mlir;

namespace burnish::onnx_import {

SmallVector<Value> Expansion::many(unsigned count, StringRef op, ArrayRef<Value> operands, ArrayRef<Attr> attributes) {
  onnx::NodeProto built;
  built.set_op_type(op.str());
  for (unsigned i = 0; i < count; ++i)
    built.add_output(std::to_string(i));
  for (const Attr &attribute : attributes)
    std::visit([&](const auto &value) { setAttribute(built, attribute.name, value); }, attribute.value);
  SmallVector<Value> results = importer.core(built, operands);
  results.resize(count, importer.poison());
  return results;
}

Value Expansion::scalar(double value, Type elementType) { return importer.builder.scalar(elementType, value); }
Value Expansion::scalar(double value, Value like) { return scalar(value, elementType(like)); }
Value Expansion::integers(ArrayRef<int64_t> values) { return importer.builder.integers(values); }
Value Expansion::integer(int64_t value) { return scalar(static_cast<double>(value), importer.builder.getI64Type()); }

int64_t Expansion::rank(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : 0;
}

int64_t Expansion::onnxType(Value value) { return nn::onnxType(elementType(value)); }

std::optional<int64_t> Expansion::size(Value value, int64_t axis) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || axis >= type.getRank() || axis < -type.getRank())
    return std::nullopt;
  int64_t size = type.getDimSize(axis < 0 ? axis + type.getRank() : axis);
  return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
}

std::optional<SmallVector<int64_t>> Expansion::known(Value value) {
  if (!value || !isa<RankedTensorType>(value.getType()))
    return std::nullopt;
  return importer.builder.scope.integers(value);
}

Value Expansion::sizeOf(Value value, int64_t axis) {
  if (axis < 0)
    axis += rank(value);
  if (std::optional<int64_t> known = size(value, axis))
    return integers(*known);
  return (*this)("Shape", value, {{"start", axis}, {"end", axis + 1}});
}

Value Expansion::cast(Value value, int64_t type) {
  return onnxType(value) == type ? value : (*this)("Cast", value, {{"to", type}});
}

Value Expansion::fail(const Twine &reason) {
  importer.problem(reason, "", operands);
  return importer.poison();
}

Value Expansion::poison() { return importer.poison(); }

ExpandFunction findExpansion(StringRef op) {
  static const ExpandTable table = [] {
    ExpandTable all;
    addActivations(all);
    addContractions(all);
    addLayouts(all);
    addNormalizations(all);
    addReductions(all);
    return all;
  }();
  return table.lookup(op);
}

} // namespace burnish::onnx_import
