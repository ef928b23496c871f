// Split.cpp - who trains, who validates and who tests.
#include "Split.h"
#include "Random.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

// Streams of a seed, so that a split, the orders of epochs (from 0 on) and
// oversampling have nothing in common.
static constexpr uint64_t kSplitStream = 1ull << 62,
                          kOversampleStream = (1ull << 62) + (1ull << 61);

bool Split::arrange(int64_t rows, const Column *label, uint64_t seed,
                    Message &message) {
  train = val = test = {};
  rowCount = rows;
  classes = 1;
  if (label && label->rows != rows)
    return message.set("%s: column '%.100s': has %" PRId64
                       " labels for %" PRId64 " rows",
                       label->file, label->name, label->rows, rows);
  if (label && (classes = countClasses(*label, message)) < 0)
    return false;
  auto take = [&](int64_t count) {
    return static_cast<int64_t *>(
        storage.take(static_cast<uint64_t>(count) * sizeof(int64_t)));
  };
  order = take(rows), rest = take(rows), starts = take(classes + 1);
  if (!order || !rest || !starts)
    return message.set("no memory to split %" PRId64 " rows", rows);
  for (int64_t row = 0; row < rows; ++row)
    ++starts[(label ? labelAt(*label, row) : 0) + 1];
  for (int64_t i = 0; i < classes; ++i) {
    if (label && starts[i + 1] == 0)
      return label->classes
                 ? message.set("%s: column '%.100s': class %" PRId64
                               " ('%.60s') has no samples",
                               label->file, label->name, i, label->classes[i])
                 : message.set("%s: column '%.100s': class %" PRId64
                               " of %" PRId64 " has no samples",
                               label->file, label->name, i, classes);
    starts[i + 1] += starts[i];
  }
  Array<int64_t> next(classes);
  if (!next.isValid())
    return message.set("no memory to split %" PRId64 " rows", rows);
  memcpy(next.data(), starts, static_cast<size_t>(classes) * sizeof(int64_t));
  for (int64_t row = 0; row < rows; ++row)
    order[next[label ? labelAt(*label, row) : 0]++] = row;
  for (int64_t i = 0; i < classes; ++i)
    shuffle(order + starts[i], starts[i + 1] - starts[i], seed,
            kSplitStream + static_cast<uint64_t>(i));
  return true;
}

/// Rows in increasing order: a part does not tell how it was chosen, and reads
/// of a file go forward.
static int byNumber(const void *left, const void *right) {
  int64_t a = *static_cast<const int64_t *>(left),
          b = *static_cast<const int64_t *>(right);
  return a < b ? -1 : a > b;
}
static void sort(int64_t *rows, int64_t count) {
  qsort(rows, static_cast<size_t>(count), sizeof(int64_t), byNumber);
}

bool Split::fractions(const char *file, int64_t rows, double trainPart,
                      double valPart, double testPart, const Column *label,
                      uint64_t seed, Message &message) {
  double parts[] = {trainPart, valPart, testPart};
  static constexpr const char *kNames[] = {"train", "val", "test"};
  double sum = trainPart + valPart + testPart;
  // Sums as 0.7 + 0.2 + 0.1 miss 1 by a little.
  if (!(trainPart > 0 && valPart >= 0 && testPart >= 0 && sum <= 1 + 1e-9))
    return message.set("fractions of train %g, val %g and test %g: train must "
                       "be positive, none negative, and their sum at most 1",
                       trainPart, valPart, testPart);
  if (!arrange(rows, label, seed, message))
    return false;
  // Places in `order` count on over the classes, and a part takes of each class
  // what it has between two rounded bounds: the sum of the first is right, and
  // each class is right to within one. Rounding may put a bound before the one
  // of the last part: then there is nothing between them.
  Array<int64_t> taken(classes);
  if (!taken.isValid())
    return message.set("no memory to split %" PRId64 " rows", rows);
  int64_t counts[3] = {}, *to = rest;
  Indices *indices[] = {&train, &val, &test};
  double low = 0;
  for (int part = 0; part < 3; low += parts[part++]) {
    int64_t *begin = to;
    for (int64_t i = 0; i < classes; ++i) {
      // Of the whole at this bound; then within the class.
      auto bound = [&](double fraction) {
        auto at = [&](int64_t place) {
          double exact = fraction > 1 ? static_cast<double>(place)
                                      : fraction * static_cast<double>(place);
          return static_cast<int64_t>(exact + 0.5 - 1e-9);
        };
        return at(starts[i + 1]) - at(starts[i]);
      };
      int64_t first = taken[i], last = bound(low + parts[part]);
      for (int64_t k = first; k < last; ++k)
        *to++ = order[starts[i] + k];
      taken[i] = last > first ? last : first;
      if (part == 0 && last == 0)
        return message.set("%s: class %" PRId64 " with %" PRId64
                           " samples: train with %g of %" PRId64
                           " rows gets none of them",
                           file, i, starts[i + 1] - starts[i], trainPart, rows);
    }
    counts[part] = to - begin;
    if (parts[part] > 0 && counts[part] == 0)
      return message.set("%s: %s: %g of %" PRId64 " rows are no row", file,
                         kNames[part], parts[part], rows);
    sort(begin, counts[part]);
    *indices[part] = {begin, counts[part]};
  }
  return true;
}

