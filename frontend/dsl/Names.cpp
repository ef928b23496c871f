// Names.cpp - what a layer's names are, before anything is computed.
#include "frontend/dsl/Names.h"
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/ExprParser.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

namespace {
/// One name of a layer.
struct Known {
  Span span;
  StringRef kind;
  bool isUsed = false;
  bool mustBeUsed = false;
};

class LayerChecker {
public:
  LayerChecker(const Program &program, Unit &unit, Messages &messages)
      : program(program), unit(unit), messages(messages) {}

  void check(const Layer &layer) {
    scopes.emplace_back();
    for (const StaticParam &param : layer.statics) {
      if (param.initial)
        expr(*param.initial);
      declare(param.name, "static parameter", /*mustBeUsed=*/true);
    }
    for (const TensorParam &param : layer.params)
      dims(param.type);
    for (const TensorParam &param : layer.params) {
      uses(param.type);
      declare(param.name, "tensor", false);
    }
    for (const ExprPtr &condition : layer.conditions)
      expr(*condition);
    uses(layer.result);
    block(layer.body);
    leave();
  }

  /// A derivative, whose names stand for those of its layer.
  void check(const Derivative &rule, const Layer &layer) {
    scopes.emplace_back();
    for (Ident name : rule.statics)
      declare(name, "static parameter", false);
    for (const TensorParam &param : layer.params)
      dims(param.type);
    for (Ident name : rule.params)
      declare(name, "tensor", false);
    for (Ident name : rule.gradients)
      declare(name, "gradient", /*mustBeUsed=*/true);
    block(rule.body);
    leave();
  }

private:
  void declare(Ident name, StringRef kind, bool mustBeUsed) {
    if (name.text == "_")
      return;
    for (const auto &scope : scopes)
      for (const auto &[known, what] : scope)
        if (known == name.text) {
          messages.error(name.span,
                         quoted(name.text) + " would hide the " + what.kind +
                             " of that name",
                         {{what.span, "it is here"}});
          return;
        }
    static constexpr StringRef kWords[] = {"scan", "if",    "repeat", "let",
                                           "true", "false", "None"};
    if (llvm::is_contained(kWords, name.text)) {
      messages.error(name.span,
                     quoted(name.text) + " is a word of the language");
      return;
    }
    scopes.back().push_back({name.text, {name.span, kind, false, mustBeUsed}});
  }

  /// What is left unused when a scope ends.
  void leave() {
    for (const auto &[name, what] : scopes.back()) {
      if (what.isUsed || !what.mustBeUsed)
        continue;
      StringRef why = what.kind == "value"
                          ? ", so what makes it has no path to the output"
                      : what.kind == "param" || what.kind == "state"
                          ? ", so it has no path to the output"
                          : "";
      messages.error(what.span, "the " + what.kind + " " + quoted(name) +
                                    " is not used" + why);
    }
    scopes.pop_back();
  }

  Known *lookup(StringRef name) {
    for (auto &scope : llvm::reverse(scopes))
      for (auto &[known, what] : scope)
        if (known == name)
          return &what;
    return nullptr;
  }

  void use(StringRef name, Span span) {
    if (Known *known = lookup(name)) {
      known->isUsed = true;
      return;
    }
    if (isConstantName(name) || isElementType(name))
      return;
    std::vector<StringRef> all;
    for (const auto &scope : scopes)
      for (const auto &each : scope)
        all.push_back(each.first);
    for (StringRef constant : {"true", "false", "None"})
      all.push_back(constant);
    if (program.find(unit, name) || isBuiltin(name)) {
      messages.error(span,
                     quoted(name) + " is a layer, and stands where a "
                                    "value should",
                     {}, "a call has brackets: " + name + "(...)");
      return;
    }
    // Read as a product, where no pipe is.
    messages.error(span,
                   quoted(name) + " is not known here" + nearest(name, all), {},
                   name == "checkpoint"
                       ? "@checkpoint stands behind a call that a pipe leads "
                         "into, or behind a repeat"
                       : "");
  }

