// Nodes.h - what is asked of nodes everywhere: their attributes, and how
// messages name them.
#pragma once
#include "frontend/Diagnostics.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace burnish::onnx_import {

/// Versions of the domains that a model or function imports, by canonical name.
using Opsets = llvm::StringMap<int64_t>;

/// `node 'fc1' (Gemm)`; a node without a name is named for its first output.
std::string describe(const onnx::NodeProto &node);

/// A problem of a node with all its fields but the types filled.
Problem problemOf(const onnx::NodeProto &node, int64_t version,
                  const llvm::Twine &reason, const llvm::Twine &remedy = "");

/// The attribute of that name; null when the node has none.
const onnx::AttributeProto *findAttribute(const onnx::NodeProto &node,
                                          llvm::StringRef name);
int64_t intAttribute(const onnx::NodeProto &node, llvm::StringRef name,
                     int64_t otherwise);
float floatAttribute(const onnx::NodeProto &node, llvm::StringRef name,
                     float otherwise);
std::string stringAttribute(const onnx::NodeProto &node, llvm::StringRef name,
                            llvm::StringRef otherwise);
std::optional<llvm::SmallVector<int64_t>>
intsAttribute(const onnx::NodeProto &node, llvm::StringRef name);
std::optional<llvm::SmallVector<float>>
floatsAttribute(const onnx::NodeProto &node, llvm::StringRef name);

/// The type of an attribute; of one that does not say, that of the field it
/// fills.
onnx::AttributeProto::AttributeType
typeOf(const onnx::AttributeProto &attribute);
/// ONNX's word for an attribute type in messages, as in `a list of ints`.
llvm::StringRef wordFor(onnx::AttributeProto::AttributeType type);

void setAttribute(onnx::NodeProto &node, llvm::StringRef name, int64_t value);
void setAttribute(onnx::NodeProto &node, llvm::StringRef name, float value);
void setAttribute(onnx::NodeProto &node, llvm::StringRef name,
                  llvm::StringRef value);
void setAttribute(onnx::NodeProto &node, llvm::StringRef name,
                  llvm::ArrayRef<int64_t> values);
void removeAttribute(onnx::NodeProto &node, llvm::StringRef name);

/// The name of an input or output; empty when it is not there.
inline llvm::StringRef inputName(const onnx::NodeProto &node, int index) {
  return index < node.input_size() ? llvm::StringRef(node.input(index)) : "";
}
inline llvm::StringRef outputName(const onnx::NodeProto &node, int index) {
  return index < node.output_size() ? llvm::StringRef(node.output(index)) : "";
}

/// The graphs in the attributes of a node.
llvm::SmallVector<const onnx::GraphProto *>
subgraphs(const onnx::NodeProto &node);

} // namespace burnish::onnx_import
