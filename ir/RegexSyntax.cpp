// RegexSyntax.cpp - reading regular expressions.
#include "ir/RegexSyntax.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;
using namespace burnish;
using namespace burnish::nn;

using Node = Regex::Node;
using NodePtr = std::unique_ptr<Node>;

namespace {
constexpr int kMostRepeats = 1000;
constexpr size_t kMostDepth = 200;

/// Reads a pattern; what it cannot read is a problem at a place.
class PatternReader {
public:
  PatternReader(StringRef pattern, std::string &problem)
      : pattern(pattern), problem(problem) {}

  NodePtr read() {
    NodePtr node = choice();
    if (node && at < pattern.size())
      return fail(at, "has ')' that opens nothing");
    return node;
  }

private:
  NodePtr fail(size_t place, const Twine &what) {
    if (problem.empty())
      problem = (what + " at byte " + Twine(place)).str();
    return nullptr;
  }
  bool accept(StringRef text) {
    if (!pattern.substr(at).starts_with(text))
      return false;
    at += text.size();
    return true;
  }
  char peek() const { return at < pattern.size() ? pattern[at] : '\0'; }

  /// The next code point; a problem when the bytes are no UTF-8.
  std::optional<uint32_t> point() {
    const auto *from = reinterpret_cast<const UTF8 *>(pattern.data()) + at,
               *end = reinterpret_cast<const UTF8 *>(pattern.data()) +
                      pattern.size();
    const UTF8 *next = from;
    UTF32 result = 0;
    if (convertUTF8Sequence(&next, end, &result, strictConversion) !=
        conversionOK) {
      fail(at, "is no UTF-8");
      return std::nullopt;
    }
    at += next - from;
    return result;
  }

  NodePtr set(Spans spans) {
    auto node = std::make_unique<Node>(Node::Set);
    node->spans = ignoresCase ? foldCase(spans) : normalized(spans);
    return node;
  }

  NodePtr looking(Look look) {
    auto node = std::make_unique<Node>(Node::Assertion);
    node->look = look;
    return node;
  }

  NodePtr choice() {
    if (++depth > kMostDepth)
      return fail(at, "is nested too deeply");
    auto node = std::make_unique<Node>(Node::Choice);
    do {
      NodePtr part = sequence();
      if (!part)
        return nullptr;
      node->parts.push_back(std::move(part));
    } while (accept("|"));
    --depth;
    return node->parts.size() == 1 ? std::move(node->parts[0])
                                   : std::move(node);
  }

  NodePtr sequence() {
    auto node = std::make_unique<Node>(Node::Sequence);
    while (at < pattern.size() && peek() != '|' && peek() != ')') {
      if (accept("\\Q")) {
        while (at < pattern.size() && !accept("\\E")) {
          std::optional<uint32_t> next = point();
          if (!next)
            return nullptr;
          node->parts.push_back(set({{*next, *next}}));
        }
        continue;
      }
      size_t start = at;
      NodePtr part = atom();
      if (!part)
        return nullptr;
      if (part->kind == Node::Sequence && part->parts.empty() &&
          pattern.substr(start).starts_with("(?") && pattern[at - 1] == ')' &&
          isFlags)
        continue; // flags alone, which nothing may repeat
      part = repeated(std::move(part));
      if (!part)
        return nullptr;
      node->parts.push_back(std::move(part));
    }
    return node;
  }

  /// `{n}`, `{n,}` or `{n,m}`; as in RE2, anything else is text.
  bool counts(int &least, int &most) {
    StringRef rest = pattern.substr(at + 1);
    size_t end = rest.find('}');
    if (end == StringRef::npos)
      return false;
    auto [low, high] = rest.take_front(end).split(',');
    bool isRange = rest.take_front(end).contains(',');
    if (low.empty() || !all_of(low, isDigit) || !all_of(high, isDigit))
      return false;
    auto number = [](StringRef digits) {
      int value;
      return digits.getAsInteger(10, value) ? kMostRepeats + 1 : value;
    };
    least = number(low);
    most = !isRange ? least : high.empty() ? -1 : number(high);
    at += end + 2;
    return true;
  }

