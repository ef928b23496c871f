// ExprParser.cpp - reads expressions: operators, calls, indices.
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

ExprPtr ExprParser::grown(ExprPtr expr,
                          std::initializer_list<const Expr *> parts) {
  for (const Expr *part : parts)
    if (part)
      expr->depth = std::max(expr->depth, part->depth + 1);
  if (expr->depth <= kDeepestExpr)
    return expr;
  reader.messages.error(expr->span,
                        "this is more than " + llvm::Twine(kDeepestExpr) +
                            " expressions deep",
                        {}, "let can name a part of it");
  return nullptr;
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

ExprPtr ExprParser::expression() {
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr) {
    reader.messages.error(reader.token().span,
                          "this is more than " + llvm::Twine(kDeepestExpr) +
                              " expressions deep",
                          {}, "let can name a part of it");
    return nullptr;
  }
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
    auto both = node<BinaryExpr>(left->span.to(right->span));
    both->op = level->op;
    both->left = std::move(left);
    both->right = std::move(right);
    const Expr *parts[] = {both->left.get(), both->right.get()};
    left = grown(std::move(both), {parts[0], parts[1]});
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
    if (!exponent)
      return nullptr;
    auto power = node<BinaryExpr>(base->span.to(exponent->span));
    power->op = Operator::Power;
    power->left = std::move(base);
    power->right = std::move(exponent);
    const Expr *parts[] = {power->left.get(), power->right.get()};
    return grown(std::move(power), {parts[0], parts[1]});
  }
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr) {
    reader.messages.error(start, "this is more than " +
                                     llvm::Twine(kDeepestExpr) +
                                     " expressions deep");
    return nullptr;
  }
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

//===- Calls and indices --------------------------------------------------===//

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
  const Expr *none = nullptr;
  ExprPtr checked = grown(std::move(result), {none});
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
  const Expr *none = nullptr;
  return grown(std::move(result), {none});
}

ExprPtr ExprParser::postfix() {
  ExprPtr value = primary();
  while (value && reader.is(Tok::LeftBracket) && !reader.token().startsLine)
    value = index(std::move(value));
  return value;
}

//===- Primary expressions ------------------------------------------------===//

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
  const Expr *none = nullptr;
  return grown(std::move(result), {none});
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
  const Expr *none = nullptr;
  return grown(std::move(tuple), {none});
}