  /// Names in the types of arguments are dims, which the arguments bring.
  void dims(const TypeRef &type) {
    for (const TypeRef &part : type.parts)
      dims(part);
    for (const DimRef &dim : type.dims)
      if (dim.expr)
        dimNames(*dim.expr);
  }
  void dimNames(const Expr &dim) {
    if (auto *name = llvm::dyn_cast<NameExpr>(&dim)) {
      if (!lookup(name->name))
        scopes.back().push_back({name->name, {name->span, "dim"}});
    } else if (auto *both = llvm::dyn_cast<BinaryExpr>(&dim)) {
      dimNames(*both->left);
      dimNames(*both->right);
    }
  }
  void uses(const TypeRef &type) {
    for (const TypeRef &part : type.parts)
      uses(part);
    for (const DimRef &dim : type.dims)
      if (dim.expr)
        expr(*dim.expr);
  }

  void block(const Block &body, bool inScope = true) {
    if (inScope)
      scopes.emplace_back();
    for (const auto &stmt : body.statements)
      statement(*stmt);
    if (body.result)
      expr(*body.result);
    if (inScope)
      leave();
  }

  void statement(const Stmt &stmt) {
    if (auto *param = llvm::dyn_cast<ParamStmt>(&stmt)) {
      uses(param->type);
      for (const Argument &argument : param->initializer.arguments)
        expr(*argument.value);
      declare(param->name, param->isState ? "state" : "param", true);
    } else if (auto *let = llvm::dyn_cast<LetStmt>(&stmt)) {
      expr(*let->value);
      for (Ident name : let->pattern.names)
        declare(name, "value", true);
    } else if (auto *assign = llvm::dyn_cast<AssignStmt>(&stmt)) {
      expr(*assign->value);
      Known *target = lookup(assign->target.text);
      if (!target)
        use(assign->target.text, assign->target.span);
      else if (target->kind != "carried value" && target->kind != "state")
        messages.error(assign->target.span,
                       "only a carried value of a scan, or a state, can "
                       "become another, and " +
                           quoted(assign->target.text) + " is a " +
                           target->kind,
                       {{target->span, "it is here"}});
    } else if (auto *emit = llvm::dyn_cast<EmitStmt>(&stmt)) {
      if (!scanDepth)
        messages.error(stmt.span, "emit and last stand in a scan only");
      if (emit->last) {
        use(emit->last.text, emit->last.span);
        return;
      }
      expr(*emit->value);
      if (emit->axis)
        expr(*emit->axis);
    }
  }

  void callee(const CallExpr &call) {
    StringRef name = call.callee.text;
    if (name.starts_with("nn.") || isElementType(name) || isBuiltin(name) ||
        program.find(unit, name))
      return;
    if (lookup(name)) {
      messages.error(call.callee.span,
                     quoted(name) + " is a value, and cannot be called");
      return;
    }
    std::vector<StringRef> all = program.names(unit);
    for (StringRef each : builtinNames())
      all.push_back(each);
    bool usesStandard = llvm::any_of(
        unit.uses, [](const Unit *used) { return used->isStandard; });
    std::string near = nearest(name, all);
    messages.error(call.callee.span,
                   "no layer or function is called " + quoted(name) + near, {},
                   near.empty() && !usesStandard && !unit.isStandard
                       ? "`use std` brings the standard layers"
                       : "");
  }

