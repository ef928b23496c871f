// Batches.cpp - takes samples batch by batch, in an order that can be resumed.
#include "Batches.h"
#include "../tensor.h"
#include "Random.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

bool Batches::open(const Indices &from, const BatchOptions &how,
                   Message &message) {
  indices = from;
  options = how;
  if (options.size < 1 || options.size > INT64_MAX / 16)
    return message.set("batches of %" PRId64 " samples are not possible",
                       options.size);
  batchCount = indices.count / options.size +
               (options.padLast && indices.count % options.size != 0);
  if (batchCount == 0)
    return message.set("%" PRId64 " samples make no batch of %" PRId64,
                       indices.count, options.size);
  order = static_cast<int64_t *>(
      storage.take(static_cast<uint64_t>(indices.count) * sizeof(int64_t)));
  current = static_cast<int64_t *>(
      storage.take(static_cast<uint64_t>(options.size) * sizeof(int64_t)));
  if (!order || !current)
    return message.set("no memory for an order of %" PRId64 " samples",
                       indices.count);
  atEpoch = 0, atBatch = usedRows = 0, orderedEpoch = UINT64_MAX;
  return true;
}

bool Batches::seek(uint64_t epoch, int64_t batch, Message &message) {
  if (batch < 0 || batch > batchCount)
    return message.set("epoch %" PRIu64 ", batch %" PRId64
                       ": an epoch has %" PRId64 " batches",
                       epoch, batch, batchCount);
  atEpoch = epoch;
  atBatch = batch;
  return true;
}

bool Batches::next() {
  if (atBatch >= batchCount) {
    ++atEpoch;
    atBatch = 0;
    return false;
  }
  if (orderedEpoch != atEpoch) {
    memcpy(order, indices.rows,
           static_cast<size_t>(indices.count) * sizeof(int64_t));
    if (options.shuffle)
      shuffle(order, indices.count, options.seed, atEpoch);
    orderedEpoch = atEpoch;
  }
  int64_t first = atBatch++ * options.size, left = indices.count - first;
  usedRows = left < options.size ? left : options.size;
  for (int64_t i = 0; i < options.size; ++i)
    current[i] = order[first + (i < usedRows ? i : 0)];
  return true;
}

void Batches::mask(float *to) const {
  for (int64_t i = 0; i < options.size; ++i)
    to[i] = i < usedRows ? 1.0f : 0.0f;
}

//===- conversion ---===//

/// The bits of a double as a float of 16 bits, to the nearest and ties to even.
static uint16_t narrow(double value, int mantissaBits, int bias,
                       int maxExponent) {
  uint64_t bits = __builtin_bit_cast(uint64_t, value);
  uint32_t sign = static_cast<uint32_t>(bits >> 63) << 15;
  int exponent = static_cast<int>(bits >> 52 & 2047) - 1023 + bias;
  uint64_t mantissa = bits & ((1ull << 52) - 1);
  uint32_t infinity = static_cast<uint32_t>(maxExponent) << mantissaBits;
  if (value != value)
    return static_cast<uint16_t>(sign | infinity | 1u << (mantissaBits - 1));
  if (exponent >= maxExponent)
    return static_cast<uint16_t>(sign | infinity);
  int dropped = 52 - mantissaBits;
  if (exponent <= 0) { // subnormal: the leading 1 is written out
    mantissa |= 1ull << 52;
    dropped += 1 - exponent;
    exponent = 0;
    if (dropped > 54)
      return static_cast<uint16_t>(sign);
  }
  uint64_t kept = mantissa >> dropped,
           lost = mantissa & ((1ull << dropped) - 1),
           half = 1ull << (dropped - 1);
  kept += static_cast<uint64_t>(exponent) << mantissaBits;
  // A carry goes on into the exponent, up to infinity.
  kept += lost > half || (lost == half && (kept & 1));
  return static_cast<uint16_t>(sign | static_cast<uint32_t>(kept));
}

template <typename To>
static bool storeInteger(uint8_t *to, double value, double low, double high) {
  if (!(value >= low && value < high) ||
      value != static_cast<double>(static_cast<int64_t>(value)))
    return false;
  To stored = static_cast<To>(value);
  memcpy(to, &stored, sizeof stored);
  return true;
}

static bool isFinite(double value) { return value - value == 0; }

// Halfway from the largest float to what would be the next: from here on a
// double is rounded to infinity.
static constexpr double kBeyondFloat = 0x1.ffffffp127;

