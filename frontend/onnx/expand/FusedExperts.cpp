// FusedExperts.cpp - mixtures of experts of com.microsoft: of many products
// with weights of their own, each row goes through a few.
#include "frontend/onnx/expand/Quantized.h"
#include "mlir/IR/Matchers.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

/// Weights [experts, outputs, inputs], and a bias [experts, outputs] or null.
struct Projection {
  Value weights, bias;
  /// Whether inputs come before outputs.
  bool isTurned = false;
};

/// Which experts each row goes through, and the share that each has in the
/// result: both [rows, k].
struct Routes {
  Value experts, shares;
};

struct Mixture {
  Projection first, second, third;
  Extent experts;
  int64_t k;
};

//===- activations --------------------------------------------------------===//

// g * sigmoid(alpha * g) * (l + beta), with both within limits.
Value swiglu(Expansion &e, Value gate, Value linear) {
  bool hasLimit = findAttribute(e.node, "swiglu_limit"),
       isAfter = e.intAttr("swiglu_limit_after_activation", 0);
  float alpha = e.floatAttr("activation_alpha", 1),
        beta = e.floatAttr("activation_beta", 0),
        limit = e.floatAttr("swiglu_limit", 0);
  auto atMost = [&](Value x) { return e("Min", {x, e.scalar(limit, x)}); };
  if (hasLimit) {
    linear =
        e("Clip", {linear, e.scalar(-limit, linear), e.scalar(limit, linear)});
    if (!isAfter)
      gate = atMost(gate);
  }
  Value scaled = alpha == 1 ? gate : e.mul(gate, e.scalar(alpha, gate));
  gate = e.mul(gate, e("Sigmoid", scaled));
  if (hasLimit && isAfter)
    gate = atMost(gate);
  return e.mul(gate,
               beta == 0 ? linear : e.add(linear, e.scalar(beta, linear)));
}

bool isGated(StringRef activation) {
  return activation == "swiglu" || activation == "geglu";
}

// As ONNX Runtime has them: gelu is the one with tanh.
Value activated(Expansion &e, Value x, StringRef name) {
  auto gelu = [&](Value value) {
    return e("Gelu", value, {{"approximate", std::string("tanh")}});
  };
  if (name == "relu")
    return e("Relu", x);
  if (name == "relu2") {
    Value positive = e("Relu", x);
    return e.mul(positive, positive);
  }
  if (name == "gelu")
    return gelu(x);
  if (name == "silu")
    return e.mul(x, e("Sigmoid", x));
  if (!isGated(name))
    return x;
  // Gate and linear part by turns, or one behind the other.
  Extent columns = e.extent(x, 1), half = e.quotient(columns, 2);
  bool isMixed = e.intAttr("swiglu_fusion", 0) == 1;
  auto part = [&](int64_t index) {
    if (!isMixed)
      return index == 0 ? e.slice(x, 1, int64_t(0), half)
                        : e.slice(x, 1, half, columns);
    return e("Slice", {x, e.integers(index), e.shape(columns), e.integers(1),
                       e.integers(2)});
  };
  Value gate = part(0), linear = part(1);
  return name == "swiglu" ? swiglu(e, gate, linear) : e.mul(gelu(gate), linear);
}

//===- one expert ---------------------------------------------------------===//

Value project(Expansion &e, Value rows, const Projection &projection,
              Value expert) {
  Value weights = e("Gather", {projection.weights, expert});
  if (!projection.isTurned)
    weights = e.transpose(weights, {1, 0});
  Value y = e("MatMul", {rows, weights});
  return projection.bias ? e.add(y, e("Gather", {projection.bias, expert})) : y;
}

Value throughExpert(Expansion &e, const Mixture &mixture, Value rows,
                    Value expert) {
  std::string activation = e.stringAttr("activation_type", "relu");
  Value hidden = project(e, rows, mixture.first, expert);
  if (!mixture.third.weights) {
    hidden = activated(e, hidden, activation);
  } else {
    Value linear = project(e, rows, mixture.third, expert);
    hidden = activation == "swiglu"
                 ? swiglu(e, hidden, linear)
                 : e.mul(activated(e, hidden, activation), linear);
  }
  return project(e, hidden, mixture.second, expert);
}

//===- which experts ------------------------------------------------------===//

