// LinearModels.cpp - TBD
#include "frontend/onnx/expand/Scores.h"
using namespace llvm;
using mlir::Value;
namespace burnish::onnx_import {
void addLinearModels(ExpandTable &table) {}
} // namespace burnish::onnx_import
