// Elaborator.cpp - builds a net: nets, layers and calls.
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/ExprParser.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::SaveAndRestore, llvm::enumerate;
using nn::Dim, nn::Dims;

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

//===- Arguments ----------------------------------------------------------===//

/// `conv`, as a message about its call names it.
static std::string calleeText(const Layer &layer) {
  return quoted(layer.name.text);
}

bool Elaborator::bindArguments(Frame &frame, Scope &inner, const CallExpr &call,
                               const Term *piped, Frame &caller, Scope &scope) {
  const Layer &layer = frame.layer;
  std::string callee = calleeText(layer);
  Note declared{layer.span, callee + " is declared here"};
  std::vector<std::optional<Term>> statics(layer.statics.size()),
      tensors(layer.params.size());
  // Where each tensor is given.
  std::vector<Span> places(layer.params.size(), call.span);
  auto mentions = [](const ArgumentList &list) {
    return llvm::any_of(list.arguments, [](const Argument &argument) {
      return mentionsPlaceholder(*argument.value);
    });
  };
  // One list is the tensors', except that what is piped in is one already: then
  // it is the static one, unless it says where the tensor goes.
  const ArgumentList *staticList = nullptr, *tensorList = nullptr;
  if (call.lists.size() == 2) {
    staticList = &call.lists[0];
    tensorList = &call.lists[1];
  } else if (call.lists.size() == 1) {
    bool isStatic = piped && !layer.statics.empty() && !mentions(call.lists[0]);
    (isStatic ? staticList : tensorList) = &call.lists[0];
  }
  bool isPlaced = piped && tensorList && mentions(*tensorList);
  bool isFine = true;
  Scope arguments(&scope, isPlaced ? piped : scope.piped);
  auto give = [&](std::optional<Term> &slot, Ident name, Term value,
                  Span span) {
    if (slot) {
      isFine = messages.error(
          span, quoted(name.text) + " of " + callee + " is given twice",
          {declared});
      return;
    }
    slot = std::move(value);
  };
  auto add = [&](const ArgumentList &list, bool isStatic, size_t from) {
    size_t next = from;
    for (const Argument &argument : list.arguments) {
      Term value = eval(*argument.value, caller, arguments);
      Span span = argument.value->span;
      if (argument.name) {
        auto *asStatic = llvm::find_if(layer.statics, [&](auto &param) {
                           return param.name.text == argument.name.text;
                         }).base();
        auto *asTensor = llvm::find_if(layer.params, [&](auto &param) {
                           return param.name.text == argument.name.text;
                         }).base();
        if (asStatic != layer.statics.data() + layer.statics.size()) {
          give(statics[asStatic - layer.statics.data()], asStatic->name,
               std::move(value), span);
        } else if (asTensor != layer.params.data() + layer.params.size()) {
          places[asTensor - layer.params.data()] = span;
          give(tensors[asTensor - layer.params.data()], asTensor->name,
               std::move(value), span);
        } else {
          std::vector<StringRef> known;
          for (const StaticParam &param : layer.statics)
            known.push_back(param.name.text);
          for (const TensorParam &param : layer.params)
            known.push_back(param.name.text);
          isFine = messages.error(argument.name.span,
                                  callee + " has no parameter " +
                                      quoted(argument.name.text) +
                                      nearest(argument.name.text, known),
                                  {declared});
        }
        continue;
      }
      size_t count = isStatic ? layer.statics.size() : layer.params.size();
      if (next >= count) {
        isFine = messages.error(
            span,
            callee + " takes " + Twine(count) +
                (isStatic ? " static argument" : " tensor") +
                (count == 1 ? "" : "s") + ", and this is one more",
            {declared});
        break;
      }
      if (isStatic) {
        give(statics[next], layer.statics[next].name, std::move(value), span);
      } else {
        places[next] = span;
        give(tensors[next], layer.params[next].name, std::move(value), span);
      }
      ++next;
    }
  };
  if (piped && !isPlaced) {
    if (layer.params.empty()) {
      return messages.error(call.span,
                            callee + " takes no tensor that could be piped in",
                            {declared});
    }
    tensors[0] = *piped;
  }
  if (staticList)
    add(*staticList, true, 0);
  if (tensorList)
    add(*tensorList, false, piped && !isPlaced ? 1 : 0);
  if (!isFine)
    return false;

  for (auto [param, value] : llvm::zip_equal(layer.statics, statics)) {
    if (!value) {
      if (!param.initial)
        return messages.error(call.span,
                              callee + " needs " + quoted(param.name.text),
                              {{param.name.span, "it is declared here"}});
      // A default may name what stands before it.
      value = eval(*param.initial, frame, inner);
    }
    if (value->isPoison())
      return false;
    if (value->kind == Term::Tensor)
      return messages.error(
          call.span,
          "static parameter " + quoted(param.name.text) + " of " + callee +
              " takes what is known when compiling, and this is " +
              describe(*value),
          {noteOf(*value, "it"), declared}, "tensors go into a second list");
    inner.values[param.name.text] = *value;
  }
  for (auto [param, value] : llvm::zip_equal(layer.params, tensors)) {
    if (!value && param.isOptional && param.name.text == "weight" &&
        sampleWeights) {
      value = sampleWeights;
      usesWeights = true;
    }
    if (!value && param.isOptional)
      value = Term::none(param.name.span);
    if (!value)
      return messages.error(
          call.span, callee + " needs the tensor " + quoted(param.name.text),
          {{param.name.span, "it is declared here"}});
    if (value->isPoison())
      return false;
  }
  // All that can be told of dims is told before any is used in arithmetic:
  // arguments in order, as they are read. Columns whose types are not known
  // come last: they take what the others leave them.
  SmallVector<size_t> order;
  for (bool isOpen : {false, true})
    for (size_t index = 0; index < layer.params.size(); ++index)
      if ((tensors[index]->kind == Term::Open) == isOpen)
        order.push_back(index);
  for (size_t index : order) {
    const TensorParam &param = layer.params[index];
    Term &value = *tensors[index];
    if (value.kind == Term::None && param.isOptional) {
      inner.values[param.name.text] = value;
      continue;
    }
    if (value.kind == Term::Open)
      value = opened(value, param.type, frame, inner, places[index]);
    if (value.isPoison())
      return false;
    if (value.isNumber() || value.kind == Term::Truth) {
      Type elementType =
          elementTypeOf(param.type.elementType.text, builder.getContext());
      value = tensorOf(value, elementType);
      if (value.isPoison())
        return false;
    }
    std::string by = "argument " + quoted(param.name.text);
    if (!match(param.type, value, frame, inner, by + " of " + callee, by,
               places[index]))
      return false;
    inner.values[param.name.text] = value;
  }
  return true;
}

