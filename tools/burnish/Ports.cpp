// Ports.cpp - what the command line says of a model's inputs and outputs.
#include "tools/burnish/Ports.h"
#include "ir/Signature.h"
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
    }
    if (!isFound)
      return refuseState(state, "no output is named '" + outputs + "'");
  }
  return true;
}
