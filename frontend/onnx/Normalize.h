// Normalize.h - brings nodes of old operator versions to the newest.
#pragma once
#include "frontend/onnx/Nodes.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace burnish::onnx_import {

/// What a change may ask about the graph around its node.
struct NormalizeContext {
  /// What is known of the type of a value; a type without a value when nothing
  /// is.
  llvm::function_ref<onnx::TypeProto(llvm::StringRef value)> type;
  /// The elements of a constant of floats with few elements.
  llvm::function_ref<std::optional<llvm::SmallVector<float>>(
      llvm::StringRef value)>
      floats;
  /// A name that no other value has.
  llvm::function_ref<std::string()> freshName;
  /// Why the node cannot be expressed; set on failure.
  std::string reason;
};

/// The overload of a node inside a subgraph that is in the newest form already,
/// whatever opset its graph has.
constexpr llvm::StringLiteral kNewestForm = "\x01newest";

/// Appends to `nodes` what `node`, an operator of the default domain as opset
/// `version` defines it, is in the newest opset: itself with other attributes
/// and inputs, or several nodes that together are it. False when the newest
/// operators cannot express it; `context.reason` says why.
bool normalize(const onnx::NodeProto &node, int64_t version,
               NormalizeContext &context, std::vector<onnx::NodeProto> &nodes);

} // namespace burnish::onnx_import
