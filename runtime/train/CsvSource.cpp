// CsvSource.cpp - tables of numbers, and a column of labels, from text.
#include "../text.h"
#include "Dataset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

namespace {

/// A field without the quotes and spaces around it. Inside quotes "" is a
/// quote.
struct Field {
  const char *text;
  int64_t length;
  bool hasQuotes;

  bool is(const char *word) const {
    return static_cast<int64_t>(strlen(word)) == length &&
           memcmp(text, word, static_cast<size_t>(length)) == 0;
  }
  bool isMissing() const {
    return length == 0 || is("NA") || is("N/A") || is("nan") || is("NaN") ||
           is("null") || is("?");
  }
  int shown() const { return static_cast<int>(length < 60 ? length : 60); }
};

/// Goes through a file field by field.
struct Lines {
  const char *next, *end;
  char separator;
  int64_t line = 1;
  bool isBroken = false;

  /// Skips empty lines; false at the end.
  bool hasRow() {
    while (next < end && (*next == '\n' || *next == '\r'))
      line += *next++ == '\n';
    return next < end;
  }
  bool isSpace() const {
    return next < end && (*next == ' ' || *next == '\t') && *next != separator;
  }
  /// The next field of a row, and whether another follows in it.
  Field field(bool &hasMore) {
    while (isSpace())
      ++next;
    Field field = {next, 0, false};
    if (next < end && *next == '"') {
      field.text = ++next;
      for (; next < end; ++next) {
        if (*next == '"') {
          if (next + 1 == end || next[1] != '"')
            break;
          field.hasQuotes = true;
          ++next;
        }
        line += *next == '\n';
      }
      field.length = next - field.text;
      isBroken |= next == end;
      next += next < end;
      while (isSpace())
        ++next;
      isBroken |=
          next < end && *next != separator && *next != '\n' && *next != '\r';
    } else {
      while (next < end && *next != separator && *next != '\n')
        ++next;
      field.length = next - field.text;
      while (field.length > 0 && (field.text[field.length - 1] == ' ' ||
                                  field.text[field.length - 1] == '\t' ||
                                  field.text[field.length - 1] == '\r'))
        --field.length;
    }
    while (next < end && *next == '\r' && separator != '\r')
      ++next;
    hasMore = next < end && *next == separator && !isBroken;
    if (hasMore) {
      ++next;
    } else if (next < end && *next == '\n') {
      ++next;
      ++line;
    }
    return field;
  }
};

/// The distinct labels of a column, each found by its hash.
class Names {
public:
  /// The number of a text; -1 where there is no memory.
  int64_t number(const char *text, int64_t length) {
    if (count * 2 >= room && !grow())
      return -1;
    int64_t at = find(text, length);
    if (!slots[at]) {
      if (!list.push({text, length, count}))
        return -1;
      slots[at] = ++count;
    }
    return slots[at] - 1;
  }
  struct Name {
    const char *text;
    int64_t length, number;
  };
  List<Name> list;

  ~Names() { free(slots); }

private:
  int64_t find(const char *text, int64_t length) const {
    uint64_t hash = 14695981039346656037ull;
    for (int64_t i = 0; i < length; ++i)
      hash = (hash ^ static_cast<uint8_t>(text[i])) * 1099511628211ull;
    for (uint64_t at = hash ^ hash >> 32;; ++at) {
      int64_t slot = static_cast<int64_t>(at & static_cast<uint64_t>(room - 1));
      if (!slots[slot] || (list[slots[slot] - 1].length == length &&
                           memcmp(list[slots[slot] - 1].text, text,
                                  static_cast<size_t>(length)) == 0))
        return slot;
    }
  }
  bool grow() {
    free(slots);
    room = room ? room * 2 : 64;
    slots = static_cast<int64_t *>(
        calloc(static_cast<size_t>(room), sizeof(int64_t)));
    for (int64_t i = 0; slots && i < count; ++i)
      slots[find(list[i].text, list[i].length)] = i + 1;
    return slots;
  }

