// Metrics.h - what a run is measured by, summed up batch by batch.
#pragma once
#include "memory.h"
#include "message.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// One clause `metric` of the recipe.
struct Metric {
  enum Kind {
    Accuracy,
    Top,
    F1,
    Precision,
    Recall,
    Auc,
    Confusion,
    Mse,
    Mae,
    R2,
    Perplexity,
    Expression
  };

  Kind kind;
  /// As it is logged: "accuracy", "top5", or the name of an expression.
  char name[40];
  int64_t most;
  bool isMicro;
};

/// How the values of a sample lie in what the network gave: `places` of them,
/// each with `classes` scores. Of a regression or of one score for two classes
/// the classes are 1.
struct Scores {
  int64_t places = 0, classes = 0;
  /// Of one place: from class to class, and from place to place.
  int64_t classStride = 1, placeStride = 1;
  int32_t labelType = 0;
  /// Labels are one number for each place, else one for each score.
  bool isIndexed = false, isInteger = false;
};

/// Sums over batches. All of it but what `auc` needs lies in one array of
/// doubles, so that a checkpoint can keep it.
class Metrics {
public:
  bool prepare(const burnish_training &training, Message &message);

  int32_t count() const { return metricCount; }
  const Metric &operator[](int32_t index) const { return metrics[index]; }
  /// The classes of a confusion matrix; 0 where none is counted.
  int64_t classes() const { return matrixClasses; }
  /// The place of a column among the training's that the scores are compared
  /// with, or -1.
  int32_t labels() const { return labelColumn; }
  bool needsScores() const { return wantsScores; }

  int64_t totalsCount() const {
    return kMatrix + matrixClasses * matrixClasses;
  }
  double *totals() const { return reinterpret_cast<double *>(sums.data()); }
  void reset();
  /// Room for what `auc` needs of that many samples; without it there is none.
  bool reserve(int64_t samples);

  /// What one call of a model gave: its loss, what expressions are in order of
  /// the metrics (each null or a float), scores and labels or null.
  struct Batch {
    int64_t samples;
    float loss;
    const float *const *expressions;
    const void *scores, *labels;
    int32_t scoresType;
  };
  void add(const Batch &batch);

  double samples() const { return totals()[kSamples]; }
  double loss() const { return totals()[kLoss] / totals()[kSamples]; }
  /// NaN where there is nothing to tell.
  double value(int32_t index);
  double matrix(int64_t label, int64_t guess) const {
    return totals()[kMatrix + label * matrixClasses + guess];
  }

private:
  enum Place {
    kSamples,
    kLoss,
    kPlaces,
    kRight,
    kLikelihood,
    kSquares,
    kAbsolute,
    kLabels,
    kLabelSquares,
    kNumbers,
    kTops,
    kMatrix = kTops + 64
  };
  bool shapeOf(const burnish_training &training, Message &message);
  void addPlace(const Batch &batch, int64_t sample, int64_t place);
  void addGuess(const double *scores, int64_t label);
  double fromMatrix(const Metric &metric) const;
  double area() const;

  Metric metrics[48];
  int32_t metricCount = 0, labelColumn = -1;
  int64_t matrixClasses = 0;
  bool wantsScores = false, wantsAuc = false;
  Scores shape;
  Pages sums, row;
  /// The probabilities of each class and, last, the label of each place.
  Pages kept;
  int64_t keptCount = 0, keptRoom = 0;
};

/// The place of the output of that name, or -1.
int32_t findOutput(const burnish_model &model, const char *name);

} // namespace burnish
