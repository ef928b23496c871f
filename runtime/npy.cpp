// npy.cpp - numpy's file format for one array.
#include "npy.h"
#include "inflate.h"
#include "text.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

//===- header ---===//

namespace {
/// Reads the one Python literal there is in a header: a dict of a text, a bool
/// and a tuple of numbers.
struct Literal : Scanner {
  bool acceptWord(const char *word) {
    skipSpace();
    size_t length = strlen(word);
    if (static_cast<size_t>(end - next) < length ||
        memcmp(next, word, length) != 0)
      return false;
    next += length;
    return true;
  }
  /// A quoted text without escapes that fits.
  template <size_t kSize> bool text(char (&to)[kSize]) {
    skipSpace();
    if (next == end || (*next != '\'' && *next != '"'))
      return false;
    char quote = *next++;
    size_t length = 0;
    for (; next < end && *next != quote; ++next) {
      if (length == kSize - 1 || *next == '\\' || *next == 0)
        return false;
      to[length++] = *next;
    }
    to[length] = 0;
    return next++ < end;
  }
  bool size(int64_t &value) {
    if (!number(value))
      return false;
    // Python 2 wrote long integers so.
    next += next < end && *next == 'L';
    return true;
  }
};
} // namespace

static bool parseShape(Literal &in, NpyHeader &header) {
  if (!in.accept('('))
    return false;
  header.rank = 0;
  while (!in.accept(')')) {
    if (header.rank == NpyHeader::kMaxRank ||
        !in.size(header.dims[header.rank]))
      return false;
    ++header.rank;
    if (!in.accept(',')) // (3) is a number, not a tuple
      return header.rank > 1 && in.accept(')');
  }
  return true;
}

static bool parseDict(Literal in, NpyHeader &header) {
  bool hasDescr = false, hasOrder = false, hasShape = false;
  if (!in.accept('{'))
    return false;
  while (!in.accept('}')) {
    char key[16];
    if (!in.text(key) || !in.accept(':'))
      return false;
    if (!hasDescr && strcmp(key, "descr") == 0) {
      hasDescr = true;
      if (!in.text(header.descr))
        return false;
    } else if (!hasOrder && strcmp(key, "fortran_order") == 0) {
      hasOrder = true;
      header.isFortran = in.acceptWord("True");
      if (!header.isFortran && !in.acceptWord("False"))
        return false;
    } else if (!hasShape && strcmp(key, "shape") == 0) {
      hasShape = true;
      if (!parseShape(in, header))
        return false;
    } else {
      return false;
    }
    if (!in.accept(',')) {
      if (!in.accept('}'))
        return false;
      break;
    }
  }
  in.skipSpace();
  return hasDescr && hasOrder && hasShape && in.next == in.end;
}

bool NpyHeader::parse(const uint8_t *start, uint64_t available,
                      const char *where, Message &message) {
  if (available < 6 || memcmp(start, "\x93NUMPY", 6) != 0)
    return message.set("%s: is no .npy file", where);
  if (available < 12)
    return message.set("%s: ends within its header", where);
  int version = start[6];
  if (version < 1 || version > 3)
    return message.set("%s: is of .npy version %d, the known ones are 1 to 3",
                       where, version);
  uint64_t prefix = version == 1 ? 10 : 12;
  uint64_t length = start[8] | start[9] << 8 |
                    (version == 1 ? 0
                                  : static_cast<uint64_t>(start[10]) << 16 |
                                        static_cast<uint64_t>(start[11]) << 24);
  bytes = prefix + length;
  if (bytes > kMaxBytes)
    return message.set("%s: has a header of %" PRIu64
                       " bytes, that of a plain array is shorter than %" PRIu64,
                       where, length, kMaxBytes);
  if (bytes > available)
    return message.set("%s: ends within its header", where);
  const char *text = reinterpret_cast<const char *>(start);
  if (memmem(start, bytes, "'descr': [", 10))
    return message.set("%s: is an array of records, not of numbers", where);
  return parseDict({{text + prefix, text + bytes}}, *this) ||
         message.set("%s: has a header that is not numpy's", where);
}

