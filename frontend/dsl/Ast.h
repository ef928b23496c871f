// Ast.h - a .nn file as it is written.
#pragma once
#include "frontend/dsl/Sources.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Casting.h"
#include <memory>
#include <optional>

namespace burnish::dsl {

/// A name and where it stands. The text lies in the sources.
struct Ident {
  llvm::StringRef text;
  Span span;
  explicit operator bool() const { return !text.empty(); }
};

//===- Expressions --------------------------------------------------------===//

struct Expr {
  enum Kind {
    Number,
    String,
    Name,
    Placeholder,
    Literal,
    Unary,
    Binary,
    Call,
    Index,
    Tuple,
    Pipe,
    Each,
    Repeat,
    Scan,
    If
  };
  Expr(Kind kind, Span span) : kind(kind), span(span) {}
  virtual ~Expr() = default;

  const Kind kind;
  Span span;
  /// How deep the tree below is: what walks it recurses as deep.
  unsigned depth = 1;
};
using ExprPtr = std::unique_ptr<Expr>;

template <typename Derived, Expr::Kind kKind> struct ExprOf : Expr {
  explicit ExprOf(Span span) : Expr(kKind, span) {}
  static bool classof(const Expr *expr) { return expr->kind == kKind; }
};

struct NumberExpr : ExprOf<NumberExpr, Expr::Number> {
  using ExprOf::ExprOf;
  bool isInteger = true;
  int64_t integer = 0;
  double value = 0;
  /// Of a recipe: `90%`.
  bool isPercent = false;
};

struct StringExpr : ExprOf<StringExpr, Expr::String> {
  using ExprOf::ExprOf;
  std::string value;
};

/// A name; of a recipe also a path, as `val.accuracy`.
struct NameExpr : ExprOf<NameExpr, Expr::Name> {
  using ExprOf::ExprOf;
  llvm::StringRef name;
};

/// `_`: what is piped in.
struct PlaceholderExpr : ExprOf<PlaceholderExpr, Expr::Placeholder> {
  using ExprOf::ExprOf;
};

enum class Operator {
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Power,
  MatMul,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  And,
  Or,
  Negate,
  Not,
  // Of recipes: `2e-4 -> 0` and `0.01 on "head.*"`.
  To,
  On
};
llvm::StringRef textOf(Operator op);

struct UnaryExpr : ExprOf<UnaryExpr, Expr::Unary> {
  using ExprOf::ExprOf;
  Operator op = Operator::Negate;
  ExprPtr operand;
};

struct BinaryExpr : ExprOf<BinaryExpr, Expr::Binary> {
  using ExprOf::ExprOf;
  Operator op = Operator::Add;
  ExprPtr left, right;
};

struct TupleExpr : ExprOf<TupleExpr, Expr::Tuple> {
  using ExprOf::ExprOf;
  std::vector<ExprPtr> parts;
};

struct Argument {
  Ident name;
  ExprPtr value;
};
struct ArgumentList {
  Span span;
  std::vector<Argument> arguments;
};

/// `conv(6, 5)(x) as c1`; `nn.topk(x, k)` calls an operator of the compiler.
struct CallExpr : ExprOf<CallExpr, Expr::Call> {
  using ExprOf::ExprOf;
  Ident callee;
  std::vector<ArgumentList> lists;
  Ident label;
  /// Behind a pipe: `x |> encoder(4, 1024) @checkpoint`.
  std::vector<Ident> attributes;
};

/// One of what stands between the brackets of an index.
struct Subscript {
  enum Kind { At, Slice, NewAxis, Rest } kind = At;
  Span span;
  ExprPtr at, from, to, step;
};
struct IndexExpr : ExprOf<IndexExpr, Expr::Index> {
  using ExprOf::ExprOf;
  ExprPtr base;
  std::vector<Subscript> subscripts;
};

/// `each f`, a target of a pipe: f of each part of a tuple.
struct EachExpr : ExprOf<EachExpr, Expr::Each> {
  using ExprOf::ExprOf;
  std::unique_ptr<CallExpr> call;
};

/// `value |> target`, where the target is a call, `each` or `repeat`.
struct PipeExpr : ExprOf<PipeExpr, Expr::Pipe> {
  using ExprOf::ExprOf;
  ExprPtr value, target;
};

//===- Types --------------------------------------------------------------===//

struct TypeRef;

struct DimRef {
  /// Null for `...`, the dims that are left.
  ExprPtr expr;
  Span span;
};

struct TypeRef {
  Span span;
  Ident elementType;
  std::vector<DimRef> dims;
  /// Of a tuple.
  std::vector<TypeRef> parts;
  bool isTuple() const { return !parts.empty(); }
};

/// `f32[2, 3](1, 2, 3, 4, 5, 6)`.
struct LiteralExpr : ExprOf<LiteralExpr, Expr::Literal> {
  using ExprOf::ExprOf;
  TypeRef type;
  std::vector<ExprPtr> elements;
};

//===- Blocks -------------------------------------------------------------===//

struct Stmt {
  enum Kind { Param, Let, Assign, Emit };
  Stmt(Kind kind, Span span) : kind(kind), span(span) {}
  virtual ~Stmt() = default;
  const Kind kind;
  Span span;
};

template <typename Derived, Stmt::Kind kKind> struct StmtOf : Stmt {
  explicit StmtOf(Span span) : Stmt(kKind, span) {}
  static bool classof(const Stmt *stmt) { return stmt->kind == kKind; }
};

/// `uniform(-0.1, 0.1)` or a number.
struct Initializer {
  Span span;
  Ident name;
  std::vector<Argument> arguments;
  ExprPtr number;
};

/// `param w: f32[out] = zeros @no_decay`, or `state`.
struct ParamStmt : StmtOf<ParamStmt, Stmt::Param> {
  using StmtOf::StmtOf;
  bool isState = false;
  Ident name;
  TypeRef type;
  Initializer initializer;
  std::vector<Ident> attributes;
};

/// The names that a value is taken apart into; `_` takes what is not needed.
struct Pattern {
  bool isTuple = false;
  std::vector<Ident> names;
};

struct LetStmt : StmtOf<LetStmt, Stmt::Let> {
  using StmtOf::StmtOf;
  Pattern pattern;
  ExprPtr value;
};

/// `c <- value`: of a carried value of `scan`, or a `state`.
struct AssignStmt : StmtOf<AssignStmt, Stmt::Assign> {
  using StmtOf::StmtOf;
  Ident target;
  ExprPtr value;
};

/// `emit value at axis`, or `last s`: the last value of what is carried.
struct EmitStmt : StmtOf<EmitStmt, Stmt::Emit> {
  using StmtOf::StmtOf;
  ExprPtr value, axis;
  Ident last;
};

struct Block {
  Span span;
  std::vector<std::unique_ptr<Stmt>> statements;
  /// Null in the body of a `scan`.
  ExprPtr result;
};

/// `repeat n { }`: a block again and again on its own result, with weights of
/// its own each time.
struct RepeatExpr : ExprOf<RepeatExpr, Expr::Repeat> {
  using ExprOf::ExprOf;
  ExprPtr count;
  Block body;
  Ident label;
  /// Of each time.
  std::vector<Ident> attributes;
};

/// `scan t in T with (s = x) { }`, or `loop i in n with (s = x, go = true)
/// while go { }`: a block again and again.
struct ScanExpr : ExprOf<ScanExpr, Expr::Scan> {
  using ExprOf::ExprOf;
  bool isLoop = false;
  Ident index;
  /// Null of a loop that only its condition ends.
  ExprPtr extent;
  bool isReversed = false;
  struct Carried {
    Ident name;
    /// Which dims may change: `s: f32[_, 3] = x`.
    std::optional<TypeRef> type;
    ExprPtr initial;
  };
  std::vector<Carried> carried;
  /// Of a loop: the carried value that it goes on as long as it holds.
  Ident condition;
  Block body;
};

struct IfExpr : ExprOf<IfExpr, Expr::If> {
  using ExprOf::ExprOf;
  ExprPtr condition;
  /// `if c -> f32[_] { } else { }`: where the branches' types differ.
  std::optional<TypeRef> type;
  Block then, otherwise;
};

//===- Files --------------------------------------------------------------===//

struct StaticParam {
  Ident name;
  ExprPtr initial;
};

struct TensorParam {
  Ident name;
  TypeRef type;
  /// `= None`: it need not be given.
  bool isOptional = false;
};

/// A layer, or a net: one without static parameters.
struct Layer {
  bool isNet = false;
  Span span;
  Ident name;
  std::vector<StaticParam> statics;
  std::vector<TensorParam> params;
  TypeRef result;
  std::vector<ExprPtr> conditions;
  Block body;
};

/// `derivative of softclip(low)(x)(grad) { ... }`: what follows for the tensors
/// of a layer from the gradients by its results.
struct Derivative {
  Span span;
  Ident layer;
  std::vector<Ident> statics, params, gradients;
  Block body;
};

struct Import {
  Span span;
  /// `onnx`.
  Ident format;
  Ident path;
  Ident name;
  /// Its params are called by their own names, without that of the import.
  bool isWhole = false;
};

struct Use {
  Span span;
  /// The standard library, or a file.
  Ident name;
  bool isFile = false;
};

struct Export {
  Span span;
  bool isTraining = false;
  Ident net;
  std::vector<Argument> dims;
  Ident alias;
};

/// One item of a clause, words and expressions in turn: `train 90%`; `N = 64`
/// has a name, and `shift(2)` behind `image:` a target.
struct ClauseItem {
  Ident name, target;
  std::vector<ExprPtr> parts;
};

/// `split train 90%, val 10%`.
struct Clause {
  Ident name;
  Span span;
  std::vector<ClauseItem> items;
};

struct Train {
  Span span;
  Ident net;
  std::vector<Clause> clauses;
  /// Whether all of it could be read.
  bool isWhole = true;
};

struct File {
  uint32_t source = 0;
  std::vector<Use> uses;
  std::vector<Import> imports;
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<std::unique_ptr<Derivative>> derivatives;
  std::vector<Train> trains;
  std::vector<Export> exports;
};

} // namespace burnish::dsl
