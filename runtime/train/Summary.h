// Summary.h - what a run has come to, in a few lines.
#pragma once
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Metrics.h"

namespace burnish {

/// Why a run is at its end.
enum StopReason : int64_t { GoesOn = 0, AllEpochs, AllSteps, NotBetter };

struct Outcome {
  const Progress &progress;
  int64_t steps;
  /// "val.accuracy", or null where nothing is watched.
  const char *watched;
  double patience;
  /// With the last weights; validation may be null.
  Metrics &train, *validation;
  /// Those of the best epoch were kept in its place.
  bool keptBest;
};

void printOutcome(const Outcome &outcome);
/// One line: "test: loss 0.1, accuracy 0.97".
void printMetrics(const char *name, Metrics &metrics, const char *end);
void printConfusion(Metrics &metrics);
/// Mean and deviation over folds; `results` has the loss and the metrics of
/// each.
void printFolds(const Metrics &metrics, const double *results, int64_t folds);

} // namespace burnish
