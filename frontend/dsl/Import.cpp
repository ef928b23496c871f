// Import.cpp - from a .nn file to a module: files, exports, inputs, outputs.
#include "frontend/dsl/Import.h"
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/ExprParser.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/ModelNet.h"
#include "frontend/dsl/Names.h"
#include "frontend/dsl/Recipe.h"
#include "frontend/dsl/Training.h"
#include "ir/Signature.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

namespace {
/// What lives as long as the module: texts are gone then, weights are not.
struct Storage {
  std::vector<std::shared_ptr<SafeTensors>> weights;
  std::vector<std::shared_ptr<void>> imports;
};

class NetworkImporter {
public:
  NetworkImporter(MLIRContext &context, const NetworkOptions &options,
                  Diagnostics &diagnostics)
      : context(context), options(options), diagnostics(diagnostics),
        messages(sources, diagnostics), program(messages, sources) {}

  FailureOr<ImportedNetwork> run();

private:
  bool read();
  ModuleOp importFile(const Import &import, const ImportOptions &model);
  void readImports();
  bool checkInput(func::FuncOp model, unsigned index, Span span);
  bool readModel();
  bool checkExports();
  bool choose();
  bool readWeights();
  std::optional<RankedTensorType> inputType(const TensorParam &param,
                                            SmallVector<StringRef> &names);
  func::FuncOp function(ModuleOp module, ParamSource &params, const Layer &net,
                        StringRef name);
  void checkRecipes();
  bool training(ModuleOp module, ParamSource &params, StringRef name);

  MLIRContext &context;
  const NetworkOptions &options;
  Diagnostics &diagnostics;
  Sources sources;
  Messages messages;
  Program program;
  Unit *unit = nullptr;
  const Layer *net = nullptr;
  std::map<std::string, int64_t> dims;
  std::string cName;
  std::shared_ptr<SafeTensors> weights;
  std::shared_ptr<Storage> storage = std::make_shared<Storage>();
  std::map<std::string, ModuleOp> imports;
  std::vector<OwningOpRef<ModuleOp>> importedModules;
  /// The model that is trained, as if the file imported it.
  Import whole;
  std::string wholeName;
};

bool NetworkImporter::read() {
  StringRef name = options.path == "-" ? "<stdin>" : StringRef(options.path);
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> text =
      std::unique_ptr<llvm::MemoryBuffer>();
  if (options.text)
    text = llvm::MemoryBuffer::getMemBufferCopy(*options.text, name);
  else
    text = llvm::MemoryBuffer::getFileOrSTDIN(options.path, /*IsText=*/true);
  if (!text)
    return diagnostics.error("", text.getError().message());
  if (!options.text && llvm::sys::fs::is_directory(options.path))
    return diagnostics.error("", "this is a folder");
  unit = &program.load(name, std::move(*text));
  for (const auto &each : program.allUnits())
    if (!each->isStandard)
      checkNames(program, *each, messages);
  return true;
}

/// What an imported file gives is checked as far as its own importer does. Null
/// after a report.
ModuleOp NetworkImporter::importFile(const Import &import,
                                     const ImportOptions &model) {
  Diagnostics found(model.path);
  FailureOr<ImportedModel> read = options.importOnnx(context, model, found);
  for (const Problem &problem : found.problems())
    messages.error(import.path.span, found.message(problem));
  if (failed(read)) {
    if (!found.hasErrors())
      messages.error(import.path.span, quoted(model.path) + " is no model");
    return {};
  }
  storage->imports.push_back(std::move(read->storage));
  importedModules.push_back(std::move(read->module));
  return *importedModules.back();
}

void NetworkImporter::readImports() {
  for (const auto &each : program.allUnits())
    for (const Import &import : each->file.imports) {
      std::string path =
          besides(sources.path(import.span.file), import.path.text);
      if (imports.count(import.name.text.str()))
        continue;
      imports[import.name.text.str()] = {};
      if (!options.importOnnx) {
        messages.error(import.path.span, "ONNX models are not read here");
        continue;
      }
      if (!llvm::sys::fs::exists(path)) {
        messages.error(import.path.span,
                       quoted(path) + ": no such file or directory");
        continue;
      }
      if (!llvm::sys::fs::is_regular_file(path)) {
        messages.error(import.path.span, quoted(path) + " is no file");
        continue;
      }
      ImportOptions model;
      model.path = path;
      model.name = import.name.text.str();
      model.namesInitializers = true;
      imports[import.name.text.str()] = importFile(import, model);
    }
}

/// A step has one size: all dims of what it is given are known.
bool NetworkImporter::checkInput(func::FuncOp model, unsigned index,
                                 Span span) {
  auto type = cast<RankedTensorType>(model.getArgumentTypes()[index]);
  auto name = model.getArgAttrOfType<StringAttr>(index, "nn.name");
  auto dims = model.getArgAttrOfType<ArrayAttr>(index, "nn.dims");
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!type.isDynamicDim(axis))
      continue;
    StringRef dim = dims ? cast<StringAttr>(dims[axis]).getValue() : "";
    return messages.error(
        span,
        "input " + quoted(name.getValue()) + " of " + quoted(options.model) +
            " is open at axis " + Twine(axis) +
            (dim.empty() ? Twine() : ", its dim " + quoted(dim)),
        {},
        dim.empty() ? Twine() : "batch N = 64, " + dim + " = 8 would close it");
  }
  return true;
}

