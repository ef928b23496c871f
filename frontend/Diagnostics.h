// Diagnostics.h - collects what is wrong with a model, so that one run reports
// everything.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <string>
#include <vector>

namespace burnish {

/// A name from a file as it can stand in a message: between single quotes,
/// escaped, cut after 80 bytes.
std::string quoted(llvm::StringRef name);

/// A message as a terminal can show it, on one line: what is no text is
/// escaped, and what is longer than anybody reads left out of its middle.
std::string legible(llvm::StringRef text);

/// The line of a text that a message speaks of, on a line of its own, and under
/// it a caret at `column` (in bytes, from 1) for something of `width` bytes.
std::string excerpt(llvm::StringRef line, size_t column, size_t width = 1);

/// `; did you mean 'x'`, where one of `known` is near enough to `name`.
std::string nearest(llvm::StringRef name,
                    llvm::ArrayRef<llvm::StringRef> known);

/// One thing that stops a compile. `where` says where in the file it is, as
/// `node 'fc1' (Gemm)`, or is empty. The fields after `reason` are filled where
/// a node is at fault.
struct Problem {
  std::string where;
  std::string reason;
  std::string remedy;
  /// Where the file is a text: `net.nn:3:14`, and the line with a caret and the
  /// notes, each on lines of its own, which follow the message.
  std::string position, excerpt;
  std::string node, op, domain;
  int64_t version = 0;
  /// Whether it is the compiler that cannot, rather than the model that is
  /// wrong.
  bool isUnsupported = false;
  /// Of the operands as far as they are known, of the outputs as far as the
  /// file declares them.
  std::vector<std::string> inputTypes, outputTypes;
};

/// The problems of one model file.
class Diagnostics {
public:
  /// `file` stands before every message.
  explicit Diagnostics(llvm::StringRef file) : file(file) {}

  /// Records a problem; always false, so that `return diagnostics.error(...)`
  /// reads well.
  bool error(const llvm::Twine &where, const llvm::Twine &reason,
             const llvm::Twine &remedy = "");
  bool report(Problem problem);

  bool hasErrors() const { return !found.empty(); }
  llvm::ArrayRef<Problem> problems() const { return found; }
  /// `file: where: reason; remedy`, or of a text `position: error: reason;
  /// remedy` and its excerpt.
  std::string message(const Problem &problem) const;
  /// A place in the list, to which it can be taken back when what was found
  /// since turns out not to be so.
  using Mark = size_t;
  Mark mark() const { return found.size(); }
  void takeBack(Mark mark);
  /// How many were left out after the first `kLimit`.
  size_t leftOut() const { return surplus; }

  const std::string &fileName() const { return file; }

private:
  static constexpr size_t kLimit = 200;
  std::string file;
  std::vector<Problem> found;
  llvm::StringSet<> said;
  size_t surplus = 0;
};

} // namespace burnish
