// Samples.cpp - the data of a recipe, ready to be cut into batches.
#include "runtime/train/Samples.h"
#include "npz.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

namespace {
/// Numbers that are a function of a key and a place (splitmix64).
uint64_t mixed(uint64_t key, uint64_t place) {
  uint64_t z = key + (place + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Fisher and Yates; without bias, as numbers that would bring one are left
/// out.
void shuffle(int64_t *values, int64_t count, uint64_t seed, uint64_t round) {
  uint64_t key = mixed(seed, round), place = 0;
  for (int64_t i = count - 1; i > 0; --i) {
    uint64_t range = static_cast<uint64_t>(i) + 1, limit = -range % range, bits;
    do
      bits = mixed(key, place++);
    while (bits < limit);
    int64_t other = static_cast<int64_t>(bits % range), kept = values[i];
    values[i] = values[other];
    values[other] = kept;
  }
}

struct Indices {
  Pages pages;
  int64_t count = 0;

  bool allocate(int64_t room) {
    return pages.allocate(8 * static_cast<uint64_t>(room));
  }
  int64_t *data() const { return reinterpret_cast<int64_t *>(pages.data()); }
  void add(int64_t value) { data()[count++] = value; }
};

/// A column as it was read.
struct Stored {
  Tensor tensor;
  int32_t type = 0;
  int64_t rowBytes = 0;
};

/// What one source of the recipe gives: arrays in the training's order.
struct Source {
  Stored *columns = nullptr;
  int64_t rows = -1;
  bool isThere = false;
};
} // namespace

struct Samples::Contents {
  const burnish_training *training;
  const char *folder;
  uint64_t seed;
  int64_t folds = 0;
  bool shuffles = false, oversamples = false;
  /// The column that classes are told by, or -1, and by which they are
  /// balanced; where `weight` is.
  int32_t stratified = -1, balanced = -1, weight = -1;
  int64_t classes = 0;
  double fractions[3] = {-1, -1, -1};
  /// Of the data, and of train, val and test where they come from elsewhere.
  Source sources[4];
  Part parts[3];
  Indices lists[3], order;
  int64_t orderEpoch = -1;
  double *classWeights = nullptr;
  int64_t *classCounts = nullptr;

  bool read(const burnish_clause &clause, bool isSplit, Source &source,
            Message &message);
  bool take(const NpyBytes &bytes, const char *where, int32_t column,
            Source &source, Message &message);
  bool check(const char *where, int32_t column, const Source &source,
             Message &message) const;
  bool prepareClasses(Message &message);
  bool split(int64_t fold, Message &message);
  int64_t classOf(const Part &part, int64_t index, int32_t column) const;
  void copy(const Source &source, int64_t row, int64_t to,
            void *const *columns) const;
};

static constexpr const char *kParts[] = {"train", "val", "test"};

Samples::Samples() {
  contents = static_cast<Contents *>(calloc(1, sizeof(Contents)));
  if (contents)
    ::new (static_cast<void *>(contents)) Contents();
}

Samples::~Samples() {
  if (!contents)
    return;
  for (Source &source : contents->sources) {
    for (int32_t i = 0; source.columns && i < contents->training->column_count;
         ++i)
      source.columns[i].~Stored();
    free(source.columns);
  }
  free(contents->classWeights);
  free(contents->classCounts);
  contents->~Contents();
  free(contents);
}

//===- reading ------------------------------------------------------------===//

bool Samples::Contents::check(const char *where, int32_t column,
                              const Source &source, Message &message) const {
  const burnish_column &wanted = training->columns[column];
  const Stored &stored = source.columns[column];
  const void *data = stored.tensor.view.data;
  int64_t count = elementCount(wanted.dims, wanted.rank);
  bool isFloat = stored.type == BURNISH_FLOAT ||
                 stored.type == BURNISH_DOUBLE ||
                 stored.type == BURNISH_FLOAT16;
  for (int64_t row = 0; (isFloat || wanted.classes > 0) && row < source.rows;
       ++row)
    for (int64_t i = row * count; i < (row + 1) * count; ++i) {
      double value = valueAt(data, stored.type, i);
      if (!isfinite(value))
        return message.set("%s: '%s', row %" PRId64 ": %s", where, wanted.name,
                           row, isnan(value) ? "NaN" : "an infinity");
      if (wanted.classes > 0 &&
          !(value >= 0 && value < wanted.classes && value == floor(value)))
        return message.set("%s: '%s', row %" PRId64
                           ": label %.10g is out of range, there are %d "
                           "classes from 0",
                           where, wanted.name, row, value, wanted.classes);
    }
  return true;
}

bool Samples::Contents::take(const NpyBytes &bytes, const char *where,
                             int32_t column, Source &source, Message &message) {
  const burnish_column &wanted = training->columns[column];
  uint8_t start[NpyHeader::kMaxBytes];
  uint64_t got = 0;
  NpyHeader header;
  if (!bytes.readStart(start, sizeof start, got, where, message) ||
      !header.parse(start, got, where, message))
    return false;
  Stored &stored = source.columns[column];
  constexpr int32_t kTypes[] = {BURNISH_FLOAT,  BURNISH_DOUBLE, BURNISH_FLOAT16,
                                BURNISH_UINT8,  BURNISH_INT8,   BURNISH_INT16,
                                BURNISH_UINT16, BURNISH_INT32,  BURNISH_INT64,
                                BURNISH_BOOL};
  for (int32_t type : kTypes)
    if (header.isOf(*elementType(type)))
      stored.type = type;
  bool isSame = header.rank == wanted.rank + 1;
  for (int32_t axis = 0; isSame && axis < wanted.rank; ++axis)
    isSame = header.dims[axis + 1] == wanted.dims[axis];
  int64_t dims[NpyHeader::kMaxRank] = {-1};
  for (int32_t axis = 0; axis < wanted.rank && axis < 63; ++axis)
    dims[axis + 1] = wanted.dims[axis];
  if (!isSame || !stored.type)
    return message.set(
        "%s: '%s' is %s, and %s is wanted", where, wanted.name,
        header.text().text,
        ShapeText(typeName(wanted.type), dims, wanted.rank + 1).text);
  bool takesNumbers =
      wanted.type == BURNISH_FLOAT || wanted.type == BURNISH_DOUBLE ||
      wanted.type == BURNISH_INT32 || wanted.type == BURNISH_INT64;
  if (stored.type != wanted.type && !takesNumbers)
    return message.set("%s: '%s' is %s, and %s is wanted", where, wanted.name,
                       typeName(stored.type), typeName(wanted.type));
  if (source.rows >= 0 && source.rows != header.dims[0])
    return message.set("%s: '%s' has %" PRId64 " rows, columns before it have "
                       "%" PRId64,
                       where, wanted.name, header.dims[0], source.rows);
  source.rows = header.dims[0];
  int64_t elements = elementCount(wanted.dims, wanted.rank);
  stored.rowBytes = elements * burnish_type_size(stored.type);
  stored.tensor.view.dims = header.dims;
  return readArray(bytes, header, stored.type, where, stored.tensor, message) &&
         check(where, column, source, message);
}

bool Samples::Contents::read(const burnish_clause &clause, bool isSplit,
                             Source &source, Message &message) {
  const char *kind = isSplit ? clause.words[0] : clause.name;
  bool isNpz = isSame(kind, "npz");
  if (!isNpz && !isSame(kind, "npy"))
    return message.set("data from '%s' cannot be read by this program", kind);
  if (!source.columns)
    source.columns = static_cast<Stored *>(
        calloc(static_cast<size_t>(training->column_count), sizeof(Stored)));
  if (!source.columns)
    return message.set("no memory for the data");
  source.isThere = true;
  // Columns of a split from elsewhere are those of the data, in order.
  const burnish_clause *names =
      isSplit ? findClause(*training, "data") : &clause;
  int32_t files = 0, next = 0;
  for (int32_t i = isSplit; i < clause.word_count; ++i)
    files += !strchr(clause.words[i], '=');
  if (files == 0)
    return message.set("data from '%s': no file is named", kind);
  for (int32_t i = 0; names && i < names->word_count; ++i) {
    if (strncmp(names->words[i], "column=", 7) != 0)
      continue;
    const char *name = names->words[i] + 7;
    int32_t column = -1, file = isNpz ? 0 : next++;
    for (int32_t k = 0; k < training->column_count; ++k)
      if (isSame(training->columns[k].name, name))
        column = k;
    // A column that no step uses.
    if (column < 0)
      continue;
    const char *fileName = nullptr;
    for (int32_t k = isSplit, at = 0; k < clause.word_count; ++k)
      if (!strchr(clause.words[k], '=') && at++ == file)
        fileName = clause.words[k];
    if (!fileName)
      return message.set("data from 'npy': no file for column '%s'", name);
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s%s", fileName[0] == '/' ? "" : folder,
                 fileName[0] == '/' ? "" : "/",
                 fileName) >= static_cast<int>(sizeof path))
      return message.set("%s: the name is too long", fileName);
    InputFile input;
    if (!input.open(path, message))
      return false;
    if (!isNpz) {
      NpyBytes bytes;
      bytes.file = &input;
      bytes.size = bytes.packedSize = input.size();
      if (!take(bytes, path, column, source, message))
        return false;
      continue;
    }
    NpzReader archive;
    if (!archive.open(input, message))
      return false;
    bool isFound = false;
    for (int64_t k = 0; k < archive.size() && !isFound; ++k) {
      NpzEntry &entry = archive[k];
      if (entry.nameLength != strlen(name) ||
          memcmp(entry.name, name, entry.nameLength) != 0)
        continue;
      isFound = true;
      if (!archive.locate(entry, path, message) ||
          !take(entry.bytes, path, column, source, message))
        return false;
    }
    if (!isFound)
      return message.set("%s: has no array '%s'", path, name);
  }
  return true;
}

