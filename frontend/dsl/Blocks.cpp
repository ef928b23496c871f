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
  return Term::ofResults(results(op->getResults(), expr.span), expr.span);
}
