// Training.cpp - the optimizers of ai.onnx.preview.training, and Gradient.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

namespace {
// An optimizer's operands: the rate, the step, and for each kind of tensor
// (parameters, gradients, states) as many.
struct Tensors {
  explicit Tensors(Expansion &e, size_t kinds)
      : e(e), count((e.operands.size() - 2) / kinds) {}
  Value operator()(size_t kind, size_t index) const {
    return e.operand(2 + kind * count + index);
  }

  Expansion &e;
  size_t count;
};
} // namespace

// The gradient with that of a penalty on the squares of the parameters.
static Value regularized(Expansion &e, Value parameter, Value gradient) {
  float factor = e.floatAttr("norm_coefficient", 0);
  return factor == 0
             ? gradient
             : e.add(e.mul(parameter, e.scalar(factor, parameter)), gradient);
}

static Value floatStep(Expansion &e) {
  return e.cast(e.operand(1), Expansion::onnxType(e.operand(0)));
}

// The rate has a type of its own.
static Value alike(Expansion &e, Value rate, Value x) {
  return e.cast(rate, Expansion::onnxType(x));
}

static SmallVector<Value> adagrad(Expansion &e) {
  Tensors tensors(e, 3);
  Value rate = e.operand(0), one = e.scalar(1, rate);
  rate = e.div(
      rate, e.add(one, e.mul(floatStep(e),
                             e.scalar(e.floatAttr("decay_factor", 0), rate))));
  SmallVector<Value> parameters, states;
  for (size_t i = 0; i < tensors.count; ++i) {
    Value x = tensors(0, i), gradient = regularized(e, x, tensors(1, i));
    Value squares = e.add(tensors(2, i), e.mul(gradient, gradient));
    Value root =
        e.add(e("Sqrt", squares), e.scalar(e.floatAttr("epsilon", 1e-6f), x));
    parameters.push_back(
        e.sub(x, e.div(e.mul(alike(e, rate, x), gradient), root)));
    states.push_back(squares);
  }
  parameters.append(states);
  return parameters;
}

static SmallVector<Value> adam(Expansion &e) {
  Tensors tensors(e, 4);
  // 1 - 0.999^T of few steps has half the digits that its terms have.
  constexpr int64_t kWide = onnx::TensorProto::DOUBLE;
  Value rate = e.cast(e.operand(0), kWide), step = e.cast(e.operand(1), kWide),
        one = e.scalar(1, rate);
  float alpha = e.floatAttr("alpha", 0.9f), beta = e.floatAttr("beta", 0.999f),
        post = e.floatAttr("norm_coefficient_post", 0);
  auto correction = [&](float base) {
    return e.sub(one, e("Pow", {e.scalar(base, rate), step}));
  };
  Value adjusted =
      e.div(e.mul(rate, e("Sqrt", correction(beta))), correction(alpha));
  rate = e("Where", {e("Greater", {step, e.scalar(0, rate)}), adjusted, rate});
  SmallVector<Value> parameters, means, squares;
  for (size_t i = 0; i < tensors.count; ++i) {
    Value x = tensors(0, i), gradient = regularized(e, x, tensors(1, i));
    auto blend = [&](Value old, Value now, float share) {
      return e.add(e.mul(old, e.scalar(share, x)),
                   e.mul(now, e.scalar(1 - share, x)));
    };
    means.push_back(blend(tensors(2, i), gradient, alpha));
    squares.push_back(blend(tensors(3, i), e.mul(gradient, gradient), beta));
    Value root = e.add(e("Sqrt", squares.back()),
                       e.scalar(e.floatAttr("epsilon", 1e-6f), x));
    Value next = e.sub(x, e.div(e.mul(alike(e, rate, x), means.back()), root));
    parameters.push_back(post == 0 ? next : e.mul(next, e.scalar(1 - post, x)));
  }
  parameters.append(means);
  parameters.append(squares);
  return parameters;
}

static SmallVector<Value> momentum(Expansion &e) {
  Tensors tensors(e, 3);
  Value rate = e.operand(0), one = e.scalar(1, rate);
  float alpha = e.floatAttr("alpha", 0);
  // The first gradient counts whole.
  Value beta = e("Where", {e("Greater", {floatStep(e), e.scalar(0, rate)}),
                           e.scalar(e.floatAttr("beta", 0), rate), one});
  bool isNesterov = stringAttribute(e.node, "mode", "standard") == "nesterov";
  SmallVector<Value> parameters, states;
  for (size_t i = 0; i < tensors.count; ++i) {
    Value x = tensors(0, i), gradient = regularized(e, x, tensors(1, i));
    Value velocity = e.add(e.mul(tensors(2, i), e.scalar(alpha, x)),
                           e.mul(alike(e, beta, x), gradient));
    Value direction = isNesterov
                          ? e.add(gradient, e.mul(velocity, e.scalar(alpha, x)))
                          : velocity;
    parameters.push_back(e.sub(x, e.mul(alike(e, rate, x), direction)));
    states.push_back(velocity);
  }
  parameters.append(states);
  return parameters;
}

// Variables are named, and their values are the operands, first those that
// gradients are taken by (xs), then what is held (zs).
static SmallVector<Value> gradient(Expansion &e) {
  SmallVector<Value> variables;
  unsigned count = 0;
  Value y;
  auto find = [&](StringRef attribute, StringRef name) {
    Value value = e.named(name);
    if (!value)
      e.fail("'" + attribute + "' names '" + name +
             "', which no node before this one gives");
    return value;
  };
  for (StringRef list : {"xs", "zs"})
    for (const onnx::AttributeProto &attribute : e.node.attribute()) {
      if (attribute.name() != list)
        continue;
      for (const std::string &name : attribute.strings()) {
        Value value = find(list, name);
        if (!value)
          return e.refuse("a variable is not known");
        variables.push_back(value);
        count += list == "xs";
      }
    }
  y = find("y", e.stringAttr("y", ""));
  if (!y)
    return e.refuse("a variable is not known");
  if (variables.size() != e.operands.size() ||
      llvm::is_contained(e.operands, Value()))
    return e.refuse(Twine(e.operands.size()) + " inputs for " +
                    Twine(variables.size()) + " names in 'xs' and 'zs'");
  for (Value value : variables)
    if (!isa<mlir::RankedTensorType>(value.getType()))
      return {size_t(e.node.output_size()), e.poison()};
  if (!isa<mlir::RankedTensorType>(y.getType()))
    return {size_t(e.node.output_size()), e.poison()};
  return e.gradients(y, variables, e.operands, count);
}

// Checks that the operands are of `Kinds` kinds.
template <size_t Kinds, SmallVector<Value> (*Body)(Expansion &)>
static SmallVector<Value> optimizer(Expansion &e) {
  if (e.operands.size() < 2 + Kinds || (e.operands.size() - 2) % Kinds != 0)
    return e.refuse(Twine(e.operands.size()) +
                    " inputs are no rate, step and " + Twine(Kinds) +
                    " tensors for each parameter");
  return Body(e);
}

void addTraining(ExpandTable &table) {
  table["ai.onnx.preview.training.Adagrad"] = optimizer<3, adagrad>;
  table["ai.onnx.preview.training.Adam"] = optimizer<4, adam>;
  table["ai.onnx.preview.training.Gradient"] = gradient;
  table["ai.onnx.preview.training.Momentum"] = optimizer<3, momentum>;
}

} // namespace burnish::onnx_import