  NodePtr repeated(NodePtr part) {
    size_t before = at;
    for (bool isSecond = false;; isSecond = true) {
      size_t place = at;
      int least, most;
      if (accept("*"))
        least = 0, most = -1;
      else if (accept("+"))
        least = 1, most = -1;
      else if (accept("?"))
        least = 0, most = 1;
      else if (peek() != '{' || !counts(least, most))
        return part;
      if (isSecond)
        return fail(before, "repeats a repetition");
      if (least > kMostRepeats || most > kMostRepeats ||
          (most >= 0 && most < least))
        return fail(place, "repeats more than " + Twine(kMostRepeats) +
                               " times or from more to fewer");
      accept("?"); // whichever is tried first, the same strings match
      auto node = std::make_unique<Node>(Node::Repeat);
      node->least = least;
      node->most = most;
      node->parts.push_back(std::move(part));
      part = std::move(node);
    }
  }

  NodePtr atom() {
    switch (peek()) {
    case '(':
      return group();
    case '[':
      return bracket();
    case '*':
    case '+':
    case '?':
      return fail(at, "repeats nothing");
    case '.':
      ++at;
      return set(matchesAll ? Spans{{0, kLastPoint}}
                            : Spans{{0, '\n' - 1}, {'\n' + 1, kLastPoint}});
    case '^':
      ++at;
      return looking(matchesLines ? Look::LineBegin : Look::Begin);
    case '$':
      ++at;
      return looking(matchesLines ? Look::LineEnd : Look::End);
    case '\\':
      break;
    default: {
      std::optional<uint32_t> next = point();
      return next ? set({{*next, *next}}) : nullptr;
    }
    }
    if (accept("\\A"))
      return looking(Look::Begin);
    if (accept("\\z"))
      return looking(Look::End);
    if (accept("\\b"))
      return looking(Look::Boundary);
    if (accept("\\B"))
      return looking(Look::Inside);
    std::optional<Spans> spans = escape();
    return spans ? set(*spans) : nullptr;
  }

  /// What stands behind a backslash, which is next.
  std::optional<Spans> escape() {
    size_t place = at++;
    char letter = peek();
    if (std::optional<Spans> spans = escapedClass(letter)) {
      ++at;
      return spans;
    }
    auto one = [&](uint32_t point) {
      ++at;
      return Spans{{point, point}};
    };
    switch (letter) {
    case 'a':
      return one('\a');
    case 'f':
      return one('\f');
    case 'n':
      return one('\n');
    case 'r':
      return one('\r');
    case 't':
      return one('\t');
    case 'v':
      return one('\v');
    case 'x': {
      StringRef digits = pattern.substr(at + 1, 2);
      size_t taken = 3;
      if (digits.starts_with("{")) {
        digits =
            pattern.substr(at + 2).take_until([](char c) { return c == '}'; });
        taken = digits.size() + 3;
      }
      uint32_t point;
      if (digits.getAsInteger(16, point) || point > kLastPoint ||
          at + taken > pattern.size()) {
        fail(place, "has a number of no character");
        return std::nullopt;
      }
      at += taken;
      return Spans{{point, point}};
    }
    case 'p':
    case 'P':
      return category(place, letter == 'P');
    default:
      if (isDigit(letter) && letter != '0')
        fail(place, "refers back, which is not supported,");
      else if (letter == '0') {
        uint32_t point = 0;
        for (int digits = 0; digits < 3 && peek() >= '0' && peek() <= '7';
             ++digits, ++at)
          point = point * 8 + (peek() - '0');
        return Spans{{point, point}};
      } else if (isPunct(letter)) {
        return one(static_cast<uint8_t>(letter));
      } else {
        fail(place, "has an unknown escape");
      }
      return std::nullopt;
    }
  }

  /// `\pL`, `\p{Lu}`, `\p{^Lu}` and their opposites; the letter is next.
  std::optional<Spans> category(size_t place, bool isInverted) {
    ++at;
    StringRef name = pattern.substr(at, 1);
    at += name.size();
    if (name == "{") {
      name = pattern.substr(at).take_until([](char c) { return c == '}'; });
      at += name.size() + 1;
      if (name.consume_front("^"))
        isInverted = !isInverted;
    }
    std::optional<Spans> spans = unicodeClass(name);
    if (!spans || at > pattern.size()) {
      fail(place, "has a class of Unicode that is no general category");
      return std::nullopt;
    }
    if (!isInverted)
      return spans;
    return inverted(ignoresCase ? foldCase(*spans) : *spans);
  }