  int64_t *slots = nullptr;
  int64_t count = 0, room = 0;
};

/// Where the values of a field of each row go.
struct Place {
  const char *name;
  float *to;      ///< of the first row, or null
  int64_t stride; ///< in floats
  double sum;
  int64_t present;
  bool isLabel, isFeature, isWanted;
};

struct Csv {
  Csv(Dataset &dataset, const Source &source, Message &message)
      : dataset(dataset), source(source), message(message) {}

  Dataset &dataset;
  const Source &source;
  Message &message;
  const SourceOptions &options = source.options;
  const char *file = source.files[0];
  List<Place> places;
  int64_t rows = 0, features = 0;
  int64_t *labels = nullptr;
  float *matrix = nullptr;
  Names names;

  bool noMemory() { return message.set("%s: no memory", file); }

  const char *copy(const Field &field) {
    char *text = static_cast<char *>(
        dataset.memory().take(static_cast<uint64_t>(field.length) + 1));
    char *to = text;
    for (int64_t i = 0; text && i < field.length; ++i) {
      *to++ = field.text[i];
      i += field.hasQuotes && field.text[i] == '"';
    }
    return text;
  }

  /// Names the fields and says which of them are wanted.
  bool plan(Lines &lines) {
    Lines first = lines;
    if (!first.hasRow())
      return message.set("%s: has no rows", file);
    for (bool hasMore = true; hasMore;) {
      Field field = first.field(hasMore);
      Place place = {};
      char number[24];
      snprintf(number, sizeof number, "%" PRId64, places.size() + 1);
      place.name = options.hasHeader
                       ? copy(field)
                       : dataset.memory().text(number, strlen(number));
      if (!place.name || !places.push(place))
        return noMemory();
    }
    if (first.isBroken)
      return message.set("%s: line %" PRId64 ": a quoted field has no end or "
                         "something behind it",
                         file, lines.line);
    if (options.hasHeader)
      lines = first;
    for (int32_t i = 0; i < source.columnCount; ++i)
      if (!take(source.columns[i], &Place::isWanted))
        return false;
    if (options.label && !take(options.label, &Place::isLabel))
      return false;
    for (int64_t i = 0; i < places.size(); ++i) {
      Place &place = places[i];
      place.isFeature = options.features && !place.isWanted && !place.isLabel;
      place.isWanted |= source.columnCount == 0 && !options.features;
      place.isWanted &= !place.isLabel;
      features += place.isFeature;
    }
    return !options.features || features > 0 ||
           message.set("%s: no column is left for '%.100s'", file,
                       options.features);
  }
  bool take(const char *name, bool Place::*role) {
    Place *found = nullptr;
    for (int64_t i = 0; i < places.size(); ++i) {
      if (strcmp(places[i].name, name) != 0)
        continue;
      if (found)
        return message.set("%s: has two columns '%.200s'", file, name);
      found = &places[i];
    }
    if (found)
      return found->*role = true;
    char known[400];
    Text text(known);
    for (int64_t i = 0; i < places.size(); ++i)
      text << (i ? ", " : "") << places[i].name;
    return message.set(
        "%s: has no column '%.200s'%s; it has %s", file, name,
        options.hasHeader ? "" : " (without a header they are numbered from 1)",
        known);
  }

  /// Counts rows, and makes sure that all have equally many fields.
  bool count(Lines lines) {
    while (lines.hasRow()) {
      int64_t line = lines.line, fields = 0;
      for (bool hasMore = true; hasMore; ++fields)
        lines.field(hasMore);
      if (lines.isBroken)
        return message.set("%s: row %" PRId64 " (line %" PRId64
                           "): a quoted field has no end or something "
                           "behind it",
                           file, rows, line);
      if (fields != places.size())
        return message.set("%s: row %" PRId64 " (line %" PRId64
                           "): has %" PRId64 " fields, the first row %" PRId64,
                           file, rows, line, fields, places.size());
      ++rows;
    }
    return rows > 0 || message.set("%s: has no rows", file);
  }

