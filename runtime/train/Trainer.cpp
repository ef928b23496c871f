// Trainer.cpp - a run of a training from its first step to its summary.
#include "runtime/train/Trainer.h"
#include "file.h"
#include "runtime/train/Interrupt.h"
#include "runtime/train/Weights.h"
#include <errno.h>
#include <initializer_list>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

using namespace burnish;

//===- what is watched ----------------------------------------------------===//

bool Watched::find(const char *text, const char *sense, const Metrics &metrics,
                   Message &message) {
  name = text;
  isMost = isSame(sense, "max");
  isTraining = strncmp(text, "train.", 6) == 0;
  const char *last = strrchr(text, '.');
  last = last ? last + 1 : text;
  if (isSame(last, "loss"))
    return true;
  for (int32_t i = 0; i < metrics.count(); ++i)
    if (isSame(metrics[i].name, last)) {
      metric = i;
      return true;
    }
  return message.set("'%s': the recipe has no metric '%s'", text, last);
}

double Watched::value(Metrics &train, Metrics *validation) const {
  Metrics *from = isTraining ? &train : validation;
  if (!from)
    return NAN;
  return metric < 0 ? from->loss() : from->value(metric);
}

//===- preparations -------------------------------------------------------===//

bool Trainer::prepareWatched(Message &message) {
  auto find = [&](const burnish_clause *clause, const char *text,
                  const char *sense, Watched &watched) {
    if (!watched.find(text, sense, trained, message))
      return false;
    return watched.isTraining || samples.validation().count > 0 ||
           message.set("%s '%s': the recipe splits nothing off for validation",
                       clause->clause, text);
  };
  if (const burnish_clause *clause = findClause(training, "stop")) {
    hasStop = true;
    if (!find(clause, clause->name,
              clause->word_count > 0 ? clause->words[0] : "min", stop))
      return false;
  }
  if (const burnish_clause *clause = findClause(training, "save");
      clause && clause->word_count >= 3) {
    hasBest = true;
    if (!find(clause, clause->words[1], clause->words[2], best))
      return false;
  }
  hasPlateau = findClause(training, "schedule", "plateau");
  if (hasPlateau && hasStop) {
    plateau = stop;
  } else if (hasPlateau) {
    plateau.name = samples.validation().count > 0 ? "val.loss" : "train.loss";
    plateau.isTraining = samples.validation().count == 0;
  }
  return true;
}

bool Trainer::prepare(Message &message) {
  int64_t count = training.value_count + 1;
  if (!valueBytes.allocate(8 * static_cast<uint64_t>(count)))
    return message.set("no memory");
  values = reinterpret_cast<double *>(valueBytes.data());
  memcpy(values, options.values, 8 * static_cast<size_t>(training.value_count));
  uint64_t seed = static_cast<uint64_t>(valueOf(training, values, "seed", 42));
  if (!trained.prepare(training, message) ||
      !validated.prepare(training, message) ||
      !samples.open(training, options.data, seed, message))
    return false;
  if (!samples.choose(options.fold > 0 ? options.fold - 1 : 0, message))
    return false;
  return engine.prepare(options.threads, trained, message);
}

/// Said before the first epoch and not after it.
static bool canWrite(const char *path, Message &message) {
  OutputFile file;
  return file.open(path, message, /*isOneName=*/true);
}

bool Trainer::begin(Message &message) {
  if (!prepareWatched(message))
    return false;
  if (options.checkpoint ? snprintf(checkpointName, sizeof checkpointName, "%s",
                                    options.checkpoint) >=
                               static_cast<int>(sizeof checkpointName)
                         : !nameBeside(checkpointName, sizeof checkpointName,
                                       options.output, ".checkpoint"))
    return message.set("%s: %s", options.output, strerror(ENAMETOOLONG));
  every =
      static_cast<int64_t>(valueOf(training, values, "checkpoint.every", 0));
  bool isThere = false;
  if (options.resumes) {
    if (!checkpoint->load(progress, engine.state(), isThere, message))
      return false;
    uint64_t seed = static_cast<const burnish_state *>(engine.state())->seed;
    if (isThere &&
        seed != static_cast<uint64_t>(valueOf(training, values, "seed", 42)))
      return message.set("%s: is of a run with seed %" PRIu64, checkpointName,
                         seed);
    if (isThere)
      memcpy(trained.totals(), checkpoint->doubles(),
             8 * static_cast<size_t>(trained.totalsCount()));
    else
      fprintf(stderr, "%s: %s: there is none yet, the run begins anew\n",
              options.program, checkpointName);
  }
  if (isThere) {
    if (!samples.choose(progress.fold, message))
      return false;
    if (int64_t count = samples.train().count; count != progress.samples)
      return message.set("%s: is of a run with %" PRId64
                         " samples to train with, and there are %" PRId64,
                         checkpointName, progress.samples, count);
  } else {
    progress = {};
    progress.fold = options.fold > 0 ? options.fold - 1 : 0;
    if (!beginFold(message))
      return false;
  }
  for (const char *output : {options.output, options.adapters}) {
    char name[4096];
    if (output && !outputName(output, name, sizeof name))
      return message.set("%.500s: %s", output, strerror(ENAMETOOLONG));
    if (output && !canWrite(name, message))
      return false;
  }
  if (!canWrite(checkpointName, message))
    return false;
  // Last, as it cuts a log of before.
  if (!log.open(options.log, isThere ? progress.logPosition : 0, message))
    return false;
  if (!isThere)
    samples.describe();
  return true;
}

