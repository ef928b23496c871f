// Expressions.cpp - what expressions stand for: names, pipes and all others.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include <cmath>

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

std::optional<Term> Elaborator::lookup(StringRef name, Frame &frame,
                                       Scope &scope) {
  for (Scope *inner = &scope; inner; inner = inner->outer)
    if (auto found = inner->values.find(name); found != inner->values.end())
      return found->second;
  if (auto found = frame.dims.find(name); found != frame.dims.end()) {
    Term term = Term::ofWhole(found->second.size, found->second.place);
    term.dimName = name;
    return term;
  }
  return std::nullopt;
}

Term Elaborator::name(const NameExpr &name, Frame &frame, Scope &scope) {
  if (std::optional<Term> found = lookup(name.name, frame, scope)) {
    // The index of a scan is a tensor where it stands alone.
    if (found->kind == Term::Position)
      return scanIndex(*found->scan, name.span);
    if (found->kind == Term::Open)
      if (auto column = columns.find(found->text); column != columns.end())
        return column->second;
    return *found;
  }
  if (name.name == "None")
    return Term::none(name.span);
  if (name.name == "true" || name.name == "false")
    return Term::ofTruth(name.name == "true", name.span);
  if (name.name == "inf")
    return Term::ofReal(INFINITY, name.span);
  if (name.name == "nan")
    return Term::ofReal(NAN, name.span);
  if (name.name == "pi")
    return Term::ofReal(M_PI, name.span);
  if (Type type = elementTypeOf(name.name, builder.getContext()))
    return Term::ofType(type, name.span);
  // checkNames has reported it, except of a recipe.
  if (!training || !frame.path.empty())
    return {};
  std::vector<StringRef> known;
  for (const auto &value : scope.values)
    known.push_back(value.first());
  llvm::sort(known);
  return fail(name.span, quoted(name.name) + " is not known here" +
                             nearest(name.name, known));
}

Term Elaborator::eval(const Expr &expr, Frame &frame, Scope &scope) {
  if (isExhausted(expr.span))
    return {};
  switch (expr.kind) {
  case Expr::Number: {
    auto &number = cast<NumberExpr>(expr);
    return number.isInteger
               ? Term::ofWhole(shapes.constant(number.integer), expr.span)
               : Term::ofReal(number.value, expr.span);
  }
  case Expr::String:
    return Term::ofText(cast<StringExpr>(expr).value, expr.span);
  case Expr::Name:
    return name(cast<NameExpr>(expr), frame, scope);
  case Expr::Placeholder:
    for (Scope *inner = &scope; inner; inner = inner->outer)
      if (inner->piped)
        return *inner->piped;
    return fail(expr.span, "nothing is piped in that '_' could stand for");
  case Expr::Literal:
    return literal(cast<LiteralExpr>(expr), frame, scope);
  case Expr::Unary: {
    auto &one = cast<UnaryExpr>(expr);
    // The least of 64 bits is none of the numbers without a sign.
    if (auto *number = dyn_cast<NumberExpr>(one.operand.get());
        number && number->isInteger && one.op == Operator::Negate)
      return Term::ofWhole(shapes.constant(static_cast<int64_t>(
                               -static_cast<uint64_t>(number->integer))),
                           expr.span);
    return unary(one.op, eval(*one.operand, frame, scope), expr.span);
  }
  case Expr::Binary: {
    auto &both = cast<BinaryExpr>(expr);
    Term left = eval(*both.left, frame, scope);
    // What does not count is not looked at: `mask != None and ...`.
    if (left.kind == Term::Truth &&
        ((both.op == Operator::And && !left.truth) ||
         (both.op == Operator::Or && left.truth)))
      return left;
    Term right = eval(*both.right, frame, scope);
    return arithmetic(both.op, std::move(left), std::move(right), expr.span);
  }
  case Expr::Tuple: {
    std::vector<Term> parts;
    for (const ExprPtr &part : cast<TupleExpr>(expr).parts) {
      parts.push_back(eval(*part, frame, scope));
      if (parts.back().isPoison())
        return {};
    }
    return Term::ofTuple(std::move(parts), expr.span);
  }
  case Expr::Call:
    return call(cast<CallExpr>(expr), nullptr, frame, scope);
  case Expr::Index:
    return index(cast<IndexExpr>(expr), frame, scope);
  case Expr::Pipe:
    return pipe(cast<PipeExpr>(expr), frame, scope);
  case Expr::Repeat:
    return fail(expr.span, "repeat needs a value that is piped into it", {},
                "x |> repeat 2 { ... }");
  case Expr::Scan:
    return scan(cast<ScanExpr>(expr), frame, scope);
  case Expr::If:
    return ifElse(cast<IfExpr>(expr), frame, scope);
  case Expr::Each:
    break;
  }
  return fail(expr.span, "each stands behind a pipe only");
}

