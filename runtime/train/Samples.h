// Samples.h - the data of a recipe: what its clauses `data`, `split` and
// `balance` say, ready to be cut into batches.
#pragma once
#include "memory.h"
#include "message.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// Some rows of the data, in order.
struct Part {
  int64_t count = 0;
  /// Null: rows from 0 on.
  const int64_t *rows = nullptr;
  int32_t source = 0;
};

class Samples {
public:
  Samples();
  ~Samples();
  Samples(const Samples &) = delete;
  Samples &operator=(const Samples &) = delete;

  bool open(const burnish_training &training, const char *folder, uint64_t seed,
            Message &message);
  /// 0 without a clause of folds.
  int64_t folds() const;
  /// Makes the parts of a fold (from 0), or those that there are without folds.
  bool choose(int64_t fold, Message &message);

  const Part &train() const;
  const Part &validation() const;
  const Part &test() const;

  int64_t batches() const;
  /// One batch of training, whose order is a function of the seed and the
  /// epoch, into one buffer a column.
  bool batch(int64_t epoch, int64_t batch, void *const *columns,
             Message &message);
  bool rows(const Part &part, int64_t from, int64_t count, void *const *columns,
            Message &message);
  /// One line about sizes and one about classes, where there are any.
  void describe() const;

private:
  struct Contents;
  Contents *contents = nullptr;
};

} // namespace burnish