/// First values of everything, and no progress.
bool Trainer::beginFold(Message &message) {
  int64_t fold = progress.fold;
  if (!samples.choose(fold, message))
    return false;
  progress = {};
  endsInEpoch = false;
  progress.fold = fold;
  progress.samples = samples.train().count;
  progress.best = best.name ? best.worst() : stop.worst();
  progress.plateauBest = plateau.worst();
  progress.plateauFactor = 1;
  trained.reset();
  burnish_train_init(
      &training, engine.state(),
      static_cast<uint64_t>(valueOf(training, values, "seed", 42)));
  return !options.initial ||
         loadWeights(training, engine.state(), options.initial, message);
}

//===- the run ------------------------------------------------------------===//

int Trainer::run(Message &message) {
  if (!prepare(message))
    return kBadInput;
  int64_t folds = samples.folds();
  Checkpoint kept(training, checkpointName,
                  trained.totalsCount() +
                      (folds > 0 ? folds * (1 + trained.count()) : 0));
  checkpoint = &kept;
  if (!kept.isValid()) {
    message.set("no memory for a checkpoint");
    return kBadInput;
  }
  catchInterrupts();
  if (!begin(message))
    return kBadInput;
  int64_t last = options.fold > 0 || folds == 0 ? progress.fold + 1 : folds;
  for (;;) {
    if (int status = runFold(message))
      return status;
    if (progress.fold + 1 >= last)
      break;
    ++progress.fold;
    if (!beginFold(message) || !save(message))
      return kBadInput;
  }
  if (folds > 0 && options.fold == 0)
    printFolds(trained, kept.doubles() + trained.totalsCount(), folds);
  return kDone;
}

int Trainer::runFold(Message &message) {
  batches = samples.batches();
  double epochs = valueOf(training, values, "epochs", 10),
         steps = valueOf(training, options.values, "steps", 0);
  if (steps > 0)
    length = static_cast<int64_t>(steps);
  else if (__builtin_mul_overflow(static_cast<int64_t>(epochs), batches,
                                  &length))
    length = INT64_MAX;
  if (int32_t place = placeOfValue(training, "steps"); place >= 0)
    values[place] = static_cast<double>(length);
  logEvery = steps > 0 && steps <= 1000 ? 1 : 50;
  startedAt = nanosecondsNow();
  ownSteps = 0;
  setRate();
  // A run that was at its end goes on when it is given more epochs.
  if (progress.stopped != NotBetter && engine.steps() < length)
    progress.stopped = GoesOn;
  while (progress.stopped == GoesOn)
    if (int status = runEpoch(message))
      return status;
  return finishFold(message);
}

int Trainer::runEpoch(Message &message) {
  epochStart = nanosecondsNow();
  while (progress.batch < batches && engine.steps() < length) {
    if (isInterrupted())
      return interrupted(message);
    if (!samples.batch(progress.epoch, progress.batch, engine.columns(),
                       message) ||
        !oneStep(message) || !afterStep(message))
      return kBadInput;
  }
  return endEpoch(message);
}

bool Trainer::oneStep(Message &message) {
  if (int32_t status = engine.step(values)) {
    int32_t source = samples.train().source;
    int64_t row =
        engine.refusedRow(samples, source, samples.lastRows(), values, status);
    const char *text = burnish_status_text(status);
    return row < 0
               ? message.set("step %" PRId64 ": %s", engine.steps() + 1, text)
               : message.set("step %" PRId64 ": %s: row %" PRId64 ": %s",
                             engine.steps() + 1, samples.file(source), row,
                             text);
  }
  if (!isfinite(engine.stepGave().loss()))
    return complainOfNaN(message);
  trained.add(
      engine.stepGave().batch(training.batch, trained, engine.columns()));
  ++progress.batch;
  ++ownSteps;
  return true;
}

