// npy.h - numpy's file format for one array.
#pragma once
#include "file.h"
#include "tensor.h"

namespace burnish {

/// What an .npy file says about itself.
struct NpyHeader {
  static constexpr int32_t kMaxRank = 64;
  /// A header of plain arrays is far shorter; a longer one is refused.
  static constexpr uint64_t kMaxBytes = 4096;

  char descr[32];
  bool isFortran;
  int32_t rank;
  int64_t dims[kMaxRank];
  /// Where the data begins.
  uint64_t bytes;

  /// Reads the start of a file, all of it or at least kMaxBytes bytes; `where`
  /// begins the message.
  bool parse(const uint8_t *start, uint64_t available, const char *where,
             Message &message);
  bool isOf(const ElementType &type) const;
  /// "float32[2,3]", or with numpy's spelling of a type that has no name here.
  ShapeText text() const;
};

/// The start of an .npy file with this array, written to `to`; 0 if it does not
/// fit. `descr` is how numpy calls the type, where that does not follow from
/// it.
uint64_t npyHeader(uint8_t (&to)[NpyHeader::kMaxBytes], int32_t type,
                   const int64_t *dims, int32_t rank,
                   const char *descr = nullptr);

/// Some bytes of a file that hold an .npy file: all of it, or a member of an
/// .npz, as they are or compressed.
struct NpyBytes {
  const InputFile *file = nullptr;
  uint64_t offset = 0, packedSize = 0, size = 0;
  bool isDeflated = false, hasCrc = false;
  uint32_t crc = 0;

  /// As many bytes of the start as there are and `room` takes.
  bool readStart(uint8_t *to, uint64_t room, uint64_t &got, const char *where,
                 Message &message) const;
  bool readAll(uint8_t *to, const char *where, Message &message) const;
};

/// Reads the array behind a header that is as wanted: row-major, aligned to 64,
/// and every bool 0 or 1.
bool readArray(const NpyBytes &source, const NpyHeader &header, int32_t type,
               const char *where, Tensor &tensor, Message &message);

} // namespace burnish