// Shares are softmax of all scores, or, normalized, of those of the chosen; or
// what other weights have at their places. With quantized weights ONNX Runtime
// takes softmax of those of the chosen in any case.
Routes routesOf(Expansion &e, int64_t k, Value weights) {
  Value scores = e.cast(e.operand(1), TensorProto::FLOAT);
  bool isNormalized = e.intAttr("normalize_routing_weights", 0);
  SmallVector<Value> best =
      e.many(2, "TopK", {scores, e.integers(k)}, {{"axis", int64_t(-1)}});
  auto softmax = [&](Value x) {
    return e("Softmax", x, {{"axis", int64_t(-1)}});
  };
  auto chosen = [&](Value all) {
    return e("GatherElements", {all, best[1]}, {{"axis", int64_t(1)}});
  };
  if (!weights)
    return {best[1], isNormalized || e.node.op_type() == "QMoE"
                         ? softmax(best[0])
                         : chosen(softmax(scores))};
  Value shares = chosen(e.cast(weights, TensorProto::FLOAT));
  if (isNormalized)
    shares = e.div(shares, e.reduce("ReduceSum", shares, {1}));
  return {best[1], shares};
}

// Rows of each pair of a row and an expert, in the order of `routes`: [pairs,
// columns].
Value byPair(Expansion &e, const Mixture &mixture, Value x, Value experts,
             const Extent &pairs) {
  Value last = e.repeat(
      pairs, {},
      [&](Value pair, ArrayRef<Value>) -> Expansion::Repeated {
        Value row = e("Gather", {x, e.div(pair, e.integer(mixture.k))}),
              y = throughExpert(e, mixture,
                                e("Unsqueeze", {row, e.integers(int64_t(0))}),
                                e("Gather", {experts, pair}));
        return {{}, {}, {y}};
      },
      1)[0];
  return e.reshape(last, {pairs, e.extent(x, 1)});
}

// The same where experts have several rows each: those of an expert are put
// together in blocks of so many rows, and each block is one product. Which
// block is whose, and which rows are in it, only the run knows; how many blocks
// there are at most does not depend on that.
Value byBlock(Expansion &e, const Mixture &mixture, Value x, Value experts,
              const Extent &pairs, int64_t rows) {
  Value number = e.countTo(pairs),
        isOf = e.cast(e("Equal", {e("Unsqueeze", {experts, e.integers(1)}),
                                  e.countTo(mixture.experts)}),
                      TensorProto::INT64);
  // The place of a pair among those of its expert.
  Value before = e("CumSum", {isOf, e.integer(0)}, {{"exclusive", int64_t(1)}}),
        rank =
            e("Squeeze", {e("GatherElements",
                            {before, e("Unsqueeze", {experts, e.integers(1)})},
                            {{"axis", int64_t(1)}}),
                          e.integers(1)});
  Value counts = e.reduce("ReduceSum", isOf, {0}, /*keepDims=*/false),
        blocks = e.div(e.add(counts, e.integer(rows - 1)), e.integer(rows)),
        ends = e("CumSum", {blocks, e.integer(0)}),
        slots = e.add(
            e.mul(e("Gather", {e.sub(ends, blocks), experts}), e.integer(rows)),
            rank);
  // Of each expert at most one block is not full.
  Extent most;
  const int64_t *known = std::get_if<int64_t>(&pairs),
                *count = std::get_if<int64_t>(&mixture.experts);
  if (known && count)
    most = (*known + std::min(*count, *known) * (rows - 1)) / rows;
  else
    most = e.div(
        e.add(e.shape(pairs), e.shape(e.product({mixture.experts, rows - 1}))),
        e.integers(rows));
  Extent places = e.product({most, rows});
  // A place that no pair has takes the first.
  Value pairOf = e("ScatterElements",
                   {e.expandTo(e.integer(0), places), slots, number},
                   {{"axis", int64_t(0)}}),
        rowOf = e.reshape(e.div(pairOf, e.integer(mixture.k)), {most, rows});
  Value isPast =
      e.cast(e("LessOrEqual",
               {ends, e("Unsqueeze", {e.countTo(most), e.integers(1)})}),
             TensorProto::INT64);
  Value expertOf = e("Min", {e.reduce("ReduceSum", isPast, {1},
                                      /*keepDims=*/false),
                             e.sub(e.shape(mixture.experts), e.integers(1))}),
        used = e.reduce("ReduceMax", ends, {0}, /*keepDims=*/false);
  Value all = e.repeat(
      most, {},
      [&](Value block, ArrayRef<Value>) -> Expansion::Repeated {
        Value y = e.branch(
            e("Less", {block, used}),
            [&] {
              Value mine = e("Gather", {x, e("Gather", {rowOf, block})});
              return throughExpert(e, mixture, mine,
                                   e("Gather", {expertOf, block}));
            },
            [&] { return e.expandTo(e.scalar(0, x), {rows, e.extent(x, 1)}); });
        return {{}, {}, {y}};
      },
      1)[0];
  return e("Gather", {e.reshape(all, {places, e.extent(x, 1)}), slots});
}

