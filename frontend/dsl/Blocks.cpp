// Blocks.cpp - what stands between braces: statements, repeat, if, scan.
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/ExprParser.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate, llvm::SaveAndRestore;
using nn::Dim, nn::Dims;

static constexpr int64_t kMostRepeats = 10'000;

//===- Blocks -------------------------------------------------------------===//

Term Elaborator::headed(const Expr &expr, const Term &head, Frame &frame,
                        Scope &scope) {
  if (auto *pipe = dyn_cast<PipeExpr>(&expr)) {
    Term value = headed(*pipe->value, head, frame, scope);
    return value.isPoison() ? Term()
                            : apply(*pipe->target, value, frame, scope);
  }
  if (isa<CallExpr, EachExpr, RepeatExpr>(expr))
    return apply(expr, head, frame, scope);
  return fail(expr.span, "the block does not use what is piped into it", {},
              "'_' stands for that");
}

Term Elaborator::block(const Block &block, Frame &frame, Scope &scope,
                       const Term *head) {
  bool isHeaded = head && !mentionsPlaceholder(block);
  Scope inner(&scope, head);
  bool isFine = true;
  for (const auto &stmt : block.statements)
    isFine &= statement(*stmt, frame, inner);
  if (!block.result)
    return {};
  Term value = isHeaded ? headed(*block.result, *head, frame, inner)
                        : eval(*block.result, frame, inner);
  return isFine ? value : Term();
}

bool Elaborator::statement(const Stmt &stmt, Frame &frame, Scope &scope) {
  if (auto *made = dyn_cast<ParamStmt>(&stmt)) {
    param(*made, frame, scope);
    return !scope.values[made->name.text].isPoison();
  }
  if (auto *let = dyn_cast<LetStmt>(&stmt)) {
    Term value = eval(*let->value, frame, scope);
    const Pattern &pattern = let->pattern;
    if (!pattern.isTuple) {
      scope.values[pattern.names[0].text] = value;
      return !value.isPoison();
    }
    bool fits =
        value.kind == Term::Tuple && value.parts.size() == pattern.names.size();
    if (!value.isPoison() && !fits)
      fail(let->value->span, value.kind == Term::Tuple
                                 ? Twine(value.parts.size()) + " values for " +
                                       Twine(pattern.names.size()) + " names"
                                 : "this is " + describe(value) +
                                       ", and no tuple of " +
                                       Twine(pattern.names.size()));
    for (auto [index, name] : enumerate(pattern.names))
      if (name.text != "_")
        scope.values[name.text] = fits ? value.parts[index] : Term();
    return fits;
  }
  if (auto *emit = dyn_cast<EmitStmt>(&stmt)) {
    if (!currentScan)
      return false; // checkNames has reported it
    ScanContext &context = *currentScan;
    if (builder.getInsertionBlock() != context.body)
      return messages.error(stmt.span, "a scan emits at the level of its body");
    if (emit->last) {
      for (auto [place, carried] : enumerate(context.expr.carried))
        if (carried.name.text == emit->last.text) {
          context.lasts.push_back(place);
          return true;
        }
      return messages.error(emit->last.span,
                            quoted(emit->last.text) +
                                " is not carried by this scan",
                            {{context.expr.span, "the scan is here"}});
    }
    Term value = eval(*emit->value, frame, scope);
    if (value.isPoison())
      return false;
    std::vector<Term> parts =
        value.kind == Term::Tuple ? value.parts : std::vector<Term>{value};
    // Where the scan reads its first tensor is where it writes, too.
    int64_t axis = context.walked.empty() ? 0 : context.walked[0].axis;
    if (emit->axis) {
      Dim given = dim(*emit->axis, frame, scope);
      if (!given || !nn::known(given))
        return false;
      axis = *nn::known(given);
    }
    for (Term &part : parts) {
      if (part.kind != Term::Tensor)
        return messages.error(part.from, "a scan emits tensors, and this is " +
                                             describe(part));
      int64_t rank = shapes.rank(part.tensor);
      if (axis < 0 || (emit->axis && axis > rank))
        return messages.error(emit->axis ? emit->axis->span : stmt.span,
                              describe(part) + " cannot be stacked at axis " +
                                  Twine(axis));
      context.emitted.push_back(part);
      context.emitAxes.push_back(std::min(axis, rank));
    }
    return true;
  }
  auto &assign = cast<AssignStmt>(stmt);
  Term value = eval(*assign.value, frame, scope);
  if (value.isPoison())
    return false;
  for (Scope *inner = &scope; inner; inner = inner->outer) {
    auto found = inner->values.find(assign.target.text);
    if (found == inner->values.end())
      continue;
    Term &target = found->second;
    if (target.isPoison() || target.kind != Term::Tensor)
      return false;
    at(assign.span);
    value = tensorOf(value, getElementTypeOrSelf(target.tensor.getType()));
    if (value.isPoison())
      return false;
    Dims before = shapes.dims(target.tensor), now = shapes.dims(value.tensor);
    bool isSameShape = before.size() == now.size() &&
                       getElementTypeOrSelf(value.tensor.getType()) ==
                           getElementTypeOrSelf(target.tensor.getType());
    for (size_t i = 0; isSameShape && i < now.size(); ++i)
      isSameShape = isSame(before[i], now[i]);
    if (!isSameShape)
      return messages.error(assign.span,
                            quoted(assign.target.text) + " is " +
                                describe(target) + " and would become " +
                                describe(value),
                            {noteOf(target, quoted(assign.target.text))});
    Slot *state = findSlot(frame.path + assign.target.text.str());
    if (state && state->isState) {
      if (currentScan || controlDepth)
        return messages.error(assign.span, "a state changes outside of scan "
                                           "and if only");
      if (training && training->applies)
        value.tensor = builder.make<nn::WhereOp>(training->applies,
                                                 value.tensor, target.tensor);
      state->value = value.tensor;
      target.tensor = value.tensor;
      return true;
    }
    if (!currentScan)
      return false; // checkNames has reported it
    if (builder.getInsertionBlock() != currentScan->body)
      return messages.error(assign.span, "a carried value changes at the level "
                                         "of its scan's body only");
    target.tensor = value.tensor;
    target.from = assign.span;
    return true;
  }
  return false; // checkNames has reported it
}

