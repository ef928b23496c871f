// PrimaryParser.cpp - reads what has no operators: names, numbers, literals and
// what stands between brackets.
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/STLExtras.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

/// What begins a part of the file stands at the start of a line: there it is no
/// name, so that a block without an end does not swallow what follows.
static bool beginsItem(const Token &token) {
  static constexpr StringRef kItems[] = {"use",        "import", "layer", "net",
                                         "derivative", "train",  "export"};
  return token.startsLine && llvm::is_contained(kItems, token.text);
}

bool ExprParser::beginsExpression() const {
  switch (reader.token().kind) {
  case Tok::Word:
    return isRecipe || !beginsItem(reader.token());
  case Tok::Integer:
  case Tok::Float:
  case Tok::String:
  case Tok::LeftParen:
  case Tok::Minus:
    return true;
  default:
    return false;
  }
}

ExprPtr ExprParser::primary() {
  switch (reader.token().kind) {
  case Tok::Integer:
  case Tok::Float:
  case Tok::String:
    return numberOrString();
  case Tok::Word:
    return word();
  case Tok::LeftParen:
    return parenthesized();
  default:
    reader.expected("an expression");
    return nullptr;
  }
}

ExprPtr ExprParser::numberOrString() {
  Token token = reader.take();
  if (token.kind == Tok::String) {
    auto string = node<StringExpr>(token.span);
    string->value = unescaped(token.text.drop_front().drop_back());
    return string;
  }
  auto number = node<NumberExpr>(token.span);
  std::string digits;
  llvm::copy_if(token.text, std::back_inserter(digits),
                [](char c) { return c != '_'; });
  number->isInteger = token.kind == Tok::Integer;
  if (number->isInteger) {
    if (StringRef(digits).getAsInteger(10, number->integer)) {
      reader.messages.error(token.span, "this is more than 64 bits hold");
      return nullptr;
    }
    number->value = number->integer;
  } else if (StringRef(digits).getAsDouble(number->value)) {
    reader.messages.error(token.span, "this is more than a number holds");
    return nullptr;
  }
  if (isRecipe && reader.is(Tok::Percent) && !reader.token().isSpacedBefore) {
    reader.take();
    number->isPercent = true;
    number->span = number->span.to(reader.lastSpan());
  }
  return number;
}

ExprPtr ExprParser::word() {
  const Token &token = reader.token();
  if (token.text == "scan" || (token.text == "loop" && beginsLoop()))
    return scan();
  if (token.text == "if")
    return ifElse();
  if (token.text == "repeat")
    return repeat();
  if (isElementType(token.text) && reader.token(1).kind == Tok::LeftBracket)
    return literal();
  static constexpr StringRef kStatements[] = {"let", "emit", "param", "else"};
  if (!isRecipe &&
      (llvm::is_contained(kStatements, token.text) || beginsItem(token))) {
    reader.expected("an expression");
    return nullptr;
  }
  Token word = reader.take();
  if (word.text == "_")
    return node<PlaceholderExpr>(word.span);
  if (isDotted() && isRecipe) {
    auto name = node<NameExpr>(word.span);
    while (isDotted()) {
      reader.take();
      reader.take();
    }
    name->span = word.span.to(reader.lastSpan());
    name->name = reader.messages.sources.text(name->span);
    return name;
  }
  if (isDotted() || (reader.is(Tok::LeftParen) && !reader.token().startsLine &&
                     !(isRecipe && reader.token().isSpacedBefore)))
    return call({word.text, word.span});
  auto name = node<NameExpr>(word.span);
  name->name = word.text;
  return name;
}

ExprPtr ExprParser::literal() {
  Span start = reader.token().span;
  std::optional<TypeRef> of = type();
  if (!of || !reader.is(Tok::LeftParen)) {
    if (of)
      reader.expected("'(' and the elements");
    return nullptr;
  }
  std::optional<ArgumentList> list = arguments();
  if (!list)
    return nullptr;
  auto result = node<LiteralExpr>(start.to(reader.lastSpan()));
  result->type = std::move(*of);
  for (Argument &argument : list->arguments) {
    result->depth = std::max(result->depth, argument.value->depth + 1);
    result->elements.push_back(std::move(argument.value));
  }
  return grown(std::move(result), {});
}

ExprPtr ExprParser::parenthesized() {
  Span start = reader.take().span;
  std::vector<ExprPtr> parts;
  bool hasComma = false;
  while (!reader.is(Tok::RightParen)) {
    ExprPtr part = expression();
    if (!part)
      return nullptr;
    parts.push_back(std::move(part));
    if (!reader.accept(Tok::Comma))
      break;
    hasComma = true;
  }
  if (!reader.expect(Tok::RightParen, ""))
    return nullptr;
  Span span = start.to(reader.lastSpan());
  if (parts.size() == 1 && !hasComma) {
    parts[0]->span = span;
    return std::move(parts[0]);
  }
  auto tuple = node<TupleExpr>(span);
  for (const ExprPtr &part : parts)
    tuple->depth = std::max(tuple->depth, part->depth + 1);
  tuple->parts = std::move(parts);
  return grown(std::move(tuple), {});
}
