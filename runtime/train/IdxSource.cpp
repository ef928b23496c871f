// IdxSource.cpp - the files of MNIST: a type, dims, and values big end first.
#include "../npy.h"
#include "../tensor.h"
#include "Dataset.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

static uint32_t bigEndian(const uint8_t *at) {
  return static_cast<uint32_t>(at[0]) << 24 |
         static_cast<uint32_t>(at[1]) << 16 |
         static_cast<uint32_t>(at[2]) << 8 | at[3];
}
static uint32_t littleEndian(const uint8_t *at) {
  return static_cast<uint32_t>(at[3]) << 24 |
         static_cast<uint32_t>(at[2]) << 16 |
         static_cast<uint32_t>(at[1]) << 8 | at[0];
}

static constexpr uint64_t kMaxHeader = 4 + 4 * (Column::kMaxRank + 1);

static bool parseHeader(Column &column, const uint8_t *start,
                        uint64_t available, uint64_t &headerBytes,
                        Message &message) {
  static constexpr int32_t kTypes[] = {
      BURNISH_UINT8, BURNISH_INT8,  0, BURNISH_INT16, BURNISH_INT32,
      BURNISH_FLOAT, BURNISH_DOUBLE};
  if (available < 4 || start[0] || start[1] || start[2] < 8 || start[2] > 14 ||
      !kTypes[start[2] - 8])
    return message.set("%s: is no idx file", column.file);
  int32_t rank = start[3];
  headerBytes = 4 + 4 * static_cast<uint64_t>(rank);
  if (rank < 1 || rank > Column::kMaxRank + 1)
    return message.set(
        "%s: has %d dims, a column has 1 to %d, the first counts "
        "samples",
        column.file, rank, Column::kMaxRank + 1);
  if (available < headerBytes)
    return message.set("%s: ends within its header", column.file);
  int64_t dims[Column::kMaxRank + 1];
  for (int32_t i = 0; i < rank; ++i)
    dims[i] = bigEndian(start + 4 + 4 * i);
  return setShape(column, kTypes[start[2] - 8], dims, rank, message);
}

static bool checkSize(const Column &column, uint64_t size, bool isPacked,
                      Message &message) {
  uint64_t wanted =
      static_cast<uint64_t>(column.rows) * static_cast<uint64_t>(column.bytes);
  // Deflate makes at most 1032 bytes out of one.
  return (isPacked ? wanted / 1032 <= size : wanted == size) ||
         message.set("%s: has %" PRIu64 " bytes of %sdata, %" PRId64
                     " rows of %" PRId64 " bytes take %" PRIu64,
                     column.file, size, isPacked ? "compressed " : "",
                     column.rows, column.bytes, wanted);
}

/// Copies values and puts their bytes into this machine's order.
static void swap(const uint8_t *from, uint8_t *to, int64_t bytes, int width) {
  for (int64_t i = 0; i < bytes; i += width)
    for (int byte = 0; byte < width; ++byte)
      to[i + byte] = from[i + width - 1 - byte];
}

/// Where the compressed data of a gzip file begins; 0 if it is none.
static uint64_t skipGzipHeader(const uint8_t *data, uint64_t size) {
  constexpr uint64_t kFixed = 10, kTrailer = 8;
  if (size < kFixed + kTrailer || data[2] != 8)
    return 0;
  uint64_t at = kFixed, end = size - kTrailer;
  int flags = data[3];
  if (flags & 4) {
    if (at + 2 > end)
      return 0;
    at += 2 + (data[at] | static_cast<uint64_t>(data[at + 1]) << 8);
  }
  for (int flag = 8; flag <= 16; flag *= 2) { // a name, a comment
    if (!(flags & flag))
      continue;
    while (at < end && data[at])
      ++at;
    ++at;
  }
  at += flags & 2 ? 2 : 0;
  return at <= end ? at : 0;
}

static bool readGzip(Storage &storage, Column &column, const uint8_t *data,
                     uint64_t size, Message &message) {
  uint64_t begin = skipGzipHeader(data, size);
  if (!begin)
    return message.set("%s: has a damaged gzip header", column.file);
  InputFile file;
  if (!file.openAgain(column.file, size, message))
    return false;
  NpyBytes packed;
  packed.file = &file;
  packed.offset = begin;
  packed.packedSize = size - 8 - begin;
  packed.isDeflated = packed.hasCrc = true;
  packed.crc = littleEndian(data + size - 8);
  packed.size = kMaxHeader;
  uint8_t start[kMaxHeader];
  uint64_t got = 0, headerBytes;
  if (!packed.readStart(start, kMaxHeader, got, column.file, message) ||
      !parseHeader(column, start, got, headerBytes, message) ||
      !checkSize(column, packed.packedSize, true, message))
    return false;
  packed.size = headerBytes + static_cast<uint64_t>(column.rows) *
                                  static_cast<uint64_t>(column.bytes);
  // So that the values lie at a multiple of 64.
  uint64_t padding = 64 - headerBytes % 64;
  uint8_t *to = static_cast<uint8_t *>(storage.take(padding + packed.size));
  if (!to)
    return message.set("%s: no memory for its %" PRIu64 " bytes", column.file,
                       packed.size);
  if (!packed.readAll(to + padding, column.file, message))
    return false;
  if (littleEndian(data + size - 4) != static_cast<uint32_t>(packed.size))
    return message.set("%s: holds %" PRIu64 " bytes, its end says %" PRIu32,
                       column.file, packed.size, littleEndian(data + size - 4));
  uint8_t *values = to + padding + headerBytes;
  int width = static_cast<int>(burnish_type_size(column.type));
  for (int64_t i = 0; width > 1 && i < column.rows * column.bytes; i += width)
    for (int low = 0, high = width - 1; low < high; ++low, --high) {
      uint8_t byte = values[i + low];
      values[i + low] = values[i + high];
      values[i + high] = byte;
    }
  column.data = values;
  return true;
}

bool burnish::addIdx(Dataset &dataset, const Source &source, Message &message) {
  if (source.fileCount != source.columnCount || source.fileCount < 1)
    return message.set("idx: %d files for %d columns, each has one",
                       source.fileCount, source.columnCount);
  for (int32_t i = 0; i < source.fileCount; ++i) {
    Column column = {};
    column.name = source.columns[i];
    column.file = source.files[i];
    const uint8_t *data;
    uint64_t size, headerBytes;
    if (!dataset.memory().map(column.file, data, size, message))
      return false;
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
      if (!readGzip(dataset.memory(), column, data, size, message))
        return false;
    } else {
      if (!parseHeader(column, data, size, headerBytes, message) ||
          !checkSize(column, size - headerBytes, false, message))
        return false;
      column.data = data + headerBytes;
      if (int width = static_cast<int>(burnish_type_size(column.type));
          width > 1) {
        int64_t bytes = column.rows * column.bytes;
        uint8_t *to = static_cast<uint8_t *>(
            dataset.memory().take(static_cast<uint64_t>(bytes)));
        if (!to)
          return message.set("%s: no memory for its %" PRId64 " bytes",
                             column.file, bytes);
        swap(column.data, to, bytes, width);
        column.data = to;
      }
    }
    if (!dataset.append(column, source.options, message))
      return false;
  }
  return true;
}
