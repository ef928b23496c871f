// Fused.cpp - operators of com.microsoft that are a few others in one:
// activations, norms and products.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// The activation that a fused operator names, with its parameters in order.
static Value activated(Expansion &e, Value x, StringRef name,
                       ArrayRef<float> parameters) {
  auto parameter = [&](size_t index, float otherwise) {
    return index < parameters.size() ? parameters[index] : otherwise;
  };
  if (name.empty())
    return x;
  if (is_contained({"Relu", "Sigmoid", "Tanh", "Softplus", "Softsign"}, name))
    return e(name, x);
  if (name == "LeakyRelu" || name == "Elu" || name == "ThresholdedRelu")
    return e(name, x,
             {{"alpha", parameter(0, name == "LeakyRelu" ? 0.01f : 1.0f)}});
  if (name == "HardSigmoid")
    return e(name, x,
             {{"alpha", parameter(0, 0.2f)}, {"beta", parameter(1, 0.5f)}});
  if (name == "Clip" && parameters.size() == 2)
    return e(name, {x, e.scalar(parameters[0], x), e.scalar(parameters[1], x)});
  return e.fail("activation " + quoted(name) + " with " +
                Twine(parameters.size()) + " parameters");
}

static Value gelu(Expansion &e, Value x) {
  return e("Gelu", x, {{"approximate", std::string("none")}});
}

// What a layer norm gives, and the values that it may give beside.
struct Normal {
  Value y, mean, inverseDeviation;
};

static Normal layerNorm(Expansion &e, Value x, Value gamma, Value beta,
                        float epsilon) {
  SmallVector<Value> results =
      e.many(3, "LayerNormalization", {x, gamma, beta},
             {{"axis", int64_t(-1)}, {"epsilon", epsilon}});
  return {results[0], results[1], results[2]};
}

// x / sqrt(mean of x^2 + epsilon) * gamma
static Normal simplifiedNorm(Expansion &e, Value x, Value gamma, int64_t axis,
                             float epsilon) {
  SmallVector<int64_t> axes = to_vector(seq<int64_t>(axis, Expansion::rank(x)));
  Value square = e.reduce("ReduceMean", e.mul(x, x), axes);
  Value deviation = e("Sqrt", e.add(square, e.scalar(epsilon, square)));
  return {e.mul(e.div(x, deviation), gamma), Value(),
          e("Reciprocal", deviation)};
}

static SmallVector<Value> skipNorm(Expansion &e, bool isSimplified) {
  Value x = e.operand(0), bias = e.operand(isSimplified ? 3 : 4);
  Value sum = e.add(x, e.operand(1));
  if (bias)
    sum = e.add(sum, bias);
  // What does not fit is reported already, and has no axes.
  if (!isa<mlir::RankedTensorType>(sum.getType()))
    return {4, e.poison()};
  float epsilon = e.floatAttr("epsilon", 1e-12f);
  Normal normal = isSimplified
                      ? simplifiedNorm(e, sum, e.operand(2),
                                       Expansion::rank(x) - 1, epsilon)
                      : layerNorm(e, sum, e.operand(2), e.operand(3), epsilon);
  return {normal.y, normal.mean, normal.inverseDeviation, sum};
}

static SmallVector<Value> embedNorm(Expansion &e) {
  Value ids = e.operand(0), segments = e.operand(1), words = e.operand(2),
        positions = e.operand(3), mask = e.operand(7), places = e.operand(8);
  if (Expansion::rank(ids) != 2)
    return e.refuse("input_ids has rank " + Twine(Expansion::rank(ids)) +
                    " instead of 2");
  if (!places)
    places = e.countTo(e.extent(ids, 1));
  Value sum =
      e.add(e("Gather", {words, ids}), e("Gather", {positions, places}));
  if (segments && e.operand(4))
    sum = e.add(sum, e("Gather", {e.operand(4), segments}));
  Value y = layerNorm(e, sum, e.operand(5), e.operand(6),
                      e.floatAttr("epsilon", 1e-12f))
                .y;
  Value lengths =
      mask ? e.reduce("ReduceSum", e.cast(mask, onnx::TensorProto::INT32), {1},
                      /*keepDims=*/false)
           : e.expandTo(e.scalar(0, e.cast(ids, onnx::TensorProto::INT32)),
                        e.extent(ids, 0));
  return {y, lengths, sum};
}

