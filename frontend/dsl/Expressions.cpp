// Expressions.cpp - what expressions stand for.
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/ExprParser.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "ir/Types.h"
#include <cmath>

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

Type dsl::elementTypeOf(StringRef name, MLIRContext *context) {
  Builder builder(context);
  auto unsignedType = [&](unsigned width) -> Type {
    return IntegerType::get(context, width, IntegerType::Unsigned);
  };
  return llvm::StringSwitch<Type>(name)
      .Case("f16", builder.getF16Type())
      .Case("bf16", builder.getBF16Type())
      .Case("f32", builder.getF32Type())
      .Case("f64", builder.getF64Type())
      .Case("i8", builder.getIntegerType(8))
      .Case("i16", builder.getIntegerType(16))
      .Case("i32", builder.getIntegerType(32))
      .Case("i64", builder.getIntegerType(64))
      .Case("u8", unsignedType(8))
      .Case("u16", unsignedType(16))
      .Case("u32", unsignedType(32))
      .Case("u64", unsignedType(64))
      .Case("bool", builder.getIntegerType(1))
      .Case("i2", builder.getIntegerType(2))
      .Case("i4", builder.getIntegerType(4))
      .Case("u2", unsignedType(2))
      .Case("u4", unsignedType(4))
      .Case("f4e2m1fn", builder.getType<Float4E2M1FNType>())
      .Case("f6e2m3fn", builder.getType<Float6E2M3FNType>())
      .Case("f6e3m2fn", builder.getType<Float6E3M2FNType>())
      .Case("f8e4m3fn", builder.getType<Float8E4M3FNType>())
      .Case("f8e4m3fnuz", builder.getType<Float8E4M3FNUZType>())
      .Case("f8e5m2", builder.getType<Float8E5M2Type>())
      .Case("f8e5m2fnuz", builder.getType<Float8E5M2FNUZType>())
      .Case("f8e8m0fnu", builder.getType<Float8E8M0FNUType>())
      .Case("string", builder.getType<nn::StringType>())
      .Default({});
}

std::string dsl::nameOf(Type elementType) {
  if (elementType.isInteger(1))
    return "bool";
  if (elementType.isUnsignedInteger())
    return "u" + std::to_string(elementType.getIntOrFloatBitWidth());
  if (nn::isString(elementType))
    return "string";
  std::string text;
  llvm::raw_string_ostream(text) << elementType;
  return StringRef(text).lower();
}

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

//===- Literals -----------------------------------------------------------===//

Term Elaborator::literal(const LiteralExpr &literal, Frame &frame,
                         Scope &scope) {
  std::optional<Dims> dims = shapeOf(literal.type, frame, scope);
  if (!dims)
    return {};
  Type elementType =
      elementTypeOf(literal.type.elementType.text, builder.getContext());
  SmallVector<int64_t> sizes;
  int64_t count = 1;
  for (Dim dim : *dims) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size)
      return fail(literal.span, "the dims of a literal are known when "
                                "compiling, and " +
                                    describe(dim) + " is not");
    sizes.push_back(*size);
    if (llvm::MulOverflow(count, *size, count))
      return fail(literal.span, "this is too great a literal");
  }
  if (count != static_cast<int64_t>(literal.elements.size()))
    return fail(literal.span, "a literal of " + describe(*dims) + " has " +
                                  Twine(count) + " elements, and this has " +
                                  Twine(literal.elements.size()));
  SmallVector<Attribute> elements;
  for (const ExprPtr &element : literal.elements) {
    Term value = eval(*element, frame, scope);
    if (value.isPoison())
      return {};
    if (nn::isString(elementType) && value.kind == Term::Text) {
      elements.push_back(builder.getStringAttr(value.text));
      continue;
    }
    std::optional<int64_t> whole =
        value.kind == Term::Whole ? nn::known(value.whole) : std::nullopt;
    if (value.kind == Term::Truth)
      whole = value.truth;
    if (auto type = dyn_cast<FloatType>(elementType);
        type && (whole || value.kind == Term::Real)) {
      llvm::APFloat number(whole ? static_cast<double>(*whole) : value.real);
      bool losesInfo;
      number.convert(type.getFloatSemantics(),
                     llvm::APFloat::rmNearestTiesToEven, &losesInfo);
      elements.push_back(FloatAttr::get(type, number));
    } else if (isa<IntegerType>(elementType) && whole) {
      elements.push_back(IntegerAttr::get(
          elementType,
          llvm::APInt(elementType.getIntOrFloatBitWidth(),
                      static_cast<uint64_t>(*whole), /*isSigned=*/true,
                      /*implicitTrunc=*/true)));
    } else {
      return fail(element->span, "an element of " +
                                     literal.type.elementType.text +
                                     " cannot be " + describe(value));
    }
  }
  at(literal.span);
  if (nn::isString(elementType))
    return result(
        builder.make<nn::StringsOp>(builder.getArrayAttr(elements),
                                    builder.getDenseI64ArrayAttr(sizes)),
        literal.span);
  return result(builder.make<nn::ConstantOp>(DenseElementsAttr::get(
                    RankedTensorType::get(sizes, elementType), elements)),
                literal.span);
}

