// Crc32c.cpp - the checksum of tensors in files.
#include "runtime/train/Crc32c.h"
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace {
/// Eight bytes a step: table[k][b] is b's remainder with k bytes behind it.
struct Tables {
  uint32_t of[8][256];

  constexpr Tables() : of{} {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit)
        rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78 : 0);
      of[0][byte] = rest;
    }
    for (int k = 1; k < 8; ++k)
      for (int byte = 0; byte < 256; ++byte)
        of[k][byte] = of[k - 1][byte] >> 8 ^ of[0][of[k - 1][byte] & 255];
  }
};
constexpr Tables kTables;
} // namespace

static uint32_t byTables(uint32_t rest, const uint8_t *at, uint64_t count) {
  for (; count >= 8; at += 8, count -= 8) {
    uint32_t low = rest ^ (at[0] | static_cast<uint32_t>(at[1]) << 8 |
                           static_cast<uint32_t>(at[2]) << 16 |
                           static_cast<uint32_t>(at[3]) << 24);
    rest = 0;
    for (int i = 0; i < 4; ++i)
      rest ^=
          kTables.of[7 - i][low >> 8 * i & 255] ^ kTables.of[3 - i][at[4 + i]];
  }
  for (; count > 0; ++at, --count)
    rest = rest >> 8 ^ kTables.of[0][(rest ^ *at) & 255];
  return rest;
}

#ifdef __x86_64__
__attribute__((target("crc32"))) static uint32_t
byInstruction(uint32_t rest, const uint8_t *at, uint64_t count) {
  uint64_t wide = rest;
  for (; count >= 8; at += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  rest = static_cast<uint32_t>(wide);
  for (; count > 0; ++at, --count)
    rest = __builtin_ia32_crc32qi(rest, *at);
  return rest;
}
#endif

uint32_t burnish::crc32c(uint32_t before, const void *bytes, uint64_t count) {
  const uint8_t *at = static_cast<const uint8_t *>(bytes);
#ifdef __x86_64__
  // Short runs are not worth asking the CPU, which takes 100 cycles.
  unsigned a, b, c, d;
  if (count >= 64 && __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_2)
    return ~byInstruction(~before, at, count);
#endif
  return ~byTables(~before, at, count);
}
