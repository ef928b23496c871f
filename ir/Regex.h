// Regex.h - regular expressions, compiled to automata over bytes.
#pragma once
#include "mlir/Support/LLVM.h"
#include "llvm/Support/LogicalResult.h"
#include <memory>
#include <string>

namespace burnish::nn {

/// A regular expression in RE2's syntax that a whole string has to match, as
/// UTF-8. What is beyond automata is refused (references back, looking around),
/// and so are Unicode's scripts.
class Regex {
public:
  explicit Regex(llvm::StringRef pattern);
  ~Regex();

  /// What is wrong, and at which byte; empty when nothing is.
  llvm::StringRef problem() const { return what; }
  /// The automaton as burnish_string_matches reads it; failure, and `problem`,
  /// when it would have too many states.
  llvm::FailureOr<llvm::SmallVector<char>> table();

  struct Node;

private:
  std::string what;
  std::unique_ptr<Node> root;
};

} // namespace burnish::nn
