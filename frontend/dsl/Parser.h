// Parser.h - a .nn file from text to Ast.h.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Messages.h"

namespace burnish::dsl {

/// Reads a file as far as it can be read: what is wrong is reported and left
/// out, and reading goes on behind it.
File parse(const Sources &sources, uint32_t file, Messages &messages);

/// Trees are at most so deep.
constexpr unsigned kDeepestExpr = 250;

} // namespace burnish::dsl
