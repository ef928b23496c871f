// SafeTensorsReader.cpp - reads files of named tensors.
#include "../tensor.h"
#include "../text.h"
#include "SafeTensors.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

namespace {
struct Kind {
  const char *name;
  int32_t type;
};
} // namespace
static constexpr Kind kKinds[] = {
    {"F32", BURNISH_FLOAT},
    {"F16", BURNISH_FLOAT16},
    {"BF16", BURNISH_BFLOAT16},
    {"F64", BURNISH_DOUBLE},
    {"I64", BURNISH_INT64},
    {"I32", BURNISH_INT32},
    {"I16", BURNISH_INT16},
    {"I8", BURNISH_INT8},
    {"U64", BURNISH_UINT64},
    {"U32", BURNISH_UINT32},
    {"U16", BURNISH_UINT16},
    {"U8", BURNISH_UINT8},
    {"BOOL", BURNISH_BOOL},
    {"F8_E5M2", BURNISH_FLOAT8E5M2},
    {"F8_E4M3", BURNISH_FLOAT8E4M3FN},
    {"F8_E8M0", BURNISH_FLOAT8E8M0},
    {"C64", BURNISH_COMPLEX64},
};

const char *burnish::safeTensorsType(int32_t type) {
  for (const Kind &kind : kKinds)
    if (kind.type == type)
      return kind.name;
  return nullptr;
}

// The format's own limit.
static constexpr uint64_t kMaxHeader = 100'000'000;

static uint64_t get64(const uint8_t *at) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i)
    value |= static_cast<uint64_t>(at[i]) << 8 * i;
  return value;
}

//===- the header ---===//

/// Reads the one shape of JSON there is in a header; it cannot nest.
struct burnish::SafeTensorsHeader : Scanner {
  SafeTensorsReader &reader;
  const char *start;
  const uint8_t *data;
  uint64_t dataBytes;
  Message &message;

  bool fail(const char *what) {
    return message.set("%s: header, byte %lld: %s", reader.name,
                       static_cast<long long>(next - start), what);
  }
  bool expect(char wanted) {
    char text[] = "'?' is missing";
    text[1] = wanted;
    return accept(wanted) || fail(text);
  }

