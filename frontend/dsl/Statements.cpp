// Statements.cpp - let, emit and assignments.
#include "frontend/dsl/Elaborator.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

bool Elaborator::statement(const Stmt &stmt, Frame &frame, Scope &scope) {
  if (auto *made = dyn_cast<ParamStmt>(&stmt)) {
    param(*made, frame, scope);
    return !scope.values[made->name.text].isPoison();
  }
  if (auto *names = dyn_cast<LetStmt>(&stmt))
    return let(*names, frame, scope);
  if (auto *emitted = dyn_cast<EmitStmt>(&stmt))
    return emit(*emitted, frame, scope);
  return assign(cast<AssignStmt>(stmt), frame, scope);
}

bool Elaborator::let(const LetStmt &stmt, Frame &frame, Scope &scope) {
  Term value = eval(*stmt.value, frame, scope);
  const Pattern &pattern = stmt.pattern;
  if (!pattern.isTuple) {
    scope.values[pattern.names[0].text] = value;
    return !value.isPoison();
  }
  bool fits =
      value.kind == Term::Tuple && value.parts.size() == pattern.names.size();
  if (!value.isPoison() && !fits)
    fail(stmt.value->span, value.kind == Term::Tuple
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

//===- emit ---------------------------------------------------------------===//

bool Elaborator::emitLast(const EmitStmt &stmt) {
  ScanContext &context = *currentScan;
  for (auto [place, carried] : enumerate(context.expr.carried))
    if (carried.name.text == stmt.last.text) {
      context.lasts.push_back(place);
      return true;
    }
  return messages.error(stmt.last.span,
                        quoted(stmt.last.text) + " is not carried by this scan",
                        {{context.expr.span, "the scan is here"}});
}

bool Elaborator::emit(const EmitStmt &stmt, Frame &frame, Scope &scope) {
  if (!currentScan)
    return false; // checkNames has reported it
  ScanContext &context = *currentScan;
  if (builder.getInsertionBlock() != context.body)
    return messages.error(stmt.span, "a scan emits at the level of its body");
  if (stmt.last)
    return emitLast(stmt);
  Term value = eval(*stmt.value, frame, scope);
  if (value.isPoison())
    return false;
  std::vector<Term> parts =
      value.kind == Term::Tuple ? value.parts : std::vector<Term>{value};
  // Where the scan reads its first tensor is where it writes, too.
  int64_t axis = context.walked.empty() ? 0 : context.walked[0].axis;
  if (stmt.axis) {
    Dim given = dim(*stmt.axis, frame, scope);
    if (!given || !nn::known(given))
      return false;
    axis = *nn::known(given);
  }
  for (Term &part : parts) {
    if (part.kind != Term::Tensor)
      return messages.error(part.from, "a scan emits tensors, and this is " +
                                           describe(part));
    int64_t rank = shapes.rank(part.tensor);
    if (axis < 0 || (stmt.axis && axis > rank) ||
        (context.expr.isLoop && axis > 0))
      return messages.error(stmt.axis ? stmt.axis->span : stmt.span,
                            describe(part) + " cannot be stacked at axis " +
                                Twine(axis));
    context.emitted.push_back(part);
    context.emitAxes.push_back(std::min(axis, rank));
  }
  return true;
}

//===- Assignments --------------------------------------------------------===//

/// Whether a value may take the place of another: the same element type, and
/// the same dims but those that a scan says may change.
bool Elaborator::mayBecome(const AssignStmt &stmt, const Term &target,
                           const Term &value) {
  Dims before = shapes.dims(target.tensor), now = shapes.dims(value.tensor);
  bool isSameShape = before.size() == now.size() &&
                     getElementTypeOrSelf(value.tensor.getType()) ==
                         getElementTypeOrSelf(target.tensor.getType());
  ArrayRef<bool> mayChange;
  if (currentScan)
    for (auto [place, carried] : enumerate(currentScan->expr.carried))
      if (carried.name.text == stmt.target.text)
        mayChange = currentScan->mayChange[place];
  for (size_t i = 0; isSameShape && i < now.size(); ++i)
    isSameShape =
        (i < mayChange.size() && mayChange[i]) || isSame(before[i], now[i]);
  return isSameShape ||
         messages.error(stmt.span,
                        quoted(stmt.target.text) + " is " + describe(target) +
                            " and would become " + describe(value),
                        {noteOf(target, quoted(stmt.target.text))});
}

bool Elaborator::assignState(const AssignStmt &stmt, Slot &state, Term &target,
                             Value value) {
  if (currentScan || controlDepth)
    return messages.error(stmt.span, "a state changes outside of scan "
                                     "and if only");
  if (training && training->applies)
    value = builder.make<nn::WhereOp>(training->applies, value, target.tensor);
  state.value = value;
  target.tensor = value;
  return true;
}

bool Elaborator::assignCarried(const AssignStmt &stmt, Term &target,
                               Value value) {
  if (!currentScan)
    return false; // checkNames has reported it
  bool isOwn = llvm::any_of(currentScan->expr.carried,
                            [&](const ScanExpr::Carried &carried) {
                              return carried.name.text == stmt.target.text;
                            });
  if (!isOwn || builder.getInsertionBlock() != currentScan->body)
    return messages.error(stmt.span, "a carried value changes at the level "
                                     "of its scan's body only");
  target.tensor = value;
  target.from = stmt.span;
  return true;
}

bool Elaborator::assign(const AssignStmt &stmt, Frame &frame, Scope &scope) {
  Term value = eval(*stmt.value, frame, scope);
  if (value.isPoison())
    return false;
  Term *target = nullptr;
  for (Scope *inner = &scope; inner && !target; inner = inner->outer)
    if (auto found = inner->values.find(stmt.target.text);
        found != inner->values.end())
      target = &found->second;
  if (!target || target->kind != Term::Tensor)
    return false; // that is reported, by checkNames if there is none
  at(stmt.span);
  value = tensorOf(value, getElementTypeOrSelf(target->tensor.getType()));
  if (value.isPoison() || !mayBecome(stmt, *target, value))
    return false;
  Slot *state = findSlot(frame.path + stmt.target.text.str());
  return state && state->isState
             ? assignState(stmt, *state, *target, value.tensor)
             : assignCarried(stmt, *target, value.tensor);
}