/// Whether a type is spelled so, where '|' and '=' mean this machine's order,
/// which is '<'.
static bool isSpelled(const char *descr, const char *known) {
  auto isHere = [](char order) {
    return order == '<' || order == '|' || order == '=';
  };
  return known &&
         (strcmp(descr, known) == 0 || (isHere(*descr) && isHere(*known) &&
                                        strcmp(descr + 1, known + 1) == 0));
}

bool NpyHeader::isOf(const ElementType &type) const {
  return isSpelled(descr, type.descr) || isSpelled(descr, type.otherDescr);
}

ShapeText NpyHeader::text() const {
  for (int32_t type = BURNISH_FLOAT; type <= BURNISH_INT2; ++type)
    if (const ElementType *known = elementType(type);
        known && isSpelled(descr, known->descr) && known->descr[1] != 'V')
      return {known->name, dims, rank};
  char quoted[sizeof descr + 2];
  Text(quoted) << "'" << descr << "'";
  return {quoted, dims, rank};
}

uint64_t burnish::npyHeader(uint8_t (&to)[NpyHeader::kMaxBytes], int32_t type,
                            const int64_t *dims, int32_t rank,
                            const char *descr) {
  constexpr size_t kPrefix = 10;
  char *start = reinterpret_cast<char *>(to);
  const ElementType *known = elementType(type);
  Text text(start + kPrefix, sizeof to - kPrefix - 64);
  text << "{'descr': '"
       << (descr   ? descr
           : known ? known->descr
                   : "|V1")
       << "', 'fortran_order': False, 'shape': (";
  for (int32_t i = 0; i < rank; ++i)
    text << (i ? ", " : "") << dims[i];
  text << (rank == 1 ? ",), }" : "), }");
  if (!text.fits())
    return 0;
  // The data begins at a multiple of 64, after a line feed.
  size_t used = kPrefix + text.size(), bytes = (used + 1 + 63) / 64 * 64;
  memset(start + used, ' ', bytes - used - 1);
  start[bytes - 1] = '\n';
  constexpr uint8_t kVersion1[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  memcpy(to, kVersion1, sizeof kVersion1);
  to[8] = static_cast<uint8_t>((bytes - kPrefix) & 255);
  to[9] = static_cast<uint8_t>((bytes - kPrefix) >> 8);
  return bytes;
}

//===- data ---===//

namespace {
/// Hands the compressed bytes of a member to the inflater.
struct FileSource : ByteSource {
  const InputFile &file;
  uint64_t offset, left;
  Message &message;
  bool failed = false;
  uint8_t buffer[8192];

  FileSource(const NpyBytes &bytes, Message &message)
      : file(*bytes.file), offset(bytes.offset), left(bytes.packedSize),
        message(message) {
    refill = [](ByteSource &source) {
      return static_cast<FileSource &>(source).more();
    };
  }
  bool more() {
    uint64_t count = left < sizeof buffer ? left : sizeof buffer;
    if (count == 0 || failed || !file.read(offset, buffer, count, message)) {
      failed |= count > 0;
      return false;
    }
    offset += count;
    left -= count;
    next = buffer;
    end = buffer + count;
    return true;
  }
};
} // namespace

bool NpyBytes::readStart(uint8_t *to, uint64_t room, uint64_t &got,
                         const char *where, Message &message) const {
  got = size < room ? size : room;
  if (!isDeflated)
    return file->read(offset, to, got, message);
  FileSource source(*this, message);
  Inflated result = inflate(source, to, got, got);
  if (source.failed)
    return false;
  return result == Inflated::Whole || result == Inflated::Prefix ||
         message.set("%s: its compressed data is damaged", where);
}

bool NpyBytes::readAll(uint8_t *to, const char *where, Message &message) const {
  if (isDeflated) {
    FileSource source(*this, message);
    uint64_t written = 0;
    Inflated result = inflate(source, to, size, written);
    if (source.failed)
      return false;
    if (result == Inflated::Corrupt || result == Inflated::Truncated)
      return message.set("%s: its compressed data is damaged", where);
    if (result == Inflated::Prefix || written != size)
      return message.set("%s: has %s data than its header says", where,
                         result == Inflated::Prefix ? "more" : "less");
    if (source.left || source.next != source.end || source.unused > 0)
      return message.set("%s: something follows its compressed data", where);
  } else if (!file->read(offset, to, size, message)) {
    return false;
  }
  return !hasCrc || crc32(0, to, size) == crc ||
         message.set("%s: its data is damaged (the CRC-32 differs)", where);
}

/// Copies a column-major array to row-major order.
template <size_t kBytes>
static void reorder(const uint8_t *from, uint8_t *to, const int64_t *dims,
                    int32_t rank) {
  int64_t index[NpyHeader::kMaxRank] = {}, strides[NpyHeader::kMaxRank];
  for (int64_t i = 0, stride = static_cast<int64_t>(kBytes); i < rank;
       stride *= dims[i++])
    strides[i] = stride;
  for (;;) {
    memcpy(to, from, kBytes);
    to += kBytes;
    int32_t axis = rank - 1;
    for (; axis >= 0 && ++index[axis] == dims[axis]; --axis) {
      from -= (dims[axis] - 1) * strides[axis];
      index[axis] = 0;
    }
    if (axis < 0)
      return;
    from += strides[axis];
  }
}

static bool toRowMajor(const NpyHeader &header, int64_t elementBytes,
                       const char *where, Tensor &tensor, Message &message) {
  Pages pages;
  if (!pages.allocate(static_cast<uint64_t>(tensor.view.bytes)))
    return message.set("%s: no memory for %" PRId64 " bytes", where,
                       tensor.view.bytes);
  const uint8_t *from = static_cast<uint8_t *>(tensor.view.data);
  switch (elementBytes) {
  case 1:
    reorder<1>(from, pages.data(), header.dims, header.rank);
    break;
  case 2:
    reorder<2>(from, pages.data(), header.dims, header.rank);
    break;
  case 4:
    reorder<4>(from, pages.data(), header.dims, header.rank);
    break;
  case 8:
    reorder<8>(from, pages.data(), header.dims, header.rank);
    break;
  default:
    reorder<16>(from, pages.data(), header.dims, header.rank);
    break;
  }
  tensor.pages.swap(pages);
  tensor.view.data = tensor.pages.data();
  return true;
}

/// Brings elements of fewer than 8 bits to the one form that compiled code
/// knows.
static void normalize(int32_t type, uint8_t *bytes, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    switch (type) {
    case BURNISH_BOOL:
      bytes[i] = bytes[i] != 0;
      break;
    case BURNISH_UINT4:
    case BURNISH_FLOAT4E2M1:
      bytes[i] &= 15;
      break;
    case BURNISH_UINT2:
      bytes[i] &= 3;
      break;
    case BURNISH_INT4:
      bytes[i] = static_cast<uint8_t>(static_cast<int8_t>(bytes[i] << 4) >> 4);
      break;
    case BURNISH_INT2:
      bytes[i] = static_cast<uint8_t>(static_cast<int8_t>(bytes[i] << 6) >> 6);
      break;
    default:
      return;
    }
  }
}

