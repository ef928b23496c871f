// Augmentation.cpp - samples that a step changes, or mixes with others.
#include "frontend/dsl/TrainingBuilder.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

bool TrainingBuilder::augment() {
  if (!isUpdating())
    return true;
  for (const RecipeFacts::Augmentation &each : recipe.augmentations) {
    Term &target = scope.values[each.target.text];
    if (target.kind != Term::Tensor)
      return source.messages.error(each.target.span,
                                   quoted(each.target.text) +
                                       " is no input of the net");
    // Columns that the same call mixes go the same way: they draw the same.
    const Sources &sources = source.messages.sources;
    bool isSame = mixing && sources.text(mixing->call->span) ==
                                sources.text(each.call->span);
    int64_t drawn = training.draws;
    if (isSame)
      training.draws = mixing->firstDraw;
    int64_t firstDraw = training.draws;
    Term given = e.applyCall(*each.call, target, frame, scope);
    training.draws = std::max(drawn, training.draws);
    if (given.isPoison() ||
        (given.kind == Term::Tuple && !mix(each, given, firstDraw)))
      return false;
    target = std::move(given);
  }
  return true;
}

/// Takes the samples out of what an augmentation gave that mixes them.
bool TrainingBuilder::mix(const RecipeFacts::Augmentation &augmentation,
                          Term &given, int64_t firstDraw) {
  const CallExpr &call = *augmentation.call;
  auto typeOf = [](const Term &part) {
    return part.kind == Term::Tensor
               ? dyn_cast<RankedTensorType>(part.tensor.getType())
               : RankedTensorType();
  };
  RankedTensorType samples = typeOf(scope.values[augmentation.target.text]),
                   others = given.parts.size() == 3 ? typeOf(given.parts[2])
                                                    : RankedTensorType();
  if (!others || !isOneFloat(given.parts[1]) ||
      typeOf(given.parts[0]) != samples || samples.getRank() == 0 ||
      others != RankedTensorType::get(samples.getShape().take_front(),
                                      builder.getI64Type()))
    return source.messages.error(
        call.span,
        "an augmentation gives a tensor, or, where it mixes samples, these, "
        "their share and the places of the others, and this is " +
            e.describe(given));
  const Sources &sources = source.messages.sources;
  if (!mixing)
    mixing = {&call, firstDraw, given.parts[1].tensor, given.parts[2].tensor};
  bool isSame = sources.text(mixing->call->span) == sources.text(call.span);
  if (!isSame || !mixing->columns.insert(augmentation.target.text).second)
    return source.messages.error(
        call.span, "samples are mixed once, and this is a second way",
        {{mixing->call->span, "the first is here"}});
  given = given.parts[0];
  return true;
}

/// The loss of samples that are mixed: its share, and the rest of that with the
/// labels of the others. Labels are columns that the net is not given; the net,
/// on the same samples, runs once.
std::optional<Value> TrainingBuilder::mixed(Value loss, const Frame &before) {
  auto ofOthers = [&](const Term &column) {
    return Term::ofTensor(
        builder.make<nn::GatherOp>(column.tensor, mixing->other,
                                   builder.getI64IntegerAttr(0)),
        column.from);
  };
  Scope others(&scope);
  for (const RecipeFacts::Column &column : recipe.columns)
    if (std::optional<Term> opened = e.openedColumn(column.name.text))
      others.values[column.name.text] = ofOthers(*opened);
  bool isAllMixed = llvm::all_of(recipe.columns, [&](const auto &column) {
    return mixing->columns.contains(column.name.text);
  });
  if (others.values.empty() && !isAllMixed) {
    source.messages.error(
        mixing->call->span,
        "samples are mixed, and the loss has no labels to mix beside the net",
        {{recipe.loss->span, "the loss is here"}},
        "labels are columns that the net is not given");
    return std::nullopt;
  }
  if (others.values.empty())
    return loss;
  std::optional<Term> weights = e.sampleWeights;
  if (weights)
    e.sampleWeights = ofOthers(*weights);
  // The same calls, so that their paths are the same.
  frame.labels = before.labels;
  frame.calls = before.calls;
  Term value = e.evaluate(*recipe.loss, frame, others);
  e.sampleWeights = weights;
  if (value.isPoison())
    return std::nullopt;
  Value rest = builder.make<nn::SubOp>(builder.scalar(builder.getF32Type(), 1),
                                       mixing->share);
  return builder.make<nn::AddOp>(builder.make<nn::MulOp>(mixing->share, loss),
                                 builder.make<nn::MulOp>(rest, value.tensor));
}
