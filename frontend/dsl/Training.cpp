// Training.cpp - the functions of a recipe: step, evaluation, trace.
#include "frontend/dsl/Training.h"
#include "frontend/dsl/Factors.h"
#include "frontend/dsl/Recipe.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

/// What stands for the recipe where a frame wants a layer.
static Layer standIn(const Layer &net) {
  Layer layer;
  layer.name = net.name;
  layer.span = net.span;
  return layer;
}

namespace {
class TrainingBuilder {
public:
  TrainingBuilder(ModuleOp module, const TrainingSource &source,
                  TrainingRole role, StringRef name)
      : source(source), recipe(source.recipe), role(role),
        context(*module.getContext()), shapes(&context),
        loc(placeOf(source.net.span)), function(make(module, name)),
        builder(loc, OpBuilder::atBlockBegin(entry()), shapes),
        e(source.program, source.messages, source.params, source.imports,
          builder, *entry()),
        layer(standIn(source.net)), frame(layer, source.unit, "") {}

  std::optional<TrainingFacts> build();

private:
  Location placeOf(Span span) {
    auto [line, column] = source.messages.sources.lineAndColumn(span);
    return FileLineColLoc::get(
        &context, source.messages.sources.path(span.file), line, column);
  }
  func::FuncOp make(ModuleOp module, StringRef name) {
    OpBuilder moduleBuilder = OpBuilder::atBlockEnd(module.getBody());
    auto made = func::FuncOp::create(moduleBuilder, loc, name,
                                     FunctionType::get(&context, {}, {}));
    made.addEntryBlock();
    return made;
  }
  mlir::Block *entry() { return &function.getBody().front(); }

  bool isStep() const { return role == TrainingRole::Step; }
  bool isUpdating() const { return isStep() || role == TrainingRole::Trace; }

  // What a function takes.
  void addOperands();
  Term addColumn(StringRef name, RankedTensorType type, Span span);
  bool bindColumns();
  bool checkBatch(Ident column, RankedTensorType type);
  std::optional<RankedTensorType> columnType(const TensorParam &param);
  /// A number that each step is given; null where it is none.
  const ValueFact *valueOf(StringRef name) const;
  Term number(const ValueFact &value);

  // What it computes.
  bool augment();
  bool mix(const RecipeFacts::Augmentation &augmentation, Term &given,
           int64_t firstDraw);
  std::optional<Value> loss();
  std::optional<Value> mixed(Value loss, const Frame &before);
  bool metrics();
  bool predict();
  bool factors();
  bool update(Value loss);
  std::vector<size_t> trained();
  Value updateCount(Type type);
  std::vector<Value> clipped(std::vector<Value> gradients);
  Value accumulate(ArrayRef<size_t> places, std::vector<Value> &gradients,
                   Value isSound);
  bool optimize(size_t slot, Value gradient);
  void keep(Value condition, size_t from, size_t to);
  void trace();
  bool checkNames();
  void finish();

  const TrainingSource &source;
  const RecipeFacts &recipe;
  TrainingRole role;
  MLIRContext &context;
  nn::ShapeScope shapes;
  Location loc;
  func::FuncOp function;
  nn::NetBuilder builder;
  Elaborator e;
  Elaborator::Training training;
  Layer layer;
  Frame frame;
  Scope scope;

  TrainingFacts facts;
  Value recipeOperand, step;
  std::vector<std::pair<std::string, Value>> outputs;
  /// How samples are mixed with others of the batch: by which call, where its
  /// draws begin, and what it said.
  struct Mixing {
    const CallExpr *call;
    int64_t firstDraw;
    Value share, other;
    llvm::StringSet<> columns = {};
  };
  std::optional<Mixing> mixing;
};
} // namespace

//===- What a function takes ----------------------------------------------===//

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

