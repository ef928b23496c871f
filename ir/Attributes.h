// Attributes.h - the attributes of the nn dialect.
#pragma once
#include "ir/Dialect.h"
#include "mlir/IR/Attributes.h"

#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.h.inc"

namespace burnish::nn {
/// The module attribute that holds the #nn.target.
constexpr llvm::StringLiteral kTargetAttr = "nn.target";
} // namespace burnish::nn
