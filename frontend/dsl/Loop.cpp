// Loop.cpp - a block again and again, until it has run often enough or a
// condition does not hold any more.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using llvm::SaveAndRestore;

/// The place of the carried value that a loop goes on by; -1 where it has none.
static int conditionOf(const ScanExpr &expr) {
  for (auto [place, carried] : enumerate(expr.carried))
    if (expr.condition && carried.name.text == expr.condition.text)
      return place;
  return -1;
}

bool Elaborator::repetitions(const ScanExpr &expr, Frame &frame, Scope &scope,
                             Value &times) {
  if (!expr.extent)
    return true;
  Term most = eval(*expr.extent, frame, scope);
  at(expr.extent->span);
  if (!most.isPoison())
    most = tensorOf(most, builder.getI64Type());
  if (most.isPoison())
    return false;
  times = most.tensor;
  bool isOne = getElementTypeOrSelf(times.getType()).isInteger(64) &&
               shapes.rank(times) <= 1;
  if (!isOne)
    fail(expr.extent->span,
         "a loop runs as often as one i64 says, and this is " + describe(most));
  return isOne;
}

bool Elaborator::loopBody(const ScanExpr &expr, int condition, Frame &frame,
                          Scope &inner, ScanContext &context) {
  OpBuilder::InsertionGuard guard(builder);
  SaveAndRestore open(currentScan, &context);
  builder.setInsertionPointToStart(context.body);
  bool isFine = true;
  for (const auto &stmt : expr.body.statements)
    isFine &= statement(*stmt, frame, inner);
  at(expr.span);
  SmallVector<Value> yields = {condition < 0
                                   ? Value(context.body->getArgument(1))
                                   : inner.values[expr.condition.text].tensor};
  for (auto [place, carried] : enumerate(expr.carried))
    if (static_cast<int>(place) != condition)
      yields.push_back(inner.values[carried.name.text].tensor);
  for (const Term &emitted : context.emitted)
    yields.push_back(emitted.tensor);
  if (isFine)
    nn::YieldOp::create(builder, builder.getLoc(), yields);
  for (unsigned place : context.lasts)
    if (isFine && static_cast<int>(place) == condition)
      isFine = messages.error(expr.condition.span,
                              "the last condition of a loop is not kept");
  return isFine;
}

Term Elaborator::loopResults(const ScanExpr &expr, int condition,
                             Operation *loop, size_t carried,
                             const ScanContext &context) {
  std::vector<Term> terms =
      results(loop->getResults().drop_front(carried), expr.span);
  auto last = [&](int place) {
    int at = condition >= 0 && place > condition ? place - 1 : place;
    terms.push_back(result(loop->getResult(at), expr.span));
  };
  for (unsigned place : context.lasts)
    last(place);
  // Without a word about what it gives, what it carried.
  if (terms.empty())
    for (int place = 0; place < static_cast<int>(expr.carried.size()); ++place)
      if (place != condition)
        last(place);
  return Term::ofResults(std::move(terms), expr.span);
}

Term Elaborator::loop(const ScanExpr &expr, Frame &frame, Scope &scope) {
  int condition = conditionOf(expr);
  if (expr.condition && condition < 0)
    return fail(expr.condition.span,
                quoted(expr.condition.text) + " is not carried by this loop",
                {}, "with (go = true) while go carries it");
  Value times;
  if (!repetitions(expr, frame, scope, times))
    return {};
  OperationState state(builder.getLoc(), nn::LoopOp::getOperationName());
  auto *body = new mlir::Block;
  state.addRegion()->push_back(body);
  ScanContext context(expr, body, {});
  Scope inner(&scope);
  // The condition of the operator is an argument of its own.
  Type types[] = {builder.getI64Type(), builder.getI1Type()};
  for (Type type : types) {
    BlockArgument argument =
        body->addArgument(RankedTensorType::get({}, type), builder.getLoc());
    shapes.assume(argument, type, {});
  }
  SmallVector<Value> initial;
  if (!carry(context, frame, scope, inner, initial))
    return discard(state);
  Value first;
  if (condition >= 0) {
    first = initial[condition];
    initial.erase(initial.begin() + condition);
    bool isOne = getElementTypeOrSelf(first.getType()).isInteger(1) &&
                 shapes.rank(first) == 0;
    if (!isOne) {
      fail(expr.carried[condition].initial->span,
           "a loop goes on by one truth, and this is " + describe(first));
      return discard(state);
    }
  }
  inner.values[expr.index.text] =
      Term::ofTensor(body->getArgument(0), expr.index.span);
  if (!loopBody(expr, condition, frame, inner, context))
    return discard(state);
  if (context.emitted.empty() && initial.empty()) {
    fail(expr.span, "a loop that neither carries nor emits gives nothing");
    return discard(state);
  }
  at(expr.span);
  state.location = builder.getLoc();
  for (Value operand : {times, first})
    if (operand)
      state.addOperands(operand);
  state.addOperands(initial);
  state.addAttribute(
      "operandSegmentSizes",
      builder.getDenseI32ArrayAttr({times ? 1 : 0, first ? 1 : 0,
                                    static_cast<int32_t>(initial.size())}));
  Operation *op = iterate(state, initial.size(), context);
  return op ? loopResults(expr, condition, op, initial.size(), context)
            : Term();
}
