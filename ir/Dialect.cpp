// Dialect.cpp - the nn dialect and all its operators.
#include "ir/Dialect.h"
#include "ir/Ops.h"

#include "ir/Dialect.cpp.inc"

void burnish::nn::NNDialect::initialize() {
  registerAttributes();
  registerArithmetic(*this);
  registerContraction(*this);
  registerControl(*this);
  registerConvolution(*this);
  registerLayout(*this);
  registerPooling(*this);
  registerRecurrent(*this);
  registerReduction(*this);
  registerStructure(*this);
}
