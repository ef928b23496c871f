// Arithmetic.cpp - operators over elements that are a few of the core's.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

void addArithmetic(ExpandTable &table) {
  table["Mean"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.div(e("Sum", e.operands), e.scalar(e.operands.size(), e.operand(0)))};
  };
  table["CastLike"] = [](Expansion &e) -> SmallVector<Value> {
    SmallVector<Attr> attributes{{"to", Expansion::onnxType(e.operand(1))}};
    if (findAttribute(e.node, "saturate"))
      attributes.push_back({"saturate", e.intAttr("saturate", 1)});
    if (findAttribute(e.node, "round_mode"))
      attributes.push_back({"round_mode", e.stringAttr("round_mode", "up")});
    return {e("Cast", e.operand(0), attributes)};
  };
  // Outside training nothing is dropped.
  table["Dropout"] = [](Expansion &e) -> SmallVector<Value> {
    if (Value training = e.operand(2)) {
      std::optional<SmallVector<int64_t>> known = e.known(training);
      if (!known || known->size() != 1 || known->front())
        return e.refuse("dropout in training is not supported");
    }
    Value x = e.operand(0), yes = e.scalar(1, mlir::IntegerType::get(x.getContext(), 1));
    SmallVector<Value> results{e("Identity", x)};
    if (e.node.output_size() > 1)
      results.push_back(e.expandTo(yes, e.extents(x)));
    return results;
  };
}

} // namespace burnish::onnx_import
