// Strings.cpp - strings brought to one form, and counted.
#include "frontend/onnx/Expand.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

//===- StringNormalizer ---------------------------------------------------===//

Value inCase(Expansion &e, Value x, bool isUpper) {
  return e.builder().make<nn::StringCaseOp>(x, isUpper);
}

// Whether each of a list is none of the stopwords.
Value isNoStopword(Expansion &e, Value x, ArrayRef<StringRef> stopwords) {
  bool isPlain = all_of(stopwords, [](StringRef word) {
    return all_of(word, [](char c) { return isASCII(c); });
  });
  if (e.intAttr("is_case_sensitive", 0))
    return e("Less", {e.find(x, stopwords), e.integer(0)});
  Value lower = inCase(e, x, false);
  if (isPlain) {
    SmallVector<std::string> words;
    for (StringRef word : stopwords)
      words.push_back(word.lower());
    return e("Less",
             {e.find(lower, SmallVector<StringRef>(words.begin(), words.end())),
              e.integer(0)});
  }
  // What other letters are in lower case only the run knows.
  Value words =
      inCase(e, e.strings(stopwords, int64_t(stopwords.size())), false);
  Value isEqual =
      e("Equal", {e("Unsqueeze", {lower, e.integers(int64_t(-1))}), words});
  Value count = e.reduce("ReduceSum", e.cast(isEqual, TensorProto::INT64), {1},
                         /*keepDims=*/false);
  return e("Equal", {count, e.integer(0)});
}