static Value swapInner(Expansion &e, Value x) {
  SmallVector<int64_t> order = to_vector(seq<int64_t>(0, Expansion::rank(x)));
  if (order.size() < 2)
    return x;
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return e.transpose(x, order);
}

// The first axis goes to just before the innermost one.
static Value batchesInside(Expansion &e, Value x) {
  SmallVector<int64_t> order = to_vector(seq<int64_t>(0, Expansion::rank(x)));
  if (order.size() > 2)
    std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  return e.transpose(x, order);
}

static SmallVector<Value> fusedMatMul(Expansion &e) {
  auto operand = [&](unsigned index, StringRef inner, StringRef batch) {
    Value x = e.operand(index);
    if (e.intAttr(batch, 0))
      x = batchesInside(e, x);
    return e.intAttr(inner, 0) ? swapInner(e, x) : x;
  };
  Value y = e("MatMul", {operand(0, "transA", "transBatchA"),
                         operand(1, "transB", "transBatchB")});
  float alpha = e.floatAttr("alpha", 1);
  return {alpha == 1 ? y : e.mul(y, e.scalar(alpha, y))};
}

static SmallVector<Value> fusedGemm(Expansion &e) {
  Value y = e("Gemm", e.operands.take_front(3),
              {{"alpha", e.floatAttr("alpha", 1)},
               {"beta", e.floatAttr("beta", 1)},
               {"transA", e.intAttr("transA", 0)},
               {"transB", e.intAttr("transB", 0)}});
  SmallVector<float> parameters;
  for (StringRef name :
       {"activation_alpha", "activation_beta", "activation_gamma"})
    if (findAttribute(e.node, name))
      parameters.push_back(e.floatAttr(name, 0));
  return {activated(e, y, e.stringAttr("activation", ""), parameters)};
}

static SmallVector<Value> fusedConv(Expansion &e, bool isLast) {
  int64_t rank = Expansion::rank(e.operand(0));
  if (rank < 3)
    return e.refuse("X has rank " + Twine(rank) + " instead of 3 or more");
  Value y = e.withChannelsFirst(e.operand(0), isLast, [&](Value x) {
    return e("Conv", {x, e.operand(1), e.operand(2)}, e.window());
  });
  if (e.operand(3))
    y = e.add(y, e.operand(3));
  return {activated(e, y, e.stringAttr("activation", ""),
                    floatsAttribute(e.node, "activation_params")
                        .value_or(SmallVector<float>()))};
}

static SmallVector<Value> groupNorm(Expansion &e) {
  int64_t rank = Expansion::rank(e.operand(0)),
          activation = e.intAttr("activation", 0);
  if (rank < 3 || activation < 0 || activation > 1)
    return e.refuse("activation " + Twine(activation) + " of a value of rank " +
                    Twine(rank));
  Value y = e.withChannelsFirst(
      e.operand(0), e.intAttr("channels_last", 1), [&](Value x) {
        return e("GroupNormalization", {x, e.operand(1), e.operand(2)},
                 {{"num_groups", e.intAttr("groups", 1)},
                  {"epsilon", e.floatAttr("epsilon", 1e-5f)}});
      });
  return {activation == 1 ? e.mul(y, e("Sigmoid", y)) : y};
}

static SmallVector<Value> biasSoftmax(Expansion &e) {
  Value x = e.add(e.operand(0), e.operand(1));
  std::optional<int64_t> axis =
      e.axis(e.intAttr("axis", 1), Expansion::rank(x));
  if (!axis)
    return {e.poison()};
  return {e.softmaxFrom(x, *axis)};
}

