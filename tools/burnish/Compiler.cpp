// Compiler.cpp - the way from a model file to whatever is asked for.
#include "tools/burnish/Compiler.h"
#include "codegen/Header.h"
#include "codegen/TrainingHeader.h"
#include "frontend/dsl/ModelWeights.h"
#include "ir/Dialect.h"
#include "ir/Signature.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/schedules/Table.h"
#include "tools/burnish/Ports.h"
#include "tools/burnish/Schedules.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace burnish;
using namespace mlir;

bool burnish::complain(llvm::Error error) {
  llvm::handleAllErrors(std::move(error), [](const llvm::ErrorInfoBase &info) {
    llvm::errs() << "burnish: " << info.message() << "\n";
  });
  return false;
}

static const DialectRegistry &registry() {
  static const DialectRegistry kRegistry = [] {
    DialectRegistry registry;
    registerDialects(registry);
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    return registry;
  }();
  return kRegistry;
}

/// `file: where` as a message begins with it.
static std::string placeOf(Location location, StringRef file) {
  std::string place = file.str();
  location->walk([&](Location inner) {
    if (auto position = dyn_cast<FileLineColLoc>(inner)) {
      place = llvm::formatv("{0}:{1}:{2}", position.getFilename().getValue(),
                            position.getLine(), position.getColumn());
      return WalkResult::interrupt();
    }
    if (auto name = dyn_cast<NameLoc>(inner)) {
      place = (file + ": " + name.getName().getValue()).str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return place;
}

Compiler::Compiler(const Options &options, llvm::raw_ostream &talk)
    : options(options), talk(talk),
      context(std::make_unique<MLIRContext>(
          registry(), options.command == Command::Test
                          ? MLIRContext::Threading::DISABLED
                          : MLIRContext::Threading::ENABLED)),
      line(options.command == Command::Compile) {
  context->printOpOnDiagnostic(false);
  context->getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Remark &&
        !this->options.wantsRemarks)
      return success();
    line.clear();
    ++diagnosticCount;
    StringRef kind =
        diagnostic.getSeverity() == DiagnosticSeverity::Remark    ? "remark: "
        : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning: "
                                                                  : "";
    this->talk << placeOf(diagnostic.getLocation(), file) << ": " << kind
               << diagnostic.str() << "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      this->talk << placeOf(note.getLocation(), file)
                 << ": note: " << note.str() << "\n";
    return success();
  });
}

Compiler::~Compiler() = default;

void Compiler::warmUp() {
  MLIRContext scratch(registry(), MLIRContext::Threading::DISABLED);
  scratch.loadAllAvailableDialects();
  llvm::consumeError(Target::find("", "").takeError());
}

/// How far a module that was read as text is on its way; none when nothing was
/// done to it.
static std::optional<Emit> levelOf(ModuleOp module) {
  if (module->hasAttr(nn::kSignatureAttr) &&
      module.getOps<func::FuncOp>().empty())
    return Emit::Llvm;
  if (module->hasAttr(nn::kWorkspaceAttr))
    return Emit::Loops;
  // Tiles are linalg on tensors with some loops around: the same phases come
  // next.
  return module->hasAttr(nn::kSignatureAttr) ? std::optional(Emit::Linalg)
                                             : std::nullopt;
}

NetworkOptions burnish::importOptions(const Options &options) {
  NetworkOptions import;
  import.dims = options.dims;
  import.shapes = options.shapes;
  import.lengths = options.lengths;
  import.net = options.net;
  import.weights = options.weightsFrom;
  import.seed = options.seed;
  // An export says what C sees.
  import.prefersExports = options.emit == Emit::Object ||
                          options.emit == Emit::Shared ||
                          options.emit == Emit::Static;
  import.importOnnx = importModel;
  import.training = options.trains ? TrainingRole::Step : options.role;
  import.predicts = options.emit != Emit::Program;
  return import;
}

bool burnish::isNetwork(StringRef path) { return path.ends_with(".nn"); }

bool Compiler::load(StringRef path, StringRef name) {
  file = path.str();
  identifier = name.str();
  if (!fitsFile() || !(path.ends_with(".mlir") ? parseModule() : import()))
    return false;
  return chooseTargets() && (!options.trains || loadParts(path));
}

