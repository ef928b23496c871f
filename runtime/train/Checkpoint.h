// Checkpoint.h - all that a run needs to go on after it was cut off.
#pragma once
#include "memory.h"
#include "message.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// Where a run is, beside its state.
struct Progress {
  /// From 0: the fold, the epoch, and batches of it that are done.
  int64_t fold, epoch, batch;
  int64_t logPosition;
  /// The best value of what is watched, the epoch it was in (from 1, 0: none
  /// yet) and the epochs since then.
  double best;
  int64_t bestEpoch, worse;
  /// Of the schedule `plateau`: the best, the epochs since then, and what the
  /// rate is multiplied by.
  double plateauBest, plateauFactor;
  int64_t plateauWorse;
  /// Losses of training in the last two epochs and the first.
  double trainLoss, earlierTrainLoss, firstTrainLoss;
  /// How many samples there are to train with.
  int64_t samples;
  /// The run of this fold is at its end (a StopReason), and only what follows
  /// is left.
  int64_t stopped;
};

/// A file with: a header, the progress, some doubles, and the bytes of
/// burnish_train_save.
class Checkpoint {
public:
  /// `doubles` are more of the run's sums.
  Checkpoint(const burnish_training &training, const char *path,
             int64_t doubles);

  bool isValid() const { return buffer.data(); }
  const char *path() const { return name; }
  double *doubles() const;
  /// Writes beside, and puts the new file in the place of the old one once it
  /// is whole on the disk.
  bool save(const Progress &progress, const void *state, Message &message);
  /// False with a message; or true, and `isThere` tells whether there was one.
  bool load(Progress &progress, void *state, bool &isThere, Message &message);

private:
  const burnish_training &training;
  const char *name;
  int64_t count;
  Pages buffer;
};

} // namespace burnish