//===- Params -------------------------------------------------------------===//

Elaborator::Slot *Elaborator::findSlot(StringRef path) {
  auto found =
      llvm::find_if(slots, [&](const Slot &slot) { return slot.path == path; });
  return found == slots.end() ? nullptr : &*found;
}

Elaborator::Slot *Elaborator::slotNow(Value value) {
  auto found = llvm::find_if(
      slots, [&](const Slot &slot) { return slot.value == value; });
  return found == slots.end() ? nullptr : &*found;
}

/// Whether a layer changes one of its states.
static bool isAssigned(const dsl::Block &block, StringRef name) {
  return llvm::any_of(block.statements, [&](const auto &stmt) {
    auto *assign = dyn_cast<AssignStmt>(stmt.get());
    return assign && assign->target.text == name;
  });
}

/// How a param begins; `stored` becomes the file that has its value, if any.
/// None after a report.
std::optional<InitialValue> Elaborator::initialOf(const ParamStmt &param,
                                                  ArrayRef<int64_t> sizes,
                                                  std::string &stored,
                                                  Frame &frame, Scope &scope) {
  // Values may lie in a file of their own.
  if (param.initializer.name.text == "stored") {
    auto *file =
        param.initializer.arguments.size() == 1
            ? dyn_cast<StringExpr>(param.initializer.arguments[0].value.get())
            : nullptr;
    if (!file) {
      fail(param.initializer.span, "'stored' takes the name of a file");
      return std::nullopt;
    }
    stored = besides(messages.sources.path(param.span.file), file->value);
  }

  // The initialiser's arguments may be statics.
  SmallVector<double> numbers;
  for (const Argument &argument : param.initializer.arguments) {
    if (!stored.empty())
      break;
    Term number = eval(*argument.value, frame, scope);
    std::optional<int64_t> whole =
        number.kind == Term::Whole ? nn::known(number.whole) : std::nullopt;
    if (number.isPoison())
      return std::nullopt;
    if (!whole && number.kind != Term::Real) {
      fail(argument.value->span,
           "an initialiser takes numbers, and this is " + describe(number));
      return std::nullopt;
    }
    numbers.push_back(whole ? static_cast<double>(*whole) : number.real);
  }
  StringRef name = param.initializer.name.text;
  if (!stored.empty()) {
    name = "zeros";
  } else if (param.initializer.number) {
    name = "constant";
    numbers = {cast<NumberExpr>(*param.initializer.number).value};
  }
  std::string error;
  std::optional<InitialValue> initial =
      initialValue(name, numbers, sizes, error);
  if (!initial) {
    fail(param.initializer.span,
         error.empty() ? "no initialiser is called " + quoted(name) +
                             nearest(name, initializerNames())
                       : error);
    return std::nullopt;
  }
  initial->text = messages.sources.text(param.initializer.span).str();
  return initial;
}