/// What a training is made of beside its step. The trace runs once, when a loss
/// is no number: it is compiled the quickest way.
bool Compiler::loadParts(StringRef path) {
  static constexpr std::pair<TrainingRole, StringRef> kParts[] = {
      {TrainingRole::Description, ""},
      {TrainingRole::Eval, "_eval"},
      {TrainingRole::EvalOne, "_eval_one"},
      {TrainingRole::Predict, "_predict"},
      {TrainingRole::Trace, "_trace"}};
  StringRef name = StringRef(identifier).drop_back(StringRef("_step").size());
  for (auto [role, suffix] : kParts) {
    // A program has no one to predict for.
    if (role == TrainingRole::Predict && options.emit == Emit::Program)
      continue;
    auto part = std::make_unique<Part>();
    part->options = options;
    part->options.trains = false;
    part->options.role = role;
    if (role == TrainingRole::Trace)
      part->options.level = 0;
    part->compiler = std::make_unique<Compiler>(part->options, talk);
    if (!part->compiler->load(path, (name + suffix).str()))
      return false;
    parts.push_back(std::move(part));
  }
  return true;
}

bool Compiler::isDescription() const {
  return options.role == TrainingRole::Description;
}

bool Compiler::refuse(const Twine &why) {
  talk << file << ": " << why << "\n";
  return false;
}

/// Whether the options are for files of this kind.
bool Compiler::fitsFile() {
  bool isModule = StringRef(file).ends_with(".mlir");
  bool drawsParams = options.seed && options.command != Command::GradCheck;
  if (isModule && (options.trains || !options.weightsFrom.empty()))
    return refuse("--weights-from and --train are for networks and models; a "
                  "module has its weights in it");
  if (isModule && !(options.dims.empty() && options.shapes.empty() &&
                    options.bounds.empty() && options.lengths.empty()))
    return refuse("--dim, --shape and --length are for networks and models; a "
                  "module has its shapes in it");
  if (isNetwork(file))
    return options.recipe.empty() ||
           refuse("its recipe stands in the file itself: --train alone");
  if (!options.net.empty() || drawsParams)
    return refuse("--net and --seed are for networks in the language, whose "
                  "files end with .nn");
  if (options.trains && options.recipe.empty())
    return refuse("a model is trained by the recipe of another file: "
                  "--train=recipe.nn");
  if (!options.recipe.empty() && file == "-")
    return refuse("a training reads its model more than once, so not from the "
                  "standard input");
  return true;
}

bool Compiler::chooseTargets() {
  auto attribute = module()->getAttrOfType<nn::TargetAttr>(nn::kTargetAttr);
  SmallVector<StringRef> cpus;
  StringRef(options.cpu).split(cpus, ',');
  for (StringRef cpu : cpus) {
    bool isChosen = !options.target.empty() || !cpu.empty();
    llvm::Expected<Target> target = attribute && !isChosen
                                        ? Target::of(attribute)
                                        : Target::find(options.target, cpu);
    if (!target)
      return complain(target.takeError());
    target->isDeterministic |= options.isDeterministic;
    if (!targets.empty())
      modules.push_back(module().clone());
    (*modules.back())
        ->setAttr(nn::kTargetAttr, target->attribute(context.get()));
    if (!takeSchedules(*modules.back(), *target))
      return false;
    targets.push_back(std::move(*target));
  }
  return true;
}

bool Compiler::takeSchedules(ModuleOp module, const Target &target) {
  Schedules::Table table = options.chosen;
  if (!options.schedules.empty()) {
    llvm::Expected<Schedules> schedules = Schedules::read(options.schedules);
    if (!schedules)
      return complain(schedules.takeError());
    table = schedules->of(target);
  }
  if (options.schedules.empty() && !options.isTuning)
    return true;
  Builder b(context.get());
  NamedAttrList list;
  for (const auto &[shape, schedule] : table)
    list.append(shape, b.getStringAttr(schedule));
  module->setAttr(kSchedulesAttr, list.getDictionary(context.get()));
  return true;
}

/// Whether constants have their elements: where there are many, texts of
/// modules leave them out.
static bool hasElements(ModuleOp module) {
  bool areThere = true;
  module->walk([&](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      attribute.getValue().walk([&](DenseResourceElementsAttr constant) {
        if (constant.getRawHandle().getBlob())
          return;
        if (areThere)
          emitError(op->getLoc())
              << "the elements of '" << constant.getRawHandle().getKey()
              << "' are not in the text of the module";
        areThere = false;
      });
  });
  return areThere;
}

