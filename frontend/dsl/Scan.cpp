// Scan.cpp - a block for each place of an axis.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using llvm::SaveAndRestore;
using nn::Dim, nn::Dims;

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
  // Where `_` stands, what only the run knows is compared then.
  bool isOpen = isa<PlaceholderExpr>(*context.expr.extent) &&
                !nn::known(shapes.simplify(size - context.extent));
  if (!isOpen && !isSame(size, context.extent))
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

bool Elaborator::carry(ScanContext &context, Frame &frame, Scope &scope,
                       Scope &inner, SmallVector<Value> &initial) {
  bool isFine = true;
  for (const ScanExpr::Carried &carried : context.expr.carried) {
    Term value = eval(*carried.initial, frame, scope);
    at(carried.initial->span);
    SmallVector<bool> &mayChange = context.mayChange.emplace_back();
    Type elementType = builder.getF32Type();
    if (context.expr.condition.text == carried.name.text)
      elementType = builder.getI1Type();
    if (carried.type && !carried.type->isTuple())
      if (Type given = elementTypeOf(carried.type->elementType.text,
                                     builder.getContext()))
        elementType = given;
    if (!value.isPoison())
      value = tensorOf(value, elementType);
    bool fits =
        !value.isPoison() &&
        (!carried.type ||
         match(*carried.type, value, frame, scope, quoted(carried.name.text),
               quoted(carried.name.text), carried.initial->span));
    if (!fits) {
      isFine = false;
      continue;
    }
    Dims dims = shapes.dims(value.tensor);
    if (carried.type)
      for (auto [axis, dim] : enumerate(carried.type->dims)) {
        if (!dim.expr) {
          isFine = messages.error(dim.span, "'_' is a dim that may change, and "
                                            "'...' says nothing here");
          break;
        }
        mayChange.push_back(isa<PlaceholderExpr>(*dim.expr));
        if (mayChange.back())
          dims[axis] = {};
      }
    initial.push_back(value.tensor);
    // The operator of a loop has a condition of its own.
    bool isCondition = context.expr.condition.text == carried.name.text;
    BlockArgument argument =
        isCondition ? context.body->getArgument(1)
                    : context.body->addArgument(value.tensor.getType(),
                                                builder.getLoc());
    if (!isCondition)
      shapes.assume(argument, getElementTypeOrSelf(value.tensor.getType()),
                    dims);
    inner.values[carried.name.text] =
        Term::ofTensor(argument, carried.initial->span);
  }
  return isFine;
}

Operation *Elaborator::iterate(OperationState &state, size_t carried,
                               const ScanContext &context) {
  for (size_t i = 0; i < carried + context.emitted.size(); ++i)
    state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
  Operation *op = builder.create(state);
  return succeeded(shapes.infer(op)) ? op : nullptr;
}

Term Elaborator::scan(const ScanExpr &expr, Frame &frame, Scope &scope) {
  if (expr.isLoop)
    return loop(expr, frame, scope);
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
  if (!carry(context, frame, scope, inner, initial))
    return discard(state);
  bool isFine = true;
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
  Operation *op = iterate(state, initial.size(), context);
  if (!op)
    return {};
  std::vector<Term> terms =
      results(op->getResults().drop_front(initial.size()), expr.span);
  // Without a word about what it gives, what it carried.
  if (terms.empty() && context.lasts.empty())
    llvm::append_range(context.lasts, llvm::seq<unsigned>(0, initial.size()));
  for (unsigned place : context.lasts)
    terms.push_back(result(op->getResult(place), expr.span));
  return Term::ofResults(std::move(terms), expr.span);
}
