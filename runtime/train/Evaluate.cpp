// Evaluate.cpp - calls the models of a training on batches of its data.
#include "runtime/train/Evaluate.h"
#include "tensor.h"
#include <inttypes.h>
#include <stdio.h>

using namespace burnish;

//===- what a model gives -------------------------------------------------===//

static bool isSlot(const burnish_training &training, const char *name) {
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (isSame(training.slots[i].path, name))
      return true;
  return false;
}

bool Given::prepare(const burnish_training &training, const burnish_model &from,
                    const Metrics &metrics, bool updates) {
  model = &from;
  if (!places.allocate(from.output_count) ||
      !expressions.allocate(metrics.count()))
    return false;
  uint64_t total = 0;
  for (int pass = 0; pass < 2; ++pass) {
    uint64_t offset = 64;
    for (int32_t i = 0; i < from.output_count; ++i) {
      const burnish_info &info = from.outputs[i];
      if (updates && isSlot(training, info.name))
        continue;
      int64_t count = elementCount(info.dims, info.rank);
      if (count < 0)
        return false;
      places.at()[i] = room.data() + offset;
      offset +=
          (static_cast<uint64_t>(count * burnish_type_size(info.type)) + 63) /
          64 * 64;
    }
    total = offset;
    if (pass == 0 && !room.allocate(total))
      return false;
  }
  lossAt = reinterpret_cast<float *>(room.data());
  for (int32_t i = 0; i < from.output_count; ++i) {
    const char *name = from.outputs[i].name;
    if (isSame(name, "loss"))
      lossAt = static_cast<float *>(places.at()[i]);
    if (isSame(name, "scores") && metrics.needsScores()) {
      scores = places.at()[i];
      scoresType = from.outputs[i].type;
    }
    char prefixed[64];
    for (int32_t k = 0; k < metrics.count(); ++k) {
      snprintf(prefixed, sizeof prefixed, "metric.%s", metrics[k].name);
      if (metrics[k].kind == Metric::Expression &&
          (isSame(name, prefixed) || isSame(name, metrics[k].name)))
        expressions.at()[k] = places.at()[i];
    }
  }
  return true;
}

Metrics::Batch Given::batch(int64_t samples, const Metrics &metrics,
                            void *const *columns) const {
  return {samples,
          loss(),
          reinterpret_cast<const float *const *>(expressions.at()),
          scores,
          metrics.labels() < 0 ? nullptr : columns[metrics.labels()],
          scoresType};
}

const void *Given::output(const char *name) const {
  int32_t index = findOutput(*model, name);
  return index < 0 ? nullptr : places.at()[index];
}

//===- calls --------------------------------------------------------------===//

bool Engine::prepare(int32_t threads, const Metrics &metrics,
                     Message &message) {
  const burnish_model *models[] = {training.step, training.eval,
                                   training.eval_one};
  int64_t most = 64;
  for (const burnish_model *model : models)
    most = model->workspace_bytes > most ? model->workspace_bytes : most;
  if (training.column_count >
      static_cast<int32_t>(sizeof columnPlaces / sizeof *columnPlaces))
    return message.set("%d columns are too many", training.column_count);
  context = burnish_pool_create(threads);
  if (!context || !workspace.allocate(static_cast<uint64_t>(most)))
    return message.set("no memory for a workspace of %" PRId64 " bytes", most);
  if (!stateBytes.allocate(static_cast<uint64_t>(training.state_bytes)))
    return message.set("no memory for a state of %" PRId64 " bytes",
                       training.state_bytes);
  uint64_t total = 0;
  for (int pass = 0; pass < 2; ++pass) {
    total = 0;
    for (int32_t i = 0; i < training.column_count; ++i) {
      const burnish_column &column = training.columns[i];
      int64_t count = elementCount(column.dims, column.rank);
      if (count < 0 || !multiplySize(count, training.batch) ||
          !multiplySize(count, burnish_type_size(column.type)))
        return message.set("column '%s' is too large", column.name);
      columnPlaces[i] = columnBytes.data() + total;
      columnOffsets[i] = total;
      total += (static_cast<uint64_t>(count) + 63) / 64 * 64 + 64;
    }
    if (pass == 0 && !columnBytes.allocate(total))
      return message.set("no memory for a batch");
  }
  for (int i = 0; i < 3; ++i)
    if (!given[i].prepare(training, *models[i], metrics, i == 0))
      return message.set("no memory for what the network gives");
  return true;
}

