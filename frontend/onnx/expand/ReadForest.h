// ReadForest.h - trees from the attributes of nodes.
#pragma once
#include "frontend/onnx/Expand.h"
#include "frontend/onnx/Forest.h"

namespace burnish::onnx_import {

/// Nodes by the numbers of their tree and their own, leaves among them, and
/// weights by the numbers of leaves. `prefix` is that of the weights' lists.
/// False after a diagnostic, here and below.
bool readNumbered(Expansion &e, llvm::StringRef prefix, Forest &forest);
/// Nodes and leaves by their places in lists.
bool readPlaced(Expansion &e, Forest &forest);

} // namespace burnish::onnx_import
