// Format.cpp - lays out the text of a network.
#include "frontend/dsl/Format.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Parser.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

namespace {
/// One line: its code in cells that lie below those of its neighbours, and the
/// comment behind it.
struct Line {
  unsigned indent = 0;
  bool isBlankBefore = false;
  llvm::SmallVector<std::string, 4> cells{""};
  std::string comment;
  /// Lines of one kind are neighbours: params have cells for name, type,
  /// initialiser and attributes, clauses of a recipe for name and rest.
  enum Kind { Plain, Param, Clause } kind = Plain;

  /// Spaces before a cell, at least.
  unsigned gap(size_t cell) const {
    return kind == Clause || cell == 3 ? 2 : 1;
  }
  std::string code() const {
    std::string text(2 * indent, ' ');
    for (size_t i = 0; i < cells.size(); ++i)
      text += (i ? std::string(gap(i), ' ') : "") + cells[i];
    return text;
  }
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
    alignCells();
    alignComments();
    std::string text;
    for (const Line &line : lines) {
      if (line.isBlankBefore && !text.empty())
        text += '\n';
      text += line.code() + line.comment + "\n";
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
          "let", "in",   "with", "emit", "and",  "or",     "not", "if",
          "as",  "else", "each", "at",   "from", "repeat", "on",  "while"};
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
    if (token.kind == Tok::RightParen || token.kind == Tok::RightBracket ||
        token.kind == Tok::Comma)
      return false;
    if (token.kind == Tok::LeftBrace || before.kind == Tok::LeftBrace ||
        token.kind == Tok::RightBrace || before.kind == Tok::RightBrace)
      return true;
    if (isOpening(before.kind) || isClosing(token.kind))
      return false;
    if (token.kind == Tok::LeftParen &&
        (before.kind == Tok::Star || before.kind == Tok::Slash))
      return token.isSpacedBefore;
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
      // In recipes any word may stand before a tuple, or be what is called.
      return token.isSpacedBefore ||
             (!endsOperand(before) && !(inRecipe && before.kind == Tok::Word));
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
      return token.text != "checkpoint" && (lines.back().kind != Line::Param ||
                                            lines.back().cells.size() < 4);
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
      line.isBlankBefore = token.newlines > 1;
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
      base = depth == 0 && goesOn ? 0 : line.indent;
      lines.push_back(std::move(line));
      bool isParam = token.kind == Tok::Word &&
                     (token.text == "param" || token.text == "state");
      if (depth == 0 && token.kind == Tok::Word)
        inRecipe = token.text == "train";
      else if (inRecipe && brackets.size() == 1 && token.kind == Tok::Word)
        lines.back().kind = Line::Clause;
      if (isParam)
        lines.back().kind = Line::Param;
      depthOfLine = brackets.size();
    }
    Line &line = lines.back();
    // What begins the next cell: only at the level of the line itself.
    bool beginsCell = false;
    if (line.kind == Line::Param && brackets.size() == depthOfLine) {
      size_t cell = line.cells.size();
      bool isType = cell == 1 && all[index - !beginsLine].kind == Tok::Colon;
      beginsCell = isType || (cell == 2 && token.kind == Tok::Assign) ||
                   (cell == 3 && token.kind == Tok::At);
    } else if (line.kind == Line::Clause) {
      beginsCell = !beginsLine && line.cells.size() == 1;
    }
    if (beginsCell)
      line.cells.push_back("");
    else if (!beginsLine && isSpaced(index))
      line.cells.back() += ' ';
    line.cells.back() += token.text;
    if (isOpening(token.kind)) {
      brackets.push_back(token.kind);
      // All that one line opens is one level.
      levels.push_back(base);
    } else if (isClosing(token.kind) && !brackets.empty()) {
      brackets.pop_back();
      // What opens behind it belongs to the line that opened this.
      base = levels.back();
      levels.pop_back();
    }
  }

  void alignCells() {
    for (size_t first = 0; first < lines.size();) {
      size_t end = first + 1;
      while (end < lines.size() && lines[end].kind == lines[first].kind &&
             lines[end].indent == lines[first].indent &&
             !lines[end].isBlankBefore)
        ++end;
      for (size_t cell = 0; cell < 4; ++cell) {
        // The last cell of a line takes no part.
        size_t width = 0;
        for (size_t i = first; i < end; ++i)
          if (lines[i].cells.size() > cell + 1)
            width = std::max(width, lines[i].cells[cell].size());
        for (size_t i = first; i < end; ++i)
          if (lines[i].cells.size() > cell + 1)
            lines[i].cells[cell].resize(width, ' ');
      }
      first = end;
    }
  }

  void alignComments() {
    constexpr size_t kMostSpaces = 60;
    for (size_t first = 0; first < lines.size();) {
      auto width = [](const Line &line) { return line.code().size(); };
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
  bool inRecipe = false;
  /// The indent of what the present line belongs to, and how many brackets were
  /// open where it began.
  unsigned base = 0;
  size_t depthOfLine = 0;
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
