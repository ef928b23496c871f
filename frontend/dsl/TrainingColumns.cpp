// TrainingColumns.cpp - what a function of a recipe takes: columns of the data,
// numbers of the recipe.
#include "frontend/dsl/TrainingBuilder.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

void TrainingBuilder::addOperands() {
  facts.values = recipe.values;
  // Numbers of the optimiser that the recipe leaves to it can be changed, too.
  if (recipe.optimizer)
    if (const Layer *optimizer =
            source.program.find(source.unit, recipe.optimizer->callee.text)
                .layer)
      for (const StaticParam &param : optimizer->statics) {
        auto given = recipe.hyperparameters.find(param.name.text.str());
        auto *initial = dyn_cast_or_null<NumberExpr>(param.initial.get());
        if (given == recipe.hyperparameters.end() && !initial)
          continue;
        int place = 0;
        for (const ValueFact &each : facts.values)
          place = std::max(place, each.place + 1);
        facts.values.push_back({param.name.text.str(),
                                given == recipe.hyperparameters.end()
                                    ? initial->value
                                    : given->second,
                                place});
      }
  int64_t places = 0;
  for (const ValueFact &each : facts.values)
    places = std::max<int64_t>(places, each.place + 1);
  Type f64 = builder.getF64Type(), i64 = builder.getI64Type();
  recipeOperand =
      entry()->addArgument(RankedTensorType::get({places}, f64), loc);
  step = entry()->addArgument(RankedTensorType::get({}, i64), loc);
  training.key = entry()->addArgument(RankedTensorType::get({}, i64), loc);
  training.isUpdating = isUpdating();
  for (const auto &[name, size] : recipe.dims)
    training.sizes[name.text] = size;
  if (role == TrainingRole::EvalOne)
    training.sizes[recipe.dims[0].first.text] = 1;
  training.openColumn = [this](StringRef name, RankedTensorType type,
                               Span span) {
    return addColumn(name, type, span);
  };
  e.training = &training;
}

const ValueFact *TrainingBuilder::valueOf(StringRef name) const {
  auto found = llvm::find_if(facts.values, [&](const ValueFact &each) {
    return each.name == name && each.place >= 0;
  });
  return found == facts.values.end() ? nullptr : &*found;
}

Term TrainingBuilder::number(const ValueFact &value) {
  Term term = Term::ofTensor(
      builder.make<nn::GatherOp>(recipeOperand, builder.integer(value.place),
                                 builder.getI64IntegerAttr(0)),
      source.net.span);
  term.isNumeric = true;
  return term;
}

Term TrainingBuilder::addColumn(StringRef name, RankedTensorType type,
                                Span span) {
  facts.columns.push_back({name.str(), type, e.classesOf(name)});
  return Term::ofTensor(
      entry()->insertArgument(facts.columns.size() - 1, type, loc), span);
}

std::optional<RankedTensorType>
TrainingBuilder::columnType(const TensorParam &param) {
  Type elementType = elementTypeOf(param.type.elementType.text, &context);
  if (!elementType) {
    source.messages.error(param.type.elementType.span,
                          "an input has elements of one type, as i64");
    return std::nullopt;
  }
  SmallVector<int64_t> sizes;
  for (const DimRef &dim : param.type.dims) {
    if (auto *number = dyn_cast_or_null<NumberExpr>(dim.expr.get())) {
      sizes.push_back(number->integer);
      continue;
    }
    auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get());
    auto found = llvm::find_if(recipe.dims, [&](const auto &each) {
      return name && each.first.text == name->name;
    });
    if (found == recipe.dims.end()) {
      source.messages.error(param.type.span,
                            "the recipe leaves a dim of " +
                                quoted(param.name.text) + " open",
                            {{recipe.place, "the recipe is here"}},
                            "batch N = 64 gives N a size");
      return std::nullopt;
    }
    bool isOne = found == recipe.dims.begin() && role == TrainingRole::EvalOne;
    sizes.push_back(isOne ? 1 : found->second);
  }
  return RankedTensorType::get(sizes, elementType);
}

