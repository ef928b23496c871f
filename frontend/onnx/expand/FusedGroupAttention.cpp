// FusedGroupAttention.cpp - attention of groups of queries that share keys,
// with a cache, as com.microsoft has it, and the rotation of queries and keys.
#include "frontend/onnx/expand/FusedAttention.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

SmallVector<Value> rotaryEmbedding(Expansion &e) {
  Value x = e.operand(0), ids = e.operand(1);
  int64_t rank = Expansion::rank(x), heads = e.intAttr("num_heads", 0),
          rotated = e.intAttr("rotary_embedding_dim", 0);
  if (e.floatAttr("scale", 1) != 1 || (rank != 3 && rank != 4))
    return e.refuse("a scale that is not 1, or a value of rank " + Twine(rank));
  if (Expansion::rank(ids) == 1) {
    Extent steps = e.extent(x, rank == 3 ? 1 : 2);
    ids = e.expandTo(e.add(e.countTo(steps), ids), {e.extent(x, 0), steps});
  }
  SmallVector<Attr> attributes{{"interleaved", e.intAttr("interleaved", 0)},
                               {"rotary_embedding_dim", rotated}};
  auto rotate = [&](Value value) {
    return e("RotaryEmbedding", {value, e.operand(2), e.operand(3), ids},
             attributes);
  };
  if (rank == 4)
    return {rotate(x)};
  std::optional<int64_t> half = Expansion::size(e.operand(2), -1),
                         width = Expansion::size(x, -1);
  if (!half)
    half = Expansion::size(e.operand(3), -1);
  if (heads < 1 && half && *half < 1)
    return e.refuse("cos_cache and sin_cache have no columns");
  if (heads < 1 && half && width)
    heads = *width / (2 * *half);
  if (heads >= 1) {
    attributes.push_back({"num_heads", heads});
    return {rotate(x)};
  }
  // As many heads as only the run can tell.
  Extent size = e.product(
      {half ? Extent(*half) : e.extent(e.operand(2), -1), int64_t(2)});
  Value shape = e.concat({e.shape({e.extent(x, 0), e.extent(x, 1)}),
                          e.integers({-1}), e.shape({size})},
                         0);
  Value byHeads = e.transpose(e("Reshape", {x, shape}), {0, 2, 1, 3});
  return {e.reshape(e.transpose(rotate(byHeads), {0, 2, 1, 3}), e.extents(x))};
}

namespace {
// Attention of groups of queries that share keys, with a cache of keys and
// values: each text of the batch goes on at a place of its own.
class GroupAttention {
public:
  explicit GroupAttention(Expansion &e)
      : e(e), heads(e.intAttr("num_heads", 0)),
        groups(e.intAttr("kv_num_heads", 0)) {}

  SmallVector<Value> results() {
    if (std::string reason = whatIsMissing(); !reason.empty())
      return e.refuse(reason);
    if (!haveRanks(e, {{0, 3}, {1, 3}, {2, 3}, {3, 4}, {4, 4}, {10, 4}}))
      return SmallVector<Value>(3, e.poison());
    takeOperands();
    Value scale = scoreScale(e, q);
    findPlaces();
    if (e.intAttr("do_rotary", 0))
      rotate();
    Value keys = inCache(e.operand(3), k), values = inCache(e.operand(4), v);
    return {attend(scale, keys, values), keys, values};
  }

private:
  std::string whatIsMissing() const {
    if (heads < 1 || groups < 1 || heads > INT32_MAX || heads % groups != 0)
      return ("num_heads is " + Twine(heads) + " and kv_num_heads " +
              Twine(groups) + ", which does not divide it")
          .str();
    if (e.intAttr("sliding_window_cache", 0) || e.intAttr("qk_output", 0) ||
        e.stringAttr("k_quant_type", "NONE") != "NONE" ||
        e.stringAttr("v_quant_type", "NONE") != "NONE")
      return "a cache that slides or is quantized, and scores as an output, "
             "are not supported";
    if (!e.operand(3) != !e.operand(4) || !e.operand(1) != !e.operand(2))
      return "keys without values, or values without keys";
    if (e.intAttr("do_rotary", 0) && (!e.operand(7) || !e.operand(8)))
      return "do_rotary without cos_cache and sin_cache";
    return "";
  }

  void takeOperands() {
    Value query = e.operand(0), key = e.operand(1), value = e.operand(2);
    if (!key) {
      Value all = splitHeads(e, query, heads + 2 * groups);
      q = e.slice(all, 1, int64_t(0), heads);
      k = e.slice(all, 1, heads, heads + groups);
      v = e.slice(all, 1, heads + groups, heads + 2 * groups);
      return;
    }
    q = splitHeads(e, query, heads);
    k = splitHeads(e, key, groups);
    v = splitHeads(e, value, groups);
  }

