// Regex.cpp - regular expressions, compiled to automata over bytes.
#include "ir/Regex.h"
#include "ir/RegexSyntax.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include <map>

using namespace llvm;
using namespace burnish;
using namespace burnish::nn;

using Node = Regex::Node;
using NodePtr = std::unique_ptr<Node>;

namespace {
constexpr size_t kMostPlaces = 100000, kMostStates = 10000,
                 kMostBytes = 8 << 20;

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

Regex::Regex(StringRef pattern) { root = readPattern(pattern, what); }
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
