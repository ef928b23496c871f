// RegexSyntax.h - regular expressions as trees.
#pragma once
#include "ir/CodePoints.h"
#include "ir/Regex.h"

namespace burnish::nn {

/// What has to hold between two bytes.
enum class Look : uint8_t { Begin, End, LineBegin, LineEnd, Boundary, Inside };

struct Regex::Node {
  enum Kind { Set, Sequence, Choice, Repeat, Assertion } kind;
  Look look = Look::Begin;
  Spans spans;
  std::vector<std::unique_ptr<Node>> parts;
  int least = 0, most = -1; // -1: any number

  explicit Node(Kind kind) : kind(kind) {}
};

/// Reads a pattern in RE2's syntax; null, and `problem` says what and at which
/// byte, when it is none.
std::unique_ptr<Regex::Node> readPattern(llvm::StringRef pattern,
                                         std::string &problem);

} // namespace burnish::nn
