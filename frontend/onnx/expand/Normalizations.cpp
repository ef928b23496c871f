// Normalizations.cpp - 
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {
void addNormalizations(ExpandTable &) {}
} // namespace burnish::onnx_import