bool Samples::open(const burnish_training &training, const char *folder,
                   uint64_t seed, Message &message) {
  if (!contents)
    return message.set("no memory for the data");
  Contents &c = *contents;
  c.training = &training;
  c.folder = folder;
  c.seed = seed;
  c.shuffles = findClause(training, "shuffle");
  auto column = [&](const burnish_clause *clause) {
    for (int32_t i = 0;
         clause && clause->word_count && i < training.column_count; ++i)
      if (isSame(training.columns[i].name, clause->words[0]))
        return i;
    return int32_t(-1);
  };
  const burnish_clause *folds = findClause(training, "split", "folds");
  c.folds = folds && folds->number_count
                ? static_cast<int64_t>(folds->numbers[0])
                : 0;
  c.stratified = column(findClause(training, "split", "stratified"));
  const burnish_clause *balance = findClause(training, "balance");
  c.balanced = column(balance);
  c.oversamples = balance && isSame(balance->name, "oversampling");
  for (int32_t i = 0; balance && i < training.column_count; ++i)
    if (isSame(training.columns[i].name, "weight") && !c.oversamples)
      c.weight = i;
  for (const burnish_clause *clause = findClause(training, "data"); clause;
       clause = findClause(training, "data", nullptr, clause))
    if (!c.read(*clause, false, c.sources[0], message))
      return false;
  for (int i = 0; i < 3; ++i) {
    const burnish_clause *clause = findClause(training, "split", kParts[i]);
    if (clause && clause->number_count)
      c.fractions[i] = clause->numbers[0];
    else if (clause && !c.read(*clause, true, c.sources[i + 1], message))
      return false;
  }
  if (!c.sources[0].isThere || c.sources[0].rows <= 0)
    return message.set("the data has no rows");
  return c.prepareClasses(message);
}

