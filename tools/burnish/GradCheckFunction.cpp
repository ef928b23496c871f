// GradCheckFunction.cpp - what gradients are compared of: the loss, variables,
// and numbers for all that is given.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Storage.h"
#include "tools/burnish/GradCheck.h"
#include "llvm/Support/GlobPattern.h"

using namespace burnish;
using namespace mlir;

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

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

bool burnish::closeDims(ModuleOp module, Options &options) {
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
