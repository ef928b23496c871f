// Image.h - decodes pictures.
#pragma once
#include "../message.h"
#include <stdint.h>

namespace burnish {

/// A decoded picture: rows of pixels of `channels` bytes.
struct Image {
  int32_t height = 0, width = 0, channels = 0;
  uint8_t *pixels = nullptr;

  Image() = default;
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;
  ~Image();

  /// Sets height, width and channels from a file's start, no pixels.
  bool measure(const char *path, const uint8_t *file, uint64_t size,
               Message &message);
  /// The same for BMP, PGM and PPM as well; false without a reason.
  bool measureAny(const uint8_t *file, uint64_t size, Message &message);
  /// The pixels of a file that was measured; see `decode`.
  bool load(const uint8_t *file, uint64_t size, int32_t wanted);
  /// With as many channels as wanted; an alpha is left out for 1 and 3.
  bool decode(const char *path, const uint8_t *file, uint64_t size,
              int32_t wanted, Message &message);
};

} // namespace burnish