Term Elaborator::tensorOf(const Term &term, Type elementType) {
  switch (term.kind) {
  case Term::Tensor: {
    Type own = getElementTypeOrSelf(term.tensor.getType());
    if (!term.isNumeric || own == elementType)
      return term;
    return result(builder.make<nn::CastOp>(term.tensor,
                                           nn::onnxType(elementType), 1, "up"),
                  term.from);
  }
  case Term::Truth:
    if (!elementType.isInteger(1))
      break;
    return Term::ofTensor(builder.scalar(elementType, term.truth), term.from);
  case Term::Whole: {
    if (elementType.isInteger(1))
      break;
    std::optional<int64_t> known = nn::known(term.whole);
    if (known && elementType.isInteger(64))
      return Term::ofTensor(builder.integer(*known), term.from);
    if (known)
      return Term::ofTensor(builder.scalar(elementType, *known), term.from);
    Value size = dimTensor(term.whole, /*hasAxis=*/false);
    if (!elementType.isInteger(64))
      size = builder.make<nn::CastOp>(size, nn::onnxType(elementType), 1, "up");
    return result(size, term.from);
  }
  case Term::Real:
    if (!isa<FloatType>(elementType))
      break;
    return Term::ofTensor(builder.scalar(elementType, term.real), term.from);
  case Term::Poison:
    return {};
  default:
    break;
  }
  return fail(term.from, "this is " + describe(term) + ", where a value of " +
                             nameOf(elementType) + " is needed");
}

//===- Operators ----------------------------------------------------------===//

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
    switch (op) {
    case Operator::Equal:
      return Term::ofTruth(*by == 0, span);
    case Operator::NotEqual:
      return Term::ofTruth(*by != 0, span);
    case Operator::Less:
      return Term::ofTruth(*by < 0, span);
    case Operator::LessEqual:
      return Term::ofTruth(*by <= 0, span);
    case Operator::Greater:
      return Term::ofTruth(*by > 0, span);
    default:
      return Term::ofTruth(*by >= 0, span);
    }
  }
  std::optional<double> a = realOf(left), b = realOf(right);
  if (!a || !b)
    return fail(span, describe(left) + " and " + describe(right) +
                          " cannot be compared");
  switch (op) {
  case Operator::Equal:
    return Term::ofTruth(*a == *b, span);
  case Operator::NotEqual:
    return Term::ofTruth(*a != *b, span);
  case Operator::Less:
    return Term::ofTruth(*a < *b, span);
  case Operator::LessEqual:
    return Term::ofTruth(*a <= *b, span);
  case Operator::Greater:
    return Term::ofTruth(*a > *b, span);
  default:
    return Term::ofTruth(*a >= *b, span);
  }
}