  float *floats(int64_t columns) {
    int64_t bytes;
    return __builtin_mul_overflow(rows, columns, &bytes) ||
                   __builtin_mul_overflow(bytes, 4, &bytes)
               ? nullptr
               : static_cast<float *>(
                     dataset.memory().take(static_cast<uint64_t>(bytes)));
  }
  bool allocate() {
    if (features && !(matrix = floats(features)))
      return noMemory();
    if (options.label && !(labels = reinterpret_cast<int64_t *>(floats(2))))
      return noMemory();
    int64_t feature = 0;
    for (int64_t i = 0; i < places.size(); ++i) {
      Place &place = places[i];
      place.stride = place.isFeature ? features : 1;
      place.to = place.isFeature  ? matrix + feature++
                 : place.isWanted ? floats(1)
                                  : nullptr;
      if (!place.to && place.isWanted)
        return noMemory();
    }
    return true;
  }

  bool parseNumber(const Field &field, float &value) {
    char digits[64];
    if (field.length >= static_cast<int64_t>(sizeof digits))
      return false;
    memcpy(digits, field.text, static_cast<size_t>(field.length));
    digits[field.length] = 0;
    // Not C's hexadecimal numbers.
    if (strpbrk(digits, "xX"))
      return false;
    char *end;
    value = static_cast<float>(strtod(digits, &end));
    return end == digits + field.length;
  }

  /// Reads one row to place `row`; `isKept` says whether it stays.
  bool readRow(Lines &lines, int64_t row, int64_t number, bool &isKept) {
    int64_t line = lines.line;
    bool hasMore = true;
    isKept = true;
    for (int64_t i = 0; i < places.size(); ++i) {
      Field field = lines.field(hasMore);
      Place &place = places[i];
      if (!place.isLabel && !place.to)
        continue;
      if (field.isMissing()) {
        if (place.isLabel || options.missing == Missing::Refuse)
          return message.set("%s: row %" PRId64 " (line %" PRId64
                             "): column '%.100s': the value is missing",
                             file, number, line, place.name);
        isKept &= options.missing != Missing::Skip;
        // A mean is put in its place when all are known; no number of a file
        // is a NaN before that.
        place.to[row * place.stride] = options.missing == Missing::Mean
                                           ? __builtin_nanf("")
                                           : options.missingValue;
        continue;
      }
      if (place.isLabel) {
        const char *text = field.hasQuotes ? copy(field) : field.text;
        if (!text)
          return noMemory();
        labels[row] = names.number(
            text, field.hasQuotes ? static_cast<int64_t>(strlen(text))
                                  : field.length);
        if (labels[row] < 0)
          return noMemory();
        continue;
      }
      float value = 0;
      if (!parseNumber(field, value))
        return message.set("%s: row %" PRId64 " (line %" PRId64
                           "): column '%.100s': '%.*s' is no number",
                           file, number, line, place.name, field.shown(),
                           field.text);
      if (!options.allowNonFinite && value - value != 0)
        return message.set("%s: row %" PRId64 " (line %" PRId64
                           "): column '%.100s': '%.*s' is not finite",
                           file, number, line, place.name, field.shown(),
                           field.text);
      place.to[row * place.stride] = value;
      place.sum += static_cast<double>(value);
      ++place.present;
    }
    return true;
  }

  bool read(Lines lines) {
    int64_t kept = 0;
    for (int64_t number = 0; number < rows && lines.hasRow(); ++number) {
      bool isKept;
      if (!readRow(lines, kept, number, isKept))
        return false;
      kept += isKept;
    }
    if (kept == 0)
      return message.set("%s: every row has a missing value", file);
    rows = kept;
    for (int64_t i = 0; options.missing == Missing::Mean && i < places.size();
         ++i) {
      Place &place = places[i];
      if (place.to && place.present == 0)
        return message.set("%s: column '%.100s': has no values to take the "
                           "mean of",
                           file, place.name);
      float mean =
          static_cast<float>(place.sum / static_cast<double>(place.present));
      for (int64_t row = 0; place.to && row < rows; ++row)
        if (float &value = place.to[row * place.stride]; value != value)
          value = mean;
    }
    return true;
  }

