// Elaborator.cpp - builds a net: nets, layers and calls.
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/Builtins.h"
#include "ir/Ops.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::SaveAndRestore;

/// Layers inside each other.
static constexpr unsigned kDeepestCall = 64;
/// Expressions that one compile evaluates: what a file may cost.
static constexpr int64_t kMostSteps = 500'000;

void Elaborator::at(Span span) {
  place = span;
  auto [line, column] = messages.sources.lineAndColumn(span);
  builder.setLoc(FileLineColLoc::get(
      builder.getContext(), messages.sources.path(span.file), line, column));
}

LogicalResult Elaborator::report(Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
    return failure();
  std::string text = diagnostic.str();
  StringRef reason = text;
  size_t from = reason.find("' op ");
  if (reason.starts_with("'nn.") && from != StringRef::npos)
    reason = reason.substr(from + 5);
  messages.error(place, reason);
  return success();
}

//===- Nets ---------------------------------------------------------------===//

std::vector<Term> Elaborator::net(const Layer &net, Unit &unit,
                                  ArrayRef<Value> arguments) {
  Frame frame(net, unit, (net.name.text + ".").str());
  Scope scope;
  openLayers.push_back(&net);
  bool isFine = true;
  for (auto [param, argument] : llvm::zip_equal(net.params, arguments)) {
    Term value = Term::ofTensor(argument, param.type.span);
    std::string by = "input " + quoted(param.name.text);
    isFine &= match(param.type, value, frame, scope, by, by, param.type.span);
    scope.values[param.name.text] = value;
  }
  Term result = isFine && checkWhere(frame, scope, net.span)
                    ? body(frame, scope, net.span)
                    : Term();
  openLayers.pop_back();
  if (result.kind == Term::Tuple)
    return result.parts;
  return {result};
}

std::vector<std::string> Elaborator::resultNames(const Layer &net) const {
  std::vector<std::string> names;
  auto nameOf = [](const Expr *expr) -> std::string {
    while (auto *pipe = dyn_cast<PipeExpr>(expr))
      expr = pipe->target.get();
    if (auto *name = dyn_cast<NameExpr>(expr))
      return name->name.str();
    if (auto *call = dyn_cast<CallExpr>(expr))
      return call->label.text.str();
    return "";
  };
  size_t count = net.result.isTuple() ? net.result.parts.size() : 1;
  auto *tuple = dyn_cast<TupleExpr>(net.body.result.get());
  llvm::StringSet<> taken;
  for (const TensorParam &param : net.params)
    taken.insert(param.name.text);
  for (size_t index = 0; index < count; ++index) {
    std::string name = count == 1 ? nameOf(net.body.result.get())
                       : tuple && tuple->parts.size() == count
                           ? nameOf(tuple->parts[index].get())
                           : "";
    std::string other =
        count == 1 ? "output" : "output" + std::to_string(index);
    if (name.empty() || !taken.insert(name).second)
      name = other;
    names.push_back(name);
  }
  return names;
}

//===- Layers -------------------------------------------------------------===//

std::string dsl::calleeText(const Layer &layer) {
  return quoted(layer.name.text);
}

bool Elaborator::checkWhere(Frame &frame, Scope &scope, Span call) {
  for (const ExprPtr &condition : frame.layer.conditions) {
    Term holds = eval(*condition, frame, scope);
    if (holds.isPoison())
      return false;
    StringRef text = messages.sources.text(condition->span);
    if (holds.kind != Term::Truth)
      return messages.error(condition->span,
                            "this is " + describe(holds) +
                                ", and no condition that is known when "
                                "compiling");
    if (holds.truth)
      continue;
    std::vector<Note> notes{{condition->span, "it is required here"}};
    for (const Note &note : originsOf(*condition, frame))
      notes.push_back(note);
    std::string values;
    llvm::StringSet<> said;
    std::function<void(const Expr &)> collect = [&](const Expr &expr) {
      if (auto *name = dyn_cast<NameExpr>(&expr)) {
        std::optional<Term> value = lookup(name->name, frame, scope);
        if (value && said.insert(name->name).second)
          values += (values.empty() ? ": " : ", ") + name->name.str() + " is " +
                    describe(*value);
      } else if (auto *both = dyn_cast<BinaryExpr>(&expr)) {
        collect(*both->left);
        collect(*both->right);
      } else if (auto *one = dyn_cast<UnaryExpr>(&expr)) {
        collect(*one->operand);
      }
    };
    collect(*condition);
    return messages.error(call,
                          "'" + text + "' does not hold for " +
                              calleeText(frame.layer) + values,
                          notes);
  }
  return true;
}

Term Elaborator::body(Frame &frame, Scope &scope, Span call) {
  const Layer &layer = frame.layer;
  if (!layer.body.result)
    return {}; // it could not be read, which is reported
  Term value = block(layer.body, frame, scope);
  if (value.isPoison())
    return {};
  if (value.isNumber() && !layer.result.isTuple())
    value = tensorOf(value, elementTypeOf(layer.result.elementType.text,
                                          builder.getContext()));
  if (!match(layer.result, value, frame, scope,
             "the result of " + calleeText(layer), "the result",
             layer.body.result->span))
    return {};
  return value;
}

