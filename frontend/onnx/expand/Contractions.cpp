// Contractions.cpp - 
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {
void addContractions(ExpandTable &) {}
} // namespace burnish::onnx_import
