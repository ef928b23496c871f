// inflate.cpp - decompresses what zlib compressed, and checks CRC-32s.
#include "inflate.h"
#include <string.h>

using namespace burnish;

namespace {

constexpr int kMaxLength = 15, kFastBits = 10, kLiterals = 288, kDistances = 30;

/// The low bits of a stream, least significant first. Past its end there are
/// zeros, and `overrun` counts them.
struct BitReader {
  ByteSource &source;
  uint64_t bits = 0;
  int count = 0, overrun = 0;

  void fill() {
    while (count <= 56) {
      uint64_t byte = 0;
      if (source.next < source.end ||
          (overrun == 0 && source.refill(source) && source.next < source.end))
        byte = *source.next++;
      else
        overrun += 8;
      bits |= byte << count;
      count += 8;
    }
  }
  uint32_t peek(int width) const {
    return static_cast<uint32_t>(bits & ((1ull << width) - 1));
  }
  void drop(int width) {
    bits >>= width;
    count -= width;
  }
  uint32_t take(int width) {
    if (count < width)
      fill();
    uint32_t value = peek(width);
    drop(width);
    return value;
  }
  /// Whether bits were taken that the stream does not have.
  bool isOverdrawn() const { return count < overrun; }
};

/// A canonical Huffman code: short ones through a table, long ones bit by bit.
struct Huffman {
  uint16_t fast[1 << kFastBits];
  uint16_t countOfLength[kMaxLength + 1];
  uint16_t symbols[kLiterals];

  /// False unless the lengths make a complete code, or, where a code may be
  /// `sparse`, one of at most one symbol.
  bool build(const uint8_t *lengths, int size, bool sparse) {
    memset(this, 0, sizeof *this);
    for (int symbol = 0; symbol < size; ++symbol)
      ++countOfLength[lengths[symbol]];
    int used = size - countOfLength[0], left = 1;
    countOfLength[0] = 0;
    uint16_t offsets[kMaxLength + 2] = {}, codes[kMaxLength + 2] = {};
    for (int length = 1; length <= kMaxLength; ++length) {
      left = left * 2 - countOfLength[length];
      if (left < 0)
        return false;
      offsets[length + 1] =
          static_cast<uint16_t>(offsets[length] + countOfLength[length]);
      codes[length + 1] =
          static_cast<uint16_t>((codes[length] + countOfLength[length]) << 1);
    }
    if (left > 0 && (!sparse || used > 1))
      return false;
    for (int symbol = 0; symbol < size; ++symbol) {
      int length = lengths[symbol];
      if (length == 0)
        continue;
      symbols[offsets[length]++] = static_cast<uint16_t>(symbol);
      uint32_t code = codes[length]++, reversed = 0;
      for (int bit = 0; bit < length; ++bit)
        reversed |= (code >> bit & 1) << (length - 1 - bit);
      for (uint32_t slot = reversed;
           length <= kFastBits && slot < (1u << kFastBits);
           slot += 1u << length)
        fast[slot] = static_cast<uint16_t>(symbol << 4 | length);
    }
    return true;
  }