/// Makes a net of the model that the file's recipe trains, under the name that
/// the recipe gives it.
bool NetworkImporter::readModel() {
  ArrayRef<Train> trains = unit->file.trains;
  if (trains.empty())
    return messages.error({unit->file.source, 0, 0},
                          "the file has no recipe: no train block");
  const Train &train = trains[0];
  Ident name = train.net;
  if (trains.size() > 1)
    return messages.error(trains[1].span,
                          "a second recipe, and one is to train " +
                              quoted(options.model),
                          {{train.span, "the first is here"}});
  if (Program::Found found = program.find(*unit, name.text);
      found && !found.unit->isStandard)
    return messages.error(
        name.span,
        quoted(name.text) +
            " is a name of this file, and the "
            "recipe is to train " +
            quoted(options.model),
        {{found.layer ? found.layer->span : found.import->span,
          "it is declared here"}});
  size_t before = messages.count();
  RecipeFacts recipe = readRecipe(train, messages);
  if (messages.count() != before)
    return false;
  if (recipe.dims.empty())
    return complainOfNoBatch(name, messages);
  ImportOptions model;
  model.path = options.model;
  model.name = name.text.str();
  model.namesInitializers = true;
  model.dims = options.dims;
  model.shapes = options.shapes;
  bool isOne = options.training == TrainingRole::EvalOne;
  for (auto [index, dim] : enumerate(recipe.dims))
    if (index == 0)
      model.batch = {dim.first.text.str(), isOne ? 1 : dim.second};
    else
      model.dims[dim.first.text.str()] = dim.second;
  wholeName = name.text.str() + "_";
  whole.span = name.span;
  whole.path = {options.model, name.span};
  whole.name = {wholeName, name.span};
  whole.isWhole = true;
  ModuleOp module = importFile(whole, model);
  if (!module)
    return false;
  imports[wholeName] = module;
  auto function = *module.getOps<func::FuncOp>().begin();
  for (unsigned index = 0; index < function.getNumArguments(); ++index)
    if (!checkInput(function, index, name.span))
      return false;
  Unit &made = program.load(
      options.model,
      llvm::MemoryBuffer::getMemBufferCopy(
          modelNetText(function, name.text, wholeName), options.model));
  made.imports[wholeName] = &whole;
  net = made.layers.lookup(name.text);
  unit->uses.push_back(&made);
  unit->layers[name.text] = net;
  return net;
}

//===- Which net ----------------------------------------------------------===//

/// The net of a name, or null after a report.
static const Layer *findNet(const Unit &unit, Ident name, Messages &messages) {
  if (const Layer *found = unit.layers.lookup(name.text)) {
    if (found->isNet)
      return found;
    messages.error(name.span, quoted(name.text) + " is a layer, and no net",
                   {{found->span, "it is declared here"}});
    return nullptr;
  }
  std::vector<StringRef> nets;
  for (const auto &layer : unit.file.layers)
    if (layer->isNet)
      nets.push_back(layer->name.text);
  messages.error(name.span, "no net is called " + quoted(name.text) +
                                nearest(name.text, nets));
  return nullptr;
}

