// Metrics.cpp - what a run is measured by, summed up batch by batch.
#include "runtime/train/Metrics.h"
#include "tensor.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

static constexpr const char *kNames[] = {
    "accuracy",  "top", "f1",  "precision", "recall",    "auc",
    "confusion", "mse", "mae", "r2",        "perplexity"};

int32_t burnish::findOutput(const burnish_model &model, const char *name) {
  for (int32_t i = 0; i < model.output_count; ++i)
    if (isSame(model.outputs[i].name, name))
      return i;
  return -1;
}

static int32_t findColumn(const burnish_training &training, const char *name) {
  for (int32_t i = 0; i < training.column_count; ++i)
    if (isSame(training.columns[i].name, name))
      return i;
  return -1;
}

//===- what there is ------------------------------------------------------===//

bool Metrics::prepare(const burnish_training &training, Message &message) {
  constexpr int32_t kMost = sizeof metrics / sizeof *metrics;
  bool needsMatrix = false;
  for (const burnish_clause *clause = findClause(training, "metric"); clause;
       clause = findClause(training, "metric", nullptr, clause)) {
    if (metricCount == kMost)
      return message.set("more than %d metrics", kMost);
    Metric &metric = metrics[metricCount++];
    metric = {Metric::Expression, "", 0, false};
    for (int32_t kind = 0; kind < Metric::Expression; ++kind)
      if (isSame(clause->name, kNames[kind]))
        metric.kind = static_cast<Metric::Kind>(kind);
    const char *name = clause->name;
    for (int32_t i = 0; i < clause->word_count; ++i) {
      const char *word = clause->words[i];
      if (metric.kind == Metric::Expression)
        name = word;
      else if (isSame(word, "micro"))
        metric.isMicro = true;
      else if (int32_t column = findColumn(training, word); column >= 0)
        labelColumn = column;
    }
    if (metric.kind == Metric::Top)
      metric.most =
          clause->number_count ? static_cast<int64_t>(clause->numbers[0]) : 5;
    if (metric.kind == Metric::Top)
      snprintf(metric.name, sizeof metric.name, "top%lld",
               static_cast<long long>(metric.most));
    else
      snprintf(metric.name, sizeof metric.name, "%s", name);
    wantsScores |= metric.kind != Metric::Expression;
    wantsAuc |= metric.kind == Metric::Auc;
    needsMatrix |= metric.kind >= Metric::F1 && metric.kind <= Metric::Recall;
    needsMatrix |= metric.kind == Metric::Confusion;
  }
  // Columns are inputs first and what is wanted of them last; weights of
  // samples come after all.
  for (int32_t i = 0; labelColumn < 0 && i < training.column_count; ++i)
    if (training.columns[i].classes > 0)
      labelColumn = i;
  for (int32_t i = training.column_count; labelColumn < 0 && i-- > 0;)
    if (!isSame(training.columns[i].name, "weight"))
      labelColumn = i;
  if (wantsScores && !shapeOf(training, message))
    return false;
  int64_t classes = shape.classes == 1 ? 2 : shape.classes;
  if (needsMatrix && classes > 4096)
    return message.set("metric: %lld classes are too many for a confusion "
                       "matrix, 4096 is the most",
                       static_cast<long long>(classes));
  matrixClasses = needsMatrix ? classes : 0;
  return (sums.allocate(sizeof(double) *
                        static_cast<uint64_t>(totalsCount())) &&
          row.allocate(sizeof(double) *
                       static_cast<uint64_t>(shape.classes))) ||
         message.set("no memory for the metrics");
}