//===- classes and parts --------------------------------------------------===//

int64_t Samples::Contents::classOf(const Part &part, int64_t index,
                                   int32_t column) const {
  const Stored &stored = sources[part.source].columns[column];
  int64_t row = part.rows ? part.rows[index] : index;
  int64_t each = stored.rowBytes / burnish_type_size(stored.type);
  return static_cast<int64_t>(
      valueAt(stored.tensor.view.data, stored.type, row * each));
}

bool Samples::Contents::prepareClasses(Message &message) {
  int32_t column = balanced >= 0 ? balanced : stratified;
  if (column < 0)
    return true;
  Part all = {sources[0].rows, nullptr, 0};
  for (int64_t i = 0; i < all.count; ++i) {
    int64_t value = classOf(all, i, column);
    if (value < 0 || value >= 1 << 20)
      return message.set("'%s', row %" PRId64 ": %" PRId64 " is no class",
                         training->columns[column].name, i, value);
    classes = value >= classes ? value + 1 : classes;
  }
  if (training->columns[column].classes > classes)
    classes = training->columns[column].classes;
  classWeights = static_cast<double *>(calloc(static_cast<size_t>(classes), 8));
  classCounts = static_cast<int64_t *>(calloc(static_cast<size_t>(classes), 8));
  return (classWeights && classCounts) || message.set("no memory for classes");
}

