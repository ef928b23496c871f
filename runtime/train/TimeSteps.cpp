// TimeSteps.cpp - how long a step takes.
#include "program.h"
#include "runtime/train/Trainer.h"
#include "runtime/train/Weights.h"

using namespace burnish;

/// A run is one step on the first batch, again and again: where its samples
/// come from is no part of it.
int Trainer::bench(Message &message) {
  if (!prepare(message))
    return kBadInput;
  burnish_train_init(
      &training, engine.state(),
      static_cast<uint64_t>(valueOf(training, values, "seed", 42)));
  if (options.initial &&
      !loadWeights(training, engine.state(), options.initial, message))
    return kBadInput;
  if (!samples.batch(0, 0, engine.columns(), message))
    return kBadInput;
  Timed timed = {*training.step,
                 [](void *of) {
                   auto &it = *static_cast<Trainer *>(of);
                   return it.engine.step(it.values);
                 },
                 this, engine.pool()};
  if (int32_t status =
          burnish::bench(timed, options.benchNanoseconds, options.threads)) {
    message.set("step %lld: %s", static_cast<long long>(engine.steps() + 1),
                burnish_status_text(status));
    return kBadInput;
  }
  return kDone;
}