  bool hex(uint32_t &value) {
    if (end - next < 4)
      return false;
    value = 0;
    for (int i = 0; i < 4; ++i) {
      char c = *next++;
      uint32_t digit =
          c >= '0' && c <= '9'   ? static_cast<uint32_t>(c - '0')
          : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
          : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                 : 16;
      if (digit == 16)
        return false;
      value = value << 4 | digit;
    }
    return true;
  }
  /// An escape, after its backslash, as UTF-8, which is never longer.
  bool escape(char *&to) {
    if (next == end)
      return false;
    char c = *next++;
    static constexpr char kFrom[] = "\"\\/bfnrt", kTo[] = "\"\\/\b\f\n\r\t";
    if (c != 'u') {
      const char *known = c ? strchr(kFrom, c) : nullptr;
      if (known)
        *to++ = kTo[known - kFrom];
      return known;
    }
    uint32_t code, low;
    if (!hex(code) || code == 0)
      return false;
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || end - next < 2 || *next++ != '\\' ||
          *next++ != 'u' || !hex(low) || low < 0xdc00 || low >= 0xe000)
        return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    auto put = [&](uint32_t byte) { *to++ = static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | code >> 6), put(0x80 | (code & 63));
    } else if (code < 0x10000) {
      put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    } else {
      put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 63));
      put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    }
    return true;
  }
  bool text(const char *&value) {
    if (!accept('"'))
      return fail("a text is missing");
    const char *last = next;
    while (last < end && *last != '"')
      last += *last == '\\' ? 2 : 1;
    if (last >= end)
      return fail("a text has no end");
    char *to = static_cast<char *>(
        reader.storage.take(static_cast<uint64_t>(last - next) + 1));
    if (!to)
      return fail("no memory");
    value = to;
    while (next < last) {
      char c = *next++;
      if (static_cast<unsigned char>(c) < ' ')
        return fail("a control character in a text");
      if (c != '\\')
        *to++ = c;
      else if (!escape(to))
        return fail("an escape that JSON does not know");
    }
    *to = 0;
    ++next;
    return true;
  }
  bool size(int64_t &value) {
    return number(value) || fail("a number from 0 to 2^63 - 1 is missing");
  }

  bool metadata() {
    if (!expect('{'))
      return false;
    if (accept('}'))
      return true;
    do {
      MetadataEntry entry;
      if (!text(entry.key) || !expect(':') || !text(entry.value))
        return false;
      if (!reader.entries.push(entry))
        return fail("no memory");
    } while (accept(','));
    return expect('}');
  }

  bool tensor(const char *name) {
    SafeTensor tensor = {};
    tensor.name = name;
    const char *kind = nullptr;
    bool hasShape = false, hasOffsets = false;
    int64_t dims[SafeTensor::kMaxRank];
    int64_t offsets[2] = {};
    if (!expect('{'))
      return false;
    do {
      const char *key;
      if (!text(key) || !expect(':'))
        return false;
      if (strcmp(key, "dtype") == 0 && !kind) {
        if (!text(kind))
          return false;
      } else if (strcmp(key, "shape") == 0 && !hasShape) {
        hasShape = true;
        if (!expect('['))
          return false;
        for (bool more = !accept(']'); more;) {
          if (tensor.rank == SafeTensor::kMaxRank)
            return fail("a shape has more than 64 dims");
          if (!size(dims[tensor.rank++]))
            return false;
          more = accept(',');
          if (!more && !expect(']'))
            return false;
        }
      } else if (strcmp(key, "data_offsets") == 0 && !hasOffsets) {
        hasOffsets = true;
        if (!expect('[') || !size(offsets[0]) || !expect(',') ||
            !size(offsets[1]) || !expect(']'))
          return false;
      } else {
        return fail("a key that is unknown or was there before");
      }
    } while (accept(','));
    if (!expect('}'))
      return false;
    if (!kind || !hasShape || !hasOffsets)
      return message.set("%s: tensor '%.200s': dtype, shape or data_offsets is "
                         "missing",
                         reader.name, name);
    for (const Kind &known : kKinds)
      if (strcmp(known.name, kind) == 0)
        tensor.type = known.type;
    if (!tensor.type)
      return message.set("%s: tensor '%.200s': type '%.40s' is unknown",
                         reader.name, name, kind);
    int64_t count = elementCount(dims, tensor.rank);
    if (offsets[0] > offsets[1] ||
        static_cast<uint64_t>(offsets[1]) > dataBytes)
      return message.set("%s: tensor '%.200s': bytes %" PRId64 " to %" PRId64
                         " lie outside the data of %" PRIu64 " bytes",
                         reader.name, name, offsets[0], offsets[1], dataBytes);
    tensor.bytes = static_cast<uint64_t>(offsets[1] - offsets[0]);
    if (count < 0 ||
        static_cast<uint64_t>(count * burnish_type_size(tensor.type)) !=
            tensor.bytes)
      return message.set(
          "%s: tensor '%.200s': %s has not %" PRIu64 " bytes", reader.name,
          name, ShapeText(typeName(tensor.type), dims, tensor.rank).text,
          tensor.bytes);
    uint64_t dimBytes = static_cast<uint64_t>(tensor.rank) * sizeof(int64_t);
    int64_t *kept = static_cast<int64_t *>(reader.storage.take(dimBytes));
    if (!kept)
      return fail("no memory");
    memcpy(kept, dims, dimBytes);
    tensor.dims = kept;
    tensor.data = data + offsets[0];
    return reader.tensors.push(tensor) || fail("no memory");
  }

  bool parse() {
    if (!expect('{'))
      return false;
    if (!accept('}')) {
      bool hasMetadata = false;
      do {
        const char *key;
        if (!text(key) || !expect(':'))
          return false;
        if (strcmp(key, "__metadata__") != 0) {
          if (!tensor(key))
            return false;
          continue;
        }
        if (hasMetadata)
          return fail("metadata was there before");
        hasMetadata = true;
        if (!metadata())
          return false;
      } while (accept(','));
      if (!expect('}'))
        return false;
    }
    skipSpace();
    return next == end || fail("something follows the header");
  }
};

//===- the file ---===//

