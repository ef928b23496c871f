// Weights.h - params and statistics as a file of safetensors.
#pragma once
#include "message.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// Writes params (their averages in their place where there are any) and
/// statistics under their paths.
bool saveWeights(const burnish_training &training, const void *state,
                 const char *path, Message &message);
/// Reads them all; what the file has and the training has not is refused.
bool loadWeights(const burnish_training &training, void *state,
                 const char *path, Message &message);

} // namespace burnish
