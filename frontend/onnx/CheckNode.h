// CheckNode.h - whether a node is what its operator's schema allows.
#pragma once
#include "frontend/onnx/Nodes.h"

namespace burnish::onnx_import {

/// Checks operator, counts of inputs and outputs, and attributes of a node
/// against its schema, or against `function` when the node calls a function of
/// the model. False after reporting all that is wrong.
bool checkNode(const onnx::NodeProto &node, const Opsets &opsets,
               const onnx::FunctionProto *function, bool inFunction,
               Diagnostics &diagnostics);

} // namespace burnish::onnx_import
