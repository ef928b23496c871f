// Layouts.cpp - 
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {
void addLayouts(ExpandTable &) {}
} // namespace burnish::onnx_import
