// BlockParser.cpp - reads what stands between braces.
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace burnish;
using namespace burnish::dsl;

std::optional<Initializer> ExprParser::initializer() {
  Initializer result;
  result.span = reader.token().span;
  if (!reader.is(Tok::Word)) {
    // A number, without operators: `@` begins an attribute here.
    bool isNegative = reader.accept(Tok::Minus);
    if (!reader.is(Tok::Integer) && !reader.is(Tok::Float)) {
      reader.expected("an initialiser, as zeros or normal(0.02),");
      return std::nullopt;
    }
    result.number = numberOrString();
    if (!result.number)
      return std::nullopt;
    auto &number = llvm::cast<NumberExpr>(*result.number);
    if (isNegative)
      number.value = -number.value;
    result.span = result.span.to(reader.lastSpan());
    return result;
  }
  Token name = reader.take();
  result.name = {name.text, name.span};
  if (reader.is(Tok::LeftParen) && !reader.token().startsLine) {
    std::optional<ArgumentList> list = arguments();
    if (!list)
      return std::nullopt;
    result.arguments = std::move(list->arguments);
  }
  result.span = result.span.to(reader.lastSpan());
  return result;
}

std::unique_ptr<Stmt> ExprParser::param() {
  Token keyword = reader.take();
  auto result = std::make_unique<ParamStmt>(keyword.span);
  result->isState = keyword.text == "state";
  std::optional<Ident> name = reader.name("the name of the " + keyword.text);
  if (!name || !reader.expect(Tok::Colon, " and a type"))
    return nullptr;
  result->name = *name;
  std::optional<TypeRef> of = type();
  if (!of || !reader.expect(Tok::Assign, " and an initialiser"))
    return nullptr;
  result->type = std::move(*of);
  std::optional<Initializer> initial = initializer();
  if (!initial)
    return nullptr;
  result->initializer = std::move(*initial);
  if (!attributes(result->attributes))
    return nullptr;
  result->span = result->span.to(reader.lastSpan());
  return result;
}

std::optional<Pattern> ExprParser::pattern() {
  Pattern result;
  if (!reader.accept(Tok::LeftParen)) {
    std::optional<Ident> name = reader.name("a name after 'let'");
    if (!name)
      return std::nullopt;
    result.names.push_back(*name);
    return result;
  }
  result.isTuple = true;
  while (!reader.is(Tok::RightParen)) {
    std::optional<Ident> name = reader.name("a name");
    if (!name)
      return std::nullopt;
    result.names.push_back(*name);
    if (!reader.accept(Tok::Comma))
      break;
  }
  if (!reader.expect(Tok::RightParen, " or ',' after a name"))
    return std::nullopt;
  return result;
}

std::unique_ptr<Stmt> ExprParser::statement() {
  Span start = reader.token().span;
  if (reader.isWord("param") || reader.isWord("state"))
    return param();
  if (reader.acceptWord("let")) {
    auto result = std::make_unique<LetStmt>(start);
    std::optional<Pattern> names = pattern();
    if (names && !names->isTuple && reader.is(Tok::Comma)) {
      reader.messages.error(start.to(reader.token().span),
                            "the names for a tuple stand between brackets", {},
                            "let (a, b) = ... takes it apart");
      return nullptr;
    }
    if (!names || !reader.expect(Tok::Assign, " and a value"))
      return nullptr;
    result->pattern = std::move(*names);
    result->value = expression();
    if (!result->value)
      return nullptr;
    result->span = start.to(reader.lastSpan());
    return result;
  }
  if (reader.acceptWord("emit")) {
    auto result = std::make_unique<EmitStmt>(start);
    result->value = expression();
    if (!result->value)
      return nullptr;
    if (reader.acceptWord("at")) {
      result->axis = sum();
      if (!result->axis)
        return nullptr;
    }
    result->span = start.to(reader.lastSpan());
    return result;
  }
  if (reader.acceptWord("last")) {
    auto result = std::make_unique<EmitStmt>(start);
    Token carried = reader.take();
    result->last = {carried.text, carried.span};
    result->span = start.to(carried.span);
    return result;
  }
  Token target = reader.take();
  reader.take();
  auto result = std::make_unique<AssignStmt>(start);
  result->target = {target.text, target.span};
  result->value = expression();
  if (!result->value)
    return nullptr;
  result->span = start.to(reader.lastSpan());
  return result;
}

