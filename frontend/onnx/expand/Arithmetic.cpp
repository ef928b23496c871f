// Arithmetic.cpp - operators over elements that are a few of the core's.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// mask = !training || random >= ratio; x * mask / (training ? 1 - ratio : 1)
static SmallVector<Value> trainingDropout(Expansion &e) {
  Value x = e.operand(0), training = e.operand(2), one = e.scalar(1, x);
  Value ratio = e.operand(1) ? e.cast(e.operand(1), Expansion::onnxType(x))
                             : e.scalar(0.5, x);
  SmallVector<Attr> seed;
  if (findAttribute(e.node, "seed"))
    seed.push_back({"seed", static_cast<float>(e.intAttr("seed", 0))});
  Value mask =
      e("Or", {e("Not", training),
               e("GreaterOrEqual", {e("RandomUniformLike", x, seed), ratio})});
  Value scale = e("Where", {training, e.sub(one, ratio), one});
  return {e("Where", {mask, e.div(x, scale), e.scalar(0, x)}), mask};
}

void addArithmetic(ExpandTable &table) {
  table["Mean"] = [](Expansion &e) -> SmallVector<Value> {
    return {
        e.div(e("Sum", e.operands), e.scalar(e.operands.size(), e.operand(0)))};
  };
  table["CastLike"] = [](Expansion &e) -> SmallVector<Value> {
    SmallVector<Attr> attributes{{"to", Expansion::onnxType(e.operand(1))}};
    if (findAttribute(e.node, "saturate"))
      attributes.push_back({"saturate", e.intAttr("saturate", 1)});
    if (findAttribute(e.node, "round_mode"))
      attributes.push_back({"round_mode", e.stringAttr("round_mode", "up")});
    return {e("Cast", e.operand(0), attributes)};
  };
  // Outside training nothing is dropped; in training what a random number says,
  // and the rest is scaled up.
  table["Dropout"] = [](Expansion &e) -> SmallVector<Value> {
    if (Value training = e.operand(2)) {
      std::optional<SmallVector<int64_t>> known = e.known(training);
      if (!known || known->size() != 1 || known->front())
        return trainingDropout(e);
    }
    Value x = e.operand(0),
          yes = e.scalar(1, mlir::IntegerType::get(x.getContext(), 1));
    SmallVector<Value> results{e("Identity", x)};
    if (e.node.output_size() > 1)
      results.push_back(e.expandTo(yes, e.extents(x)));
    return results;
  };
}

} // namespace burnish::onnx_import
