// Lexer.cpp - the words of a .nn file.
#include "frontend/dsl/Lexer.h"
#include "llvm/ADT/StringExtras.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

static constexpr std::pair<StringRef, Tok> kSigns[] = {
    // Longer signs before those they begin with.
    {"...", Tok::Ellipsis},   {"->", Tok::ArrowRight},
    {"<-", Tok::ArrowLeft},   {"|>", Tok::Pipe},
    {"==", Tok::Equal},       {"!=", Tok::NotEqual},
    {"<=", Tok::LessEqual},   {">=", Tok::GreaterEqual},
    {"**", Tok::StarStar},    {"(", Tok::LeftParen},
    {")", Tok::RightParen},   {"[", Tok::LeftBracket},
    {"]", Tok::RightBracket}, {"{", Tok::LeftBrace},
    {"}", Tok::RightBrace},   {",", Tok::Comma},
    {":", Tok::Colon},        {".", Tok::Dot},
    {"=", Tok::Assign},       {"<", Tok::Less},
    {">", Tok::Greater},      {"+", Tok::Plus},
    {"-", Tok::Minus},        {"*", Tok::Star},
    {"/", Tok::Slash},        {"%", Tok::Percent},
    {"@", Tok::At},
};

StringRef dsl::nameOf(Tok kind) {
  switch (kind) {
  case Tok::End:
    return "the end of the file";
  case Tok::Word:
    return "a name";
  case Tok::Integer:
  case Tok::Float:
    return "a number";
  case Tok::String:
    return "a string";
  case Tok::Comment:
    return "a comment";
  default:
    for (auto [text, sign] : kSigns)
      if (sign == kind)
        return text;
    return "";
  }
}

/// Signs of other languages, and what stands here for them.
static constexpr struct {
  StringRef sign, meant;
  Tok kind;
} kForeign[] = {
    {"&&", "and", Tok::Word},
    {"||", "or", Tok::Word},
    {"!", "not", Tok::Word},
    {"^", "**", Tok::StarStar},
};

static bool isWordStart(char c) { return llvm::isAlpha(c) || c == '_'; }
static bool isWordPart(char c) { return llvm::isAlnum(c) || c == '_'; }

/// How many characters an escape has that `text` begins with; 0 where it is
/// none.
static size_t escapeLength(StringRef text) {
  if (text.size() < 2)
    return 0;
  if (text[1] == 'x')
    return text.size() > 3 && llvm::isHexDigit(text[2]) &&
                   llvm::isHexDigit(text[3])
               ? 4
               : 0;
  return StringRef("\"\\nt").contains(text[1]) ? 2 : 0;
}

namespace {
class Lexer {
public:
  Lexer(const Sources &sources, uint32_t file, Messages &messages)
      : text(sources.text(file)), file(file), messages(messages) {}

  /// Skips what stands between words; false at the end.
  bool skipSpace() {
    token = {};
    while (at < text.size() && llvm::isSpace(text[at])) {
      token.newlines += text[at] == '\n';
      token.isSpacedBefore = true;
      ++at;
    }
    token.startsLine = token.newlines || at == 0 || isFirst;
    return at < text.size();
  }

  /// The next word, or nothing after a report.
  std::optional<Token> next() {
    isFirst = false;
    StringRef rest = text.drop_front(at);
    char c = rest.front();
    if (rest.starts_with("//"))
      return take(Tok::Comment,
                  rest.take_until([](char c) { return c == '\n'; })
                      .rtrim("\r \t")
                      .size());
    if (isWordStart(c))
      return take(Tok::Word, rest.take_while(isWordPart).size());
    if (llvm::isDigit(c))
      return number(rest);
    if (c == '"')
      return string(rest);
    for (auto [sign, kind] : kSigns)
      if (rest.starts_with(sign))
        return take(kind, sign.size());
    for (const auto &[sign, meant, kind] : kForeign)
      if (rest.starts_with(sign)) {
        messages.error(spanOf(sign.size()),
                       quoted(sign) + " begins no word or sign", {},
                       quoted(meant) + " is what is written here");
        Token token = take(kind, sign.size());
        token.text = meant;
        return token;
      }
    if (c == '#' || c == ';')
      return foreignEnd(c, rest);
    if (c == '\'')
      return foreignString(rest);
    // One report for a run of what is no text.
    size_t length = 1;
    while (length < rest.size() && !llvm::isAlnum(rest[length]) &&
           !llvm::isSpace(rest[length]) && (rest[length] & 0x80))
      ++length;
    Span span = spanOf(length);
    messages.error(span,
                   quoted(rest.take_front(length)) + " begins no word or sign");
    at += length;
    return std::nullopt;
  }

  Token end() {
    token.kind = Tok::End;
    token.span = spanOf(0);
    return token;
  }

private:
  Span spanOf(size_t length) const {
    return {file, static_cast<uint32_t>(at),
            static_cast<uint32_t>(at + length)};
  }

  Token take(Tok kind, size_t length) {
    token.kind = kind;
    token.span = spanOf(length);
    token.text = text.substr(at, length);
    at += length;
    token.isSpacedAfter = at >= text.size() || llvm::isSpace(text[at]);
    return token;
  }

