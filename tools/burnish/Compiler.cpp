// Compiler.cpp - the way of a module, once it is loaded, to whatever is asked
// for.
#include "tools/burnish/Compiler.h"
#include "codegen/Header.h"
#include "codegen/TrainingHeader.h"
#include "frontend/Diagnostics.h"
#include "ir/Dialect.h"
#include "ir/Signature.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"

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

/// The line of the language that a place is in, with a caret under it; empty
/// where its text is in no file, as that of the standard library.
static std::string excerptOf(FileLineColLoc position) {
  auto text = llvm::MemoryBuffer::getFile(position.getFilename().getValue());
  if (!text || !position.getLine() || !position.getColumn())
    return "";
  llvm::line_iterator line(**text, /*SkipBlanks=*/false);
  while (!line.is_at_eof() && line.line_number() < position.getLine())
    ++line;
  return line.is_at_eof() ? "" : excerpt(*line, position.getColumn());
}

/// A message as it is printed: `file: where: message`, and of the language the
/// line that it speaks of.
static std::string sentence(Location location, StringRef file,
                            const llvm::Twine &message) {
  std::string place = file.str(), line;
  location->walk([&](Location inner) {
    if (auto position = dyn_cast<FileLineColLoc>(inner)) {
      place = llvm::formatv("{0}:{1}:{2}", position.getFilename().getValue(),
                            position.getLine(), position.getColumn());
      line = excerptOf(position);
      return WalkResult::interrupt();
    }
    if (auto name = dyn_cast<NameLoc>(inner)) {
      place = (file + ": " + name.getName().getValue()).str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return (place + ": " + message + line + "\n").str();
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
    this->talk << sentence(diagnostic.getLocation(), file,
                           kind + diagnostic.str());
    for (Diagnostic &note : diagnostic.getNotes())
      this->talk << sentence(note.getLocation(), file, "note: " + note.str());
    return success();
  });
}

Compiler::~Compiler() = default;

void Compiler::warmUp() {
  MLIRContext scratch(registry(), MLIRContext::Threading::DISABLED);
  scratch.loadAllAvailableDialects();
  llvm::consumeError(Target::find("", "").takeError());
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
