// Export.cpp - from a module in the nn dialect to an ONNX model.
#include "frontend/onnx/Export.h"
#include "frontend/onnx/Schemas.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "ir/Types.h"

using namespace mlir;
using llvm::enumerate;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish {
using namespace onnx_import;

namespace {
/// What runtimes of today read. Operators of nn are of the newest form, which
/// has not changed since for what networks are made of. A network of younger
/// operators or elements is of the opset that brought them.
constexpr int kOpset = 22;
/// The version of the file format that came with an opset.
constexpr std::pair<int, int> kFormats[] = {
    {22, 10}, {23, 11}, {24, 12}, {25, 13}, {26, 13}};
/// The opset of `ai.onnx.ml` whose LabelEncoder has keys of any type.
constexpr int kMlOpset = 4;
/// The most that Protocol Buffers write.
constexpr size_t kMostBytes = size_t(2'000) << 20;

class Exporter {
public:
  Exporter(Diagnostics &diagnostics, MLIRContext *context)
      : diagnostics(diagnostics),
        dialect(*context->getLoadedDialect<nn::NNDialect>()) {
    for (const std::string &name : operatorNames())
      if (StringRef mine = dialect.operatorFor(name); !mine.empty())
        onnxNames[mine] = name;
  }

  std::optional<std::string> run(func::FuncOp func) {
    onnx::ModelProto model;
    opset = opsetOf(func);
    for (auto [version, format] : kFormats)
      if (opset >= version)
        model.set_ir_version(format);
    model.set_producer_name("burnish");
    model.add_opset_import()->set_version(opset);
    graph = model.mutable_graph();
    graph->set_name(func.getName().str());
    for (BlockArgument argument : func.getArguments()) {
      DictionaryAttr attributes = func.getArgAttrDict(argument.getArgNumber());
      names[argument] = unique(portName(attributes, "input"));
      describe(*graph->add_input(), names[argument], argument.getType(),
               attributes);
    }
    // An output has the name of the value that is given out, once.
    Block &body = func.getBody().front();
    Operation *end = body.getTerminator();
    SmallVector<std::pair<std::string, Value>> copies;
    for (auto [index, value] : enumerate(end->getOperands())) {
      DictionaryAttr attributes = func.getResultAttrDict(index);
      std::string name = unique(portName(attributes, "output"));
      describe(*graph->add_output(), name, value.getType(), attributes);
      bool isFresh = value.getDefiningOp() &&
                     !isa<nn::ConstantOp>(value.getDefiningOp()) &&
                     names.try_emplace(value, name).second;
      if (!isFresh)
        copies.push_back({name, value});
    }
    if (!nodes(body, *graph))
      return std::nullopt;
    for (auto &[name, value] : copies)
      copy(*graph, value, name);
    if (usesMl) {
      onnx::OperatorSetIdProto *domain = model.add_opset_import();
      domain->set_domain("ai.onnx.ml");
      domain->set_version(kMlOpset);
    }
    if (model.ByteSizeLong() > kMostBytes) {
      diagnostics.error("", "as ONNX it has " +
                                Twine(model.ByteSizeLong() >> 20) +
                                " MB, and one file holds 2000");
      return std::nullopt;
    }
    return model.SerializeAsString();
  }

private:
  /// The least opset that has all elements of a network, and its operators as
  /// far as any has them.
  int opsetOf(func::FuncOp func) {
    int least = kOpset, newest = *newestVersion("");
    auto need = [&](int version) { least = std::max(least, version); };
    auto needElements = [&](Value value) {
      Type type = getElementTypeOrSelf(value.getType());
      auto integer = dyn_cast<IntegerType>(type);
      if (integer && integer.getWidth() == 2)
        need(25);
      else if (isa<Float8E8M0FNUType>(type))
        need(24);
      else if (isa<Float4E2M1FNType>(type))
        need(23);
    };
    llvm::for_each(func.getArguments(), needElements);
    func.walk([&](Operation *op) {
      llvm::for_each(op->getResults(), needElements);
      auto found = onnxNames.find(op->getName().getStringRef());
      for (int version = kOpset; found != onnxNames.end() && version <= newest;
           ++version)
        if (findSchema(found->second, version, ""))
          return need(version);
    });
    return least;
  }

  NodeProto *node(onnx::GraphProto &into, StringRef type,
                  ArrayRef<std::string> inputs, const std::string &output) {
    NodeProto *made = into.add_node();
    made->set_op_type(type.str());
    for (const std::string &input : inputs)
      made->add_input(input);
    made->add_output(output);
    return made;
  }

  static AttributeProto *attribute(NodeProto *node, StringRef name,
                                   AttributeProto::AttributeType type) {
    AttributeProto *made = node->add_attribute();
    made->set_name(name.str());
    made->set_type(type);
    return made;
  }

  std::string integers(StringRef name, ArrayRef<int64_t> values) {
    onnx::TensorProto *tensor = graph->add_initializer();
    tensor->set_name(unique(name.str()));
    tensor->set_data_type(onnx::TensorProto::INT64);
    tensor->add_dims(values.size());
    for (int64_t value : values)
      tensor->add_int64_data(value);
    return tensor->name();
  }

  // find(x, keys) -> LabelEncoder(x), whose values are the keys' places
  void find(nn::FindOp op, onnx::GraphProto &into) {
    usesMl = true;
    NodeProto *made =
        node(into, "LabelEncoder", {nameOf(op.getX())}, nameOf(op.getPlace()));
    made->set_domain("ai.onnx.ml");
    if (op.getStrings()) {
      AttributeProto *keys =
          attribute(made, "keys_strings", AttributeProto::STRINGS);
      AttributeProto *places =
          attribute(made, "values_int64s", AttributeProto::INTS);
      llvm::StringSet<> seen;
      for (auto [place, key] : enumerate(*op.getStrings())) {
        StringRef text = cast<StringAttr>(key).getValue();
        if (!seen.insert(text).second)
          continue;
        keys->add_strings(text.str());
        places->add_ints(place);
      }
      attribute(made, "default_int64", AttributeProto::INT)->set_i(-1);
      return;
    }
    fill(*attribute(made, "keys_tensor", AttributeProto::TENSOR)->mutable_t(),
         *op.getNumbers());
    auto places = [&](StringRef name, ArrayRef<int64_t> values) {
      onnx::TensorProto *tensor =
          attribute(made, name, AttributeProto::TENSOR)->mutable_t();
      tensor->set_data_type(onnx::TensorProto::INT64);
      tensor->add_dims(values.size());
      for (int64_t value : values)
        tensor->add_int64_data(value);
    };
    places("values_tensor", llvm::to_vector(llvm::seq<int64_t>(
                                0, op.getNumbers()->getNumElements())));
    places("default_tensor", {-1});
  }

  // string_case(x) -> StringNormalizer of one axis, in the shape of x
  void stringCase(nn::StringCaseOp op, onnx::GraphProto &into) {
    std::string x = nameOf(op.getX()), flat = unique("flat"),
                shape = unique("shape"), changed = unique("changed");
    node(into, "Shape", {x}, shape);
    node(into, "Reshape", {x, integers("all", {-1})}, flat);
    NodeProto *made = node(into, "StringNormalizer", {flat}, changed);
    attribute(made, "case_change_action", AttributeProto::STRING)
        ->set_s(op.getUpper() ? "UPPER" : "LOWER");
    node(into, "Reshape", {changed, shape}, nameOf(op->getResult(0)));
  }

  static std::string portName(DictionaryAttr attributes, StringRef otherwise) {
    auto name =
        attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
    return name ? name.str() : otherwise.str();
  }

  std::string unique(std::string name) {
    std::string result = name;
    for (unsigned count = 1; !taken.insert(result).second; ++count)
      result = name + "_" + std::to_string(count);
    return result;
  }

  std::string nameOf(Value value) {
    std::string &name = names[value];
    if (name.empty())
      name = unique("v" + std::to_string(names.size()));
    return name;
  }

  static void describe(onnx::ValueInfoProto &info, StringRef name, Type type,
                       DictionaryAttr attributes = {}) {
    auto tensor = cast<RankedTensorType>(type);
    info.set_name(name.str());
    auto *proto = info.mutable_type()->mutable_tensor_type();
    proto->set_elem_type(nn::onnxType(tensor.getElementType()));
    auto dimNames =
        attributes ? attributes.getAs<ArrayAttr>("nn.dims") : ArrayAttr();
    proto->mutable_shape();
    for (auto [axis, size] : enumerate(tensor.getShape())) {
      auto *dim = proto->mutable_shape()->add_dim();
      if (!ShapedType::isDynamic(size))
        dim->set_dim_value(size);
      else if (dimNames && axis < dimNames.size())
        dim->set_dim_param(cast<StringAttr>(dimNames[axis]).str());
    }
  }

  static void fill(onnx::TensorProto &tensor, ElementsAttr value) {
    auto type = cast<RankedTensorType>(value.getType());
    tensor.set_data_type(nn::onnxType(type.getElementType()));
    for (int64_t dim : type.getShape())
      tensor.add_dims(dim);
    SmallVector<char> bytes = nn::copyBytes(value);
    tensor.set_raw_data(bytes.data(), bytes.size());
  }

  void copy(onnx::GraphProto &into, Value value, const std::string &name) {
    NodeProto *node = into.add_node();
    node->set_op_type("Identity");
    node->add_input(nameOf(value));
    node->add_output(name);
  }

  bool nodes(Block &block, onnx::GraphProto &into) {
    for (Operation &op : block.without_terminator())
      if (!this->op(op, into))
        return false;
    return true;
  }

  bool op(Operation &op, onnx::GraphProto &into) {
    if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      auto param = op.getAttrOfType<DictionaryAttr>("nn.param");
      if (param && !names.contains(constant.getResult()))
        names[constant.getResult()] =
            unique(param.getAs<StringAttr>("path").str());
      onnx::TensorProto *tensor = graph->add_initializer();
      tensor->set_name(nameOf(constant.getResult()));
      fill(*tensor, constant.getValue());
      return true;
    }
    if (auto strings = dyn_cast<nn::StringsOp>(op)) {
      onnx::TensorProto *tensor = graph->add_initializer();
      tensor->set_name(nameOf(strings.getResult()));
      tensor->set_data_type(onnx::TensorProto::STRING);
      for (int64_t dim : strings.getShape())
        tensor->add_dims(dim);
      for (Attribute each : strings.getValues())
        tensor->add_string_data(cast<StringAttr>(each).str());
      return true;
    }
    if (auto each = dyn_cast<nn::FindOp>(op)) {
      find(each, into);
      return true;
    }
    if (auto each = dyn_cast<nn::StringCaseOp>(op)) {
      stringCase(each, into);
      return true;
    }
    StringRef mine = op.getName().getStringRef();
    auto found = onnxNames.find(mine);
    const Schema *schema = found == onnxNames.end()
                               ? nullptr
                               : findSchema(found->second, opset, "");
    if (!schema)
      return diagnostics.error(mine, "opset " + Twine(opset) +
                                         " of ONNX has no such operator");
    NodeProto *node = into.add_node();
    node->set_op_type(found->second);
    // What is absent is an empty name, but not at the end.
    auto groups = [&](StringRef attribute, auto values, auto add) {
      auto sizes = op.getAttrOfType<DenseI32ArrayAttr>(attribute);
      SmallVector<std::string> list;
      unsigned next = 0;
      if (sizes)
        for (int32_t size : sizes.asArrayRef()) {
          if (size == 0)
            list.push_back("");
          for (int32_t i = 0; i < size; ++i)
            list.push_back(nameOf(values[next++]));
        }
      else
        for (Value value : values)
          list.push_back(nameOf(value));
      while (!list.empty() && list.back().empty())
        list.pop_back();
      for (std::string &name : list)
        add(std::move(name));
    };
    groups("operandSegmentSizes", op.getOperands(),
           [&](std::string name) { node->add_input(std::move(name)); });
    groups("resultSegmentSizes", op.getResults(),
           [&](std::string name) { node->add_output(std::move(name)); });
    // Statistics of the batch go with those that they change.
    if (auto norm = dyn_cast<nn::BatchNormalizationOp>(op);
        norm && norm.getTrainingMode())
      while (node->output_size() < 3)
        node->add_output(unique("unused"));
    for (NamedAttribute attribute : op.getAttrs()) {
      StringRef name = attribute.getName().getValue();
      if (name.ends_with("SegmentSizes") || name.contains('.'))
        continue;
      if (!this->attribute(*node, *schema, mine, name, attribute.getValue()))
        return false;
    }
    static constexpr StringRef kBranches[] = {"else_branch", "then_branch"};
    for (auto [index, region] : enumerate(op.getRegions())) {
      AttributeProto *body = node->add_attribute();
      body->set_name(op.getNumRegions() == 2 ? kBranches[index].str() : "body");
      body->set_type(AttributeProto::GRAPH);
      if (!this->body(region.front(), *body->mutable_g()))
        return false;
    }
    return true;
  }

  /// A body sees the values around it; what it gives out is its own.
  bool body(Block &block, onnx::GraphProto &into) {
    into.set_name("body" + std::to_string(taken.size()));
    for (BlockArgument argument : block.getArguments())
      describe(*into.add_input(), nameOf(argument), argument.getType());
    if (!nodes(block, into))
      return false;
    for (Value value : block.getTerminator()->getOperands()) {
      std::string name = unique("out");
      copy(into, value, name);
      describe(*into.add_output(), name, value.getType());
    }
    return true;
  }

  bool attribute(NodeProto &node, const Schema &schema, StringRef op,
                 StringRef name, Attribute value) {
    AttributeProto proto;
    proto.set_name(name.str());
    if (auto number = dyn_cast<IntegerAttr>(value)) {
      proto.set_type(AttributeProto::INT);
      proto.set_i(number.getInt());
    } else if (auto number = dyn_cast<FloatAttr>(value)) {
      proto.set_type(AttributeProto::FLOAT);
      proto.set_f(number.getValue().convertToFloat());
    } else if (auto text = dyn_cast<StringAttr>(value)) {
      proto.set_type(AttributeProto::STRING);
      proto.set_s(text.str());
    } else if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
      proto.set_type(AttributeProto::INTS);
      for (int64_t each : list.asArrayRef())
        proto.add_ints(each);
    } else if (auto list = dyn_cast<DenseF32ArrayAttr>(value)) {
      proto.set_type(AttributeProto::FLOATS);
      for (float each : list.asArrayRef())
        proto.add_floats(each);
    } else if (auto list = dyn_cast<ArrayAttr>(value)) {
      proto.set_type(AttributeProto::STRINGS);
      for (Attribute each : list)
        proto.add_strings(cast<StringAttr>(each).str());
    } else if (auto elements = dyn_cast<ElementsAttr>(value)) {
      proto.set_type(AttributeProto::TENSOR);
      fill(*proto.mutable_t(), elements);
    } else {
      return diagnostics.error(op, "attribute " + quoted(name) +
                                       " is none of ONNX's");
    }
    if (schema.attributes.contains(name)) {
      *node.add_attribute() = std::move(proto);
      return true;
    }
    // One that came later may have its default only.
    const Schema *newest = findSchema(schema.name, *newestVersion(""), "");
    auto formal = newest->attributes.find(name);
    bool isDefault =
        formal != newest->attributes.end() && [&](const AttributeProto &given) {
          return given.type() == proto.type() && given.i() == proto.i() &&
                 given.f() == proto.f() && given.s() == proto.s();
        }(formal->second.defaultValue);
    return isDefault || diagnostics.error(op, "opset " + Twine(opset) +
                                                  " of ONNX has no attribute " +
                                                  quoted(name));
  }

  Diagnostics &diagnostics;
  nn::NNDialect &dialect;
  llvm::StringMap<std::string> onnxNames;
  onnx::GraphProto *graph = nullptr;
  int opset = kOpset;
  /// Whether there are operators of `ai.onnx.ml`.
  bool usesMl = false;
  llvm::DenseMap<Value, std::string> names;
  llvm::StringSet<> taken;
};
} // namespace

std::optional<std::string> exportOnnx(ModuleOp module,
                                      Diagnostics &diagnostics) {
  FailureOr<func::FuncOp> func = nn::modelFunction(module);
  if (failed(func))
    return std::nullopt;
  return Exporter(diagnostics, module.getContext()).run(*func);
}

} // namespace burnish