  /// The next symbol; -1 for bits that are no code. The reader holds at least
  /// 15 bits.
  int decode(BitReader &in) const {
    if (uint16_t entry = fast[in.peek(kFastBits)]) {
      in.drop(entry & 15);
      return entry >> 4;
    }
    int code = 0, first = 0, index = 0;
    for (int length = 1; length <= kMaxLength; ++length) {
      code |= static_cast<int>(in.bits >> (length - 1) & 1);
      int count = countOfLength[length];
      if (code - count < first) {
        in.drop(length);
        return symbols[index + (code - first)];
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }
};

struct Inflater {
  BitReader in;
  uint8_t *to;
  uint64_t room, written = 0;
  Huffman literals, distances;

  Inflated storedBlock() {
    in.drop(in.count % 8);
    uint32_t length = in.take(16), complement = in.take(16);
    if (in.isOverdrawn())
      return Inflated::Truncated;
    if ((length ^ complement) != 0xffff)
      return Inflated::Corrupt;
    for (; length > 0; --length) {
      uint8_t byte = static_cast<uint8_t>(in.take(8));
      if (in.isOverdrawn())
        return Inflated::Truncated;
      if (written == room)
        return Inflated::Prefix;
      to[written++] = byte;
    }
    return Inflated::Whole;
  }

  bool fixedCodes() {
    uint8_t lengths[kLiterals];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    uint8_t fives[32];
    memset(fives, 5, sizeof fives);
    // The last two distances and lengths are in the code and in no stream.
    return literals.build(lengths, kLiterals, false) &&
           distances.build(fives, 32, false);
  }

  bool readCodes() {
    int literalCount = static_cast<int>(in.take(5)) + 257,
        distanceCount = static_cast<int>(in.take(5)) + 1;
    int orderCount = static_cast<int>(in.take(4)) + 4;
    static constexpr uint8_t kOrder[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                           11, 4,  12, 3, 13, 2, 14, 1, 15};
    if (literalCount > 286 || distanceCount > kDistances)
      return false;
    uint8_t lengths[286 + kDistances + 138] = {};
    for (int i = 0; i < orderCount; ++i)
      lengths[kOrder[i]] = static_cast<uint8_t>(in.take(3));
    if (!literals.build(lengths, 19, false))
      return false;
    memset(lengths, 0, sizeof lengths);
    int total = literalCount + distanceCount, known = 0;
    while (known < total) {
      in.fill();
      int symbol = literals.decode(in);
      if (symbol < 0 || in.isOverdrawn())
        return false;
      if (symbol < 16) {
        lengths[known++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && known == 0)
        return false;
      int repeat = symbol == 16   ? 3 + static_cast<int>(in.take(2))
                   : symbol == 17 ? 3 + static_cast<int>(in.take(3))
                                  : 11 + static_cast<int>(in.take(7));
      memset(lengths + known, symbol == 16 ? lengths[known - 1] : 0,
             static_cast<size_t>(repeat));
      known += repeat;
    }
    constexpr int kEndOfBlock = 256;
    return known == total && lengths[kEndOfBlock] &&
           literals.build(lengths, literalCount, true) &&
           distances.build(lengths + literalCount, distanceCount, true);
  }

  Inflated codedBlock() {
    static constexpr uint16_t kLengthBase[29] = {
        3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr uint8_t kLengthBits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                                1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                                4, 4, 4, 4, 5, 5, 5, 5, 0};
    static constexpr uint16_t kDistanceBase[30] = {
        1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
        33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    for (;;) {
      // 48 bits hold a length and a distance with all their extra bits.
      if (in.count < 48)
        in.fill();
      int symbol = literals.decode(in);
      if (in.isOverdrawn())
        return Inflated::Truncated;
      if (symbol == 256)
        return Inflated::Whole;
      if (symbol < 0 || symbol > 285)
        return Inflated::Corrupt;
      if (symbol < 256) {
        if (written == room)
          return Inflated::Prefix;
        to[written++] = static_cast<uint8_t>(symbol);
        continue;
      }
      uint64_t length =
          kLengthBase[symbol - 257] + in.take(kLengthBits[symbol - 257]);
      int distanceSymbol = distances.decode(in);
      if (in.isOverdrawn())
        return Inflated::Truncated;
      if (distanceSymbol < 0 || distanceSymbol >= kDistances)
        return Inflated::Corrupt;
      uint64_t distance =
          kDistanceBase[distanceSymbol] +
          in.take(distanceSymbol < 4 ? 0 : distanceSymbol / 2 - 1);
      if (in.isOverdrawn())
        return Inflated::Truncated;
      if (distance > written)
        return Inflated::Corrupt;
      bool isCut = length > room - written;
      length = isCut ? room - written : length;
      const uint8_t *from = to + written - distance;
      if (distance >= length) {
        memcpy(to + written, from, length);
      } else {
        for (uint64_t i = 0; i < length; ++i)
          to[written + i] = from[i];
      }
      written += length;
      if (isCut)
        return Inflated::Prefix;
    }
  }

  Inflated run() {
    for (bool isLast = false; !isLast;) {
      isLast = in.take(1);
      uint32_t kind = in.take(2);
      if (kind == 3 || (kind == 1 && !fixedCodes()) ||
          (kind == 2 && !readCodes()))
        return in.isOverdrawn() ? Inflated::Truncated : Inflated::Corrupt;
      Inflated block = kind == 0 ? storedBlock() : codedBlock();
      if (block != Inflated::Whole)
        return block;
    }
    return in.isOverdrawn() ? Inflated::Truncated : Inflated::Whole;
  }
};

struct CrcTables {
  uint32_t rows[8][256];

  constexpr CrcTables() : rows() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t crc = byte;
      for (int bit = 0; bit < 8; ++bit)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
      rows[0][byte] = crc;
    }
    for (int row = 1; row < 8; ++row)
      for (uint32_t byte = 0; byte < 256; ++byte)
        rows[row][byte] =
            rows[row - 1][byte] >> 8 ^ rows[0][rows[row - 1][byte] & 255];
  }
};
constexpr CrcTables kCrc;

} // namespace

Inflated burnish::inflate(ByteSource &source, uint8_t *to, uint64_t room,
                          uint64_t &written) {
  Inflater inflater = {{source}, to, room, 0, {}, {}};
  Inflated result = inflater.run();
  written = inflater.written;
  source.unused = (inflater.in.count - inflater.in.overrun) / 8;
  return result;
}

uint32_t burnish::crc32(uint32_t before, const void *bytes, uint64_t count) {
  const uint8_t *next = static_cast<const uint8_t *>(bytes);
  uint32_t crc = ~before;
  // Eight bytes at once: 2.5 GB/s where one at a time is 0.4.
  for (; count >= 8; count -= 8, next += 8) {
    uint32_t low, high;
    memcpy(&low, next, 4);
    memcpy(&high, next + 4, 4);
    low ^= crc;
    crc = kCrc.rows[7][low & 255] ^ kCrc.rows[6][low >> 8 & 255] ^
          kCrc.rows[5][low >> 16 & 255] ^ kCrc.rows[4][low >> 24] ^
          kCrc.rows[3][high & 255] ^ kCrc.rows[2][high >> 8 & 255] ^
          kCrc.rows[1][high >> 16 & 255] ^ kCrc.rows[0][high >> 24];
  }
  for (; count > 0; --count)
    crc = crc >> 8 ^ kCrc.rows[0][(crc ^ *next++) & 255];
  return ~crc;
}