bool Metrics::shapeOf(const burnish_training &training, Message &message) {
  int32_t output = findOutput(*training.eval_one, "scores");
  if (output < 0 || labelColumn < 0)
    return message.set("metric '%s': the network gives no scores to compare "
                       "with a column",
                       metrics[0].name);
  const burnish_info &scores = training.eval_one->outputs[output];
  const burnish_column &label = training.columns[labelColumn];
  int64_t all = 1, labels = 1;
  for (int32_t axis = 0; axis < scores.rank; ++axis)
    all *= scores.dims[axis];
  for (int32_t axis = 0; axis < label.rank; ++axis)
    labels *= label.dims[axis];
  shape.labelType = label.type;
  shape.isInteger =
      label.type != BURNISH_FLOAT && label.type != BURNISH_DOUBLE &&
      label.type != BURNISH_FLOAT16 && label.type != BURNISH_BFLOAT16;
  if (labels <= 0 || all % labels != 0)
    return message.set("metric '%s': the network gives %lld scores a sample "
                       "and column '%s' has %lld numbers",
                       metrics[0].name, static_cast<long long>(all), label.name,
                       static_cast<long long>(labels));
  bool isIndexed = shape.isIndexed = shape.isInteger;
  if (isIndexed) {
    shape.places = labels;
    shape.classes = all / labels;
    // Classes are the last axis; or the first one of a sample, where places
    // have axes after it.
    bool isFirst = scores.rank > 2 && scores.dims[1] == shape.classes &&
                   scores.dims[scores.rank - 1] != shape.classes;
    shape.classStride = isFirst ? shape.places : 1;
    shape.placeStride = isFirst ? 1 : shape.classes;
    return true;
  }
  // Numbers for numbers: of several, the greatest is the class.
  shape.classes = scores.rank > 1 ? scores.dims[scores.rank - 1] : 1;
  shape.classes = shape.classes ? shape.classes : 1;
  shape.places = all / shape.classes;
  shape.placeStride = shape.classes;
  return all == labels ||
         message.set("metric '%s': the network gives %lld scores a sample and "
                     "column '%s' has %lld numbers",
                     metrics[0].name, static_cast<long long>(all), label.name,
                     static_cast<long long>(labels));
}

void Metrics::reset() {
  memset(totals(), 0, sizeof(double) * static_cast<size_t>(totalsCount()));
  keptCount = 0;
}

bool Metrics::reserve(int64_t samples) {
  if (!wantsAuc)
    return true;
  keptRoom = samples * shape.places;
  return kept.allocate(sizeof(float) * static_cast<uint64_t>(keptRoom) *
                       static_cast<uint64_t>(shape.classes + 1));
}

//===- sums ---------------------------------------------------------------===//

void Metrics::add(const Batch &batch) {
  double *to = totals();
  to[kSamples] += static_cast<double>(batch.samples);
  to[kLoss] +=
      static_cast<double>(batch.loss) * static_cast<double>(batch.samples);
  for (int32_t i = 0; i < metricCount; ++i)
    if (metrics[i].kind == Metric::Expression && batch.expressions &&
        batch.expressions[i])
      to[kTops + i] += static_cast<double>(*batch.expressions[i]) *
                       static_cast<double>(batch.samples);
  if (!wantsScores || !batch.scores || !batch.labels)
    return;
  for (int64_t sample = 0; sample < batch.samples; ++sample)
    for (int64_t place = 0; place < shape.places; ++place)
      addPlace(batch, sample, place);
}

void Metrics::addPlace(const Batch &batch, int64_t sample, int64_t place) {
  double *to = totals(), *scores = reinterpret_cast<double *>(row.data());
  int64_t classes = shape.classes, all = shape.places * classes;
  const float *floats = batch.scoresType == BURNISH_FLOAT
                            ? static_cast<const float *>(batch.scores)
                            : nullptr;
  for (int64_t i = 0; i < classes; ++i) {
    int64_t at =
        sample * all + place * shape.placeStride + i * shape.classStride;
    scores[i] = floats ? static_cast<double>(floats[at])
                       : valueAt(batch.scores, batch.scoresType, at);
  }
  if (shape.isIndexed) {
    addGuess(scores,
             static_cast<int64_t>(valueAt(batch.labels, shape.labelType,
                                          sample * shape.places + place)));
    return;
  }
  int64_t best = 0;
  double greatest = -INFINITY;
  for (int64_t i = 0; i < classes; ++i) {
    double label = valueAt(batch.labels, shape.labelType,
                           (sample * shape.places + place) * classes + i);
    double difference = scores[i] - label;
    to[kSquares] += difference * difference;
    to[kAbsolute] += fabs(difference);
    to[kLabels] += label;
    to[kLabelSquares] += label * label;
    to[kNumbers] += 1;
    if (label > greatest)
      greatest = label, best = i;
  }
  addGuess(scores, classes > 1 ? best : greatest > 0.5);
}