// Rows that a block has: about those of an expert, as far as a product gains
// from more.
int64_t blockRows(const Extent &pairs, const Extent &experts) {
  constexpr int64_t kLeast = 4, kMost = 32, kUnknown = 16;
  const int64_t *known = std::get_if<int64_t>(&pairs),
                *count = std::get_if<int64_t>(&experts);
  if (!known || !count)
    return kUnknown;
  if (*known <= *count)
    return 1;
  return std::clamp<int64_t>(PowerOf2Ceil(divideCeil(*known, *count)), kLeast,
                             kMost);
}

SmallVector<Value> mixed(Expansion &e, const Mixture &mixture,
                         const Routes &routes) {
  Value input = e.operand(0);
  SmallVector<Extent> shape = e.extents(input);
  Extent columns = shape.back(),
         tokens = e.product(ArrayRef(shape).drop_back()),
         pairs = e.product({tokens, mixture.k});
  Value x = e.reshape(input, {tokens, columns}),
        experts = e.reshape(routes.experts, pairs);
  int64_t rows = blockRows(pairs, mixture.experts);
  Value y = rows == 1 ? byPair(e, mixture, x, experts, pairs)
                      : byBlock(e, mixture, x, experts, pairs, rows);
  y = e.reshape(e.cast(y, TensorProto::FLOAT), {tokens, mixture.k, columns});
  Value sum = e.reduce(
      "ReduceSum",
      e.mul(y, e("Unsqueeze", {routes.shares, e.integers(int64_t(2))})), {1},
      /*keepDims=*/false);
  return {e.reshape(e.cast(sum, Expansion::onnxType(input)), shape)};
}

//===- what is refused ----------------------------------------------------===//

// Reports what the node asks for and is not there; whether that is nothing.
// Sizes that only the run knows are left to the operators that meet them.
bool check(Expansion &e, const Mixture &mixture) {
  std::string activation = e.stringAttr("activation_type", "relu");
  auto refuse = [&](const Twine &reason) {
    e.fail(reason);
    return false;
  };
  if (!is_contained(
          {"relu", "relu2", "gelu", "silu", "identity", "swiglu", "geglu"},
          activation))
    return refuse("activation_type " + quoted(activation));
  if (e.intAttr("use_sparse_mixer", 0))
    return refuse("use_sparse_mixer is not supported");
  int64_t inputRank = Expansion::rank(e.operand(0)),
          routerRank = Expansion::rank(e.operand(1));
  if ((inputRank != 2 && inputRank != 3) || routerRank != 2)
    return refuse("input has rank " + Twine(inputRank) +
                  " and router_probs has rank " + Twine(routerRank) +
                  " instead of 2 or 3, and 2");
  const int64_t *count = std::get_if<int64_t>(&mixture.experts);
  for (const Projection *projection :
       {&mixture.first, &mixture.second, &mixture.third}) {
    Value weights = projection->weights;
    if (weights &&
        (Expansion::rank(weights) != 3 ||
         (count && Expansion::size(weights, 0).value_or(*count) != *count)))
      return refuse("weights of experts need three dims, the first the number "
                    "of experts");
  }
  std::optional<int64_t> scores = Expansion::size(e.operand(1), 1);
  if (mixture.k < 1 ||
      (count && (scores.value_or(*count) != *count || mixture.k > *count)))
    return refuse("the best " + Twine(mixture.k) + " of " +
                  Twine(count ? *count : 0) + " experts, and " +
                  Twine(scores.value_or(count ? *count : 0)) + " scores");
  int64_t fusion = e.intAttr("swiglu_fusion", 0),
          gated = Expansion::size(mixture.first.weights, 1).value_or(0);
  if (isGated(activation) &&
      (fusion < 0 || fusion > 2 || (fusion == 0) != !!mixture.third.weights ||
       (fusion != 0 && gated % 2)))
    return refuse("swiglu_fusion " + Twine(fusion) + " " +
                  (mixture.third.weights ? "with" : "without") +
                  " fc3_experts_weights, and fc1 of " + Twine(gated) +
                  " columns");
  return true;
}

SmallVector<Value> expand(Expansion &e, Mixture mixture, Value weights) {
  bool isConstant = mlir::matchPattern(e.operand(2), mlir::m_Constant());
  mixture.k = e.intAttr("k", 1);
  if (Expansion::rank(mixture.first.weights) == 3)
    mixture.experts = e.extent(mixture.first.weights, 0);
  // As many as there are scores, or weights of the second product.
  for (auto [value, axis] :
       {std::pair(e.operand(1), 1), std::pair(mixture.second.weights, 0)})
    if (std::holds_alternative<Value>(mixture.experts) && value &&
        Expansion::rank(value) > axis)
      if (std::optional<int64_t> known = Expansion::size(value, axis))
        mixture.experts = *known;
  if (!check(e, mixture))
    return {e.poison()};
  // Constants lie as products read them; of others only what is wanted is
  // turned.
  for (Projection *projection :
       {&mixture.first, &mixture.second, &mixture.third})
    if (projection->weights && isConstant) {
      projection->weights = e.transpose(projection->weights, {0, 2, 1});
      projection->isTurned = true;
    }
  return mixed(e, mixture, routesOf(e, mixture.k, weights));
}

