// ImagesSource.cpp - pictures of a folder, whose subfolders are their classes.
#include "../tensor.h"
#include "Dataset.h"
#include "Image.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// The same pixels everywhere: no multiplication and addition as one.
#pragma clang fp contract(off)

using namespace burnish;

static int byText(const void *left, const void *right) {
  return strcmp(*static_cast<const char *const *>(left),
                *static_cast<const char *const *>(right));
}

/// The names in a folder, sorted, without those that begin with a dot.
static bool listFolder(Storage &storage, const char *path,
                       List<const char *> &names, Message &message) {
  DIR *folder = opendir(path);
  if (!folder && errno == ENOTDIR)
    return message.set("%s: is no folder; pictures are in a folder for each "
                       "class",
                       path);
  if (!folder)
    return message.set("%s: cannot open: %s", path, strerror(errno));
  bool isWhole = true;
  while (const dirent *entry = readdir(folder))
    if (entry->d_name[0] != '.') {
      const char *name = storage.text(entry->d_name, strlen(entry->d_name));
      isWhole = isWhole && name && names.push(name);
    }
  closedir(folder);
  if (names.size())
    qsort(names.data(), static_cast<size_t>(names.size()), sizeof(char *),
          byText);
  return isWhole || message.set("%s: no memory", path);
}

/// Where the centre of place `at` of `to` lies among `from` pixels: the pixel
/// before, and how far it is to the next.
static void project(int32_t at, int32_t to, int32_t from, int32_t &before,
                    int32_t &after, float &part) {
  float place = (static_cast<float>(at) + 0.5f) * static_cast<float>(from) /
                    static_cast<float>(to) -
                0.5f;
  place = place < 0 ? 0 : place;
  before = static_cast<int32_t>(place);
  before = before < from - 1 ? before : from - 1;
  after = before + 1 < from ? before + 1 : before;
  part = place - static_cast<float>(before);
  part = part > 1 ? 1 : part;
}

/// Writes a picture as planes, one a channel, bilinear where sizes differ.
static void toPlanes(const Image &image, uint8_t *to, int32_t height,
                     int32_t width) {
  int32_t channels = image.channels;
  for (int32_t y = 0; y < height; ++y) {
    int32_t top, bottom, left, right;
    float down, across;
    project(y, height, image.height, top, bottom, down);
    auto row = [&](int32_t at) {
      return image.pixels + static_cast<int64_t>(at) * image.width * channels;
    };
    const uint8_t *upper = row(top), *lower = row(bottom);
    for (int32_t x = 0; x < width; ++x) {
      project(x, width, image.width, left, right, across);
      for (int32_t c = 0; c < channels; ++c) {
        auto mix = [&](const uint8_t *pixels) {
          float a = pixels[left * channels + c],
                b = pixels[right * channels + c];
          return a + (b - a) * across;
        };
        float above = mix(upper), below = mix(lower);
        to[(static_cast<int64_t>(c) * height + y) * width + x] =
            static_cast<uint8_t>(above + (below - above) * down + 0.5f);
      }
    }
  }
}

namespace {
/// Reads a folder whose subfolders are the classes of the pictures in them.
class Folder {
public:
  Folder(Dataset &dataset, const Source &source, Message &message)
      : dataset(dataset), source(source), options(source.options),
        message(message), root(source.files[0]), height(options.height),
        width(options.width), channels(options.channels) {}

  bool read() {
    if (height < 0 || width < 0 || height > 1 << 15 || width > 1 << 15 ||
        channels < 0 || channels > 4 || channels == 2)
      return message.set("%s: pictures of %d by %d pixels with %d channels are "
                         "not possible",
                         root, height, width, channels);
    return list() && measure() && takeMemory() && decode() &&
           dataset.append(pictures, options, message) &&
           dataset.append(label, options, message);
  }

private:
  bool list() {
    List<const char *> files;
    char path[PATH_MAX];
    if (!listFolder(dataset.memory(), root, classes, message))
      return false;
    if (classes.size() == 0)
      return message.set("%s: has no subfolders, which would be the classes",
                         root);
    for (int64_t k = 0; k < classes.size(); ++k) {
      if (snprintf(path, sizeof path, "%s/%s", root, classes[k]) >= PATH_MAX)
        return message.set("%s: a path is too long", root);
      files.clear();
      if (!listFolder(scratch, path, files, message))
        return false;
      if (files.size() == 0)
        return message.set("%s: has no pictures", path);
      for (int64_t i = 0; i < files.size(); ++i) {
        if (snprintf(path, sizeof path, "%s/%s/%s", root, classes[k],
                     files[i]) >= PATH_MAX)
          return message.set("%s: a path is too long", root);
        const char *kept = scratch.text(path, strlen(path));
        if (!kept || !paths.push(kept) || !labels.push(k))
          return message.set("%s: no memory", root);
      }
    }
    return true;
  }