void Elaborator::param(const ParamStmt &param, Frame &frame, Scope &scope) {
  scope.values[param.name.text] = {};
  StringRef kind = param.isState ? "state" : "param";
  if (ofBody || !openRules.empty()) {
    const Derivative &rule = ofBody ? *ofBody : *openRules.back();
    fail(param.span,
         kind + " in a layer with a derivative of its own, which gives "
                "gradients by tensors alone",
         {{rule.span, "the derivative is here"}},
         "a layer around it may have it and hand it in");
    return;
  }
  if (param.type.isTuple() || currentScan || controlDepth) {
    fail(param.span, param.type.isTuple()
                         ? "a param is one tensor"
                         : kind + " in a scan or in an if that a run decides");
    return;
  }
  Type elementType =
      elementTypeOf(param.type.elementType.text, builder.getContext());
  if (!elementType || (!param.isState && !isa<FloatType>(elementType))) {
    fail(param.type.span,
         "param " + quoted(param.name.text) + " has elements of " +
             param.type.elementType.text +
             ", and training changes numbers with fractions only",
         {}, "a literal, as i64[2](3, 5), is a constant; state may be whole");
    return;
  }
  std::optional<Dims> dims = shapeOf(param.type, frame, scope);
  if (!dims)
    return;
  SmallVector<int64_t> sizes;
  bool hasRest = dims->size() != param.type.dims.size();
  for (auto [axis, dim] : enumerate(*dims)) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size) {
      // `...` stands for dims that no pattern of its own describes.
      const DimRef *pattern = hasRest ? nullptr : &param.type.dims[axis];
      bool isWritten = pattern && pattern->expr;
      fail(pattern ? pattern->span : param.type.span,
           "the dims of a " + kind + " are known when compiling, and " +
               describe(dim) + " is not",
           isWritten ? originsOf(*pattern->expr, frame) : std::vector<Note>(),
           "--dim can pin it");
      return;
    }
    sizes.push_back(*size);
  }
  std::vector<std::string> flags;
  static constexpr StringRef kFlags[] = {"no_decay", "frozen"};
  for (Ident flag : param.attributes) {
    if (!llvm::is_contained(kFlags, flag.text)) {
      fail(flag.span,
           "no attribute is called " + quoted(flag.text) +
               nearest(flag.text, kFlags),
           {}, "those are @no_decay and @frozen");
      return;
    }
    flags.push_back(flag.text.str());
  }
  if (param.isState)
    flags.push_back("state");

  std::string stored;
  std::optional<InitialValue> initial =
      initialOf(param, sizes, stored, frame, scope);
  if (!initial)
    return;
  std::string path = frame.path + param.name.text.str();
  auto type = RankedTensorType::get(sizes, elementType);
  auto [entry, isNew] = made.try_emplace(path);
  if (!isNew) {
    // A net that is called twice has its params once.
    if (entry->second.stmt != &param || entry->second.value.getType() != type) {
      fail(param.name.span,
           "a second param on the path " + quoted(path) + ", of " +
               nameOf(elementType) + describe(*dims),
           {{entry->second.stmt ? entry->second.stmt->name.span
                                : param.name.span,
             "the first is here"}});
      return;
    }
  } else if (training ||
             (param.isState && isAssigned(frame.layer.body, param.name.text))) {
    at(param.span);
    ElementsAttr value;
    if (!stored.empty() &&
        !(value = params.value(path, type, *initial, stored, param.span)))
      return;
    BlockArgument argument = entryBlock.addArgument(type, builder.getLoc());
    slots.push_back({path, argument, argument, param.isState, std::move(flags),
                     std::move(*initial), value, param.span});
    entry->second = {&param, argument};
  } else {
    at(param.span);
    ElementsAttr value = params.value(path, type, *initial, stored, param.span);
    if (!value)
      return;
    OpBuilder::InsertionGuard guard(builder);
    toParams();
    entry->second = {&param, builder.make<nn::ConstantOp>(value)};
    lastParam = entry->second.value.getDefiningOp();
    params.mark(lastParam, path, initial->text, std::move(flags));
  }
  scope.values[param.name.text] =
      Term::ofTensor(entry->second.value, param.name.span);
}