/// Cuts the rows of the data into parts, class by class where they are
/// stratified.
bool Samples::Contents::split(int64_t fold, Message &message) {
  int64_t rows = sources[0].rows;
  Indices all, sorted;
  if (!all.allocate(rows) || !sorted.allocate(rows))
    return message.set("no memory for the split");
  for (int64_t i = 0; i < rows; ++i)
    all.add(i);
  bool isCut = folds > 0;
  for (double fraction : fractions)
    isCut |= fraction >= 0;
  if (isCut)
    shuffle(all.data(), rows, seed, ~uint64_t(0));
  if (folds > rows)
    return message.set("%" PRId64 " folds of %" PRId64 " samples: there are "
                       "fewer samples than folds",
                       folds, rows);
  for (int i = 0; i < 3; ++i) {
    lists[i].count = 0;
    if (!lists[i].allocate(rows))
      return message.set("no memory for the split");
  }
  Part everything = {rows, all.data(), 0};
  int64_t groups = stratified >= 0 ? classes : 1;
  for (int64_t group = 0; group < groups; ++group) {
    int64_t count = 0, at = 0;
    for (int64_t i = 0; i < rows && stratified >= 0; ++i)
      count += classOf(everything, i, stratified) == group;
    if (stratified < 0)
      count = rows;
    int64_t held[3] = {0, 0, 0};
    for (int i = 1; i < 3; ++i)
      if (fractions[i] >= 0)
        held[i] = static_cast<int64_t>(
            floor(static_cast<double>(count) * fractions[i] + 0.5));
    held[0] = count - held[1] - held[2];
    if (fractions[0] >= 0) {
      int64_t most = static_cast<int64_t>(
          floor(static_cast<double>(count) * fractions[0] + 0.5));
      held[0] = most < held[0] ? most : held[0];
    }
    for (int64_t i = 0; i < rows; ++i) {
      if (stratified >= 0 && classOf(everything, i, stratified) != group)
        continue;
      int64_t place = at++;
      int list = folds > 0                   ? place % folds == fold
                 : place < held[0]           ? 0
                 : place < held[0] + held[1] ? 1
                 : place >= count - held[2]  ? 2
                                             : -1;
      if (list >= 0)
        lists[list].add(all.data()[i]);
    }
  }
  for (int i = 0; i < 3; ++i) {
    bool isWanted = i == 0 || fractions[i] > 0 || (folds > 0 && i == 1);
    if (isWanted && !sources[i + 1].isThere && lists[i].count == 0)
      return message.set("the split '%s' of %" PRId64 " samples is empty",
                         kParts[i], rows);
    parts[i] = sources[i + 1].isThere
                   ? Part{sources[i + 1].rows, nullptr, i + 1}
                   : Part{lists[i].count, lists[i].data(), 0};
  }
  return true;
}

bool Samples::choose(int64_t fold, Message &message) {
  Contents &c = *contents;
  if (!c.split(fold, message))
    return false;
  Part &train = c.parts[0];
  c.orderEpoch = -1;
  int64_t most = 0;
  if (c.balanced >= 0) {
    memset(c.classCounts, 0, 8 * static_cast<size_t>(c.classes));
    for (int64_t i = 0; i < train.count; ++i)
      ++c.classCounts[c.classOf(train, i, c.balanced)];
    for (int64_t i = 0; i < c.classes; ++i) {
      if (c.classCounts[i] == 0)
        return message.set("class %" PRId64 " of '%s' has no samples in "
                           "training, so that it cannot be balanced",
                           i, c.training->columns[c.balanced].name);
      c.classWeights[i] = static_cast<double>(train.count) /
                          static_cast<double>(c.classes * c.classCounts[i]);
      most = c.classCounts[i] > most ? c.classCounts[i] : most;
    }
  }
  // Each class as often as the greatest one, its samples in turn.
  if (c.oversamples) {
    Indices more;
    if (!more.allocate(most * c.classes))
      return message.set("no memory for balanced classes");
    for (int64_t group = 0; group < c.classes; ++group)
      for (int64_t taken = 0; taken < most;)
        for (int64_t i = 0; i < train.count && taken < most; ++i)
          if (c.classOf(train, i, c.balanced) == group) {
            more.add(train.rows ? train.rows[i] : i);
            ++taken;
          }
    c.lists[0].pages.swap(more.pages);
    c.lists[0].count = more.count;
    train.rows = c.lists[0].data();
    train.count = more.count;
  }
  if (train.count < c.training->batch)
    return message.set("%" PRId64 " samples to train with are fewer than a "
                       "batch of %d",
                       train.count, c.training->batch);
  return c.order.allocate(train.count) || message.set("no memory for an order");
}

