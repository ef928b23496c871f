// npz.cpp - numpy's archives of arrays: zip files whose members are .npy files.
#include "npz.h"
#include "inflate.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

namespace {

constexpr uint32_t kLocalMagic = 0x04034b50, kEntryMagic = 0x02014b50,
                   kEndMagic = 0x06054b50;
constexpr uint32_t kWideEndMagic = 0x06064b50, kWideLocatorMagic = 0x07064b50;
constexpr uint64_t kLocalBytes = 30, kEntryBytes = 46, kEndBytes = 22,
                   kWideEndBytes = 56, kWideLocatorBytes = 20;
constexpr uint32_t kNarrow = 0xffffffff;
constexpr char kEnding[] = {'.', 'n', 'p', 'y'};
constexpr uint16_t kStored = 0, kDeflated = 8, kWideField = 1,
                   kEncryptedFlag = 1, kUtf8Flag = 1 << 11;

uint16_t get16(const uint8_t *at) {
  return static_cast<uint16_t>(at[0] | at[1] << 8);
}
uint32_t get32(const uint8_t *at) {
  return get16(at) | static_cast<uint32_t>(get16(at + 2)) << 16;
}
uint64_t get64(const uint8_t *at) {
  return get32(at) | static_cast<uint64_t>(get32(at + 4)) << 32;
}

bool isWithin(uint64_t offset, uint64_t bytes, uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

} // namespace

//===- reading ---===//

bool NpzReader::findDirectory(Directory &directory, Message &message) const {
  // The end record is followed by a comment of at most 64 KB, which is usually
  // empty.
  constexpr uint64_t kMaxComment = 0xffff;
  uint64_t size = file->size(), tail = size < kEndBytes + kMaxComment
                                           ? size
                                           : kEndBytes + kMaxComment;
  for (uint64_t window = kEndBytes; window <= tail;
       window = window == tail ? tail + 1 : tail) {
    Pages bytes;
    if (!bytes.allocate(window))
      return message.set("%s: no memory for its directory", file->path());
    uint64_t start = size - window;
    if (!file->read(start, bytes.data(), window, message))
      return false;
    for (uint64_t at = window - kEndBytes + 1; at-- > 0;) {
      const uint8_t *end = bytes.data() + at;
      if (get32(end) != kEndMagic || get16(end + 20) != window - at - kEndBytes)
        continue;
      directory = {get32(end + 16), get32(end + 12), get16(end + 10)};
      if (get16(end + 4) != 0 && get16(end + 4) != 0xffff)
        return message.set("%s: is a part of a split archive", file->path());
      uint8_t locator[kWideLocatorBytes], wide[kWideEndBytes];
      uint64_t endOffset = start + at;
      if (endOffset < kWideLocatorBytes)
        return true;
      if (!file->read(endOffset - kWideLocatorBytes, locator, kWideLocatorBytes,
                      message))
        return false;
      if (get32(locator) != kWideLocatorMagic)
        return true;
      uint64_t wideOffset = get64(locator + 8);
      if (!isWithin(wideOffset, kWideEndBytes, endOffset - kWideLocatorBytes))
        return message.set("%s: its zip64 end record lies outside the file",
                           file->path());
      if (!file->read(wideOffset, wide, kWideEndBytes, message))
        return false;
      if (get32(wide) != kWideEndMagic)
        return message.set("%s: has no zip64 end record where it should be",
                           file->path());
      directory = {get64(wide + 48), get64(wide + 40), get64(wide + 32)};
      return true;
    }
  }
  return message.set("%s: is no .npz file, or is cut off (a zip file's "
                     "directory is at its end)",
                     file->path());
}

/// Replaces fields that are too small for their value by those of the zip64
/// extra field, in the order of the format.
static bool widen(const uint8_t *extra, uint64_t length,
                  uint64_t *const (&fields)[3]) {
  bool isWide = false;
  for (uint64_t *field : fields)
    isWide |= *field == kNarrow;
  while (isWide && length >= 4) {
    uint64_t id = get16(extra), size = get16(extra + 2);
    extra += 4, length -= 4;
    if (size > length)
      return false;
    if (id == kWideField) {
      for (uint64_t *field : fields) {
        if (*field != kNarrow)
          continue;
        if (size < 8)
          return false;
        *field = get64(extra);
        extra += 8, size -= 8;
      }
      return true;
    }
    extra += size, length -= size;
  }
  return !isWide;
}

bool NpzReader::readEntry(const uint8_t *record, uint64_t available,
                          NpzEntry &entry, uint64_t &recordSize,
                          Message &message) const {
  if (available < kEntryBytes || get32(record) != kEntryMagic)
    return message.set("%s: its directory is damaged", file->path());
  uint64_t nameLength = get16(record + 28), extraLength = get16(record + 30);
  recordSize = kEntryBytes + nameLength + extraLength + get16(record + 32);
  if (recordSize > available)
    return message.set("%s: its directory is damaged", file->path());
  entry.name = reinterpret_cast<const char *>(record + kEntryBytes);
  int shown = static_cast<int>(nameLength < 200 ? nameLength : 200);
  if (nameLength < sizeof kEnding ||
      memcmp(entry.name + nameLength - sizeof kEnding, kEnding,
             sizeof kEnding) != 0)
    return message.set("%s: its member '%.*s' is no .npy", file->path(), shown,
                       entry.name);
  entry.nameLength = static_cast<uint32_t>(nameLength - sizeof kEnding);
  if (get16(record + 8) & kEncryptedFlag)
    return message.set("%s: its member '%.*s' is encrypted", file->path(),
                       shown, entry.name);
  entry.method = get16(record + 10);
  if (entry.method != kStored && entry.method != kDeflated)
    return message.set("%s: its member '%.*s' has compression method %u, the "
                       "known ones are 0 (stored) and 8 (deflated)",
                       file->path(), shown, entry.name, entry.method);
  NpyBytes &bytes = entry.bytes;
  bytes.file = file;
  bytes.isDeflated = entry.method == kDeflated;
  bytes.hasCrc = true;
  bytes.crc = get32(record + 16);
  bytes.packedSize = get32(record + 20);
  bytes.size = get32(record + 24);
  entry.headerOffset = get32(record + 42);
  // Deflate makes at most 1032 bytes out of one.
  constexpr uint64_t kMaxRatio = 1032;
  bool isPossible =
      widen(record + kEntryBytes + nameLength, extraLength,
            {&bytes.size, &bytes.packedSize, &entry.headerOffset}) &&
      isWithin(entry.headerOffset, kLocalBytes, file->size()) &&
      bytes.packedSize <= file->size() &&
      (bytes.isDeflated ? bytes.size / kMaxRatio <= bytes.packedSize
                        : bytes.size == bytes.packedSize);
  return isPossible ||
         message.set("%s: the sizes of its member '%.*s' are not possible",
                     file->path(), shown, entry.name);
}

bool NpzReader::open(const InputFile &input, Message &message) {
  file = &input;
  Directory directory;
  if (!findDirectory(directory, message))
    return false;
  if (!isWithin(directory.offset, directory.size, file->size()) ||
      directory.count > directory.size / kEntryBytes)
    return message.set("%s: its directory lies outside the file", file->path());
  if (!records.allocate(directory.size) ||
      !entries.allocate(directory.count * sizeof(NpzEntry)))
    return message.set("%s: no memory for its directory", file->path());
  if (!file->read(directory.offset, records.data(), directory.size, message))
    return false;
  count = static_cast<int64_t>(directory.count);
  uint64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t recordSize = 0;
    (*this)[i] = {};
    if (!readEntry(records.data() + at, directory.size - at, (*this)[i],
                   recordSize, message))
      return false;
    at += recordSize;
  }
  return true;
}