//===- repeat -------------------------------------------------------------===//

Term Elaborator::repeat(const RepeatExpr &repeat, const Term &piped,
                        Frame &frame, Scope &scope) {
  Dim count = dim(*repeat.count, frame, scope);
  if (!count)
    return {};
  std::optional<int64_t> times = nn::known(count);
  if (!times || *times < 0 || *times > kMostRepeats)
    return fail(repeat.count->span,
                "repeat takes a number from 0 to " + Twine(kMostRepeats) +
                    " that is known when compiling, and this is " +
                    describe(count));
  std::string label = repeat.label.text.str();
  Span labelled = repeat.label ? repeat.label.span : repeat.count->span;
  if (label.empty()) {
    unsigned number = ++frame.calls["repeat"];
    label = number == 1 ? "repeat" : "repeat_" + std::to_string(number);
  }
  auto [entry, isNew] = frame.labels.try_emplace(label, labelled);
  if (!isNew)
    return fail(labelled,
                "a second path " + quoted(frame.path + label) + " here",
                {{entry->second, "the first is here"}});
  // Each time has a path, and labels, of its own.
  SaveAndRestore path(frame.path);
  auto labels = std::move(frame.labels);
  auto calls = std::move(frame.calls);
  std::string base = frame.path + label + ".";
  Term value = piped;
  for (int64_t index = 0; index < *times && !value.isPoison(); ++index) {
    frame.path = base + std::to_string(index) + ".";
    frame.labels.clear();
    frame.calls.clear();
    Term before = value;
    value = attributed(repeat.attributes, [&] {
      return block(repeat.body, frame, scope, &before);
    });
  }
  frame.labels = std::move(labels);
  frame.calls = std::move(calls);
  return value;
}

//===- if -----------------------------------------------------------------===//

Term Elaborator::discard(OperationState &state) {
  for (std::unique_ptr<Region> &region : state.regions)
    discarded.push_back(std::move(region));
  state.regions.clear();
  return {};
}

