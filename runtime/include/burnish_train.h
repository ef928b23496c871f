/* burnish_train.h - a training that Burnish compiled, in C.
 *
 *     burnish net.nn --train -c        (writes lenet.o and lenet.h)
 *     cc main.c lenet.o libburnish.a -lm
 *
 *     #include "lenet.h"
 *
 *     static _Alignas(64) char state[LENET_STATE_BYTES];
 *     static _Alignas(64) char workspace[LENET_WORKSPACE_BYTES];
 *
 *     lenet_init(state, 42);
 *     while (next(images, labels)) {
 *       float loss;
 *       if (lenet_step(NULL, state, images, labels, &loss, workspace) != BURNISH_OK)
 *         ...
 *     }
 *
 * Everything that changes while a network is trained lies in its state: params,
 * statistics of layers, moments of the optimiser, and how often it was updated.
 * The state is a buffer of the caller's, aligned to 64, and has no pointers: a
 * copy of its bytes is a checkpoint for the same object. The rules of burnish.h
 * hold, except that a step changes the state in place. Nothing here takes
 * memory.
 */
#ifndef BURNISH_TRAIN_H
#define BURNISH_TRAIN_H

#include "burnish.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a slot of the state is for. */
typedef enum burnish_slot_kind {
  /* A weight of the network. */
  BURNISH_PARAM = 0,
  /* What a layer keeps: a running mean or variance. */
  BURNISH_STATISTIC = 1,
  /* Of the optimiser, for the param `of`. */
  BURNISH_MOMENT = 2,
  /* The moving average of the param `of`, which is used in its place when the
   * network is evaluated or saved. */
  BURNISH_AVERAGE = 3,
  /* Two matrices whose product, times `scale`, is added to the matrix `of`
   * wherever that is used: what is trained in its place. */
  BURNISH_LEFT_FACTOR = 4,
  BURNISH_RIGHT_FACTOR = 5
} burnish_slot_kind;

/* How the first values of a slot are drawn from a seed and the slot's path. */
typedef enum burnish_distribution {
  /* All are `a`. */
  BURNISH_CONSTANT = 0,
  /* In [a, b). */
  BURNISH_UNIFORM = 1,
  /* Normal, of mean `a` and deviation `b`. */
  BURNISH_NORMAL = 2,
  /* A matrix with orthogonal rows or columns, times `a`. */
  BURNISH_ORTHOGONAL = 3,
  /* The identity matrix. */
  BURNISH_IDENTITY = 4,
  /* The bytes at `data`. */
  BURNISH_STORED = 5,
  /* The first values of the param `of`. */
  BURNISH_COPIED = 6
} burnish_distribution;

/* One tensor of the state. */
typedef struct burnish_slot {
  /* "lenet.c1.w"; moments are "lenet.c1.w.moment1", averages "...average",
   * factors "...lora_a" and "...lora_b". */
  const char *path;
  const int64_t *dims;
  int32_t rank;
  int32_t type;         /* a burnish_type */
  int32_t kind;         /* a burnish_slot_kind */
  int32_t of;           /* the place of a param among the slots, or -1 */
  int32_t is_frozen;    /* of a param: it is not trained */
  int32_t distribution; /* a burnish_distribution */
  double a, b;
  const void *data;
  int64_t offset; /* from the beginning of the state, a multiple of 64 */
  int64_t bytes;
  double scale; /* of a factor */
} burnish_slot;

/* A number of the recipe. Those with a place are handed to each step in the
 * tensor `recipe`; the others are the loop's. */
typedef struct burnish_value {
  const char *name; /* "lr", "lr.warmup", "decay", "clip", "epochs", ... */
  double value;
  int32_t place; /* in `recipe`, or -1; lr has place 0 */
  int32_t reserved;
} burnish_value;

/* A part of the recipe that is no number of its own, as it was written and
 * checked: {"data", "idx", {"train-images", "train-labels"}}, {"split", "train",
 * {}, {0.9}}, {"split", "stratified", {"label"}}, {"metric", "top", {}, {5}}. */
typedef struct burnish_clause {
  const char *clause;
  const char *name;
  const char *const *words;
  const double *numbers;
  int32_t word_count;
  int32_t number_count;
} burnish_clause;

