// utf8.h - code points as the bytes of UTF-8, and back (RFC 3629).
#pragma once
#include <stdint.h>

namespace burnish {

/// Whether a number is a code point that texts may have: no half of a pair of
/// UTF-16.
inline bool isCodePoint(uint32_t point) {
  return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/// Writes a code point where `to` is not null, and says how many bytes it is.
inline int64_t encodeUtf8(uint32_t point, char *to) {
  int64_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  if (!to)
    return size;
  constexpr uint8_t kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (int64_t at = size - 1; at > 0; --at, point >>= 6)
    to[at] = static_cast<char>(0x80 | (point & 0x3f));
  to[0] = static_cast<char>(kLead[size] | point);
  return size;
}

/// The code point at `from`, where `left` bytes (at least one) are left, and
/// how many of them it is; 0 where they are no UTF-8.
inline int64_t decodeUtf8(const char *from, int64_t left, uint32_t &point) {
  auto byte = [&](int64_t at) -> uint32_t {
    return static_cast<uint8_t>(from[at]);
  };
  uint32_t lead = byte(0);
  int64_t size = lead < 0x80   ? 1
                 : lead < 0xc2 ? 0
                 : lead < 0xe0 ? 2
                 : lead < 0xf0 ? 3
                 : lead < 0xf5 ? 4
                               : 0;
  if (size == 0 || size > left)
    return 0;
  point = size == 1 ? lead : lead & (0x7fu >> size);
  for (int64_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80)
      return 0;
    point = point << 6 | (byte(at) & 0x3f);
  }
  return isCodePoint(point) && encodeUtf8(point, nullptr) == size ? size : 0;
}

} // namespace burnish
