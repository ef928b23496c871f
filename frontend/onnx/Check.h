// Check.h - whether a model is well formed.
#pragma once
#include "frontend/onnx/Nodes.h"
#include "llvm/ADT/DenseSet.h"

namespace burnish::onnx_import {

constexpr int64_t kOldestIrVersion = 3;
/// Operators of older opsets are those of this one, or are refused.
constexpr int64_t kOldestOpset = 6;

/// What `check` found out about a model.
struct CheckedModel {
  Opsets opsets;
  /// Functions of the model by `functionKey`.
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Nodes with a problem that is reported; what they would give is unknown.
  llvm::DenseSet<const onnx::NodeProto *> broken;
  /// False when there is nothing to import: no graph, a cycle, a version that
  /// is unknown.
  bool isImportable = true;

  const onnx::FunctionProto *functionFor(const onnx::NodeProto &node) const;
  /// Whether the node is broken or one in its graphs is. Copies of a node do
  /// not know that any more, so it is asked before there is one.
  bool isBroken(const onnx::NodeProto &node) const;
};

/// Checks structure, names, versions and, against ONNX's schemas, every node of
/// `model`, which is not trusted; sorts nodes that stand after a use of theirs.
/// Reports all it finds.
CheckedModel check(onnx::ModelProto &model, Diagnostics &diagnostics);

} // namespace burnish::onnx_import