/* What a step is given of the data: one tensor whose first dim is the batch. */
typedef struct burnish_column {
  const char *name;
  const int64_t *dims; /* of one sample */
  int32_t rank;
  int32_t type;    /* a burnish_type */
  int32_t classes; /* numbers from 0 to classes - 1 are wanted; 0: any value */
  int32_t limit;   /* the same of what names rows of a table, as words do */
} burnish_column;

/* A compiled training. Its models have as inputs the columns, then `recipe`
 * (f64 [number of values with a place]), `step` (i64: 1 in the first update),
 * `key` (i64: another in each step, for what is drawn), and the slots that
 * they use, all under these names. Their outputs are `loss` (f32), in programs the values
 * of metrics that are expressions, `scores` (what the network gave, if it is one
 * tensor of floats, else absent), and the slots that they update. Models of
 * evaluation use averages under the params' names where there are any. */
typedef struct burnish_training {
  const char *name;
  const burnish_model *step;
  /* For `batch` samples, and for one. */
  const burnish_model *eval;
  const burnish_model *eval_one;
  /* Forward as in training; output i is 1 where what layer i gave has a NaN or
   * an infinity: `layers` (u8 [number of layers]). */
  const burnish_model *trace;
  const char *const *layers;
  const burnish_slot *slots;
  const burnish_column *columns;
  const burnish_value *values;
  const burnish_clause *clauses;
  int64_t state_bytes;
  int32_t layer_count;
  int32_t slot_count;
  int32_t column_count;
  int32_t value_count;
  int32_t clause_count;
  int32_t batch;
  /* Forward alone, for those columns that are inputs of the network; NULL in
   * programs. */
  const burnish_model *predict;
} burnish_training;

/* At the beginning of each state. */
typedef struct burnish_state {
  int64_t steps; /* updates that are done */
  uint64_t seed; /* of the first values, and of all that is drawn */
  int64_t reserved[6];
} burnish_state;

/* Writes the first values of everything. */
BURNISH_API void burnish_train_init(const burnish_training *training,
                                    void *state, uint64_t seed);

/* One update from `batch` samples: one pointer a column, in order. `values` has
 * one number for each of the training's values, or is NULL for the recipe's own.
 * `loss` may be NULL. Bytes needed at `workspace`: burnish_workspace_size of the
 * step's model. */
BURNISH_API int32_t burnish_train_step(const burnish_training *training,
                                       const burnish_context *context,
                                       void *state, const void *const *columns,
                                       const double *values, float *loss,
                                       void *workspace);

/* The loss of `batch` samples without an update. */
BURNISH_API int32_t burnish_train_eval(const burnish_training *training,
                                       const burnish_context *context,
                                       const void *state,
                                       const void *const *columns, float *loss,
                                       void *workspace);

/* What the network gives for `batch` samples: one pointer for each input and
 * output of the training's `predict`, whose inputs are columns, then what the
 * state holds. BURNISH_BAD_ARGUMENT where there is none. */
BURNISH_API int32_t burnish_train_predict(const burnish_training *training,
                                          const burnish_context *context,
                                          const void *state,
                                          const void *const *inputs,
                                          void *const *outputs,
                                          void *workspace);

/* The state as bytes that another run can check: a header with sizes, a checksum
 * and what the training is, then the state. `save` writes
 * burnish_train_saved_bytes; `load` refuses (BURNISH_BAD_VALUE) what is damaged or of
 * another training, and changes nothing then. */
BURNISH_API int64_t
burnish_train_saved_bytes(const burnish_training *training);
BURNISH_API void burnish_train_save(const burnish_training *training,
                                    const void *state, void *buffer);
BURNISH_API int32_t burnish_train_load(const burnish_training *training,
                                       void *state, const void *buffer,
                                       int64_t bytes);

/* The learning rate of update `step` (1 is the first) by the recipe's schedule;
 * `values` as above. Plateau, which needs a metric, stays at its present
 * value. */
BURNISH_API double burnish_train_rate(const burnish_training *training,
                                      const double *values, int64_t step);

#ifdef __cplusplus
}
#endif

#endif
