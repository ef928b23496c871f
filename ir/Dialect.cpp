// Dialect.cpp - the nn dialect and all its operators.
#include "ir/Dialect.h"
#include "ir/Ops.h"

#include "ir/Dialect.cpp.inc"

void burnish::nn::NNDialect::initialize() {
  registerAttributes();
  registerTypes();
  registerKernel(*this);
#define BURNISH_FAMILY(name) register##name(*this);
#include "ir/Families.def"
#undef BURNISH_FAMILY
}

bool burnish::nn::NNDialect::isMapped(llvm::ArrayRef<char> bytes) const {
  return llvm::any_of(mappings, [&](llvm::ArrayRef<char> mapping) {
    return bytes.begin() >= mapping.begin() && bytes.end() <= mapping.end();
  });
}
