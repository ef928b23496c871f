// Readers.cpp - libFuzzer on what reads data and weights: idx, csv, npy, npz,
// safetensors, pictures and texts, and what goes through columns.
//
//   ninja -C build/dev fuzz-readers
//   build/venv/bin/python test/fuzz/seeds.py CORPUS
//   build/dev/bin/fuzz-readers -runs=1000000 -max_len=2048 -timeout=10 CORPUS
//
// The first two bytes of an input say what the rest is a file of, and which
// options it is read with. Memory is on the heap (HeapStorage.cpp), where the
// sanitizer sees its end, and checksums are all 0, so that damage gets past
// them.
#include "runtime/tensor.h"
#include "runtime/train/Batches.h"
#include "runtime/train/Crc32c.h"
#include "runtime/train/SafeTensors.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;

// The seeds have 0 in their place.
uint32_t burnish::crc32c(uint32_t, const void *, uint64_t) { return 0; }
namespace burnish {
uint32_t crc32(uint32_t, const void *, uint64_t) { return 0; }
} // namespace burnish

namespace {
/// The input as a file, and as the one picture of a folder.
struct Files {
  int descriptor = memfd_create("input", MFD_CLOEXEC);
  char path[64], folder[64], parent[96], picture[96];

  Files() {
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    snprintf(folder, sizeof folder, "/tmp/fuzz-readers-%d", getpid());
    snprintf(parent, sizeof parent, "%s/a", folder);
    snprintf(picture, sizeof picture, "%s/x", parent);
    if (mkdir(folder, 0700) != 0 || mkdir(parent, 0700) != 0 ||
        symlink(path, picture) != 0)
      abort();
    atexit([] { get().remove(); });
  }
  void remove() {
    unlink(picture);
    rmdir(parent);
    rmdir(folder);
  }
  static Files &get() {
    static Files files;
    return files;
  }
  void fill(const uint8_t *data, size_t size) {
    if (ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size))
      abort();
  }
};

/// What is refused is refused with a reason that names a file.
bool isSaid(bool isDone, const Message &message) {
  if (!isDone && !strchr(message.text, ':'))
    abort();
  return isDone;
}

void goThrough(const Column &column, uint8_t options) {
  static constexpr int32_t kTypes[] = {
      BURNISH_FLOAT, BURNISH_DOUBLE, BURNISH_FLOAT16, BURNISH_BFLOAT16,
      BURNISH_INT32, BURNISH_INT64,  BURNISH_UINT8,   BURNISH_BOOL};
  Message message = {""};
  uint32_t sum = 0;
  for (int64_t row = 0; row < column.rows; ++row)
    for (int64_t i = 0; i < column.bytes; ++i)
      sum += column.row(row)[i];
  if (sum == 1)
    fputs("", stderr);
  int32_t type = kTypes[options & 7];
  isSaid(checkRange(column, 3, message), message);
  bool isFine = isSaid(checkConversion(column, type, message), message);
  int64_t classes = countClasses(column, message);
  Split split;
  const Column *label = classes > 0 ? &column : nullptr;
  bool isSplit =
      isSaid(options & 8 ? split.folds("f", column.rows, 2, label, 1, message)
                         : split.fractions("f", column.rows, 0.5, 0.3, 0.2,
                                           label, 1, message),
             message);
  Batches batches;
  int64_t size = column.elements() * burnish_type_size(type) * 2;
  if (!isSplit || size > 1 << 20 ||
      !batches.open(split.train, {2, true, true, 1}, message))
    return;
  Array<uint8_t> buffer(size);
  while (batches.next())
    if (!batches.gather(column, type, buffer.data(), message) && isFine)
      abort();
}

void readTensors(const char *path) {
  Message message = {""};
  SafeTensorsReader reader;
  if (!isSaid(reader.open(path, message), message))
    return;
  double sum = 0;
  for (int64_t i = 0; i < reader.size(); ++i)
    for (uint64_t k = 0; k < reader[i].bytes; ++k)
      sum += reader[i].data[k];
  reader.metadata("format");
  reader.find(sum > 1 ? "x" : "y");
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  Files &files = Files::get();
  uint8_t kind = data[0] % 8, options = data[1];
  files.fill(data + 2, size - 2);
  if (kind == 7) {
    readTensors(files.path);
    return 0;
  }
  Source source = {static_cast<SourceKind>(kind), nullptr, 1, nullptr, 0, {}};
  const char *path = files.path, *columns[] = {"x", "y"};
  source.files = &path;
  source.columns = columns;
  bool isNamed = source.kind == SourceKind::Idx ||
                 source.kind == SourceKind::Npy ||
                 source.kind == SourceKind::Text;
  source.columnCount = isNamed ? 1 : options & 16 ? 2 : 0;
  SourceOptions &with = source.options;
  with.allowNonFinite = options & 32;
  with.window = 1 + (options & 7);
  with.stride = options >> 3 & 7;
  if (source.kind == SourceKind::Csv) {
    source.columnCount = 0;
    with.missing = static_cast<Missing>(options & 3);
    with.hasHeader = options & 4;
    with.label = options & 8 ? with.hasHeader ? "y" : "2" : nullptr;
    with.features = options & 16 ? "all" : nullptr;
    with.separator = ",;\t "[options >> 6];
  } else if (source.kind == SourceKind::Images) {
    path = files.folder;
    source.columnCount = 2;
    with.resize = options & 1;
    with.height = with.width = options & 1 ? 3 : 0;
    with.channels = (options >> 1 & 3) == 2 ? 0 : options >> 1 & 3;
  }
  Message message = {""};
  Dataset dataset;
  if (isSaid(dataset.add(source, message), message))
    for (int64_t i = 0; i < dataset.size(); ++i)
      goThrough(dataset[i], options);
  return 0;
}