SmallVector<Value> stringNormalizer(Expansion &e) {
  Value x = e.operand(0);
  std::string action = e.stringAttr("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    return e.refuse("case_change_action '" + action + "' is unknown");
  SmallVector<StringRef> stopwords = e.stringsAttr("stopwords");
  auto changed = [&](Value value) {
    return action == "NONE" ? value : inCase(e, value, action == "UPPER");
  };
  if (stopwords.empty())
    return {changed(x)};
  int64_t rank = Expansion::rank(x);
  std::optional<int64_t> rows = rank == 2 ? Expansion::size(x, 0) : 1;
  if ((rank != 1 && rank != 2) || rows.value_or(1) != 1)
    return e.refuse("words can be left out of a list or of one row");
  Value list = rank == 1 ? x : e("Squeeze", {x, e.integers(int64_t(0))});
  // Where nothing is left, there is an empty string.
  Value isKept = isNoStopword(e, list, stopwords);
  Value count = e.reduce("ReduceSum", e.cast(isKept, TensorProto::INT64), {0});
  Value all = e.concat({changed(list), e.strings(StringRef(), 1)}, 0),
        keeps = e.concat({isKept, e("Equal", {count, e.integer(0)})}, 0);
  Value kept = e("Compress", {all, keeps}, {{"axis", int64_t(0)}});
  return {rank == 1 ? kept : e("Unsqueeze", {kept, e.integers(int64_t(0))})};
}

//===- TfIdfVectorizer ----------------------------------------------------===//

// The n-grams of one length, as the numbers of their words; the columns they
// are counted in.
struct Grams {
  std::vector<SmallVector<int64_t>> words;
  SmallVector<int64_t> columns;
};

struct Pool {
  SmallVector<StringRef> strings;
  SmallVector<int64_t> integers;
  SmallVector<Grams> byLength;
  int64_t words = 0, columns = 0;
};

// Words by number in the order in which they come, and n-grams of these; false
// after a diagnostic.
bool readPool(Expansion &e, Pool &pool) {
  SmallVector<StringRef> strings = e.stringsAttr("pool_strings");
  SmallVector<int64_t> integers = e.intsAttr("pool_int64s"),
                       starts = e.intsAttr("ngram_counts"),
                       columns = e.intsAttr("ngram_indexes");
  if (strings.empty() == integers.empty()) {
    e.fail("it needs one of 'pool_strings' and 'pool_int64s'");
    return false;
  }
  SmallVector<int64_t> numbers;
  StringMap<int64_t> ofString;
  DenseMap<int64_t, int64_t> ofInteger;
  for (StringRef word : strings) {
    auto [found, isNew] = ofString.try_emplace(word, pool.words);
    numbers.push_back(found->second);
    if (isNew && ++pool.words)
      pool.strings.push_back(word);
  }
  SmallVector<int64_t> ordered;
  for (int64_t word : integers) {
    // Two values are no keys of a DenseMap.
    int64_t key = word >> 1 == INT64_MAX >> 1 || word >> 1 == INT64_MIN >> 1
                      ? INT64_MIN / 2 + (word & 3)
                      : word;
    auto [found, isNew] = ofInteger.try_emplace(key, pool.words);
    numbers.push_back(found->second);
    if (isNew && ++pool.words)
      pool.integers.push_back(word);
  }
  int64_t total = numbers.size();
  size_t next = 0;
  for (auto [index, begin] : enumerate(starts)) {
    int64_t length = index + 1,
            end = index + 1 < starts.size() ? starts[index + 1] : total;
    if (begin < 0 || end < begin || end > total || (end - begin) % length) {
      e.fail("'ngram_counts' has " + Twine(begin) + " for n-grams of " +
             Twine(length) + ", and the next begin at " + Twine(end));
      return false;
    }
    Grams &grams = pool.byLength.emplace_back();
    for (int64_t at = begin; at < end; at += length) {
      if (next >= columns.size()) {
        e.fail("'ngram_indexes' has " + Twine(columns.size()) +
               " elements, and there are more n-grams");
        return false;
      }
      grams.words.emplace_back(numbers.begin() + at,
                               numbers.begin() + at + length);
      grams.columns.push_back(columns[next++]);
    }
  }
  constexpr int64_t kMostColumns = int64_t(1) << 31;
  for (int64_t column : columns) {
    if (column < 0 || column >= kMostColumns) {
      e.fail("'ngram_indexes' has " + Twine(column));
      return false;
    }
    pool.columns = std::max(pool.columns, column + 1);
  }
  return true;
}

// Counts n-grams: those that begin alike are numbered together, so that each
// word is looked up once and each longer n-gram by the number of its beginning
// and its last word.
class GramCounter {
public:
  GramCounter(Expansion &e, const Pool &pool, Value ids)
      : e(e), pool(pool), ids(ids) {}

  /// The column of each n-gram of a length that there is, or one more than the
  /// last for those that are not counted; none where a row is too short.
  void collect(int64_t length, int64_t skip) {
    int64_t step = skip + 1, span = (length - 1) * step;
    std::optional<int64_t> size = Expansion::size(ids, 1);
    if (size && *size <= span)
      return;
    auto wordAt = [&](int64_t index) {
      if (span == 0)
        return ids;
      Value begin = e.integers(index * step), last = e.integers(index * step);
      Value count =
          e("Max", {e.sub(e.shape({e.extent(ids, 1)}), e.integers(span)),
                    e.integers(int64_t(0))});
      return e("Slice",
               {ids, begin, e.add(count, last), e.integers(int64_t(1))});
    };
    Value state = wordAt(0);
    DenseMap<int64_t, int64_t> numbers; // of the beginnings by themselves
    for (int64_t word = 0; word < pool.words; ++word)
      numbers[word] = word;
    // Which beginning each n-gram has by now.
    std::vector<int64_t> begins;
    const Grams &grams = pool.byLength[length - 1];
    for (const auto &gram : grams.words)
      begins.push_back(gram[0]);
    for (int64_t index = 1; index < length; ++index) {
      SmallVector<int64_t> keys;
      DenseMap<int64_t, int64_t> known;
      for (auto [gram, begin] : zip_equal(grams.words, begins)) {
        int64_t key = begin * pool.words + gram[index];
        auto [found, isNew] = known.try_emplace(key, keys.size());
        if (isNew)
          keys.push_back(key);
        begin = found->second;
      }
      Value word = wordAt(index);
      Value isKnown = e("And", {e("GreaterOrEqual", {state, e.integer(0)}),
                                e("GreaterOrEqual", {word, e.integer(0)})});
      Value key = e.add(e.mul(state, e.integer(pool.words)), word);
      state = e.find(e("Where", {isKnown, key, e.integer(-1)}),
                     e.builder().getI64TensorAttr(keys));
    }
    int64_t states = 0;
    for (int64_t begin : begins)
      states = std::max(states, begin + 1);
    if (length == 1)
      states = pool.words;
    SmallVector<int64_t> columns(states + 1, pool.columns);
    for (auto [begin, column] : zip_equal(begins, grams.columns))
      columns[begin + 1] = column;
    places.push_back(e("Gather",
                       {e.integers(columns), e.add(state, e.integer(1))},
                       {{"axis", int64_t(0)}}));
  }

  Value counts() {
    SmallVector<Extent> sizes{e.extent(ids, 0), pool.columns + 1};
    Value counts = e.expandTo(e.scalar(0, e.builder().getF32Type()), sizes);
    if (!places.empty()) {
      Value all = places.size() == 1 ? places[0] : e.concat(places, 1);
      Value ones =
          e.expandTo(e.scalar(1, e.builder().getF32Type()), e.extents(all));
      counts = e("ScatterElements", {counts, all, ones},
                 {{"axis", int64_t(1)}, {"reduction", std::string("add")}});
    }
    return e.slice(counts, 1, int64_t(0), pool.columns);
  }

private:
  Expansion &e;
  const Pool &pool;
  Value ids;
  SmallVector<Value> places;
};

SmallVector<Value> tfIdfVectorizer(Expansion &e) {
  Value x = e.operand(0);
  std::string mode = e.stringAttr("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    return e.refuse("mode '" + mode + "' is unknown");
  int64_t least = e.intAttr("min_gram_length", 0),
          most = e.intAttr("max_gram_length", 0),
          skips = e.intAttr("max_skip_count", 0), rank = Expansion::rank(x);
  if (rank != 1 && rank != 2)
    return e.refuse("X has rank " + Twine(rank) + " instead of 1 or 2");
  Pool pool;
  if (!readPool(e, pool))
    return {e.poison()};
  constexpr int64_t kMostLength = 64, kMostSkips = 64;
  if (least < 1 || most < least || most > kMostLength || skips < 0 ||
      skips > kMostSkips)
    return e.refuse("n-grams of " + Twine(least) + " to " + Twine(most) +
                    " with " + Twine(skips) + " left out");
  if (nn::isString(x.getType()) != !pool.strings.empty())
    return e.refuse("X and the pool have different element types");
  Value rows = rank == 1 ? e("Unsqueeze", {x, e.integers(int64_t(0))}) : x;
  Value ids;
  if (pool.strings.empty()) {
    rows = e.cast(rows, TensorProto::INT64);
    ids = e.find(rows, e.builder().getI64TensorAttr(pool.integers));
  } else {
    ids = e.find(rows, pool.strings);
  }
  GramCounter counter(e, pool, ids);
  for (int64_t length = least;
       length <= std::min<int64_t>(most, pool.byLength.size()); ++length)
    for (int64_t skip = 0; skip <= (length == 1 ? 0 : skips); ++skip)
      if (!pool.byLength[length - 1].words.empty())
        counter.collect(length, skip);
  Value result = counter.counts();
  SmallVector<double> weights = e.numbersAttr("weights");
  if (mode != "TF") {
    // A weight is an n-gram's, and goes where that is counted.
    SmallVector<int64_t> columns = e.intsAttr("ngram_indexes");
    if (!weights.empty() && weights.size() != columns.size())
      return e.refuse(Twine(weights.size()) + " weights for " +
                      Twine(columns.size()) + " n-grams");
    SmallVector<double> factors(pool.columns, weights.empty() ? 1 : 0);
    SmallSet<int64_t, 8> seen;
    for (auto [column, weight] : zip(columns, weights)) {
      if (!seen.insert(column).second)
        return e.refuse("two n-grams have column " + Twine(column) +
                        ", and weights");
      factors[column] = weight;
    }
    Value weighed = e.floats(factors, pool.columns);
    result = mode == "IDF"
                 ? e("Where", {e("Greater", {result, e.scalar(0, result)}),
                               weighed, e.scalar(0, result)})
                 : e.mul(result, weighed);
  }
  return {rank == 1 ? e("Squeeze", {result, e.integers(int64_t(0))}) : result};
}

} // namespace

void addStrings(ExpandTable &table) {
  table["StringNormalizer"] = stringNormalizer;
  table["TfIdfVectorizer"] = tfIdfVectorizer;
}

} // namespace burnish::onnx_import