/// The dims of a net's inputs that are names.
static std::map<StringRef, Span> openDims(const Layer &net) {
  std::map<StringRef, Span> names;
  for (const TensorParam &param : net.params)
    for (const DimRef &dim : param.type.dims)
      if (auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get()))
        names.try_emplace(name->name, name->span);
  return names;
}

bool NetworkImporter::checkExports() {
  llvm::StringMap<Span> taken;
  bool isFine = true;
  for (const Export &each : unit->file.exports) {
    const Layer *exported = findNet(*unit, each.net, messages);
    if (!exported) {
      isFine = false;
      continue;
    }
    if (each.isTraining) {
      bool hasRecipe = llvm::any_of(unit->file.trains, [&](const Train &train) {
        return train.net.text == each.net.text;
      });
      if (!hasRecipe)
        isFine = messages.error(each.span, quoted(each.net.text) +
                                               " has no recipe: no train block "
                                               "names it");
      continue;
    }
    Ident name = each.alias ? each.alias : each.net;
    auto [entry, isNew] = taken.try_emplace(name.text, name.span);
    if (!isNew)
      isFine = messages.error(name.span,
                              "a second export called " + quoted(name.text),
                              {{entry->second, "the first is here"}});
    std::map<StringRef, Span> open = openDims(*exported);
    for (const Argument &dim : each.dims)
      if (!open.erase(dim.name.text)) {
        std::vector<StringRef> names;
        for (auto &[known, span] : openDims(*exported))
          names.push_back(known);
        isFine = messages.error(dim.name.span,
                                "no input of " + quoted(each.net.text) +
                                    " has a dim " + quoted(dim.name.text) +
                                    nearest(dim.name.text, names),
                                {{exported->span, "it is declared here"}});
      }
    for (auto &[dim, span] : open)
      isFine = messages.error(each.span,
                              "the export leaves the dim " + quoted(dim) +
                                  " of " + quoted(each.net.text) + " open",
                              {{span, "it is here"}},
                              (dim + " = 1 would give it a size").str());
  }
  return isFine;
}

bool NetworkImporter::choose() {
  const Export *exported = nullptr;
  const Layer *last = nullptr;
  for (const auto &layer : unit->file.layers)
    if (layer->isNet)
      last = layer.get();
  for (const Export &each : unit->file.exports) {
    StringRef name = each.alias ? each.alias.text : each.net.text;
    bool isWanted =
        options.net.empty() ? options.prefersExports : options.net == name;
    if (!each.isTraining && isWanted)
      exported = &each;
  }
  if (!options.net.empty()) {
    auto named = unit->layers.find(options.net);
    if (named != unit->layers.end() && named->second->isNet)
      net = named->second;
  } else {
    net = last;
  }
  dims = options.dims;
  if (exported && (!net || options.net.empty() || exported->alias.text != "")) {
    if (const Layer *named = unit->layers.lookup(exported->net.text))
      net = named;
    for (const Argument &dim : exported->dims)
      dims.try_emplace(dim.name.text.str(),
                       cast<NumberExpr>(*dim.value).integer);
    cName =
        exported->alias ? exported->alias.text.str() : exported->net.text.str();
  }
  if (net)
    return true;
  // A net that could not be read is no net that is missing.
  if (options.net.empty() && messages.hasErrors())
    return false;
  if (options.net.empty())
    return messages.error({unit->file.source, 0, 0},
                          "the file has no net that could be compiled");
  std::vector<StringRef> names;
  for (const auto &layer : unit->file.layers)
    if (layer->isNet)
      names.push_back(layer->name.text);
  for (const Export &each : unit->file.exports)
    if (each.alias)
      names.push_back(each.alias.text);
  return diagnostics.error("", "no net is called " + quoted(options.net) +
                                   nearest(options.net, names));
}

bool NetworkImporter::readWeights() {
  if (options.weights.empty())
    return true;
  llvm::Expected<std::shared_ptr<SafeTensors>> read =
      SafeTensors::read(options.weights);
  if (!read)
    return diagnostics.error("", llvm::toString(read.takeError()));
  weights = std::move(*read);
  return true;
}

