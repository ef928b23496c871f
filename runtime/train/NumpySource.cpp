// NumpySource.cpp - columns from .npy files, and from the keys of an .npz.
#include "../npz.h"
#include "../text.h"
#include "Dataset.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

static bool parseStart(Column &column, NpyHeader &header, const uint8_t *start,
                       uint64_t available, const char *where,
                       Message &message) {
  if (!header.parse(start, available, where, message))
    return false;
  // The first types are those that numpy itself has.
  for (int32_t type = BURNISH_FLOAT; type <= BURNISH_BFLOAT16; ++type)
    if (const ElementType *known = elementType(type);
        known && header.isOf(*known))
      return setShape(column, type, header.dims, header.rank, message);
  return message.set("%s: column '%.100s': is of type %.60s, of which no batch "
                     "can be made",
                     where, column.name, header.text().text);
}

/// Reads an array into memory of the data set.
static bool takeIn(Dataset &dataset, Column &column, const NpyBytes &bytes,
                   const NpyHeader &header, const char *where,
                   Message &message) {
  Tensor tensor;
  if (!readArray(bytes, header, column.type, where, tensor, message))
    return false;
  column.data = static_cast<const uint8_t *>(tensor.view.data);
  return dataset.memory().adopt(tensor.pages) ||
         message.set("%s: no memory", where);
}

/// An .npy file is used where it lies, unless its values must be moved.
static bool addFile(Dataset &dataset, Column &column, const Source &source,
                    Message &message) {
  const uint8_t *data;
  uint64_t size;
  NpyHeader header;
  if (!dataset.memory().map(column.file, data, size, message) ||
      !parseStart(column, header, data, size, column.file, message))
    return false;
  uint64_t wanted =
      static_cast<uint64_t>(column.rows) * static_cast<uint64_t>(column.bytes);
  if (size - header.bytes != wanted)
    return message.set("%s: has %" PRIu64 " bytes of data, %s takes %" PRIu64,
                       column.file, size - header.bytes, header.text().text,
                       wanted);
  column.data = data + header.bytes;
  bool isMoved =
      column.type == BURNISH_BOOL || (header.isFortran && header.rank > 1) ||
      header.bytes % static_cast<uint64_t>(burnish_type_size(column.type)) != 0;
  if (isMoved) {
    InputFile file;
    if (!file.openAgain(column.file, size, message))
      return false;
    NpyBytes bytes;
    bytes.file = &file;
    bytes.size = size;
    if (!takeIn(dataset, column, bytes, header, column.file, message))
      return false;
  }
  return dataset.append(column, source.options, message);
}

static bool addMember(Dataset &dataset, NpzReader &archive, NpzEntry &entry,
                      const Source &source, Message &message) {
  Column column = {};
  column.file = source.files[0];
  column.name = dataset.memory().text(entry.name, entry.nameLength);
  if (!column.name)
    return message.set("%s: no memory", column.file);
  char where[400];
  Text(where) << column.file << ": '" << column.name << "'";
  uint8_t start[NpyHeader::kMaxBytes];
  uint64_t got = 0;
  NpyHeader header;
  return archive.locate(entry, where, message) &&
         entry.bytes.readStart(start, sizeof start, got, where, message) &&
         parseStart(column, header, start, got, where, message) &&
         takeIn(dataset, column, entry.bytes, header, where, message) &&
         dataset.append(column, source.options, message);
}

bool burnish::addNumpy(Dataset &dataset, const Source &source,
                       Message &message) {
  if (source.kind == SourceKind::Npy) {
    if (source.fileCount != source.columnCount || source.fileCount < 1)
      return message.set("npy: %d files for %d columns, each has one",
                         source.fileCount, source.columnCount);
    for (int32_t i = 0; i < source.fileCount; ++i) {
      Column column = {};
      column.name = source.columns[i];
      column.file = source.files[i];
      if (!addFile(dataset, column, source, message))
        return false;
    }
    return true;
  }
  if (source.fileCount != 1)
    return message.set("npz: is one file, not %d", source.fileCount);
  InputFile file;
  NpzReader archive;
  if (!file.open(source.files[0], message) || !archive.open(file, message))
    return false;
  if (source.columnCount == 0) {
    for (int64_t i = 0; i < archive.size(); ++i)
      if (!addMember(dataset, archive, archive[i], source, message))
        return false;
    return archive.size() > 0 ||
           message.set("%s: has no arrays", source.files[0]);
  }
  for (int32_t i = 0; i < source.columnCount; ++i) {
    NpzEntry *found = nullptr;
    for (int64_t k = 0; k < archive.size(); ++k)
      if (archive[k].nameLength == strlen(source.columns[i]) &&
          memcmp(archive[k].name, source.columns[i], archive[k].nameLength) ==
              0)
        found = &archive[k];
    if (!found)
      return message.set("%s: has no array '%.200s'", source.files[0],
                         source.columns[i]);
    if (!addMember(dataset, archive, *found, source, message))
      return false;
  }
  return true;
}
