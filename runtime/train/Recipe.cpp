// Recipe.cpp - finds what a training says of itself.
#include "runtime/train/Recipe.h"

using namespace burnish;

bool burnish::isSame(const char *a, const char *b) {
  while (*a && *a == *b)
    ++a, ++b;
  return *a == *b;
}

int32_t burnish::placeOfValue(const burnish_training &training,
                              const char *name) {
  for (int32_t i = 0; i < training.value_count; ++i)
    if (isSame(training.values[i].name, name))
      return i;
  return -1;
}

double burnish::valueOf(const burnish_training &training, const double *values,
                        const char *name, double otherwise) {
  int32_t place = placeOfValue(training, name);
  if (place < 0)
    return otherwise;
  return values ? values[place] : training.values[place].value;
}

const burnish_clause *burnish::findClause(const burnish_training &training,
                                          const char *clause, const char *name,
                                          const burnish_clause *last) {
  const burnish_clause *end = training.clauses + training.clause_count;
  for (const burnish_clause *each = last ? last + 1 : training.clauses;
       each < end; ++each)
    if (isSame(each->clause, clause) && (!name || isSame(each->name, name)))
      return each;
  return nullptr;
}

//===- fingerprint and checksum -------------------------------------------===//

namespace {
/// Takes in words; each step can be undone, so that two runs of words that
/// differ in one of them never meet again.
struct Hash {
  uint64_t value = 0x9E3779B97F4A7C15u;

  void add(uint64_t word) {
    value = (value ^ word) * 0xBF58476D1CE4E5B9u;
    value ^= value >> 29;
  }
  void add(const char *text) {
    for (; *text; ++text)
      add(static_cast<uint8_t>(*text));
    add(uint64_t(0x100));
  }
  void add(double number) {
    uint64_t bits;
    __builtin_memcpy(&bits, &number, sizeof bits);
    add(bits);
  }
  void add(int64_t number) { add(static_cast<uint64_t>(number)); }
  void add(int32_t number) { add(static_cast<int64_t>(number)); }
  void add(const int64_t *dims, int32_t rank) {
    add(rank);
    for (int32_t axis = 0; axis < rank; ++axis)
      add(dims[axis]);
  }
};
} // namespace

uint64_t burnish::fingerprint(const burnish_training &training) {
  Hash hash;
  hash.add(training.name);
  hash.add(training.state_bytes);
  hash.add(training.batch);
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    hash.add(slot.path);
    hash.add(slot.dims, slot.rank);
    hash.add(slot.type);
    hash.add(slot.kind);
    hash.add(slot.is_frozen);
    hash.add(slot.offset);
    if (slot.scale != 0)
      hash.add(slot.scale);
  }
  for (int32_t i = 0; i < training.column_count; ++i) {
    hash.add(training.columns[i].name);
    hash.add(training.columns[i].dims, training.columns[i].rank);
    hash.add(training.columns[i].type);
  }
  for (int32_t i = 0; i < training.value_count; ++i)
    hash.add(training.values[i].name);
  for (int32_t i = 0; i < training.clause_count; ++i) {
    const burnish_clause &clause = training.clauses[i];
    hash.add(clause.clause);
    hash.add(clause.name);
    for (int32_t word = 0; word < clause.word_count; ++word)
      hash.add(clause.words[word]);
    for (int32_t number = 0; number < clause.number_count; ++number)
      hash.add(clause.numbers[number]);
  }
  return hash.value;
}

uint64_t burnish::checksum(const void *bytes, int64_t count) {
  Hash hash;
  hash.add(count);
  const char *next = static_cast<const char *>(bytes);
  for (; count > 0; next += 8, count -= 8) {
    uint64_t word = 0;
    __builtin_memcpy(&word, next, count < 8 ? static_cast<size_t>(count) : 8);
    hash.add(word);
  }
  return hash.value;
}
