// Sequences.cpp - sequences and optional values. Of a list nothing is left
// after the import; a packed sequence is taken apart and put together anew.
#include "frontend/onnx/Containers.h"
#include "ir/Ops.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

constexpr int64_t kInt64 = onnx::TensorProto::INT64;
// Each part is a value of its own.
constexpr int64_t kMostParts = 100'000;

bool isPacked(Value value) {
  return value && formOf(value).kind == Form::Packed;
}

// A packed sequence and what is asked of it.
struct Packed {
  Packed(Expansion &e, Value value)
      : e(e), form(formOf(value)), elements(packedParts(value).first),
        shapes(packedParts(value).second) {}

  // How many elements there are: [1].
  Value count() { return e.shape(e.extent(shapes, 0)); }
  // How many numbers each has: [count]. The -1 behind short shapes count as 1.
  Value sizes() { return e.reduce("ReduceProd", e("Abs", shapes), 1, false); }
  // Where the numbers of the element at `place` begin: [1].
  Value begin(Value place) {
    return e.reduce("ReduceSum", e.slice(sizes(), 0, int64_t(0), place), 0);
  }
  // A position, [1] and not negative; the run ends where it is none. `behind`
  // is how many places there are behind the last.
  Value place(Value position, int64_t behind) {
    Value at = e.reshape(e.cast(position, kInt64), {int64_t(1)});
    at = e("Where", {e("Less", {at, e.integers(0)}), e.add(at, count()), at});
    Value places = e.countTo(Extent(e.add(count(), e.integers(behind))));
    // Numbers that would count from the end are none.
    Value isNegative = e("Less", {at, e.integers(0)});
    at = e("Where", {isNegative, e.integers(INT64_MAX), at});
    return e("Gather", {places, at}, {{"axis", int64_t(0)}});
  }
  Value next(Value place) { return e.add(place, e.integers(1)); }

  Expansion &e;
  Form form;
  Value elements, shapes;
};

// A sequence in packed form, beside which another value of the form `with` may
// stand; null after a diagnostic.
Value asPacked(Expansion &e, Value sequence, std::optional<Form> with = {}) {
  Form form = formOf(sequence);
  // A packed form of the same elements, or of none.
  Form wanted{Form::Packed, {}, 0, false, {}};
  std::optional<Form> both = form;
  if (form.kind == Form::Listed) {
    if (form.inner.empty() && !with) {
      e.fail("the sequence is empty, and nothing says what its elements are");
      return {};
    }
    wanted.elementType =
        (form.inner.empty() ? *with : form.inner[0]).elementType;
    wanted.rank = (form.inner.empty() ? *with : form.inner[0]).rank;
    both = unite(wanted, form);
  }
  if (both && with)
    both = unite(*both, Form{Form::Listed, {}, 0, false, {*with}});
  if (!both) {
    e.fail("the sequence would have elements of different types");
    return {};
  }
  Value packed = inForm(e, sequence, *both);
  return isPacked(packed) ? packed : Value();
}

// The position that an operand gives, in [0, count); none after a diagnostic.
std::optional<int64_t> position(Expansion &e, ArrayRef<int64_t> known,
                                int64_t count) {
  int64_t at = known.size() == 1 ? known.front() : count;
  if (at < -count || at >= count) {
    e.fail("position " + Twine(at) + " in a sequence of " + Twine(count));
    return std::nullopt;
  }
  return at < 0 ? at + count : at;
}

bool isSequence(Expansion &e, Value value) {
  if (value && (formOf(value).kind == Form::Listed || isPacked(value)))
    return true;
  e.fail("a tensor where a sequence is needed");
  return false;
}

