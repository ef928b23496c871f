// TrainingUpdate.cpp - how params follow from gradients: clipping,
// accumulation, the optimiser's layer, averages.
#include "frontend/dsl/Recipe.h"
#include "frontend/dsl/TrainingBuilder.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

std::vector<size_t> TrainingBuilder::trained() {
  std::vector<size_t> places;
  for (auto [place, slot] : enumerate(e.slots)) {
    // Factors are there to be trained, whatever a pattern says of their matrix.
    bool isFactor = slot.factor != Elaborator::Factor::None;
    bool isFrozen =
        llvm::is_contained(slot.flags, "frozen") ||
        (!isFactor &&
         llvm::any_of(recipe.frozen, [&](const std::string &pattern) {
           return matchesPath(pattern, slot.path, source.net.name.text);
         }));
    if (!slot.isState && !isFrozen)
      places.push_back(place);
  }
  return places;
}

std::vector<Value> TrainingBuilder::clipped(std::vector<Value> gradients) {
  if (recipe.clip == RecipeFacts::Clip::None)
    return gradients;
  Type f32 = builder.getF32Type();
  Value limit = e.tensorOf(number(*valueOf("clip")), f32).tensor;
  if (recipe.clip == RecipeFacts::Clip::Value) {
    Value least = builder.make<nn::NegOp>(limit);
    for (Value &each : gradients)
      each = builder.make<nn::MinOp>(
          ValueRange{builder.make<nn::MaxOp>(ValueRange{each, least}), limit});
    return gradients;
  }
  // By the norm of all (Pascanu, Mikolov, Bengio, "On the difficulty of
  // training recurrent neural networks", 2013).
  Value sum = builder.scalar(f32, 0);
  for (Value each : gradients)
    sum = builder.make<nn::AddOp>(
        sum, e.sumOfAll(builder.make<nn::MulOp>(each, each)));
  Value norm = builder.make<nn::AddOp>(builder.make<nn::SqrtOp>(sum),
                                       builder.scalar(f32, 1e-6)),
        factor = builder.make<nn::MinOp>(ValueRange{
            builder.make<nn::DivOp>(limit, norm), builder.scalar(f32, 1)});
  for (Value &each : gradients)
    each = builder.make<nn::MulOp>(each, factor);
  return gradients;
}

/// How often params were updated, with this time.
Value TrainingBuilder::updateCount(Type type) {
  Value count = step;
  if (recipe.accumulate > 1)
    count = builder.make<nn::DivOp>(count, builder.integer(recipe.accumulate));
  return builder.make<nn::CastOp>(count, nn::onnxType(type), 1, "up");
}

bool TrainingBuilder::optimize(size_t place, Value gradient) {
  const CallExpr &call = *recipe.optimizer;
  Program::Found found = source.program.find(source.unit, call.callee.text);
  std::string path = e.slots[place].path;
  bool decays = recipe.decays.empty()
                    ? !llvm::is_contained(e.slots[place].flags, "no_decay")
                    : matchesPath(recipe.decays, path, source.net.name.text);
  llvm::StringMap<Term> statics;
  // Defaults that are no mere number are the layer's own affair.
  for (const StaticParam &param : found.layer->statics)
    if (const ValueFact *fact = valueOf(param.name.text))
      statics[param.name.text] = number(*fact);
  std::vector<Term> tensors;
  for (const TensorParam &param : found.layer->params) {
    StringRef name = param.name.text;
    Term value;
    if (name == "w" || name == "g") {
      value = Term::ofTensor(
          name == "w" ? Value(e.slots[place].argument) : gradient, call.span);
    } else if (name == "lr" || (name == "decay" && decays)) {
      value = number(*valueOf(name));
    } else if (name == "decay" || name == "t") {
      Type f64 = builder.getF64Type();
      value = Term::ofTensor(
          name == "t" ? updateCount(f64) : builder.scalar(f64, 0), call.span);
      value.isNumeric = true;
    } else {
      return source.messages.error(
          param.name.span, "an optimiser is given w, g, lr, decay and t, and "
                           "no " +
                               quoted(name));
    }
    tensors.push_back(std::move(value));
  }
  size_t before = e.slots.size();
  Term changed = e.applyLayer(*found.layer, *found.unit, path + ".", statics,
                              tensors, call.span);
  if (changed.isPoison())
    return false;
  e.slots[place].value = changed.tensor;
  for (size_t at = before; at < e.slots.size(); ++at)
    e.slots[at].of = static_cast<int>(place);
  return true;
}