/// A label that is no class stands for a place that does not count.
void Metrics::addGuess(const double *scores, int64_t label) {
  double *to = totals();
  int64_t classes = shape.classes, guess = 0, before = 0;
  if (label < 0 || label >= (classes == 1 ? 2 : classes))
    return;
  if (classes == 1) {
    guess = scores[0] > 0;
    before = guess != label;
  } else {
    for (int64_t i = 1; i < classes; ++i)
      if (scores[i] > scores[guess])
        guess = i;
    for (int64_t i = 0; i < classes; ++i)
      before += scores[i] > scores[label] ||
                (scores[i] == scores[label] && i < label);
  }
  to[kPlaces] += 1;
  to[kRight] += guess == label;
  for (int32_t i = 0; i < metricCount; ++i)
    if (metrics[i].kind == Metric::Top)
      to[kTops + i] += before < metrics[i].most;
  if (matrixClasses)
    to[kMatrix + label * matrixClasses + guess] += 1;
  double sum = 0;
  for (int64_t i = 0; i < classes && classes > 1; ++i)
    sum += exp(scores[i] - scores[guess]);
  if (classes > 1)
    to[kLikelihood] += scores[label] - scores[guess] - log(sum);
  if (!wantsAuc || keptCount == keptRoom)
    return;
  float *keep =
      reinterpret_cast<float *>(kept.data()) + keptCount++ * (classes + 1);
  for (int64_t i = 0; i < classes; ++i)
    keep[i] = static_cast<float>(
        classes == 1 ? scores[0] : exp(scores[i] - scores[guess]) / sum);
  keep[classes] = static_cast<float>(label);
}

//===- what comes of them -------------------------------------------------===//

double Metrics::value(int32_t index) {
  const Metric &metric = metrics[index];
  const double *of = totals();
  switch (metric.kind) {
  case Metric::Accuracy:
  case Metric::Confusion:
    return of[kRight] / of[kPlaces];
  case Metric::Top:
    return of[kTops + index] / of[kPlaces];
  case Metric::F1:
  case Metric::Precision:
  case Metric::Recall:
    return metric.isMicro ? of[kRight] / of[kPlaces] : fromMatrix(metric);
  case Metric::Auc:
    return area();
  case Metric::Mse:
    return of[kSquares] / of[kNumbers];
  case Metric::Mae:
    return of[kAbsolute] / of[kNumbers];
  case Metric::R2: {
    double mean = of[kLabels] / of[kNumbers];
    return 1 - of[kSquares] / (of[kLabelSquares] - mean * mean * of[kNumbers]);
  }
  case Metric::Perplexity:
    return exp(-of[kLikelihood] / of[kPlaces]);
  case Metric::Expression:
    return of[kTops + index] / of[kSamples];
  }
  return NAN;
}

/// The mean over the classes that are among labels or guesses; of one score for
/// two classes, that of the second.
double Metrics::fromMatrix(const Metric &metric) const {
  double sum = 0, count = 0;
  for (int64_t i = shape.classes == 1; i < matrixClasses; ++i) {
    double hits = matrix(i, i), labels = 0, guesses = 0;
    for (int64_t k = 0; k < matrixClasses; ++k) {
      labels += matrix(i, k);
      guesses += matrix(k, i);
    }
    if (labels + guesses == 0)
      continue;
    double below = metric.kind == Metric::F1          ? (labels + guesses) / 2
                   : metric.kind == Metric::Precision ? guesses
                                                      : labels;
    sum += below > 0 ? hits / below : 0;
    count += 1;
  }
  return sum / count;
}

namespace {
struct Ranked {
  float score, isPositive;
};
} // namespace

static int byScore(const void *a, const void *b) {
  float first = static_cast<const Ranked *>(a)->score,
        second = static_cast<const Ranked *>(b)->score;
  return (first > second) - (first < second);
}

/// How often a sample of the class has a greater score than one of another
/// (Mann-Whitney), half for ties; the mean over the classes that are there.
double Metrics::area() const {
  int64_t classes = shape.classes;
  Array<Ranked> ranked(keptCount);
  if (!ranked.isValid())
    return NAN;
  double sum = 0, count = 0;
  for (int64_t of = classes <= 2 ? classes - 1 : 0; of < classes; ++of) {
    double positives = 0, ranks = 0;
    for (int64_t i = 0; i < keptCount; ++i) {
      const float *one =
          reinterpret_cast<const float *>(kept.data()) + i * (classes + 1);
      bool isPositive =
          static_cast<int64_t>(one[classes]) == (classes == 1 ? 1 : of);
      ranked[i] = {one[of], isPositive ? 1.0f : 0.0f};
      positives += isPositive;
    }
    double others = static_cast<double>(keptCount) - positives;
    if (positives == 0 || others == 0)
      continue;
    qsort(ranked.data(), static_cast<size_t>(keptCount), sizeof(Ranked),
          byScore);
    for (int64_t i = 0, end; i < keptCount; i = end) {
      double same = 0;
      for (end = i; end < keptCount && ranked[end].score == ranked[i].score;
           ++end)
        same += static_cast<double>(ranked[end].isPositive);
      // Ranks count from 1.
      ranks +=
          same * (static_cast<double>(i + 1) + static_cast<double>(end)) / 2;
    }
    sum += (ranks - positives * (positives + 1) / 2) / (positives * others);
    count += 1;
  }
  return sum / count;
}