bool burnish::readArray(const NpyBytes &source, const NpyHeader &header,
                        int32_t type, const char *where, Tensor &tensor,
                        Message &message) {
  int64_t count = elementCount(header.dims, header.rank),
          elementBytes = burnish_type_size(type);
  if (count < 0)
    return message.set("%s: %s has more elements than can be counted", where,
                       header.text().text);
  int64_t bytes = count * elementBytes;
  if (source.size - header.bytes != static_cast<uint64_t>(bytes))
    return message.set("%s: has %" PRIu64 " bytes of data, %s takes %" PRId64,
                       where, source.size - header.bytes, header.text().text,
                       bytes);
  // The whole file goes to memory so that its data lies at a multiple of 64.
  uint64_t padding = (64 - header.bytes % 64) % 64;
  if (!mayFit(padding + source.size) ||
      !tensor.pages.allocate(padding + source.size))
    return message.set("%s: no memory for %" PRId64 " bytes", where, bytes);
  if (!source.readAll(tensor.pages.data() + padding, where, message))
    return false;
  tensor.view.data = tensor.pages.data() + padding + header.bytes;
  tensor.view.bytes = bytes;
  if (header.isFortran && header.rank > 1 && count > 0 &&
      !toRowMajor(header, elementBytes, where, tensor, message))
    return false;
  normalize(type, static_cast<uint8_t *>(tensor.view.data), count);
  return true;
}
