// inflate.h - decompresses what zlib compressed, and checks CRC-32s.
#pragma once
#include <stdint.h>

namespace burnish {

/// Where compressed bytes come from, a block at a time.
struct ByteSource {
  const uint8_t *next = nullptr, *end = nullptr;
  /// Sets `next` and `end` to more bytes; false at the end of the data or when
  /// reading failed.
  bool (*refill)(ByteSource &source) = nullptr;
  /// Of the bytes before `next`, those behind the end of the compressed data.
  int unused = 0;
};

enum class Inflated { Whole, Prefix, Truncated, Corrupt };

/// Decompresses into `to`, at most `room` bytes, and says in `written` how
/// many. Prefix: there was more than room for it.
Inflated inflate(ByteSource &source, uint8_t *to, uint64_t room,
                 uint64_t &written);

/// The CRC-32 of zip and gzip, continued from that of the bytes before, at
/// first 0.
uint32_t crc32(uint32_t before, const void *bytes, uint64_t count);

} // namespace burnish