/// Whether a statement begins here, rather than the block's result.
static bool beginsStatement(const TokenReader &reader) {
  if (!reader.is(Tok::Word))
    return false;
  if (reader.token(1).kind == Tok::ArrowLeft)
    return true;
  bool isNamed = reader.token(1).kind == Tok::Word;
  if (reader.isWord("param") || reader.isWord("state") || reader.isWord("last"))
    return isNamed && !reader.token(1).startsLine;
  return reader.isWord("let") || reader.isWord("emit");
}

/// Says what the habits of other languages are here, and goes on as if that had
/// been written.
void ExprParser::foreignStatement() {
  const Token &first = reader.token(), &second = reader.token(1);
  if (!first.startsLine || first.kind != Tok::Word || second.startsLine)
    return;
  bool isOperand = second.kind == Tok::Word || second.kind == Tok::Integer ||
                   second.kind == Tok::Float || second.kind == Tok::LeftParen;
  if (first.text == "return" && isOperand && second.isSpacedBefore) {
    reader.messages.error(first.span, "no 'return' is needed", {},
                          "the result of a block is its last line");
    reader.take();
  }
}

bool ExprParser::block(Block &block, bool wantsResult) {
  Span start = reader.token().span;
  if (!reader.expect(Tok::LeftBrace, ""))
    return false;
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr)
    return reader.messages.error(start, "this is more than " +
                                            llvm::Twine(kDeepestExpr) +
                                            " blocks and expressions deep");
  bool isFine = true;
  // Behind what could not be read, reading goes on at the next line that begins
  // a statement of this block.
  auto recover = [&] {
    isFine = false;
    unsigned open = 0;
    while (!reader.is(Tok::End)) {
      if (open == 0 && (reader.is(Tok::RightBrace) ||
                        (reader.token().startsLine && beginsStatement(reader))))
        return;
      if (open == 0 && reader.token().startsLine &&
          (reader.isWord("layer") || reader.isWord("net") ||
           reader.isWord("train") || reader.isWord("export")))
        return;
      if (reader.is(Tok::LeftBrace))
        ++open;
      else if (reader.is(Tok::RightBrace))
        --open;
      reader.take();
    }
  };
  while (!reader.is(Tok::RightBrace) && !reader.is(Tok::End)) {
    if (beginsStatement(reader)) {
      if (block.result) {
        reader.messages.error(block.result->span,
                              "the result of a block is its last line");
        isFine = false;
      }
      if (std::unique_ptr<Stmt> next = statement())
        block.statements.push_back(std::move(next));
      else
        recover();
      continue;
    }
    foreignStatement();
    if (block.result || !beginsExpression()) {
      if (isFine)
        complainOfMore(block);
      recover();
      if (!reader.is(Tok::RightBrace) && !beginsStatement(reader))
        break;
      continue;
    }
    block.result = expression();
    if (!block.result)
      recover();
  }
  if (!reader.accept(Tok::RightBrace)) {
    if (isFine)
      reader.messages.error(reader.token().span, "a block has no end",
                            {{start, "it begins here"}});
    return false;
  }
  block.span = start.to(reader.lastSpan());
  if (isFine && wantsResult && !block.result) {
    Span end = reader.lastSpan();
    isFine = reader.messages.error(
        end, "the block has no result: its last line is no expression");
  }
  if (isFine && !wantsResult && block.result)
    isFine = reader.messages.error(
        block.result->span,
        "a scan gives what it emits, and has no other result", {},
        "emit hands out a value of each step");
  return isFine;
}