// The size along an axis that all elements of a packed sequence have, [1],
// where what made their shapes says so; else null.
Value commonSize(Expansion &e, const Packed &p, int64_t axis) {
  Value column = p.shapes;
  if (auto columns = column.getDefiningOp<nn::ConcatOp>()) {
    if (columns.getAxis() != 1 ||
        int64_t(columns.getInputs().size()) != p.form.rank)
      return {};
    column = columns.getInputs()[axis];
  } else if (p.form.rank != 1) {
    return {};
  }
  while (isa_and_present<nn::ReshapeOp, nn::CastOp>(column.getDefiningOp()))
    column = column.getDefiningOp()->getOperand(0);
  if (auto expand = column.getDefiningOp<nn::ExpandOp>()) {
    auto type = dyn_cast<mlir::RankedTensorType>(expand.getInput().getType());
    bool isOne = type && type.hasStaticShape() && type.getNumElements() == 1;
    return isOne ? e.reshape(expand.getInput(), {int64_t(1)}) : Value();
  }
  auto full = column.getDefiningOp<nn::ConstantOfShapeOp>();
  auto value = dyn_cast_if_present<mlir::DenseIntElementsAttr>(
      full ? full.getValueAttr() : mlir::ElementsAttr());
  if (!value || value.getNumElements() != 1)
    return {};
  return e.integers((*value.begin()).getSExtValue());
}

// The shape of the element at `place` of a packed sequence, so that sizes that
// are the same for all are no matter of the run.
Value shapeAt(Expansion &e, Packed &p, Value place) {
  Value row = e.reshape(e("Gather", {p.shapes, place}, {{"axis", int64_t(0)}}),
                        {p.form.rank});
  SmallVector<Value> sizes;
  bool hasCommon = false;
  for (int64_t axis = 0; axis < p.form.rank; ++axis) {
    Value common = commonSize(e, p, axis);
    hasCommon |= bool(common);
    sizes.push_back(common ? common : e.slice(row, 0, axis, axis + 1));
  }
  return hasCommon ? e.concat(sizes, 0) : row;
}

Value packedAt(Expansion &e, Value sequence, Value position) {
  Packed p(e, sequence);
  if (p.form.isMixed)
    return e.fail("the sequence has elements of different ranks, and the "
                  "position is known only at run time");
  Value at = p.place(position, 0);
  Value numbers = e.slice(p.elements, 0, p.begin(at), p.begin(p.next(at)));
  return e("Reshape", {numbers, shapeAt(e, p, at)},
           {{"allowzero", int64_t(1)}});
}

// The element that is at a position known at run time.
Value elementAtRunTime(Expansion &e, Value sequence, Value position) {
  SmallVector<Value> elements = e.elements(sequence);
  if (elements.empty())
    return e.fail("the sequence is empty, and has no element at any position");
  if (!all_of(elements, [&](Value each) {
        return each.getType() == elements[0].getType();
      })) {
    Value packed = asPacked(e, sequence);
    return packed ? packedAt(e, packed, position) : e.poison();
  }
  SmallVector<Value> stacked;
  for (Value each : elements)
    stacked.push_back(e("Unsqueeze", {each, e.integers(0)}));
  return e("Gather", {e.concat(stacked, 0), position}, {{"axis", int64_t(0)}});
}

SmallVector<Value> sequenceAt(Expansion &e) {
  if (!isSequence(e, e.operand(0)))
    return {e.poison()};
  if (isPacked(e.operand(0)))
    return {packedAt(e, e.operand(0), e.operand(1))};
  std::optional<SmallVector<int64_t>> known = e.known(e.operand(1));
  if (!known)
    return {elementAtRunTime(e, e.operand(0), e.operand(1))};
  SmallVector<Value> elements = e.elements(e.operand(0));
  std::optional<int64_t> at = position(e, *known, elements.size());
  return {at ? elements[*at] : e.poison()};
}

// Without what lies from `begin` to before `end`, with something in its place.
Value spliced(Expansion &e, Value whole, Value begin, Value end,
              Value between) {
  SmallVector<Value> parts{e.slice(whole, 0, int64_t(0), begin)};
  if (between)
    parts.push_back(between);
  parts.push_back(e.slice(whole, 0, end, INT64_MAX));
  return e.concat(parts, 0);
}

