// FusedAttention.cpp - attention as operators of com.microsoft have it, which
// the compiler fuses again in its own way.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

// [batch, steps, heads * size] as [batch, heads, steps, size]
static Value splitHeads(Expansion &e, Value x, int64_t heads) {
  return e.transpose(e.reshape(x, {e.extent(x, 0), e.extent(x, 1), heads,
                                   e.quotient(e.extent(x, 2), heads)}),
                     {0, 2, 1, 3});
}

// and back
static Value joinHeads(Expansion &e, Value x) {
  return e.reshape(e.transpose(x, {0, 2, 1, 3}),
                   {e.extent(x, 0), e.extent(x, 2),
                    e.product({e.extent(x, 1), e.extent(x, 3)})});
}

// Whether the operands that there are have these ranks; a diagnostic if not.
static bool haveRanks(Expansion &e,
                      ArrayRef<std::pair<unsigned, int64_t>> ranks) {
  for (auto [index, rank] : ranks)
    if (Value x = e.operand(index); x && Expansion::rank(x) != rank) {
      e.fail("operand " + Twine(index) + " has rank " +
             Twine(Expansion::rank(x)) + " instead of " + Twine(rank));
      return false;
    }
  return true;
}

// One of the values that lie side by side along an axis, without that axis.
static Value pick(Expansion &e, Value x, int64_t axis, int64_t place) {
  return e("Gather", {x, e.integer(place)}, {{"axis", axis}});
}

// The factor of the scores, by default 1 / sqrt(size of a head); none after a
// diagnostic.
static std::optional<double> scoreScale(Expansion &e, Value query) {
  if (float scale = e.floatAttr("scale", 0))
    return scale;
  std::optional<int64_t> size = Expansion::size(query, -1);
  if (size && *size > 0)
    return 1 / std::sqrt(static_cast<double>(*size));
  e.fail("the size of a head is only known at run time");
  return std::nullopt;
}

// A mask that says which keys count, as numbers that are added to scores:
// [batch, 1 or heads, 1 or queries, keys].
static Value maskToAdd(Expansion &e, Value mask, const Extent &batch,
                       const Extent &queries, const Extent &keys, Value like) {
  int64_t rank = Expansion::rank(mask);
  Extent one = int64_t(1);
  Value keep;
  if (rank == 1) {
    // How many keys of each batch count, and, if the mask is twice as long,
    // where they begin.
    Value lengths = e.cast(mask, TensorProto::INT64), place = e.countTo(keys);
    SmallVector<Extent> column{batch, one, one, one};
    Value ends = e.slice(lengths, 0, int64_t(0), batch);
    keep = e("Less", {place, e.reshape(ends, column)});
    std::optional<int64_t> count = Expansion::size(mask, 0);
    if (!count || batch != Extent(*count)) {
      Value none = e.expandTo(e.integer(0), batch);
      Value begins = e.slice(e.concat({lengths, none}, 0), 0, batch,
                             e.product({batch, int64_t(2)}));
      keep = e("And",
               {keep, e("GreaterOrEqual", {place, e.reshape(begins, column)})});
    }
  } else {
    if (rank == 2)
      mask = e.reshape(mask, {batch, one, one, keys});
    else if (rank == 3)
      mask = e.reshape(mask, {batch, one, queries, keys});
    else if (rank == 4) {
      // A square for the longest text there may be.
      Value begin = e.sub(e.shape(keys), e.shape(queries));
      mask = e.slice(e.slice(mask, 3, int64_t(0), keys), 2, begin, keys);
    } else {
      return e.fail("a mask of rank " + Twine(rank));
    }
    keep = Expansion::onnxType(mask) == TensorProto::BOOL
               ? mask
               : e("Greater", {mask, e.scalar(0, mask)});
  }
  return e("Where", {keep, e.scalar(0, like),
                     e.scalar(e.floatAttr("mask_filter_value", -10000), like)});
}

// The numbers of keys and queries, in the text that has gone before the
// queries, too: a row and a column.
static std::pair<Value, Value> places(Expansion &e, const Extent &queries,
                                      const Extent &keys) {
  Value before = e.sub(e.shape(keys), e.shape(queries));
  return {e.countTo(keys),
          e.reshape(e.add(e.countTo(queries), before), {queries, int64_t(1)})};
}

static double lowest(Expansion &e, Value like) {
  return Expansion::onnxType(like) == TensorProto::FLOAT16
             ? -65504.0
             : -3.4028234663852886e38;
}

// softmax(q k' * scale + what is added) v, all by heads. Queries see keys up to
// their own place if `isCausal`.
static Value attend(Expansion &e, Value q, Value k, Value v, double scale,
                    ArrayRef<Value> added, bool isCausal) {
  Value scores = e("MatMul", {q, e.transpose(k, {0, 1, 3, 2})});
  scores = e.mul(scores, e.scalar(scale, scores));
  for (Value more : added)
    if (more)
      scores = e.add(scores, more);
  if (isCausal) {
    auto [key, query] = places(e, e.extent(q, 2), e.extent(k, 2));
    scores = e("Where", {e("LessOrEqual", {key, query}), scores,
                         e.scalar(lowest(e, scores), scores)});
  }
  return e("MatMul", {e("Softmax", scores, {{"axis", int64_t(-1)}}), v});
}

