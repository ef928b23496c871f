// Output.h - a file that appears whole or not at all.
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace burnish {

/// A file being written: a temporary one beside the place it will have, renamed
/// at the end. What is no regular file (a pipe, /dev/full) cannot be renamed
/// over; the temporary file is then copied into it. Removed unless committed,
/// also when a signal ends the process.
class Output {
public:
  static llvm::Expected<Output> create(llvm::StringRef path);
  /// A file in memory that has no name for others; committing it does nothing.
  static llvm::Expected<Output> inMemory(llvm::StringRef label);
  Output(Output &&other) { *this = std::move(other); }
  Output &operator=(Output &&other);
  ~Output() { discard(); }

  int fd() const { return descriptor; }
  /// Where the file is meanwhile, for tools that write to a path. Such a tool
  /// may put another file there: use `reopen` after it.
  const std::string &temporary() const { return temporaryPath; }
  /// Where it will be.
  const std::string &path() const { return finalPath; }
  llvm::Error reopen();
  /// Whether committing copies, and so may find no room.
  bool isCopied() const { return kind == Kind::Device; }

  /// Writes all of `bytes` at the end of what is written.
  llvm::Error append(llvm::StringRef bytes);
  /// Gives the file its name.
  llvm::Error commit(bool isExecutable = false);

private:
  enum class Kind { Beside, Device, Memory };
  Output() = default;
  void discard();

  int descriptor = -1;
  Kind kind = Kind::Beside;
  std::string temporaryPath, finalPath;
};

/// Writes a whole file at once.
llvm::Error writeOutput(llvm::StringRef path, llvm::StringRef bytes);

/// Writes all of `bytes` to a file at an offset; -1 is the present position.
std::error_code writeFully(int fd, const char *bytes, size_t count,
                           int64_t offset = -1);

/// `path: what the system said`.
llvm::Error fileError(llvm::StringRef path, std::error_code error);

} // namespace burnish
