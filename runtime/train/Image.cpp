// Image.cpp - decodes pictures with Debian's stb_image, which is all here.
#include "Image.h"
#include <inttypes.h>
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

Image::~Image() { stbi_image_free(pixels); }

bool Image::measure(const char *path, const uint8_t *file, uint64_t size,
                    Message &message) {
  if (size > INT32_MAX)
    return message.set("%s: %" PRIu64 " bytes are too many for a picture", path,
                       size);
  if (!stbi_info_from_memory(file, static_cast<int>(size), &width, &height,
                             &channels))
    return message.set("%s: is no PNG or JPEG picture (%s)", path,
                       stbi_failure_reason());
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
