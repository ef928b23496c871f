// Samples.cpp - the data of a recipe, ready to be cut into batches.
#include "runtime/train/Samples.h"
#include "tensor.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

using namespace burnish;

static constexpr const char *kParts[] = {"train", "val", "test"};

static int32_t columnOf(const burnish_training &training,
                        const burnish_clause *clause) {
  for (int32_t i = 0; clause && clause->word_count && i < training.column_count;
       ++i)
    if (isSame(training.columns[i].name, clause->words[0]))
      return i;
  return -1;
}

bool Samples::open(const burnish_training &of, const char *folder,
                   uint64_t ofSeed, Message &message) {
  training = &of;
  seed = ofSeed;
  const burnish_clause *folds = findClause(of, "split", "folds"),
                       *balance = findClause(of, "balance");
  foldCount = folds && folds->number_count
                  ? static_cast<int64_t>(folds->numbers[0])
                  : 0;
  stratified = columnOf(of, findClause(of, "split", "stratified"));
  balanced = columnOf(of, balance);
  oversamples = balance && isSame(balance->name, "oversampling");
  for (int32_t i = 0; balance && !oversamples && i < of.column_count; ++i)
    if (isSame(of.columns[i].name, "weight"))
      weight = i;
  for (const burnish_clause *clause = findClause(of, "data"); clause;
       clause = findClause(of, "data", nullptr, clause))
    if (!addClause(of, *clause, folder, texts, sources[0], message))
      return false;
  for (int i = 0; i < 3; ++i)
    if (const burnish_clause *clause = findClause(of, "split", kParts[i]);
        clause && clause->number_count == 0 && clause->word_count > 0 &&
        !addClause(of, *clause, folder, texts, sources[i + 1], message))
      return false;
  if (sources[0].rows() == 0)
    return message.set("the recipe names no data");
  for (int i = 0; i < 4; ++i) {
    if (sources[i].rows() == 0)
      continue;
    columns[i] = static_cast<const Column **>(texts.take(
        sizeof(Column *) * static_cast<uint64_t>(of.column_count + 1)));
    if (!columns[i])
      return message.set("no memory for the data");
    if (!findColumns(of, sources[i], weight >= 0, columns[i], message))
      return false;
  }
  if (balanced >= 0) {
    classes = of.columns[balanced].classes;
    if (classes <= 0)
      classes = countClasses(*column(balanced), message);
    if (classes <= 0)
      return false;
    uint64_t room = static_cast<uint64_t>(classes);
    weights = static_cast<float *>(texts.take(4 * room));
    counts = static_cast<int64_t *>(texts.take(8 * room));
    if (!weights || !counts)
      return message.set("no memory for the classes");
  }
  return true;
}

bool Samples::split(Message &message) {
  double fractions[3] = {-1, 0, 0}, others = 0;
  bool isCut = false;
  for (int i = 0; i < 3; ++i)
    if (const burnish_clause *clause =
            findClause(*training, "split", kParts[i]);
        clause && clause->number_count) {
      fractions[i] = clause->numbers[0];
      others += i > 0 ? fractions[i] : 0;
      isCut = true;
    }
  if (fractions[0] < 0)
    fractions[0] = 1 - others;
  int64_t rows = sources[0].rows();
  if (foldCount > 0)
    return cut.folds(file(0), rows, foldCount, column(stratified), seed,
                     message);
  if (isCut)
    return cut.fractions(file(0), rows, fractions[0], fractions[1],
                         fractions[2], column(stratified), seed, message);
  return true;
}

/// All rows of a data set in order.
static bool everything(int64_t rows, Storage &storage, Indices &indices) {
  auto *list =
      static_cast<int64_t *>(storage.take(8 * static_cast<uint64_t>(rows)));
  for (int64_t i = 0; list && i < rows; ++i)
    list[i] = i;
  indices = {list, rows};
  return list;
}

