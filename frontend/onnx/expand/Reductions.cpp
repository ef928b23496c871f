// Reductions.cpp - 
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {
void addReductions(ExpandTable &) {}
} // namespace burnish::onnx_import