SmallVector<Value> mixtureOfExperts(Expansion &e) {
  return expand(e,
                {{e.operand(2), e.operand(3), false},
                 {e.operand(4), e.operand(5), false},
                 {e.operand(6), e.operand(7), false},
                 int64_t(0),
                 0},
                Value());
}

//===- quantized weights --------------------------------------------------===//

// (weights - zero point) * scale, each for a row or for a block of a row; null
// after a diagnostic.
Value dequantized(Expansion &e, StringRef name, Value weights, Value scales,
                  Value zeros, int64_t type) {
  int64_t block = e.intAttr("block_size", 0),
          bits = e.intAttr((name + "_expert_weight_bits").str(),
                           e.intAttr("expert_weight_bits", 4));
  if (bits != 2 && bits != 4 && bits != 8) {
    e.fail(name + " has " + Twine(bits) +
           " bits, and 2, 4 and 8 are supported");
    return {};
  }
  if (Expansion::rank(weights) != 3 ||
      Expansion::onnxType(weights) != TensorProto::UINT8 || !scales ||
      Expansion::rank(scales) != (block > 0 ? 3 : 2)) {
    e.fail(name +
           " needs weights of bytes in three dims, and a scale for each " +
           (block > 0 ? "block" : "row"));
    return {};
  }
  Extent experts = e.extent(weights, 0), outputs = e.extent(weights, 1),
         inputs = e.product({e.extent(weights, 2), 8 / bits}),
         blocks = int64_t(1), perBlock = inputs;
  if (block > 0) {
    const int64_t *known = std::get_if<int64_t>(&inputs);
    if (known && *known % block) {
      e.fail(name + " has " + Twine(*known) + " inputs in blocks of " +
             Twine(block));
      return {};
    }
    blocks = e.quotient(inputs, block);
    perBlock = block;
  }
  SmallVector<Extent> onePerBlock{experts, outputs, blocks, int64_t(1)};
  Value zero = e.scalar(1 << (bits - 1), scales);
  if (zeros) {
    // Several to a byte, of which the last may not be full.
    Extent count = block > 0 ? blocks : outputs, bytes;
    if (const int64_t *known = std::get_if<int64_t>(&count))
      bytes = int64_t(divideCeil(*known * bits, 8));
    else
      bytes = e.div(e.add(e.shape(e.product({count, bits})), e.integers(7)),
                    e.integers(8));
    SmallVector<Extent> shape{experts};
    if (block > 0)
      shape.push_back(outputs);
    shape.push_back(bytes);
    Value all = unpacked(e, e.reshape(zeros, shape), bits);
    all = e.slice(all, -1, int64_t(0), count);
    zero = e.cast(e.reshape(all, onePerBlock), Expansion::onnxType(scales));
  }
  Value wide = e.reshape(unpacked(e, weights, bits),
                         {experts, outputs, blocks, perBlock});
  wide = e.mul(e.sub(e.cast(wide, Expansion::onnxType(scales)), zero),
               e.reshape(scales, onePerBlock));
  return e.cast(e.reshape(wide, {experts, outputs, inputs}), type);
}

// Weights are floats from the start, as MatMulNBits has them.
SmallVector<Value> quantizedMixture(Expansion &e) {
  std::string kind = e.stringAttr("quant_type", "int");
  if (kind != "int")
    return e.refuse("quant_type " + quoted(kind) + " is not supported");
  if (e.intAttr("weights_prepacked", -1) == 1)
    return e.refuse("weights that are packed for one machine");
  for (size_t index = 15; index < e.operands.size(); ++index)
    if (e.operand(index))
      return e.refuse("global scales and scales of activations belong to other "
                      "types than 'int'");
  int64_t type = Expansion::onnxType(e.operand(0));
  Mixture mixture{};
  Projection *projections[] = {&mixture.first, &mixture.second, &mixture.third};
  constexpr StringLiteral kNames[] = {"fc1", "fc2", "fc3"};
  for (auto [index, projection] : enumerate(projections)) {
    size_t at = 2 + 3 * index;
    Value weights = e.operand(at);
    if (!weights)
      continue;
    projection->weights =
        dequantized(e, kNames[index], weights, e.operand(at + 1),
                    e.operand(11 + index), type);
    projection->bias = e.operand(at + 2);
    if (!projection->weights)
      return {e.poison()};
  }
  return expand(e, mixture, e.operand(14));
}

} // namespace

void addFusedExperts(ExpandTable &table) {
  table["com.microsoft.MoE"] = mixtureOfExperts;
  table["com.microsoft.QMoE"] = quantizedMixture;
}

} // namespace burnish::onnx_import
