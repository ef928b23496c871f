// Signature.cpp - what a compiled model takes and gives.
#include "ir/Signature.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

bool Port::isStatic() const {
  return llvm::none_of(dims, ShapedType::isDynamic);
}

int64_t Port::bytes() const {
  int64_t count = elementBytes(elementType);
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

bool Signature::isStatic() const {
  auto isStatic = [](const Port &port) { return port.isStatic(); };
  return llvm::all_of(inputs, isStatic) && llvm::all_of(outputs, isStatic);
}

/// Calls `visit` with each dim of inputs that only run time knows, and with
/// what stands for it.
static void
visitDims(const std::vector<Port> &inputs,
          llvm::function_ref<void(EntryDim, const std::string &)> visit) {
  std::vector<std::string> names;
  for (auto [input, port] : llvm::enumerate(inputs))
    for (auto [axis, dim] : llvm::enumerate(port.dims)) {
      if (!ShapedType::isDynamic(dim))
        continue;
      bool isNamed =
          axis < port.dimNames.size() && !port.dimNames[axis].empty();
      std::string name = isNamed ? port.dimNames[axis]
                                 : port.name + "_" + std::to_string(axis);
      auto known = isNamed ? llvm::find(names, name) : names.end();
      size_t parameter = known - names.begin();
      if (known == names.end())
        names.push_back(name);
      visit({input, axis, parameter}, name);
    }
}

std::vector<EntryDim> Signature::entryDims() const {
  std::vector<EntryDim> dims;
  visitDims(inputs,
            [&](EntryDim dim, const std::string &) { dims.push_back(dim); });
  return dims;
}

std::vector<std::string> Signature::dimParameters() const {
  std::vector<std::string> names;
  visitDims(inputs, [&](EntryDim dim, const std::string &name) {
    if (dim.parameter == names.size())
      names.push_back(name);
  });
  return names;
}

std::vector<int64_t> Signature::roomOf(const Port &output) const {
  std::vector<int64_t> dims = inputs[output.feeds].dims;
  dims[output.grows] = inputs[output.feeds].mostOf(output.grows);
  return dims;
}

const Port *Signature::grownFrom(size_t input) const {
  for (const Port &output : outputs)
    if (output.grows >= 0 && output.feeds == static_cast<int64_t>(input))
      return &output;
  return nullptr;
}

StringRef nn::parameterName(Operation *constant) {
  if (auto param = constant->getAttrOfType<DictionaryAttr>(kParamAttr))
    if (auto path = param.getAs<StringAttr>("path"))
      return path.getValue();
  auto name = constant->getAttrOfType<StringAttr>(kInitializerAttr);
  return name ? name.getValue() : StringRef();
}

FailureOr<func::FuncOp> nn::modelFunction(ModuleOp module) {
  func::FuncOp found;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isDeclaration())
      continue;
    if (found)
      return function.emitError() << "a second public function beside '"
                                  << found.getName() << "'; a model is one";
    found = function;
  }
  if (!found)
    return module.emitError() << "no public function; a model is one";
  return found;
}

static Port portOf(Type type, DictionaryAttr attributes, std::string fallback) {
  Port port;
  auto tensor = cast<RankedTensorType>(type);
  auto name =
      attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
  port.name = name ? name.str() : std::move(fallback);
  port.elementType = tensor.getElementType();
  port.dims = tensor.getShape().vec();
  port.dimNames.resize(port.dims.size());
  if (auto updated =
          attributes ? attributes.getAs<IntegerAttr>(kUpdatesAttr) : nullptr)
    port.updates = updated.getInt();
  if (auto fed =
          attributes ? attributes.getAs<IntegerAttr>(kFeedsAttr) : nullptr)
    port.feeds = fed.getInt();
  if (auto grows =
          attributes ? attributes.getAs<IntegerAttr>(kGrowsAttr) : nullptr)
    port.grows = grows.getInt();
  if (auto bounds = attributes
                        ? attributes.getAs<DenseI64ArrayAttr>(kBoundsAttr)
                        : nullptr)
    port.bounds = bounds.asArrayRef().vec();
  if (auto names =
          attributes ? attributes.getAs<ArrayAttr>("nn.dims") : ArrayAttr())
    for (auto [index, dimName] :
         llvm::enumerate(names.getAsRange<StringAttr>()))
      if (index < port.dims.size() && ShapedType::isDynamic(port.dims[index]))
        port.dimNames[index] = dimName.str();
  return port;
}

