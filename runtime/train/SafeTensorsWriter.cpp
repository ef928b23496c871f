// SafeTensorsWriter.cpp - writes files of named tensors.
#include "../tensor.h"
#include "SafeTensors.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

bool SafeTensorsWriter::add(const char *tensor, int32_t type,
                            const int64_t *dims, int32_t rank, const void *data,
                            Message &message) {
  int64_t count = elementCount(dims, rank);
  if (!safeTensorsType(type) || rank > SafeTensor::kMaxRank || count < 0 ||
      strcmp(tensor, "__metadata__") == 0)
    return message.set("tensor '%.200s': %s cannot be in a safetensors file",
                       tensor, ShapeText(typeName(type), dims, rank).text);
  uint64_t dimBytes = static_cast<uint64_t>(rank) * sizeof(int64_t);
  int64_t *kept = static_cast<int64_t *>(storage.take(dimBytes));
  const char *name = storage.text(tensor, strlen(tensor));
  if (!kept || !name)
    return message.set("tensor '%.200s': no memory", tensor);
  if (rank)
    memcpy(kept, dims, dimBytes);
  SafeTensor made = {};
  made.name = name;
  made.type = type;
  made.rank = rank;
  made.dims = kept;
  made.data = static_cast<const uint8_t *>(data);
  made.bytes = static_cast<uint64_t>(count * burnish_type_size(type));
  return tensors.push(made) ||
         message.set("tensor '%.200s': no memory", tensor);
}

bool SafeTensorsWriter::addMetadata(const char *key, const char *value,
                                    Message &message) {
  if (strncmp(key, ContentsSum::kOfTensor, 7) == 0 ||
      strcmp(key, ContentsSum::kKey) == 0)
    return message.set("metadata '%.200s': such keys are for checksums", key);
  const char *keptKey = storage.text(key, strlen(key)),
             *keptValue = storage.text(value, strlen(value));
  return (keptKey && keptValue && entries.push({keptKey, keptValue})) ||
         message.set("metadata '%.200s': no memory", key);
}

namespace {
/// The header, which must be known whole before its length is written.
struct Json {
  List<char> text;
  bool isWhole = true;

  Json &operator<<(const char *part) {
    for (; *part; ++part)
      isWhole = isWhole && text.push(*part);
    return *this;
  }
  Json &operator<<(uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    return *this << digits;
  }
  Json &quote(const char *part) {
    *this << "\"";
    for (; *part; ++part) {
      char c[8] = {*part, 0};
      if (*part == '"' || *part == '\\')
        c[0] = '\\', c[1] = *part;
      else if (static_cast<unsigned char>(*part) < ' ')
        snprintf(c, sizeof c, "\\u%04x", static_cast<unsigned>(*part));
      *this << c;
    }
    return *this << "\"";
  }
};
} // namespace

/// Sorts names and refuses one that is there twice.
template <typename T, typename Name>
static const char *sortBy(List<T> &list, Name name) {
  if (list.size() < 2)
    return nullptr;
  qsort(list.data(), static_cast<size_t>(list.size()), sizeof(T),
        [](const void *a, const void *b) {
          return strcmp(Name()(*static_cast<const T *>(a)),
                        Name()(*static_cast<const T *>(b)));
        });
  for (int64_t i = 1; i < list.size(); ++i)
    if (strcmp(name(list[i - 1]), name(list[i])) == 0)
      return name(list[i]);
  return nullptr;
}

bool SafeTensorsWriter::write(const char *path, Message &message) {
  if (const char *twice =
          sortBy(tensors, [](const SafeTensor &t) { return t.name; }))
    return message.set("%s: tensor '%.200s': is there twice", path, twice);
  List<MetadataEntry> metadata;
  bool isWhole = true;
  for (int64_t i = 0; i < entries.size(); ++i)
    isWhole = isWhole && metadata.push(entries[i]);
  for (int64_t i = 0; i < tensors.size(); ++i) {
    const SafeTensor &tensor = tensors[i];
    uint64_t length = strlen(tensor.name) + 8;
    char *key = static_cast<char *>(storage.take(length)),
         *value = static_cast<char *>(storage.take(9));
    if (!key || !value)
      return message.set("%s: no memory for its header", path);
    snprintf(key, length, "%s%s", ContentsSum::kOfTensor, tensor.name);
    snprintf(value, 9, "%08x", crc32c(0, tensor.data, tensor.bytes));
    isWhole = isWhole && metadata.push({key, value});
  }
  auto byKey = [](const MetadataEntry &entry) { return entry.key; };
  if (const char *twice = sortBy(metadata, byKey))
    return message.set("%s: metadata '%.200s': is there twice", path, twice);
  char sum[9];
  snprintf(sum, sizeof sum, "%08x", sumOfContents(tensors, metadata));
  isWhole = isWhole && metadata.push({ContentsSum::kKey, sum});
  sortBy(metadata, byKey);

  Json json;
  json << "{";
  const char *separator = "";
  if (metadata.size()) {
    json << "\"__metadata__\":{";
    for (int64_t i = 0; i < metadata.size(); ++i) {
      json << (i ? "," : "");
      json.quote(metadata[i].key) << ":";
      json.quote(metadata[i].value);
    }
    json << "}";
    separator = ",";
  }
  uint64_t offset = 0;
  for (int64_t i = 0; i < tensors.size(); ++i, separator = ",") {
    const SafeTensor &tensor = tensors[i];
    json << separator;
    json.quote(tensor.name)
        << ":{\"dtype\":\"" << safeTensorsType(tensor.type) << "\",\"shape\":[";
    for (int32_t axis = 0; axis < tensor.rank; ++axis)
      json << (axis ? "," : "") << static_cast<uint64_t>(tensor.dims[axis]);
    json << "],\"data_offsets\":[" << offset << ",";
    offset += tensor.bytes;
    json << offset << "]}";
  }
  json << "}";
  // The data begins at a multiple of 64, so that a mapped file is aligned.
  while (json.isWhole && (json.text.size() + 8) % 64 != 0)
    json << " ";
  if (!isWhole || !json.isWhole)
    return message.set("%s: no memory for its header", path);

  OutputFile file;
  uint8_t length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = static_cast<uint8_t>(json.text.size() >> 8 * i);
  if (!file.open(path, message, /*isOneName=*/true) ||
      !file.write(length, 8, message) ||
      !file.write(json.text.data(), static_cast<uint64_t>(json.text.size()),
                  message))
    return false;
  for (int64_t i = 0; i < tensors.size(); ++i)
    if (!file.write(tensors[i].data, tensors[i].bytes, message))
      return false;
  return file.commit(message, /*isDurable=*/true);
}