static int byName(const void *left, const void *right) {
  return strcmp(static_cast<const SafeTensor *>(left)->name,
                static_cast<const SafeTensor *>(right)->name);
}
static int byPlace(const void *left, const void *right) {
  auto *a = static_cast<const SafeTensor *>(left),
       *b = static_cast<const SafeTensor *>(right);
  if (a->data != b->data)
    return a->data < b->data ? -1 : 1;
  return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

static int byKey(const void *left, const void *right) {
  return strcmp(static_cast<const MetadataEntry *>(left)->key,
                static_cast<const MetadataEntry *>(right)->key);
}

template <typename T>
static void sort(List<T> &list, int (*order)(const void *, const void *)) {
  if (list.size())
    qsort(list.data(), static_cast<size_t>(list.size()), sizeof(T), order);
}

static constexpr uint64_t kPrefix = sizeof ContentsSum::kOfTensor - 1;

bool SafeTensorsReader::open(const char *path, Message &message) {
  name = path;
  const uint8_t *bytes;
  uint64_t size;
  if (!storage.map(path, bytes, size, message))
    return false;
  if (size < 8)
    return message.set(
        "%s: has %" PRIu64 " bytes, a safetensors file at least 8", path, size);
  uint64_t length = get64(bytes);
  if (length > kMaxHeader || length > size - 8)
    return message.set("%s: a header of %" PRIu64
                       " bytes does not fit its %" PRIu64 " bytes",
                       path, length, size);
  const char *start = reinterpret_cast<const char *>(bytes + 8);
  const uint8_t *data = bytes + 8 + length;
  if (!SafeTensorsHeader{{start, start + length},
                         *this,
                         start,
                         data,
                         size - 8 - length,
                         message}
           .parse())
    return false;

  return checkPlaces(data, bytes + size, message) && checkSums(message);
}

/// Every byte belongs to one tensor.
bool SafeTensorsReader::checkPlaces(const uint8_t *data, const uint8_t *end,
                                    Message &message) {
  sort(tensors, byPlace);
  for (int64_t i = 0; i < tensors.size(); data += tensors[i++].bytes)
    if (tensors[i].data != data)
      return message.set("%s: tensor '%.200s': overlaps the one before or "
                         "leaves a gap",
                         name, tensors[i].name);
  if (data != end)
    return message.set("%s: %" PRIu64 " bytes at its end belong to no tensor",
                       name, static_cast<uint64_t>(end - data));
  sort(tensors, byName);
  for (int64_t i = 1; i < tensors.size(); ++i)
    if (byName(&tensors[i - 1], &tensors[i]) == 0)
      return message.set("%s: tensor '%.200s': is there twice", name,
                         tensors[i].name);
  return true;
}

bool SafeTensorsReader::readChecksum(const MetadataEntry &entry,
                                     bool isOfContents, uint32_t &value,
                                     Message &message) const {
  const char *digits = entry.value;
  if (strlen(digits) != 8 || strspn(digits, "0123456789abcdef") != 8)
    return isOfContents ? message.set("%s: its checksum is not eight "
                                      "hexadecimal digits",
                                      name)
                        : message.set("%s: tensor '%.200s': its checksum is "
                                      "not eight hexadecimal digits",
                                      name, entry.key + kPrefix);
  value = static_cast<uint32_t>(strtoul(digits, nullptr, 16));
  return true;
}

uint32_t burnish::sumOfContents(const List<SafeTensor> &tensors,
                                const List<MetadataEntry> &entries) {
  ContentsSum sum;
  for (int64_t i = 0; i < tensors.size(); ++i) {
    const SafeTensor &tensor = tensors[i];
    const char *type = safeTensorsType(tensor.type);
    sum.add(tensor.name, strlen(tensor.name));
    sum.add(type, strlen(type));
    for (int32_t axis = 0; axis < tensor.rank; ++axis)
      sum.add(static_cast<uint64_t>(tensor.dims[axis]));
  }
  for (int64_t i = 0; i < entries.size(); ++i)
    if (strcmp(entries[i].key, ContentsSum::kKey) != 0) {
      sum.add(entries[i].key, strlen(entries[i].key));
      sum.add(entries[i].value, strlen(entries[i].value));
    }
  return sum.value;
}

bool SafeTensorsReader::checkSums(Message &message) {
  sort(entries, byKey);
  // Each checksum finds its tensor, so that a long header costs no square.
  int64_t checked = 0;
  const MetadataEntry *ofContents = nullptr;
  for (int64_t i = 0; i < entries.size(); ++i) {
    const MetadataEntry &entry = entries[i];
    if (i > 0 && byKey(&entries[i - 1], &entry) == 0)
      return message.set("%s: metadata '%.200s': is there twice", name,
                         entry.key);
    if (strcmp(entry.key, ContentsSum::kKey) == 0)
      ofContents = &entry;
    if (strncmp(entry.key, ContentsSum::kOfTensor, kPrefix) != 0)
      continue;
    SafeTensor *tensor = const_cast<SafeTensor *>(find(entry.key + kPrefix));
    if (!tensor)
      return message.set("%s: has a checksum of '%.200s', which is no tensor",
                         name, entry.key + kPrefix);
    if (!readChecksum(entry, false, tensor->checksum, message))
      return false;
    tensor->hasChecksum = true;
    ++checked;
    uint32_t found = crc32c(0, tensor->data, tensor->bytes);
    if (found != tensor->checksum)
      return message.set("%s: tensor '%.200s': is damaged (its CRC-32C is "
                         "%08x and should be %08x)",
                         name, tensor->name, found, tensor->checksum);
  }
  if (!checked && !ofContents)
    return true;
  if (!ofContents)
    return message.set("%s: its tensors have checksums, and the whole has none "
                       "('%s' is missing)",
                       name, ContentsSum::kKey);
  for (int64_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].hasChecksum)
      return message.set("%s: tensor '%.200s': its checksum is missing", name,
                         tensors[i].name);
  uint32_t wanted, found = sumOfContents(tensors, entries);
  return readChecksum(*ofContents, true, wanted, message) &&
         (found == wanted ||
          message.set("%s: its header is damaged (the CRC-32C of what it says "
                      "is %08x and should be %08x)",
                      name, found, wanted));
}

const SafeTensor *SafeTensorsReader::find(const char *tensor) const {
  SafeTensor wanted = {};
  wanted.name = tensor;
  return tensors.size() == 0
             ? nullptr
             : static_cast<const SafeTensor *>(bsearch(
                   &wanted, tensors.data(), static_cast<size_t>(tensors.size()),
                   sizeof(SafeTensor), byName));
}

const char *SafeTensorsReader::metadata(const char *key) const {
  for (int64_t i = 0; i < entries.size(); ++i)
    if (strcmp(entries[i].key, key) == 0)
      return entries[i].value;
  return nullptr;
}
