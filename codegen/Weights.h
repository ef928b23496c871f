// Weights.h - the constants of a model as one run of bytes.
#pragma once
#include "ir/Signature.h"
#include "llvm/Support/Error.h"

namespace burnish {

/// The constants that a module carries as `nn.weights`: elements and their
/// offset in turn. Bytes go from where they lie (often the mapped model file)
/// straight into the file that is being written.
class Weights {
public:
  /// An error when offsets are out of order or elements have no bytes.
  static llvm::Expected<Weights> of(mlir::ModuleOp module);

  /// Whether the bytes are the same at the same offsets.
  bool operator==(const Weights &other) const;

  /// Bytes of all constants and what is between them.
  int64_t bytes() const { return total; }

  /// Writes every constant at `offset` plus its own into a file that reads as
  /// zeros there.
  llvm::Error write(int fd, uint64_t offset, llvm::StringRef path) const;

private:
  struct Constant {
    mlir::ElementsAttr elements;
    int64_t offset;
  };
  llvm::SmallVector<Constant> constants;
  int64_t total = 0;
};

/// Where the bytes of `symbol`, a data symbol with contents, begin in an object
/// file of any format.
llvm::Expected<uint64_t> findBytes(llvm::StringRef objectPath,
                                   llvm::StringRef symbol);

/// The section of a linked file that is kept for weights.
inline constexpr llvm::StringLiteral kRoomSection = ".burnish";
/// Where the bytes of a section begin in an object file or a linked one.
llvm::Expected<uint64_t> findSection(llvm::StringRef path,
                                     llvm::StringRef section);

} // namespace burnish