//===- The function -------------------------------------------------------===//

std::optional<RankedTensorType>
NetworkImporter::inputType(const TensorParam &param,
                           SmallVector<StringRef> &names) {
  if (param.type.isTuple()) {
    messages.error(param.type.span, "an input is one tensor");
    return std::nullopt;
  }
  Type elementType = elementTypeOf(param.type.elementType.text, &context);
  if (!elementType) {
    messages.error(param.type.elementType.span,
                   "an input has elements of one type, as i64");
    return std::nullopt;
  }
  SmallVector<int64_t> shape;
  for (const DimRef &dim : param.type.dims) {
    auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get());
    auto *number = dyn_cast_or_null<NumberExpr>(dim.expr.get());
    if (number && number->isInteger) {
      shape.push_back(number->integer);
      names.push_back("");
    } else if (name) {
      auto pinned = dims.find(name->name.str());
      shape.push_back(pinned == dims.end() ? ShapedType::kDynamic
                                           : pinned->second);
      names.push_back(pinned == dims.end() ? name->name : StringRef());
    } else if (isa_and_nonnull<PlaceholderExpr>(dim.expr.get())) {
      shape.push_back(ShapedType::kDynamic);
      names.push_back("");
    } else {
      messages.error(dim.span, "a dim of an input is a number, a name or '_'");
      return std::nullopt;
    }
  }
  auto whole = options.shapes.find(param.name.text.str());
  if (whole != options.shapes.end()) {
    bool fits = whole->second.size() == shape.size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis)
      fits = ShapedType::isDynamic(shape[axis]) ||
             shape[axis] == whole->second[axis];
    if (!fits) {
      messages.error(param.type.span, "the shape given for input " +
                                          quoted(param.name.text) +
                                          " does not fit this type");
      return std::nullopt;
    }
    shape.assign(whole->second.begin(), whole->second.end());
    names.assign(shape.size(), "");
  }
  int64_t count = 1;
  for (int64_t dim : shape)
    if (!ShapedType::isDynamic(dim) &&
        (llvm::MulOverflow(count, std::max<int64_t>(dim, 1), count) ||
         count >= int64_t(1) << 48)) {
      messages.error(param.type.span, "an input of more than 2^48 elements");
      return std::nullopt;
    }
  return RankedTensorType::get(shape, elementType);
}

DictionaryAttr portAttributes(OpBuilder &builder, StringRef name,
                              ArrayRef<StringRef> dimNames) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::any_of(dimNames, [](StringRef dim) { return !dim.empty(); }))
    attributes.push_back(
        builder.getNamedAttr("nn.dims", builder.getStrArrayAttr(dimNames)));
  attributes.push_back(
      builder.getNamedAttr("nn.name", builder.getStringAttr(name)));
  return builder.getDictionaryAttr(attributes);
}

