// FitWorkspace.cpp - how much is computed again so that a workspace is small
// enough.
//
// The passes know an order in which values are chosen to be computed again
// (passes/graph/ChooseRecomputed.cpp). What a number of these choices comes to
// is the planner's to say, so the model is compiled as far as that: with all
// choices of the first kind, of the second, and so on until it fits, and then
// with fewer of the last kind, by halves.
#include "tools/burnish/FitWorkspace.h"
#include "ir/Signature.h"
#include "passes/graph/Recompute.h"
#include "tools/burnish/Compiler.h"
#include "llvm/Support/FormatVariadic.h"

using namespace burnish;
using namespace mlir;

namespace {
class Fitter {
public:
  explicit Fitter(const Options &options) : options(options) {}

  /// The number of choices; none after a report.
  std::optional<int64_t> run();

private:
  struct Workspace {
    int64_t bytes;
    /// Where each kind of choice ends.
    SmallVector<int64_t> ends;
  };
  std::optional<Workspace> compile(int64_t choices, TrainingRole role);
  std::optional<int64_t> bytesWith(int64_t choices);
  bool partsFit();
  bool refuse(int64_t bytes, StringRef what);

  const Options &options;
  /// The smallest workspace that was met.
  int64_t least = std::numeric_limits<int64_t>::max();
};
} // namespace

static std::string sizeText(int64_t bytes) {
  return llvm::formatv("{0} bytes ({1:f1} MB)", bytes,
                       static_cast<double>(bytes) / (1 << 20));
}

bool Fitter::refuse(int64_t bytes, StringRef what) {
  llvm::errs() << options.files[0] << ": " << what << " takes "
               << sizeText(bytes) << ", and --memory allows "
               << sizeText(options.memoryLimit) << "\n";
  return false;
}

std::optional<Fitter::Workspace> Fitter::compile(int64_t choices,
                                                 TrainingRole role) {
  Options probe = options;
  probe.recomputed = choices;
  probe.wantsRemarks = false;
  probe.trains = false;
  probe.role = role;
  if (role == TrainingRole::Trace)
    probe.level = 0;
  Compiler compiler(probe, llvm::errs());
  if (!compiler.load(options.files[0], "model") || !compiler.lower(Emit::Loops))
    return std::nullopt;
  ModuleOp module = compiler.module();
  bool isUnbounded =
      module->hasAttr(nn::kPlannedAttr) && compiler.workspaceBytes() == 0;
  if (module->hasAttr(nn::kAllocatesAttr) || isUnbounded) {
    llvm::errs() << options.files[0]
                 << ": --memory wants sizes that are known when compiling, and "
                    "some are known only when running; --dim and --shape give "
                    "them\n";
    return std::nullopt;
  }
  Workspace result{compiler.workspaceBytes(), {}};
  if (auto ends = module->getAttrOfType<DenseI64ArrayAttr>(kRecomputeStepsAttr))
    llvm::append_range(result.ends, ends.asArrayRef());
  return result;
}

std::optional<int64_t> Fitter::bytesWith(int64_t choices) {
  std::optional<Workspace> workspace = compile(
      choices, options.trains ? TrainingRole::Step : TrainingRole::None);
  if (!workspace)
    return std::nullopt;
  least = std::min(least, workspace->bytes);
  return workspace->bytes;
}

/// Whether what a training is made of beside its step, which shares the step's
/// workspace and takes no gradient, fits.
bool Fitter::partsFit() {
  for (TrainingRole role : {TrainingRole::Eval, TrainingRole::Trace}) {
    std::optional<Workspace> part = compile(-1, role);
    if (!part)
      return false;
    if (part->bytes > options.memoryLimit)
      return refuse(part->bytes, role == TrainingRole::Eval
                                     ? "the evaluation after an epoch"
                                     : "the trace of a loss that is no number");
  }
  return true;
}

std::optional<int64_t> Fitter::run() {
  std::optional<Workspace> all =
      compile(0, options.trains ? TrainingRole::Step : TrainingRole::None);
  if (!all || (options.trains && !partsFit()))
    return std::nullopt;
  least = all->bytes;
  if (all->bytes <= options.memoryLimit)
    return -1;
  int64_t tooFew = 0;
  for (int64_t enough : all->ends) {
    std::optional<int64_t> bytes = bytesWith(enough);
    if (!bytes)
      return std::nullopt;
    if (*bytes > options.memoryLimit) {
      tooFew = enough;
      continue;
    }
    while (enough - tooFew > 1) {
      int64_t middle = tooFew + (enough - tooFew) / 2;
      bytes = bytesWith(middle);
      if (!bytes)
        return std::nullopt;
      (*bytes <= options.memoryLimit ? enough : tooFew) = middle;
    }
    return enough;
  }
  refuse(least, "the smallest workspace that was found");
  return std::nullopt;
}

bool burnish::fitWorkspace(Options &options) {
  std::optional<int64_t> choices = Fitter(options).run();
  options.recomputed = choices.value_or(-1);
  return choices.has_value();
}