SmallVector<Value> sequenceInsert(Expansion &e) {
  Value sequence = e.operand(0), added = e.operand(1);
  if (!isSequence(e, sequence))
    return {e.poison()};
  std::optional<SmallVector<int64_t>> known;
  if (e.operand(2))
    known = e.known(e.operand(2));
  if (!isPacked(sequence) && (known || !e.operand(2))) {
    SmallVector<Value> elements = e.elements(sequence);
    int64_t at = elements.size(), count = elements.size();
    // It may go behind the last too.
    if (known && !(known->size() == 1 && known->front() == count)) {
      std::optional<int64_t> inside = position(e, *known, count);
      if (!inside)
        return {e.poison()};
      at = *inside;
    }
    elements.insert(elements.begin() + at, added);
    return {e.sequence(elements)};
  }
  Value whole = asPacked(e, sequence, formOf(added));
  Value one = whole ? asPacked(e, e.sequence({added}), std::nullopt) : Value();
  if (!one)
    return {e.poison()};
  Packed p(e, whole);
  Packed q(e, inForm(e, one, p.form));
  if (!e.operand(2))
    return {packed(e, e.concat({p.elements, q.elements}, 0),
                   e.concat({p.shapes, q.shapes}, 0), p.form.isMixed)};
  Value at = p.place(e.operand(2), 1), begin = p.begin(at);
  return {packed(e, spliced(e, p.elements, begin, begin, q.elements),
                 spliced(e, p.shapes, at, at, q.shapes), p.form.isMixed)};
}

SmallVector<Value> sequenceErase(Expansion &e) {
  Value sequence = e.operand(0);
  if (!isSequence(e, sequence))
    return {e.poison()};
  std::optional<SmallVector<int64_t>> known = SmallVector<int64_t>{-1};
  if (e.operand(1))
    known = e.known(e.operand(1));
  if (!isPacked(sequence) && known) {
    SmallVector<Value> elements = e.elements(sequence);
    if (elements.empty())
      return {e.fail("the sequence is empty, and there is nothing to erase")};
    std::optional<int64_t> at = position(e, *known, elements.size());
    if (!at)
      return {e.poison()};
    elements.erase(elements.begin() + *at);
    return {e.sequence(elements)};
  }
  Value whole = asPacked(e, sequence);
  if (!whole)
    return {e.poison()};
  Packed p(e, whole);
  Value at = p.place(e.operand(1) ? e.operand(1) : e.integers(-1), 0);
  return {packed(
      e, spliced(e, p.elements, p.begin(at), p.begin(p.next(at)), Value()),
      spliced(e, p.shapes, at, p.next(at), Value()), p.form.isMixed)};
}

// The elements of a packed sequence, which agree in all sizes but that along
// `axis`, as one tensor.
Value concatPacked(Expansion &e, Value sequence, int64_t axis, bool isNewAxis) {
  Packed p(e, sequence);
  if (p.form.isMixed)
    return e.fail(
        "the sequence has elements of different ranks, which cannot be "
        "joined");
  std::optional<int64_t> along = e.axis(axis, p.form.rank + isNewAxis);
  if (!along)
    return e.poison();
  if (*along && !isNewAxis)
    return e.fail("a sequence whose length is known only at run time, along an "
                  "axis that is not the first");
  Value first =
      e.reshape(e("Gather", {p.shapes, e.integers(0)}, {{"axis", int64_t(0)}}),
                {p.form.rank});
  Value sum = p.count();
  if (!isNewAxis) {
    sum = e.reduce("ReduceSum", e.slice(p.shapes, 1, int64_t(0), int64_t(1)),
                   {0, 1}, false);
    sum = e.reshape(sum, {int64_t(1)});
    first = e.slice(first, 0, int64_t(1), p.form.rank);
  }
  Value all = e("Reshape", {p.elements, e.concat({sum, first}, 0)},
                {{"allowzero", int64_t(1)}});
  SmallVector<int64_t> order = to_vector(seq<int64_t>(1, *along + 1));
  order.push_back(0);
  append_range(order, seq<int64_t>(*along + 1, p.form.rank + isNewAxis));
  return e.transpose(all, order);
}

