// Encoders.cpp - categories to numbers and back: encoders of labels, mappers
// and rows of one 1.
#include "frontend/onnx/Containers.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include <map>

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

// A list of keys or values: strings, or a constant of numbers.
struct Entries {
  SmallVector<StringRef> strings;
  Value numbers;

  bool isThere() const { return !strings.empty() || numbers; }
  int64_t size() const {
    return numbers ? *Expansion::size(numbers, 0) : int64_t(strings.size());
  }
};

// The strings of a constant; none of one of numbers.
std::optional<SmallVector<StringRef>> stringsIn(Value constant) {
  auto op = constant.getDefiningOp<nn::StringsOp>();
  if (!op)
    return std::nullopt;
  SmallVector<StringRef> strings;
  for (mlir::Attribute each : op.getValues())
    strings.push_back(cast<mlir::StringAttr>(each).getValue());
  return strings;
}

bool isRanked(Value value) {
  return value && isa<mlir::RankedTensorType>(value.getType());
}

Entries entriesOf(Expansion &e, StringRef what) {
  Entries entries;
  entries.strings = e.stringsAttr((what + "_strings").str());
  if (!entries.strings.empty())
    return entries;
  if (SmallVector<int64_t> ints = e.intsAttr((what + "_int64s").str());
      !ints.empty()) {
    entries.numbers = e.integers(ints);
  } else if (std::optional<SmallVector<float>> floats =
                 floatsAttribute(e.node, (what + "_floats").str());
             floats && !floats->empty()) {
    entries.numbers =
        e.floats(SmallVector<double>(floats->begin(), floats->end()),
                 int64_t(floats->size()));
  } else if (Value tensor = e.tensorAttr((what + "_tensor").str());
             isRanked(tensor)) {
    if (auto strings = stringsIn(tensor))
      entries.strings = *strings;
    else
      entries.numbers =
          cast<mlir::RankedTensorType>(tensor.getType()).getRank() == 1
              ? tensor
              : e.reshape(tensor, e.product(e.extents(tensor)));
  }
  return entries;
}

// Where the keys have each element of X, the first time; -1 where they have it
// not. Null after a diagnostic.
Value placeAmong(Expansion &e, Value x, const Entries &keys) {
  mlir::Type type = Expansion::elementType(x);
  if (!keys.numbers) {
    if (nn::isString(type))
      return e.find(x, keys.strings);
  } else if (Expansion::elementType(keys.numbers) == type) {
    mlir::ElementsAttr elements;
    if (mlir::matchPattern(keys.numbers, mlir::m_Constant(&elements)))
      return e.find(x, elements);
    e.fail("the keys are no constant");
    return {};
  }
  e.fail("X and the keys have different element types");
  return {};
}

// The value of each key's place, or `otherwise`.
SmallVector<Value> encoded(Expansion &e, const Entries &keys,
                           const Entries &values, const Entries &otherwise) {
  if (!keys.isThere() || !values.isThere())
    return e.refuse("it has no keys or no values");
  if (keys.size() != values.size())
    return e.refuse(Twine(keys.size()) + " keys and " + Twine(values.size()) +
                    " values");
  if (!values.numbers != !otherwise.numbers || otherwise.size() != 1 ||
      (values.numbers && Expansion::elementType(values.numbers) !=
                             Expansion::elementType(otherwise.numbers)))
    return e.refuse("values and their default have different element types");
  Value place = placeAmong(e, e.operand(0), keys);
  if (!place)
    return {e.poison()};
  // The default stands before the values, at -1 + 1.
  Value all;
  if (values.numbers) {
    all = e.concat({otherwise.numbers, values.numbers}, 0);
  } else {
    SmallVector<StringRef> strings(otherwise.strings);
    strings.append(values.strings);
    all = e.strings(strings, int64_t(strings.size()));
  }
  return {
      e("Gather", {all, e.add(place, e.integer(1))}, {{"axis", int64_t(0)}})};
}

