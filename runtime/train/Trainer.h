// Trainer.h - a run of a training from its first step to its summary.
#pragma once
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Evaluate.h"
#include "runtime/train/Live.h"
#include "runtime/train/Log.h"
#include "runtime/train/Options.h"
#include "runtime/train/Summary.h"

namespace burnish {

/// A metric by which runs are compared: of training or validation, the loss or
/// a clause.
struct Watched {
  const char *name = nullptr;
  bool isTraining = false, isMost = false;
  /// -1: the loss.
  int32_t metric = -1;

  bool find(const char *text, const char *sense, const Metrics &metrics,
            Message &message);
  double value(Metrics &train, Metrics *validation) const;
  /// Not a number is never better.
  bool isBetter(double value, double than) const {
    return isMost ? value > than : value < than;
  }
  double worst() const { return isMost ? -__builtin_inf() : __builtin_inf(); }
};

class Trainer {
public:
  Trainer(const burnish_training &training, const TrainOptions &options)
      : training(training), options(options), engine(training) {}

  /// Returns what the program exits with; `message` says why that is not 0.
  int run(Message &message);
  int bench(Message &message);

  enum Exit { kDone = 0, kBadInput = 1, kInterrupted = 130 };

private:
  bool prepare(Message &message);
  bool prepareWatched(Message &message);
  bool begin(Message &message);
  bool beginFold(Message &message);
  int runFold(Message &message);
  int runEpoch(Message &message);
  int endEpoch(Message &message);
  int finishFold(Message &message);
  bool oneStep(Message &message);
  bool afterStep(Message &message);
  bool complainOfNaN(Message &message);
  void judge(double train, Metrics *validation, bool &isBest);
  bool save(Message &message);
  int interrupted(Message &message);
  bool outputName(const char *output, char *to, size_t room) const;
  bool saveOutputs(Message &message);
  void setRate();
  void showEpoch(double seconds);
  int64_t foldShown() const {
    return samples.folds() > 0 ? progress.fold + 1 : 0;
  }

  const burnish_training &training;
  const TrainOptions &options;
  Engine engine;
  Samples samples;
  Metrics trained, validated;
  Log log;
  Live live;
  Progress progress = {};
  Checkpoint *checkpoint = nullptr;
  char checkpointName[4096];
  Watched stop, best, plateau;
  bool hasStop = false, hasBest = false, hasPlateau = false, isTimed = false;
  /// The recipe's values as steps get them.
  Pages valueBytes;
  double *values = nullptr;
  /// Batches an epoch, updates of the whole run.
  int64_t batches = 0, length = 0, every = 0, logEvery = 1;
  int64_t started = 0, startedAt = 0, epochStart = 0, ownSteps = 0;
  /// The run has ended with batches of an epoch left: the checkpoint is of
  /// before that end.
  bool endsInEpoch = false;
};

} // namespace burnish
