// Parallel.h - how a function says that threads may share its tasks.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace burnish {

/// The attribute of a function whose last arguments are the first task that it
/// shall do and the one after the last.
constexpr llvm::StringLiteral kParallelAttr = "nn.parallel";

} // namespace burnish
