// Recipe.h - finds what a training says of itself. Takes no memory.
#pragma once
#include "burnish_train.h"
#include <stddef.h>

namespace burnish {

bool isSame(const char *a, const char *b);

/// The place of a value among those of the training, or -1.
int32_t placeOfValue(const burnish_training &training, const char *name);
/// The value of that name out of `values`, or the recipe's own where they are
/// null; `otherwise` where there is none of that name.
double valueOf(const burnish_training &training, const double *values,
               const char *name, double otherwise);
/// The first clause of that kind after `last`, or null.
const burnish_clause *findClause(const burnish_training &training,
                                 const char *clause, const char *name = nullptr,
                                 const burnish_clause *last = nullptr);

/// The tensors of one call of a model beside those of the state. Those that are
/// null are left out where the model has them not.
struct Operands {
  /// One pointer a column, in order.
  const void *const *columns;
  const double *values;
  /// Place `i` is where output `i` of the model goes, and null says that nobody
  /// wants it; itself null, nobody wants any.
  void *const *outputs = nullptr;
  float *loss = nullptr;
};

/// Calls a model of the training; `updates` says that the state is written to,
/// else averages stand for params.
int32_t runTraining(const burnish_training &training,
                    const burnish_model &model, const burnish_context *context,
                    void *state, const Operands &operands, bool updates,
                    void *workspace);

/// A number that tells trainings of different states, columns or recipes
/// apart.
uint64_t fingerprint(const burnish_training &training);
/// A checksum of 64 bits; it finds each change of up to 64 neighbouring bits.
uint64_t checksum(const void *bytes, int64_t count);

} // namespace burnish