// Distances of each row of A to each row of B, from their differences.
static SmallVector<Value> distances(Expansion &e) {
  Value a = e.operand(0), b = e.operand(1);
  std::string metric = e.stringAttr("metric", "sqeuclidean");
  if (Expansion::rank(a) != 2 || Expansion::rank(b) != 2)
    return e.refuse("A has rank " + Twine(Expansion::rank(a)) +
                    " and B has rank " + Twine(Expansion::rank(b)) +
                    ", and both should be matrices");
  if (metric != "euclidean" && metric != "sqeuclidean")
    return e.refuse("metric " + quoted(metric) +
                    " instead of euclidean or sqeuclidean");
  Value difference = e.sub(e("Unsqueeze", {a, e.integers(1)}),
                           e("Unsqueeze", {b, e.integers(int64_t(0))}));
  Value squares = e.reduce("ReduceSum", e.mul(difference, difference), {2},
                           /*keepDims=*/false);
  return {metric == "euclidean" ? e("Sqrt", squares) : squares};
}

void addFused(ExpandTable &table) {
  table["SimplifiedLayerNormalization"] =
      [](Expansion &e) -> SmallVector<Value> {
    std::optional<int64_t> axis =
        e.axis(e.intAttr("axis", -1), Expansion::rank(e.operand(0)));
    if (!axis)
      return {e.poison()};
    Normal normal = simplifiedNorm(e, e.operand(0), e.operand(1), *axis,
                                   e.floatAttr("epsilon", 1e-5f));
    return {normal.y, normal.inverseDeviation};
  };
  auto contrib = [&](StringRef name) -> ExpandFunction & {
    return table[("com.microsoft." + name).str()];
  };
  contrib("BiasAdd") = [](Expansion &e) -> SmallVector<Value> {
    return {e.add(e.add(e.operand(0), e.operand(1)), e.operand(2))};
  };
  contrib("BiasGelu") = [](Expansion &e) -> SmallVector<Value> {
    return {gelu(e, e.add(e.operand(0), e.operand(1)))};
  };
  contrib("BiasSoftmax") = biasSoftmax;
  // x and gate lie side by side: x * gelu(gate)
  contrib("BiasSplitGelu") = [](Expansion &e) -> SmallVector<Value> {
    Value both = e.add(e.operand(0), e.operand(1));
    SmallVector<Value> halves = e.many(
        2, "Split", both, {{"axis", int64_t(-1)}, {"num_outputs", int64_t(2)}});
    return {e.mul(halves[0], gelu(e, halves[1]))};
  };
  contrib("CDist") = distances;
  contrib("EmbedLayerNormalization") = embedNorm;
  contrib("ExpandDims") = [](Expansion &e) -> SmallVector<Value> {
    Extent one = int64_t(1);
    Value axis = e.cast(e.operand(1), onnx::TensorProto::INT64);
    return {e("Unsqueeze", {e.operand(0), e.reshape(axis, one)})};
  };
  contrib("FastGelu") = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(1) ? e.add(e.operand(0), e.operand(1)) : e.operand(0);
    return {e("Gelu", x, {{"approximate", std::string("tanh")}})};
  };
  contrib("FusedConv") = [](Expansion &e) { return fusedConv(e, false); };
  contrib("NhwcConv") = [](Expansion &e) { return fusedConv(e, true); };
  contrib("NhwcFusedConv") = [](Expansion &e) { return fusedConv(e, true); };
  contrib("FusedGemm") = fusedGemm;
  contrib("FusedMatMul") = fusedMatMul;
  contrib("TransposeMatMul") = fusedMatMul;
  contrib("Gelu") = [](Expansion &e) -> SmallVector<Value> {
    return {gelu(e, e.operand(0))};
  };
  contrib("GroupNorm") = groupNorm;
  contrib("QuickGelu") = [](Expansion &e) -> SmallVector<Value> {
    return {
        e("Swish", e.operand(0), {{"alpha", e.floatAttr("alpha", 1.702f)}})};
  };
  contrib("SkipLayerNormalization") = [](Expansion &e) {
    return skipNorm(e, /*isSimplified=*/false);
  };
  contrib("SkipSimplifiedLayerNormalization") = [](Expansion &e) {
    return skipNorm(e, /*isSimplified=*/true);
  };
  contrib("Trilu") = [](Expansion &e) -> SmallVector<Value> {
    return {e("Trilu", e.operands, {{"upper", e.intAttr("upper", 1)}})};
  };
}

} // namespace burnish::onnx_import
