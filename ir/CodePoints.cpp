// CodePoints.cpp - sets of code points.
#include "ir/CodePoints.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Unicode.h"
#include <map>

using namespace llvm;
using namespace burnish;
using namespace burnish::nn;

Spans nn::normalized(Spans spans) {
  llvm::sort(spans, [](Span a, Span b) { return a.first < b.first; });
  Spans merged;
  for (Span span : spans) {
    if (!merged.empty() && span.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, span.last);
    else
      merged.push_back(span);
  }
  return merged;
}

Spans nn::inverted(const Spans &spans) {
  Spans result;
  uint32_t next = 0;
  for (Span span : normalized(spans)) {
    if (span.first > next)
      result.push_back({next, span.first - 1});
    next = span.last + 1;
  }
  if (next <= kLastPoint)
    result.push_back({next, kLastPoint});
  return result;
}

Spans nn::foldCase(const Spans &spans) {
  // Folded letters and all that fold to them.
  static const std::multimap<uint32_t, uint32_t> members = [] {
    std::multimap<uint32_t, uint32_t> all;
    for (uint32_t point = 0; point < 0x20000; ++point)
      if (uint32_t folded = sys::unicode::foldCharSimple(point);
          folded != point)
        all.emplace(folded, point);
    return all;
  }();
  Spans result(spans);
  auto has = [&](uint32_t point) {
    return any_of(spans, [&](Span span) {
      return point >= span.first && point <= span.last;
    });
  };
  for (auto at = members.begin(); at != members.end();) {
    auto end = members.upper_bound(at->first);
    uint32_t folded = at->first;
    bool isIn = has(folded) || std::any_of(at, end, [&](const auto &member) {
                  return has(member.second);
                });
    if (isIn)
      result.push_back({folded, folded});
    for (; at != end; ++at)
      if (isIn)
        result.push_back({at->second, at->second});
  }
  return normalized(result);
}

std::optional<Spans> nn::namedClass(StringRef name) {
  Spans alpha{{'A', 'Z'}, {'a', 'z'}}, digit{{'0', '9'}};
  Spans alnum{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
  return StringSwitch<std::optional<Spans>>(name)
      .Case("alnum", alnum)
      .Case("alpha", alpha)
      .Case("ascii", Spans{{0, 127}})
      .Case("blank", Spans{{'\t', '\t'}, {' ', ' '}})
      .Case("cntrl", Spans{{0, 31}, {127, 127}})
      .Case("digit", digit)
      .Case("graph", Spans{{'!', '~'}})
      .Case("lower", Spans{{'a', 'z'}})
      .Case("print", Spans{{' ', '~'}})
      .Case("punct", Spans{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}})
      .Case("space", Spans{{'\t', '\r'}, {' ', ' '}})
      .Case("upper", Spans{{'A', 'Z'}})
      .Case("word", Spans{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}})
      .Case("xdigit", Spans{{'0', '9'}, {'A', 'F'}, {'a', 'f'}})
      .Default(std::nullopt);
}

std::optional<Spans> nn::escapedClass(char letter) {
  Spans spans;
  switch (letter | 32) {
  case 'd':
    spans = {{'0', '9'}};
    break;
  case 's':
    spans = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
    break;
  case 'w':
    spans = *namedClass("word");
    break;
  default:
    return std::nullopt;
  }
  return letter & 32 ? spans : inverted(spans);
}

namespace {
struct Run {
  uint32_t first, last, step;
};
} // namespace

std::optional<Spans> nn::unicodeClass(StringRef name) {
  if (name == "Any")
    return Spans{{0, kLastPoint}};
  if (name.empty())
    return std::nullopt;
  Spans spans;
  auto add = [&](StringRef category, ArrayRef<Run> runs) {
    if (category != name && category.take_front() != name)
      return;
    for (Run run : runs)
      if (run.step == 1)
        spans.push_back({run.first, run.last});
      else
        for (uint32_t point = run.first; point <= run.last; point += run.step)
          spans.push_back({point, point});
  };
#define CATEGORY(NAME, ...)                                                    \
  {                                                                            \
    static constexpr Run runs[] = {__VA_ARGS__};                               \
    add(#NAME, runs);                                                          \
  }
#include "ir/UnicodeCategories.inc"
#undef CATEGORY
  if (spans.empty())
    return std::nullopt;
  return normalized(std::move(spans));
}
