// Losses.cpp - losses that are made of others.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

void addLosses(ExpandTable &table) {
  table["SoftmaxCrossEntropyLoss"] = [](Expansion &e) -> SmallVector<Value> {
    Value logarithms = e("LogSoftmax", e.operand(0), {{"axis", int64_t(1)}});
    SmallVector<Attr> attributes{
        {"reduction", e.stringAttr("reduction", "mean")}};
    if (findAttribute(e.node, "ignore_index"))
      attributes.push_back({"ignore_index", e.intAttr("ignore_index", 0)});
    return {e("NegativeLogLikelihoodLoss",
              {logarithms, e.operand(1), e.operand(2)}, attributes),
            logarithms};
  };
}

} // namespace burnish::onnx_import