/// A column has a sample for each place of its first axis.
bool TrainingBuilder::checkBatch(Ident column, RankedTensorType type) {
  int64_t batch = role == TrainingRole::EvalOne ? 1 : recipe.dims[0].second;
  if (type.getRank() > 0 && type.getDimSize(0) == batch)
    return true;
  return source.messages.error(
      column.span,
      quoted(column.text) + " is given to an input of " +
          (type.getRank() == 0 ? "no dims"
                               : Twine(type.getDimSize(0)) + " at axis 0") +
          ", and samples come in batches of " + Twine(recipe.dims[0].second) +
          " or, where few are left, one by one",
      {}, "a dim with a name, as N, fits both");
}

const CallExpr *dsl::callOf(const Expr &expr, StringRef net) {
  if (auto *call = dyn_cast<CallExpr>(&expr)) {
    if (call->callee.text == net)
      return call;
    for (const ArgumentList &list : call->lists)
      for (const Argument &argument : list.arguments)
        if (const CallExpr *found = callOf(*argument.value, net))
          return found;
  } else if (auto *both = dyn_cast<BinaryExpr>(&expr)) {
    const CallExpr *found = callOf(*both->left, net);
    return found ? found : callOf(*both->right, net);
  } else if (auto *one = dyn_cast<UnaryExpr>(&expr)) {
    return callOf(*one->operand, net);
  } else if (auto *pipe = dyn_cast<PipeExpr>(&expr)) {
    const CallExpr *found = callOf(*pipe->value, net);
    return found ? found : callOf(*pipe->target, net);
  } else if (auto *index = dyn_cast<IndexExpr>(&expr)) {
    return callOf(*index->base, net);
  }
  return nullptr;
}

bool TrainingBuilder::bindColumns() {
  const Layer &net = source.net;
  const CallExpr *call = callOf(*recipe.loss, net.name.text);
  if (!call)
    return source.messages.error(recipe.loss->span,
                                 "the loss does not call the net " +
                                     quoted(net.name.text),
                                 {{net.name.span, "the net is here"}});
  // A column has the type of the input that it is given to.
  for (const RecipeFacts::Column &column : recipe.columns) {
    const TensorParam *input = nullptr;
    size_t next = 0;
    for (const ArgumentList &list : call->lists)
      for (const Argument &argument : list.arguments) {
        const TensorParam *param =
            next < net.params.size() ? &net.params[next++] : nullptr;
        for (const TensorParam &each : net.params)
          if (argument.name && each.name.text == argument.name.text)
            param = &each;
        auto *name = dyn_cast<NameExpr>(argument.value.get());
        if (name && name->name == column.name.text)
          input = param;
      }
    Term term = Term::ofColumn(column.name.text, column.name.span);
    if (input) {
      std::optional<RankedTensorType> type = columnType(*input);
      if (!type || !checkBatch(column.name, *type))
        return false;
      term = addColumn(column.name.text, *type, column.name.span);
    } else if (!isa<NameExpr>(column.value)) {
      return source.messages.error(
          column.value->span, "the type of " + quoted(column.name.text) +
                                  " is not known here: no input of the net is "
                                  "given it");
    }
    Scope alone;
    alone.values[column.name.text] = term;
    if (input && !isa<NameExpr>(column.value))
      term = e.evaluate(*column.value, frame, alone);
    if (term.isPoison())
      return false;
    scope.values[column.name.text] = term;
  }
  if (recipe.isWeighted && role != TrainingRole::Predict) {
    int64_t batch = role == TrainingRole::EvalOne ? 1 : recipe.dims[0].second;
    e.sampleWeights = addColumn(
        "weight", RankedTensorType::get({batch}, builder.getF32Type()),
        net.span);
  }
  scope.values["weights"] = Term::ofText("*", net.span);
  return true;
}
