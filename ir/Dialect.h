// Dialect.h - the nn dialect and all its operators.
#pragma once
#include "mlir/IR/Dialect.h"
#include "llvm/ADT/StringMap.h"

#include "ir/Dialect.h.inc"

namespace burnish::nn {
// One function a family, each in its family's file, so that no file generates all operators.
void registerArithmetic(NNDialect &dialect);
void registerContraction(NNDialect &dialect);
void registerControl(NNDialect &dialect);
void registerConvolution(NNDialect &dialect);
void registerLayout(NNDialect &dialect);
void registerPooling(NNDialect &dialect);
void registerRecurrent(NNDialect &dialect);
void registerReduction(NNDialect &dialect);
void registerStructure(NNDialect &dialect);
} // namespace burnish::nn
