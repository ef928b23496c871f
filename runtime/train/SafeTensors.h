// SafeTensors.h - files of named tensors: a JSON header, then their bytes.
#pragma once
#include "Storage.h"
#include "burnish.h"
#include "Crc32c.h"

namespace burnish {

/// One tensor of a file. `data` is where it lies in the file, and need not be
/// aligned.
struct SafeTensor {
  static constexpr int32_t kMaxRank = 64;

  const char *name;
  int32_t type; ///< a burnish_type
  int32_t rank;
  const int64_t *dims;
  const uint8_t *data;
  uint64_t bytes;
  bool hasChecksum;
  uint32_t checksum;
};

struct MetadataEntry {
  const char *key, *value;
};
/// Of tensors and entries that are sorted.
uint32_t sumOfContents(const List<SafeTensor> &tensors,
                       const List<MetadataEntry> &entries);

/// A file of tensors, mapped. Nothing in its header is believed.
///
/// A tensor NAME may have a checksum of its bytes: the entry "crc32c.NAME" of
/// the metadata, its CRC-32C in eight lower-case hexadecimal digits. Where one
/// has, all have, and "burnish.checksum" is a ContentsSum. `open` compares
/// them.
class SafeTensorsReader {
public:
  bool open(const char *path, Message &message);

  const char *path() const { return name; }
  /// Holds the mapped file, for who wants to keep the tensors.
  Storage &memory() { return storage; }
  int64_t size() const { return tensors.size(); }
  /// In the order of their names.
  const SafeTensor &operator[](int64_t index) const { return tensors[index]; }
  /// Null if there is no tensor of this name.
  const SafeTensor *find(const char *tensor) const;
  /// An entry of the metadata, or null. Checksums are among them.
  const char *metadata(const char *key) const;

private:
  friend struct SafeTensorsHeader;

  bool checkPlaces(const uint8_t *data, const uint8_t *end, Message &message);
  bool readChecksum(const MetadataEntry &entry, bool isOfContents,
                    uint32_t &value, Message &message) const;
  bool checkSums(Message &message);

  const char *name = nullptr;
  Storage storage;
  List<SafeTensor> tensors;
  List<MetadataEntry> entries;
};

/// Gathers tensors, whose bytes must stay until `write`, and writes them sorted
/// by name: the same tensors give the same bytes.
class SafeTensorsWriter {
public:
  bool add(const char *tensor, int32_t type, const int64_t *dims, int32_t rank,
           const void *data, Message &message);
  /// Keys of checksums are refused: `write` makes them.
  bool addMetadata(const char *key, const char *value, Message &message);
  /// Beside `path` first, put in its place when all of it is on the disk.
  bool write(const char *path, Message &message);

private:
  Storage storage;
  List<SafeTensor> tensors;
  List<MetadataEntry> entries;
};

/// What the format calls a burnish_type, or null.
const char *safeTensorsType(int32_t type);

} // namespace burnish
