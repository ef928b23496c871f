// ModelNet.h - the net that stands for an imported model where a recipe wants
// one.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>

namespace burnish::dsl {

/// A net called `name` with the inputs and outputs of a model, which it calls
/// as `callee`. What the model calls them is kept as far as the language
/// allows.
std::string modelNetText(mlir::func::FuncOp model, llvm::StringRef name,
                         llvm::StringRef callee);

} // namespace burnish::dsl
