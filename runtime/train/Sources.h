// Sources.h - what the clauses of a recipe say of data, as sources of a data
// set.
#pragma once
#include "runtime/train/Dataset.h"
#include "runtime/train/Recipe.h"

namespace burnish {

/// Adds the columns of a clause {"data", KIND, ...}, or of {"split", PART,
/// {KIND, ...}}, whose columns are those of the recipe's first `data`. Files
/// are in `folder`; texts live in `texts`.
bool addClause(const burnish_training &training, const burnish_clause &clause,
               const char *folder, Storage &texts, Dataset &dataset,
               Message &message);

/// The columns of the training, in its order, out of a data set: with the
/// elements that it wants, and labels that are in range. Null for `weight`.
bool findColumns(const burnish_training &training, const Dataset &dataset,
                 bool hasWeights, const Column **columns, Message &message);

} // namespace burnish