bool Compiler::parseModule() {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
  if (!buffer)
    return refuse(buffer.getError().message());
  context->loadAllAvailableDialects();
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  modules.push_back(parseSourceFile<ModuleOp>(sources, context.get()));
  if (!modules[0] || !hasElements(module()))
    return false;
  reached = levelOf(module());
  if (module()->hasAttr(nn::kSignatureAttr)) {
    identifier = nn::Signature::recorded(module()).name;
    return true;
  }
  FailureOr<func::FuncOp> function = nn::modelFunction(module());
  if (failed(function))
    return false;
  function->setName(identifier);
  return true;
}

bool Compiler::import() {
  context->loadDialect<nn::NNDialect, func::FuncDialect>();
  line.show("reading " + file);
  NetworkOptions import = importOptions(options);
  import.path = file;
  import.name = identifier;
  import.namesInitializers =
      options.emit == Emit::Dsl || !options.wrt.empty() ||
      !options.weightsFrom.empty() || options.command == Command::GradCheck;
  if (!options.recipe.empty()) {
    import.path = options.recipe;
    import.model = file;
  }
  Diagnostics diagnostics(import.path);
  FailureOr<ImportedModel> imported = failure();
  if (isNetwork(import.path)) {
    FailureOr<ImportedNetwork> network =
        importNetwork(*context, import, diagnostics);
    if (succeeded(network)) {
      identifier = network->name;
      imported = std::move(*network);
    }
  } else {
    imported = importModel(*context, import, diagnostics);
    if (succeeded(imported) && !options.weightsFrom.empty() &&
        !giveWeights(*imported, options.weightsFrom, diagnostics))
      imported = failure();
  }
  line.clear();
  for (const Problem &problem : diagnostics.problems())
    talk << diagnostics.message(problem) << "\n";
  if (size_t count = diagnostics.leftOut())
    talk << file << ": and " << count << " more\n";
  if (failed(imported))
    return false;
  storage = std::move(imported->storage);
  modules.push_back(std::move(imported->module));
  auto refuses = [this](const Twine &why) { return refuse(why); };
  return boundDims(module(), options, refuses) &&
         linkStates(module(), options, refuses);
}

void Compiler::dropUnused() {
  IRRewriter rewriter(context.get());
  for (auto function : module().getOps<func::FuncOp>())
    (void)runRegionDCE(rewriter, function->getRegions());
}

bool Compiler::lower(Emit stage) {
  if (isDescription()) {
    if (stage < Emit::Llvm)
      return true;
    PassManager passes(context.get());
    DescribeTrainingOptions description;
    description.isProgram = options.emit == Emit::Program;
    passes.addPass(createDescribeTraining(description));
    return succeeded(passes.run(module()));
  }
  if (stage == Emit::Llvm)
    for (const auto &part : parts)
      if (!part->compiler->lower(stage))
        return false;
  for (auto [module, target] : llvm::zip(modules, targets))
    if (!lower(*module, target, stage))
      return false;
  if (!reached || stage > *reached)
    reached = stage;
  return true;
}

bool Compiler::lower(ModuleOp module, const Target &target, Emit stage) {
  static constexpr std::pair<Phase, Emit> kPhases[] = {
      {Phase::Graph, Emit::Nn},
      {Phase::Loops, Emit::Linalg},
      {Phase::Tiles, Emit::Tiles},
      {Phase::Memory, Emit::Loops},
      {Phase::Llvm, Emit::Llvm}};
  PipelineOptions pipeline;
  pipeline.level = options.level;
  pipeline.loss = options.loss;
  pipeline.wrt = options.wrt;
  pipeline.recomputed = options.recomputed;
  pipeline.weightsInFile = !options.embedsWeights;
  bool isTraining = options.trains || (options.role != TrainingRole::None &&
                                       options.role != TrainingRole::Step);
  pipeline.isProgram = options.emit == Emit::Program && !isTraining;
  pipeline.checksBounds = options.checksBounds;
  pipeline.isTimed = options.isTimed;
  pipeline.indexBits = target.pointerBits;
  pipeline.convertsHalf = target.convertsHalf();
  pipeline.narrows = options.narrows;
  pipeline.convertsBf16 =
      options.narrows && !target.isDeterministic && target.convertsBf16();
  for (auto [phase, result] : kPhases) {
    if ((reached && result <= *reached) || result > stage)
      continue;
    line.show(("lowering to " + nameOf(phase)).str());
    PassManager passes(context.get());
    addPhase(passes, phase, pipeline);
    // What each pass leaves is verified in the tests of passes; here that
    // would be a fifth of the time, so phases are.
    passes.enableVerifier(false);
    diagnosticCount = 0;
    if (succeeded(passes.run(module)) && succeeded(verify(module)))
      continue;
    line.clear();
    // A pass that fails says why; this is for the day that one does not.
    if (!diagnosticCount)
      talk << file << ": the compiler failed on the way to " << nameOf(phase)
           << "\n";
    return false;
  }
  return true;
}

