// CodePoints.h - sets of code points.
#pragma once
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace burnish::nn {

/// Code points from `first` to `last`.
struct Span {
  uint32_t first, last;
};
using Spans = llvm::SmallVector<Span, 4>;
constexpr uint32_t kLastPoint = 0x10ffff;

/// The same set in order, with what touches as one.
Spans normalized(Spans spans);
/// All that are not in the set.
Spans inverted(const Spans &spans);
/// The set with what differs from its members in case alone.
Spans foldCase(const Spans &spans);
/// The set of a name such as `alpha`, as in [[:alpha:]].
std::optional<Spans> namedClass(llvm::StringRef name);
/// The set that \d and its like stand for.
std::optional<Spans> escapedClass(char letter);
/// The set of one of Unicode's general categories, such as Lu, or of all whose
/// names begin with one letter; or all there is (Any).
std::optional<Spans> unicodeClass(llvm::StringRef name);

} // namespace burnish::nn
