// Sequences.cpp - sequences and optional values whose elements are known when
// compiling: they are gone after the import.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

constexpr int64_t kInt64 = onnx::TensorProto::INT64;

// The position that an operand gives, in [0, count); none after a diagnostic.
std::optional<int64_t> position(Expansion &e, Value operand, int64_t count) {
  std::optional<SmallVector<int64_t>> known = e.known(operand);
  if (!known || known->size() != 1) {
    e.fail("a position that is known only at run time is not supported");
    return std::nullopt;
  }
  int64_t at = known->front();
  if (at < -count || at >= count) {
    e.fail("position " + Twine(at) + " in a sequence of " + Twine(count));
    return std::nullopt;
  }
  return at < 0 ? at + count : at;
}

// The element that is at a position known at run time, when all are of one
// shape.
Value elementAtRunTime(Expansion &e, ArrayRef<Value> elements, Value position) {
  if (elements.empty() || !all_of(elements, [&](Value each) {
        return each.getType() == elements[0].getType();
      }))
    return e.fail("a position that is known only at run time needs elements of "
                  "one type and shape");
  SmallVector<Value> stacked;
  for (Value each : elements)
    stacked.push_back(e("Unsqueeze", {each, e.integers(0)}));
  return e("Gather", {e("Concat", stacked, {{"axis", int64_t(0)}}), position},
           {{"axis", int64_t(0)}});
}

SmallVector<Value> sequenceAt(Expansion &e) {
  SmallVector<Value> elements = e.elements(e.operand(0));
  if (!e.known(e.operand(1)))
    return {elementAtRunTime(e, elements, e.operand(1))};
  std::optional<int64_t> at = position(e, e.operand(1), elements.size());
  return {at ? elements[*at] : e.poison()};
}

SmallVector<Value> sequenceInsert(Expansion &e) {
  SmallVector<Value> elements = e.elements(e.operand(0));
  int64_t at = elements.size();
  if (e.operand(2)) {
    // It may go behind the last too.
    std::optional<SmallVector<int64_t>> known = e.known(e.operand(2));
    int64_t count = elements.size();
    if (known && known->size() == 1 && known->front() == count)
      at = count;
    else if (std::optional<int64_t> inside = position(e, e.operand(2), count))
      at = *inside;
    else
      return {e.poison()};
  }
  elements.insert(elements.begin() + at, e.operand(1));
  return {e.sequence(elements)};
}

SmallVector<Value> sequenceErase(Expansion &e) {
  SmallVector<Value> elements = e.elements(e.operand(0));
  int64_t at = elements.size() - 1;
  if (elements.empty())
    return {e.fail("nothing to erase")};
  if (e.operand(1)) {
    std::optional<int64_t> given = position(e, e.operand(1), elements.size());
    if (!given)
      return {e.poison()};
    at = *given;
  }
  elements.erase(elements.begin() + at);
  return {e.sequence(elements)};
}

SmallVector<Value> concatFromSequence(Expansion &e) {
  SmallVector<Value> elements = e.elements(e.operand(0));
  int64_t axis = e.intAttr("axis", 0);
  if (elements.empty())
    return {e.fail("an empty sequence")};
  if (e.intAttr("new_axis", 0))
    for (Value &each : elements)
      each = e("Unsqueeze", {each, e.integers(axis)});
  return {e("Concat", elements, {{"axis", axis}})};
}

// Each part is a value of its own.
constexpr int64_t kMostParts = 100'000;

SmallVector<Value> splitToSequence(Expansion &e) {
  Value x = e.operand(0), split = e.operand(1);
  std::optional<int64_t> axis =
      e.axis(e.intAttr("axis", 0), Expansion::rank(x));
  if (!axis)
    return {e.poison()};
  std::optional<int64_t> size = Expansion::size(x, *axis);
  bool isList = split && Expansion::rank(split) == 1;
  SmallVector<int64_t> sizes;
  if (isList) {
    std::optional<int64_t> count = Expansion::size(split, 0);
    if (!count)
      return {e.fail(
          "a number of parts that is known only at run time is not supported")};
    if (*count > kMostParts)
      return {e.fail(Twine(*count) + " parts")};
    return {e.sequence(e.many(*count, "Split", {x, e.cast(split, kInt64)},
                              {{"axis", *axis}}))};
  }
  std::optional<SmallVector<int64_t>> known =
      split ? e.known(split) : SmallVector<int64_t>{1};
  if (!size || !known || known->size() != 1)
    return {e.fail(
        "a number of parts that is known only at run time is not supported")};
  int64_t each = known->front();
  if (each < 1 || *size / each > kMostParts)
    return {e.fail("parts of " + Twine(each) + " out of " + Twine(*size))};
  for (int64_t left = *size; left > 0; left -= each)
    sizes.push_back(std::min(each, left));
  SmallVector<Value> parts =
      e.many(sizes.size(), "Split", {x, e.integers(sizes)}, {{"axis", *axis}});
  if (!split && !e.intAttr("keepdims", 1))
    for (Value &part : parts)
      part = e("Squeeze", {part, e.integers(*axis)});
  return {e.sequence(parts)};
}

Value truth(Expansion &e, bool value) {
  return e("Cast", e.integer(value),
           {{"to", int64_t(onnx::TensorProto::BOOL)}});
}

} // namespace

void addSequences(ExpandTable &table) {
  table["SequenceEmpty"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.sequence({})};
  };
  table["SequenceConstruct"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.sequence(e.operands)};
  };
  table["SequenceAt"] = sequenceAt;
  table["SequenceInsert"] = sequenceInsert;
  table["SequenceErase"] = sequenceErase;
  table["SequenceLength"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.integer(e.elements(e.operand(0)).size())};
  };
  table["ConcatFromSequence"] = concatFromSequence;
  table["SplitToSequence"] = splitToSequence;
  // An optional value that is known to be there is the value.
  table["Optional"] = [](Expansion &e) -> SmallVector<Value> {
    return {
        e.operand(0)
            ? e.operand(0)
            : e.fail("an optional value without an element is not supported")};
  };
  table["OptionalGetElement"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.operand(0)};
  };
  table["OptionalHasElement"] = [](Expansion &e) -> SmallVector<Value> {
    return {truth(e, e.operand(0) != Value())};
  };
}

} // namespace burnish::onnx_import
