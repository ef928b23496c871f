// Crc32c.h - checksums of tensors in files, and of what a file says of them.
#pragma once
#include <stdint.h>

namespace burnish {

/// The CRC-32C (Castagnoli) of iSCSI, continued from that of the bytes before,
/// at first 0.
uint32_t crc32c(uint32_t before, const void *bytes, uint64_t count);

/// The checksum of a file's contents, which does not depend on how its header
/// is written: of each tensor, in the order of their names, the name, the word
/// for its type and its dims in decimals; then of each entry of the metadata
/// but this one, in the order of their keys, key and value. A zero byte ends
/// each of these texts, and each dim. What tensors hold is in it by their
/// checksums, which are entries of the metadata.
struct ContentsSum {
  static constexpr char kKey[] = "burnish.checksum", kOfTensor[] = "crc32c.";

  uint32_t value = 0;

  void add(const char *text, uint64_t length) {
    value = crc32c(crc32c(value, text, length), "", 1);
  }
  void add(uint64_t dim) {
    char digits[20];
    int count = 0;
    do
      digits[19 - count++] = static_cast<char>('0' + dim % 10);
    while (dim /= 10);
    add(digits + 20 - count, static_cast<uint64_t>(count));
  }
};

} // namespace burnish