// What stands for an element that is no key: `default_tensor`, or the attribute
// of the values' type.
Entries defaultOf(Expansion &e, const Entries &values, std::string &text) {
  Entries entries;
  if (Value tensor = e.tensorAttr("default_tensor"); isRanked(tensor)) {
    if (auto strings = stringsIn(tensor))
      entries.strings = *strings;
    else
      entries.numbers = e.reshape(tensor, {e.product(e.extents(tensor))});
  } else if (!values.numbers) {
    text = e.stringAttr("default_string", "_Unused");
    entries.strings = {text};
  } else {
    Value one =
        isa<mlir::FloatType>(Expansion::elementType(values.numbers))
            ? e.scalar(e.floatAttr("default_float", -0.0f), values.numbers)
            : e.cast(e.integer(e.intAttr("default_int64", -1)),
                     Expansion::onnxType(values.numbers));
    entries.numbers = e.reshape(one, {int64_t(1)});
  }
  return entries;
}

SmallVector<Value> labelEncoder(Expansion &e) {
  std::string text;
  Entries keys = entriesOf(e, "keys"), values = entriesOf(e, "values");
  // The first version has a list of strings for the numbers from 0 on.
  if (Entries classes = entriesOf(e, "classes"); classes.isThere()) {
    Entries numbers;
    numbers.numbers = e.integers(to_vector(seq<int64_t>(classes.size())));
    bool isFromStrings = nn::isString(Expansion::elementType(e.operand(0)));
    keys = isFromStrings ? classes : numbers;
    values = isFromStrings ? numbers : classes;
  }
  return encoded(e, keys, values, defaultOf(e, values, text));
}

SmallVector<Value> categoryMapper(Expansion &e) {
  std::string text;
  Entries strings = entriesOf(e, "cats"), numbers;
  if (SmallVector<int64_t> ints = e.intsAttr("cats_int64s"); !ints.empty())
    numbers.numbers = e.integers(ints);
  strings.numbers = {};
  if (nn::isString(Expansion::elementType(e.operand(0))))
    return encoded(e, strings, numbers, defaultOf(e, numbers, text));
  return encoded(e, numbers, strings, defaultOf(e, strings, text));
}

// With `zeros`, what is no category is a row of zeros; else the run fails.
SmallVector<Value> oneHotEncoder(Expansion &e) {
  Value x = e.operand(0);
  Entries categories = entriesOf(e, "cats");
  if (!categories.isThere())
    return e.refuse("it has no categories");
  if (categories.numbers)
    x = e.cast(x, TensorProto::INT64);
  Value place = placeAmong(e, x, categories);
  if (!place)
    return {e.poison()};
  int64_t count = categories.size();
  if (e.intAttr("zeros", 1)) {
    Value each = e("Unsqueeze", {place, e.integers(int64_t(-1))}),
          all = e.integers(to_vector(seq<int64_t>(count)));
    return {e.cast(e("Equal", {each, all}), TensorProto::FLOAT)};
  }
  SmallVector<double> table(count * count);
  for (int64_t at = 0; at < count; ++at)
    table[at * count + at] = 1;
  // A place beyond the table is refused.
  Value isMissing = e("Less", {place, e.integer(0)});
  return {e("Gather",
            {e.floats(table, {count, count}),
             e("Where", {isMissing, e.integer(count), place})},
            {{"axis", int64_t(0)}})};
}

//===- maps ---------------------------------------------------------------===//

// The keys and values of the operand; none after a diagnostic.
std::optional<std::pair<Value, Value>> mapOf(Expansion &e) {
  Value map = e.operand(0);
  if (!isContainer(map) || formOf(map).kind != Form::Map) {
    e.fail("a map is needed");
    return std::nullopt;
  }
  SmallVector<Value> parts;
  flatten(map, parts);
  return std::pair(parts[0], parts[1]);
}

// A list of so many zeros or empty strings with the values at their places;
// what has place `count` or more is left out.
Value placed(Expansion &e, Value places, Value values, int64_t count,
             StringRef emptyString) {
  Value nothing = nn::isString(values.getType())
                      ? e.strings(emptyString, ArrayRef<int64_t>())
                      : e.scalar(0, values);
  places = e("Min", {places, e.integer(count)});
  Value all = e("ScatterElements",
                {e.expandTo(nothing, Extent(count + 1)), places, values},
                {{"axis", int64_t(0)}});
  return e.slice(all, 0, int64_t(0), count);
}

