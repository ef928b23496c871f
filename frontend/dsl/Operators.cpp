// Operators.cpp - what stands between values: of numbers known when compiling,
// and of tensors.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include <cmath>

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using nn::Dim, nn::Dims;

static bool isLogic(Operator op) {
  return op == Operator::And || op == Operator::Or;
}
static bool isComparison(Operator op) {
  return op >= Operator::Equal && op <= Operator::GreaterEqual;
}

static std::optional<double> realOf(const Term &term) {
  if (term.kind == Term::Real)
    return term.real;
  if (term.kind == Term::Whole)
    if (std::optional<int64_t> known = nn::known(term.whole))
      return static_cast<double>(*known);
  return std::nullopt;
}

Term Elaborator::unary(Operator op, Term operand, Span span) {
  if (operand.isPoison())
    return {};
  if (op == Operator::Not && operand.kind == Term::Truth)
    return Term::ofTruth(!operand.truth, span);
  if (op == Operator::Negate && operand.kind == Term::Whole)
    return wholeArithmetic(Operator::Sub,
                           Term::ofWhole(shapes.constant(0), span), operand,
                           span, false);
  if (op == Operator::Negate && operand.kind == Term::Real)
    return Term::ofReal(-operand.real, span);
  if (operand.kind != Term::Tensor)
    return fail(span, "'" + textOf(op) + "' is not for " + describe(operand));
  bool isTruth = getElementTypeOrSelf(operand.tensor.getType()).isInteger(1);
  if (isTruth != (op == Operator::Not))
    return fail(span, "'" + textOf(op) + "' is not for " + describe(operand),
                {noteOf(operand, "the operand")});
  at(span);
  return result(op == Operator::Not ? builder.make<nn::NotOp>(operand.tensor)
                                    : builder.make<nn::NegOp>(operand.tensor),
                span);
}

template <typename Number>
static bool holds(Operator op, Number left, Number right) {
  switch (op) {
  case Operator::Equal:
    return left == right;
  case Operator::NotEqual:
    return left != right;
  case Operator::Less:
    return left < right;
  case Operator::LessEqual:
    return left <= right;
  case Operator::Greater:
    return left > right;
  default:
    return left >= right;
  }
}

Term Elaborator::compare(Operator op, const Term &left, const Term &right,
                         Span span) {
  bool isEqual = op == Operator::Equal;
  // Whether a tensor was given, and what a text or a truth is.
  bool areKinds = left.kind == Term::None || right.kind == Term::None ||
                  left.kind == Term::Text || left.kind == Term::Truth;
  if (areKinds && (isEqual || op == Operator::NotEqual)) {
    bool same = left.kind == right.kind && left.text == right.text &&
                left.truth == right.truth;
    return Term::ofTruth(same == isEqual, span);
  }
  if (left.kind == Term::Whole && right.kind == Term::Whole) {
    Dim difference = shapes.simplify(left.whole - right.whole);
    std::optional<int64_t> by = nn::known(difference);
    if (!by)
      return fail(span,
                  "whether " + describe(left) + " " + textOf(op) + " " +
                      describe(right) +
                      " depends on a dim that only a run knows",
                  {}, "--dim can pin it");
    return Term::ofTruth(holds<int64_t>(op, *by, 0), span);
  }
  std::optional<double> a = realOf(left), b = realOf(right);
  if (!a || !b)
    return fail(span, describe(left) + " and " + describe(right) +
                          " cannot be compared");
  return Term::ofTruth(holds(op, *a, *b), span);
}

bool Elaborator::checkBroadcast(const Term &left, const Term &right, Span span,
                                StringRef what, size_t from) {
  Dims a = shapes.dims(left.tensor), b = shapes.dims(right.tensor);
  size_t shared = std::min(a.size(), b.size());
  for (size_t fromEnd = from; fromEnd <= shared; ++fromEnd) {
    Dim x = a[a.size() - fromEnd], y = b[b.size() - fromEnd];
    if (isSame(x, y) || nn::isKnown(x, 1) || nn::isKnown(y, 1))
      continue;
    return messages.error(
        span,
        describe(left) + " " + what + " " + describe(right) + ": " +
            describe(x) + " and " + describe(y) + " at axis -" +
            Twine(fromEnd) + " do not fit",
        {noteOf(left, "the left side"), noteOf(right, "the right side")});
  }
  return true;
}

Term Elaborator::matmul(const Term &left, const Term &right, Span span) {
  if (left.kind != Term::Tensor || right.kind != Term::Tensor)
    return fail(span, "'@' is between tensors, and not between " +
                          describe(left) + " and " + describe(right));
  Dims a = shapes.dims(left.tensor), b = shapes.dims(right.tensor);
  std::vector<Note> notes{noteOf(left, "the left side"),
                          noteOf(right, "the right side")};
  if (a.empty() || b.empty())
    return fail(span,
                describe(left) + " @ " + describe(right) +
                    ": both sides of '@' have a dim at least",
                notes);
  Dim columns = a.back(), rows = b[b.size() == 1 ? 0 : b.size() - 2];
  if (!isSame(columns, rows))
    return fail(span,
                describe(left) + " @ " + describe(right) +
                    ": the left side has " + describe(columns) +
                    " columns and the right side " + describe(rows) + " rows",
                notes);
  // The axes before the rows and columns are broadcast.
  if (!checkBroadcast(left, right, span, "@", 3))
    return {};
  at(span);
  return result(builder.make<nn::MatMulOp>(left.tensor, right.tensor), span);
}

