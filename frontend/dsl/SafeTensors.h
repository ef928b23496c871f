// SafeTensors.h - reads and writes files of weights in the safetensors format.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <map>
#include <memory>
#include <vector>

namespace burnish::dsl {

/// A file of named tensors: eight bytes that say how long the header is, the
/// header in JSON, and the elements of all tensors.
class SafeTensors {
public:
  struct Entry {
    /// The format's word, as F32.
    std::string type;
    std::vector<int64_t> dims;
    llvm::ArrayRef<char> bytes;
  };

  /// Maps and checks a file; nothing in it is trusted. The error names the file
  /// and, where one is at fault, the key.
  static llvm::Expected<std::shared_ptr<SafeTensors>>
  read(llvm::StringRef path);

  const Entry *find(llvm::StringRef key) const {
    auto found = entries.find(key);
    return found == entries.end() ? nullptr : &found->second;
  }
  /// In the order of their names.
  std::vector<llvm::StringRef> keys() const;
  llvm::ArrayRef<char> mapping() const {
    return {buffer->getBufferStart(), buffer->getBufferSize()};
  }
  const std::string &path() const { return file; }

private:
  /// Checksums where the metadata has them, as runtime/train writes them.
  llvm::Error
  checkSums(const std::map<std::string, std::string> &metadata) const;

  std::string file;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringMap<Entry> entries;
};

/// The text of a file with tensors, in their order.
struct NamedTensor {
  std::string name, type;
  std::vector<int64_t> dims;
  llvm::ArrayRef<char> bytes;
};
std::string safeTensorsHeader(llvm::ArrayRef<NamedTensor> tensors);

} // namespace burnish::dsl
