// Sources.cpp - what the clauses of a recipe say of data, as sources of a data
// set.
#include "runtime/train/Sources.h"
#include "runtime/train/Batches.h"
#include "tensor.h"
#include <stdlib.h>
#include <string.h>

using namespace burnish;

static constexpr struct {
  const char *name;
  SourceKind kind;
} kKinds[] = {{"idx", SourceKind::Idx},
              {"csv", SourceKind::Csv},
              {"npy", SourceKind::Npy},
              {"npz", SourceKind::Npz},
              {"safetensors", SourceKind::SafeTensors},
              {"images", SourceKind::Images},
              {"text", SourceKind::Text}};

static const char *after(const char *word, const char *start) {
  size_t length = strlen(start);
  return strncmp(word, start, length) == 0 ? word + length : nullptr;
}

static bool parseOption(const char *kind, const char *word,
                        SourceOptions &options, Message &message) {
  const char *value = strchr(word, '=') + 1;
  auto is = [&](const char *name) {
    return strlen(name) == static_cast<size_t>(value - word - 1) &&
           memcmp(word, name, strlen(name)) == 0;
  };
  bool isYes = strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 ||
               strcmp(value, "1") == 0;
  char *end = nullptr;
  double number = strtod(value, &end);
  bool isNumber = *value && *end == 0;
  if (is("separator")) {
    options.separator = strcmp(value, "tab") == 0 ? '\t' : *value;
  } else if (is("header")) {
    options.hasHeader = isYes;
  } else if (is("missing")) {
    options.missing = strcmp(value, "mean") == 0     ? Missing::Mean
                      : strcmp(value, "skip") == 0   ? Missing::Skip
                      : strcmp(value, "refuse") == 0 ? Missing::Refuse
                                                     : Missing::Value;
    options.missingValue = static_cast<float>(number);
    isNumber |= options.missing != Missing::Value;
    return isNumber ||
           message.set("data from %s: '%s': mean, skip, refuse or a number is "
                       "wanted",
                       kind, word);
  } else if (is("label")) {
    options.label = value;
  } else if (is("features")) {
    options.features = value;
  } else if (is("resize")) {
    options.resize = isYes;
  } else if (is("nonfinite")) {
    options.allowNonFinite = isYes;
  } else {
    struct {
      const char *name;
      int32_t *small;
      int64_t *large;
    } numbers[] = {{"height", &options.height, nullptr},
                   {"width", &options.width, nullptr},
                   {"channels", &options.channels, nullptr},
                   {"window", nullptr, &options.window},
                   {"stride", nullptr, &options.stride}};
    for (auto &each : numbers) {
      if (!is(each.name))
        continue;
      if (!isNumber || number < 0 || number > INT32_MAX)
        return message.set("data from %s: '%s': a number is wanted", kind,
                           word);
      if (each.small)
        *each.small = static_cast<int32_t>(number);
      else
        *each.large = static_cast<int64_t>(number);
      return true;
    }
    return message.set("data from %s: unknown option '%s'", kind, word);
  }
  return true;
}

static const char *placeOf(const char *file, const char *folder,
                           Storage &texts) {
  size_t start = file[0] == '/' ? 0 : strlen(folder) + 1, length = strlen(file);
  char *path = static_cast<char *>(texts.take(start + length + 1));
  if (!path)
    return nullptr;
  if (start)
    memcpy(path, folder, start - 1);
  if (start)
    path[start - 1] = '/';
  memcpy(path + start, file, length + 1);
  return path;
}

/// What a table has for a column of the recipe, where the options leave it
/// open: a column of several numbers is all that are left, and one of whole
/// numbers names classes.
static void chooseRole(const burnish_training &training, const char *name,
                       SourceOptions &options) {
  for (int32_t i = 0; i < training.column_count; ++i) {
    const burnish_column &column = training.columns[i];
    if (!isSame(column.name, name))
      continue;
    if (column.rank > 0 && !options.features)
      options.features = name;
    if (column.rank == 0 && column.type == BURNISH_INT64 && !options.label)
      options.label = name;
  }
}

bool burnish::addClause(const burnish_training &training,
                        const burnish_clause &clause, const char *folder,
                        Storage &texts, Dataset &dataset, Message &message) {
  bool isSplit = isSame(clause.clause, "split");
  const char *kind = isSplit ? clause.words[0] : clause.name;
  // Columns of a part from elsewhere are those of the data, in order.
  const burnish_clause *names =
      isSplit ? findClause(training, "data") : &clause;
  int32_t room = clause.word_count + (names ? names->word_count : 0) + 1;
  auto **files = static_cast<const char **>(
      texts.take(sizeof(char *) * static_cast<uint64_t>(room)));
  auto **columns = static_cast<const char **>(
      texts.take(sizeof(char *) * static_cast<uint64_t>(room)));
  if (!files || !columns)
    return message.set("no memory for the data");
  Source source = {SourceKind::Npz, files, 0, columns, 0, {}};
  bool isKnown = false;
  for (const auto &each : kKinds)
    if (isSame(each.name, kind)) {
      source.kind = each.kind;
      isKnown = true;
    }
  if (!isKnown)
    return message.set("data from '%s': there is no such source", kind);
  for (int32_t i = isSplit; i < clause.word_count; ++i) {
    const char *word = clause.words[i];
    if (after(word, "column="))
      continue;
    if (strchr(word, '=')) {
      if (!parseOption(kind, word, source.options, message))
        return false;
      continue;
    }
    if (!(files[source.fileCount++] = placeOf(word, folder, texts)))
      return message.set("no memory for the data");
  }
  for (int32_t i = 0; names && i < names->word_count; ++i)
    if (const char *name = after(names->words[i], "column=")) {
      if (source.kind == SourceKind::Csv)
        chooseRole(training, name, source.options);
      bool isFeatures =
          source.options.features && isSame(source.options.features, name);
      if (!isFeatures)
        columns[source.columnCount++] = name;
    }
  return dataset.add(source, message);
}

/// The same axes but for those of one element: an image of a file of bytes has
/// no channel.
static bool isAlike(const Column &column, const burnish_column &wanted) {
  int32_t a = 0, b = 0;
  for (;;) {
    while (a < column.rank && column.dims[a] == 1)
      ++a;
    while (b < wanted.rank && wanted.dims[b] == 1)
      ++b;
    if (a == column.rank || b == wanted.rank)
      return a == column.rank && b == wanted.rank;
    if (column.dims[a++] != wanted.dims[b++])
      return false;
  }
}

bool burnish::findColumns(const burnish_training &training,
                          const Dataset &dataset, bool hasWeights,
                          const Column **columns, Message &message) {
  for (int32_t i = 0; i < training.column_count; ++i) {
    const burnish_column &wanted = training.columns[i];
    columns[i] = nullptr;
    if (hasWeights && isSame(wanted.name, "weight"))
      continue;
    const Column *column = columns[i] = dataset.get(wanted.name, message);
    if (!column)
      return false;
    if (!isAlike(*column, wanted))
      return message.set(
          "%s: column '%s': a sample is %s, and the network wants %s",
          column->file, wanted.name,
          ShapeText(typeName(column->type), column->dims, column->rank).text,
          ShapeText(typeName(wanted.type), wanted.dims, wanted.rank).text);
    if ((wanted.classes > 0 &&
         !checkLabels(*column, wanted.classes, message)) ||
        (wanted.limit > 0 && !checkRange(*column, wanted.limit, message)) ||
        !checkConversion(*column, wanted.type, message))
      return false;
  }
  return true;
}
