// Activations.cpp - scalar functions that are several of the core's.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// max(0, min(1, alpha * x + beta))
static Value hardSigmoid(Expansion &e, Value x, double alpha, double beta) {
  Value line = e.add(e.mul(x, e.scalar(alpha, x)), e.scalar(beta, x));
  return e("Clip", {line, e.scalar(0, x), e.scalar(1, x)});
}

void addActivations(ExpandTable &table) {
  table["HardSigmoid"] = [](Expansion &e) -> SmallVector<Value> {
    return {hardSigmoid(e, e.operand(0), e.floatAttr("alpha", 0.2f),
                        e.floatAttr("beta", 0.5f))};
  };
  table["HardSwish"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.mul(e.operand(0), hardSigmoid(e, e.operand(0), 1.0 / 6, 0.5))};
  };
  table["Swish"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    float alpha = e.floatAttr("alpha", 1);
    return {
        e.mul(x, e("Sigmoid", alpha == 1 ? x : e.mul(x, e.scalar(alpha, x))))};
  };
  table["Mish"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.mul(e.operand(0), e("Tanh", e("Softplus", e.operand(0))))};
  };
  table["Softsign"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    return {e.div(x, e.add(e("Abs", x), e.scalar(1, x)))};
  };
  // x > 0 ? x : alpha * (exp(x) - 1), with the exponent kept from overflowing
  // where it is not used
  table["Elu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0), zero = e.scalar(0, x);
    Value below = e.sub(e("Exp", e("Min", {x, zero})), e.scalar(1, x));
    return {e("Where", {e("Greater", {x, zero}), x,
                        e.mul(below, e.scalar(e.floatAttr("alpha", 1), x))})};
  };
  table["Selu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0), zero = e.scalar(0, x);
    float alpha = e.floatAttr("alpha", 1.67326319217681884765625f),
          gamma = e.floatAttr("gamma", 1.05070102214813232421875f);
    // In this order ONNX's function body rounds, which shows in f16.
    Value below =
        e.sub(e.mul(e("Exp", e("Min", {x, zero})), e.scalar(alpha, x)),
              e.scalar(alpha, x));
    return {e.mul(e("Where", {e("Greater", {x, zero}), x, below}),
                  e.scalar(gamma, x))};
  };
  // max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
  table["Celu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0), zero = e.scalar(0, x);
    float alpha = e.floatAttr("alpha", 1);
    Value below =
        e.sub(e("Exp", e.div(e("Min", {x, zero}), e.scalar(alpha, x))),
              e.scalar(1, x));
    return {e.add(e("Max", {x, zero}),
                  e("Min", {zero, e.mul(below, e.scalar(alpha, x))}))};
  };
  table["LeakyRelu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    Value below = e.mul(x, e.scalar(e.floatAttr("alpha", 0.01f), x));
    return {e("Where", {e("Less", {x, e.scalar(0, x)}), below, x})};
  };
  table["ThresholdedRelu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    return {e("Where", {e("Greater", {x, e.scalar(e.floatAttr("alpha", 1), x)}),
                        x, e.scalar(0, x)})};
  };
  // Of integers, too, the sums are floats until the end.
  table["Shrink"] = [](Expansion &e) -> SmallVector<Value> {
    int64_t type = Expansion::onnxType(e.operand(0));
    bool isFloat = isa<mlir::FloatType>(Expansion::elementType(e.operand(0)));
    Value x =
        isFloat ? e.operand(0) : e.cast(e.operand(0), onnx::TensorProto::FLOAT);
    double bias = e.floatAttr("bias", 0), lambda = e.floatAttr("lambd", 0.5f);
    Value above = e("Where", {e("Greater", {x, e.scalar(lambda, x)}),
                              e.sub(x, e.scalar(bias, x)), e.scalar(0, x)});
    return {e.cast(e("Where", {e("Less", {x, e.scalar(-lambda, x)}),
                               e.add(x, e.scalar(bias, x)), above}),
                   type)};
  };
}

} // namespace burnish::onnx_import
