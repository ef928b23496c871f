// Weights.h - params and statistics as a file of safetensors.
#pragma once
#include "message.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// Writes params (their averages in their place where there are any) and
/// statistics under their paths. A param with factors is written with their
/// product added.
bool saveWeights(const burnish_training &training, const void *state,
                 const char *path, Message &message);
/// Writes factors alone, under their paths.
bool saveFactors(const burnish_training &training, const void *state,
                 const char *path, Message &message);
bool hasFactors(const burnish_training &training);
/// Reads what saveWeights writes; what the file has and the training has not is
/// refused. The product of factors is 0 then.
bool loadWeights(const burnish_training &training, void *state,
                 const char *path, Message &message);

} // namespace burnish
