// Batches.h - takes samples batch by batch, in an order that can be resumed.
#pragma once
#include "Split.h"

namespace burnish {

struct BatchOptions {
  int64_t size = 1;
  bool shuffle = true;
  /// The last batch, if it is not full: filled up with copies of its first
  /// sample and masked, or left out.
  bool padLast = false;
  uint64_t seed = 0;
};

/// Whether a batch can have every value of a column as `type`; names the first
/// that it cannot. `gather` says so too, but in the midst of a run.
bool checkConversion(const Column &column, int32_t type, Message &message);

/// Goes through rows of a data set. Where it stands is (epoch, batch); the
/// order of an epoch depends on (seed, epoch) alone, so that a run goes on
/// exactly as it would have.
class Batches {
public:
  /// `indices` must stay. Refuses what has no batch.
  bool open(const Indices &indices, const BatchOptions &options,
            Message &message);

  int64_t perEpoch() const { return batchCount; }
  uint64_t epoch() const { return atEpoch; }
  int64_t batch() const { return atBatch; }
  /// To any epoch and a batch in [0, perEpoch]; the last means its end.
  bool seek(uint64_t epoch, int64_t batch, Message &message);

  /// Whether the epoch has another batch; then `rows` are its samples, until
  /// the next call. At the end of an epoch it goes to the next one's start and
  /// returns false once.
  bool next();
  /// `size` rows, of which `used` are samples, the rest filling.
  const int64_t *rows() const { return current; }
  int64_t used() const { return usedRows; }
  /// 1 for samples, 0 for filling.
  void mask(float *to) const;

  /// Copies the batch's rows of a column to `to`, which holds `size` of them as
  /// `type`: float32, float16, bfloat16, float64, int32, int64, uint8 or bool.
  /// Refuses what loses more than digits: a fraction or what is out of range.
  bool gather(const Column &column, int32_t type, void *to,
              Message &message) const;

private:
  Indices indices;
  BatchOptions options;
  Storage storage;
  int64_t *order = nullptr, *current = nullptr;
  int64_t batchCount = 0, atBatch = 0, usedRows = 0;
  uint64_t atEpoch = 0, orderedEpoch = UINT64_MAX;
};

} // namespace burnish