func::FuncOp NetworkImporter::function(ModuleOp module, ParamSource &params,
                                       const Layer &net, StringRef name) {
  OpBuilder moduleBuilder = OpBuilder::atBlockEnd(module.getBody());
  auto [line, column] = sources.lineAndColumn(net.span);
  Location loc =
      FileLineColLoc::get(&context, sources.path(net.span.file), line, column);
  SmallVector<Type> types;
  SmallVector<SmallVector<StringRef>> dimNames;
  // What does not come up in an input is a mistake of the command line.
  std::map<StringRef, Span> open = openDims(net);
  bool isChosen = &net == this->net && options.model.empty();
  for (const auto &[dim, size] : options.dims)
    if (isChosen && !open.count(dim))
      diagnostics.error("", "no input of " + quoted(net.name.text) +
                                " has a dim named " + quoted(dim));
  for (const auto &[input, shape] : options.shapes)
    if (isChosen && llvm::none_of(net.params, [&](const TensorParam &param) {
          return param.name.text == input;
        }))
      diagnostics.error("", "no input is named " + quoted(input));
  for (const TensorParam &param : net.params) {
    SmallVector<StringRef> names;
    std::optional<RankedTensorType> type = inputType(param, names);
    if (!type)
      return {};
    types.push_back(*type);
    dimNames.push_back(std::move(names));
  }
  auto func = func::FuncOp::create(moduleBuilder, loc, name,
                                   FunctionType::get(&context, types, {}));
  mlir::Block *entry = func.addEntryBlock();
  nn::ShapeScope shapes(&context);
  nn::NetBuilder builder(loc, OpBuilder::atBlockBegin(entry), shapes);
  Elaborator elaborator(program, messages, params, imports, builder, *entry);
  elaborator.place = net.span;
  // What shape rules refuse is said of the expression it came from.
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    return elaborator.report(diagnostic);
  });
  for (auto [index, names] : enumerate(dimNames)) {
    BlockArgument argument = func.getArgument(index);
    shapes.nameDims(argument, names);
    for (auto [dim, dimName] : llvm::zip(shapes.dims(argument), names))
      if (!dimName.empty())
        elaborator.nameDim(dim, dimName);
  }
  SmallVector<Value> arguments(entry->getArguments());
  std::vector<Term> results = elaborator.net(net, *unit, arguments);
  if (messages.hasErrors())
    return {};
  SmallVector<Value> returned;
  for (const Term &result : results)
    returned.push_back(result.tensor);
  std::vector<std::string> names = elaborator.resultNames(net);
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  for (auto [index, param] : enumerate(net.params))
    argumentAttributes.push_back(
        portAttributes(moduleBuilder, param.name.text, dimNames[index]));
  for (const std::string &each : names)
    resultAttributes.push_back(portAttributes(moduleBuilder, each, {}));
  // What a net keeps between calls, the caller keeps for it.
  for (const Elaborator::Slot &state : elaborator.slots) {
    types.push_back(state.argument.getType());
    argumentAttributes.push_back(portAttributes(moduleBuilder, state.path, {}));
    returned.push_back(state.value);
    resultAttributes.push_back(portAttributes(moduleBuilder, state.path, {}));
  }
  for (auto [value, attributes] : llvm::zip_equal(returned, resultAttributes)) {
    SmallVector<StringRef> dimsOf;
    for (nn::Dim dim : shapes.dims(value))
      dimsOf.push_back(elaborator.dimName(dim));
    auto portName = cast<StringAttr>(attributes.get("nn.name")).getValue();
    attributes = portAttributes(moduleBuilder, portName, dimsOf);
  }
  func::ReturnOp::create(builder, loc, returned);
  func.setFunctionType(
      FunctionType::get(&context, types, ValueRange(returned).getTypes()));
  func.setAllArgAttrs(argumentAttributes);
  func.setAllResultAttrs(resultAttributes);
  return func;
}

//===- All of it ----------------------------------------------------------===//

void NetworkImporter::checkRecipes() {
  for (const Train &train : unit->file.trains) {
    const Layer *trained = findNet(*unit, train.net, messages);
    if (!trained)
      continue;
    // The paths that patterns may name are those of the trained net.
    OwningOpRef<ModuleOp> scratch = ModuleOp::create(UnknownLoc::get(&context));
    ParamSource params(messages, {.seed = 0, .wantsValues = false});
    size_t before = messages.count();
    if (trained->body.result)
      function(*scratch, params, *trained, "recipe");
    if (messages.count() != before)
      continue;
    checkRecipe(train, *trained, params.paths(), messages);
    RecipeFacts recipe = readRecipe(train, messages);
    if (messages.count() != before || options.training != TrainingRole::None)
      continue;
    ParamSource others(messages, {.seed = 0, .wantsValues = false});
    buildTraining(*scratch,
                  {program, messages, others, imports, *unit, *trained, recipe},
                  TrainingRole::Step, "step");
  }
}

