// Samples.h - the data of a recipe: what its clauses `data`, `split` and
// `balance` say, ready to be cut into batches.
#pragma once
#include "runtime/train/Batches.h"
#include "runtime/train/Sources.h"

namespace burnish {

/// Some rows of one of the data sets.
struct Part {
  Indices rows;
  int64_t count = 0;
  int32_t source = 0;
  /// In order: batches, and single samples.
  Batches whole, single;
  bool isOpen[2] = {false, false};
};

class Samples {
public:
  bool open(const burnish_training &training, const char *folder, uint64_t seed,
            Message &message);
  /// 0 without a clause of folds.
  int64_t folds() const { return foldCount; }
  /// Makes the parts of a fold (from 0), or those that there are without folds.
  bool choose(int64_t fold, Message &message);

  Part &train() { return parts[0]; }
  Part &validation() { return parts[1]; }
  Part &test() { return parts[2]; }

  int64_t batches() const { return order.perEpoch(); }
  /// One batch of training, whose order is a function of the seed and the
  /// epoch, into one buffer a column.
  bool batch(int64_t epoch, int64_t batch, void *const *buffers,
             Message &message);
  /// `count` is that of a batch, at a multiple of it, or 1.
  bool rows(Part &part, int64_t from, int64_t count, void *const *buffers,
            Message &message);
  /// One sample by the number of its row in a part's data set.
  bool rowAlone(int32_t source, int64_t row, void *const *buffers,
                Message &message);
  /// Rows of the batch that `batch` gave last.
  Indices lastRows() const { return {order.rows(), order.used()}; }
  /// Where a part's data set comes from, for messages.
  const char *file(int32_t source) const { return sources[source][0].file; }
  /// One line about sizes and one about classes, where there are any.
  void describe() const;

private:
  bool split(Message &message);
  bool balance(Message &message);
  bool gather(const Batches &from, int32_t source, void *const *buffers,
              Message &message) const;
  const Column *column(int32_t index, int32_t source = 0) const {
    return index < 0 ? nullptr : columns[source][index];
  }

  const burnish_training *training = nullptr;
  uint64_t seed = 0;
  int64_t foldCount = 0, classes = 0;
  /// Places of columns, or -1: what classes are told by when they are cut into
  /// parts and when they are balanced, and the weights of samples.
  int32_t stratified = -1, balanced = -1, weight = -1;
  bool oversamples = false;
  Storage texts, lists;
  /// The data, and train, val and test where they come from elsewhere.
  Dataset sources[4];
  const Column **columns[4] = {};
  Split cut;
  Part parts[3];
  /// The order of training.
  Batches order;
  float *weights = nullptr;
  int64_t *counts = nullptr;
};

} // namespace burnish
