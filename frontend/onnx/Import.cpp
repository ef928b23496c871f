// Import.cpp - from an ONNX file to a module: inputs, outputs, and the graph
// between.
#include "frontend/Import.h"
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using llvm::any_of, llvm::enumerate, llvm::is_contained,
    llvm::make_filter_range;

namespace burnish {
using namespace onnx_import;

namespace {

/// An input as it is declared and pinned.
struct InputPort {
  std::string name;
  RankedTensorType type;
  std::vector<std::string> dimNames;
};

class ModelImporter {
public:
  ModelImporter(MLIRContext &context, const ImportOptions &options,
                Diagnostics &diagnostics)
      : context(context), options(options), diagnostics(diagnostics) {}

  FailureOr<ImportedModel> run();

private:
  void inputs(const onnx::GraphProto &graph);
  /// Adds the ports of an input or of what it is made of, and says how it is
  /// made of them. Sizes of elements have no names: elements need not agree.
  Form input(const std::string &name, const onnx::TypeProto &type,
             bool isElement);
  Form map(const std::string &name, const onnx::TypeProto::Map &type);
  Form sequence(const std::string &name, const onnx::TypeProto &element,
                std::optional<int64_t> length);
  Form tensor(const std::string &name, const onnx::TypeProto &type,
              bool isElement);
  void checkPins();
  func::FuncOp function(Model &model, const CheckedModel &checked,
                        ModuleOp module);

