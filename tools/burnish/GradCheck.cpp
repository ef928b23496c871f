// GradCheck.cpp - `burnish gradcheck MODEL`: gradients beside differences.
#include "codegen/Header.h"
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Storage.h"
#include "passes/Pipeline.h"
#include "passes/graph/Evaluate.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/Doubles.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <numbers>
#include <random>

using namespace burnish;
using namespace mlir;

// Differences are taken at two steps. In f64 the one extrapolated from both has
// an error of about 1e-11 of the loss.
static constexpr double kStep = 1e-5, kTolerance = 1e-5;
/// How many entries of a variable are compared, and how many are tried when
/// some lie at kinks.
static constexpr size_t kCompared = 16, kTried = 64;

namespace {
/// A function of tensors that is checked: arguments in order, of which some
/// have gradients.
struct Argument {
  std::string name;
  RankedTensorType type;
  SmallVector<char> bytes;
  bool isVariable = false;

  double *numbers() { return reinterpret_cast<double *>(bytes.data()); }
};

/// What was found out about one variable.
struct Verdict {
  size_t compared = 0, skipped = 0;
  double worst = 0, gradient = 0, difference = 0;
  SmallVector<int64_t> where;
  bool agrees() const { return compared > 0 && worst <= kTolerance; }
};

class GradCheck {
public:
  GradCheck(const Options &options, Compiler &compiler)
      : options(options), compiler(compiler),
        draw(static_cast<uint64_t>(options.seed)) {}

  int run();

private:
  bool findLoss();
  bool chooseVariables();
  bool fillArguments();
  bool compile();
  std::optional<double> loss();
  std::optional<Verdict> compare(size_t index, ArrayRef<char> gradient);
  void print(const Argument &argument, const Verdict &verdict);

  double uniform() { return static_cast<double>(draw() >> 11) * 0x1p-53; }
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  bool fail(const Twine &reason) {
    llvm::errs() << options.files[0] << ": " << reason << "\n";
    return false;
  }

  const Options &options;
  Compiler &compiler;
  std::mt19937_64 draw;
  func::FuncOp function;
  std::string lossText;
  std::vector<Argument> arguments;
  std::optional<Evaluator> forward, backward;
  llvm::json::Array report;
};
} // namespace

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

static std::string shapeText(RankedTensorType type) {
  return type.getRank() == 0
             ? "scalar"
             : llvm::join(llvm::map_range(type.getShape(),
                                          [](int64_t size) {
                                            return std::to_string(size);
                                          }),
                          "x");
}

//===- The function -------------------------------------------------------===//

// The function gives one f64: the output that is asked for, or all outputs of
// floats, each element times a weight of its own.
bool GradCheck::findLoss() {
  Operation *end = function.getBody().front().getTerminator();
  SmallVector<Value> taken;
  SmallVector<std::string> scalars;
  for (auto [index, value] : llvm::enumerate(end->getOperands())) {
    auto name = function.getResultAttrOfType<StringAttr>(index, "nn.name");
    std::string text = name ? name.str() : "";
    if (!isFloat(value) || (!options.loss.empty() && text != options.loss))
      continue;
    taken.push_back(value);
    lossText = text;
  }
  if (taken.empty())
    return fail(options.loss.empty()
                    ? Twine("has no output of floats")
                    : "has no output '" + options.loss + "' of floats");
  nn::ShapeScope scope(function.getContext());
  if (failed(nn::inferShapes(function, scope)))
    return false;
  nn::NetBuilder b(end->getLoc(), OpBuilder(end), scope);
  Value loss;
  bool isOne = taken.size() == 1 &&
               cast<RankedTensorType>(taken[0].getType()).getNumElements() == 1;
  if (!isOne) {
    lossText = taken.size() == 1 ? "the elements of '" + lossText + "', weighed"
                                 : "the elements of all outputs, weighed";
    for (Value value : taken) {
      auto type = cast<RankedTensorType>(value.getType());
      SmallVector<double> weights;
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        weights.push_back(std::cos(0.7 * static_cast<double>(i)));
      const char *bytes = reinterpret_cast<const char *>(weights.data());
      Value weighed = b.make<nn::MulOp>(
          value, b.make<nn::ConstantOp>(nn::constantWith(
                     type, "weights",
                     SmallVector<char>(bytes, bytes + weights.size() *
                                                          sizeof(double)))));
      Value sum = b.make<nn::ReduceSumOp>(weighed, Value(), /*keepdims=*/0);
      loss = loss ? b.make<nn::AddOp>(loss, sum) : sum;
    }
  } else {
    loss = taken[0];
  }
  end->setOperands(loss);
  function.setType(
      b.getFunctionType(function.getArgumentTypes(), loss.getType()));
  DictionaryAttr attributes =
      b.getDictionaryAttr(b.getNamedAttr("nn.name", b.getStringAttr("loss")));
  function.setAllResultAttrs(ArrayRef(attributes));
  return true;
}