Term Elaborator::layer(const Layer &layer, Unit &unit, const CallExpr &call,
                       StringRef path, Frame &caller, const Term *piped,
                       Scope &scope) {
  if (llvm::is_contained(openLayers, &layer))
    return fail(call.span, calleeText(layer) + " calls itself",
                {{layer.span, "it is declared here"}}, "repeat stacks layers");
  if (openLayers.size() >= kDeepestCall)
    return fail(call.span, "more than " + Twine(kDeepestCall) +
                               " layers inside each other");
  Frame frame(layer, unit, path.str(), &caller);
  Scope inner;
  if (!bindArguments(frame, inner, call, piped, caller, scope))
    return {};
  if (!checkWhere(frame, inner, call.span))
    return {};
  // A recipe may call its net for the loss and for a metric: it runs once.
  SmallVector<Value> arguments;
  if (training && layer.isNet) {
    for (const TensorParam &param : layer.params)
      arguments.push_back(inner.values[param.name.text].tensor);
    for (const NetCall &done : netCalls)
      if (done.net == &layer && done.arguments == arguments)
        return done.result;
  }
  openLayers.push_back(&layer);
  messages.trail.push_back({call.span, "in this call of " + calleeText(layer)});
  SaveAndRestore savedPlace(place);
  const Derivative *rule = unit.derivatives.lookup(layer.name.text);
  if (llvm::is_contained(openRules, rule))
    rule = nullptr;
  SaveAndRestore savedRule(ofBody, rule ? rule : ofBody);
  Term result = body(frame, inner, call.span);
  openLayers.pop_back();
  if (rule && !result.isPoison())
    result = withDerivative(*rule, result, frame, inner, call.span);
  messages.trail.pop_back();
  at(call.span);
  result.from = call.span;
  if (training && layer.isNet)
    netCalls.push_back({&layer, std::move(arguments), result});
  else if (training && result.kind == Term::Tensor)
    training->layers.push_back({path.drop_back().str(), result.tensor});
  return result;
}

Term Elaborator::applyLayer(const Layer &layer, Unit &unit, StringRef path,
                            const llvm::StringMap<Term> &statics,
                            ArrayRef<Term> tensors, Span span) {
  Frame frame(layer, unit, path.str());
  Scope inner;
  for (const StaticParam &param : layer.statics) {
    auto given = statics.find(param.name.text);
    if (given == statics.end() && !param.initial)
      return fail(span, calleeText(layer) + " needs " + quoted(param.name.text),
                  {{param.name.span, "it is declared here"}});
    inner.values[param.name.text] = given == statics.end()
                                        ? eval(*param.initial, frame, inner)
                                        : given->second;
  }
  for (auto [param, value] : llvm::zip_equal(layer.params, tensors)) {
    std::string by = "argument " + quoted(param.name.text);
    if (!match(param.type, value, frame, inner, by + " of " + calleeText(layer),
               by, span))
      return {};
    inner.values[param.name.text] = value;
  }
  openLayers.push_back(&layer);
  Term result = body(frame, inner, span);
  openLayers.pop_back();
  return result;
}

//===- For recipes --------------------------------------------------------===//

Value Elaborator::firstNetResult() const {
  bool isTensor = !netCalls.empty() && netCalls[0].result.kind == Term::Tensor;
  return isTensor ? netCalls[0].result.tensor : Value();
}

Value Elaborator::sumOfAll(Value value) {
  int64_t rank = nn::ShapeScope::rank(value);
  return builder.make<nn::ReduceSumOp>(
      value, builder.integers(llvm::to_vector(llvm::seq<int64_t>(0, rank))),
      false, false);
}

Value Elaborator::draw(ArrayRef<int64_t> shape) {
  return builder.make<nn::DrawOp>(training->key,
                                  builder.getI64IntegerAttr(training->draws++),
                                  builder.getDenseI64ArrayAttr(shape));
}

//===- Calls --------------------------------------------------------------===//

/// The part of a path that a call is: its label, or what it calls, counted.
std::string Elaborator::labelOf(const CallExpr &call, StringRef name,
                                Frame &frame) {
  if (call.label) {
    auto [entry, isNew] =
        frame.labels.try_emplace(call.label.text, call.label.span);
    if (!isNew)
      messages.error(call.label.span,
                     "a second path " +
                         quoted(frame.path + call.label.text.str()) +
                         " in this " + (frame.layer.isNet ? "net" : "layer"),
                     {{entry->second, "the first is here"}});
    return call.label.text.str();
  }
  unsigned count = ++frame.calls[name];
  std::string label = name.str();
  if (count > 1)
    label += "_" + std::to_string(count);
  auto [entry, isNew] = frame.labels.try_emplace(label, call.callee.span);
  if (!isNew)
    messages.error(call.span,
                   "this call's path " + quoted(frame.path + label) +
                       " is another's",
                   {{entry->second, "the other is here"}},
                   "`as` gives it a name of its own");
  return label;
}

bool Elaborator::isExhausted(Span span) {
  if (++steps == kMostSteps)
    messages.error(span, "the network is made of more than " +
                             Twine(kMostSteps) + " expressions");
  return steps >= kMostSteps;
}

Term Elaborator::call(const CallExpr &call, const Term *piped, Frame &frame,
                      Scope &scope) {
  if (isExhausted(call.span))
    return {};
  StringRef name = call.callee.text;
  Program::Found found = program.find(frame.unit, name);
  if (!found)
    return builtin(*this, call, piped, frame, scope);
  if (found.import)
    return importedNet(*found.import, call, piped, frame, scope);
  // The params of a net are its own, whoever calls it and how often.
  std::string path = found.layer->isNet
                         ? name.str() + "."
                         : frame.path + labelOf(call, name, frame) + ".";
  return layer(*found.layer, *found.unit, call, path, frame, piped, scope);
}

void Elaborator::toParams() {
  if (lastParam)
    builder.setInsertionPointAfter(lastParam);
  else
    builder.setInsertionPointToStart(&entryBlock);
}