bool NpzReader::locate(NpzEntry &entry, const char *where,
                       Message &message) const {
  uint8_t header[kLocalBytes];
  if (!file->read(entry.headerOffset, header, kLocalBytes, message))
    return false;
  uint64_t nameLength = get16(header + 26), extraLength = get16(header + 28);
  NpyBytes &bytes = entry.bytes;
  bytes.offset = entry.headerOffset + kLocalBytes + nameLength + extraLength;
  if (get32(header) != kLocalMagic ||
      nameLength != entry.nameLength + sizeof kEnding ||
      get16(header + 8) != entry.method ||
      !isWithin(bytes.offset, bytes.packedSize, file->size()))
    return message.set("%s: its header and its entry in the directory differ",
                       where);
  Array<char> name(static_cast<int64_t>(nameLength));
  if (!name.isValid())
    return message.set("%s: no memory for its name", where);
  if (!file->read(entry.headerOffset + kLocalBytes, name.data(), nameLength,
                  message))
    return false;
  return memcmp(name.data(), entry.name, nameLength) == 0 ||
         message.set("%s: its header and its entry in the directory differ",
                     where);
}

//===- writing ---===//

namespace {
/// Little-endian fields put one after the other.
struct Fields {
  uint8_t bytes[128];
  uint64_t size = 0;

  Fields &put(uint64_t value, int width) {
    for (int i = 0; i < width; ++i)
      bytes[size++] = static_cast<uint8_t>(value >> 8 * i);
    return *this;
  }
};
} // namespace

