// characters.cpp - numpy's arrays of characters, strings in programs.
#include "characters.h"
#include "text.h"
#include "utf8.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

CharacterType::CharacterType(const char *descr) {
  bool isHere = descr[0] == '<' || descr[0] == '|' || descr[0] == '=';
  if (!isHere || (descr[1] != 'U' && descr[1] != 'S') || !descr[2])
    return;
  // No file has as many as nine digits say.
  int64_t count = 0;
  int digits = 0;
  for (const char *at = descr + 2; *at; ++at, ++digits) {
    if (*at < '0' || *at > '9' || digits == 9)
      return;
    count = count * 10 + (*at - '0');
  }
  isWide = descr[1] == 'U';
  width = count;
}

//===- reading ---===//

namespace {
/// The characters of one element.
struct Element {
  const uint8_t *from;
  bool isWide;
  int64_t length;

  Element(const uint8_t *data, const CharacterType &type, int64_t index)
      : from(data + index * type.width * (type.isWide ? 4 : 1)),
        isWide(type.isWide), length(type.width) {
    while (length > 0 && point(length - 1) == 0)
      --length;
  }
  uint32_t point(int64_t at) const {
    if (!isWide)
      return from[at];
    uint32_t value;
    memcpy(&value, from + 4 * at, sizeof value);
    return value;
  }
  bool isSound() const {
    for (int64_t at = 0; isWide && at < length; ++at)
      if (!isCodePoint(point(at)))
        return false;
    return true;
  }
  /// Writes UTF-8 where `to` is not null, and says how long that is.
  int64_t write(char *to) const {
    int64_t size = 0;
    for (int64_t at = 0; at < length; ++at)
      if (isWide)
        size += encodeUtf8(point(at), to ? to + size : nullptr);
      else if (to)
        to[size++] = static_cast<char>(from[at]);
      else
        ++size;
    return size;
  }
};
} // namespace

bool burnish::readStrings(const NpyBytes &source, const NpyHeader &header,
                          const char *where, Tensor &tensor, Message &message) {
  CharacterType type(header.descr);
  int64_t count = elementCount(header.dims, header.rank),
          elementBytes = type.width * (type.isWide ? 4 : 1), bytes = count;
  if (count < 0 || !type.isValid() || !multiplySize(bytes, elementBytes))
    return message.set("%s: %s has more elements than can be counted", where,
                       header.text().text);
  if (header.isFortran && header.rank > 1)
    return message.set("%s: strings in column-major order are not supported",
                       where);
  if (source.size - header.bytes != static_cast<uint64_t>(bytes))
    return message.set("%s: has %" PRIu64 " bytes of data, %s takes %" PRId64,
                       where, source.size - header.bytes, header.text().text,
                       bytes);
  uint64_t records = static_cast<uint64_t>(count) * sizeof(burnish_string);
  // Of UCS-4 no character becomes longer.
  Pages file;
  if (!mayFit(source.size + records + static_cast<uint64_t>(bytes)) ||
      !file.allocate(source.size))
    return message.set("%s: no memory for %" PRId64 " bytes", where, bytes);
  if (!source.readAll(file.data(), where, message))
    return false;
  const uint8_t *data = file.data() + header.bytes;
  uint64_t size = records;
  for (int64_t i = 0; i < count; ++i) {
    Element element(data, type, i);
    if (!element.isSound())
      return message.set("%s: element %" PRId64
                         " has a character that is none of Unicode's",
                         where, i);
    size += static_cast<uint64_t>(element.write(nullptr));
  }
  if (!tensor.pages.allocate(size))
    return message.set("%s: no memory for %" PRIu64 " bytes", where, size);
  auto *strings = reinterpret_cast<burnish_string *>(tensor.pages.data());
  char *next = reinterpret_cast<char *>(tensor.pages.data() + records);
  for (int64_t i = 0; i < count; ++i) {
    strings[i].data = next;
    strings[i].size = Element(data, type, i).write(next);
    next += strings[i].size;
  }
  tensor.view.data = strings;
  tensor.view.bytes = static_cast<int64_t>(records);
  return true;
}

//===- writing ---===//

/// The code point at `at`, which goes on; U+FFFD for a byte that begins none.
static uint32_t decode(const burnish_string &string, int64_t &at) {
  uint32_t point = 0;
  int64_t size = decodeUtf8(string.data + at, string.size - at, point);
  at += size ? size : 1;
  return size ? point : 0xfffd;
}

bool Characters::make(const burnish_string *strings, int64_t count) {
  int64_t width = 1;
  for (int64_t i = 0; i < count; ++i) {
    int64_t length = 0;
    for (int64_t at = 0; at < strings[i].size; ++length)
      decode(strings[i], at);
    width = length > width ? length : width;
  }
  Text(descr) << "<U" << width;
  int64_t total = count;
  if (!multiplySize(total, width) || !multiplySize(total, 4) ||
      !pages.allocate(static_cast<uint64_t>(total)))
    return false;
  bytes = static_cast<uint64_t>(total);
  for (int64_t i = 0; i < count; ++i) {
    uint8_t *to = pages.data() + i * width * 4;
    for (int64_t at = 0; at < strings[i].size; to += 4) {
      uint32_t point = decode(strings[i], at);
      memcpy(to, &point, sizeof point);
    }
  }
  return true;
}

int64_t burnish::countDifferent(const burnish_string *left,
                                const burnish_string *right, int64_t count) {
  int64_t different = 0;
  for (int64_t i = 0; i < count; ++i)
    different +=
        left[i].size != right[i].size ||
        (left[i].size > 0 && memcmp(left[i].data, right[i].data,
                                    static_cast<size_t>(left[i].size)) != 0);
  return different;
}