bool Samples::choose(int64_t fold, Message &message) {
  if (!parts[0].count && !split(message))
    return false;
  if (foldCount > 0)
    cut.fold(fold);
  lists.clear();
  const Indices *ofCut[] = {&cut.train, &cut.val, &cut.test};
  for (int i = 0; i < 3; ++i) {
    Part &part = parts[i];
    part.source = sources[i + 1].rows() > 0 ? i + 1 : 0;
    part.rows = *ofCut[i];
    bool isAll = part.source > 0 || (i == 0 && part.rows.count == 0);
    if (isAll && !everything(sources[part.source].rows(), lists, part.rows))
      return message.set("no memory for the order of samples");
    part.isOpen[0] = part.isOpen[1] = false;
  }
  if (balanced >= 0 && !balance(message))
    return false;
  for (Part &part : parts)
    part.count = part.rows.count;
  bool shuffles = findClause(*training, "shuffle");
  if (parts[0].count < training->batch)
    return message.set("%s: %" PRId64 " samples to train with are fewer than a "
                       "batch of %d",
                       file(parts[0].source), parts[0].count, training->batch);
  return order.open(parts[0].rows,
                    {training->batch, shuffles, /*padLast=*/false, seed},
                    message);
}

bool Samples::balance(Message &message) {
  Part &part = parts[0];
  const Column &label = *column(balanced, part.source);
  countLabels(label, part.rows, counts, classes);
  if (!oversamples)
    return classWeights(label, part.rows, weights, classes, message);
  Indices more;
  if (!oversample(label, part.rows, classes, seed, lists, more, message))
    return false;
  part.rows = more;
  return true;
}

void Samples::describe() const {
  printf("%" PRId64 " samples to train with", parts[0].count);
  for (int i = 1; i < 3; ++i)
    if (parts[i].count > 0)
      printf(", %" PRId64 " %s", parts[i].count,
             i == 1 ? "to validate with" : "to test with");
  printf("\n");
  if (balanced < 0)
    return;
  const Column &label = *column(balanced, parts[0].source);
  printf("classes of '%s':", training->columns[balanced].name);
  for (int64_t i = 0; i < classes && i < 64; ++i)
    if (i < label.classCount)
      printf(" %s %" PRId64, label.classes[i], counts[i]);
    else
      printf(" %" PRId64, counts[i]);
  printf("\n");
}

//===- batches ------------------------------------------------------------===//

bool Samples::gather(const Batches &from, int32_t source, void *const *buffers,
                     Message &message) const {
  for (int32_t i = 0; i < training->column_count; ++i) {
    if (i != weight) {
      if (!from.gather(*columns[source][i], training->columns[i].type,
                       buffers[i], message))
        return false;
      continue;
    }
    for (int64_t k = 0; k < from.used(); ++k) {
      int64_t label = labelAt(*columns[source][balanced], from.rows()[k]);
      static_cast<float *>(buffers[i])[k] =
          label >= 0 && label < classes ? weights[label] : 1;
    }
  }
  return true;
}

bool Samples::batch(int64_t epoch, int64_t batch, void *const *buffers,
                    Message &message) {
  if (!(order.epoch() == static_cast<uint64_t>(epoch) &&
        order.batch() == batch) &&
      !order.seek(static_cast<uint64_t>(epoch), batch, message))
    return false;
  return order.next() ? gather(order, parts[0].source, buffers, message)
                      : message.set("an epoch has no batch %" PRId64, batch);
}

bool Samples::rowAlone(int32_t source, int64_t row, void *const *buffers,
                       Message &message) {
  Batches one;
  return one.open({&row, 1}, {1, false, false, seed}, message) &&
         one.seek(0, 0, message) && one.next() &&
         gather(one, source, buffers, message);
}

bool Samples::rows(Part &part, int64_t from, int64_t count,
                   void *const *buffers, Message &message) {
  bool isSingle = count == 1;
  Batches &batches = isSingle ? part.single : part.whole;
  if (!part.isOpen[isSingle] &&
      !batches.open(part.rows, {count, false, false, seed}, message))
    return false;
  part.isOpen[isSingle] = true;
  return batches.seek(0, from / count, message) && batches.next()
             ? gather(batches, part.source, buffers, message)
             : message.set("a part has no sample %" PRId64, from);
}
