// Image.cpp - decodes pictures with Debian's stb_image, which is all here.
#include "Image.h"
#include "../inflate.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
// Read by one thread; a thread's own variable would need the loader's help.
#define STBI_NO_THREAD_LOCALS
#define STBI_MAX_DIMENSIONS (1 << 15)
// Tables that a damaged picture does not bring are zeros and name no symbol;
// else they are what was in that memory before, and are looked up with.
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(memory, size) realloc(memory, size)
#define STBI_FREE(memory) free(memory)
#define STBI_ASSERT(condition) static_cast<void>(0)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma clang diagnostic pop

using namespace burnish;

// A picture of 16384 by 16384 takes a gigabyte with four channels.
static constexpr int64_t kMaxPixels = 1 << 28;

static constexpr char kPng[] = "\x89PNG\r\n\x1a\n";

Image::~Image() { stbi_image_free(pixels); }

/// Whether the chunks are there up to the last one, with the checksums that
/// they bring, which stb_image does not look at.
static bool isWholePng(const uint8_t *file, uint64_t size) {
  auto number = [&](uint64_t at) {
    return static_cast<uint32_t>(file[at]) << 24 |
           static_cast<uint32_t>(file[at + 1]) << 16 |
           static_cast<uint32_t>(file[at + 2]) << 8 | file[at + 3];
  };
  for (uint64_t at = 8; size - at >= 12;) {
    uint64_t length = number(at);
    if (length > size - at - 12 ||
        crc32(0, file + at + 4, length + 4) != number(at + 8 + length))
      return false;
    if (memcmp(file + at + 4, "IEND", 4) == 0)
      return true;
    at += 12 + length;
  }
  return false;
}

/// Whether each code of a segment of Huffman tables has as many symbols as
/// there can be, which stb_image trusts.
static bool areCodes(const uint8_t *at, uint64_t size) {
  while (size >= 17) {
    uint64_t symbols = 0;
    for (int length = 1; length <= 16; ++length)
      symbols += at[length];
    if (symbols > 256 || symbols + 17 > size)
      return false;
    at += 17 + symbols;
    size -= 17 + symbols;
  }
  return size == 0;
}

/// Whether segments follow each other up to the end of the picture: pixels that
/// are missing would become grey.
static bool isWholeJpeg(const uint8_t *file, uint64_t size) {
  constexpr int kTables = 0xc4, kEnd = 0xd9, kScan = 0xda;
  for (uint64_t at = 2; at + 1 < size;) {
    if (file[at] != 0xff)
      return false;
    int marker = file[at + 1];
    if (marker == 0xff) { // it may be repeated
      ++at;
      continue;
    }
    if (marker == kEnd)
      return true;
    at += 2;
    if (size - at < 2)
      return false;
    uint64_t length = static_cast<uint64_t>(file[at]) << 8 | file[at + 1];
    if (length < 2 || length > size - at ||
        (marker == kTables && !areCodes(file + at + 2, length - 2)))
      return false;
    at += length;
    // A scan goes on to a marker that is no restart.
    while (marker == kScan && at + 1 < size &&
           !(file[at] == 0xff && file[at + 1] != 0 && file[at + 1] != 0xff &&
             (file[at + 1] & 0xf8) != 0xd0))
      ++at;
  }
  return false;
}

bool Image::measure(const char *path, const uint8_t *file, uint64_t size,
                    Message &message) {
  if (size > INT32_MAX)
    return message.set("%s: %" PRIu64 " bytes are too many for a picture", path,
                       size);
  bool isPng = size >= 8 && memcmp(file, kPng, 8) == 0,
       isJpeg = size >= 3 && memcmp(file, "\xff\xd8\xff", 3) == 0;
  if (!isPng && !isJpeg)
    return message.set("%s: is no PNG or JPEG picture", path);
  if (isPng ? !isWholePng(file, size) : !isWholeJpeg(file, size))
    return message.set("%s: is damaged or cut off", path);
  if (!stbi_info_from_memory(file, static_cast<int>(size), &width, &height,
                             &channels))
    return message.set("%s: no picture can be what its header says", path);
  return (width > 0 && height > 0 &&
          static_cast<int64_t>(width) * height <= kMaxPixels) ||
         message.set("%s: %d by %d pixels are too many", path, height, width);
}

bool Image::decode(const char *path, const uint8_t *file, uint64_t size,
                   int32_t wanted, Message &message) {
  if (!measure(path, file, size, message))
    return false;
  int inFile;
  pixels = stbi_load_from_memory(file, static_cast<int>(size), &width, &height,
                                 &inFile, wanted);
  channels = wanted;
  return pixels ||
         message.set("%s: is damaged (%s)", path, stbi_failure_reason());
}
