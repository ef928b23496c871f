// GradCheck.cpp - `burnish gradcheck MODEL`: gradients beside differences.
#include "tools/burnish/GradCheck.h"
#include "codegen/Identifiers.h"
#include "ir/Ops.h"
#include "passes/Pipeline.h"
#include "tools/burnish/Doubles.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace burnish;
using namespace mlir;

// Differences are taken at two steps. In f64 the one extrapolated from both has
// an error of about 1e-11 of the loss.
static constexpr double kStep = 1e-5;
/// How many entries of a variable are compared, and how many are tried when
/// some lie at kinks.
static constexpr size_t kCompared = 16, kTried = 64;

static std::string shapeText(RankedTensorType type) {
  return type.getRank() == 0
             ? "scalar"
             : llvm::join(llvm::map_range(type.getShape(),
                                          [](int64_t size) {
                                            return std::to_string(size);
                                          }),
                          "x");
}

bool GradCheck::compile() {
  auto evaluator = [&](bool hasGradients) -> std::optional<Evaluator> {
    OwningOpRef<ModuleOp> copy = compiler.module().clone();
    PipelineOptions pipeline;
    pipeline.level = 0;
    if (hasGradients) {
      pipeline.loss = "loss";
      for (const Argument &argument : arguments)
        if (argument.isVariable)
          pipeline.wrt.push_back(argument.name);
    }
    PassManager passes(copy->getContext());
    addPhase(passes, Phase::Graph, pipeline);
    if (failed(passes.run(*copy)))
      return std::nullopt;
    FailureOr<Evaluator> result = Evaluator::compile(*copy);
    if (failed(result)) {
      fail("cannot be run in this process");
      return std::nullopt;
    }
    return *result;
  };
  backward = evaluator(true);
  if (backward)
    forward = evaluator(false);
  return forward && backward;
}

static FailureOr<SmallVector<SmallVector<char>>>
outputsOf(const Evaluator &evaluator, ArrayRef<Argument> arguments) {
  return evaluator.run(llvm::map_to_vector(arguments, [](const Argument &each) {
    return ArrayRef<char>(each.bytes);
  }));
}

static double numberAt(ArrayRef<char> bytes, size_t index) {
  double number;
  std::memcpy(&number, bytes.data() + index * sizeof number, sizeof number);
  return number;
}

std::optional<double> GradCheck::loss() {
  auto outputs = outputsOf(*forward, arguments);
  if (failed(outputs)) {
    fail("a run fails on the inputs that were drawn");
    return std::nullopt;
  }
  return numberAt((*outputs)[0], 0);
}

// A smooth function's one-sided differences part by the step times a constant;
// at a kink they part by the same at every step, and one between two steps is
// in the wider difference only.
std::optional<Verdict> GradCheck::compare(size_t index, ArrayRef<char> bytes) {
  Argument &argument = arguments[index];
  size_t count = argument.type.getNumElements();
  double greatest = 0;
  for (size_t i = 0; i < count; ++i)
    greatest = std::max(greatest, std::fabs(numberAt(bytes, i)));
  std::vector<size_t> entries(count);
  for (size_t i = 0; i < count; ++i)
    entries[i] = i;
  // Only so many are drawn as are tried.
  for (size_t i = 0; i < std::min(count, kTried); ++i)
    std::swap(entries[i], entries[i + draw() % (count - i)]);
  Verdict verdict;
  std::optional<double> middle = loss();
  if (!middle)
    return std::nullopt;
  for (size_t entry : ArrayRef(entries).take_front(kTried)) {
    if (verdict.compared == kCompared)
      break;
    double &place = argument.numbers()[entry], before = place,
           step = kStep * std::max(1.0, std::fabs(before));
    double central[2], parting[2];
    for (int turn = 0; turn < 2; ++turn) {
      double width = turn ? step / 2 : step;
      double ends[2], moved[2];
      for (int side = 0; side < 2; ++side) {
        place = moved[side] = side ? before - width : before + width;
        std::optional<double> end = loss();
        place = before;
        if (!end)
          return std::nullopt;
        ends[side] = *end;
      }
      central[turn] = (ends[0] - ends[1]) / (moved[0] - moved[1]);
      parting[turn] = (ends[0] - 2 * *middle + ends[1]) / width;
    }
    double gradient = numberAt(bytes, entry),
           difference = (4 * central[1] - central[0]) / 3,
           noise = 1e-4 * std::max(std::fabs(*middle), 1e-6),
           scale = std::max({std::fabs(gradient), std::fabs(difference),
                             1e-3 * greatest, noise});
    double kink = std::max(std::fabs(central[0] - central[1]),
                           std::fabs(parting[1] - parting[0] / 2));
    if (kink > 0.3 * kTolerance * scale) {
      ++verdict.skipped;
      continue;
    }
    ++verdict.compared;
    double error = std::fabs(gradient - difference) / scale;
    // What is no number differs.
    if (!std::isfinite(error))
      error = std::numeric_limits<double>::infinity();
    if (verdict.compared > 1 && error <= verdict.worst)
      continue;
    verdict.worst = error;
    verdict.gradient = gradient;
    verdict.difference = difference;
    verdict.where.clear();
    size_t rest = entry;
    for (int64_t size : llvm::reverse(argument.type.getShape())) {
      verdict.where.push_back(static_cast<int64_t>(rest % size));
      rest /= size;
    }
    std::reverse(verdict.where.begin(), verdict.where.end());
  }
  return verdict;
}