  NodePtr bracket() {
    size_t place = at++;
    bool isInverted = accept("^");
    Spans spans;
    for (bool isFirst = true;; isFirst = false) {
      if (at >= pattern.size())
        return fail(place, "has '[' that nothing closes");
      if (!isFirst && accept("]"))
        break;
      if (accept("[:")) {
        size_t begin = at;
        bool isOther = accept("^");
        StringRef name =
            pattern.substr(at).take_until([](char c) { return c == ':'; });
        at += name.size();
        std::optional<Spans> named = namedClass(name);
        if (!accept(":]") || !named)
          return fail(begin - 2, "has an unknown class");
        Spans all = isOther ? inverted(*named) : *named;
        spans.append(all.begin(), all.end());
        continue;
      }
      std::optional<Spans> low = member();
      if (!low)
        return nullptr;
      bool isOne = low->size() == 1 && low->front().first == low->front().last;
      if (isOne && peek() == '-' && at + 1 < pattern.size() &&
          pattern[at + 1] != ']') {
        size_t dash = at++;
        std::optional<Spans> high = member();
        if (!high)
          return nullptr;
        if (high->size() != 1 || high->front().first != high->front().last ||
            high->front().first < low->front().first)
          return fail(dash, "has a range that goes nowhere");
        low = Spans{{low->front().first, high->front().first}};
      }
      spans.append(low->begin(), low->end());
    }
    if (ignoresCase)
      spans = foldCase(spans);
    auto node = std::make_unique<Node>(Node::Set);
    node->spans = isInverted ? inverted(spans) : normalized(spans);
    return node;
  }

  std::optional<Spans> member() {
    if (peek() == '\\')
      return escape();
    std::optional<uint32_t> next = point();
    return next ? std::optional<Spans>(Spans{{*next, *next}}) : std::nullopt;
  }

  NodePtr group() {
    size_t place = at++;
    bool oldCase = ignoresCase, oldAll = matchesAll, oldLines = matchesLines;
    isFlags = false;
    if (accept("?")) {
      if (accept("P<") ||
          (peek() == '<' && at + 1 < pattern.size() && pattern[at + 1] != '=' &&
           pattern[at + 1] != '!' && accept("<"))) {
        size_t end = pattern.find('>', at);
        if (end == StringRef::npos || end == at)
          return fail(place, "has a group without a name");
        at = end + 1;
      } else if (!flags(place)) {
        return nullptr;
      } else if (accept(")")) {
        isFlags = true;
        return std::make_unique<Node>(Node::Sequence);
      } else if (!accept(":")) {
        return fail(place, "has an unknown group");
      }
    }
    NodePtr inner = choice();
    if (inner && !accept(")"))
      return fail(place, "has '(' that nothing closes");
    ignoresCase = oldCase;
    matchesAll = oldAll;
    matchesLines = oldLines;
    isFlags = false;
    return inner;
  }

  bool flags(size_t place) {
    for (bool isOn = true; peek() != ')' && peek() != ':'; ++at) {
      switch (peek()) {
      case '-':
        isOn = false;
        break;
      case 'i':
        ignoresCase = isOn;
        break;
      case 'm':
        matchesLines = isOn;
        break;
      case 's':
        matchesAll = isOn;
        break;
      case 'U': // which is tried first is all the same
        break;
      default:
        fail(place, "has a group that looks around or has unknown flags, "
                    "which are not supported,");
        return false;
      }
    }
    return true;
  }

  StringRef pattern;
  std::string &problem;
  size_t at = 0, depth = 0;
  bool ignoresCase = false, matchesAll = false, matchesLines = false;
  /// Whether the last group was flags for what follows.
  bool isFlags = false;
};
} // namespace

NodePtr nn::readPattern(StringRef pattern, std::string &problem) {
  return PatternReader(pattern, problem).read();
}