/// Slots stay as they were where the condition does not hold.
void TrainingBuilder::keep(Value condition, size_t from, size_t to) {
  for (size_t at = from; at < to; ++at) {
    Elaborator::Slot &slot = e.slots[at];
    if (slot.value != Value(slot.argument))
      slot.value =
          builder.make<nn::WhereOp>(condition, slot.value, slot.argument);
  }
}

/// Adds gradients up over several steps; the last of these updates by their
/// mean. Returns whether this is one.
Value TrainingBuilder::accumulate(ArrayRef<size_t> places,
                                  std::vector<Value> &gradients,
                                  Value isSound) {
  Type f32 = builder.getF32Type();
  Value count = builder.integer(recipe.accumulate);
  Value isLast = builder.make<nn::EqualOp>(
            builder.make<nn::ModOp>(step, count, 0), builder.integer(0)),
        share = builder.scalar(f32, 1.0 / recipe.accumulate);
  size_t first = e.slots.size();
  for (auto [place, gradient] : llvm::zip_equal(places, gradients)) {
    BlockArgument sum =
        entry()->addArgument(e.slots[place].argument.getType(), loc);
    gradient =
        builder.make<nn::AddOp>(sum, builder.make<nn::MulOp>(gradient, share));
    Elaborator::Slot slot;
    slot.path = e.slots[place].path + ".sum";
    slot.argument = sum;
    slot.value =
        builder.make<nn::WhereOp>(isLast, builder.scalar(f32, 0), gradient);
    slot.isState = true;
    slot.of = static_cast<int>(place);
    e.slots.push_back(std::move(slot));
  }
  keep(isSound, first, e.slots.size());
  gradients = clipped(std::move(gradients));
  return builder.make<nn::AndOp>(isSound, isLast);
}

bool TrainingBuilder::update(Value loss) {
  const CallExpr &call = *recipe.optimizer;
  Program::Found found = source.program.find(source.unit, call.callee.text);
  if (!found.layer || found.layer->isNet ||
      llvm::none_of(found.layer->params, [](const TensorParam &param) {
        return param.name.text == "g";
      }))
    return source.messages.error(
        call.callee.span,
        quoted(call.callee.text) + " is no optimiser" +
            (found ? ""
                   : nearest(call.callee.text,
                             source.program.names(source.unit))),
        {}, "sgd, adamw and others of std are, and layers of w and g");
  for (const auto &[name, value] : recipe.hyperparameters)
    if (llvm::none_of(found.layer->statics, [&](const StaticParam &param) {
          return param.name.text == name;
        }))
      return source.messages.error(call.span, quoted(call.callee.text) +
                                                  " takes no " + quoted(name));
  size_t own = e.slots.size();
  std::vector<size_t> places = trained();
  if (places.empty())
    return source.messages.error(recipe.optimizer->span,
                                 "no param is left to be trained");
  std::vector<Value> variables;
  for (size_t place : places)
    variables.push_back(e.slots[place].argument);
  e.at(recipe.loss->span);
  auto gradient = builder.makeMany<nn::GradientAtOp>(
      places.size(), loss, ValueRange(variables), ValueRange(variables));
  std::vector<Value> gradients(gradient->result_begin(),
                               gradient->result_end());
  if (recipe.accumulate == 1)
    gradients = clipped(std::move(gradients));
  // A loss that is no number changes nothing.
  Value difference = builder.make<nn::SubOp>(loss, loss);
  Value isSound = builder.make<nn::EqualOp>(
      difference, builder.scalar(builder.getF32Type(), 0));
  keep(isSound, 0, own);
  Value applies = isSound;
  if (recipe.accumulate > 1)
    applies = accumulate(places, gradients, isSound);
  training.applies = applies;
  for (auto [place, each] : llvm::zip_equal(places, gradients))
    if (!optimize(place, each))
      return false;
  training.applies = {};
  for (size_t place : places)
    keep(applies, place, place + 1);
  if (!recipe.hasAverage)
    return true;
  Value kept = e.tensorOf(number(*valueOf("ema")), builder.getF32Type()).tensor;
  for (size_t place : places) {
    Elaborator::Slot param = e.slots[place];
    BlockArgument argument =
        entry()->addArgument(param.argument.getType(), loc);
    Value moved = builder.make<nn::AddOp>(
        param.value, builder.make<nn::MulOp>(
                         kept, builder.make<nn::SubOp>(argument, param.value)));
    e.slots.push_back({.path = param.path + ".average",
                       .argument = argument,
                       .value = moved,
                       .isState = true,
                       .of = static_cast<int>(place),
                       .isAverage = true});
  }
  return true;
}
