// Lexer.h - the words of a .nn file.
#pragma once
#include "frontend/dsl/Messages.h"

namespace burnish::dsl {

enum class Tok {
  End,
  Word,
  Integer,
  Float,
  String,
  Comment,
  // Signs, named for what they look like.
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Dot,
  Ellipsis,
  Assign,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  ArrowRight,
  ArrowLeft,
  Pipe,
  Plus,
  Minus,
  Star,
  StarStar,
  Slash,
  Percent,
  At
};

struct Token {
  Tok kind = Tok::End;
  Span span;
  llvm::StringRef text;
  bool startsLine = false;
  bool isSpacedBefore = false, isSpacedAfter = false;
  /// Ends of lines before it.
  unsigned newlines = 0;
};

/// A file has at most so many bytes.
constexpr size_t kLargestSource = 16 << 20;

/// All words of a file, the last of which is End; comments only when they are
/// wanted. What is no word is reported and left out.
std::vector<Token> tokens(const Sources &sources, uint32_t file,
                          Messages &messages, bool keepsComments = false);

/// What a string stands for, given what is between its two `"`.
std::string unescaped(llvm::StringRef text);
/// A string as it is written, with both `"`.
std::string escaped(llvm::StringRef text);

/// A sign or kind as messages name it.
llvm::StringRef nameOf(Tok kind);

} // namespace burnish::dsl