  bool add(const char *name, int32_t type, const void *data, int64_t width,
           const char *const *classes = nullptr, int64_t classCount = 0) {
    Column column = {};
    column.name = name;
    column.file = file;
    column.data = static_cast<const uint8_t *>(data);
    column.classes = classes;
    column.classCount = classCount;
    int64_t dims[] = {rows, width};
    return setShape(column, type, dims, width ? 2 : 1, message) &&
           dataset.append(column, options, message);
  }

  /// Numbers the labels in the order of their texts.
  bool addLabels() {
    int64_t count = names.list.size();
    auto **classes = static_cast<const char **>(dataset.memory().take(
        static_cast<uint64_t>(count) * sizeof(const char *)));
    Array<int64_t> place(count);
    if (!classes || !place.isValid())
      return noMemory();
    qsort(names.list.data(), static_cast<size_t>(count), sizeof(Names::Name),
          [](const void *left, const void *right) {
            auto *a = static_cast<const Names::Name *>(left),
                 *b = static_cast<const Names::Name *>(right);
            int64_t shorter = a->length < b->length ? a->length : b->length;
            int order = memcmp(a->text, b->text, static_cast<size_t>(shorter));
            return order                   ? order
                   : a->length < b->length ? -1
                                           : a->length > b->length;
          });
    for (int64_t i = 0; i < count; ++i) {
      const Names::Name &name = names.list[i];
      place[name.number] = i;
      classes[i] =
          dataset.memory().text(name.text, static_cast<uint64_t>(name.length));
      if (!classes[i])
        return noMemory();
    }
    for (int64_t row = 0; row < rows; ++row)
      labels[row] = place[labels[row]];
    return add(options.label, BURNISH_INT64, labels, 0, classes, count);
  }
};

} // namespace

/// What is in no text of lines, and would only be said to lack columns.
static bool isText(const char *file, const char *start, uint64_t size,
                   Message &message) {
  if (size >= 2 &&
      (memcmp(start, "\xff\xfe", 2) == 0 || memcmp(start, "\xfe\xff", 2) == 0))
    return message.set("%s: is UTF-16, wanted is UTF-8", file);
  if (const void *zero = size ? memchr(start, 0, size) : nullptr)
    return message.set(
        "%s: is no text: its byte %lld is 0", file,
        static_cast<long long>(static_cast<const char *>(zero) - start));
  return size == 0 || memchr(start, '\n', size) || !memchr(start, '\r', size) ||
         message.set("%s: its lines end with CR alone, wanted is LF or CR LF",
                     file);
}

bool burnish::addCsv(Dataset &dataset, const Source &source, Message &message) {
  if (source.fileCount != 1)
    return message.set("csv: is one file, not %d", source.fileCount);
  const uint8_t *data;
  uint64_t size;
  char separator = source.options.separator;
  if (separator == '"' || separator == '\n' || separator == '\r')
    return message.set("%s: fields cannot be separated by a quote or a line's "
                       "end",
                       source.files[0]);
  // The text is needed only while its numbers are read.
  Storage text;
  if (!text.map(source.files[0], data, size, message))
    return false;
  const char *start = reinterpret_cast<const char *>(data);
  if (!isText(source.files[0], start, size, message))
    return false;
  // What some editors put before UTF-8.
  uint64_t mark = size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  Lines lines = {start + mark, start + size, separator};
  Csv csv(dataset, source, message);
  if (!csv.plan(lines) || !csv.count(lines) || !csv.allocate() ||
      !csv.read(lines))
    return false;
  if (csv.features && !csv.add(source.options.features, BURNISH_FLOAT,
                               csv.matrix, csv.features))
    return false;
  for (int64_t i = 0; i < csv.places.size(); ++i)
    if (Place &place = csv.places[i];
        place.isWanted && !csv.add(place.name, BURNISH_FLOAT, place.to, 0))
      return false;
  return !source.options.label || csv.addLabels();
}
