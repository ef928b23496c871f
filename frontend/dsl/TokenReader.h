// TokenReader.h - reads words one after the other, and finds its feet again
// behind what it could not read.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Lexer.h"

namespace burnish::dsl {

class TokenReader {
public:
  TokenReader(std::vector<Token> all, Messages &messages)
      : messages(messages), all(std::move(all)) {}

  const Token &token(size_t ahead = 0) const {
    return all[std::min(at + ahead, all.size() - 1)];
  }
  bool is(Tok kind) const { return token().kind == kind; }
  bool isWord(llvm::StringRef word) const {
    return is(Tok::Word) && token().text == word;
  }
  bool isWordAhead(size_t ahead, llvm::StringRef word) const {
    return token(ahead).kind == Tok::Word && token(ahead).text == word;
  }
  Token take() {
    Token taken = token();
    if (at + 1 < all.size())
      ++at;
    last = taken.span;
    return taken;
  }
  bool accept(Tok kind) { return is(kind) && (take(), true); }
  bool acceptWord(llvm::StringRef word) {
    return isWord(word) && (take(), true);
  }
  /// Reports what stands there instead of `what`.
  bool expected(const llvm::Twine &what) {
    const Token &here = token();
    std::string found = here.kind == Tok::Word
                            ? quoted(here.text)
                            : "'" + nameOf(here.kind).str() + "'";
    if (here.kind == Tok::End || here.kind == Tok::Integer ||
        here.kind == Tok::Float || here.kind == Tok::String)
      found = nameOf(here.kind).str();
    return messages.error(here.span, what + " should stand here, not " + found);
  }
  bool expect(Tok kind, const llvm::Twine &context) {
    if (accept(kind))
      return true;
    // What a line lacks is said at its end, not at the start of the next.
    if (kind != Tok::RightBrace && kind != Tok::LeftBrace &&
        token().startsLine && at > 0)
      return messages.error({last.file, last.end, last.end},
                            "'" + nameOf(kind) + "'" + context +
                                " should stand here, and the line ends");
    return expected("'" + nameOf(kind) + "'" + context);
  }
  std::optional<Ident> name(const llvm::Twine &what) {
    if (!is(Tok::Word)) {
      expected(what);
      return std::nullopt;
    }
    Token word = take();
    return Ident{word.text, word.span};
  }
  /// Where the last word that was taken ends.
  Span lastSpan() const { return last; }
  size_t position() const { return at; }

  Messages &messages;

private:
  std::vector<Token> all;
  size_t at = 0;
  Span last;
};

} // namespace burnish::dsl
