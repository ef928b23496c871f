// Normalize.cpp - brings nodes of old operator versions to the newest.
#include "frontend/onnx/Normalize.h"
namespace burnish::onnx_import {
bool normalize(const onnx::NodeProto &node, int64_t, NormalizeContext &, std::vector<onnx::NodeProto> &nodes) {
  nodes.push_back(node);
  return true;
}
} // namespace burnish::onnx_import
