// Tree.cpp - the tree of a .nn file as text, without places.
#include "test/fuzz/Tree.h"
#include "llvm/Support/raw_ostream.h"

using namespace burnish::dsl;
using llvm::cast;
using llvm::StringRef;

namespace {
/// Writes `(kind part part ...)`, where what is absent is `()`.
class TreeWriter {
public:
  explicit TreeWriter(llvm::raw_ostream &stream) : stream(stream) {}

  void write(const File &file) {
    for (const Use &use : file.uses)
      node("use", use.name, use.isFile);
    for (const Import &import : file.imports)
      node("import", import.format, import.path, import.name);
    for (const auto &layer : file.layers)
      node("layer", layer->isNet, layer->name, layer->statics, layer->params,
           layer->result, layer->conditions, layer->body);
    for (const auto &rule : file.derivatives)
      node("derivative", rule->layer, rule->statics, rule->params,
           rule->gradients, rule->body);
    for (const Train &train : file.trains)
      node("train", train.net, train.clauses);
    for (const Export &each : file.exports)
      node("export", each.isTraining, each.net, each.dims, each.alias);
  }

private:
  template <typename... Parts>
  void node(StringRef kind, const Parts &...parts) {
    stream << '(' << kind;
    (part(parts), ...);
    stream << ')';
  }

  void part(bool value) { stream << ' ' << value; }
  void part(int64_t value) { stream << ' ' << value; }
  void part(double value) { stream << ' ' << llvm::bit_cast<uint64_t>(value); }
  void part(StringRef text) { (stream << " \"").write_escaped(text) << '"'; }
  void part(const Ident &name) { part(name.text); }
  template <typename Part> void part(const std::vector<Part> &parts) {
    stream << " [";
    for (const Part &each : parts)
      part(each);
    stream << ']';
  }
  template <typename Part> void part(const std::unique_ptr<Part> &pointer) {
    stream << ' ';
    if (pointer)
      write(*pointer);
    else
      stream << "()";
  }
  void part(const Argument &argument) {
    node("argument", argument.name, argument.value);
  }
  void part(const ArgumentList &list) { part(list.arguments); }
  void part(const DimRef &dim) { node("dim", dim.expr); }
  void part(const TypeRef &type) {
    node("type", type.elementType, type.dims, type.parts);
  }
  void part(const Subscript &each) {
    node("at", int64_t(each.kind), each.at, each.from, each.to, each.step);
  }
  void part(const Pattern &pattern) {
    node("pattern", pattern.isTuple, pattern.names);
  }
  void part(const Initializer &initial) {
    node("initial", initial.name, initial.arguments, initial.number);
  }
  void part(const Block &block) {
    node("block", block.statements, block.result);
  }
  void part(const ScanExpr::Carried &carried) {
    node("carried", carried.name, carried.initial);
  }
  void part(const StaticParam &param) {
    node("static", param.name, param.initial);
  }
  void part(const TensorParam &param) {
    node("tensor", param.name, param.type, param.isOptional);
  }
  void part(const Clause &clause) { node("clause", clause.name, clause.items); }
  void part(const ClauseItem &item) {
    node("item", item.name, item.target, item.parts);
  }

  void write(const Stmt &stmt) {
    switch (stmt.kind) {
    case Stmt::Param: {
      auto &param = cast<ParamStmt>(stmt);
      return node("param", param.isState, param.name, param.type,
                  param.initializer, param.attributes);
    }
    case Stmt::Let: {
      auto &let = cast<LetStmt>(stmt);
      return node("let", let.pattern, let.value);
    }
    case Stmt::Assign: {
      auto &assign = cast<AssignStmt>(stmt);
      return node("assign", assign.target, assign.value);
    }
    case Stmt::Emit: {
      auto &emit = cast<EmitStmt>(stmt);
      return node("emit", emit.value, emit.axis, emit.last);
    }
    }
  }

  void write(const CallExpr &call) {
    node("call", call.callee, call.lists, call.label, call.attributes);
  }

  void write(const Expr &expr) {
    switch (expr.kind) {
    case Expr::Number: {
      auto &number = cast<NumberExpr>(expr);
      return node("number", number.isInteger, number.integer, number.value,
                  number.isPercent);
    }
    case Expr::String:
      return node("string", cast<StringExpr>(expr).value);
    case Expr::Name:
      return node("name", cast<NameExpr>(expr).name);
    case Expr::Placeholder:
      return node("placeholder");
    case Expr::Literal: {
      auto &literal = cast<LiteralExpr>(expr);
      return node("literal", literal.type, literal.elements);
    }
    case Expr::Unary: {
      auto &unary = cast<UnaryExpr>(expr);
      return node("unary", int64_t(unary.op), unary.operand);
    }
    case Expr::Binary: {
      auto &binary = cast<BinaryExpr>(expr);
      return node("binary", int64_t(binary.op), binary.left, binary.right);
    }
    case Expr::Call:
      return write(cast<CallExpr>(expr));
    case Expr::Index: {
      auto &index = cast<IndexExpr>(expr);
      return node("index", index.base, index.subscripts);
    }
    case Expr::Tuple:
      return node("tuple", cast<TupleExpr>(expr).parts);
    case Expr::Pipe: {
      auto &pipe = cast<PipeExpr>(expr);
      return node("pipe", pipe.value, pipe.target);
    }
    case Expr::Each:
      return node("each", cast<EachExpr>(expr).call);
    case Expr::Repeat: {
      auto &repeat = cast<RepeatExpr>(expr);
      return node("repeat", repeat.count, repeat.body, repeat.label,
                  repeat.attributes);
    }
    case Expr::Scan: {
      auto &scan = cast<ScanExpr>(expr);
      return node("scan", scan.index, scan.extent, scan.isReversed,
                  scan.carried, scan.body);
    }
    case Expr::If: {
      auto &branch = cast<IfExpr>(expr);
      return node("if", branch.condition, branch.then, branch.otherwise);
    }
    }
  }

  llvm::raw_ostream &stream;
};
} // namespace

std::string burnish::dsl::textOf(const File &file) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  TreeWriter(stream).write(file);
  return text;
}
