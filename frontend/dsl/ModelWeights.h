// ModelWeights.h - other values for the initialisers of a model.
#pragma once
#include "frontend/Diagnostics.h"
#include "frontend/Import.h"

namespace burnish {

/// Gives a model, whose constants name their initialisers, the values of a
/// safetensors file with these names for keys, as trainings write them.
/// Initialisers that the file has not stay as they are; false after a report.
bool giveWeights(ImportedModel &model, llvm::StringRef file,
                 Diagnostics &diagnostics);

} // namespace burnish