bool Trainer::complainOfNaN(Message &message) {
  live.clear();
  int64_t step = engine.steps();
  double loss = static_cast<double>(engine.stepGave().loss());
  const char *layer = engine.traceLayer(values);
  bool isKept = access(checkpointName, F_OK) == 0;
  return message.set("step %" PRId64 ": the loss is %s%s%s%s%s%s", step,
                     isnan(loss) ? "not a number" : "infinite",
                     layer ? ", and the first layer with a value that is no "
                             "number is '"
                           : "",
                     layer ? layer : "", layer ? "'" : "",
                     isKept ? "; what was before is in " : "",
                     isKept ? checkpointName : "");
}

bool Trainer::afterStep(Message &message) {
  int64_t steps = engine.steps(), now = nanosecondsNow();
  double seconds = static_cast<double>(now - startedAt) * 1e-9,
         speed = seconds > 0 ? static_cast<double>(ownSteps) / seconds : 0,
         samplesPerSecond = speed * training.batch,
         loss = static_cast<double>(engine.stepGave().loss());
  if (steps % logEvery == 0 &&
      !log.step({foldShown(), progress.epoch + 1, steps, loss,
                 burnish_train_rate(&training, values, steps),
                 samplesPerSecond},
                message))
    return false;
  bool isWatched = hasStop || hasBest;
  const Watched &watched = hasBest ? best : stop;
  live.show({foldShown(), progress.epoch + 1, (length + batches - 1) / batches,
             steps, length, loss, samplesPerSecond,
             speed > 0 ? static_cast<double>(length - steps) / speed : 0,
             isWatched && progress.bestEpoch > 0 ? watched.name : nullptr,
             progress.best},
            now);
  return every == 0 || steps % every != 0 || save(message);
}

/// Of the schedule `plateau`, what it has made of the rate.
void Trainer::setRate() {
  if (int32_t place = placeOfValue(training, "lr"); hasPlateau && place >= 0)
    values[place] = options.values[place] * progress.plateauFactor;
}

int Trainer::endEpoch(Message &message) {
  // A run that ends in the midst of an epoch can go on from there: what is
  // made of its end is in no checkpoint.
  endsInEpoch = progress.batch < batches;
  if (endsInEpoch && !save(message))
    return kBadInput;
  bool hasValidation = samples.validation().count > 0, wasStopped = false;
  if (hasValidation &&
      !engine.evaluate(samples, samples.validation(), values, validated,
                       isInterrupted, wasStopped, message))
    return kBadInput;
  if (wasStopped)
    return interrupted(message);
  Metrics *validation = hasValidation ? &validated : nullptr;
  double seconds = static_cast<double>(nanosecondsNow() - epochStart) * 1e-9;
  bool isBest = false;
  judge(trained.loss(), validation, isBest);
  live.clear();
  showEpoch(seconds);
  if (!log.epoch(foldShown(), progress.epoch, engine.steps(),
                 burnish_train_rate(&training, values, engine.steps()), seconds,
                 trained, validation, message))
    return kBadInput;
  if (isBest && hasBest && !saveOutputs(message))
    return kBadInput;
  trained.reset();
  setRate();
  bool isDue = !endsInEpoch && (every == 0 || progress.stopped != GoesOn);
  return isDue && !save(message) ? kBadInput : kDone;
}

/// Moves the progress to the next epoch: the best, stopping, the rate.
void Trainer::judge(double train, Metrics *validation, bool &isBest) {
  ++progress.epoch;
  progress.batch = 0;
  progress.earlierTrainLoss = progress.trainLoss;
  progress.trainLoss = train;
  if (progress.epoch == 1)
    progress.firstTrainLoss = train;
  auto note = [&](const Watched &watched, double &least, int64_t &worse) {
    double value = watched.value(trained, validation);
    bool isBetter = watched.isBetter(value, least);
    least = isBetter ? value : least;
    worse = isBetter ? 0 : worse + 1;
    return isBetter;
  };
  // Going on from the midst of an epoch, a run may need the best of before.
  bool keepsBest = endsInEpoch && progress.bestEpoch > 0;
  if ((hasStop || hasBest) && !keepsBest) {
    isBest = note(hasBest ? best : stop, progress.best, progress.worse);
    if (isBest)
      progress.bestEpoch = progress.epoch;
  }
  if (hasPlateau) {
    note(plateau, progress.plateauBest, progress.plateauWorse);
    if (static_cast<double>(progress.plateauWorse) >
        valueOf(training, values, "lr.patience", 3)) {
      progress.plateauFactor *= valueOf(training, values, "lr.factor", 0.1);
      progress.plateauWorse = 0;
    }
  }
  double patience = valueOf(training, values, "stop.after", 0);
  if (engine.steps() >= length)
    progress.stopped = valueOf(training, options.values, "steps", 0) > 0
                           ? AllSteps
                           : AllEpochs;
  else if (hasStop && patience >= 1 &&
           static_cast<double>(progress.worse) >= patience)
    progress.stopped = NotBetter;
}

