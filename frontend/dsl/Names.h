// Names.h - what a layer's names are, before anything is computed.
#pragma once
#include "frontend/dsl/Program.h"

namespace burnish::dsl {

/// Reports names that are not known, that hide others, and that nothing uses:
/// static parameters, params, and values made by `let`.
void checkNames(const Program &program, Unit &unit, Messages &messages);

} // namespace burnish::dsl
