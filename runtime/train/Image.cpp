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
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
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

//===- What JPEG leaves open ---===//

// How pixels come of a JPEG's numbers is open to a unit or two, and what others
// train and test with comes from libjpeg. These steps round as it does.

/// Eight numbers of an inverse cosine transform, with factors of 13 bits.
/// Numbers of a damaged picture may wrap.
static void transform(const uint32_t in[8], uint32_t out[8]) {
  uint32_t z = (in[2] + in[6]) * 4433, low = z - in[6] * 15137,
           high = z + in[2] * 6270, sum = (in[0] + in[4]) << 13,
           difference = (in[0] - in[4]) << 13;
  uint32_t even[4] = {sum + high, difference + low, difference - low,
                      sum - high};
  uint32_t a = in[7] + in[3], b = in[5] + in[1], c = (a + b) * 9633,
           outer = (in[7] + in[1]) * 7373, inner = (in[5] + in[3]) * 20995;
  a = c - a * 16069;
  b = c - b * 3196;
  uint32_t odd[4] = {in[1] * 12299 - outer + b, in[3] * 25172 - inner + a,
                     in[5] * 16819 - inner + b, in[7] * 2446 - outer + a};
  for (int i = 0; i < 4; ++i) {
    out[i] = even[i] + odd[i];
    out[7 - i] = even[i] - odd[i];
  }
}

static uint32_t scaled(uint32_t value, int bits) {
  return static_cast<uint32_t>(
      static_cast<int32_t>(value + (1u << (bits - 1))) >> bits);
}

