// Ports.cpp - what the command line says of a model's inputs and outputs.
#include "tools/burnish/Ports.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Types.h"
#include "llvm/ADT/StringSet.h"

using namespace burnish;
using namespace mlir;

bool burnish::boundDims(ModuleOp module, const Options &options,
                        Refuse refuse) {
  if (options.bounds.empty())
    return true;
  FailureOr<func::FuncOp> function = nn::modelFunction(module);
  if (failed(function))
    return false;
  Builder b(module.getContext());
  llvm::StringSet<> used;
  for (BlockArgument argument : function->getArguments()) {
    auto names = function->getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                       "nn.dims");
    if (!names)
      continue;
    SmallVector<int64_t> bounds;
    bool hasAny = false;
    for (StringAttr name : names.getAsRange<StringAttr>()) {
      auto known = options.bounds.find(name.str());
      bool isKnown = known != options.bounds.end();
      bounds.push_back(isKnown ? known->second.first : 0);
      bounds.push_back(isKnown ? known->second.second : INT64_MAX);
      hasAny |= isKnown;
      if (isKnown)
        used.insert(name);
    }
    if (hasAny)
      function->setArgAttr(argument.getArgNumber(), nn::kBoundsAttr,
                           b.getDenseI64ArrayAttr(bounds));
  }
  for (const auto &[name, bounds] : options.bounds)
    if (!used.contains(name))
      return refuse("no input has a dim named '" + name + "'");
  return true;
}

/// What `*` stands for in `pattern`, so that it is `name`; none when it is not.
/// A pattern without one is a name.
static std::optional<StringRef> starOf(StringRef pattern, StringRef name) {
  auto [before, after] = pattern.split('*');
  if (before.size() == pattern.size())
    return name == pattern ? std::optional(StringRef()) : std::nullopt;
  if (name.size() < before.size() + after.size() ||
      !name.consume_front(before) || !name.consume_back(after))
    return std::nullopt;
  return name;
}

/// A shape as messages show it: f32[2,batch,128].
static std::string shapeTextOf(const nn::Port &port) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << port.elementType << "[";
  for (auto [axis, dim] : llvm::enumerate(port.dims)) {
    os << (axis ? "," : "");
    if (!ShapedType::isDynamic(dim))
      os << dim;
    else
      os << (port.dimNames[axis].empty() ? "?" : port.dimNames[axis]);
  }
  os << "]";
  return text;
}

/// The axis along which a step adds to a state behind what is there, where that
/// has a bound and the rest stays where it is: the result is the argument with
/// more behind it.
static std::optional<int64_t> grownAxis(func::FuncOp function, size_t result,
                                        const nn::Port &input, size_t number) {
  Operation *end = function.getBody().front().getTerminator();
  Value present = end->getOperand(result);
  while (auto same = present.getDefiningOp<nn::IdentityOp>())
    present = same.getInput();
  auto joined = present.getDefiningOp<nn::ConcatOp>();
  if (!joined || joined.getInputs().size() < 2 ||
      joined.getInputs()[0] != function.getArgument(number) ||
      nn::isString(input.elementType))
    return std::nullopt;
  auto rank = static_cast<int64_t>(input.dims.size());
  int64_t axis = static_cast<int64_t>(joined.getAxis());
  if (axis < 0)
    axis += rank;
  constexpr int64_t kMost = int64_t(1) << 40;
  bool isBounded = axis >= 0 && axis < rank &&
                   ShapedType::isDynamic(input.dims[axis]) &&
                   input.mostOf(axis) > 0 && input.mostOf(axis) < kMost;
  return isBounded ? std::optional(axis) : std::nullopt;
}

bool burnish::linkStates(ModuleOp module, const Options &options,
                         Refuse refuse) {
  if (options.states.empty())
    return true;
  FailureOr<nn::Signature> signature = nn::Signature::of(module);
  FailureOr<func::FuncOp> function = nn::modelFunction(module);
  if (failed(signature) || failed(function))
    return false;
  auto refuseState = [&](StringRef state, const Twine &why) {
    return refuse("--state " + state + ": " + why);
  };
  Builder b(module.getContext());
  std::vector<bool> isFed(signature->inputs.size());
  for (StringRef state : options.states) {
    auto [outputs, inputs] = state.split('=');
    bool isFound = false;
    for (auto [number, output] : llvm::enumerate(signature->outputs)) {
      std::optional<StringRef> star = starOf(outputs, output.name);
      if (!star)
        continue;
      isFound = true;
      auto [before, after] = inputs.split('*');
      std::string wanted = (before + *star + after).str();
      auto input = llvm::find_if(signature->inputs, [&](const nn::Port &port) {
        return port.name == wanted;
      });
      if (input == signature->inputs.end())
        return refuseState(state, "no input is named '" + wanted + "'");
      size_t fed = input - signature->inputs.begin();
      if (isFed[fed])
        return refuseState(state, "input '" + wanted + "' is a state already");
      if (output.feeds >= 0)
        return refuseState(state,
                           "output '" + output.name + "' is a state already");
      bool fits = input->elementType == output.elementType &&
                  input->dims.size() == output.dims.size();
      for (size_t axis = 0; fits && axis < input->dims.size(); ++axis)
        fits = ShapedType::isDynamic(input->dims[axis]) ||
               ShapedType::isDynamic(output.dims[axis]) ||
               input->dims[axis] == output.dims[axis];
      if (!fits)
        return refuseState(state, "output '" + output.name + "' is " +
                                      shapeTextOf(output) + ", and input '" +
                                      wanted + "' " + shapeTextOf(*input));
      isFed[fed] = true;
      output.feeds = fed;
      function->setResultAttr(number, nn::kFeedsAttr, b.getI64IntegerAttr(fed));
      if (input->isStatic() && output.isStatic())
        function->setResultAttr(number, nn::kUpdatesAttr,
                                b.getI64IntegerAttr(fed));
      else if (std::optional<int64_t> axis =
                   grownAxis(*function, number, *input, fed))
        function->setResultAttr(number, nn::kGrowsAttr,
                                b.getI64IntegerAttr(*axis));
    }
    if (!isFound)
      return refuseState(state, "no output is named '" + outputs + "'");
  }
  return true;
}
