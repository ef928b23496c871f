// TrainingHeader.h - the C header of a compiled training.
#pragma once
#include "ir/Signature.h"

namespace burnish {

struct TrainingFacts {
  std::string name;
  int64_t stateBytes = 0;
  /// The most that any of its functions needs.
  int64_t workspaceBytes = 0;
  /// What a step takes, and what predicting takes and gives.
  std::vector<nn::Port> columns, inputs, outputs;
};

/// The text of NAME.h.
std::string trainingHeaderText(const TrainingFacts &facts);

} // namespace burnish