// Params that are variables become arguments behind the others.
bool GradCheck::chooseVariables() {
  Block &block = function.getBody().front();
  SmallVector<bool> isMatched(options.wrt.size());
  auto isChosen = [&](StringRef name, bool otherwise) {
    bool is = options.wrt.empty() && otherwise;
    for (auto [index, text] : llvm::enumerate(options.wrt)) {
      llvm::Expected<llvm::GlobPattern> pattern =
          llvm::GlobPattern::create(text);
      bool matches = pattern ? pattern->match(name) : name == text;
      if (!pattern)
        llvm::consumeError(pattern.takeError());
      isMatched[index] |= matches;
      is |= matches;
    }
    return is;
  };
  for (BlockArgument argument : block.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      "nn.name");
    Argument &added = arguments.emplace_back();
    added.name = name ? name.str() : "";
    added.type = dyn_cast<RankedTensorType>(argument.getType());
    if (!added.type || !added.type.hasStaticShape())
      return fail("input '" + added.name +
                  "' has a dim without a name, or "
                  "whose size is open; --dim or --shape gives it");
    added.isVariable = isFloat(argument) && isChosen(added.name, true);
  }
  SmallVector<nn::ConstantOp> params;
  function.walk([&](nn::ConstantOp constant) {
    StringRef name = nn::parameterName(constant);
    if (name.empty() || !isFloat(constant))
      return;
    bool isState = false;
    if (auto param = constant->getAttrOfType<DictionaryAttr>(nn::kParamAttr))
      if (auto flags = param.getAs<ArrayAttr>("flags"))
        isState = llvm::is_contained(
            flags, StringAttr::get(constant.getContext(), "state"));
    if (isChosen(name, !isState))
      params.push_back(constant);
  });
  for (auto [index, text] : llvm::enumerate(options.wrt))
    if (!isMatched[index])
      return fail("has no input or parameter of floats like '" + text + "'");
  for (nn::ConstantOp constant : params) {
    Argument &added = arguments.emplace_back();
    added.name = nn::parameterName(constant).str();
    added.type = cast<RankedTensorType>(constant.getType());
    added.isVariable = true;
    added.bytes = nn::copyBytes(constant.getValue());
    // Biases begin at 0, where kinks lie.
    if (constant->hasAttr(nn::kParamAttr))
      for (int64_t i = 0; i < added.type.getNumElements(); ++i)
        added.numbers()[i] += 0.1 * normal();
    Value argument = block.addArgument(added.type, constant.getLoc());
    constant.getResult().replaceAllUsesWith(argument);
    constant->erase();
  }
  function.setType(FunctionType::get(function.getContext(),
                                     block.getArgumentTypes(),
                                     function.getResultTypes()));
  Builder b(function.getContext());
  for (auto [index, argument] : llvm::enumerate(arguments))
    function.setArgAttr(index, "nn.name", b.getStringAttr(argument.name));
  if (llvm::none_of(arguments, [](auto &each) { return each.isVariable; }))
    return fail("has no input or parameter of floats");
  return true;
}