SmallVector<Value> concatFromSequence(Expansion &e) {
  int64_t axis = e.intAttr("axis", 0);
  bool isNewAxis = e.intAttr("new_axis", 0);
  if (!isSequence(e, e.operand(0)))
    return {e.poison()};
  if (isPacked(e.operand(0)))
    return {concatPacked(e, e.operand(0), axis, isNewAxis)};
  SmallVector<Value> elements = e.elements(e.operand(0));
  if (elements.empty())
    return {e.fail("the sequence is empty, and there is nothing to join")};
  if (isNewAxis)
    for (Value &each : elements)
      each = e("Unsqueeze", {each, e.integers(axis)});
  return {e.concat(elements, axis)};
}

// The numbers of parts that lie one behind the other: along the first axis, or
// where each has one element of the axis.
Value numbersOfParts(Expansion &e, Value x, int64_t axis) {
  SmallVector<int64_t> order{axis};
  for (int64_t other = 0; other < Expansion::rank(x); ++other)
    if (other != axis)
      order.push_back(other);
  return e.reshape(e.transpose(x, order), e.product(e.extents(x)));
}

// The numbers of parts of `length` elements ([1]) of an axis, and of what is
// left.
Value numbersOfEqualParts(Expansion &e, Value x, int64_t axis, Value length) {
  Value parts = e.div(e.shape(e.extent(x, axis)), length),
        end = e.mul(parts, length);
  Value whole = e.slice(x, axis, int64_t(0), end),
        rest = e.slice(x, axis, end, INT64_MAX);
  SmallVector<Extent> shape = e.extents(x);
  shape[axis] = length;
  shape.insert(shape.begin() + axis, Extent(parts));
  Value split = numbersOfParts(e, e.reshape(whole, shape), axis);
  return e.concat({split, e.reshape(rest, e.product(e.extents(rest)))}, 0);
}

// Parts of which only the run knows the number or the lengths, [parts].
Value splitAtRunTime(Expansion &e, Value x, Value numbers, int64_t axis,
                     Value lengths, bool keepsAxis) {
  Extent count = e.extent(lengths, 0), one = int64_t(1);
  SmallVector<Value> columns;
  for (int64_t other = 0; other < Expansion::rank(x); ++other)
    if (other != axis)
      columns.push_back(e.expandTo(e.shape(e.extent(x, other)), {count, one}));
    else if (keepsAxis)
      columns.push_back(e.reshape(lengths, {count, one}));
  return packed(e, numbers,
                columns.empty()
                    ? e("ConstantOfShape", e.shape({count, int64_t(0)}))
                    : e.concat(columns, 1),
                false);
}

// Integers of which none is below `least` or above `most` ([1]); the run ends
// where one is.
Value within(Expansion &e, Value integers, int64_t least, Value most) {
  Value isOutside = e("Or", {e("Less", {integers, e.integers(least)}),
                             e("Greater", {integers, most})});
  return e.add(integers, e.zeroUnless(isOutside));
}