//===- Layers -------------------------------------------------------------===//

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

//===- Columns of data ----------------------------------------------------===//

/// What a column is that only `size` dims of a run would give.
static std::optional<SmallVector<int64_t>> sizesOf(ArrayRef<Dim> dims) {
  SmallVector<int64_t> sizes;
  for (Dim dim : dims) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

Term Elaborator::opened(const Term &open, const TypeRef &type, Frame &frame,
                        Scope &scope, Span span) {
  Type elementType =
      type.elementType.text == "int"
          ? builder.getI64Type()
          : elementTypeOf(type.elementType.text, builder.getContext());
  // Where nothing else says how long a column is, the recipe may.
  for (const DimRef &dim : type.dims) {
    auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get());
    if (!name || !isUnbound(name->name, frame, scope))
      continue;
    auto given = training->sizes.find(name->name);
    if (given == training->sizes.end())
      return fail(span,
                  "the type of the column " + quoted(open.text) +
                      " does not follow from " +
                      quoted(messages.sources.text(type.span)),
                  {{type.span, "it is declared here"}},
                  "batch " + name->name + " = 4 gives " + name->name +
                      " a size");
    frame.dims[name->name] = {shapes.constant(given->second), dim.span,
                              "the recipe"};
  }
  std::optional<Dims> dims = shapeOf(type, frame, scope);
  std::optional<SmallVector<int64_t>> sizes =
      dims ? sizesOf(*dims) : std::nullopt;
  if (!elementType || !sizes)
    return fail(span,
                "the type of the column " + quoted(open.text) +
                    " does not follow from " +
                    quoted(messages.sources.text(type.span)),
                {{type.span, "it is declared here"}});
  // A number of a class is less than the classes, which layers call C.
  if (type.elementType.text == "int")
    if (auto found = frame.dims.find("C"); found != frame.dims.end())
      classes[open.text] = nn::known(found->second.size).value_or(0);
  Term column = training->openColumn(
      open.text, RankedTensorType::get(*sizes, elementType), open.from);
  columns[open.text] = column;
  return column;
}

Term Elaborator::openedLike(const Term &open, const Term &like, Span span) {
  auto type = like.kind == Term::Tensor
                  ? dyn_cast<RankedTensorType>(like.tensor.getType())
                  : RankedTensorType();
  if (!type || !type.hasStaticShape())
    return fail(span,
                "the type of the column " + quoted(open.text) +
                    " is not known here",
                {}, "an input of the net or a loss gives it one");
  Term column = training->openColumn(
      open.text, RankedTensorType::get(type.getShape(), type.getElementType()),
      open.from);
  columns[open.text] = column;
  return column;
}

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
