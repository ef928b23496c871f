// LoadModel.cpp - from a model file, and the options that are for it, to a
// module for each CPU.
#include "frontend/dsl/ModelWeights.h"
#include "ir/Dialect.h"
#include "ir/Signature.h"
#include "mlir/Parser/Parser.h"
#include "passes/schedules/Table.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/Ports.h"
#include "tools/burnish/Schedules.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace burnish;
using namespace mlir;

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
