// FusedAttention.cpp - attention as operators of com.microsoft have it, which
// the compiler fuses again in its own way.
#include "frontend/onnx/expand/FusedAttention.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

Value splitHeads(Expansion &e, Value x, int64_t heads) {
  return e.transpose(e.reshape(x, {e.extent(x, 0), e.extent(x, 1), heads,
                                   e.quotient(e.extent(x, 2), heads)}),
                     {0, 2, 1, 3});
}

Value joinHeads(Expansion &e, Value x) {
  return e.reshape(e.transpose(x, {0, 2, 1, 3}),
                   {e.extent(x, 0), e.extent(x, 2),
                    e.product({e.extent(x, 1), e.extent(x, 3)})});
}

bool haveRanks(Expansion &e, ArrayRef<std::pair<unsigned, int64_t>> ranks) {
  for (auto [index, rank] : ranks)
    if (Value x = e.operand(index); x && Expansion::rank(x) != rank) {
      e.fail("operand " + Twine(index) + " has rank " +
             Twine(Expansion::rank(x)) + " instead of " + Twine(rank));
      return false;
    }
  return true;
}

Value scoreScale(Expansion &e, Value query) {
  if (float scale = e.floatAttr("scale", 0))
    return e.scalar(scale, query);
  std::optional<int64_t> size = Expansion::size(query, -1);
  if (size && *size > 0)
    return e.scalar(1 / std::sqrt(static_cast<double>(*size)), query);
  Value columns = e.cast(e.shape(e.extent(query, -1)), TensorProto::FLOAT);
  return e.cast(e("Reciprocal", e("Sqrt", columns)),
                Expansion::onnxType(query));
}

double lowest(Value like) {
  return Expansion::onnxType(like) == TensorProto::FLOAT16
             ? -65504.0
             : -3.4028234663852886e38;
}

// One of the values that lie side by side along an axis, without that axis.
static Value pick(Expansion &e, Value x, int64_t axis, int64_t place) {
  return e("Gather", {x, e.integer(place)}, {{"axis", axis}});
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
      return e.fail("the mask has rank " + Twine(rank) + " instead of 1 to 4");
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

// softmax(q k' * scale + what is added) v, all by heads. Queries see keys up to
// their own place if `isCausal`.
static Value attend(Expansion &e, Value q, Value k, Value v, Value scale,
                    ArrayRef<Value> added, bool isCausal) {
  Value scores = e.mul(e("MatMul", {q, e.transpose(k, {0, 1, 3, 2})}), scale);
  for (Value more : added)
    if (more)
      scores = e.add(scores, more);
  if (isCausal) {
    auto [key, query] = places(e, e.extent(q, 2), e.extent(k, 2));
    scores = e("Where", {e("LessOrEqual", {key, query}), scores,
                         e.scalar(lowest(scores), scores)});
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
  Value scale = scoreScale(e, q);
  Value masked;
  if (mask)
    masked =
        maskToAdd(e, mask, e.extent(q, 0), e.extent(q, 2), e.extent(k, 2), q);
  Value y = joinHeads(e, attend(e, q, k, v, scale, {masked, bias},
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
  std::optional<SmallVector<int64_t>> sizes =
      intsAttribute(e.node, "qkv_hidden_sizes");
  if (!sizes && !width) {
    SmallVector<Value> thirds = e.many(
        3, "Split", all, {{"axis", int64_t(-1)}, {"num_outputs", int64_t(3)}});
    return selfAttention(e, thirds[0], thirds[1], thirds[2], e.operand(3),
                         e.operand(4), e.operand(5));
  }
  if (!sizes)
    sizes = SmallVector<int64_t>(3, *width / 3);
  int64_t heads = e.intAttr("num_heads", 0), sum = 0,
          most = width.value_or(INT32_MAX);
  for (int64_t size : *sizes) {
    if (size < 1 || size > most || size % heads != 0)
      return e.refuse("qkv_hidden_sizes has " + Twine(size) + " for " +
                      Twine(heads) + " heads");
    sum += size;
  }
  if (sizes->size() != 3 || sum != width.value_or(sum) ||
      (*sizes)[0] != (*sizes)[1])
    return e.refuse("qkv_hidden_sizes do not make the " +
                    Twine(width.value_or(sum)) + " columns of the weights");
  SmallVector<Value> parts =
      e.many(3, "Split", {all, e.integers(*sizes)}, {{"axis", int64_t(-1)}});
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
  Value scale = scoreScale(e, q);
  Value masked;
  if (Value mask = e.operand(4))
    masked =
        maskToAdd(e, mask, e.extent(q, 0), e.extent(q, 2), e.extent(k, 2), q);
  Value y = joinHeads(e, attend(e, q, k, v, scale, {masked, e.operand(5)},
                                e.intAttr("unidirectional", 0)));
  return {y, k, v};
}

void addFusedAttention(ExpandTable &table) {
  table["com.microsoft.Attention"] = attention;
  table["com.microsoft.MultiHeadAttention"] = multiHeadAttention;
  table["com.microsoft.QAttention"] = quantizedAttention;
  table["com.microsoft.RotaryEmbedding"] = rotaryEmbedding;
  table["com.microsoft.GroupQueryAttention"] = groupQueryAttention;
}

} // namespace burnish::onnx_import
