// TestData.cpp - the inputs and outputs of ONNX's backend-test folders, and the
// files a model is made of.
#include "frontend/onnx/TestData.h"
#include "frontend/onnx/Model.h"
#include "onnx/onnx-data.pb.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace burnish;
using namespace burnish::onnx_import;

static llvm::Error failed(llvm::StringRef path, const llvm::Twine &why) {
  return llvm::createStringError(path + ": " + why);
}

static llvm::Expected<TestTensor> tensorOf(const onnx::TensorProto &proto,
                                           llvm::StringRef path) {
  TestTensor tensor;
  tensor.name = proto.name();
  tensor.type = proto.data_type();
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  if (proto.has_segment())
    return failed(path, "a segment of another file");
  Diagnostics diagnostics(path);
  if (tensor.type == onnx::TensorProto::STRING) {
    if (!stringsOf(proto, "", diagnostics))
      return llvm::createStringError(
          diagnostics.message(diagnostics.problems()[0]));
    tensor.strings.assign(proto.string_data().begin(),
                          proto.string_data().end());
    return tensor;
  }
  Model model; // owns elements that had to be unpacked
  std::optional<llvm::ArrayRef<char>> bytes =
      model.bytes(proto, "", diagnostics);
  if (!bytes)
    return llvm::createStringError(
        diagnostics.message(diagnostics.problems()[0]));
  tensor.bytes.assign(bytes->begin(), bytes->end());
  return tensor;
}

template <typename Proto>
static bool parse(llvm::StringRef bytes, Proto &proto) {
  return !(bytes.size() >> 31) &&
         proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

static llvm::Error addTensors(const onnx::SequenceProto &sequence,
                              llvm::StringRef path, TestValue &value) {
  value.isSequence = true;
  for (const onnx::TensorProto &proto : sequence.tensor_values()) {
    llvm::Expected<TestTensor> tensor = tensorOf(proto, path);
    if (!tensor)
      return tensor.takeError();
    value.tensors.push_back(std::move(*tensor));
  }
  return llvm::Error::success();
}

static llvm::Error addTensor(const onnx::TensorProto &proto,
                             llvm::StringRef path, TestValue &value) {
  llvm::Expected<TestTensor> tensor = tensorOf(proto, path);
  if (!tensor)
    return tensor.takeError();
  value.tensors.push_back(std::move(*tensor));
  return llvm::Error::success();
}

static llvm::Expected<TestValue> readTestValue(llvm::StringRef path,
                                               const onnx::TypeProto &type) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failed(path, buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  TestValue value;
  auto read = [&]() -> llvm::Error {
    if (type.has_sequence_type()) {
      onnx::SequenceProto sequence;
      if (!parse(bytes, sequence))
        return failed(path, "no SequenceProto");
      value.name = sequence.name();
      return addTensors(sequence, path, value);
    }
    if (type.has_optional_type()) {
      onnx::OptionalProto optional;
      if (!parse(bytes, optional))
        return failed(path, "no OptionalProto");
      value.name = optional.name();
      value.isOptional = true;
      value.isSequence = type.optional_type().elem_type().has_sequence_type();
      if (optional.has_sequence_value())
        return addTensors(optional.sequence_value(), path, value);
      if (optional.has_tensor_value())
        return addTensor(optional.tensor_value(), path, value);
      value.isAbsent = true;
      return llvm::Error::success();
    }
    onnx::TensorProto tensor;
    if (!parse(bytes, tensor))
      return failed(path, "no TensorProto");
    value.name = tensor.name();
    return addTensor(tensor, path, value);
  };
  if (llvm::Error error = read())
    return std::move(error);
  return value;
}

llvm::Expected<std::vector<TestValue>>
onnx_import::readTestValues(llvm::StringRef modelPath, llvm::StringRef set,
                            llvm::StringRef kind) {
  // Of a model that cannot be read, something else is said later.
  Diagnostics ignored(modelPath);
  std::unique_ptr<Model> model = Model::load(modelPath, ignored);
  std::vector<const onnx::ValueInfoProto *> ports;
  if (model) {
    const onnx::GraphProto &graph = model->proto().graph();
    std::set<std::string> initializers;
    for (const onnx::TensorProto &tensor : graph.initializer())
      initializers.insert(tensor.name());
    for (const auto &info : kind == "input" ? graph.input() : graph.output())
      if (!initializers.contains(info.name()) || kind != "input")
        ports.push_back(&info);
  }
  std::vector<TestValue> values;
  for (size_t index = 0;; ++index) {
    std::string file =
        (set + "/" + kind + "_" + llvm::Twine(index) + ".pb").str();
    if (!llvm::sys::fs::exists(file))
      return values;
    const onnx::ValueInfoProto *port =
        index < ports.size() ? ports[index] : nullptr;
    llvm::Expected<TestValue> value =
        readTestValue(file, port ? port->type() : onnx::TypeProto());
    if (!value)
      return value.takeError();
    // What is no tensor is looked for by its place.
    if (port && (value->isSequence || value->isOptional))
      value->name = port->name();
    if (port && port->type().has_sequence_type())
      value->hasRank =
          port->type().sequence_type().elem_type().tensor_type().has_shape();
    values.push_back(std::move(*value));
  }
}

static void collect(const onnx::GraphProto &graph,
                    std::set<std::string> &locations);

static void collect(const onnx::TensorProto &tensor,
                    std::set<std::string> &locations) {
  for (const onnx::StringStringEntryProto &entry : tensor.external_data())
    if (entry.key() == "location")
      locations.insert(entry.value());
}

template <typename Nodes>
static void collectFromNodes(const Nodes &nodes,
                             std::set<std::string> &locations) {
  for (const onnx::NodeProto &node : nodes)
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      collect(attribute.t(), locations);
      if (attribute.has_g())
        collect(attribute.g(), locations);
      for (const onnx::GraphProto &graph : attribute.graphs())
        collect(graph, locations);
    }
}

static void collect(const onnx::GraphProto &graph,
                    std::set<std::string> &locations) {
  for (const onnx::TensorProto &tensor : graph.initializer())
    collect(tensor, locations);
  collectFromNodes(graph.node(), locations);
}

std::vector<std::string> onnx_import::externalFiles(llvm::StringRef modelPath) {
  Diagnostics ignored(modelPath);
  std::unique_ptr<Model> model = Model::load(modelPath, ignored);
  if (!model)
    return {};
  std::set<std::string> locations;
  collect(model->proto().graph(), locations);
  for (const onnx::FunctionProto &function : model->proto().functions())
    collectFromNodes(function.node(), locations);
  std::vector<std::string> files;
  for (const std::string &location : locations) {
    llvm::SmallString<128> file(llvm::sys::path::parent_path(modelPath));
    llvm::sys::path::append(file, location);
    files.push_back(file.str().str());
  }
  return files;
}
