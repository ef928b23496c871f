// Tree.h - the tree of a .nn file as text, without places.
#pragma once
#include "frontend/dsl/Ast.h"

namespace burnish::dsl {

/// All that the compiler reads of a file, so that equal texts are equal trees.
std::string textOf(const File &file);

} // namespace burnish::dsl
