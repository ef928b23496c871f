// Import.cpp - from an ONNX file to a module: inputs, outputs, and the graph
// between.
#include "frontend/Import.h"
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
  SmallVector<StringRef> dimNames;
};

class ModelImporter {
public:
  ModelImporter(MLIRContext &context, const ImportOptions &options,
                Diagnostics &diagnostics)
      : context(context), options(options), diagnostics(diagnostics) {}

  FailureOr<ImportedModel> run();

private:
  void inputs(const onnx::GraphProto &graph);
  void input(const onnx::ValueInfoProto &info);
  void checkPins();
  func::FuncOp function(Model &model, const CheckedModel &checked,
                        ModuleOp module);

  MLIRContext &context;
  const ImportOptions &options;
  Diagnostics &diagnostics;
  std::vector<InputPort> ports;
  StringSet<> usedDims, usedShapes;
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
      input(info);
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

void ModelImporter::input(const onnx::ValueInfoProto &info) {
  std::string where = "input " + quoted(info.name());
  InputPort port{info.name(), {}, {}};
  const onnx::TypeProto &type = info.type();
  Type elementType;
  if (!type.has_tensor_type()) {
    StringRef kind = type.has_sequence_type()        ? "sequences"
                     : type.has_optional_type()      ? "optional values"
                     : type.has_map_type()           ? "maps"
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
  auto pinned = options.shapes.find(info.name());
  if (pinned != options.shapes.end())
    usedShapes.insert(info.name());
  SmallVector<int64_t> shape;
  bool hasShape = type.tensor_type().has_shape();
  if (hasShape) {
    for (const auto &dim : type.tensor_type().shape().dim()) {
      StringRef symbol = symbolOf(dim);
      int64_t size = ShapedType::kDynamic;
      // Some exporters write a dim of -1 for one that is not known.
      if (dim.has_dim_value() && dim.dim_value() >= 0)
        size = dim.dim_value();
      else if (auto value = options.dims.find(symbol.str());
               !symbol.empty() && value != options.dims.end())
        size = value->second;
      else if (options.batch &&
               (shape.empty() || symbol == options.batch->first))
        size = options.batch->second;
      if (!symbol.empty())
        usedDims.insert(symbol);
      shape.push_back(size);
      port.dimNames.push_back(ShapedType::isDynamic(size) ? symbol : "");
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
        auto [first, isNew] =
            pinnedDims.try_emplace(symbol, whole[axis], info.name());
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
}

void ModelImporter::checkPins() {
  for (const auto &[name, size] : options.dims)
    if (!usedDims.contains(name))
      diagnostics.error("", "no input has a dim named " + quoted(name));
  for (const auto &[name, shape] : options.shapes)
    if (!usedShapes.contains(name))
      diagnostics.error("", "no input is named " + quoted(name));
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
    func.setArgAttrs(index, portAttributes(builder, port.name, port.dimNames));
    if (port.type)
      shapes.nameDims(argument, port.dimNames);
    scope.values[port.name] = argument;
  }
  importer.declare(graph);
  importer.initializers(graph, scope);
  GraphImporter::Frame frame{checked.opsets, nullptr, "", false, 0};
  importer.nodes(graph.node(), scope, frame);
  if (importer.isExhausted())
    diagnostics.error("", "more than " + Twine(kMostNodes) +
                              " nodes once its functions are inlined");

  // A sequence is an output for each of its elements.
  SmallVector<Value> results;
  SmallVector<std::pair<const onnx::ValueInfoProto *, std::string>> outputs;
  for (const auto &output : graph.output()) {
    Value value = scope.values.lookup(output.name());
    if (!GraphImporter::isSequence(value)) {
      results.push_back(value);
      outputs.push_back({&output, output.name()});
      continue;
    }
    for (auto [index, element] :
         enumerate(value.getDefiningOp()->getOperands())) {
      results.push_back(element);
      outputs.push_back({&output, output.name() + "." + std::to_string(index)});
    }
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
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(body->getOperations())))
    if (isa<UnrealizedConversionCastOp>(op) && op.use_empty())
      op.erase();
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
