// FitWorkspace.h - how much is computed again so that a workspace is small
// enough.
#pragma once
#include "tools/burnish/Options.h"

namespace burnish {

/// Finds the least that must be computed again for gradients so that the
/// workspace takes no more than `memoryLimit`, and writes it to `recomputed`.
/// False after a report, when the model is at fault or the limit is not
/// reached.
bool fitWorkspace(Options &options);

} // namespace burnish