llvm::Expected<Object> Compiler::object() {
  line.show("generating code");
  if (!parts.empty()) {
    SmallVector<ModuleOp> all{module()};
    SmallVector<ObjectOptions> levels{
        {.level = options.level, .embedsWeights = options.embedsWeights}};
    for (const auto &part : parts) {
      all.push_back(part->compiler->module());
      levels.push_back({.level = part->options.level,
                        .embedsWeights = options.embedsWeights});
    }
    return Object::combine(all, levels, targets[0], parts[0]->compiler->name());
  }
  auto all = llvm::map_to_vector(
      modules, [](OwningOpRef<ModuleOp> &module) { return *module; });
  return Object::translate(
      all, targets,
      {.level = options.level, .embedsWeights = options.embedsWeights});
}

int64_t Compiler::weightsFileBytes() const {
  if (options.embedsWeights)
    return 0;
  llvm::Expected<Weights> weights = Weights::of(module());
  if (!weights) {
    llvm::consumeError(weights.takeError());
    return 0;
  }
  return weights->bytes();
}

/// The header of a training, from its parts.
std::string Compiler::trainingHeader() const {
  TrainingFacts facts;
  const Compiler &description = *parts[0]->compiler;
  facts.name = description.name();
  facts.stateBytes = nn::stateBytesOf(
      description.module()->getAttrOfType<ArrayAttr>(nn::kTrainingAttr));
  facts.workspaceBytes = workspaceBytes();
  for (const auto &part : parts)
    facts.workspaceBytes =
        std::max(facts.workspaceBytes, part->compiler->workspaceBytes());
  auto columnsOf = [](const nn::Signature &signature) {
    std::vector<nn::Port> columns;
    for (const nn::Port &port : signature.inputs) {
      if (port.name == "recipe")
        break;
      columns.push_back(port);
    }
    return columns;
  };
  facts.columns = columnsOf(nn::Signature::recorded(module()));
  for (const auto &part : parts)
    if (part->options.role == TrainingRole::Predict) {
      auto signature = nn::Signature::recorded(part->compiler->module());
      facts.inputs = columnsOf(signature);
      facts.outputs = signature.outputs;
    }
  return trainingHeaderText(facts);
}

int64_t Compiler::workspaceBytes() const {
  int64_t most = 0;
  for (const OwningOpRef<ModuleOp> &each : modules)
    if (auto bytes = each.get()->getAttrOfType<IntegerAttr>(nn::kWorkspaceAttr))
      most = std::max(most, bytes.getInt());
  return most;
}

std::string Compiler::header() const {
  if (!parts.empty())
    return trainingHeader();
  nn::Signature signature = nn::Signature::recorded(module());
  HeaderFacts facts;
  facts.workspaceBytes = workspaceBytes();
  for (const OwningOpRef<ModuleOp> &each : modules)
    facts.needsAllocator |= each.get()->hasAttr(nn::kAllocatesAttr);
  for (const OwningOpRef<ModuleOp> &each : modules) {
    auto bytes = each.get()->getAttrOfType<IntegerAttr>(nn::kWorkspaceAttr);
    facts.isUnbounded |=
        each.get()->hasAttr(nn::kPlannedAttr) && bytes && bytes.getInt() == 0;
  }
  facts.weightsFileBytes = weightsFileBytes();
  facts.isTyped = module().lookupSymbol(signature.name + "_run") != nullptr;
  return headerText(signature, facts);
}
