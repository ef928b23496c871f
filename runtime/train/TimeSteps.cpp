// TimeSteps.cpp - how long a step takes.
#include "program.h"
#include "runtime/train/Trainer.h"
#include "runtime/train/Weights.h"

using namespace burnish;

namespace {
/// The first batches of an epoch, taken beforehand: where samples come from is
/// no part of a step, but what one finds in the caches is.
struct Rotation {
  static constexpr int64_t kMost = 16, kMostBytes = 256 << 20;
  Engine &engine;
  const double *values;
  Pages bytes;
  int64_t count = 0, next = 0;

  bool take(Samples &samples, Message &message) {
    int64_t size = engine.batchBytes(), wanted = samples.batches();
    wanted = wanted < kMost ? wanted : kMost;
    if (!bytes.allocate(static_cast<uint64_t>(size * wanted)))
      return message.set("no memory for %lld batches",
                         static_cast<long long>(wanted));
    for (; count < wanted && (count == 0 || size * count < kMostBytes);
         ++count) {
      engine.useBatch(bytes.data() + count * size);
      if (!samples.batch(0, count, engine.columns(), message))
        return false;
    }
    return true;
  }
  int32_t step() {
    engine.useBatch(bytes.data() + next * engine.batchBytes());
    next = next + 1 < count ? next + 1 : 0;
    return engine.step(values);
  }
};
} // namespace

/// A run is one step, on one batch after the other.
int Trainer::bench(Message &message) {
  if (!prepare(message))
    return kBadInput;
  burnish_train_init(
      &training, engine.state(),
      static_cast<uint64_t>(valueOf(training, values, "seed", 42)));
  if (options.initial &&
      !loadWeights(training, engine.state(), options.initial, message))
    return kBadInput;
  Rotation rotation = {engine, values, {}};
  if (!rotation.take(samples, message))
    return kBadInput;
  Timed timed = {*training.step,
                 [](void *of) { return static_cast<Rotation *>(of)->step(); },
                 &rotation, engine.pool()};
  if (int32_t status =
          burnish::bench(timed, options.benchNanoseconds, options.threads)) {
    message.set("step %lld: %s", static_cast<long long>(engine.steps() + 1),
                burnish_status_text(status));
    return kBadInput;
  }
  return kDone;
}