  bool hasSize(const Image &image) const {
    return options.resize || (image.height == height && image.width == width);
  }

  /// A picture, or what its header says of it.
  bool load(int64_t i, bool isWhole, Image &image) {
    Storage mapped;
    const uint8_t *data;
    uint64_t size;
    if (!mapped.map(paths[i], data, size, message))
      return false;
    return isWhole ? image.decode(paths[i], data, size, channels, message)
                   : image.measure(paths[i], data, size, message);
  }

  /// Headers first: a picture that does not fit is named before memory is
  /// taken.
  bool measure() {
    for (int64_t i = 0; i < paths.size(); ++i) {
      Image image;
      if (!load(i, /*isWhole=*/false, image))
        return false;
      if (!height)
        height = image.height;
      if (!width)
        width = image.width;
      if (!channels)
        channels = image.channels < 3 ? 1 : 3;
      if (!hasSize(image))
        return message.set("%s: has %d by %d pixels, and %s %d by %d", paths[i],
                           image.height, image.width,
                           options.height && options.width ? "wanted are"
                                                           : paths[0],
                           height, width);
    }
    return true;
  }

  bool takeMemory() {
    pictures.name = source.columns[0];
    label.name = source.columns[1];
    pictures.file = label.file = root;
    int64_t dims[] = {paths.size(), channels, height, width};
    if (!setShape(pictures, BURNISH_UINT8, dims, 4, message) ||
        !setShape(label, BURNISH_INT64, dims, 1, message))
      return false;
    Storage &storage = dataset.memory();
    pixels = static_cast<uint8_t *>(
        storage.take(static_cast<uint64_t>(pictures.rows * pictures.bytes)));
    void *numbers =
             storage.take(static_cast<uint64_t>(label.rows * label.bytes)),
         *names = storage.take(static_cast<uint64_t>(classes.size()) *
                               sizeof(const char *));
    if (!pixels || !numbers || !names)
      return message.set("%s: no memory for %" PRId64 " pictures of %" PRId64
                         " bytes",
                         root, pictures.rows, pictures.bytes);
    memcpy(names, static_cast<void *>(classes.data()),
           static_cast<size_t>(classes.size()) * sizeof(const char *));
    memcpy(numbers, labels.data(), static_cast<size_t>(label.rows) * 8);
    pictures.data = pixels;
    label.data = static_cast<uint8_t *>(numbers);
    label.classes = static_cast<const char **>(names);
    label.classCount = classes.size();
    return true;
  }

  bool decode() {
    for (int64_t i = 0; i < paths.size(); ++i) {
      Image image;
      if (!load(i, /*isWhole=*/true, image))
        return false;
      if (!hasSize(image))
        return message.set("%s: changed while it was read", paths[i]);
      toPlanes(image, pixels + i * pictures.bytes, height, width);
    }
    return true;
  }

  Dataset &dataset;
  const Source &source;
  const SourceOptions &options;
  Message &message;
  const char *root;
  /// Of all pictures; 0 until one has been seen.
  int32_t height, width, channels;
  Storage scratch;
  List<const char *> classes, paths;
  List<int64_t> labels;
  Column pictures = {}, label = {};
  uint8_t *pixels = nullptr;
};
} // namespace

bool burnish::addImages(Dataset &dataset, const Source &source,
                        Message &message) {
  if (source.fileCount != 1 || source.columnCount != 2)
    return message.set("images: is one folder and two columns, picture and "
                       "label, not %d and %d",
                       source.fileCount, source.columnCount);
  return Folder(dataset, source, message).read();
}
