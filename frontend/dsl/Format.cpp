// Format.cpp - lays out the text of a network.
#include "frontend/dsl/Format.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Parser.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

namespace {
/// One line: its code up to the sign that neighbours align at, the code from
/// there on, and the comment behind it.
struct Line {
  unsigned indent = 0;
  unsigned blankBefore = 0;
  std::string head, tail, comment;
  /// What kind of column the tail begins, if it does; lines of different kinds
  /// are no neighbours.
  enum Column { None, Param, Clause } column = None;
};
} // namespace

static bool isOpening(Tok kind) {
  return kind == Tok::LeftParen || kind == Tok::LeftBracket ||
         kind == Tok::LeftBrace;
}
static bool isClosing(Tok kind) {
  return kind == Tok::RightParen || kind == Tok::RightBracket ||
         kind == Tok::RightBrace;
}

namespace {
class Formatter {
public:
  explicit Formatter(std::vector<Token> all) : all(std::move(all)) {}

  std::string run() {
    for (size_t index = 0; index + 1 < all.size(); ++index)
      add(index);
    alignColumns();
    alignComments();
    std::string text;
    for (const Line &line : lines) {
      if (line.blankBefore && !text.empty())
        text += '\n';
      std::string code =
          std::string(2 * line.indent, ' ') + line.head + line.tail;
      code += line.comment;
      text += code + "\n";
    }
    return text;
  }

private:
  /// Whether the word before is an operand, so that a `-` behind it is between
  /// two, and a `(` a call.
  static bool endsOperand(const Token &token) {
    switch (token.kind) {
    case Tok::Word: {
      static constexpr StringRef kWords[] = {
          "let", "in",   "with", "emit", "and",   "or",   "not",    "if",
          "as",  "else", "each", "at",   "where", "from", "repeat", "on"};
      return !llvm::is_contained(kWords, token.text);
    }
    case Tok::Integer:
    case Tok::Float:
    case Tok::String:
    case Tok::RightParen:
    case Tok::RightBracket:
      return true;
    default:
      return false;
    }
  }

  bool isUnary(size_t index) const {
    return all[index].kind == Tok::Minus &&
           (index == 0 || !endsOperand(all[index - 1]) ||
            // `- x` and `-x` at the start of a line are not the same.
            (all[index].startsLine && !all[index].isSpacedAfter));
  }

  bool isSpaced(size_t index) const {
    const Token &before = all[index - 1], &token = all[index];
    if (token.kind == Tok::LeftBrace || before.kind == Tok::LeftBrace ||
        token.kind == Tok::RightBrace || before.kind == Tok::RightBrace)
      return true;
    if (isOpening(before.kind) || isClosing(token.kind))
      return false;
    switch (token.kind) {
    case Tok::Comma:
    case Tok::Dot:
      return false;
    case Tok::Colon:
      // Of a slice between operands, as they were: `x[0 : T]` is rare.
      return brackets.empty() || brackets.back() != Tok::LeftBracket
                 ? false
                 : before.kind == Tok::Comma;
    case Tok::Percent:
      // 90% and D % heads.
      return before.kind != Tok::Integer || token.isSpacedBefore;
    case Tok::LeftParen:
      // In recipes a word may stand before a tuple.
      return !endsOperand(before) || token.isSpacedBefore;
    case Tok::LeftBracket:
      return !endsOperand(before);
    default:
      break;
    }
    switch (before.kind) {
    case Tok::Dot:
      return false;
    case Tok::Colon:
      return brackets.empty() || brackets.back() != Tok::LeftBracket;
    case Tok::At:
      // An attribute holds on to its `@`, a product does not.
      return !isAttribute;
    case Tok::Minus:
      return !isUnary(index - 1);
    default:
      break;
    }
    // Products in dims stay as tight as they were: H + 2*pad.
    bool isProduct =
        [](Tok kind) {
          return kind == Tok::Star || kind == Tok::Slash ||
                 kind == Tok::StarStar;
        }(token.kind) ||
        before.kind == Tok::Star || before.kind == Tok::Slash ||
        before.kind == Tok::StarStar;
    if (isProduct)
      return token.isSpacedBefore;
    if (!brackets.empty() && brackets.back() == Tok::LeftBracket &&
        (token.kind == Tok::Plus || token.kind == Tok::Minus ||
         before.kind == Tok::Plus))
      return token.isSpacedBefore;
    return true;
  }

