// Blocks.cpp - what stands between braces: statements, repeat, if.
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
      if (axis < 0 || (emit->axis && axis > rank) ||
          (context.expr.isLoop && axis > 0))
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
    ArrayRef<bool> mayChange;
    if (currentScan)
      for (auto [place, carried] : enumerate(currentScan->expr.carried))
        if (carried.name.text == assign.target.text)
          mayChange = currentScan->mayChange[place];
    for (size_t i = 0; isSameShape && i < now.size(); ++i)
      isSameShape =
          (i < mayChange.size() && mayChange[i]) || isSame(before[i], now[i]);
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
    bool isOwn = llvm::any_of(currentScan->expr.carried,
                              [&](const ScanExpr::Carried &carried) {
                                return carried.name.text == assign.target.text;
                              });
    if (!isOwn || builder.getInsertionBlock() != currentScan->body)
      return messages.error(assign.span, "a carried value changes at the level "
                                         "of its scan's body only");
    target.tensor = value.tensor;
    target.from = assign.span;
    return true;
  }
  return false; // checkNames has reported it
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
  if (condition.kind == Term::Truth) {
    const dsl::Block &chosen = condition.truth ? expr.then : expr.otherwise;
    Term value = block(chosen, frame, scope);
    return expr.type && !value.isPoison() &&
                   !match(*expr.type, value, frame, scope, "the branch",
                          "the branch", chosen.result->span)
               ? Term()
               : value;
  }
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
  if (expr.type)
    for (auto [parts, body] :
         {std::pair(&then, &expr.then), {&otherwise, &expr.otherwise}}) {
      Term value = expr.type->isTuple() || parts->size() != 1
                       ? Term::ofTuple(*parts, body->result->span)
                       : parts->front();
      if (!match(*expr.type, value, frame, scope, "the branch", "the branch",
                 body->result->span))
        return discard(state);
    }
  for (auto [yes, no] : llvm::zip_equal(then, otherwise)) {
    if (expr.type)
      break;
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
