// Model.h - an ONNX model file: its structure, and the bytes of its tensors
// where they lie.
#pragma once
#include "frontend/Diagnostics.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace burnish::onnx_import {

/// The elements of a tensor of strings; none after a diagnostic at `where`.
std::optional<llvm::SmallVector<llvm::StringRef>>
stringsOf(const onnx::TensorProto &tensor, const llvm::Twine &where,
          Diagnostics &diagnostics);

/// Bits of an element of ONNX's type number `type` in a file; 0 for strings and
/// numbers that are no type.
unsigned elementBits(int64_t type);
/// ONNX's word for a type number, as in `float16`; `type 99` for one that is
/// none.
std::string typeName(int64_t type);

/// The number of elements of a tensor with these dims; none (with `error`
/// saying why) when a dim is negative or the product, or the size in bytes at
/// 16 bytes an element, is over 2^63.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> dims,
                                    std::string &error);

/// An ONNX model file. What `bytes` returns lies in the file, mapped, or in
/// buffers of the model, and lives as long as the model does.
class Model {
public:
  /// Reads `path`; `-` is the standard input, and the ending `.onnxtxt` means
  /// ONNX's textual form. Null after a diagnostic.
  static std::unique_ptr<Model> load(llvm::StringRef path,
                                     Diagnostics &diagnostics);

  const onnx::ModelProto &proto() const { return model; }
  onnx::ModelProto &proto() { return model; }

  /// The elements of a tensor that is not of strings: little-endian, row-major,
  /// one element after the other, each in whole bytes (4-bit and smaller
  /// elements are unpacked, sign-extended where they have a sign), booleans 0
  /// or 1. They may be unaligned. None after a diagnostic at `where`.
  std::optional<llvm::ArrayRef<char>> bytes(const onnx::TensorProto &tensor,
                                            const llvm::Twine &where,
                                            Diagnostics &diagnostics);

  /// The same of a tensor of which only what is not zero is stored.
  std::optional<llvm::ArrayRef<char>>
  bytes(const onnx::SparseTensorProto &tensor, const llvm::Twine &where,
        Diagnostics &diagnostics);

  /// The files that are mapped by now, the model's and those of external data.
  llvm::SmallVector<llvm::ArrayRef<char>> mappings() const;

private:
  std::optional<llvm::ArrayRef<char>> external(const onnx::TensorProto &tensor,
                                               uint64_t needed,
                                               const llvm::Twine &where,
                                               Diagnostics &diagnostics);
  llvm::ArrayRef<char> own(std::string bytes);

  struct ExternalRange {
    uint64_t end;
    std::string tensor;
  };
  struct ExternalFile {
    std::unique_ptr<llvm::MemoryBuffer> buffer;
    std::map<uint64_t, ExternalRange>
        ranges; // by begin, none overlapping another
  };

  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> file;
  onnx::ModelProto model;
  llvm::StringMap<ExternalFile> externalFiles;
  std::deque<std::string> owned;
};

} // namespace burnish::onnx_import
