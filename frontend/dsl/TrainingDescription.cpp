// TrainingDescription.cpp - what a program that trains is told of its recipe.
//
// The attribute follows runtime/include/burnish_train.h: a struct is an array
// of its fields in order, a pointer to several of something a dictionary with
// `elements`. nn-describe-training makes constants of it without knowing more.
#include "frontend/dsl/Training.h"
#include "ir/Storage.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

namespace {
class Describer {
public:
  explicit Describer(MLIRContext *context) : b(context) {}

  Attribute text(StringRef value) { return b.getStringAttr(value); }
  Attribute whole(int64_t value) { return b.getI64IntegerAttr(value); }
  Attribute half(int64_t value) {
    return b.getI32IntegerAttr(static_cast<int32_t>(value));
  }
  Attribute real(double value) { return b.getF64FloatAttr(value); }
  Attribute null() { return b.getUnitAttr(); }
  Attribute symbol(StringRef name) {
    return FlatSymbolRefAttr::get(b.getContext(), name);
  }
  Attribute record(ArrayRef<Attribute> fields) {
    return b.getArrayAttr(fields);
  }
  Attribute several(ArrayRef<Attribute> elements) {
    if (elements.empty())
      return null();
    return b.getDictionaryAttr(
        b.getNamedAttr("elements", b.getArrayAttr(elements)));
  }
  template <typename Range, typename Describe>
  Attribute list(const Range &range, Describe describe) {
    SmallVector<Attribute> elements;
    for (const auto &each : range)
      elements.push_back(describe(each));
    return several(elements);
  }

  Attribute slot(const SlotFact &slot, int64_t &offset);
  Attribute column(const ColumnFact &column);
  Attribute value(const ValueFact &value) {
    return record(
        {text(value.name), real(value.value), half(value.place), half(0)});
  }
  Attribute clause(const ClauseFact &clause) {
    return record(
        {text(clause.clause), text(clause.name),
         list(clause.words, [&](StringRef word) { return text(word); }),
         list(clause.numbers, [&](double number) { return real(number); }),
         half(clause.words.size()), half(clause.numbers.size())});
  }
  Attribute dims(ArrayRef<int64_t> sizes) {
    return list(sizes, [&](int64_t size) { return whole(size); });
  }

private:
  Builder b;
};
} // namespace

/// The numbers of burnish_distribution, in the order of Distribution.
static int64_t distributionOf(const SlotFact &slot) {
  constexpr int64_t kStored = 5, kCopied = 6;
  if (slot.stored)
    return kStored;
  if (slot.kind == SlotFact::Average)
    return kCopied;
  return static_cast<int64_t>(slot.initial.distribution);
}

Attribute Describer::slot(const SlotFact &slot, int64_t &offset) {
  int64_t bytes =
      slot.type.getNumElements() * nn::elementBytes(slot.type.getElementType());
  Attribute described = record(
      {text(slot.path), dims(slot.type.getShape()), half(slot.type.getRank()),
       half(nn::onnxType(slot.type.getElementType())), half(slot.kind),
       half(slot.of), half(slot.isFrozen), half(distributionOf(slot)),
       real(slot.initial.a), real(slot.initial.b),
       slot.stored ? Attribute(slot.stored) : null(), whole(offset),
       whole(bytes), real(slot.scale)});
  offset += llvm::alignTo(bytes, 64);
  return described;
}

Attribute Describer::column(const ColumnFact &column) {
  ArrayRef<int64_t> sample = column.type.getShape().drop_front();
  return record({text(column.name), dims(sample), half(sample.size()),
                 half(nn::onnxType(column.type.getElementType())),
                 half(column.classes), half(column.limit)});
}

Attribute dsl::describeTraining(MLIRContext *context, StringRef name,
                                const TrainingFacts &facts,
                                const RecipeFacts &recipe, int64_t batch,
                                bool hasPredict) {
  Describer d(context);
  // The state begins with a burnish_state.
  int64_t offset = 64;
  Attribute slots = d.list(
      facts.slots, [&](const SlotFact &slot) { return d.slot(slot, offset); });
  return d.record(
      {d.text(name), d.symbol((name + "_step").str()),
       d.symbol((name + "_eval").str()), d.symbol((name + "_eval_one").str()),
       d.symbol((name + "_trace").str()),
       d.list(facts.layers, [&](StringRef layer) { return d.text(layer); }),
       slots,
       d.list(facts.columns,
              [&](const ColumnFact &column) { return d.column(column); }),
       d.list(facts.values,
              [&](const ValueFact &value) { return d.value(value); }),
       d.list(recipe.clauses,
              [&](const ClauseFact &clause) { return d.clause(clause); }),
       d.whole(offset), d.half(facts.layers.size()), d.half(facts.slots.size()),
       d.half(facts.columns.size()), d.half(facts.values.size()),
       d.half(recipe.clauses.size()), d.half(batch),
       hasPredict ? d.symbol((name + "_predict").str()) : d.null()});
}
