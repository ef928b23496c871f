// Dialect.h - the nn dialect and all its operators.
#pragma once
#include "mlir/IR/Dialect.h"
#include "llvm/ADT/StringMap.h"

#include "ir/Dialect.h.inc"

namespace burnish::nn {
// One function a family, each in its family's file, so that no file generates all operators.
#define BURNISH_FAMILY(name) void register##name(NNDialect &dialect);
#include "ir/Families.def"
#undef BURNISH_FAMILY
void registerArithmetic(NNDialect &dialect);
void registerContraction(NNDialect &dialect);
void registerFunctions(NNDialect &dialect);
void registerLayout(NNDialect &dialect);
void registerLogic(NNDialect &dialect);
void registerLoss(NNDialect &dialect);
void registerNormalization(NNDialect &dialect);
void registerQuantization(NNDialect &dialect);
void registerReduction(NNDialect &dialect);
void registerStructure(NNDialect &dialect);
} // namespace burnish::nn
