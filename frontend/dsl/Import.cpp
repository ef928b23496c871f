// Import.cpp - from a .nn file to a module: its files, nets and recipes.
#include "frontend/dsl/Import.h"
#include "frontend/dsl/Names.h"
#include "frontend/dsl/NetworkImporter.h"
#include "frontend/dsl/Recipe.h"
#include "frontend/dsl/Training.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

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