/// Builds what the options want of the recipe of the net.
bool NetworkImporter::training(ModuleOp module, ParamSource &params,
                               StringRef name) {
  const Train *train = nullptr;
  for (const Train &each : unit->file.trains)
    if (each.net.text == net->name.text)
      train = &each;
  if (!train)
    return messages.error(net->span, quoted(net->name.text) +
                                         " has no recipe: no train block names "
                                         "it");
  size_t before = messages.count();
  RecipeFacts recipe = readRecipe(*train, messages);
  if (messages.count() != before)
    return false;
  TrainingSource source{program,
                        messages,
                        params,
                        imports,
                        *unit,
                        *net,
                        recipe,
                        /*givesLossAlone=*/options.predicts};
  bool isDescription = options.training == TrainingRole::Description;
  OwningOpRef<ModuleOp> scratch = ModuleOp::create(UnknownLoc::get(&context));
  std::optional<TrainingFacts> facts = buildTraining(
      isDescription ? *scratch : module, source,
      isDescription ? TrainingRole::Step : options.training, name);
  if (!facts || !isDescription)
    return facts.has_value();
  std::optional<TrainingFacts> trace =
      buildTraining(*scratch, source, TrainingRole::Trace, "trace");
  if (!trace)
    return false;
  facts->layers = std::move(trace->layers);
  module->setAttr(nn::kTrainingAttr,
                  describeTraining(&context, name, *facts, recipe,
                                   recipe.dims[0].second, options.predicts));
  return true;
}

FailureOr<ImportedNetwork> NetworkImporter::run() {
  if (!read())
    return failure();
  readImports();
  if (!options.model.empty() && !readModel())
    return failure();
  bool isFine = checkExports();
  if ((!net && !choose()) || !readWeights())
    return failure();
  ImportedNetwork result;
  result.module = ModuleOp::create(UnknownLoc::get(&context));
  result.name = cName.empty() || options.training != TrainingRole::None
                    ? options.name
                    : cName;
  ParamSource params(messages,
                     {.seed = options.seed, .wantsValues = options.wantsValues},
                     weights);
  func::FuncOp built;
  bool isTraining = options.training != TrainingRole::None;
  if (isTraining && !training(*result.module, params, result.name))
    return failure();
  // A check looks at the other nets of the file as well, in their order.
  OwningOpRef<ModuleOp> scratch = ModuleOp::create(UnknownLoc::get(&context));
  for (const auto &layer : unit->file.layers) {
    if (!layer->isNet || !layer->body.result)
      continue;
    size_t before = messages.count();
    if (layer.get() == net && !isTraining) {
      built = function(*result.module, params, *net, result.name);
      if (built && messages.count() == before)
        params.checkAllUsed(net->name.text, net->span);
    } else if (!options.wantsValues) {
      ParamSource others(messages, {.seed = 0, .wantsValues = false});
      function(*scratch, others, *layer, "other");
    }
  }
  checkRecipes();
  if (!isFine || messages.hasErrors() || !(built || isTraining))
    return failure();
  if (failed(mlir::verify(*result.module))) {
    if (!diagnostics.hasErrors())
      diagnostics.error("", "the imported module is not valid");
    return failure();
  }
  storage->weights = params.storage();
  for (const auto &file : storage->weights)
    context.getLoadedDialect<nn::NNDialect>()->addMapping(file->mapping());
  result.storage = storage;
  return std::move(result);
}
} // namespace

FailureOr<ImportedNetwork> burnish::importNetwork(MLIRContext &context,
                                                  const NetworkOptions &options,
                                                  Diagnostics &diagnostics) {
  return NetworkImporter(context, options, diagnostics).run();
}

std::vector<std::string> burnish::networkFiles(StringRef path) {
  std::vector<std::string> files;
  auto text = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!path.ends_with(".nn") || !text)
    return files;
  Sources sources;
  Diagnostics ignored(path);
  Messages messages(sources, ignored);
  Program program(messages, sources);
  program.load(path, std::move(*text));
  for (const auto &unit : program.allUnits()) {
    if (unit->isStandard)
      continue;
    files.push_back(sources.path(unit->file.source).str());
    for (const Import &import : unit->file.imports)
      files.push_back(
          besides(sources.path(import.span.file), import.path.text));
    for (const auto &layer : unit->file.layers)
      for (const auto &stmt : layer->body.statements)
        if (auto *param = dyn_cast<ParamStmt>(stmt.get()))
          for (const Argument &argument : param->initializer.arguments)
            if (auto *file = dyn_cast<StringExpr>(argument.value.get()))
              files.push_back(
                  besides(sources.path(file->span.file), file->value));
  }
  return files;
}