Term Elaborator::ifElse(const IfExpr &expr, Frame &frame, Scope &scope) {
  Term condition = eval(*expr.condition, frame, scope);
  if (condition.isPoison())
    return {};
  if (condition.kind == Term::Truth)
    return block(condition.truth ? expr.then : expr.otherwise, frame, scope);
  bool isOne = condition.kind == Term::Tensor &&
               getElementTypeOrSelf(condition.tensor.getType()).isInteger(1) &&
               shapes.rank(condition.tensor) == 0;
  if (!isOne)
    return fail(expr.condition->span,
                "a condition is one truth, and this is " + describe(condition));
  OperationState state(builder.getLoc(), nn::IfOp::getOperationName());
  state.addOperands(condition.tensor);
  SmallVector<std::vector<Term>, 2> branches;
  for (const Block *body : {&expr.otherwise, &expr.then}) {
    Region *region = state.addRegion();
    region->push_back(new mlir::Block);
    OpBuilder::InsertionGuard guard(builder);
    SaveAndRestore deeper(controlDepth, controlDepth + 1);
    builder.setInsertionPointToStart(&region->front());
    Term value = block(*body, frame, scope);
    if (value.isPoison())
      return discard(state);
    std::vector<Term> parts =
        value.kind == Term::Tuple ? value.parts : std::vector<Term>{value};
    SmallVector<Value> yields;
    for (Term &part : parts) {
      at(body->result->span);
      part = tensorOf(part, builder.getF32Type());
      if (part.isPoison())
        return discard(state);
      yields.push_back(part.tensor);
    }
    nn::YieldOp::create(builder, builder.getLoc(), yields);
    branches.push_back(std::move(parts));
  }
  auto &otherwise = branches[0], &then = branches[1];
  if (then.size() != otherwise.size()) {
    fail(expr.span, "the branches give " + Twine(then.size()) + " and " +
                        Twine(otherwise.size()) + " values");
    return discard(state);
  }
  for (auto [yes, no] : llvm::zip_equal(then, otherwise)) {
    Dims a = shapes.dims(yes.tensor), b = shapes.dims(no.tensor);
    bool isSameType =
        a.size() == b.size() && getElementTypeOrSelf(yes.tensor.getType()) ==
                                    getElementTypeOrSelf(no.tensor.getType());
    for (size_t i = 0; isSameType && i < a.size(); ++i)
      isSameType = isSame(a[i], b[i]);
    if (!isSameType) {
      fail(expr.span,
           "one branch gives " + describe(yes) + " and the other " +
               describe(no),
           {noteOf(yes, "the value of the first"),
            noteOf(no, "the value of the second")});
      return discard(state);
    }
  }
  at(expr.span);
  state.location = builder.getLoc();
  for (size_t i = 0; i < then.size(); ++i)
    state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
  Operation *op = builder.create(state);
  if (failed(shapes.infer(op)))
    return {};
  std::vector<Term> results;
  for (Value value : op->getResults())
    results.push_back(result(value, expr.span));
  return results.size() == 1 ? results[0]
                             : Term::ofTuple(std::move(results), expr.span);
}

//===- scan ---------------------------------------------------------------===//

/// Whether a value is made inside a block, or a body in it.
static bool isInside(Value value, mlir::Block *block) {
  for (mlir::Block *each = value.getParentBlock(); each;) {
    if (each == block)
      return true;
    Operation *parent = each->getParentOp();
    each = parent ? parent->getBlock() : nullptr;
  }
  return false;
}

Term Elaborator::walked(Value tensor, int64_t axis, ScanContext &context,
                        Span span) {
  Dim size = shapes.dim(tensor, axis);
  if (!context.extent)
    context.extent = size;
  if (!isSame(size, context.extent))
    return fail(span,
                "axis " + Twine(axis) + " of " + describe(tensor) + " has " +
                    describe(size) + ", and " +
                    quoted(context.expr.index.text) + " goes through " +
                    describe(context.extent),
                {{context.expr.extent->span, "here"}});
  if (isInside(tensor, context.body)) {
    Term position = scanIndex(context, span);
    return result(builder.make<nn::GatherOp>(tensor, position.tensor, axis),
                  span);
  }
  for (const ScanContext::Walked &walked : context.walked)
    if (walked.tensor == tensor && walked.axis == axis)
      return Term::ofTensor(walked.element, span);
  Dims dims = shapes.dims(tensor);
  dims.erase(dims.begin() + axis);
  BlockArgument element =
      context.body->addArgument(tensor.getType(), builder.getLoc());
  shapes.assume(element, getElementTypeOrSelf(tensor.getType()), dims);
  context.walked.push_back({tensor, axis, element});
  return Term::ofTensor(element, span);
}

Term Elaborator::scanIndex(ScanContext &context, Span span) {
  if (!context.position) {
    Type type = builder.getI64Type();
    context.position = context.body->addArgument(
        RankedTensorType::get({}, type), builder.getLoc());
    shapes.assume(context.position, type, {});
    context.walked.push_back({Value(), 0, context.position});
  }
  return Term::ofTensor(context.position, span);
}

