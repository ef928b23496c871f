// pictures.cpp - the pictures that a model decodes, in the context's text
// memory as its strings are.
#include "runtime/train/Image.h"
#include "strings.h"

using namespace burnish;

namespace {
/// What a model reads of a decoded picture; pixels lie behind it.
struct Picture {
  int64_t height, width;
};
enum Format { Rgb, Bgr, Grey };
} // namespace

/// Room for the bytes of a file; -1 when there is none.
extern "C" int64_t burnish_picture_begin(const burnish_context *context,
                                         int64_t size) {
  char *place = takeText(context, size);
  return place ? static_cast<int64_t>(reinterpret_cast<uintptr_t>(place))
               : kNoRoom;
}

/// Pixels as rows and columns of `format`; none where the bytes are no picture.
/// The address of a Picture; -1 when there is no room.
extern "C" int64_t burnish_picture_decode(const burnish_context *context,
                                          int64_t address, int64_t size,
                                          int32_t format) {
  const auto *file = StringView::at<uint8_t>(address);
  int64_t channels = format == Grey ? 1 : 3;
  Image image;
  Message message;
  bool isPicture = image.measureAny(file, static_cast<uint64_t>(size), message);
  int64_t pixels =
      isPicture ? static_cast<int64_t>(image.height) * image.width : 0;
  int64_t bytes = static_cast<int64_t>(sizeof(Picture)) + pixels * channels;
  char *place = takeText(context, bytes);
  if (!place)
    return kNoRoom;
  // Grey is made of what colours were decoded.
  isPicture = isPicture && image.load(file, static_cast<uint64_t>(size), 3) &&
              static_cast<int64_t>(image.height) * image.width == pixels;
  Picture picture = {isPicture ? image.height : 0, isPicture ? image.width : 0};
  memcpy(place, &picture, sizeof picture);
  auto *to = reinterpret_cast<uint8_t *>(place) + sizeof picture;
  for (int64_t i = 0; isPicture && i < pixels; ++i) {
    const uint8_t *from = image.pixels + 3 * i;
    if (format == Grey)
      to[i] = static_cast<uint8_t>(
          (from[0] * 19595u + from[1] * 38470u + from[2] * 7471u + 32768u) >>
          16);
    else
      for (int64_t c = 0; c < 3; ++c)
        to[3 * i + c] = from[format == Bgr ? 2 - c : c];
  }
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(place));
}
