// Recipe.h - what can be told of a recipe without training.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Messages.h"

namespace burnish::dsl {

/// Checks that the patterns of `freeze`, `lora` and the like match a param of
/// the net, and that no clause stands twice. A pattern names paths as
/// checkpoints do, with or without the net's own name before them; `*` stands
/// for anything.
void checkRecipe(const Train &train, const Layer &net,
                 llvm::ArrayRef<std::string> paths, Messages &messages);

/// Whether a pattern matches a path of a net.
bool matchesPath(llvm::StringRef pattern, llvm::StringRef path,
                 llvm::StringRef net);

} // namespace burnish::dsl