bool NpzWriter::add(const char *name, int32_t type, const int64_t *dims,
                    int32_t rank, const void *data, uint64_t bytes,
                    Message &message, const char *descr) {
  uint8_t header[NpyHeader::kMaxBytes];
  uint64_t headerBytes = npyHeader(header, type, dims, rank, descr),
           nameLength = strlen(name) + sizeof kEnding, offset = file.size(),
           size = headerBytes + bytes;
  if (headerBytes == 0 || nameLength > 0xffff)
    return message.set("output '%s': %s is too long for a file", name,
                       headerBytes ? "its name" : "its shape");
  bool isAscii = true;
  for (const char *c = name; *c; ++c)
    isAscii &= static_cast<unsigned char>(*c) < 128;
  bool isWideSize = size >= wide, isWideOffset = offset >= wide;
  uint64_t version = isWideSize || isWideOffset ? 45 : 20,
           flags = isAscii ? 0 : kUtf8Flag;
  // The first day of zip's calendar: the same arrays make the same file.
  constexpr uint64_t kTime = 0, kDate = 1 << 5 | 1;
  uint64_t crc = crc32(crc32(0, header, headerBytes), data, bytes);
  uint64_t shownSize = isWideSize ? kNarrow : size;

  Fields local;
  local.put(kLocalMagic, 4)
      .put(version, 2)
      .put(flags, 2)
      .put(kStored, 2)
      .put(kTime, 2)
      .put(kDate, 2)
      .put(crc, 4)
      .put(shownSize, 4)
      .put(shownSize, 4);
  local.put(nameLength, 2).put(isWideSize ? 20 : 0, 2);
  Fields localExtra;
  if (isWideSize)
    localExtra.put(kWideField, 2).put(16, 2).put(size, 8).put(size, 8);
  if (!file.write(local.bytes, local.size, message) ||
      !file.write(name, nameLength - sizeof kEnding, message) ||
      !file.write(kEnding, sizeof kEnding, message) ||
      !file.write(localExtra.bytes, localExtra.size, message) ||
      !file.write(header, headerBytes, message) ||
      !file.write(data, bytes, message))
    return false;

  Fields entry, extra;
  if (isWideSize || isWideOffset) {
    extra.put(kWideField, 2)
        .put((isWideSize ? 16 : 0) + (isWideOffset ? 8 : 0), 2);
    if (isWideSize)
      extra.put(size, 8).put(size, 8);
    if (isWideOffset)
      extra.put(offset, 8);
  }
  entry.put(kEntryMagic, 4)
      .put(version, 2)
      .put(version, 2)
      .put(flags, 2)
      .put(kStored, 2)
      .put(kTime, 2)
      .put(kDate, 2)
      .put(crc, 4);
  entry.put(shownSize, 4)
      .put(shownSize, 4)
      .put(nameLength, 2)
      .put(extra.size, 2)
      .put(0, 2)
      .put(0, 2)
      .put(0, 2)
      .put(0, 4);
  entry.put(isWideOffset ? kNarrow : offset, 4);
  uint64_t needed = recordBytes + entry.size + nameLength + extra.size;
  if (needed > records.size()) {
    Pages larger;
    if (!larger.allocate(needed * 2))
      return message.set("no memory for the directory of an archive");
    if (recordBytes)
      memcpy(larger.data(), records.data(), recordBytes);
    records.swap(larger);
  }
  uint8_t *at = records.data() + recordBytes;
  memcpy(at, entry.bytes, entry.size);
  memcpy(at + entry.size, name, nameLength - sizeof kEnding);
  memcpy(at + entry.size + nameLength - sizeof kEnding, kEnding,
         sizeof kEnding);
  memcpy(at + entry.size + nameLength, extra.bytes, extra.size);
  recordBytes = needed;
  ++count;
  return true;
}

bool NpzWriter::finish(Message &message) {
  uint64_t offset = file.size();
  if (!file.write(records.data(), recordBytes, message))
    return false;
  bool isWide = offset >= wide || recordBytes >= wide || count >= 0xffff;
  Fields end;
  if (isWide) {
    end.put(kWideEndMagic, 4)
        .put(kWideEndBytes - 12, 8)
        .put(45, 2)
        .put(45, 2)
        .put(0, 4)
        .put(0, 4)
        .put(count, 8)
        .put(count, 8)
        .put(recordBytes, 8)
        .put(offset, 8);
    end.put(kWideLocatorMagic, 4)
        .put(0, 4)
        .put(offset + recordBytes, 8)
        .put(1, 4);
  }
  uint64_t shownCount = isWide ? 0xffff : count;
  end.put(kEndMagic, 4)
      .put(0, 2)
      .put(0, 2)
      .put(shownCount, 2)
      .put(shownCount, 2)
      .put(isWide ? kNarrow : recordBytes, 4)
      .put(isWide ? kNarrow : offset, 4)
      .put(0, 2);
  return file.write(end.bytes, end.size, message);
}
