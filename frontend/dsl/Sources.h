// Sources.h - the texts of the files of a network, and places in them.
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <vector>

namespace burnish::dsl {

/// A piece of a file's text: the bytes from `begin` to before `end`.
struct Span {
  uint32_t file = 0, begin = 0, end = 0;

  /// From the start of this to the end of `last`.
  Span to(Span last) const { return {file, begin, last.end}; }
  bool operator==(const Span &other) const = default;
};

/// All files that one compile reads. Texts stay where they are, so that names
/// may refer to them.
class Sources {
public:
  /// Adds a text; `path` is what messages call it.
  uint32_t add(llvm::StringRef path, std::unique_ptr<llvm::MemoryBuffer> text);

  llvm::StringRef path(uint32_t file) const { return files[file].path; }
  llvm::StringRef text(uint32_t file) const {
    return files[file].buffer->getBuffer();
  }
  llvm::StringRef text(Span span) const {
    return text(span.file).slice(span.begin, span.end);
  }
  /// Lines and columns count from 1; columns are bytes.
  std::pair<unsigned, unsigned> lineAndColumn(Span span) const;
  /// The line a place is in, without its end.
  llvm::StringRef line(Span span) const;
  size_t size() const { return files.size(); }

private:
  struct File {
    std::string path;
    std::unique_ptr<llvm::MemoryBuffer> buffer;
    std::vector<uint32_t> lineStarts;
  };
  std::vector<File> files;
};

} // namespace burnish::dsl