// What attention of one projection for queries, keys and values gives: [batch,
// steps, hidden] each, with what they had before.
static SmallVector<Value> selfAttention(Expansion &e, Value query, Value key,
                                        Value value, Value mask, Value past,
                                        Value bias) {
  int64_t heads = e.intAttr("num_heads", 0);
  Value q = splitHeads(e, query, heads), k = splitHeads(e, key, heads),
        v = splitHeads(e, value, heads);
  if (past) {
    k = e.concat({pick(e, past, 0, 0), k}, 2);
    v = e.concat({pick(e, past, 0, 1), v}, 2);
  }
  std::optional<double> scale = scoreScale(e, q);
  if (!scale)
    return {e.poison(), e.poison()};
  Value masked;
  if (mask)
    masked =
        maskToAdd(e, mask, e.extent(q, 0), e.extent(q, 2), e.extent(k, 2), q);
  Value y = joinHeads(e, attend(e, q, k, v, *scale, {masked, bias},
                                e.intAttr("unidirectional", 0)));
  SmallVector<Value> results{y};
  if (e.node.output_size() > 1 && !e.node.output(1).empty()) {
    Value first = e.integers(int64_t(0));
    results.push_back(
        e.concat({e("Unsqueeze", {k, first}), e("Unsqueeze", {v, first})}, 0));
  }
  return results;
}

static bool hasGoodHeads(Expansion &e) {
  int64_t heads = e.intAttr("num_heads", 0);
  if (heads < 1 || heads > INT32_MAX) {
    e.fail("num_heads is " + Twine(heads));
    return false;
  }
  for (StringRef name : {"do_rotary", "past_present_share_buffer"})
    if (e.node.op_type() != "GroupQueryAttention" && e.intAttr(name, 0)) {
      e.fail(name + " is not supported");
      return false;
    }
  return true;
}

static SmallVector<Value> attention(Expansion &e) {
  if (!hasGoodHeads(e) ||
      !haveRanks(e, {{0, 3}, {1, 2}, {2, 1}, {4, 5}, {5, 4}}))
    return {e.poison(), e.poison()};
  Value weights = e.operand(1), all = e("MatMul", {e.operand(0), weights});
  if (e.operand(2))
    all = e.add(all, e.operand(2));
  std::optional<int64_t> width = Expansion::size(weights, -1);
  if (!width)
    return e.refuse("weights of a size that is only known at run time");
  SmallVector<int64_t> sizes =
      intsAttribute(e.node, "qkv_hidden_sizes")
          .value_or(SmallVector<int64_t>(3, *width / 3));
  int64_t heads = e.intAttr("num_heads", 0), sum = 0;
  for (int64_t size : sizes) {
    if (size < 1 || size > *width || size % heads != 0)
      return e.refuse("qkv_hidden_sizes has " + Twine(size) + " for " +
                      Twine(heads) + " heads");
    sum += size;
  }
  if (sizes.size() != 3 || sum != *width || sizes[0] != sizes[1])
    return e.refuse("qkv_hidden_sizes do not make the " + Twine(*width) +
                    " columns of the weights");
  SmallVector<Value> parts =
      e.many(3, "Split", {all, e.integers(sizes)}, {{"axis", int64_t(-1)}});
  return selfAttention(e, parts[0], parts[1], parts[2], e.operand(3),
                       e.operand(4), e.operand(5));
}

// The same with integers for the projection.
static SmallVector<Value> quantizedAttention(Expansion &e) {
  if (!hasGoodHeads(e) || !haveRanks(e, {{0, 3}, {1, 2}, {2, 1}, {8, 5}}))
    return {e.poison(), e.poison()};
  Value scale = e.mul(e.operand(3), e.operand(4));
  Value sum = e("MatMulInteger",
                {e.operand(0), e.operand(1), e.operand(6), e.operand(7)});
  Value all = e.add(e.mul(e.cast(sum, Expansion::onnxType(scale)), scale),
                    e.operand(2));
  SmallVector<Value> parts = e.many(
      3, "Split", all, {{"axis", int64_t(-1)}, {"num_outputs", int64_t(3)}});
  return selfAttention(e, parts[0], parts[1], parts[2], e.operand(5),
                       e.operand(8), Value());
}

