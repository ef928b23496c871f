// ExprParser.cpp - reads expressions: operators and pipes.
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

StringRef dsl::textOf(Operator op) {
  static constexpr StringRef kTexts[] = {
      "+",  "-", "*",  "/",   "%",  "**", "@",   "==", "!=", "<",
      "<=", ">", ">=", "and", "or", "-",  "not", "->", "on"};
  return kTexts[static_cast<unsigned>(op)];
}

ExprPtr ExprParser::tooDeep(Span span) {
  reader.messages.error(span,
                        "this is more than " + llvm::Twine(kDeepestExpr) +
                            " expressions deep",
                        {}, "let can name a part of it");
  return nullptr;
}

ExprPtr ExprParser::grown(ExprPtr expr,
                          std::initializer_list<const Expr *> parts) {
  for (const Expr *part : parts)
    if (part)
      expr->depth = std::max(expr->depth, part->depth + 1);
  return expr->depth <= kDeepestExpr ? std::move(expr) : tooDeep(expr->span);
}

//===- Operators ----------------------------------------------------------===//

namespace {
struct Level {
  Operator op;
  unsigned strength;
};
} // namespace

/// The operator that the next word is, if any.
static std::optional<Level> levelOf(const Token &token, bool isRecipe) {
  switch (token.kind) {
  case Tok::Word:
    if (token.text == "or")
      return Level{Operator::Or, 2};
    if (token.text == "and")
      return Level{Operator::And, 3};
    if (isRecipe && token.text == "on")
      return Level{Operator::On, 1};
    return std::nullopt;
  case Tok::ArrowRight:
    return isRecipe ? std::optional(Level{Operator::To, 1}) : std::nullopt;
  case Tok::Equal:
    return Level{Operator::Equal, 4};
  case Tok::NotEqual:
    return Level{Operator::NotEqual, 4};
  case Tok::Less:
    return Level{Operator::Less, 4};
  case Tok::LessEqual:
    return Level{Operator::LessEqual, 4};
  case Tok::Greater:
    return Level{Operator::Greater, 4};
  case Tok::GreaterEqual:
    return Level{Operator::GreaterEqual, 4};
  case Tok::Plus:
    return Level{Operator::Add, 5};
  case Tok::Minus:
    // At the start of a line `-x` begins an expression, `- x` goes on with one.
    if (token.startsLine && !token.isSpacedAfter)
      return std::nullopt;
    return Level{Operator::Sub, 5};
  case Tok::Star:
    return Level{Operator::Mul, 6};
  case Tok::Slash:
    return Level{Operator::Div, 6};
  case Tok::Percent:
    return Level{Operator::Mod, 6};
  case Tok::At:
    return Level{Operator::MatMul, 6};
  default:
    return std::nullopt;
  }
}

ExprPtr ExprParser::joined(Operator op, ExprPtr left, ExprPtr right) {
  auto both = node<BinaryExpr>(left->span.to(right->span));
  both->op = op;
  both->left = std::move(left);
  both->right = std::move(right);
  const Expr *parts[] = {both->left.get(), both->right.get()};
  return grown(std::move(both), {parts[0], parts[1]});
}

ExprPtr ExprParser::expression() {
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr)
    return tooDeep(reader.token().span);
  ExprPtr value = binary(1);
  return value ? pipes(std::move(value)) : nullptr;
}

ExprPtr ExprParser::sum() { return binary(5); }

ExprPtr ExprParser::condition() { return binary(4); }

ExprPtr ExprParser::binary(unsigned least) {
  ExprPtr left = unary();
  while (left) {
    std::optional<Level> level = levelOf(reader.token(), isRecipe);
    if (!level || level->strength < least)
      return left;
    reader.take();
    ExprPtr right = binary(level->strength + 1);
    if (!right)
      return nullptr;
    left = joined(level->op, std::move(left), std::move(right));
  }
  return nullptr;
}

ExprPtr ExprParser::unary() {
  Span start = reader.token().span;
  bool isNot = reader.isWord("not");
  if (!isNot && !reader.is(Tok::Minus)) {
    ExprPtr base = postfix();
    if (!base || !reader.is(Tok::StarStar))
      return base;
    reader.take();
    ExprPtr exponent = unary();
    return exponent
               ? joined(Operator::Power, std::move(base), std::move(exponent))
               : nullptr;
  }
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr)
    return tooDeep(start);
  // Whose number alone is one more than 64 bits hold.
  if (!isNot && reader.token(1).kind == Tok::Integer &&
      reader.token(1).text == "9223372036854775808") {
    reader.take();
    auto least = node<NumberExpr>(start.to(reader.take().span));
    least->integer = INT64_MIN;
    least->value = static_cast<double>(INT64_MIN);
    return least;
  }
  reader.take();
  // `not a == b` is the opposite of `a == b`.
  ExprPtr operand = isNot ? binary(4) : unary();
  if (!operand)
    return nullptr;
  auto result = node<UnaryExpr>(start.to(operand->span));
  result->op = isNot ? Operator::Not : Operator::Negate;
  result->operand = std::move(operand);
  const Expr *part = result->operand.get();
  return grown(std::move(result), {part});
}

ExprPtr ExprParser::pipes(ExprPtr value) {
  while (value && reader.accept(Tok::Pipe)) {
    ExprPtr next = target();
    if (!next)
      return nullptr;
    auto pipe = node<PipeExpr>(value->span.to(next->span));
    pipe->value = std::move(value);
    pipe->target = std::move(next);
    const Expr *parts[] = {pipe->value.get(), pipe->target.get()};
    value = grown(std::move(pipe), {parts[0], parts[1]});
  }
  return value;
}

ExprPtr ExprParser::target() {
  Span start = reader.token().span;
  if (reader.isWord("repeat"))
    return repeat();
  if (reader.acceptWord("each")) {
    std::optional<Ident> callee = reader.name("a layer after 'each'");
    std::unique_ptr<CallExpr> each = callee ? call(*callee) : nullptr;
    if (!each || !attributes(each->attributes))
      return nullptr;
    auto result = node<EachExpr>(start.to(each->span));
    result->depth = each->depth + 1;
    result->call = std::move(each);
    return result;
  }
  std::optional<Ident> callee = reader.name("a layer after '|>'");
  std::unique_ptr<CallExpr> result = callee ? call(*callee) : nullptr;
  if (!result || !attributes(result->attributes))
    return nullptr;
  return result;
}