bool Elaborator::checkBroadcast(const Term &left, const Term &right, Span span,
                                StringRef what) {
  Dims a = shapes.dims(left.tensor), b = shapes.dims(right.tensor);
  size_t shared = std::min(a.size(), b.size());
  for (size_t fromEnd = 1; fromEnd <= shared; ++fromEnd) {
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
  for (size_t fromEnd = 3; fromEnd <= std::min(a.size(), b.size()); ++fromEnd) {
    Dim x = a[a.size() - fromEnd], y = b[b.size() - fromEnd];
    if (!isSame(x, y) && !nn::isKnown(x, 1) && !nn::isKnown(y, 1))
      return fail(span,
                  describe(left) + " @ " + describe(right) + ": " +
                      describe(x) + " and " + describe(y) + " at axis -" +
                      Twine(fromEnd) + " do not fit",
                  notes);
  }
  at(span);
  return result(builder.make<nn::MatMulOp>(left.tensor, right.tensor), span);
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
  bool isLogic = op == Operator::And || op == Operator::Or;
  bool isComparison = op >= Operator::Equal && op <= Operator::GreaterEqual;
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
  if (!hasTensor || left.kind == Term::None || right.kind == Term::None) {
    if (isComparison)
      return compare(op, left, right, span);
    if (isLogic && left.kind == Term::Truth && right.kind == Term::Truth)
      return Term::ofTruth(op == Operator::And ? left.truth && right.truth
                                               : left.truth || right.truth,
                           span);
    if (left.kind == Term::Whole && right.kind == Term::Whole) {
      bool isWhole = op != Operator::Power || nn::known(right.whole) >= 0;
      if (isWhole && op != Operator::MatMul)
        return wholeArithmetic(op, left, right, span, /*roundsDown=*/false);
    }
    std::optional<double> a = realOf(left), b = realOf(right);
    if (a && b)
      switch (op) {
      case Operator::Add:
        return Term::ofReal(*a + *b, span);
      case Operator::Sub:
        return Term::ofReal(*a - *b, span);
      case Operator::Mul:
        return Term::ofReal(*a * *b, span);
      case Operator::Div:
        return Term::ofReal(*a / *b, span);
      case Operator::Mod:
        return Term::ofReal(*a - *b * std::floor(*a / *b), span);
      case Operator::Power:
        return Term::ofReal(std::pow(*a, *b), span);
      default:
        break;
      }
    // A dim that only a run knows, and a fraction.
    if (left.isNumber() && right.isNumber() && !isLogic) {
      at(span);
      Type real = builder.getF32Type();
      return arithmetic(op, tensorOf(left, real), tensorOf(right, real), span);
    }
    return fail(span, "'" + textOf(op) + "' is not between " + describe(left) +
                          " and " + describe(right));
  }
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
      isLogic || op == Operator::Equal || op == Operator::NotEqual;
  if (isTruth ? !takesTruth : isLogic)
    return fail(span,
                "'" + textOf(op) + "' is not between " + describe(left) +
                    " and " + describe(right),
                notes);
  Value a = left.tensor, b = right.tensor;
  auto made = [&](Value value) { return result(value, span); };
  switch (op) {
  case Operator::Add:
    return made(builder.make<nn::AddOp>(a, b));
  case Operator::Sub:
    return made(builder.make<nn::SubOp>(a, b));
  case Operator::Mul:
    return made(builder.make<nn::MulOp>(a, b));
  case Operator::Div:
    return made(builder.make<nn::DivOp>(a, b));
  case Operator::Mod:
    return made(builder.make<nn::ModOp>(a, b, isa<FloatType>(elementType)));
  case Operator::Power:
    return made(builder.make<nn::PowOp>(a, b));
  case Operator::Equal:
  case Operator::NotEqual: {
    Value equal = isTruth
                      ? builder.make<nn::NotOp>(builder.make<nn::XorOp>(a, b))
                      : builder.make<nn::EqualOp>(a, b);
    return made(op == Operator::Equal ? equal : builder.make<nn::NotOp>(equal));
  }
  case Operator::Less:
    return made(builder.make<nn::LessOp>(a, b));
  case Operator::LessEqual:
    return made(builder.make<nn::LessOrEqualOp>(a, b));
  case Operator::Greater:
    return made(builder.make<nn::GreaterOp>(a, b));
  case Operator::GreaterEqual:
    return made(builder.make<nn::GreaterOrEqualOp>(a, b));
  case Operator::And:
    return made(builder.make<nn::AndOp>(a, b));
  case Operator::Or:
    return made(builder.make<nn::OrOp>(a, b));
  default:
    return fail(span, "'" + textOf(op) + "' is not an operator of tensors");
  }
}