static uint8_t clamped(int32_t value) {
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void transformBlock(stbi_uc *out, int stride, short data[64]) {
  uint32_t between[64];
  for (int column = 0; column < 8; ++column) {
    uint32_t in[8], lines[8];
    for (int i = 0; i < 8; ++i)
      in[i] = static_cast<uint32_t>(data[8 * i + column]);
    transform(in, lines);
    for (int i = 0; i < 8; ++i)
      between[8 * i + column] = scaled(lines[i], 11);
  }
  for (int row = 0; row < 8; ++row, out += stride) {
    uint32_t line[8];
    transform(between + 8 * row, line);
    for (int i = 0; i < 8; ++i)
      out[i] = clamped(static_cast<int32_t>(scaled(line[i], 18)) + 128);
  }
}

/// Colours of twice as many pixels each way: three parts of the nearer row and
/// column, one of the other.
static stbi_uc *doubleColours(stbi_uc *out, stbi_uc *near, stbi_uc *far, int w,
                              int) {
  if (w <= 2) { // so few are repeated
    for (int i = 0; i < w; ++i)
      out[2 * i] = out[2 * i + 1] = near[i];
    return out;
  }
  int left = 3 * near[0] + far[0], here = left;
  for (int i = 0; i < w; ++i) {
    int right = i + 1 < w ? 3 * near[i + 1] + far[i + 1] : here;
    out[2 * i] = static_cast<stbi_uc>((3 * here + left + 8) >> 4);
    out[2 * i + 1] = static_cast<stbi_uc>((3 * here + right + 7) >> 4);
    left = here;
    here = right;
  }
  return out;
}

static void toRgb(stbi_uc *out, const stbi_uc *y, const stbi_uc *blue,
                  const stbi_uc *red, int count, int step) {
  for (int i = 0; i < count; ++i, out += step) {
    int cb = blue[i] - 128, cr = red[i] - 128;
    out[0] = clamped(y[i] + ((91881 * cr + 32768) >> 16));
    out[1] = clamped(y[i] + ((-22554 * cb - 46802 * cr + 32768) >> 16));
    out[2] = clamped(y[i] + ((116130 * cb + 32768) >> 16));
    if (step == 4)
      out[3] = 255;
  }
}

static uint8_t *loadJpeg(const uint8_t *file, int size, int &width, int &height,
                         int &inFile, int wanted) {
  auto *decoder = static_cast<stbi__jpeg *>(calloc(1, sizeof(stbi__jpeg)));
  if (!decoder)
    return nullptr;
  stbi__context context;
  stbi__start_mem(&context, file, size);
  decoder->s = &context;
  stbi__setup_jpeg(decoder);
  decoder->idct_block_kernel = transformBlock;
  decoder->YCbCr_to_RGB_kernel = toRgb;
  decoder->resample_row_hv_2_kernel = doubleColours;
  uint8_t *pixels = load_jpeg_image(decoder, &width, &height, &inFile, wanted);
  free(decoder);
  return pixels;
}

//===- Pictures ---===//

/// PGM and PPM: columns, rows, the greatest value and one space, then pixels.
static bool hasMapPixels(const uint8_t *file, uint64_t size) {
  auto isSpace = [](uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  uint64_t numbers[3] = {}, at = 2;
  for (uint64_t &number : numbers) {
    bool isComment = false;
    for (; at < size && (isComment || isSpace(file[at]) || file[at] == '#');
         ++at)
      isComment = (isComment || file[at] == '#') && file[at] != '\n' &&
                  file[at] != '\r';
    for (; at < size && file[at] >= '0' && file[at] <= '9' &&
           number <= static_cast<uint64_t>(kMaxPixels);
         ++at)
      number = number * 10 + static_cast<uint64_t>(file[at] - '0');
  }
  uint64_t bytes = (file[1] == '6' ? 3u : 1u) * (numbers[2] > 255 ? 2u : 1u),
           most = static_cast<uint64_t>(kMaxPixels);
  return at < size && numbers[0] <= most && numbers[1] <= most &&
         numbers[0] * numbers[1] <= (size - at - 1) / bytes;
}

/// Whether the pixels that a header promises are there, for those formats in
/// which they lie as they are; anything else is for stb_image to refuse.
static bool hasPixels(const uint8_t *file, uint64_t size) {
  auto number = [&](uint64_t at) {
    return static_cast<uint32_t>(file[at]) |
           static_cast<uint32_t>(file[at + 1]) << 8 |
           static_cast<uint32_t>(file[at + 2]) << 16 |
           static_cast<uint32_t>(file[at + 3]) << 24;
  };
  if (file[0] == 'B') {
    if (size < 54 || number(14) < 40)
      return false;
    uint64_t width = number(18), bits = number(26) >> 16;
    int64_t height = static_cast<int32_t>(number(22));
    uint64_t rows = static_cast<uint64_t>(height < 0 ? -height : height),
             row = (width * bits + 31) / 32 * 4, first = number(10);
    return width <= kMaxPixels && bits <= 32 && first <= size &&
           (row == 0 || rows <= (size - first) / row);
  }
  return hasMapPixels(file, size);
}

bool Image::measureAny(const uint8_t *file, uint64_t size, Message &message) {
  bool isPlain = size >= 8 && size <= INT32_MAX &&
                 (memcmp(file, "BM", 2) == 0 || memcmp(file, "P5", 2) == 0 ||
                  memcmp(file, "P6", 2) == 0);
  if (!isPlain)
    return measure("", file, size, message);
  return hasPixels(file, size) &&
         stbi_info_from_memory(file, static_cast<int>(size), &width, &height,
                               &channels) &&
         width > 0 && height > 0 &&
         static_cast<int64_t>(width) * height <= kMaxPixels;
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
  return measure(path, file, size, message) &&
         (load(file, size, wanted) ||
          message.set("%s: is damaged (%s)", path, stbi_failure_reason()));
}

bool Image::load(const uint8_t *file, uint64_t size, int32_t wanted) {
  int inFile;
  pixels = file[0] == 0xff
               ? loadJpeg(file, static_cast<int>(size), width, height, inFile,
                          wanted)
               : stbi_load_from_memory(file, static_cast<int>(size), &width,
                                       &height, &inFile, wanted);
  channels = wanted;
  return pixels;
}
