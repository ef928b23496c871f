// Training.cpp - the functions of a recipe: step, evaluation, trace.
#include "frontend/dsl/TrainingBuilder.h"
#include "ir/Ops.h"
#include "ir/Signature.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

Layer TrainingBuilder::standIn(const Layer &net) {
  Layer layer;
  layer.name = net.name;
  layer.span = net.span;
  return layer;
}

/// A run finds what it gives to a function by its name.
bool TrainingBuilder::checkNames() {
  llvm::StringSet<> names{"recipe", "step", "key"};
  for (const ColumnFact &column : facts.columns)
    names.insert(column.name);
  for (const Elaborator::Slot &slot : e.slots)
    if (!names.insert(slot.path).second)
      return source.messages.error(
          source.net.span,
          "a param of " + quoted(source.net.name.text) + " is called " +
              quoted(slot.path) +
              ", as is a column or what a step is given beside them");
  return true;
}

void TrainingBuilder::finish() {
  OpBuilder attributes(&context);
  auto named = [&](StringRef name, std::optional<int64_t> updates = {}) {
    NamedAttrList list;
    list.append("nn.name", attributes.getStringAttr(name));
    if (updates)
      list.append(nn::kUpdatesAttr, attributes.getI64IntegerAttr(*updates));
    return list.getDictionary(&context);
  };
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  SmallVector<Value> returned;
  for (const ColumnFact &column : facts.columns)
    argumentAttributes.push_back(named(column.name));
  for (StringRef name : {"recipe", "step", "key"})
    argumentAttributes.push_back(named(name));
  for (const Elaborator::Slot &slot : e.slots)
    argumentAttributes.push_back(named(slot.path));
  for (const auto &[name, value] : outputs) {
    returned.push_back(value);
    resultAttributes.push_back(named(name));
  }
  if (isStep())
    for (const Elaborator::Slot &slot : e.slots)
      if (slot.value != Value(slot.argument)) {
        returned.push_back(slot.value);
        resultAttributes.push_back(
            named(slot.path, slot.argument.getArgNumber()));
      }
  func::ReturnOp::create(builder, loc, returned);
  function.setFunctionType(
      FunctionType::get(&context, TypeRange(entry()->getArgumentTypes()),
                        ValueRange(returned).getTypes()));
  function.setAllArgAttrs(argumentAttributes);
  function.setAllResultAttrs(resultAttributes);

  std::vector<size_t> isTrained = trained();
  for (auto [place, slot] : enumerate(e.slots)) {
    SlotFact fact;
    fact.path = slot.path;
    fact.type = cast<RankedTensorType>(slot.argument.getType());
    fact.kind = slot.isAverage                            ? SlotFact::Average
                : slot.factor == Elaborator::Factor::Left ? SlotFact::LeftFactor
                : slot.factor == Elaborator::Factor::Right
                    ? SlotFact::RightFactor
                : slot.of >= 0 ? SlotFact::Moment
                : slot.isState ? SlotFact::Statistic
                               : SlotFact::Param;
    fact.of = slot.of;
    fact.scale = slot.scale;
    fact.isFrozen =
        fact.kind == SlotFact::Param && !llvm::is_contained(isTrained, place);
    fact.initial = slot.initial;
    fact.stored = slot.stored;
    facts.slots.push_back(std::move(fact));
  }
}

std::optional<TrainingFacts> TrainingBuilder::build() {
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diagnostic) { return e.report(diagnostic); });
  e.place = source.net.span;
  if (!recipe.loss || !recipe.optimizer)
    return std::nullopt;
  if (recipe.dims.empty()) {
    complainOfNoBatch(source.net.name, source.messages);
    return std::nullopt;
  }
  addOperands();
  if (!bindColumns() || !augment())
    return std::nullopt;
  if (role == TrainingRole::Predict) {
    if (!predict() || !factors() || !checkNames())
      return std::nullopt;
    finish();
    return std::move(facts);
  }
  std::optional<Value> value = loss();
  if (!value)
    return std::nullopt;
  if (role == TrainingRole::Trace) {
    outputs.clear();
    if (!factors())
      return std::nullopt;
    trace();
  } else {
    if (!metrics() || !factors())
      return std::nullopt;
    value = outputs[0].second;
    if (source.givesLossAlone)
      outputs.resize(1);
    if (isStep() && !update(*value))
      return std::nullopt;
  }
  if (source.messages.hasErrors() || !checkNames())
    return std::nullopt;
  finish();
  return std::move(facts);
}

bool dsl::complainOfNoBatch(Ident net, Messages &messages) {
  return messages.error(net.span,
                        "the recipe of " + quoted(net.text) + " has no batch",
                        {}, "batch N = 64 says how many samples a step takes");
}

std::optional<TrainingFacts> dsl::buildTraining(ModuleOp module,
                                                const TrainingSource &source,
                                                TrainingRole role,
                                                StringRef name) {
  return TrainingBuilder(module, source, role, name).build();
}
