// Weights.cpp - params and statistics as a file of safetensors: the length of a
// header, the header as JSON, then the tensors one after the other.
#include "runtime/train/Weights.h"
#include "file.h"
#include "tensor.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

namespace {
struct TypeName {
  int32_t type;
  const char *name;
};
constexpr TypeName kTypes[] = {
    {BURNISH_FLOAT, "F32"},   {BURNISH_DOUBLE, "F64"},
    {BURNISH_FLOAT16, "F16"}, {BURNISH_BFLOAT16, "BF16"},
    {BURNISH_INT64, "I64"},   {BURNISH_INT32, "I32"},
    {BURNISH_INT16, "I16"},   {BURNISH_INT8, "I8"},
    {BURNISH_UINT8, "U8"},    {BURNISH_BOOL, "BOOL"},
    {BURNISH_UINT16, "U16"},  {BURNISH_UINT32, "U32"},
    {BURNISH_UINT64, "U64"}};

/// A text that grows.
struct Json {
  Pages pages;
  uint64_t used = 0;
  bool isWhole = true;

  void put(const char *text, size_t length) {
    if (used + length + 1 > pages.size()) {
      Pages larger;
      isWhole &= larger.allocate((used + length + 1) * 2 + 4096);
      if (!isWhole)
        return;
      if (used)
        memcpy(larger.data(), pages.data(), used);
      pages.swap(larger);
    }
    memcpy(pages.data() + used, text, length);
    used += length;
  }
  void put(const char *text) { put(text, strlen(text)); }
  void quoted(const char *text) {
    put("\"");
    for (; *text; ++text) {
      char escape[8];
      if (*text == '"' || *text == '\\' ||
          static_cast<unsigned char>(*text) < ' ') {
        snprintf(escape, sizeof escape, "\\u%04x", *text);
        put(escape);
      } else {
        put(text, 1);
      }
    }
    put("\"");
  }
};
} // namespace

static bool isSaved(const burnish_slot &slot) {
  return slot.kind == BURNISH_PARAM || slot.kind == BURNISH_STATISTIC;
}

static const burnish_slot &averageOf(const burnish_training &training,
                                     int32_t param) {
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (training.slots[i].kind == BURNISH_AVERAGE &&
        training.slots[i].of == param)
      return training.slots[i];
  return training.slots[param];
}

static const char *typeOf(int32_t type) {
  for (const TypeName &each : kTypes)
    if (each.type == type)
      return each.name;
  return nullptr;
}

bool burnish::saveWeights(const burnish_training &training, const void *state,
                          const char *path, Message &message) {
  Json header;
  int64_t offset = 0;
  header.put("{");
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (!isSaved(slot))
      continue;
    char text[96];
    header.put(offset || header.used > 1 ? "," : "");
    header.quoted(slot.path);
    if (!typeOf(slot.type))
      return message.set("'%s': %s has no name in safetensors", slot.path,
                         typeName(slot.type));
    snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[",
             typeOf(slot.type));
    header.put(text);
    for (int32_t axis = 0; axis < slot.rank; ++axis) {
      snprintf(text, sizeof text, "%s%" PRId64, axis ? "," : "",
               slot.dims[axis]);
      header.put(text);
    }
    snprintf(text, sizeof text, "],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}",
             offset, offset + slot.bytes);
    header.put(text);
    offset += slot.bytes;
  }
  header.put("}");
  while (header.used % 8 != 0)
    header.put(" ");
  if (!header.isWhole)
    return message.set("%s: no memory for the header", path);
  OutputFile file;
  if (!file.open(path, message) ||
      !file.write(&header.used, sizeof header.used, message) ||
      !file.write(header.pages.data(), header.used, message))
    return false;
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (isSaved(training.slots[i]) &&
        !file.write(static_cast<const char *>(state) +
                        averageOf(training, i).offset,
                    static_cast<uint64_t>(training.slots[i].bytes), message))
      return false;
  return file.sync(message) && file.commit(message);
}

//===- reading ------------------------------------------------------------===//

namespace {
/// Reads the JSON of a header, which is not believed: each method is false
/// where something else stands.
struct Scanner {
  const char *at, *end;

  void skip() {
    while (at < end &&
           (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
  }
  bool take(char c) {
    skip();
    if (at == end || *at != c)
      return false;
    ++at;
    return true;
  }
  /// Cut to its room, which then is no name that anything has.
  bool text(char *to, size_t room) {
    size_t length = 0;
    if (!take('"'))
      return false;
    for (; at < end && *at != '"'; ++at) {
      char c = *at;
      if (c == '\\') {
        if (++at == end)
          return false;
        c = *at;
        if (c == 'u') {
          char digits[5] = "";
          if (end - at < 5)
            return false;
          memcpy(digits, at + 1, 4);
          c = static_cast<char>(strtol(digits, nullptr, 16));
          at += 4;
        }
      }
      if (length + 1 < room)
        to[length++] = c;
    }
    to[length] = 0;
    return take('"');
  }
  bool number(int64_t &value) {
    skip();
    value = 0;
    const char *start = at;
    for (; at < end && *at >= '0' && *at <= '9'; ++at)
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, *at - '0', &value))
        return false;
    return at != start;
  }
};

struct Stored {
  char name[512], dtype[16];
  int64_t dims[16], begin, finish;
  int32_t rank;
};
} // namespace