/// Up to where whole numbers of an input make sense: they may be places of a
/// table, or classes.
static int64_t limitOf(Value value, nn::ShapeScope &scope) {
  int64_t limit = std::numeric_limits<int64_t>::max();
  auto least = [&](nn::Dim dim) {
    limit = std::min(limit, nn::known(dim).value_or(2));
  };
  for (OpOperand &use : value.getUses()) {
    Operation *op = use.getOwner();
    bool isSecond = use.getOperandNumber() == 1;
    if (auto gather = dyn_cast<nn::GatherOp>(op); gather && isSecond) {
      int64_t axis = gather.getAxis();
      least(scope.dim(gather.getData(),
                      axis < 0 ? axis + scope.rank(gather.getData()) : axis));
    } else if (auto loss = dyn_cast<nn::NegativeLogLikelihoodLossOp>(op);
               loss && isSecond) {
      least(scope.dim(loss.getInput(), 1));
    } else if (auto rows = dyn_cast<nn::OneHotOp>(op)) {
      if (std::optional<nn::Dims> depth = scope.elements(rows.getDepth()))
        least(depth->front());
    } else if (isa<nn::CastOp, nn::ReshapeOp, nn::UnsqueezeOp, nn::SqueezeOp,
                   nn::TransposeOp, nn::ExpandOp, nn::WhereOp, nn::IdentityOp,
                   nn::ConcatOp, nn::SliceOp>(op)) {
      limit = std::min(limit, limitOf(op->getResult(0), scope));
    }
  }
  return limit;
}

bool GradCheck::fillArguments() {
  nn::ShapeScope scope(function.getContext());
  if (failed(nn::inferShapes(function, scope)))
    return false;
  for (auto [argument, value] :
       llvm::zip_equal(arguments, function.getArguments())) {
    if (!argument.bytes.empty())
      continue;
    Type type = argument.type.getElementType();
    int64_t count = argument.type.getNumElements(),
            bytes = nn::elementBytes(type);
    argument.bytes.resize(count * bytes);
    if (type.isF64()) {
      for (int64_t i = 0; i < count; ++i)
        argument.numbers()[i] = normal();
      continue;
    }
    if (!isa<IntegerType>(type))
      return fail("input '" + argument.name +
                  "' has elements for which there "
                  "are no random numbers");
    int64_t limit = limitOf(value, scope);
    if (limit == std::numeric_limits<int64_t>::max() || limit < 1)
      limit = 2;
    for (int64_t i = 0; i < count; ++i) {
      // Masks are true in the main, and somewhere.
      uint64_t number =
          type.isInteger(1)
              ? i == 0 || uniform() < 0.8
              : static_cast<uint64_t>(
                    uniform() *
                    static_cast<double>(std::min<int64_t>(limit, 100)));
      std::memcpy(argument.bytes.data() + i * bytes, &number, bytes);
    }
  }
  return true;
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

//===- The comparison -----------------------------------------------------===//

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

//===- Sizes --------------------------------------------------------------===//

/// Gives dims that are open a size each: 2, 3, ... Whether there were any.
static bool closeDims(ModuleOp module, Options &options) {
  FailureOr<func::FuncOp> function = nn::modelFunction(module);
  if (failed(function))
    return false;
  bool wereOpen = false;
  int64_t next = 2;
  for (BlockArgument argument : function->getArguments()) {
    auto names = function->getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                       "nn.dims");
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!names || !type)
      continue;
    for (auto [size, attribute] : llvm::zip(type.getShape(), names)) {
      auto name = dyn_cast<StringAttr>(attribute);
      if (!ShapedType::isDynamic(size) || !name || name.getValue().empty())
        continue;
      if (options.dims.try_emplace(name.str(), next).second) {
        ++next;
        wereOpen = true;
      }
    }
  }
  return wereOpen;
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
