// Dataset.cpp - named columns of samples, from files of many kinds.
#include "Dataset.h"
#include "../tensor.h"
#include "../text.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

int64_t Column::elements() const { return elementCount(dims, rank); }

bool Dataset::add(const Source &source, Message &message) {
  switch (source.kind) {
  case SourceKind::Idx:
    return addIdx(*this, source, message);
  case SourceKind::Csv:
    return addCsv(*this, source, message);
  case SourceKind::Npy:
  case SourceKind::Npz:
    return addNumpy(*this, source, message);
  case SourceKind::SafeTensors:
    return addSafeTensors(*this, source, message);
  case SourceKind::Images:
    return addImages(*this, source, message);
  case SourceKind::Text:
    return addText(*this, source, message);
  }
  return message.set("a source is of no known kind");
}

const Column *Dataset::find(const char *name) const {
  for (int64_t i = 0; i < columns.size(); ++i)
    if (strcmp(columns[i].name, name) == 0)
      return &columns[i];
  return nullptr;
}

const Column *Dataset::get(const char *name, Message &message) const {
  if (const Column *column = find(name))
    return column;
  char known[400];
  Text text(known);
  for (int64_t i = 0; i < columns.size(); ++i)
    text << (i ? ", " : "") << columns[i].name;
  message.set("the data has no column '%.200s'; it has %s", name,
              columns.size() ? known : "none");
  return nullptr;
}

bool burnish::setShape(Column &column, int32_t type, const int64_t *dims,
                       int32_t rank, Message &message) {
  if (rank < 1 || rank - 1 > Column::kMaxRank)
    return message.set("%s: column '%.100s': %s has %d dims, a column has 1 to "
                       "%d, the first counts samples",
                       column.file, column.name,
                       ShapeText(typeName(type), dims, rank).text, rank,
                       Column::kMaxRank + 1);
  if (int64_t count = elementCount(dims, rank); count <= 0)
    return message.set("%s: column '%.100s': %s has %s", column.file,
                       column.name, ShapeText(typeName(type), dims, rank).text,
                       count < 0 ? "more elements than can be counted"
                                 : "no elements");
  column.type = type;
  column.rank = rank - 1;
  memcpy(column.dims, dims + 1,
         static_cast<size_t>(rank - 1) * sizeof(int64_t));
  column.rows = dims[0];
  column.bytes = column.pitch = column.elements() * burnish_type_size(type);
  return true;
}

//===- what values may be ---===//

static bool isKnownType(int32_t type) {
  switch (type) {
  case BURNISH_FLOAT:
  case BURNISH_UINT8:
  case BURNISH_INT8:
  case BURNISH_UINT16:
  case BURNISH_INT16:
  case BURNISH_INT32:
  case BURNISH_INT64:
  case BURNISH_BOOL:
  case BURNISH_FLOAT16:
  case BURNISH_DOUBLE:
  case BURNISH_UINT32:
  case BURNISH_UINT64:
  case BURNISH_BFLOAT16:
    return true;
  default:
    return false;
  }
}

/// The first of `count` words with all bits of the exponent set, or -1. Blocks
/// without one go by in a loop that vectorises.
template <typename T>
static int64_t firstNonFinite(const uint8_t *data, int64_t count, T exponent) {
  const T *words = reinterpret_cast<const T *>(data);
  constexpr int64_t kBlock = 1024;
  for (int64_t start = 0; start < count; start += kBlock) {
    int64_t end = start + kBlock < count ? start + kBlock : count;
    T isAny = 0;
    for (int64_t i = start; i < end; ++i)
      isAny |= static_cast<T>((words[i] & exponent) == exponent);
    for (int64_t i = start; isAny && i < end; ++i)
      if ((words[i] & exponent) == exponent)
        return i;
  }
  return -1;
}

static bool checkFinite(const Column &column, Message &message) {
  int64_t count = column.rows * column.elements(), bad = -1;
  if (column.type == BURNISH_FLOAT)
    bad = firstNonFinite<uint32_t>(column.data, count, 0x7f800000);
  else if (column.type == BURNISH_DOUBLE)
    bad = firstNonFinite<uint64_t>(column.data, count, 0x7ffull << 52);
  else if (column.type == BURNISH_FLOAT16)
    bad = firstNonFinite<uint16_t>(column.data, count, 0x7c00);
  else if (column.type == BURNISH_BFLOAT16)
    bad = firstNonFinite<uint16_t>(column.data, count, 0x7f80);
  if (bad < 0)
    return true;
  double value = valueAt(column.data, column.type, bad);
  return message.set("%s: row %" PRId64 ": column '%.100s': element %" PRId64
                     " is %s",
                     column.file, bad / column.elements(), column.name,
                     bad % column.elements(),
                     value != value ? "NaN"
                     : value > 0    ? "infinity"
                                    : "-infinity");
}