static bool scanTensor(Scanner &json, Stored &tensor) {
  if (!json.take(':') || !json.take('{'))
    return false;
  int seen = 0;
  do {
    char key[32];
    if (!json.text(key, sizeof key) || !json.take(':'))
      return false;
    if (strcmp(key, "dtype") == 0) {
      if (!json.text(tensor.dtype, sizeof tensor.dtype))
        return false;
      seen |= 1;
    } else if (strcmp(key, "shape") == 0) {
      if (!json.take('['))
        return false;
      for (tensor.rank = 0; !json.take(']'); ++tensor.rank)
        if (tensor.rank == 16 || (tensor.rank > 0 && !json.take(',')) ||
            !json.number(tensor.dims[tensor.rank]))
          return false;
      seen |= 2;
    } else if (strcmp(key, "data_offsets") == 0) {
      if (!json.take('[') || !json.number(tensor.begin) || !json.take(',') ||
          !json.number(tensor.finish) || !json.take(']'))
        return false;
      seen |= 4;
    } else {
      return false;
    }
  } while (json.take(','));
  return seen == 7 && json.take('}');
}

static bool skipMetadata(Scanner &json) {
  char word[4];
  if (!json.take(':') || !json.take('{'))
    return false;
  if (json.take('}'))
    return true;
  do
    if (!json.text(word, sizeof word) || !json.take(':') ||
        !json.text(word, sizeof word))
      return false;
  while (json.take(','));
  return json.take('}');
}

static bool readInto(const burnish_training &training, void *state,
                     const InputFile &file, const Stored &tensor,
                     uint64_t start, bool *isRead, Message &message) {
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (!isSaved(slot) || strcmp(slot.path, tensor.name) != 0)
      continue;
    bool isSame = tensor.rank == slot.rank && typeOf(slot.type) &&
                  strcmp(tensor.dtype, typeOf(slot.type)) == 0;
    for (int32_t axis = 0; isSame && axis < slot.rank; ++axis)
      isSame = tensor.dims[axis] == slot.dims[axis];
    if (!isSame)
      return message.set(
          "%s: '%s' is %s, and the network wants %s", file.path(), slot.path,
          ShapeText(tensor.dtype, tensor.dims, tensor.rank).text,
          ShapeText(typeOf(slot.type), slot.dims, slot.rank).text);
    if (tensor.finish - tensor.begin != slot.bytes ||
        static_cast<uint64_t>(tensor.finish) > file.size() - start)
      return message.set("%s: '%s' lies from %" PRId64 " to %" PRId64
                         ", which does not fit",
                         file.path(), slot.path, tensor.begin, tensor.finish);
    isRead[i] = true;
    char *base = static_cast<char *>(state);
    if (!file.read(start + static_cast<uint64_t>(tensor.begin),
                   base + slot.offset, static_cast<uint64_t>(slot.bytes),
                   message))
      return false;
    // Averages begin with what they are of.
    if (const burnish_slot &average = averageOf(training, i);
        average.offset != slot.offset)
      memcpy(base + average.offset, base + slot.offset,
             static_cast<size_t>(slot.bytes));
    return true;
  }
  return message.set("%s: '%s' is no param of the network", file.path(),
                     tensor.name);
}

bool burnish::loadWeights(const burnish_training &training, void *state,
                          const char *path, Message &message) {
  InputFile file;
  uint64_t length = 0;
  Pages header;
  if (!file.open(path, message))
    return false;
  if (file.size() < 8)
    return message.set("%s: is no file of safetensors", path);
  if (!file.read(0, &length, 8, message))
    return false;
  if (length < 2 || length > file.size() - 8)
    return message.set("%s: is no file of safetensors: its header has %" PRIu64
                       " bytes and the file %" PRIu64,
                       path, length, file.size());
  Array<bool> isRead(training.slot_count);
  if (!header.allocate(length) || !isRead.isValid())
    return message.set("%s: no memory for its header", path);
  if (!file.read(8, header.data(), length, message))
    return false;
  const char *text = reinterpret_cast<const char *>(header.data());
  Scanner json = {text, text + length};
  bool isSound = json.take('{');
  if (isSound && !json.take('}')) {
    do {
      Stored tensor;
      isSound = json.text(tensor.name, sizeof tensor.name);
      if (isSound && strcmp(tensor.name, "__metadata__") == 0) {
        isSound = skipMetadata(json);
        continue;
      }
      isSound = isSound && scanTensor(json, tensor);
      if (isSound && !readInto(training, state, file, tensor, 8 + length,
                               isRead.data(), message))
        return false;
    } while (isSound && json.take(','));
    isSound = isSound && json.take('}');
  }
  if (!isSound)
    return message.set("%s: its header is damaged at byte %lld", path,
                       static_cast<long long>(json.at - text + 8));
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (isSaved(training.slots[i]) && !isRead[i])
      return message.set("%s: '%s' is missing", path, training.slots[i].path);
  return true;
}