FailureOr<Signature> Signature::of(ModuleOp module) {
  FailureOr<func::FuncOp> function = modelFunction(module);
  if (failed(function))
    return failure();
  Signature signature;
  signature.name = function->getName().str();
  for (auto [index, type] : llvm::enumerate(function->getArgumentTypes())) {
    if (!isa<RankedTensorType>(type))
      return function->emitError() << "argument " << index << " is " << type
                                   << ", not a tensor of known rank";
    signature.inputs.push_back(portOf(type, function->getArgAttrDict(index),
                                      "arg" + std::to_string(index)));
  }
  for (auto [index, type] : llvm::enumerate(function->getResultTypes())) {
    if (!isa<RankedTensorType>(type))
      return function->emitError() << "result " << index << " is " << type
                                   << ", not a tensor of known rank";
    signature.outputs.push_back(portOf(type, function->getResultAttrDict(index),
                                       "result" + std::to_string(index)));
  }
  return signature;
}

static Attribute toAttribute(const Port &port, OpBuilder &builder) {
  SmallVector<Attribute> dimNames;
  for (const std::string &name : port.dimNames)
    dimNames.push_back(builder.getStringAttr(name));
  NamedAttrList list;
  if (!port.bounds.empty())
    list.append("bounds", builder.getDenseI64ArrayAttr(port.bounds));
  list.append("dim_names", builder.getArrayAttr(dimNames));
  list.append("name", builder.getStringAttr(port.name));
  list.append("type", TypeAttr::get(
                          RankedTensorType::get(port.dims, port.elementType)));
  if (port.feeds >= 0)
    list.append("feeds", builder.getI64IntegerAttr(port.feeds));
  if (port.grows >= 0)
    list.append("grows", builder.getI64IntegerAttr(port.grows));
  if (port.updates >= 0)
    list.append("updates", builder.getI64IntegerAttr(port.updates));
  return list.getDictionary(builder.getContext());
}

static Port toPort(DictionaryAttr dictionary) {
  Port port;
  auto type =
      cast<RankedTensorType>(dictionary.getAs<TypeAttr>("type").getValue());
  port.name = dictionary.getAs<StringAttr>("name").str();
  if (auto updates = dictionary.getAs<IntegerAttr>("updates"))
    port.updates = updates.getInt();
  if (auto feeds = dictionary.getAs<IntegerAttr>("feeds"))
    port.feeds = feeds.getInt();
  if (auto grows = dictionary.getAs<IntegerAttr>("grows"))
    port.grows = grows.getInt();
  if (auto bounds = dictionary.getAs<DenseI64ArrayAttr>("bounds"))
    port.bounds = bounds.asArrayRef().vec();
  port.elementType = type.getElementType();
  port.dims = type.getShape().vec();
  for (StringAttr name :
       dictionary.getAs<ArrayAttr>("dim_names").getAsRange<StringAttr>())
    port.dimNames.push_back(name.str());
  return port;
}

void Signature::record(ModuleOp module) const {
  OpBuilder builder(module.getContext());
  auto toArray = [&](const std::vector<Port> &ports) {
    return builder.getArrayAttr(llvm::map_to_vector(
        ports, [&](const Port &port) { return toAttribute(port, builder); }));
  };
  module->setAttr(kSignatureAttr,
                  builder.getDictionaryAttr({
                      builder.getNamedAttr("inputs", toArray(inputs)),
                      builder.getNamedAttr("name", builder.getStringAttr(name)),
                      builder.getNamedAttr("outputs", toArray(outputs)),
                  }));
}

Signature Signature::recorded(ModuleOp module) {
  auto dictionary = module->getAttrOfType<DictionaryAttr>(kSignatureAttr);
  Signature signature;
  signature.name = dictionary.getAs<StringAttr>("name").str();
  for (DictionaryAttr port :
       dictionary.getAs<ArrayAttr>("inputs").getAsRange<DictionaryAttr>())
    signature.inputs.push_back(toPort(port));
  for (DictionaryAttr port :
       dictionary.getAs<ArrayAttr>("outputs").getAsRange<DictionaryAttr>())
    signature.outputs.push_back(toPort(port));
  return signature;
}

int64_t nn::stateBytesOf(ArrayAttr training) {
  // The first i64 of burnish_training is its state_bytes.
  for (Attribute field : training)
    if (auto number = dyn_cast<IntegerAttr>(field);
        number && number.getType().isInteger(64))
      return number.getInt();
  return 0;
}

int64_t nn::updatedArgument(func::FuncOp function, unsigned result) {
  if (auto updated =
          function.getResultAttrOfType<IntegerAttr>(result, kUpdatesAttr))
    return updated.getInt();
  auto module = function->getParentOfType<ModuleOp>();
  auto signature = module->getAttrOfType<DictionaryAttr>(kSignatureAttr);
  if (!signature || !function.isPublic())
    return -1;
  auto outputs = signature.getAs<ArrayAttr>("outputs");
  if (!outputs)
    return -1;
  if (result >= outputs.size())
    return signature.getAs<ArrayAttr>("inputs").size() + result -
           outputs.size();
  auto updates =
      cast<DictionaryAttr>(outputs[result]).getAs<IntegerAttr>("updates");
  return updates ? updates.getInt() : -1;
}
