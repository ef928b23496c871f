// ControlParser.cpp - reads repeat, scan and if.
#include "frontend/dsl/ExprParser.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace burnish;
using namespace burnish::dsl;

ExprPtr ExprParser::repeat() {
  auto result = node<RepeatExpr>(reader.take().span);
  result->count = sum();
  if (!result->count || !block(result->body, /*wantsResult=*/true) ||
      !label(result->label) || !attributes(result->attributes))
    return nullptr;
  result->span = result->span.to(reader.lastSpan());
  // A block that does not name what is piped in begins with a layer it goes
  // into, which needs no brackets there either.
  ExprPtr *head = &result->body.result;
  if (!mentionsPlaceholder(result->body)) {
    while (auto *pipe = llvm::dyn_cast<PipeExpr>(head->get()))
      head = &pipe->value;
    if (auto *name = llvm::dyn_cast<NameExpr>(head->get())) {
      auto layer = node<CallExpr>(name->span);
      layer->callee = {name->name, name->span};
      *head = std::move(layer);
    }
  }
  return result;
}

// Elsewhere `loop` is a name like others.
bool ExprParser::beginsLoop() const {
  return reader.token(1).kind == Tok::Word && !reader.token(1).startsLine &&
         (reader.isWordAhead(2, "in") || reader.isWordAhead(2, "with") ||
          reader.isWordAhead(2, "while"));
}

ExprPtr ExprParser::scan() {
  bool isLoop = reader.isWord("loop");
  auto result = node<ScanExpr>(reader.take().span);
  result->isLoop = isLoop;
  std::optional<Ident> index = reader.name("the name of the index");
  if (!index)
    return nullptr;
  result->index = *index;
  if (reader.acceptWord("in")) {
    result->isReversed = !isLoop && reader.acceptWord("reversed");
    result->extent = sum();
    if (!result->extent)
      return nullptr;
  } else if (!isLoop) {
    reader.expected("'in'");
    return nullptr;
  }
  if (reader.acceptWord("with")) {
    if (!reader.expect(Tok::LeftParen, " after 'with'"))
      return nullptr;
    while (!reader.is(Tok::RightParen)) {
      ScanExpr::Carried carried;
      std::optional<Ident> name = reader.name("the name of a carried value");
      if (!name)
        return nullptr;
      carried.name = *name;
      if (reader.accept(Tok::Colon) && !(carried.type = type()))
        return nullptr;
      if (!reader.expect(Tok::Assign, " and its first value"))
        return nullptr;
      carried.initial = expression();
      if (!carried.initial)
        return nullptr;
      result->carried.push_back(std::move(carried));
      if (!reader.accept(Tok::Comma))
        break;
    }
    if (!reader.expect(Tok::RightParen, " after the carried values"))
      return nullptr;
  }
  if (isLoop && reader.acceptWord("while")) {
    std::optional<Ident> condition =
        reader.name("the carried value that a loop goes on by");
    if (!condition)
      return nullptr;
    result->condition = *condition;
  }
  if (isLoop && !result->extent && !result->condition) {
    reader.messages.error(result->span.to(result->index.span),
                          "a loop has no end", {},
                          "'in n' says how often at most, and 'while go' as "
                          "long as what");
    return nullptr;
  }
  if (!block(result->body, /*wantsResult=*/false))
    return nullptr;
  result->span = result->span.to(reader.lastSpan());
  return result;
}

ExprPtr ExprParser::ifElse() {
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr) {
    reader.expected("less nesting");
    return nullptr;
  }
  auto result = node<IfExpr>(reader.take().span);
  result->condition = binary(1);
  if (!result->condition ||
      (reader.accept(Tok::ArrowRight) && !(result->type = type())) ||
      !block(result->then, /*wantsResult=*/true))
    return nullptr;
  if (reader.isWord("elif")) {
    reader.messages.error(reader.token().span,
                          "'elif' is no word of the language", {},
                          "'else if' is what is written here");
    return nullptr;
  }
  if (!reader.acceptWord("else")) {
    reader.expected("'else' and what is taken otherwise");
    return nullptr;
  }
  if (reader.isWord("if")) {
    result->otherwise.span = reader.token().span;
    result->otherwise.result = ifElse();
    if (!result->otherwise.result)
      return nullptr;
  } else if (!block(result->otherwise, /*wantsResult=*/true)) {
    return nullptr;
  }
  result->span = result->span.to(reader.lastSpan());
  return result;
}