/// The call of a net in an expression.
static const CallExpr *callOf(const Expr &expr, StringRef net) {
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

//===- What it computes ---------------------------------------------------===//

static bool isOneFloat(const Term &value) {
  auto type = value.kind == Term::Tensor
                  ? dyn_cast<RankedTensorType>(value.tensor.getType())
                  : RankedTensorType();
  return type && type.getRank() == 0 && type.getElementType().isF32();
}

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

/// The fewest rows of a table that a column names rows of, as it is or parts of
/// it; 0 where it names none.
static int64_t rowsNamedBy(Value column) {
  int64_t least = 0;
  SmallVector<Value> values = {column};
  for (size_t i = 0; i < values.size(); ++i)
    for (Operation *user : values[i].getUsers()) {
      if (auto gather = dyn_cast<nn::GatherOp>(user)) {
        auto table = dyn_cast<RankedTensorType>(gather.getData().getType());
        int64_t axis = gather.getAxis();
        if (gather.getIndices() != values[i] || !table || axis < 0 ||
            axis >= table.getRank() || table.isDynamicDim(axis))
          continue;
        int64_t rows = table.getDimSize(axis);
        least = least ? std::min(least, rows) : rows;
      } else if (isa<nn::SliceOp, nn::ReshapeOp, nn::TransposeOp, nn::SqueezeOp,
                     nn::UnsqueezeOp>(user) &&
                 user->getOperand(0) == values[i]) {
        values.push_back(user->getResult(0));
      }
    }
  return std::min<int64_t>(least, INT32_MAX);
}

std::optional<Value> TrainingBuilder::loss() {
  Frame before = frame;
  Term value = e.evaluate(*recipe.loss, frame, scope);
  if (value.isPoison())
    return std::nullopt;
  if (!isOneFloat(value)) {
    source.messages.error(recipe.loss->span,
                          "the loss is one f32, and this is " +
                              e.describe(value));
    return std::nullopt;
  }
  if (recipe.isWeighted && !e.usesWeights) {
    source.messages.error(recipe.loss->span,
                          "no loss here takes weights of samples, which "
                          "balance by weight needs",
                          {}, "cross_entropy and mse of std do");
    return std::nullopt;
  }
  for (auto [place, column] : enumerate(facts.columns))
    if (column.type.getElementType().isInteger())
      column.limit = rowsNamedBy(entry()->getArgument(place));
  std::optional<Value> loss = value.tensor;
  if (mixing)
    loss = mixed(value.tensor, before);
  if (loss)
    outputs.push_back({"loss", *loss});
  return loss;
}

bool TrainingBuilder::metrics() {
  for (const auto &[name, expr] : recipe.metrics) {
    Term value = e.evaluate(*expr, frame, scope);
    if (value.isPoison())
      return false;
    if (!isOneFloat(value))
      return source.messages.error(
          expr->span, "a metric is one f32, and this is " + e.describe(value));
    outputs.push_back({"metric." + name, value.tensor});
  }
  if (Value scores = e.firstNetResult();
      scores && isa<FloatType>(getElementTypeOrSelf(scores.getType())))
    outputs.push_back({"scores", scores});
  return true;
}

/// What the net gives, for whoever has no labels.
bool TrainingBuilder::predict() {
  const CallExpr *call = callOf(*recipe.loss, source.net.name.text);
  Term value = e.evaluate(*call, frame, scope);
  if (value.kind == Term::Tensor) {
    outputs.push_back({"scores", value.tensor});
    return true;
  }
  if (value.kind != Term::Tuple)
    return false;
  std::vector<std::string> names = e.resultNames(source.net);
  for (auto [name, part] : llvm::zip_equal(names, value.parts))
    outputs.push_back({name, part.tensor});
  return true;
}

/// Puts factors into what is built, and the results of that into what is known.
bool TrainingBuilder::factors() {
  ReplacedValues replaced;
  if (!addFactors(e, recipe, source.net.name.text, isStep(), replaced))
    return false;
  auto follow = [&](auto &named) {
    if (Value now = replaced.lookup(named.second))
      named.second = now;
  };
  llvm::for_each(outputs, follow);
  llvm::for_each(training.layers, follow);
  return true;
}

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

/// For each layer whether what it gave has a NaN or an infinity.
void TrainingBuilder::trace() {
  Type f32 = builder.getF32Type(), u8 = elementTypeOf("u8", &context);
  std::vector<Value> flags;
  for (auto &[path, value] : training.layers) {
    if (!isa<FloatType>(getElementTypeOrSelf(value.getType())) ||
        value.getParentBlock() != entry())
      continue;
    facts.layers.push_back(path);
    // At once, so that what a layer gave need not be kept to the end.
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(value);
    // 0 times what is not finite is NaN.
    Value sum = e.sumOfAll(builder.make<nn::MulOp>(
        builder.make<nn::CastOp>(value, nn::onnxType(f32), 1, "up"),
        builder.scalar(f32, 0)));
    flags.push_back(builder.make<nn::UnsqueezeOp>(
        builder.make<nn::CastOp>(builder.make<nn::IsNaNOp>(sum),
                                 nn::onnxType(u8), 1, "up"),
        builder.integers({0})));
  }
  if (!flags.empty())
    outputs.push_back(
        {"layers", builder.make<nn::ConcatOp>(ValueRange(flags),
                                              builder.getI64IntegerAttr(0))});
}

//===- All of it ----------------------------------------------------------===//

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
