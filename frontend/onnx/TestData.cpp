// TestData.cpp - the inputs and outputs of ONNX's backend-test folders, and the
// files a model is made of.
#include "frontend/onnx/TestData.h"
#include "frontend/onnx/Model.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace burnish;
using namespace burnish::onnx_import;

static llvm::Error failed(llvm::StringRef path, const llvm::Twine &why) {
  return llvm::createStringError(path + ": " + why);
}

llvm::Expected<TestTensor> onnx_import::readTestTensor(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failed(path, buffer.getError().message());
  onnx::TensorProto proto;
  if ((*buffer)->getBufferSize() >> 31 ||
      !proto.ParseFromArray((*buffer)->getBufferStart(),
                            (*buffer)->getBufferSize()))
    return failed(path, "no TensorProto");
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