SmallVector<Value> splitToSequence(Expansion &e) {
  Value x = e.operand(0), split = e.operand(1);
  std::optional<int64_t> axis =
      e.axis(e.intAttr("axis", 0), Expansion::rank(x));
  if (!axis)
    return {e.poison()};
  std::optional<int64_t> size = Expansion::size(x, *axis);
  bool keepsAxis = split || e.intAttr("keepdims", 1);
  if (split && Expansion::rank(split) == 1) {
    std::optional<int64_t> count = Expansion::size(split, 0);
    if (!count) {
      if (*axis)
        return {e.fail("a number of parts that is known only at run time, "
                       "along an axis that is not the first")};
      // That the lengths add up is a matter of this shape.
      Value lengths = e.cast(split, kInt64);
      SmallVector<Extent> shape = e.extents(x);
      shape[0] = e.reduce("ReduceSum",
                          within(e, lengths, 0, e.shape(e.extent(x, 0))), 0);
      return {splitAtRunTime(e, x, numbersOfParts(e, e.reshape(x, shape), 0), 0,
                             lengths, true)};
    }
    if (*count > kMostParts)
      return {e.fail(Twine(*count) + " parts")};
    return {e.sequence(e.many(*count, "Split", {x, e.cast(split, kInt64)},
                              {{"axis", *axis}}))};
  }
  std::optional<SmallVector<int64_t>> known =
      split ? e.known(split) : SmallVector<int64_t>{1};
  if (!size || !known) {
    Value whole = e.shape(e.extent(x, *axis)), each = e.integers(1);
    // No part is longer than the whole, however long it may be.
    if (split)
      each = e("Min", {within(e, e.reshape(e.cast(split, kInt64), {int64_t(1)}),
                              1, e.integers(INT64_MAX)),
                       e("Max", {whole, e.integers(1)})});
    Value count = e.div(e.sub(e.add(whole, each), e.integers(1)), each);
    Value begins = e.mul(e.countTo(Extent(count)), each);
    return {splitAtRunTime(e, x,
                           split ? numbersOfEqualParts(e, x, *axis, each)
                                 : numbersOfParts(e, x, *axis),
                           *axis, e("Min", {e.sub(whole, begins), each}),
                           keepsAxis)};
  }
  int64_t each = known->size() == 1 ? known->front() : 0;
  if (each < 1 || *size / each > kMostParts)
    return {e.fail("parts of " + Twine(each) + " out of " + Twine(*size))};
  SmallVector<int64_t> sizes;
  for (int64_t left = *size; left > 0; left -= each)
    sizes.push_back(std::min(each, left));
  SmallVector<Value> parts =
      e.many(sizes.size(), "Split", {x, e.integers(sizes)}, {{"axis", *axis}});
  if (!keepsAxis)
    for (Value &part : parts)
      part = e("Squeeze", {part, e.integers(*axis)});
  return {e.sequence(parts)};
}

SmallVector<Value> sequenceLength(Expansion &e) {
  if (!isSequence(e, e.operand(0)))
    return {e.poison()};
  if (!isPacked(e.operand(0)))
    return {e.integer(e.elements(e.operand(0)).size())};
  return {e.reshape(Packed(e, e.operand(0)).count(), ArrayRef<Extent>())};
}

Value truth(Expansion &e, bool value) {
  return e("Cast", e.integer(value),
           {{"to", int64_t(onnx::TensorProto::BOOL)}});
}

SmallVector<Value> optionalGetElement(Expansion &e) {
  Value value = e.operand(0);
  switch (formOf(value).kind) {
  case Form::Absent:
    return {e.fail("an optional value that is absent has no element")};
  case Form::Optional:
    return {value.getDefiningOp()->getOperand(1)};
  default:
    return {value};
  }
}

SmallVector<Value> optionalHasElement(Expansion &e) {
  Value value = e.operand(0);
  if (value && formOf(value).kind == Form::Optional)
    return {value.getDefiningOp()->getOperand(0)};
  return {truth(e, value && formOf(value).kind != Form::Absent)};
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
  table["SequenceLength"] = sequenceLength;
  table["ConcatFromSequence"] = concatFromSequence;
  table["SplitToSequence"] = splitToSequence;
  // An optional value that is known to be there is the value.
  table["Optional"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.operand(0) ? e.operand(0) : absent(e)};
  };
  table["OptionalGetElement"] = optionalGetElement;
  table["OptionalHasElement"] = optionalHasElement;
}

} // namespace burnish::onnx_import