bool Dataset::append(const Column &column, const SourceOptions &options,
                     Message &message) {
  if (!isKnownType(column.type))
    return message.set("%s: column '%.100s': is of type %s, of which no batch "
                       "can be made",
                       column.file, column.name, typeName(column.type));
  if (const Column *same = find(column.name))
    return message.set("%s: column '%.100s': %s has a column of this name",
                       column.file, column.name, same->file);
  if (columns.size() && columns[0].rows != column.rows)
    return message.set("%s: column '%.100s': has %" PRId64
                       " rows, and '%.100s' of %s has %" PRId64,
                       column.file, column.name, column.rows, columns[0].name,
                       columns[0].file, columns[0].rows);
  if (!options.allowNonFinite && !checkFinite(column, message))
    return false;
  return columns.push(column) || message.set("%s: no memory", column.file);
}

//===- labels ---===//

int64_t burnish::labelAt(const Column &column, int64_t row, int64_t place) {
  const uint8_t *at = column.row(row) + place * burnish_type_size(column.type);
  switch (column.type) {
  case BURNISH_BOOL:
  case BURNISH_UINT8:
    return *at;
  case BURNISH_INT8:
    return static_cast<int8_t>(*at);
  case BURNISH_UINT16:
    return *reinterpret_cast<const uint16_t *>(at);
  case BURNISH_INT16:
    return *reinterpret_cast<const int16_t *>(at);
  case BURNISH_UINT32:
    return *reinterpret_cast<const uint32_t *>(at);
  case BURNISH_INT32:
    return *reinterpret_cast<const int32_t *>(at);
  default: // those of uint64 past int64 become negative, which no label is
    return *reinterpret_cast<const int64_t *>(at);
  }
}

static bool isFloat(const Column &column) {
  return column.type == BURNISH_FLOAT || column.type == BURNISH_DOUBLE ||
         column.type == BURNISH_FLOAT16 || column.type == BURNISH_BFLOAT16;
}

static bool areLabels(const Column &column, bool isOne, Message &message) {
  return (!isFloat(column) && (!isOne || column.elements() == 1)) ||
         message.set(
             "%s: column '%.100s': a label is %s, this is %s", column.file,
             column.name,
             isOne || column.rank == 0 ? "one integer a sample" : "an integer",
             ShapeText(typeName(column.type), column.dims, column.rank).text);
}

bool burnish::checkLabels(const Column &column, int64_t classes,
                          Message &message) {
  if (!areLabels(column, /*isOne=*/false, message))
    return false;
  if (column.classes && column.classCount > classes)
    return message.set("%s: column '%.100s': has %" PRId64
                       " classes ('%.60s' is the last), %" PRId64
                       " are told apart",
                       column.file, column.name, column.classCount,
                       column.classes[column.classCount - 1], classes);
  return checkRange(column, classes, message);
}

bool burnish::checkRange(const Column &column, int64_t limit,
                         Message &message) {
  int64_t size = burnish_type_size(column.type);
  for (int64_t row = 0; row < column.rows; ++row) {
    // Where windows overlap, the rest is looked at with the next one.
    bool isCovered = column.pitch < column.bytes && row + 1 < column.rows;
    int64_t count = (isCovered ? column.pitch : column.bytes) / size;
    for (int64_t place = 0; place < count; ++place) {
      if (isFloat(column)) {
        double value = valueAt(column.row(row), column.type, place);
        if (!(value >= 0 && value < static_cast<double>(limit)))
          return message.set("%s: row %" PRId64
                             ": column '%.100s': %.10g is outside of 0 to "
                             "%" PRId64,
                             column.file, row, column.name, value, limit - 1);
      } else if (int64_t label = labelAt(column, row, place);
                 label < 0 || label >= limit) {
        return message.set("%s: row %" PRId64 ": column '%.100s': %" PRId64
                           " is outside of 0 to %" PRId64,
                           column.file, row, column.name, label, limit - 1);
      }
    }
  }
  return true;
}

int64_t burnish::countClasses(const Column &column, Message &message) {
  // More classes than that are no classes; and memory is taken for each.
  constexpr int64_t kMost = 1 << 20;
  if (!areLabels(column, /*isOne=*/true, message))
    return -1;
  int64_t most = column.classCount - 1;
  if (!column.classes)
    for (int64_t row = 0; row < column.rows; ++row)
      if (int64_t label = labelAt(column, row); label > most)
        most = label < kMost ? label : kMost - 1;
  return checkLabels(column, most + 1, message) ? most + 1 : -1;
}