// The first place of each word in a list.
template <typename Word>
SmallVector<int64_t> firstPlaces(const SmallVector<Word> &words) {
  std::map<Word, int64_t> seen;
  SmallVector<int64_t> places;
  for (const Word &word : words) {
    int64_t place = places.size();
    places.push_back(seen.try_emplace(word, place).first->second);
  }
  return places;
}

// The value of each word of the vocabulary: as ONNX Runtime has it, a row.
SmallVector<Value> dictVectorizer(Expansion &e) {
  auto map = mapOf(e);
  if (!map)
    return {e.poison()};
  auto [keys, values] = *map;
  SmallVector<StringRef> strings = e.stringsAttr("string_vocabulary");
  SmallVector<int64_t> integers = e.intsAttr("int64_vocabulary");
  bool hasStrings = nn::isString(keys.getType());
  if (hasStrings ? strings.empty() : integers.empty())
    return e.refuse("it has no vocabulary of the keys' type");
  int64_t count = hasStrings ? strings.size() : integers.size();
  Value place = hasStrings
                    ? e.find(keys, strings)
                    : e.find(keys, e.builder().getI64TensorAttr(integers));
  place =
      e("Where", {e("Less", {place, e.integer(0)}), e.integer(count), place});
  Value y = placed(e, place, values, count, "");
  // A word that comes twice has its first place's value.
  SmallVector<int64_t> first =
      hasStrings ? firstPlaces(strings) : firstPlaces(integers);
  if (first != to_vector(seq<int64_t>(count)))
    y = e("Gather", {y, e.integers(first)});
  return {e("Unsqueeze", {y, e.integers(int64_t(0))})};
}

// Values in the order of their keys, or each at its key's place; a row.
SmallVector<Value> castMap(Expansion &e) {
  auto map = mapOf(e);
  if (!map)
    return {e.poison()};
  auto [keys, values] = *map;
  std::string form = e.stringAttr("map_form", "DENSE"),
              to = e.stringAttr("cast_to", "TO_FLOAT");
  int64_t type = StringSwitch<int64_t>(to)
                     .Case("TO_FLOAT", TensorProto::FLOAT)
                     .Case("TO_STRING", TensorProto::STRING)
                     .Case("TO_INT64", TensorProto::INT64)
                     .Default(0);
  int64_t count = e.intAttr("max_map", 1);
  bool isSparse = form == "SPARSE";
  constexpr int64_t kMostPlaces = int64_t(1) << 31;
  if (!type || (!isSparse && form != "DENSE") ||
      (isSparse && (count < 1 || count > kMostPlaces)))
    return e.refuse("cast_to '" + to + "', map_form '" + form +
                    "' and max_map " + Twine(count));
  if (Expansion::onnxType(keys) != TensorProto::INT64)
    return e.refuse("keys are not int64");
  if (type != Expansion::onnxType(values)) {
    if (type == TensorProto::STRING)
      return e.refuse("numbers as strings are not supported");
    values = e.cast(values, type);
  }
  Value y;
  if (isSparse) {
    // A negative key has no place: one that fails.
    Value isNegative = e("Less", {keys, e.integer(0)});
    Value checked = e("Where", {isNegative, e.integer(INT64_MIN), keys});
    y = placed(e, checked, values, count, "0.f");
  } else {
    SmallVector<Value> sorted =
        e.many(2, "TopK", {keys, e.shape(e.extents(keys))},
               {{"axis", int64_t(0)}, {"largest", int64_t(0)}});
    y = e("Gather", {values, sorted[1]});
  }
  return {e("Unsqueeze", {y, e.integers(int64_t(0))})};
}

} // namespace

void addEncoders(ExpandTable &table) {
  table["ai.onnx.ml.CastMap"] = castMap;
  table["ai.onnx.ml.DictVectorizer"] = dictVectorizer;
  table["ai.onnx.ml.CategoryMapper"] = categoryMapper;
  table["ai.onnx.ml.LabelEncoder"] = labelEncoder;
  table["ai.onnx.ml.OneHotEncoder"] = oneHotEncoder;
}

} // namespace burnish::onnx_import