/// Nothing where the operator is none of numbers.
static std::optional<double> computed(Operator op, double left, double right) {
  switch (op) {
  case Operator::Add:
    return left + right;
  case Operator::Sub:
    return left - right;
  case Operator::Mul:
    return left * right;
  case Operator::Div:
    return left / right;
  case Operator::Mod:
    return left - right * std::floor(left / right);
  case Operator::Power:
    return std::pow(left, right);
  default:
    return std::nullopt;
  }
}

Term Elaborator::knownArithmetic(Operator op, const Term &left,
                                 const Term &right, Span span) {
  if (isComparison(op))
    return compare(op, left, right, span);
  if (isLogic(op) && left.kind == Term::Truth && right.kind == Term::Truth)
    return Term::ofTruth(op == Operator::And ? left.truth && right.truth
                                             : left.truth || right.truth,
                         span);
  if (left.kind == Term::Whole && right.kind == Term::Whole) {
    bool isWhole = op != Operator::Power || nn::known(right.whole) >= 0;
    if (isWhole && op != Operator::MatMul)
      return wholeArithmetic(op, left, right, span, /*roundsDown=*/false);
  }
  std::optional<double> a = realOf(left), b = realOf(right);
  if (std::optional<double> value =
          a && b ? computed(op, *a, *b) : std::nullopt)
    return Term::ofReal(*value, span);
  // A dim that only a run knows, and a fraction.
  if (left.isNumber() && right.isNumber() && !isLogic(op)) {
    at(span);
    Type real = builder.getF32Type();
    return arithmetic(op, tensorOf(left, real), tensorOf(right, real), span);
  }
  return fail(span, "'" + textOf(op) + "' is not between " + describe(left) +
                        " and " + describe(right));
}

/// The operator of tensors; null for `@`, which is no operator of elements.
static Value built(nn::NetBuilder &b, Operator op, Value left, Value right) {
  Type elementType = getElementTypeOrSelf(left.getType());
  switch (op) {
  case Operator::Add:
    return b.make<nn::AddOp>(left, right);
  case Operator::Sub:
    return b.make<nn::SubOp>(left, right);
  case Operator::Mul:
    return b.make<nn::MulOp>(left, right);
  case Operator::Div:
    return b.make<nn::DivOp>(left, right);
  case Operator::Mod:
    return b.make<nn::ModOp>(left, right, isa<FloatType>(elementType));
  case Operator::Power:
    return b.make<nn::PowOp>(left, right);
  case Operator::Equal:
    return elementType.isInteger(1)
               ? b.make<nn::NotOp>(b.make<nn::XorOp>(left, right))
               : b.make<nn::EqualOp>(left, right);
  case Operator::NotEqual:
    return b.make<nn::NotOp>(built(b, Operator::Equal, left, right));
  case Operator::Less:
    return b.make<nn::LessOp>(left, right);
  case Operator::LessEqual:
    return b.make<nn::LessOrEqualOp>(left, right);
  case Operator::Greater:
    return b.make<nn::GreaterOp>(left, right);
  case Operator::GreaterEqual:
    return b.make<nn::GreaterOrEqualOp>(left, right);
  case Operator::And:
    return b.make<nn::AndOp>(left, right);
  case Operator::Or:
    return b.make<nn::OrOp>(left, right);
  default:
    return {};
  }
}

Term Elaborator::tensorArithmetic(Operator op, Term left, Term right,
                                  Span span) {
  if (op == Operator::MatMul)
    return matmul(left, right, span);
  at(span);
  // A number takes the element type of the other side.
  bool isLeft = left.kind == Term::Tensor && !left.isNumeric;
  Type elementType =
      getElementTypeOrSelf((isLeft ? left : right).tensor.getType());
  for (Term *side : {&left, &right}) {
    *side = tensorOf(*side, elementType);
    if (side->isPoison())
      return {};
  }
  std::vector<Note> notes{noteOf(left, "the left side"),
                          noteOf(right, "the right side")};
  Type rightType = getElementTypeOrSelf(right.tensor.getType());
  if (rightType != elementType)
    return fail(span,
                describe(left) + " " + textOf(op) + " " + describe(right) +
                    ": the element types differ",
                notes, nameOf(elementType) + "(...) converts");
  if (!checkBroadcast(left, right, span, textOf(op)))
    return {};
  bool isTruth = elementType.isInteger(1);
  bool takesTruth =
      isLogic(op) || op == Operator::Equal || op == Operator::NotEqual;
  if (isTruth ? !takesTruth : isLogic(op))
    return fail(span,
                "'" + textOf(op) + "' is not between " + describe(left) +
                    " and " + describe(right),
                notes);
  if (Value value = built(builder, op, left.tensor, right.tensor))
    return result(value, span);
  return fail(span, "'" + textOf(op) + "' is not an operator of tensors");
}

Term Elaborator::arithmetic(Operator op, Term left, Term right, Span span) {
  if (left.isPoison() || right.isPoison())
    return {};
  if (left.kind == Term::Open)
    left = openedLike(left, right, span);
  if (right.kind == Term::Open)
    right = openedLike(right, left, span);
  if (left.isPoison() || right.isPoison())
    return {};
  bool hasTensor = left.kind == Term::Tensor || right.kind == Term::Tensor;
  bool isNumeric = (left.isNumeric || left.isNumber()) &&
                   (right.isNumeric || right.isNumber());
  if (hasTensor && isNumeric) {
    at(span);
    left.isNumeric = right.isNumeric = false;
    Type f64 = builder.getF64Type();
    Term number =
        arithmetic(op, tensorOf(left, f64), tensorOf(right, f64), span);
    number.isNumeric = true;
    return number;
  }
  if (!hasTensor || left.kind == Term::None || right.kind == Term::None)
    return knownArithmetic(op, left, right, span);
  return tensorArithmetic(op, std::move(left), std::move(right), span);
}
