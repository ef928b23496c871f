// Summary.cpp - what a run has come to, in a few lines.
#include "runtime/train/Summary.h"
#include <math.h>
#include <stdio.h>

using namespace burnish;

void burnish::printMetrics(const char *name, Metrics &metrics,
                           const char *end) {
  printf("%s loss %.5g", name, metrics.loss());
  for (int32_t i = 0; i < metrics.count(); ++i)
    if (double value = metrics.value(i);
        metrics[i].kind != Metric::Confusion && !isnan(value))
      printf(", %s %.5g", metrics[i].name, value);
  printf("%s", end);
}

void burnish::printConfusion(Metrics &metrics) {
  bool isWanted = false;
  for (int32_t i = 0; i < metrics.count(); ++i)
    isWanted |= metrics[i].kind == Metric::Confusion;
  int64_t classes = metrics.classes();
  if (!isWanted)
    return;
  if (classes > 24) {
    printf("confusion: %lld classes are too many to print; they are in the log "
           "(up to 256)\n",
           static_cast<long long>(classes));
    return;
  }
  printf("confusion (rows: labels, columns: what was guessed)\n     ");
  for (int64_t column = 0; column < classes; ++column)
    printf(" %6lld", static_cast<long long>(column));
  printf("\n");
  for (int64_t row = 0; row < classes; ++row) {
    printf("%5lld", static_cast<long long>(row));
    for (int64_t column = 0; column < classes; ++column)
      printf(" %6.0f", metrics.matrix(row, column));
    printf("\n");
  }
}

static void printReason(const Outcome &outcome) {
  const Progress &progress = outcome.progress;
  printf("stopped after epoch %lld, step %lld: ",
         static_cast<long long>(progress.epoch),
         static_cast<long long>(outcome.steps));
  if (progress.stopped == NotBetter)
    printf("no better %s for %.0f epochs\n", outcome.watched, outcome.patience);
  else
    printf("%s\n", progress.stopped == AllSteps ? "all steps are done"
                                                : "all epochs are done");
  if (outcome.watched && progress.bestEpoch > 0)
    printf("best: epoch %lld, %s %.5g%s\n",
           static_cast<long long>(progress.bestEpoch), outcome.watched,
           progress.best, outcome.keptBest ? " (saved)" : "");
}

/// A share of right answers or the like, which goes from 0 to 1.
static bool isShare(const Metric &metric) { return metric.kind <= Metric::Auc; }

/// What the gap between training and validation says, with its numbers.
static void printFit(const Outcome &outcome) {
  // Overfitted: a quarter more loss, or five points fewer right answers.
  constexpr double kLoss = 1.25, kPoints = 0.05;
  // Underfitted: the last epoch still took a twentieth of the loss away, and
  // that was a hundredth of what it was at first: a loss next to nothing may
  // halve for ever.
  constexpr double kFalling = 0.95, kWorth = 0.01;
  const Progress &progress = outcome.progress;
  double train = outcome.train.loss();
  if (outcome.validation) {
    double validation = outcome.validation->loss();
    for (int32_t i = 0; i < outcome.train.count(); ++i) {
      double mine = outcome.train.value(i),
             other = outcome.validation->value(i);
      if (!isShare(outcome.train[i]) || !(mine - other > kPoints))
        continue;
      printf(
          "overfits: %s is %.4g in training and %.4g in validation, a gap of "
          "%.4g\n",
          outcome.train[i].name, mine, other, mine - other);
      return;
    }
    bool hasShare = false;
    for (int32_t i = 0; i < outcome.train.count(); ++i)
      hasShare |= isShare(outcome.train[i]);
    if (!hasShare && train > 0 && validation > kLoss * train) {
      printf("overfits: the loss is %.4g in training and %.4g in validation, "
             "%.3g times as much\n",
             train, validation, validation / train);
      return;
    }
  }
  if (progress.epoch > 1 && progress.earlierTrainLoss > 0 &&
      progress.trainLoss < kFalling * progress.earlierTrainLoss &&
      progress.earlierTrainLoss - progress.trainLoss >
          kWorth * progress.firstTrainLoss) {
    printf(
        "underfits: the loss of training still fell from %.4g to %.4g in the "
        "last epoch\n",
        progress.earlierTrainLoss, progress.trainLoss);
    return;
  }
  if (outcome.validation)
    printf("neither over- nor underfits: the loss is %.4g in training and %.4g "
           "in validation\n",
           train, outcome.validation->loss());
}

void burnish::printOutcome(const Outcome &outcome) {
  printReason(outcome);
  printMetrics("train", outcome.train, "\n");
  if (outcome.validation)
    printMetrics("val", *outcome.validation, "\n");
  printFit(outcome);
  printConfusion(outcome.validation ? *outcome.validation : outcome.train);
}

void burnish::printFolds(const Metrics &metrics, const double *results,
                         int64_t folds) {
  int64_t width = 1 + metrics.count();
  printf("%lld folds, mean and deviation:\n", static_cast<long long>(folds));
  for (int64_t i = 0; i < width; ++i) {
    if (i > 0 && metrics[static_cast<int32_t>(i - 1)].kind == Metric::Confusion)
      continue;
    double sum = 0, squares = 0;
    for (int64_t fold = 0; fold < folds; ++fold)
      sum += results[fold * width + i];
    double mean = sum / static_cast<double>(folds);
    for (int64_t fold = 0; fold < folds; ++fold) {
      double difference = results[fold * width + i] - mean;
      squares += difference * difference;
    }
    printf("  val.%s %.5g +- %.3g\n",
           i == 0 ? "loss" : metrics[static_cast<int32_t>(i - 1)].name, mean,
           folds > 1 ? sqrt(squares / static_cast<double>(folds - 1)) : 0);
  }
}