bool Split::folds(const char *file, int64_t rows, int64_t count,
                  const Column *label, uint64_t seed, Message &message) {
  if (count < 2)
    return message.set("%" PRId64 " folds: at least 2 are needed", count);
  if (rows < count)
    return message.set("%s: %" PRId64 " folds: there are %" PRId64 " rows only",
                       file, count, rows);
  if (!arrange(rows, label, seed, message))
    return false;
  for (int64_t i = 0; label && i < classes; ++i)
    if (int64_t samples = starts[i + 1] - starts[i]; samples < count)
      return message.set("%s: %" PRId64 " folds: class %" PRId64 " has %" PRId64
                         " samples only",
                         file, count, i, samples);
  foldCount = count;
  fold(0);
  return true;
}

void Split::fold(int64_t index) {
  // Dealt out like cards, on and on over the classes.
  int64_t held = 0, last = rowCount;
  for (int64_t place = 0; place < rowCount; ++place)
    if (place % foldCount == index)
      rest[held++] = order[place];
    else
      rest[--last] = order[place];
  sort(rest, held);
  sort(rest + held, rowCount - held);
  val = {rest, held};
  train = {rest + held, rowCount - held};
  test = {};
}

//===- classes ---===//

void burnish::countLabels(const Column &label, const Indices &indices,
                          int64_t *counts, int64_t classes) {
  memset(counts, 0, static_cast<size_t>(classes) * sizeof(int64_t));
  for (int64_t i = 0; i < indices.count; ++i)
    if (int64_t number = labelAt(label, indices[i]);
        number >= 0 && number < classes)
      ++counts[number];
}

static bool countAll(const Column &label, const Indices &indices,
                     int64_t *counts, int64_t classes, Message &message) {
  if (!checkLabels(label, classes, message))
    return false;
  countLabels(label, indices, counts, classes);
  for (int64_t i = 0; i < classes; ++i)
    if (counts[i] == 0)
      return message.set("%s: column '%.100s': class %" PRId64 " of %" PRId64
                         " has none of the %" PRId64 " samples to balance",
                         label.file, label.name, i, classes, indices.count);
  return true;
}

bool burnish::classWeights(const Column &label, const Indices &indices,
                           float *weights, int64_t classes, Message &message) {
  Array<int64_t> counts(classes);
  if (!counts.isValid())
    return message.set("no memory to count %" PRId64 " classes", classes);
  if (!countAll(label, indices, counts.data(), classes, message))
    return false;
  for (int64_t i = 0; i < classes; ++i)
    weights[i] = static_cast<float>(
        static_cast<double>(indices.count) /
        (static_cast<double>(classes) * static_cast<double>(counts[i])));
  return true;
}

bool burnish::oversample(const Column &label, const Indices &indices,
                         int64_t classes, uint64_t seed, Storage &storage,
                         Indices &to, Message &message) {
  Array<int64_t> counts(classes), row(indices.count);
  if (!counts.isValid() || !row.isValid())
    return message.set("no memory to count %" PRId64 " classes", classes);
  if (!countAll(label, indices, counts.data(), classes, message))
    return false;
  int64_t most = 0, total;
  for (int64_t i = 0; i < classes; ++i)
    most = counts[i] > most ? counts[i] : most;
  int64_t *made = nullptr;
  if (!__builtin_mul_overflow(most, classes, &total) && total <= INT64_MAX / 8)
    made = static_cast<int64_t *>(
        storage.take(static_cast<uint64_t>(total) * sizeof(int64_t)));
  if (!made)
    return message.set("no memory for %" PRId64 " times %" PRId64 " rows",
                       classes, most);
  // The rows by class, each class where its part of `row` begins.
  Array<int64_t> next(classes);
  if (!next.isValid())
    return message.set("no memory to count %" PRId64 " classes", classes);
  for (int64_t i = 1; i < classes; ++i)
    next[i] = next[i - 1] + counts[i - 1];
  for (int64_t i = 0; i < indices.count; ++i)
    row[next[labelAt(label, indices[i])]++] = indices[i];
  int64_t *at = made, *rows = row.data();
  for (int64_t i = 0; i < classes; rows += counts[i++]) {
    shuffle(rows, counts[i], seed,
            kOversampleStream + static_cast<uint64_t>(i));
    for (int64_t k = 0; k < most; ++k)
      *at++ = rows[k % counts[i]];
  }
  sort(made, total);
  to = {made, total};
  return true;
}