  void add(size_t index) {
    const Token &token = all[index];
    bool beginsLine = index == 0 || token.newlines > 0;
    if (token.kind == Tok::Comment && !beginsLine) {
      lines.back().comment = token.text.str();
      return;
    }
    if (beginsLine) {
      Line line;
      line.blankBefore = token.newlines > 1;
      // What closes stands where the line that opened it does.
      unsigned depth = levels.size();
      for (size_t ahead = index;
           ahead < all.size() && isClosing(all[ahead].kind) &&
           (ahead == index || all[ahead].newlines == 0);
           ++ahead)
        depth = depth ? depth - 1 : 0;
      line.indent = depth ? levels[depth - 1] + 1 : 0;
      bool goesOn = token.kind == Tok::ArrowRight ||
                    (token.kind == Tok::Word && token.text == "where");
      if (depth == 0 && goesOn)
        line.indent = 2;
      lines.push_back(std::move(line));
      isAttribute = false;
      isParam = token.kind == Tok::Word &&
                (token.text == "param" || token.text == "state");
      if (depth == 0 && token.kind == Tok::Word)
        inRecipe = token.text == "train";
      else if (depth == 1 && inRecipe && brackets.size() == 1)
        isClause = true;
    }
    Line &line = lines.back();
    if (isParam && token.kind == Tok::At && line.column == Line::Param)
      isAttribute = true;
    // `=` of params, and what follows the name of a clause, begin a column.
    bool beginsColumn = false;
    if (isParam && token.kind == Tok::Assign && line.column == Line::None) {
      line.column = Line::Param;
      beginsColumn = true;
    } else if (isClause && !beginsLine && line.column == Line::None) {
      line.column = Line::Clause;
      beginsColumn = true;
      isClause = false;
    }
    std::string &code = line.column == Line::None ? line.head : line.tail;
    if (!beginsLine && (beginsColumn || isSpaced(index)))
      code += isAttribute && token.kind == Tok::At ? "  " : " ";
    code += token.text;
    if (isOpening(token.kind)) {
      brackets.push_back(token.kind);
      // All that one line opens is one level.
      levels.push_back(lines.back().indent);
    } else if (isClosing(token.kind) && !brackets.empty()) {
      brackets.pop_back();
      levels.pop_back();
    }
  }

  void alignColumns() {
    for (size_t first = 0; first < lines.size();) {
      size_t end = first + 1, width = lines[first].head.size();
      while (end < lines.size() && lines[end].column == lines[first].column &&
             lines[end].indent == lines[first].indent &&
             !lines[end].blankBefore) {
        width = std::max(width, lines[end].head.size());
        ++end;
      }
      if (lines[first].column != Line::None)
        for (size_t i = first; i < end; ++i)
          lines[i].head.resize(width, ' ');
      first = end;
    }
  }

  void alignComments() {
    constexpr size_t kMostSpaces = 60;
    for (size_t first = 0; first < lines.size();) {
      auto width = [&](const Line &line) {
        return 2 * line.indent + line.head.size() + line.tail.size();
      };
      size_t end = first, widest = 0;
      while (end < lines.size() && !lines[end].comment.empty()) {
        widest = std::max(widest, width(lines[end]));
        ++end;
      }
      for (size_t i = first; i < end; ++i) {
        size_t spaces = widest - width(lines[i]) + 2;
        lines[i].comment =
            std::string(std::min(spaces, kMostSpaces), ' ') + lines[i].comment;
      }
      first = std::max(end, first + 1);
    }
  }

  std::vector<Token> all;
  std::vector<Line> lines;
  std::vector<Tok> brackets;
  /// The indents of the lines that opened the brackets.
  std::vector<unsigned> levels;
  bool isParam = false, isAttribute = false, inRecipe = false, isClause = false;
};
} // namespace

std::optional<std::string> dsl::format(const Sources &sources, uint32_t file,
                                       Messages &messages) {
  // What does not parse is left alone: a bracket too many would move all that
  // follows.
  (void)parse(sources, file, messages);
  if (messages.hasErrors())
    return std::nullopt;
  return Formatter(tokens(sources, file, messages, /*keepsComments=*/true))
      .run();
}