Term Elaborator::scan(const ScanExpr &expr, Frame &frame, Scope &scope) {
  // `_`: as long as what is indexed first.
  bool isOpen = isa<PlaceholderExpr>(*expr.extent);
  Dim extent = isOpen ? Dim() : dim(*expr.extent, frame, scope);
  if (!isOpen && !extent)
    return {};
  OperationState state(builder.getLoc(), nn::ScanOp::getOperationName());
  auto *body = new mlir::Block;
  state.addRegion()->push_back(body);
  ScanContext context(expr, body, extent);
  Scope inner(&scope);
  SmallVector<Value> initial;
  SmallVector<Type> types;
  bool isFine = true;
  for (const ScanExpr::Carried &carried : expr.carried) {
    Term value = eval(*carried.initial, frame, scope);
    at(carried.initial->span);
    if (!value.isPoison())
      value = tensorOf(value, builder.getF32Type());
    if (value.isPoison()) {
      isFine = false;
      continue;
    }
    BlockArgument argument =
        body->addArgument(value.tensor.getType(), builder.getLoc());
    shapes.assume(argument, getElementTypeOrSelf(value.tensor.getType()),
                  shapes.dims(value.tensor));
    initial.push_back(value.tensor);
    inner.values[carried.name.text] =
        Term::ofTensor(argument, carried.initial->span);
  }
  if (!isFine)
    return discard(state);
  Term position;
  position.kind = Term::Position;
  position.scan = &context;
  position.from = expr.index.span;
  inner.values[expr.index.text] = position;
  {
    OpBuilder::InsertionGuard guard(builder);
    SaveAndRestore open(currentScan, &context);
    builder.setInsertionPointToStart(body);
    for (const auto &stmt : expr.body.statements)
      isFine &= statement(*stmt, frame, inner);
    if (isFine && context.walked.empty())
      scanIndex(context, expr.span);
    at(expr.span);
    SmallVector<Value> yields;
    for (const ScanExpr::Carried &carried : expr.carried)
      yields.push_back(inner.values[carried.name.text].tensor);
    for (const Term &emitted : context.emitted)
      yields.push_back(emitted.tensor);
    if (isFine)
      nn::YieldOp::create(builder, builder.getLoc(), yields);
  }
  if (isFine && !context.extent)
    isFine = messages.error(expr.extent->span, "no tensor is indexed by " +
                                                   quoted(expr.index.text) +
                                                   ", so '_' is not known");
  if (!isFine)
    return discard(state);
  if (context.emitted.empty() && expr.carried.empty()) {
    fail(expr.span, "a scan that neither carries nor emits gives nothing");
    return discard(state);
  }
  at(expr.span);
  state.location = builder.getLoc();
  SmallVector<int64_t> inputAxes, directions;
  SmallVector<Value> operands(initial);
  for (const ScanContext::Walked &walked : context.walked) {
    Value tensor = walked.tensor;
    if (!tensor)
      tensor = builder.make<nn::RangeOp>(
          builder.integer(0), dimTensor(context.extent, /*hasAxis=*/false),
          builder.integer(1), 1);
    operands.push_back(tensor);
    inputAxes.push_back(walked.axis);
    directions.push_back(expr.isReversed);
  }
  SmallVector<int64_t> outputDirections(context.emitted.size(),
                                        expr.isReversed);
  state.addOperands(operands);
  state.addAttribute("num_scan_inputs",
                     builder.getI64IntegerAttr(context.walked.size()));
  state.addAttribute("scan_input_axes",
                     builder.getDenseI64ArrayAttr(inputAxes));
  state.addAttribute("scan_output_axes",
                     builder.getDenseI64ArrayAttr(context.emitAxes));
  if (expr.isReversed) {
    state.addAttribute("scan_input_directions",
                       builder.getDenseI64ArrayAttr(directions));
    state.addAttribute("scan_output_directions",
                       builder.getDenseI64ArrayAttr(outputDirections));
  }
  size_t count = initial.size() + context.emitted.size();
  for (size_t i = 0; i < count; ++i)
    state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
  Operation *op = builder.create(state);
  if (failed(shapes.infer(op)))
    return {};
  std::vector<Term> results;
  for (Value value : op->getResults().drop_front(initial.size()))
    results.push_back(result(value, expr.span));
  // Without a word about what it gives, what it carried.
  if (results.empty() && context.lasts.empty())
    llvm::append_range(context.lasts, llvm::seq<unsigned>(0, initial.size()));
  for (unsigned place : context.lasts)
    results.push_back(result(op->getResult(place), expr.span));
  return results.size() == 1 ? results[0]
                             : Term::ofTuple(std::move(results), expr.span);
}