//===- Pipes --------------------------------------------------------------===//

Term Elaborator::pipe(const PipeExpr &pipe, Frame &frame, Scope &scope) {
  Term value = eval(*pipe.value, frame, scope);
  if (value.isPoison())
    return {};
  return apply(*pipe.target, value, frame, scope);
}

Term Elaborator::attributed(ArrayRef<Ident> attributes,
                            llvm::function_ref<Term()> build) {
  static constexpr StringRef kKnown[] = {"checkpoint"};
  for (auto [index, each] : llvm::enumerate(attributes)) {
    if (!llvm::is_contained(kKnown, each.text))
      return fail(each.span,
                  "no attribute of a call is called " + quoted(each.text) +
                      nearest(each.text, kKnown),
                  {}, "there is @checkpoint");
    if (index > 0)
      return fail(each.span, "@checkpoint is given twice",
                  {{attributes[0].span, "the first is here"}});
  }
  if (attributes.empty())
    return build();
  int64_t number = checkpoints++;
  mlir::Block *block = builder.getInsertionBlock();
  mlir::Block::iterator end = builder.getInsertionPoint();
  Operation *before = end == block->begin() ? nullptr : &*std::prev(end);
  Term value = build();
  if (builder.getInsertionBlock() != block || value.isPoison())
    return value;
  // Calls inside are marked already, and come after this one.
  for (mlir::Block::iterator each = before ? std::next(before->getIterator())
                                           : block->begin();
       each != builder.getInsertionPoint(); ++each) {
    if (isa<nn::ConstantOp>(*each))
      continue;
    SmallVector<int64_t> numbers{number};
    if (auto inner = each->getAttrOfType<DenseI64ArrayAttr>(nn::kRecomputeAttr))
      llvm::append_range(numbers, inner.asArrayRef());
    each->setAttr(nn::kRecomputeAttr, builder.getDenseI64ArrayAttr(numbers));
  }
  return value;
}

Term Elaborator::apply(const Expr &target, const Term &piped, Frame &frame,
                       Scope &scope) {
  if (auto *one = dyn_cast<CallExpr>(&target))
    return attributed(one->attributes,
                      [&] { return call(*one, &piped, frame, scope); });
  if (auto *loop = dyn_cast<RepeatExpr>(&target))
    return repeat(*loop, piped, frame, scope);
  auto *each = dyn_cast<EachExpr>(&target);
  if (!each)
    return fail(target.span, "a pipe leads into a call");
  if (piped.kind != Term::Tuple)
    return fail(target.span,
                "each goes through a tuple, and this is " + describe(piped),
                {noteOf(piped, "what is piped in")});
  std::vector<Term> results;
  for (const Term &part : piped.parts) {
    // A label names one call.
    if (each->call->label && &part != &piped.parts.front())
      frame.labels.erase(each->call->label.text);
    results.push_back(attributed(each->call->attributes, [&] {
      return call(*each->call, &part, frame, scope);
    }));
    if (results.back().isPoison())
      return {};
  }
  return Term::ofTuple(std::move(results), target.span);
}
