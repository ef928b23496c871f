// Image.cpp - decodes pictures with Debian's stb_image, which is all here.
#include "Image.h"
#include "../inflate.h"
#include <inttypes.h>
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

/// Whether an end is behind the start of the last scan: pixels that are
/// missing would become grey. No other marker in a scan looks like one.
static bool isWholeJpeg(const uint8_t *file, uint64_t size) {
  for (uint64_t at = size - 1; at-- > 0;) {
    if (file[at] != 0xff)
      continue;
    if (file[at + 1] == 0xd9)
      return true;
    if (file[at + 1] == 0xda)
      return false;
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
  if (!stbi_info_from_memory(file, static_cast<int>(size), &width, &height,
                             &channels))
    return message.set("%s: the header of the picture is damaged", path);
  if (isPng ? !isWholePng(file, size) : !isWholeJpeg(file, size))
    return message.set("%s: is damaged or cut off", path);
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
