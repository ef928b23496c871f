// ExprParser.h - reads expressions, types and blocks.
#pragma once
#include "frontend/dsl/Parser.h"
#include "frontend/dsl/TokenReader.h"

namespace burnish::dsl {

template <typename Node> std::unique_ptr<Node> node(Span span) {
  return std::make_unique<Node>(span);
}

/// Each function gives null, or nothing, after a report.
class ExprParser {
public:
  explicit ExprParser(TokenReader &reader) : reader(reader) {}

  ExprPtr expression();
  /// One that ends before a comparison, as a dim does.
  ExprPtr sum();
  /// A condition of `where`: no `and`, which would join two conditions.
  ExprPtr condition();
  std::optional<TypeRef> type();
  /// Reads from `{` to `}`. `wantsResult`: the block ends with an expression.
  bool block(Block &block, bool wantsResult);
  std::optional<ArgumentList> arguments();
  /// A name, or several between brackets.
  std::optional<Pattern> pattern();

  /// In recipes, `->` and `on` are operators, names may have dots, and `%` may
  /// follow a number.
  bool isRecipe = false;

  /// Whether the next word can begin an expression.
  bool beginsExpression() const;

private:
  ExprPtr binary(unsigned least);
  ExprPtr joined(Operator op, ExprPtr left, ExprPtr right);
  ExprPtr unary();
  ExprPtr pipes(ExprPtr value);
  ExprPtr target();

  // CallParser.cpp
  std::unique_ptr<CallExpr> call(Ident callee);
  ExprPtr index(ExprPtr base);
  ExprPtr postfix();
  bool label(Ident &label);
  /// `@checkpoint` or `@no_decay @frozen`, as far as there are any.
  bool attributes(std::vector<Ident> &all);
  /// Whether a dot goes on with a name: without spaces around it.
  bool isDotted() const;

  // PrimaryParser.cpp
  ExprPtr primary();
  ExprPtr numberOrString();
  ExprPtr word();
  ExprPtr literal();
  ExprPtr parenthesized();

  // ControlParser.cpp
  ExprPtr repeat();
  /// And a loop.
  ExprPtr scan();
  bool beginsLoop() const;
  ExprPtr ifElse();

  // BlockParser.cpp
  void foreignStatement();
  void complainOfMore(const Block &block);
  std::unique_ptr<Stmt> statement();
  std::unique_ptr<Stmt> param();
  std::optional<Initializer> initializer();

  /// A report, and null.
  ExprPtr tooDeep(Span span);
  /// An expression around its parts; null, and a report, where the tree is too
  /// deep.
  ExprPtr grown(ExprPtr expr, std::initializer_list<const Expr *> parts);

  TokenReader &reader;
  unsigned nesting = 0;
};

/// Whether `name` is an element type.
bool isElementType(llvm::StringRef name);

/// Whether `_` stands somewhere in an expression or block, outside of what
/// gives it a meaning of its own.
bool mentionsPlaceholder(const Expr &expr);
bool mentionsPlaceholder(const Block &block);

} // namespace burnish::dsl