void GradCheck::print(const Argument &argument, const Verdict &verdict) {
  if (options.wantsJson) {
    auto number = [](double value) -> llvm::json::Value {
      return std::isfinite(value) ? llvm::json::Value(value) : nullptr;
    };
    report.push_back(llvm::json::Object{
        {"name", llvm::json::fixUTF8(argument.name)},
        {"shape", llvm::json::Array(argument.type.getShape())},
        {"compared", static_cast<int64_t>(verdict.compared)},
        {"skipped", static_cast<int64_t>(verdict.skipped)},
        {"error", number(verdict.worst)},
        {"at", llvm::json::Array(verdict.where)},
        {"gradient", number(verdict.gradient)},
        {"difference", number(verdict.difference)},
        {"agrees", verdict.agrees()}});
    return;
  }
  std::string line = llvm::formatv(
      "{0} {1} ({2}): {3} of {4} compared", verdict.agrees() ? "ok  " : "FAIL",
      argument.name, shapeText(argument.type), verdict.compared,
      argument.type.getNumElements());
  if (verdict.compared) {
    std::string where;
    for (int64_t each : verdict.where)
      where += (where.empty() ? "" : ",") + std::to_string(each);
    line += llvm::formatv(", worst {0:e1} at [{1}]", verdict.worst, where);
  }
  if (verdict.skipped)
    line += llvm::formatv(", {0} skipped at kinks", verdict.skipped);
  if (verdict.compared && !verdict.agrees())
    line += llvm::formatv(": gradient {0:e6}, difference {1:e6}",
                          verdict.gradient, verdict.difference);
  llvm::outs() << line << "\n";
}

int GradCheck::run() {
  FailureOr<func::FuncOp> found = nn::modelFunction(compiler.module());
  if (failed(found))
    return kBadInput;
  function = *found;
  bool reads = false;
  llvm::SetVector<StringRef> ruled;
  function.walk([&](nn::WithGradientOp op) { ruled.insert(op.getLayer()); });
  function.walk([&](nn::QuantizeLinearOp) { reads = true; });
  if (failed(computeInDoubles(function)) || !chooseVariables() || !findLoss() ||
      !fillArguments() || !compile())
    return kBadInput;
  auto outputs = outputsOf(*backward, arguments);
  if (failed(outputs))
    return fail("a run fails on the inputs that were drawn"), kBadInput;
  if (!options.wantsJson)
    llvm::outs() << options.files[0] << ": gradients of " << lossText
                 << llvm::formatv(" ({0:e6})\n", numberAt((*outputs)[0], 0));
  size_t output = 1, differing = 0;
  for (size_t index = 0; index < arguments.size(); ++index) {
    if (!arguments[index].isVariable)
      continue;
    std::optional<Verdict> verdict = compare(index, (*outputs)[output++]);
    if (!verdict)
      return kBadInput;
    differing += !verdict->agrees();
    print(arguments[index], *verdict);
  }
  if (options.wantsJson) {
    llvm::outs() << llvm::formatv(
                        "{0:2}",
                        llvm::json::Value(llvm::json::Object{
                            {"file", llvm::json::fixUTF8(options.files[0])},
                            {"loss", llvm::json::fixUTF8(lossText)},
                            {"tolerance", kTolerance},
                            {"agrees", differing == 0},
                            {"variables", std::move(report)}}))
                 << "\n";
  } else {
    llvm::outs() << llvm::formatv("{0} gradients, {1} differ\n", output - 1,
                                  differing);
    if (differing && reads)
      llvm::outs() << "quantize_linear has the gradient of what it rounds, "
                      "which differences do not see\n";
    if (differing && !ruled.empty())
      llvm::outs() << "derivatives of their own: " << llvm::join(ruled, ", ")
                   << "\n";
  }
  return differing ? kBadInput : kDone;
}

int burnish::gradcheck(const Options &given) {
  Options options = given;
  std::string name = cIdentifier(llvm::sys::path::stem(options.files[0]).str());
  for (;;) {
    Compiler compiler(options, llvm::errs());
    if (!compiler.load(options.files[0], name))
      return kBadInput;
    if (!closeDims(compiler.module(), options))
      return GradCheck(options, compiler).run();
  }
}