int64_t Samples::folds() const { return contents->folds; }
const Part &Samples::train() const { return contents->parts[0]; }
const Part &Samples::validation() const { return contents->parts[1]; }
const Part &Samples::test() const { return contents->parts[2]; }
int64_t Samples::batches() const {
  return contents->parts[0].count / contents->training->batch;
}

void Samples::describe() const {
  const Contents &c = *contents;
  printf("%" PRId64 " samples to train with", c.parts[0].count);
  for (int i = 1; i < 3; ++i)
    if (c.parts[i].count > 0)
      printf(", %" PRId64 " for %s", c.parts[i].count,
             i == 1 ? "validation" : "the test");
  printf("\n");
  if (c.balanced < 0)
    return;
  printf("classes of '%s':", c.training->columns[c.balanced].name);
  for (int64_t i = 0; i < c.classes && i < 64; ++i)
    printf(" %" PRId64, c.classCounts[i]);
  printf("\n");
}

//===- batches ------------------------------------------------------------===//

void Samples::Contents::copy(const Source &source, int64_t row, int64_t to,
                             void *const *columns) const {
  for (int32_t i = 0; i < training->column_count; ++i) {
    const burnish_column &column = training->columns[i];
    const Stored &stored = source.columns[i];
    if (i == weight) {
      const Stored &label = source.columns[balanced];
      int64_t each = label.rowBytes / burnish_type_size(label.type),
              group = static_cast<int64_t>(
                  valueAt(label.tensor.view.data, label.type, row * each));
      static_cast<float *>(columns[i])[to] =
          group < classes ? static_cast<float>(classWeights[group]) : 1;
      continue;
    }
    const char *from = static_cast<const char *>(stored.tensor.view.data) +
                       row * stored.rowBytes;
    int64_t count = stored.rowBytes / burnish_type_size(stored.type);
    char *place = static_cast<char *>(columns[i]) +
                  to * count * burnish_type_size(column.type);
    if (stored.type == column.type) {
      memcpy(place, from, static_cast<size_t>(stored.rowBytes));
      continue;
    }
    for (int64_t k = 0; k < count; ++k) {
      double value = valueAt(from, stored.type, k);
      if (column.type == BURNISH_FLOAT)
        reinterpret_cast<float *>(place)[k] = static_cast<float>(value);
      else if (column.type == BURNISH_DOUBLE)
        reinterpret_cast<double *>(place)[k] = value;
      else if (column.type == BURNISH_INT32)
        reinterpret_cast<int32_t *>(place)[k] = static_cast<int32_t>(value);
      else
        reinterpret_cast<int64_t *>(place)[k] = static_cast<int64_t>(value);
    }
  }
}

bool Samples::batch(int64_t epoch, int64_t batch, void *const *columns,
                    Message &) {
  Contents &c = *contents;
  const Part &train = c.parts[0];
  if (c.orderEpoch != epoch) {
    for (int64_t i = 0; i < train.count; ++i)
      c.order.data()[i] = train.rows ? train.rows[i] : i;
    if (c.shuffles)
      shuffle(c.order.data(), train.count, c.seed,
              static_cast<uint64_t>(epoch));
    c.orderEpoch = epoch;
  }
  int64_t from = batch * c.training->batch;
  for (int64_t i = 0; i < c.training->batch; ++i)
    c.copy(c.sources[train.source], c.order.data()[from + i], i, columns);
  return true;
}

bool Samples::rows(const Part &part, int64_t from, int64_t count,
                   void *const *columns, Message &) {
  for (int64_t i = 0; i < count; ++i)
    contents->copy(contents->sources[part.source],
                   part.rows ? part.rows[from + i] : from + i, i, columns);
  return true;
}
