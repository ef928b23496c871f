// npz.h - numpy's archives of arrays: zip files whose members are .npy files.
#pragma once
#include "npy.h"

namespace burnish {

/// One array of an archive: its name is the member's without ".npy", and not
/// terminated.
struct NpzEntry {
  const char *name;
  uint32_t nameLength;
  uint32_t method;
  uint64_t headerOffset;
  NpyBytes bytes;
};

/// The directory of an archive. Nothing in the file is believed: what does not
/// fit together is a diagnostic.
class NpzReader {
public:
  bool open(const InputFile &file, Message &message);
  /// Finds where an entry's bytes begin, which only its own header says.
  bool locate(NpzEntry &entry, const char *where, Message &message) const;

  int64_t size() const { return count; }
  NpzEntry &operator[](int64_t index) const {
    return reinterpret_cast<NpzEntry *>(entries.data())[index];
  }

private:
  struct Directory {
    uint64_t offset, size, count;
  };
  bool findDirectory(Directory &directory, Message &message) const;
  bool readEntry(const uint8_t *record, uint64_t available, NpzEntry &entry,
                 uint64_t &recordSize, Message &message) const;

  const InputFile *file = nullptr;
  Pages records, entries;
  int64_t count = 0;
};

/// Writes an archive of arrays as they are, uncompressed, with the same bytes
/// for the same arrays.
class NpzWriter {
public:
  /// Fields of at least `wide` are written in zip64's way, as the format wants
  /// from 2^32 - 1 on.
  NpzWriter(OutputFile &file, uint64_t wide = 0xffffffff)
      : file(file), wide(wide) {}

  bool add(const char *name, int32_t type, const int64_t *dims, int32_t rank,
           const void *data, uint64_t bytes, Message &message,
           const char *descr = nullptr);
  bool finish(Message &message);

private:
  OutputFile &file;
  uint64_t wide;
  /// The directory so far.
  Pages records;
  uint64_t recordBytes = 0, count = 0;
};

} // namespace burnish
