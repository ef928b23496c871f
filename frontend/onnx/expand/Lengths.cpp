// Lengths.cpp - lists whose number of elements follows from the operator.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

/// A list, by its place among the operands, and how long it must be.
struct List {
  size_t operand;
  int64_t length;
};

std::optional<List> listOf(const Expansion &e) {
  if (!e.operand(0))
    return std::nullopt;
  StringRef op = e.node.op_type();
  if (op == "Split")
    return List{1, e.node.output_size()};
  int64_t rank = Expansion::rank(e.operand(0));
  if (op == "Tile")
    return List{1, rank};
  if (op == "MaxUnpool")
    return List{2, rank};
  if (op == "CenterCropPad") {
    for (const auto &attribute : e.node.attribute())
      if (attribute.name() == "axes")
        return List{1, attribute.ints_size()};
    return List{1, rank};
  }
  if (op == "Pad") {
    Value axes = e.operand(3);
    if (!axes)
      return List{1, 2 * rank};
    if (Expansion::rank(axes) == 1)
      if (std::optional<int64_t> count = Expansion::size(axes, 0))
        return List{1, 2 * *count};
  }
  return std::nullopt;
}

} // namespace

SmallVector<Value> withKnownLengths(Expansion &e) {
  SmallVector<Value> operands(e.operands);
  std::optional<List> list = listOf(e);
  if (!list)
    return operands;
  Value value = e.operand(list->operand);
  if (value && Expansion::rank(value) == 1 && !Expansion::size(value, 0))
    operands[list->operand] = e.reshape(value, {list->length});
  return operands;
}

} // namespace burnish::onnx_import
