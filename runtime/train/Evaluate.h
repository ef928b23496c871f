// Evaluate.h - calls the models of a training on batches of its data.
#pragma once
#include "memory.h"
#include "runtime/train/Metrics.h"
#include "runtime/train/Samples.h"

namespace burnish {

/// Room for what one model of a training gives beside slots: the loss, the
/// values of metrics, scores.
class Given {
public:
  /// `updates`: outputs under the names of slots go to the state.
  bool prepare(const burnish_training &training, const burnish_model &model,
               const Metrics &metrics, bool updates);

  void *const *outputs() const { return places.data() ? places.at() : nullptr; }
  float loss() const { return *lossAt; }
  /// What `metrics` sums up of a call; `columns` are what it was given.
  Metrics::Batch batch(int64_t samples, const Metrics &metrics,
                       void *const *columns) const;
  const void *output(const char *name) const;

private:
  struct Pointers {
    Pages pages;
    bool allocate(int64_t count) {
      return pages.allocate(8 * static_cast<uint64_t>(count + 1));
    }
    void **at() const { return reinterpret_cast<void **>(pages.data()); }
    const void *data() const { return pages.data(); }
  };

  const burnish_model *model = nullptr;
  Pointers places, expressions;
  Pages room;
  float *lossAt = nullptr;
  const void *scores = nullptr;
  int32_t scoresType = 0;
};

/// State, workspace, threads and buffers of a run, and the calls it makes.
class Engine {
public:
  explicit Engine(const burnish_training &training) : training(training) {}
  ~Engine() { burnish_pool_destroy(context); }
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  bool prepare(int32_t threads, const Metrics &metrics, Message &message);

  void *state() const { return stateBytes.data(); }
  int64_t steps() const {
    return static_cast<const burnish_state *>(state())->steps;
  }
  void *const *columns() const { return columnPlaces; }
  /// From now on the columns of a batch lie there; at first they have memory of
  /// their own.
  int64_t batchBytes() const {
    return static_cast<int64_t>(columnBytes.size());
  }
  void useBatch(uint8_t *bytes) {
    for (int32_t i = 0; i < training.column_count; ++i)
      columnPlaces[i] = bytes + columnOffsets[i];
  }
  const burnish_context *pool() const { return context; }
  const Given &stepGave() const { return given[0]; }

  /// One update from the columns; a burnish_status.
  int32_t step(const double *values);
  /// Loss and metrics of a part. `isStopped` is asked between batches, and
  /// `wasStopped` says that it cut the evaluation off.
  bool evaluate(Samples &samples, Part &part, const double *values,
                Metrics &metrics, bool (*isStopped)(), bool &wasStopped,
                Message &message);
  /// The first of some rows that the network alone refuses with that status, or
  /// -1. It takes the place of the batch.
  int64_t refusedRow(Samples &samples, int32_t source, const Indices &rows,
                     const double *values, int32_t status);
  /// The first layer whose values are no numbers, in the step that was just
  /// refused; null where none is.
  const char *traceLayer(const double *values);

private:
  const burnish_training &training;
  burnish_context *context = nullptr;
  Pages stateBytes, workspace, columnBytes;
  void *columnPlaces[256];
  uint64_t columnOffsets[256];
  /// Of step, eval and eval_one.
  Given given[3];
};

} // namespace burnish