  void expr(const Expr &each) {
    switch (each.kind) {
    case Expr::Number:
    case Expr::String:
    case Expr::Placeholder:
      return;
    case Expr::Name:
      return use(llvm::cast<NameExpr>(each).name, each.span);
    case Expr::Literal:
      uses(llvm::cast<LiteralExpr>(each).type);
      for (const ExprPtr &element : llvm::cast<LiteralExpr>(each).elements)
        expr(*element);
      return;
    case Expr::Unary:
      return expr(*llvm::cast<UnaryExpr>(each).operand);
    case Expr::Binary:
      expr(*llvm::cast<BinaryExpr>(each).left);
      return expr(*llvm::cast<BinaryExpr>(each).right);
    case Expr::Tuple:
      for (const ExprPtr &part : llvm::cast<TupleExpr>(each).parts)
        expr(*part);
      return;
    case Expr::Call: {
      auto &call = llvm::cast<CallExpr>(each);
      callee(call);
      for (const ArgumentList &list : call.lists)
        for (const Argument &argument : list.arguments)
          expr(*argument.value);
      return;
    }
    case Expr::Index: {
      auto &index = llvm::cast<IndexExpr>(each);
      auto *filled = llvm::dyn_cast<NameExpr>(index.base.get());
      if (!filled || !isFilling(filled->name) || lookup(filled->name))
        expr(*index.base);
      for (const Subscript &subscript : index.subscripts)
        for (const ExprPtr *part :
             {&subscript.at, &subscript.from, &subscript.to, &subscript.step})
          if (*part)
            expr(**part);
      return;
    }
    case Expr::Pipe:
      expr(*llvm::cast<PipeExpr>(each).value);
      return expr(*llvm::cast<PipeExpr>(each).target);
    case Expr::Each:
      return expr(*llvm::cast<EachExpr>(each).call);
    case Expr::Repeat:
      expr(*llvm::cast<RepeatExpr>(each).count);
      return block(llvm::cast<RepeatExpr>(each).body);
    case Expr::If:
      expr(*llvm::cast<IfExpr>(each).condition);
      if (llvm::cast<IfExpr>(each).type)
        uses(*llvm::cast<IfExpr>(each).type);
      block(llvm::cast<IfExpr>(each).then);
      return block(llvm::cast<IfExpr>(each).otherwise);
    case Expr::Scan: {
      auto &scan = llvm::cast<ScanExpr>(each);
      if (scan.extent)
        expr(*scan.extent);
      for (const ScanExpr::Carried &carried : scan.carried) {
        expr(*carried.initial);
        if (carried.type)
          uses(*carried.type);
      }
      scopes.emplace_back();
      declare(scan.index, "index", false);
      for (const ScanExpr::Carried &carried : scan.carried)
        declare(carried.name, "carried value", false);
      if (scan.condition && lookup(scan.condition.text))
        use(scan.condition.text, scan.condition.span);
      ++scanDepth;
      block(scan.body);
      --scanDepth;
      leave();
      return;
    }
    }
  }

  const Program &program;
  Unit &unit;
  Messages &messages;
  std::vector<llvm::SmallVector<std::pair<StringRef, Known>, 8>> scopes;
  unsigned scanDepth = 0;
};
} // namespace

/// Whether a derivative is that of a layer of its file, and names as much as
/// this takes.
static bool checkDerivative(const Derivative &rule, const Unit &unit,
                            Messages &messages) {
  const Layer *layer = unit.layers.lookup(rule.layer.text);
  if (!layer || layer->isNet) {
    std::vector<StringRef> known;
    for (const auto &each : unit.file.layers)
      if (!each->isNet)
        known.push_back(each->name.text);
    return messages.error(rule.layer.span,
                          quoted(rule.layer.text) +
                              " is no layer of this file" +
                              nearest(rule.layer.text, known),
                          {}, "a derivative stands beside its layer");
  }
  size_t results = layer->result.isTuple() ? layer->result.parts.size() : 1;
  auto fits = [&](size_t names, size_t wanted, const llvm::Twine &what) {
    return names == wanted ||
           messages.error(rule.span,
                          quoted(rule.layer.text) + " has " +
                              llvm::Twine(wanted) + " " + what +
                              (wanted == 1 ? "" : "s") + ", and these are " +
                              llvm::Twine(names),
                          {{layer->span, "it is declared here"}});
  };
  return fits(rule.statics.size(), layer->statics.size(), "static parameter") &&
         fits(rule.params.size(), layer->params.size(), "tensor") &&
         fits(rule.gradients.size(), results, "result");
}

void dsl::checkNames(const Program &program, Unit &unit, Messages &messages) {
  for (const auto &rule : unit.file.derivatives)
    if (checkDerivative(*rule, unit, messages) && rule->body.result)
      LayerChecker(program, unit, messages)
          .check(*rule, *unit.layers.lookup(rule->layer.text));
  for (const auto &layer : unit.file.layers)
    if (layer->body.result)
      LayerChecker(program, unit, messages).check(*layer);
}