int32_t Engine::step(const double *values) {
  Operands operands = {
      .columns = columnPlaces, .values = values, .outputs = given[0].outputs()};
  return runTraining(training, *training.step, context, state(), operands,
                     /*updates=*/true, workspace.data());
}

bool Engine::evaluate(Samples &samples, Part &part, const double *values,
                      Metrics &metrics, bool (*isStopped)(), bool &wasStopped,
                      Message &message) {
  metrics.reset();
  wasStopped = false;
  if (!metrics.reserve(part.count))
    return message.set("no memory for the scores of %" PRId64 " samples",
                       part.count);
  for (int64_t from = 0; from < part.count;) {
    if (isStopped()) {
      wasStopped = true;
      return true;
    }
    bool isWhole = part.count - from >= training.batch;
    int64_t count = isWhole ? training.batch : 1;
    const Given &gave = given[isWhole ? 1 : 2];
    if (!samples.rows(part, from, count, columnPlaces, message))
      return false;
    Operands operands = {
        .columns = columnPlaces, .values = values, .outputs = gave.outputs()};
    int32_t status = runTraining(
        training, isWhole ? *training.eval : *training.eval_one, context,
        state(), operands, /*updates=*/false, workspace.data());
    if (status != BURNISH_OK) {
      int64_t row = refusedRow(samples, part.source,
                               {part.rows.rows + from, count}, values, status);
      return message.set("%s: row %" PRId64 ": %s", samples.file(part.source),
                         row < 0 ? part.rows[from] : row,
                         burnish_status_text(status));
    }
    metrics.add(gave.batch(count, metrics, columnPlaces));
    from += count;
  }
  return true;
}

int64_t Engine::refusedRow(Samples &samples, int32_t source,
                           const Indices &rows, const double *values,
                           int32_t status) {
  Message message;
  for (int64_t i = 0; i < rows.count; ++i) {
    if (!samples.rowAlone(source, rows[i], columnPlaces, message))
      return -1;
    Operands operands = {.columns = columnPlaces,
                         .values = values,
                         .outputs = given[2].outputs()};
    if (runTraining(training, *training.eval_one, context, state(), operands,
                    /*updates=*/false, workspace.data()) == status)
      return rows[i];
  }
  return -1;
}

const char *Engine::traceLayer(const double *values) {
  const burnish_model *trace = training.trace;
  if (!trace)
    return nullptr;
  // The same step again: what it draws depends on its number.
  static_cast<burnish_state *>(state())->steps -= 1;
  Metrics none;
  Given flags;
  Pages room;
  uint64_t bytes = static_cast<uint64_t>(trace->workspace_bytes);
  if (!flags.prepare(training, *trace, none, false) || !room.allocate(bytes))
    return nullptr;
  Operands operands = {
      .columns = columnPlaces, .values = values, .outputs = flags.outputs()};
  // Params themselves, not their averages.
  if (runTraining(training, *trace, context, state(), operands,
                  /*updates=*/true, room.data()) == BURNISH_OK)
    static_cast<burnish_state *>(state())->steps -= 1;
  const void *layers = flags.output("layers");
  for (int32_t i = 0; layers && i < training.layer_count; ++i)
    if (static_cast<const uint8_t *>(layers)[i])
      return training.layers[i];
  return nullptr;
}
