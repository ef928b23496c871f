// CallParser.cpp - reads calls and indices.
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/STLExtras.h"

using namespace burnish;
using namespace burnish::dsl;

bool ExprParser::label(Ident &label) {
  if (!reader.acceptWord("as"))
    return true;
  std::optional<Ident> name = reader.name("a name after 'as'");
  label = name.value_or(Ident());
  return name.has_value();
}

// Elsewhere `@` is a product; what a pipe leads into is no operand of one.
bool ExprParser::attributes(std::vector<Ident> &all) {
  while (reader.accept(Tok::At)) {
    std::optional<Ident> attribute = reader.name("an attribute after '@'");
    if (!attribute)
      return false;
    all.push_back(*attribute);
  }
  return true;
}

std::optional<ArgumentList> ExprParser::arguments() {
  ArgumentList list;
  Span start = reader.take().span;
  while (!reader.is(Tok::RightParen)) {
    Argument argument;
    if (reader.is(Tok::Word) && reader.token(1).kind == Tok::Assign) {
      Token name = reader.take();
      argument.name = {name.text, name.span};
      reader.take();
    }
    argument.value = expression();
    if (!argument.value)
      return std::nullopt;
    list.arguments.push_back(std::move(argument));
    if (!reader.accept(Tok::Comma))
      break;
  }
  if (!reader.expect(Tok::RightParen, " or ',' after an argument"))
    return std::nullopt;
  list.span = start.to(reader.lastSpan());
  return list;
}

bool ExprParser::isDotted() const {
  return reader.is(Tok::Dot) && !reader.token().isSpacedBefore &&
         reader.token(1).kind == Tok::Word && !reader.token(1).isSpacedBefore;
}

std::unique_ptr<CallExpr> ExprParser::call(Ident callee) {
  auto result = node<CallExpr>(callee.span);
  // `nn.topk` and other dotted names are one name.
  while (isDotted()) {
    reader.take();
    Span end = reader.take().span;
    callee.span = callee.span.to(end);
    callee.text = reader.messages.sources.text(callee.span);
  }
  result->callee = callee;
  // A bracket on the next line begins something of its own.
  while (reader.is(Tok::LeftParen) && !reader.token().startsLine) {
    if (result->lists.size() == 2) {
      reader.expected("no third list of arguments");
      return nullptr;
    }
    std::optional<ArgumentList> list = arguments();
    if (!list)
      return nullptr;
    for (const Argument &argument : list->arguments)
      result->depth = std::max(result->depth, argument.value->depth + 1);
    result->lists.push_back(std::move(*list));
  }
  if (!label(result->label))
    return nullptr;
  result->span = callee.span.to(reader.lastSpan());
  ExprPtr checked = grown(std::move(result), {});
  return std::unique_ptr<CallExpr>(static_cast<CallExpr *>(checked.release()));
}

ExprPtr ExprParser::index(ExprPtr base) {
  reader.take();
  auto result = node<IndexExpr>(base->span);
  result->depth = base->depth + 1;
  result->base = std::move(base);
  auto grow = [&](const ExprPtr &part) {
    if (part)
      result->depth = std::max(result->depth, part->depth + 1);
    return part != nullptr;
  };
  while (!reader.is(Tok::RightBracket)) {
    Subscript subscript;
    subscript.span = reader.token().span;
    auto endsPart = [&] {
      return reader.is(Tok::Colon) || reader.is(Tok::Comma) ||
             reader.is(Tok::RightBracket);
    };
    if (reader.accept(Tok::Ellipsis)) {
      subscript.kind = Subscript::Rest;
    } else if (reader.acceptWord("None")) {
      subscript.kind = Subscript::NewAxis;
    } else {
      if (!reader.is(Tok::Colon) && !grow(subscript.from = expression()))
        return nullptr;
      if (reader.accept(Tok::Colon)) {
        subscript.kind = Subscript::Slice;
        if (!endsPart() && !grow(subscript.to = expression()))
          return nullptr;
        if (reader.accept(Tok::Colon) && !grow(subscript.step = expression()))
          return nullptr;
      } else {
        subscript.at = std::move(subscript.from);
      }
    }
    subscript.span = subscript.span.to(reader.lastSpan());
    result->subscripts.push_back(std::move(subscript));
    if (!reader.accept(Tok::Comma))
      break;
  }
  if (!reader.expect(Tok::RightBracket, " or ',' after an index"))
    return nullptr;
  result->span = result->span.to(reader.lastSpan());
  return grown(std::move(result), {});
}

ExprPtr ExprParser::postfix() {
  ExprPtr value = primary();
  while (value && reader.is(Tok::LeftBracket) && !reader.token().startsLine)
    value = index(std::move(value));
  return value;
}