void Trainer::showEpoch(double seconds) {
  char time[32], name[96];
  printSeconds(time, sizeof time, seconds);
  snprintf(name, sizeof name, "epoch %" PRId64 ", step %" PRId64 ", %s: train",
           progress.epoch, engine.steps(), time);
  if (foldShown() > 0)
    printf("fold %" PRId64 ", ", foldShown());
  printMetrics(name, trained, samples.validation().count > 0 ? "; val" : "\n");
  if (samples.validation().count > 0)
    printMetrics("", validated, "\n");
  fflush(stdout);
}

//===- ends ---------------------------------------------------------------===//

bool Trainer::outputName(const char *output, char *to, size_t room) const {
  char ending[64] = "";
  if (foldShown() > 0)
    snprintf(ending, sizeof ending, ".fold%" PRId64 ".safetensors",
             foldShown());
  return foldShown() > 0
             ? nameBeside(to, room, output, ending)
             : snprintf(to, room, "%s", output) < static_cast<int>(room);
}

bool Trainer::saveOutputs(Message &message) {
  char name[4096];
  if (!outputName(options.output, name, sizeof name) ||
      !saveWeights(training, engine.state(), name, message))
    return false;
  return !options.adapters ||
         (outputName(options.adapters, name, sizeof name) &&
          saveFactors(training, engine.state(), name, message));
}

bool Trainer::save(Message &message) {
  progress.logPosition = log.position();
  memcpy(checkpoint->doubles(), trained.totals(),
         8 * static_cast<size_t>(trained.totalsCount()));
  // The log before what says how long it is.
  return log.sync(message) &&
         checkpoint->save(progress, engine.state(), message);
}

int Trainer::interrupted(Message &message) {
  live.clear();
  if (!endsInEpoch && !save(message))
    return kBadInput;
  message.set("interrupted after step %" PRId64 "; --resume goes on from %s",
              engine.steps(), checkpointName);
  return kInterrupted;
}

int Trainer::finishFold(Message &message) {
  // What the training has come to, with dropout and the like as in use.
  bool wasStopped = false, hasValidation = samples.validation().count > 0;
  Metrics now;
  if (!now.prepare(training, message) ||
      !engine.evaluate(samples, samples.train(), values, now, isInterrupted,
                       wasStopped, message))
    return kBadInput;
  if (!wasStopped && hasValidation &&
      !engine.evaluate(samples, samples.validation(), values, validated,
                       isInterrupted, wasStopped, message))
    return kBadInput;
  if (wasStopped)
    return interrupted(message);
  char name[4096];
  bool isKept = hasBest && progress.bestEpoch > 0;
  if (!outputName(options.output, name, sizeof name) ||
      (!isKept && !saveOutputs(message)))
    return kBadInput;
  if (foldShown() > 0)
    printf("fold %" PRId64 ": ", foldShown());
  printOutcome({progress, engine.steps(),
                hasBest   ? best.name
                : hasStop ? stop.name
                          : nullptr,
                valueOf(training, values, "stop.after", 0), now,
                hasValidation ? &validated : nullptr, isKept});
  // From here on by the weights that were saved.
  bool isOther = isKept && progress.bestEpoch != progress.epoch;
  bool isTested = samples.test().count > 0;
  Metrics &measured = foldShown() > 0 ? validated : now;
  if (isOther && (isTested || foldShown() > 0) &&
      !loadWeights(training, engine.state(), name, message))
    return kBadInput;
  if (isOther && foldShown() > 0 &&
      !engine.evaluate(samples, samples.validation(), values, validated,
                       isInterrupted, wasStopped, message))
    return kBadInput;
  if (isTested && !wasStopped) {
    if (!engine.evaluate(samples, samples.test(), values, now, isInterrupted,
                         wasStopped, message))
      return kBadInput;
    if (!wasStopped) {
      printMetrics("test", now, "\n");
      if (!log.test(foldShown(), now, message))
        return kBadInput;
    }
  }
  if (wasStopped) {
    message.set("interrupted after the last step; the weights are in %s", name);
    return kInterrupted;
  }
  if (foldShown() > 0) {
    double *results = checkpoint->doubles() + trained.totalsCount() +
                      progress.fold * (1 + trained.count());
    results[0] = measured.loss();
    for (int32_t i = 0; i < trained.count(); ++i)
      results[1 + i] = measured.value(i);
  }
  fflush(stdout);
  return kDone;
}