/// False where the type has no such number.
static bool store(uint8_t *to, int32_t type, double value) {
  switch (type) {
  case BURNISH_FLOAT: {
    if (isFinite(value) && !(__builtin_fabs(value) < kBeyondFloat))
      return false;
    float stored = static_cast<float>(value);
    memcpy(to, &stored, sizeof stored);
    return true;
  }
  case BURNISH_DOUBLE:
    memcpy(to, &value, sizeof value);
    return true;
  case BURNISH_FLOAT16:
  case BURNISH_BFLOAT16: {
    uint16_t stored = type == BURNISH_FLOAT16 ? narrow(value, 10, 15, 31)
                                              : narrow(value, 7, 127, 255);
    memcpy(to, &stored, sizeof stored);
    uint32_t infinity = type == BURNISH_FLOAT16 ? 0x7c00 : 0x7f80;
    return !isFinite(value) || (stored & infinity) != infinity;
  }
  case BURNISH_INT32:
    return storeInteger<int32_t>(to, value, -0x1p31, 0x1p31);
  case BURNISH_INT64:
    return storeInteger<int64_t>(to, value, -0x1p53, 0x1p53);
  case BURNISH_UINT8:
    return storeInteger<uint8_t>(to, value, 0, 256);
  default:
    return storeInteger<uint8_t>(to, value, 0, 2);
  }
}

/// Whether a batch may have this type; and how many bytes an element takes.
static int64_t batchTypeSize(int32_t type) {
  switch (type) {
  case BURNISH_FLOAT:
  case BURNISH_DOUBLE:
  case BURNISH_FLOAT16:
  case BURNISH_BFLOAT16:
  case BURNISH_INT32:
  case BURNISH_INT64:
  case BURNISH_UINT8:
  case BURNISH_BOOL:
    return burnish_type_size(type);
  default:
    return 0;
  }
}

/// Copies a row of a common pair of types; the compiler vectorises it.
template <typename From, typename To>
static void widen(uint8_t *to, const uint8_t *from, int64_t count) {
  const From *source = reinterpret_cast<const From *>(from);
  To *target = reinterpret_cast<To *>(to);
  for (int64_t i = 0; i < count; ++i)
    target[i] = static_cast<To>(source[i]);
}
using WidenRow = void (*)(uint8_t *, const uint8_t *, int64_t);

/// Pairs in which every value of the one is one of the other, or is rounded.
static WidenRow widenRow(int32_t from, int32_t to) {
  bool isByte = from == BURNISH_UINT8 || from == BURNISH_BOOL;
  if (isByte && to == BURNISH_FLOAT)
    return widen<uint8_t, float>;
  if (isByte && to == BURNISH_INT32)
    return widen<uint8_t, int32_t>;
  if (isByte && to == BURNISH_INT64)
    return widen<uint8_t, int64_t>;
  if (from == BURNISH_INT32 && to == BURNISH_INT64)
    return widen<int32_t, int64_t>;
  if (from == BURNISH_INT32 && to == BURNISH_FLOAT)
    return widen<int32_t, float>;
  if (from == BURNISH_INT64 && to == BURNISH_FLOAT)
    return widen<int64_t, float>;
  if (from == BURNISH_DOUBLE && to == BURNISH_FLOAT)
    return widen<double, float>;
  return nullptr;
}

static bool refuse(const Column &column, int64_t row, double value,
                   int32_t type, Message &message) {
  // From 2^53 on a double may not be what stood there: refused for int64.
  return message.set("%s: row %" PRId64 ": column '%.100s': %.10g is no %s",
                     column.file, row, column.name, value, typeName(type));
}

bool burnish::checkConversion(const Column &column, int32_t type,
                              Message &message) {
  if (!batchTypeSize(type))
    return message.set("column '%.100s': no batch can be of type %s",
                       column.name, typeName(type));
  if (column.type == type ||
      (column.type != BURNISH_DOUBLE && widenRow(column.type, type)))
    return true;
  uint8_t scratch[8];
  int64_t count = column.elements();
  for (int64_t row = 0; row < column.rows; ++row)
    for (int64_t k = 0; k < count; ++k)
      if (double value = valueAt(column.row(row), column.type, k);
          !store(scratch, type, value))
        return refuse(column, row, value, type, message);
  return true;
}

bool Batches::gather(const Column &column, int32_t type, void *buffer,
                     Message &message) const {
  int64_t size = batchTypeSize(type), count = column.elements(),
          rowBytes = count * size;
  if (!size)
    return message.set("column '%.100s': no batch can be of type %s",
                       column.name, typeName(type));
  uint8_t *to = static_cast<uint8_t *>(buffer);
  WidenRow convert = widenRow(column.type, type);
  for (int64_t i = 0; i < options.size; ++i, to += rowBytes) {
    int64_t row = current[i];
    if (row < 0 || row >= column.rows)
      return message.set("column '%.100s': there is no row %" PRId64
                         " in %" PRId64,
                         column.name, row, column.rows);
    const uint8_t *from = column.row(row);
    if (column.type == type) {
      memcpy(to, from, static_cast<size_t>(rowBytes));
    } else if (convert) {
      convert(to, from, count);
    } else {
      for (int64_t k = 0; k < count; ++k) {
        double value = valueAt(from, column.type, k);
        if (!store(to + k * size, type, value))
          return refuse(column, row, value, type, message);
      }
    }
  }
  return true;
}