  // Digits may be grouped with `_`.
  std::optional<Token> number(StringRef rest) {
    auto isDigit = [](char c) { return llvm::isDigit(c) || c == '_'; };
    size_t length = rest.take_while(isDigit).size();
    bool isFloat = false;
    if (rest.substr(length).starts_with(".") && length + 1 < rest.size() &&
        llvm::isDigit(rest[length + 1])) {
      isFloat = true;
      length += 1 + rest.substr(length + 1).take_while(isDigit).size();
    }
    StringRef exponent = rest.substr(length);
    if (exponent.consume_front("e") || exponent.consume_front("E")) {
      bool hasSign = exponent.consume_front("-") || exponent.consume_front("+");
      size_t digits = exponent.take_while(isDigit).size();
      if (digits) {
        isFloat = true;
        length += 1 + hasSign + digits;
      }
    }
    size_t tail = rest.substr(length).take_while(isWordPart).size();
    if (tail) {
      messages.error(spanOf(length + tail),
                     quoted(rest.take_front(length + tail)) + " is no number");
      at += length + tail;
      return std::nullopt;
    }
    return take(isFloat ? Tok::Float : Tok::Integer, length);
  }

  std::optional<Token> string(StringRef rest) {
    size_t end = 1;
    auto isInside = [&] {
      return end < rest.size() && rest[end] != '"' && rest[end] != '\n';
    };
    for (; isInside(); ++end) {
      if (rest[end] != '\\')
        continue;
      size_t length = escapeLength(rest.drop_front(end));
      if (length == 0) {
        Span place = {file, static_cast<uint32_t>(at + end),
                      static_cast<uint32_t>(at + end + 1)};
        messages.error(
            place, "'\\' begins nothing here", {},
            "\\\", \\\\, \\n, \\t and \\x with two hexadecimal digits "
            "are what a string may have");
        length = 1;
      }
      end += length - 1;
    }
    if (end >= rest.size() || rest[end] == '\n') {
      messages.error(spanOf(1), "this string has no end on its line");
      at += end;
      return std::nullopt;
    }
    return take(Tok::String, end + 1);
  }

  /// `# ...` and `;`, which are said once for all that a file has.
  std::optional<Token> foreignEnd(char c, StringRef rest) {
    bool isComment = c == '#';
    if (!std::exchange(isComment ? hasHash : hasSemicolon, true))
      messages.error(spanOf(1),
                     isComment ? "'#' begins no comment" : "';' ends nothing",
                     {}, isComment ? "'//' does" : "the end of a line does");
    at += isComment ? rest.take_until([](char c) { return c == '\n'; }).size()
                    : 1;
    return std::nullopt;
  }

  std::optional<Token> foreignString(StringRef rest) {
    size_t length = rest.drop_front().find_first_of("'\n");
    bool isWhole = length != StringRef::npos && rest[length + 1] == '\'';
    messages.error(spanOf(isWhole ? length + 2 : 1),
                   "a string stands between two '\"'");
    if (isWhole)
      return take(Tok::String, length + 2);
    ++at;
    return std::nullopt;
  }

  StringRef text;
  uint32_t file;
  Messages &messages;
  bool hasHash = false, hasSemicolon = false;
  size_t at = 0;
  bool isFirst = true;
  Token token;
};
} // namespace

std::string dsl::unescaped(StringRef text) {
  std::string result;
  while (!text.empty()) {
    size_t length = text.front() == '\\' ? escapeLength(text) : 0;
    if (length == 4)
      result += static_cast<char>(llvm::hexFromNibbles(text[2], text[3]));
    else if (length == 2)
      result += text[1] == 'n' ? '\n' : text[1] == 't' ? '\t' : text[1];
    else
      result += text.front();
    text = text.drop_front(std::max<size_t>(length, 1));
  }
  return result;
}

std::string dsl::escaped(StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\n')
      result += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      result += "\\x" + llvm::utohexstr(static_cast<unsigned char>(c),
                                        /*LowerCase=*/true, /*Width=*/2);
    else
      result += c;
  }
  return result + "\"";
}

std::vector<Token> dsl::tokens(const Sources &sources, uint32_t file,
                               Messages &messages, bool keepsComments) {
  std::vector<Token> all;
  Lexer lexer(sources, file, messages);
  if (sources.text(file).size() > kLargestSource) {
    messages.error({file, 0, 0},
                   "the file has " + llvm::Twine(sources.text(file).size()) +
                       " bytes; the most is " + llvm::Twine(kLargestSource));
    all.push_back(lexer.end());
    return all;
  }
  unsigned newlines = 0;
  while (lexer.skipSpace()) {
    std::optional<Token> token = lexer.next();
    if (!token)
      continue;
    if (token->kind == Tok::Comment && !keepsComments) {
      newlines += token->newlines;
      continue;
    }
    token->newlines += newlines;
    token->startsLine |= newlines > 0;
    newlines = 0;
    all.push_back(*token);
  }
  Token end = lexer.end();
  end.startsLine = true;
  all.push_back(end);
  return all;
}