  MLIRContext &context;
  const ImportOptions &options;
  Diagnostics &diagnostics;
  std::vector<InputPort> ports;
  /// The graph's inputs as values of these ports.
  std::vector<std::pair<std::string, Form>> values;
  StringSet<> usedDims, usedShapes, usedLengths;
  /// Sizes that whole shapes gave to named dims, and the first input with each.
  llvm::StringMap<std::pair<int64_t, std::string>> pinnedDims;
};

void ModelImporter::inputs(const onnx::GraphProto &graph) {
  StringSet<> initializers;
  for (const auto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  for (const auto &tensor : graph.sparse_initializer())
    initializers.insert(tensor.values().name());
  for (const auto &info : graph.input())
    if (!initializers.contains(info.name()))
      values.push_back(
          {info.name(), input(info.name(), info.type(), /*isElement=*/false)});
  checkPins();
}

/// The symbol that a dim has, if any: exporters that know none write `?` or
/// `None`, which is no name that dims could share.
static StringRef symbolOf(const onnx::TensorShapeProto::Dimension &dim) {
  StringRef name = dim.dim_param();
  bool isName = !name.empty() &&
                (llvm::isAlpha(name.front()) || name.front() == '_') &&
                name != "None";
  return isName ? name : StringRef();
}

static onnx::TypeProto tensorType(int64_t elementType,
                                  ArrayRef<int64_t> shape) {
  onnx::TypeProto type;
  type.mutable_tensor_type()->set_elem_type(elementType);
  auto *dims = type.mutable_tensor_type()->mutable_shape();
  for (int64_t size : shape)
    if (auto *dim = dims->add_dim(); !ShapedType::isDynamic(size))
      dim->set_dim_value(size);
  return type;
}

Form ModelImporter::input(const std::string &name, const onnx::TypeProto &type,
                          bool isElement) {
  std::optional<int64_t> length;
  if (auto given = options.lengths.find(name);
      given != options.lengths.end() && !type.has_tensor_type()) {
    usedLengths.insert(name);
    length = given->second;
  }
  if (type.has_sequence_type())
    return sequence(name, type.sequence_type().elem_type(), length);
  if (type.has_map_type())
    return map(name, type.map_type());
  if (!type.has_optional_type())
    return tensor(name, type, isElement);
  const onnx::TypeProto &inner = type.optional_type().elem_type();
  if (length == ImportOptions::kAbsent)
    return {Form::Absent, {}, 0, false, {}};
  if (!length)
    tensor(name + ".there", tensorType(onnx::TensorProto::BOOL, {}), true);
  else if (!inner.has_sequence_type() && *length != 1)
    diagnostics.error("input " + quoted(name),
                      "an optional tensor has length 1 or none");
  Form form = inner.has_sequence_type()
                  ? sequence(name, inner.sequence_type().elem_type(), length)
                  : tensor(name, inner, isElement);
  return length ? form : Form{Form::Optional, {}, 0, false, {form}};
}

/// Keys and values, which are as many.
Form ModelImporter::map(const std::string &name,
                        const onnx::TypeProto::Map &type) {
  if (!type.value_type().has_tensor_type())
    diagnostics.error("input " + quoted(name),
                      "maps to anything but numbers and strings are not "
                      "supported");
  auto list = [&](const char *part, int64_t elementType) {
    onnx::TypeProto one = tensorType(elementType, ShapedType::kDynamic);
    one.mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param(
        name + "_entries");
    return tensor(name + part, one, /*isElement=*/false);
  };
  Form keys = list(".keys", type.key_type()),
       values = list(".values", type.value_type().tensor_type().elem_type());
  return {Form::Map, {}, 0, false, {keys, values}};
}

Form ModelImporter::sequence(const std::string &name,
                             const onnx::TypeProto &element,
                             std::optional<int64_t> length) {
  // Each element is an input of its own.
  constexpr int64_t kMostElements = 10'000;
  std::string where = "input " + quoted(name);
  if (!element.has_tensor_type() || length == ImportOptions::kAbsent ||
      length.value_or(0) > kMostElements) {
    diagnostics.error(where, !element.has_tensor_type()
                                 ? Twine("sequences of anything but tensors "
                                         "are not supported")
                             : length == ImportOptions::kAbsent
                                 ? Twine("a sequence is never absent")
                                 : Twine(*length) + " elements");
    length = 0;
  }
  Form form{Form::Listed, {}, 0, false, {}};
  for (int64_t index = 0; length && index < *length; ++index)
    form.inner.push_back(tensor(name + "." + std::to_string(index), element,
                                /*isElement=*/true));
  if (length)
    return form;
  int64_t type = element.tensor_type().elem_type(),
          rank = element.tensor_type().shape().dim_size();
  if (!element.tensor_type().has_shape())
    diagnostics.error(where, "a sequence whose elements have no rank",
                      "--length can give their number, and --shape the shape "
                      "of each");
  tensor(name + ".elements", tensorType(type, ShapedType::kDynamic), true);
  tensor(name + ".shapes",
         tensorType(onnx::TensorProto::INT64, {ShapedType::kDynamic, rank}),
         true);
  return {Form::Packed, nn::typeOfOnnx(type, &context), rank, false, {}};
}

Form ModelImporter::tensor(const std::string &name, const onnx::TypeProto &type,
                           bool isElement) {
  std::string where = "input " + quoted(name);
  InputPort port{name, {}, {}};
  Type elementType;
  if (!type.has_tensor_type()) {
    StringRef kind = type.has_map_type()             ? "maps in other values"
                     : type.has_sparse_tensor_type() ? "sparse tensors"
                                                     : "values without a type";
    diagnostics.error(where, kind + " are not supported");
  } else if (elementType =
                 nn::typeOfOnnx(type.tensor_type().elem_type(), &context);
             !elementType) {
    diagnostics.error(where, "tensors of " +
                                 typeName(type.tensor_type().elem_type()) +
                                 " are not supported");
  }
  // What does not fit is no shape to judge nodes by.
  auto refuse = [&](const Twine &reason, const Twine &remedy = "") {
    diagnostics.error(where, reason, remedy);
    elementType = {};
  };
  auto pinned = options.shapes.find(name);
  if (pinned != options.shapes.end())
    usedShapes.insert(name);
  SmallVector<int64_t> shape;
  bool hasShape = type.tensor_type().has_shape();
  if (hasShape) {
    for (const auto &dim : type.tensor_type().shape().dim()) {
      StringRef symbol = isElement ? StringRef() : symbolOf(dim);
      int64_t size = ShapedType::kDynamic;
      // Some exporters write a dim of -1 for one that is not known.
      if (dim.has_dim_value() && dim.dim_value() >= 0)
        size = dim.dim_value();
      else if (auto value = options.dims.find(symbol.str());
               !symbol.empty() && value != options.dims.end())
        size = value->second;
      else if (options.batch && !isElement &&
               (shape.empty() || symbol == options.batch->first))
        size = options.batch->second;
      if (!symbol.empty())
        usedDims.insert(symbol);
      shape.push_back(size);
      port.dimNames.push_back(ShapedType::isDynamic(size) ? symbol.str() : "");
    }
  }
  if (pinned != options.shapes.end()) {
    ArrayRef<int64_t> whole = pinned->second;
    if (hasShape && whole.size() != shape.size())
      refuse("rank " + Twine(shape.size()) +
             ", and the shape given for it has " + Twine(whole.size()) +
             " dims");
    else if (hasShape)
      for (auto [axis, size] : enumerate(shape)) {
        if (!ShapedType::isDynamic(size) && size != whole[axis])
          refuse(Twine(size) + " at axis " + Twine(axis) +
                 ", and the shape given for it has " + Twine(whole[axis]));
        StringRef symbol = port.dimNames[axis];
        if (symbol.empty())
          continue;
        auto [first, isNew] = pinnedDims.try_emplace(symbol, whole[axis], name);
        if (!isNew && first->second.first != whole[axis])
          refuse("dim " + quoted(symbol) + " is " + Twine(whole[axis]) +
                 " by the shape given for it, and " +
                 Twine(first->second.first) + " by that of input " +
                 quoted(first->second.second));
      }
    shape.assign(whole.begin(), whole.end());
    port.dimNames.assign(shape.size(), "");
  } else if (type.has_tensor_type() && !hasShape) {
    refuse("no rank", "--shape can give the shape");
  }
  SmallVector<int64_t> known(make_filter_range(
      shape, [](int64_t size) { return !ShapedType::isDynamic(size); }));
  std::string error;
  if (!elementCount(known, error))
    refuse(error);
  if (elementType)
    port.type = RankedTensorType::get(shape, elementType);
  ports.push_back(std::move(port));
  return {
      Form::Tensor, elementType, static_cast<int64_t>(shape.size()), false, {}};
}

void ModelImporter::checkPins() {
  for (const auto &[name, size] : options.dims)
    if (!usedDims.contains(name))
      diagnostics.error("", "no input has a dim named " + quoted(name));
  for (const auto &[name, shape] : options.shapes)
    if (!usedShapes.contains(name))
      diagnostics.error("", "no input is named " + quoted(name));
  for (const auto &[name, length] : options.lengths)
    if (!usedLengths.contains(name))
      diagnostics.error("",
                        "no input that is a sequence or optional is named " +
                            quoted(name));
}

/// The attributes of an argument or result: its name, and those of its dims
/// that are known only at run time.
DictionaryAttr portAttributes(OpBuilder &builder, StringRef name,
                              ArrayRef<StringRef> dimNames) {
  SmallVector<NamedAttribute> attributes;
  if (any_of(dimNames, [](StringRef dim) { return !dim.empty(); }))
    attributes.push_back(
        builder.getNamedAttr("nn.dims", builder.getStrArrayAttr(dimNames)));
  attributes.push_back(
      builder.getNamedAttr("nn.name", builder.getStringAttr(name)));
  return builder.getDictionaryAttr(attributes);
}

func::FuncOp ModelImporter::function(Model &model, const CheckedModel &checked,
                                     ModuleOp module) {
  const onnx::GraphProto &graph = model.proto().graph();
  OpBuilder moduleBuilder = OpBuilder::atBlockEnd(module.getBody());
  Location loc =
      NameLoc::get(moduleBuilder.getStringAttr(quoted(graph.name())));
  SmallVector<Type> argumentTypes;
  for (const InputPort &port : ports)
    argumentTypes.push_back(
        port.type ? Type(port.type)
                  : UnrankedTensorType::get(moduleBuilder.getF32Type()));
  auto func =
      func::FuncOp::create(moduleBuilder, loc, options.name,
                           FunctionType::get(&context, argumentTypes, {}));
  Block *body = func.addEntryBlock();

  nn::ShapeScope shapes(&context);
  nn::NetBuilder builder(loc, OpBuilder::atBlockBegin(body), shapes);
  GraphImporter importer(model, checked, diagnostics, builder);
  importer.namesInitializers = options.namesInitializers;
  GraphImporter::Scope scope;
  for (auto [index, port] : enumerate(ports)) {
    BlockArgument argument = func.getArgument(index);
    SmallVector<StringRef> dimNames(port.dimNames.begin(), port.dimNames.end());
    func.setArgAttrs(index, portAttributes(builder, port.name, dimNames));
    if (port.type)
      shapes.nameDims(argument, dimNames);
  }
  SmallVector<Value> arguments(func.getArguments());
  ArrayRef<Value> left = arguments;
  for (const auto &[name, form] : values)
    scope.values[name] = assemble(builder, loc, form, left);
  importer.declare(graph);
  importer.initializers(graph, scope);
  GraphImporter::Frame frame{checked.opsets, nullptr, "", false, 0};
  importer.nodes(graph.node(), scope, frame);
  if (importer.isExhausted())
    diagnostics.error("", "more than " + Twine(kMostNodes) +
                              " nodes once its functions are inlined");

  // What is no tensor is an output for each of those it is made of.
  SmallVector<Value> results;
  SmallVector<std::pair<const onnx::ValueInfoProto *, std::string>> outputs;
  for (const auto &output : graph.output()) {
    Value value = scope.values.lookup(output.name());
    SmallVector<std::string> names{output.name()};
    if (value && !GraphImporter::isPoison(value)) {
      Form form = formOf(value);
      if (form.kind == Form::Absent) {
        // Something says that it is.
        value = builder.scalar(builder.getI1Type(), 0);
        names = {output.name() + ".there"};
      } else {
        names.clear();
        nameTensors(form, output.name(), names);
      }
    }
    flatten(value, results);
    for (const std::string &name : names)
      outputs.push_back({&output, name});
  }
  if (is_contained(results, Value()) ||
      any_of(results, GraphImporter::isPoison)) {
    if (!diagnostics.hasErrors())
      diagnostics.error("", "an output is not known");
    return func;
  }
  func::ReturnOp::create(builder, loc, results);
  func.setFunctionType(FunctionType::get(&context, argumentTypes,
                                         ValueRange(results).getTypes()));
  for (auto [index, named] : enumerate(outputs)) {
    const auto &[output, name] = named;
    // A declared output shape is used for the names of its dims, and believed
    // in nothing.
    auto type = cast<RankedTensorType>(results[index].getType());
    SmallVector<StringRef> dimNames;
    const auto &declared = output->type().tensor_type().shape();
    if (declared.dim_size() == type.getRank())
      for (auto [axis, dim] : enumerate(declared.dim()))
        dimNames.push_back(type.isDynamicDim(axis) ? symbolOf(dim)
                                                   : StringRef());
    func.setResultAttrs(index, portAttributes(builder, name, dimNames));
  }
  // Sequences, and the poison that nothing needed.
  SmallVector<Operation *> casts;
  func.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
  for (Operation *cast : llvm::reverse(casts))
    if (cast->use_empty())
      cast->erase();
  return func;
}

FailureOr<ImportedModel> ModelImporter::run() {
  std::shared_ptr<Model> model = Model::load(options.path, diagnostics);
  if (!model)
    return failure();
  CheckedModel checked = check(model->proto(), diagnostics);
  if (!checked.isImportable)
    return failure();
  inputs(model->proto().graph());

  // What shape rules say of an operator is said of the node it came from.
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure();
    std::string text = diagnostic.str();
    StringRef reason = text;
    if (reason.consume_front("'nn."))
      reason = reason.substr(reason.find("' op ") == StringRef::npos
                                 ? 0
                                 : reason.find("' op ") + 5);
    auto named = dyn_cast<NameLoc>(diagnostic.getLocation());
    diagnostics.error(named ? named.getName().getValue() : "", reason);
    return success();
  });
  ImportedModel result;
  result.storage = model;
  result.module = ModuleOp::create(UnknownLoc::get(&context));
  function(*model, checked, *result.module);
  if (!diagnostics.hasErrors() && failed(mlir::verify(*result.module)) &&
      !diagnostics.hasErrors())
    diagnostics.error("", "the imported module is not valid");
  if (diagnostics.hasErrors())
    return failure();
  for (ArrayRef<char> mapping : model->mappings())
    context.getLoadedDialect<nn::NNDialect>()->addMapping(mapping);
  return std::move(result);
}

} // namespace

FailureOr<ImportedModel> importModel(MLIRContext &context,
                                     const ImportOptions &options,
                                     Diagnostics &diagnostics) {
  return ModelImporter(context, options, diagnostics).run();
}

} // namespace burnish
