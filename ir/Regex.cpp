// Regex.cpp - regular expressions, compiled to automata over bytes.
#include "ir/Regex.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"
#include <map>

using namespace llvm;
using namespace burnish;
using namespace burnish::nn;

namespace {
/// Code points from `first` to `last`.
struct Span {
  uint32_t first, last;
};
using Spans = SmallVector<Span, 4>;
constexpr uint32_t kLastPoint = 0x10ffff;

/// What has to hold between two bytes.
enum class Look : uint8_t { Begin, End, LineBegin, LineEnd, Boundary, Inside };

constexpr int kMostRepeats = 1000;
constexpr size_t kMostPlaces = 100000, kMostStates = 10000, kMostDepth = 200,
                 kMostBytes = 8 << 20;
} // namespace

struct Regex::Node {
  enum Kind { Set, Sequence, Choice, Repeat, Assertion } kind;
  Look look = Look::Begin;
  Spans spans;
  std::vector<std::unique_ptr<Node>> parts;
  int least = 0, most = -1; // -1: any number

  explicit Node(Kind kind) : kind(kind) {}
};

using Node = Regex::Node;
using NodePtr = std::unique_ptr<Node>;

//===- Sets of code points ------------------------------------------------===//

static Spans normalized(Spans spans) {
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

static Spans inverted(const Spans &spans) {
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

/// The set with what differs from its members in case alone.
static Spans foldCase(const Spans &spans) {
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

static std::optional<Spans> namedClass(StringRef name) {
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

/// The set that \d and its like stand for.
static std::optional<Spans> escapedClass(char letter) {
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

//===- Reading ------------------------------------------------------------===//

namespace {
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
      fail(place, "has a class of Unicode, which is not supported,");
      return std::nullopt;
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

//===- Automata -----------------------------------------------------------===//

/// What is beside a place: the end of the string, or a byte of some kind.
enum class Side : uint8_t { Edge, Word, Line, Other };

struct Between {
  Side before, after;

  bool holds(Look look) const {
    switch (look) {
    case Look::Begin:
      return before == Side::Edge;
    case Look::End:
      return after == Side::Edge;
    case Look::LineBegin:
      return before == Side::Edge || before == Side::Line;
    case Look::LineEnd:
      return after == Side::Edge || after == Side::Line;
    case Look::Boundary:
    case Look::Inside:
      return ((before == Side::Word) != (after == Side::Word)) ==
             (look == Look::Boundary);
    }
    return false;
  }
};

/// Places between bytes, and how one comes from one to another.
struct Places {
  struct Step {
    uint32_t to;
    enum Kind : uint8_t { Byte, Free, Looking } kind;
    uint8_t low = 0, high = 0;
    Look look = Look::Begin;
  };
  std::vector<SmallVector<Step, 2>> steps;
  bool isFull = false;
  /// Whether bytes of words, and ends of lines, are to be told from others.
  bool hasWords = false, hasLines = false;

  Side sideOf(uint8_t byte) const {
    if (hasWords && (isAlnum(byte) || byte == '_'))
      return Side::Word;
    return hasLines && byte == '\n' ? Side::Line : Side::Other;
  }

  uint32_t add() {
    if (steps.size() >= kMostPlaces)
      isFull = true;
    else
      steps.emplace_back();
    return steps.size() - 1;
  }
  void link(uint32_t from, uint32_t to, Step::Kind kind = Step::Free) {
    steps[from].push_back({to, kind});
  }

  /// The bytes of code points that are as long and differ in the last bytes
  /// only as a range.
  void bytes(uint32_t from, uint32_t to, ArrayRef<UTF8> low,
             ArrayRef<UTF8> high) {
    for (size_t at = 0; at < low.size(); ++at) {
      uint32_t next = at + 1 == low.size() ? to : add();
      steps[from].push_back({next, Step::Byte, low[at], high[at]});
      from = next;
    }
  }

  /// Code points of a range as ranges of bytes.
  void range(uint32_t from, uint32_t to, uint32_t first, uint32_t last) {
    // No UTF-8 has the halves of pairs.
    if (first < 0xd800 && last >= 0xd800) {
      range(from, to, first, 0xd7ff);
      if (last > 0xdfff)
        range(from, to, 0xe000, last);
      return;
    }
    if (first >= 0xd800 && first <= 0xdfff)
      return last > 0xdfff ? range(from, to, 0xe000, last) : void();
    for (uint32_t limit : {0x7fu, 0x7ffu, 0xffffu})
      if (first <= limit && last > limit) {
        range(from, to, first, limit);
        return range(from, to, limit + 1, last);
      }
    // Cut where the last bytes do not run from their first to their last.
    for (int count = 1; count <= 3 && first > 0x7f; ++count) {
      uint32_t mask = (1u << 6 * count) - 1;
      if ((first & ~mask) == (last & ~mask))
        break;
      if (first & mask) {
        range(from, to, first, first | mask);
        return range(from, to, (first | mask) + 1, last);
      }
      if ((last & mask) != mask) {
        range(from, to, first, (last & ~mask) - 1);
        return range(from, to, last & ~mask, last);
      }
    }
    UTF8 low[4], high[4], *lowEnd = low, *highEnd = high;
    auto encode = [](UTF32 point, UTF8 *&end) {
      const UTF32 *source = &point;
      ConvertUTF32toUTF8(&source, source + 1, &end, end + 4, lenientConversion);
    };
    encode(first, lowEnd);
    encode(last, highEnd);
    bytes(from, to, ArrayRef(low, lowEnd), ArrayRef(high, highEnd));
  }

  /// What leads from `from` through a node; where it ends.
  uint32_t through(const Node &node, uint32_t from) {
    if (isFull)
      return from;
    switch (node.kind) {
    case Node::Set: {
      uint32_t to = add();
      for (Span span : node.spans)
        if (!isFull)
          range(from, to, span.first, span.last);
      return to;
    }
    case Node::Sequence:
      for (const NodePtr &part : node.parts)
        from = through(*part, from);
      return from;
    case Node::Choice: {
      uint32_t to = add();
      for (const NodePtr &part : node.parts) {
        uint32_t begin = add();
        link(from, begin);
        link(through(*part, begin), to);
      }
      return to;
    }
    case Node::Repeat: {
      for (int i = 0; i < node.least && !isFull; ++i)
        from = through(*node.parts[0], from);
      if (node.most < 0) {
        uint32_t begin = add(), to = add();
        link(from, begin);
        link(begin, to);
        link(through(*node.parts[0], begin), begin);
        return to;
      }
      uint32_t to = add();
      link(from, to);
      for (int i = node.least; i < node.most && !isFull; ++i) {
        // A place of its own, as what comes back to `from` may not go on.
        uint32_t begin = add();
        link(from, begin);
        from = through(*node.parts[0], begin);
        link(from, to);
      }
      return to;
    }
    case Node::Assertion: {
      uint32_t to = add();
      if (isFull)
        return from;
      steps[from].push_back({to, Step::Looking, 0, 0, node.look});
      hasWords |= node.look == Look::Boundary || node.look == Look::Inside;
      hasLines |= node.look == Look::LineBegin || node.look == Look::LineEnd;
      return to;
    }
    }
    return from;
  }

  /// All places that are reached without a byte, in order; where it is not
  /// known what is beside, those that always are.
  std::vector<uint32_t> closed(ArrayRef<uint32_t> from,
                               std::optional<Between> between) const {
    BitVector seen(steps.size());
    SmallVector<uint32_t> left(from);
    for (uint32_t place : from)
      seen.set(place);
    while (!left.empty())
      for (const Step &step : steps[left.pop_back_val()])
        if ((step.kind == Step::Free ||
             (step.kind == Step::Looking && between &&
              between->holds(step.look))) &&
            !seen[step.to]) {
          seen.set(step.to);
          left.push_back(step.to);
        }
    std::vector<uint32_t> all;
    for (unsigned place : seen.set_bits())
      all.push_back(place);
    return all;
  }
};
} // namespace

Regex::Regex(StringRef pattern) { root = PatternReader(pattern, what).read(); }
Regex::~Regex() = default;

FailureOr<SmallVector<char>> Regex::table() {
  Places places;
  uint32_t start = places.add(), end = places.through(*root, start);
  auto refuse = [&](StringRef things) -> FailureOr<SmallVector<char>> {
    what = ("has too many " + things).str();
    return failure();
  };
  if (places.isFull)
    return refuse("places");

  // Bytes that every step takes alike are one class.
  BitVector cuts(257);
  for (const auto &steps : places.steps)
    for (const Places::Step &step : steps)
      if (step.kind == Places::Step::Byte) {
        cuts.set(step.low);
        cuts.set(step.high + 1);
      }
  uint8_t classOf[256];
  SmallVector<uint8_t> sample;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (byte == 0 || cuts[byte] ||
        places.sideOf(byte) != places.sideOf(byte - 1))
      sample.push_back(byte);
    classOf[byte] = sample.size() - 1;
  }

  // A state is where one may be and what came before. State 0 is where nothing
  // is any more.
  std::map<std::pair<Side, std::vector<uint32_t>>, uint32_t> numbers;
  std::vector<std::pair<Side, std::vector<uint32_t>>> states;
  std::vector<uint32_t> accepts, next;
  size_t total = 0;
  auto number = [&](Side before, std::vector<uint32_t> state) -> uint32_t {
    auto [found, isNew] =
        numbers.try_emplace(std::pair(before, state), states.size());
    if (isNew) {
      std::vector<uint32_t> atEnd =
          places.closed(state, Between{before, Side::Edge});
      accepts.push_back(std::binary_search(atEnd.begin(), atEnd.end(), end));
      total += state.size();
      states.emplace_back(before, std::move(state));
    }
    return found->second;
  };
  number(Side::Other, {});
  uint32_t begin = number(Side::Edge, places.closed(start, std::nullopt));
  for (size_t at = 0; at < states.size(); ++at) {
    if (states.size() > kMostStates || total > 50 * kMostPlaces ||
        states.size() * sample.size() * sizeof(uint32_t) > kMostBytes)
      return refuse("states");
    auto [before, state] = states[at];
    std::optional<std::vector<uint32_t>> bySide[4];
    for (uint8_t byte : sample) {
      Side after = places.sideOf(byte);
      auto &here = bySide[static_cast<size_t>(after)];
      if (!here)
        here = places.closed(state, Between{before, after});
      SmallVector<uint32_t> reached;
      for (uint32_t place : *here)
        for (const Places::Step &step : places.steps[place])
          if (step.kind == Places::Step::Byte && byte >= step.low &&
              byte <= step.high)
            reached.push_back(step.to);
      next.push_back(reached.empty()
                         ? 0
                         : number(after, places.closed(reached, std::nullopt)));
    }
  }

  SmallVector<char> bytes;
  auto append = [&](ArrayRef<uint32_t> words) {
    const char *from = reinterpret_cast<const char *>(words.data());
    bytes.append(from, from + words.size() * sizeof(uint32_t));
  };
  append({static_cast<uint32_t>(states.size()),
          static_cast<uint32_t>(sample.size()), begin, 0});
  bytes.append(classOf, classOf + sizeof classOf);
  append(accepts);
  append(next);
  return bytes;
}
