// Dialect.h - the nn dialect and all its operators.
#pragma once
#include "mlir/IR/Dialect.h"
#include "llvm/ADT/StringMap.h"

#include "ir/Dialect.h.inc"

namespace burnish::nn {
/// What passes group loops with; no family of operators.
void registerKernel(NNDialect &dialect);
// One function a family, each in its family's file, so that no file generates
// all operators.
#define BURNISH_FAMILY(name) void register##name(NNDialect &dialect);
#include "ir/Families.def"
#undef BURNISH_FAMILY
} // namespace burnish::nn