// Queries, keys and values in the forms that MultiHeadAttention takes, by
// heads.
static std::optional<std::array<Value, 3>> multiHeadOperands(Expansion &e) {
  int64_t heads = e.intAttr("num_heads", 0);
  Value query = e.operand(0), key = e.operand(1), value = e.operand(2),
        bias = e.operand(3);
  // Side by side within each head: [batch, steps, heads, 3 or 2, size].
  auto packed = [&](Value x, int64_t place) {
    return e.transpose(pick(e, x, 3, place), {0, 2, 1, 3});
  };
  std::array<Value, 3> heart;
  if (!key && !value && Expansion::rank(query) == 5)
    heart = {packed(query, 0), packed(query, 1), packed(query, 2)};
  else if (key && !value && Expansion::rank(query) == 3 &&
           Expansion::rank(key) == 5)
    heart = {splitHeads(e, query, heads), packed(key, 0), packed(key, 1)};
  else if (key && value && Expansion::rank(query) == 3 &&
           Expansion::rank(key) == Expansion::rank(value) &&
           (Expansion::rank(key) == 3 || Expansion::rank(key) == 4))
    heart = {splitHeads(e, query, heads),
             Expansion::rank(key) == 3 ? splitHeads(e, key, heads) : key,
             Expansion::rank(value) == 3 ? splitHeads(e, value, heads) : value};
  else {
    e.fail("query, key and value have ranks " + Twine(Expansion::rank(query)) +
           ", " + Twine(key ? Expansion::rank(key) : 0) + " and " +
           Twine(value ? Expansion::rank(value) : 0));
    return std::nullopt;
  }
  if (!bias)
    return heart;
  // One vector for all three, each by heads.
  Extent begin = int64_t(0);
  for (auto [index, x] : enumerate(heart)) {
    Extent size = e.extent(x, 3), end = e.product({heads, size});
    end = std::holds_alternative<int64_t>(begin) &&
                  std::holds_alternative<int64_t>(end)
              ? Extent(std::get<int64_t>(begin) + std::get<int64_t>(end))
              : Extent(e.add(e.shape(begin), e.shape(end)));
    Value own =
        e.reshape(e.slice(bias, 0, begin, end), {heads, int64_t(1), size});
    if (index == 0 || !key || Expansion::rank(key) != 4)
      heart[index] = e.add(x, own);
    begin = end;
  }
  return heart;
}

static SmallVector<Value> multiHeadAttention(Expansion &e) {
  SmallVector<Value> refused(4, e.poison());
  if (!hasGoodHeads(e) || !haveRanks(e, {{3, 1}, {5, 4}, {6, 4}, {7, 4}}))
    return refused;
  if (e.operand(8) || e.operand(9))
    return e.refuse("past_sequence_length and cache_indirection are not "
                    "supported");
  if (e.node.output_size() > 3 && !e.node.output(3).empty())
    return e.refuse("the output qk is not supported");
  std::optional<std::array<Value, 3>> heart = multiHeadOperands(e);
  if (!heart)
    return refused;
  auto [q, k, v] = *heart;
  if (e.operand(6) && e.operand(7)) {
    k = e.concat({e.operand(6), k}, 2);
    v = e.concat({e.operand(7), v}, 2);
  }
  std::optional<double> scale = scoreScale(e, q);
  if (!scale)
    return refused;
  Value masked;
  if (Value mask = e.operand(4))
    masked =
        maskToAdd(e, mask, e.extent(q, 0), e.extent(q, 2), e.extent(k, 2), q);
  Value y = joinHeads(e, attend(e, q, k, v, *scale, {masked, e.operand(5)},
                                e.intAttr("unidirectional", 0)));
  return {y, k, v};
}

static SmallVector<Value> rotaryEmbedding(Expansion &e) {
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
    return e.refuse("caches without columns");
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
    std::optional<double> scale = scoreScale(e, q);
    if (!scale)
      return SmallVector<Value>(3, e.poison());
    findPlaces();
    if (e.intAttr("do_rotary", 0))
      rotate();
    Value keys = inCache(e.operand(3), k), values = inCache(e.operand(4), v);
    return {attend(*scale, keys, values), keys, values};
  }

private:
  std::string whatIsMissing() const {
    if (heads < 1 || groups < 1 || heads > INT32_MAX || heads % groups != 0)
      return (Twine(heads) + " heads and " + Twine(groups) +
              " heads of keys and values")
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
    return half && size && 2 * *half != *size ? 2 * *half : 0;
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

  Value attend(double scale, Value keyCache, Value valueCache) {
    Extent one = int64_t(1), shared = heads / groups;
    Value grouped =
        e.reshape(q, {batch, groups, shared, steps, e.extent(q, 3)});
    Value axis = e.integers(2);
    Value scores = e(
        "MatMul",
        {grouped, e("Unsqueeze", {e.transpose(keyCache, {0, 1, 3, 2}), axis})});
    scores = e.mul(scores, e.scalar(scale, scores));
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
    scores =
        e("Where", {visible(), scores, e.scalar(lowest(e, scores), scores)});
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

void addFusedAttention(ExpandTable &table) {
  table["com.microsoft.Attention"] = attention;
  table["com.microsoft.MultiHeadAttention"] = multiHeadAttention;
  table["com.microsoft.QAttention"] = quantizedAttention;
  table["com.microsoft.RotaryEmbedding"] = rotaryEmbedding;
  table["com.microsoft.GroupQueryAttention"] = [](Expansion &e) {
    return GroupAttention(e).results();
  };
}

} // namespace burnish::onnx_import