/// Says what is wrong with what stands behind the result of a block.
void ExprParser::complainOfMore(const Block &block) {
  const Token &here = reader.token();
  auto *name = llvm::dyn_cast_or_null<NameExpr>(block.result.get());
  Span start = block.result ? block.result->span : here.span;
  if (here.kind == Tok::Assign && name)
    reader.messages.error(start, "a value gets its name with 'let'", {},
                          "let " + name->name + " = ... gives it one");
  else if (name && (name->name == "for" || name->name == "while"))
    reader.messages.error(start, quoted(name->name) + " is no loop here", {},
                          "x |> repeat 3 { ... } stacks layers, and scan goes "
                          "through an axis");
  else if (here.kind == Tok::Dot && block.result)
    reader.messages.error(here.span, "a value has no parts with names", {},
                          "x |> f(3) gives x to a layer");
  else if (reader.isWord("if") && block.result && !here.startsLine)
    reader.messages.error(here.span, "'if' stands before what it chooses", {},
                          "if c { x } else { y } gives x or y");
  else if (block.result && here.startsLine && beginsExpression())
    reader.messages.error(start,
                          "nothing uses what stands here: the result of a "
                          "block is its last line",
                          {}, "let y = ... gives a value a name");
  else
    reader.expected("'}'");
}

//===- Placeholders -------------------------------------------------------===//

bool dsl::mentionsPlaceholder(const Block &block) {
  for (const auto &stmt : block.statements) {
    const Expr *value = nullptr;
    if (auto *let = llvm::dyn_cast<LetStmt>(stmt.get()))
      value = let->value.get();
    if (auto *assign = llvm::dyn_cast<AssignStmt>(stmt.get()))
      value = assign->value.get();
    if (auto *emit = llvm::dyn_cast<EmitStmt>(stmt.get()))
      value = emit->value.get(); // null of `last`
    if (value && mentionsPlaceholder(*value))
      return true;
  }
  return block.result && mentionsPlaceholder(*block.result);
}

bool dsl::mentionsPlaceholder(const Expr &expr) {
  auto in = [](const ExprPtr &part) {
    return part && mentionsPlaceholder(*part);
  };
  switch (expr.kind) {
  case Expr::Placeholder:
    return true;
  case Expr::Unary:
    return in(llvm::cast<UnaryExpr>(expr).operand);
  case Expr::Binary:
    return in(llvm::cast<BinaryExpr>(expr).left) ||
           in(llvm::cast<BinaryExpr>(expr).right);
  case Expr::Tuple:
    return llvm::any_of(llvm::cast<TupleExpr>(expr).parts, in);
  case Expr::Call:
    return llvm::any_of(
        llvm::cast<CallExpr>(expr).lists, [&](const ArgumentList &list) {
          return llvm::any_of(list.arguments, [&](const Argument &argument) {
            return in(argument.value);
          });
        });
  case Expr::Index:
    return in(llvm::cast<IndexExpr>(expr).base) ||
           llvm::any_of(
               llvm::cast<IndexExpr>(expr).subscripts,
               [&](const Subscript &subscript) { return in(subscript.at); });
  case Expr::Pipe:
    // Behind a pipe, `_` is what that pipe brings.
    return in(llvm::cast<PipeExpr>(expr).value);
  case Expr::If:
    return in(llvm::cast<IfExpr>(expr).condition) ||
           mentionsPlaceholder(llvm::cast<IfExpr>(expr).then) ||
           mentionsPlaceholder(llvm::cast<IfExpr>(expr).otherwise);
  case Expr::Scan:
    return llvm::any_of(llvm::cast<ScanExpr>(expr).carried,
                        [&](const ScanExpr::Carried &carried) {
                          return in(carried.initial);
                        }) ||
           mentionsPlaceholder(llvm::cast<ScanExpr>(expr).body);
  default:
    return false;
  }
}