  // Where the new steps of each text begin: [batch].
  void findPlaces() {
    batch = e.extent(q, 0);
    steps = e.extent(q, 2);
    Value length =
        e.add(e.cast(e.reshape(e.operand(5), batch), TensorProto::INT64),
              e.integer(1));
    begins = e("Max", {e.sub(length, e.shape(steps)), e.integer(0)});
    Value total =
        e.cast(e.reshape(e.operand(6), Extent(int64_t(1))), TensorProto::INT64);
    std::optional<SmallVector<int64_t>> known = e.known(total);
    cached = e.operand(3) ? e.extent(e.operand(3), 2) : Extent(int64_t(0));
    const int64_t *size = std::get_if<int64_t>(&cached);
    keys = known && size ? Extent(std::max((*known)[0], *size))
                         : Extent(e("Max", {total, e.shape(cached)}));
    Value ids = e.operand(9);
    query =
        ids ? e.cast(ids, TensorProto::INT64)
            : e.add(e.reshape(begins, {batch, int64_t(1)}), e.countTo(steps));
  }

  void rotate() {
    for (Value *x : {&q, &k})
      *x = e("RotaryEmbedding", {*x, e.operand(7), e.operand(8), query},
             {{"interleaved", e.intAttr("rotary_interleaved", 0)},
              {"rotary_embedding_dim", rotaryWidth()}});
  }

  int64_t rotaryWidth() {
    std::optional<int64_t> half = Expansion::size(e.operand(7), -1),
                           size = Expansion::size(q, -1);
    return half && (!size || 2 * *half != *size) ? 2 * *half : 0;
  }

  // The cache, as long as it has to be, with the new steps in their places.
  Value inCache(Value past, Value fresh) {
    if (!past) {
      past = e.expandTo(e.scalar(0, fresh),
                        {batch, groups, keys, e.extent(fresh, 3)});
    } else {
      Value none = e.integers(int64_t(0)),
            more = e.sub(e.shape(keys), e.shape(cached));
      past =
          e("Pad", {past, e.concat({none, more}, 0), Value(), e.integers(2)});
    }
    return e("TensorScatter", {past, fresh, begins}, {{"axis", int64_t(2)}});
  }

  Value attend(Value scale, Value keyCache, Value valueCache) {
    Extent one = int64_t(1), shared = heads / groups;
    Value grouped =
        e.reshape(q, {batch, groups, shared, steps, e.extent(q, 3)});
    Value axis = e.integers(2);
    Value scores = e(
        "MatMul",
        {grouped, e("Unsqueeze", {e.transpose(keyCache, {0, 1, 3, 2}), axis})});
    scores = e.mul(scores, scale);
    if (float cap = e.floatAttr("softcap", 0)) {
      Value most = e.scalar(cap, scores);
      scores = e.mul(e("Tanh", e.div(scores, most)), most);
    }
    if (Value bias = e.operand(10)) {
      SmallVector<Extent> b = e.extents(bias);
      bool isOne = Expansion::size(bias, 1) == 1;
      scores =
          e.add(scores, e.reshape(bias, {b[0], isOne ? one : groups,
                                         isOne ? one : shared, b[2], b[3]}));
    }
    scores = e("Where", {visible(), scores, e.scalar(lowest(scores), scores)});
    Value weights = softmax(scores);
    Value y = e("MatMul", {weights, e("Unsqueeze", {valueCache, axis})});
    return joinHeads(
        e, e.reshape(y, {batch, heads, steps, e.extent(valueCache, 3)}));
  }

  // Which keys a query sees: those up to its own place, and of a window as many
  // as that is long.
  Value visible() {
    Extent one = int64_t(1);
    Value key = e.countTo(keys),
          place = e.reshape(
              e.add(e.reshape(begins, {batch, int64_t(1)}), e.countTo(steps)),
              {batch, one, one, steps, one});
    Value sees = e("LessOrEqual", {key, place});
    int64_t window = e.intAttr("local_window_size", -1);
    if (window < 1)
      return sees;
    Value first = e.sub(place, e.integer(window - 1));
    return e("And", {sees, e("GreaterOrEqual", {key, first})});
  }

  // With a score more in each sum that has no value: of 0, or its head's own.
  Value softmax(Value scores) {
    Value sink = e.operand(11);
    std::array<Attr, 1> innermost{Attr{"axis", int64_t(-1)}};
    if (!sink && !e.intAttr("smooth_softmax", 0))
      return e("Softmax", scores, innermost);
    Extent one = int64_t(1), shared = heads / groups;
    Value own = sink ? e.reshape(sink, {one, groups, shared, one, one})
                     : e.scalar(0, scores);
    Value column = e.expandTo(own, {batch, groups, shared, steps, one});
    Value all = e("Softmax", e.concat({scores, column}, -1), innermost);
    return e.slice(all, 4, int64_t(0), keys);
  }

  Expansion &e;
  int64_t heads, groups;
  Value q, k, v, begins, query;
  Extent batch, steps, cached, keys;
};
} // namespace

SmallVector<Value> groupQueryAttention(Expansion &e) {
  return GroupAttention(e).results();
}

} // namespace burnish::onnx_import
