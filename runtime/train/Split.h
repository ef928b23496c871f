// Split.h - who trains, who validates and who tests.
#pragma once
#include "Dataset.h"

namespace burnish {

/// Row numbers of a data set.
struct Indices {
  const int64_t *rows = nullptr;
  int64_t count = 0;

  int64_t operator[](int64_t index) const { return rows[index]; }
};

/// The parts of a data set, by a seed. A label makes them stratified: each part
/// has its share of each class, to within one sample. `file` begins messages.
class Split {
public:
  /// Parts of these fractions, which add up to 1 at most; `val` and `test` may
  /// be 0.
  bool fractions(const char *file, int64_t rows, double train, double val,
                 double test, const Column *label, uint64_t seed,
                 Message &message);
  /// k parts that differ by one sample at most; `fold` chooses which of them is
  /// `val`, the rest is `train`.
  bool folds(const char *file, int64_t rows, int64_t count, const Column *label,
             uint64_t seed, Message &message);
  void fold(int64_t index);

  Indices train, val, test;

private:
  bool arrange(int64_t rows, const Column *label, uint64_t seed,
               Message &message);

  Storage storage;
  /// Rows in the order in which parts take them: by class, shuffled inside.
  int64_t *order = nullptr, *rest = nullptr;
  /// Where each class begins in `order`, and the end.
  int64_t *starts = nullptr;
  int64_t classes = 0, rowCount = 0, foldCount = 0;
};

/// Samples of each class among `indices`; `counts` has room for all classes.
void countLabels(const Column &label, const Indices &indices, int64_t *counts,
                 int64_t classes);
/// n / (classes * count) for each class: every class weighs the same in a sum.
/// Refuses a class without a sample.
bool classWeights(const Column &label, const Indices &indices, float *weights,
                  int64_t classes, Message &message);
/// Rows repeated until every class has as many as the largest: whole copies,
/// then some by the seed. In `storage`; refuses a class without a sample.
bool oversample(const Column &label, const Indices &indices, int64_t classes,
                uint64_t seed, Storage &storage, Indices &to, Message &message);

} // namespace burnish
