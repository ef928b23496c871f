// Dims.cpp - dims of types: inferred from arguments, computed, compared.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

/// No size is as great.
static constexpr int64_t kTooGreat = int64_t(1) << 48;

//===- Names --------------------------------------------------------------===//

StringRef Elaborator::dimName(Dim dim) const { return dimNames.lookup(dim); }

void Elaborator::nameDim(Dim dim, StringRef name) {
  if (!nn::known(dim))
    dimNames.try_emplace(dim, name);
}

bool Elaborator::isSame(Dim a, Dim b) const {
  return a == b || (a && b && nn::isKnown(shapes.simplify(a - b), 0));
}

//===- Arithmetic ---------------------------------------------------------===//

Term Elaborator::wholeArithmetic(Operator op, const Term &left,
                                 const Term &right, Span span,
                                 bool roundsDown) {
  Dim a = left.whole, b = right.whole;
  std::optional<int64_t> x = nn::known(a), y = nn::known(b);
  auto bounded = [&](bool overflows, int64_t value) {
    if (overflows || value >= kTooGreat || value <= -kTooGreat)
      return fail(span, "this is too great a number");
    return Term::ofWhole(shapes.constant(value), span);
  };
  int64_t value = 0;
  switch (op) {
  case Operator::Add:
    if (x && y) {
      bool overflows = llvm::AddOverflow(*x, *y, value);
      return bounded(overflows, value);
    }
    return Term::ofWhole(shapes.simplify(a + b), span);
  case Operator::Sub:
    if (x && y) {
      bool overflows = llvm::SubOverflow(*x, *y, value);
      return bounded(overflows, value);
    }
    return Term::ofWhole(shapes.simplify(a - b), span);
  case Operator::Mul:
    if (x && y) {
      bool overflows = llvm::MulOverflow(*x, *y, value);
      return bounded(overflows, value);
    }
    return Term::ofWhole(shapes.product({a, b}), span);
  case Operator::Div:
  case Operator::Mod: {
    if (!y || *y <= 0)
      return fail(span, y ? "division by " + describe(b)
                          : "the divisor " + describe(b) +
                                " is not known when compiling");
    if (op == Operator::Mod)
      return x ? Term::ofWhole(shapes.constant(llvm::mod(*x, *y)), span)
               : Term::ofWhole(shapes.simplify(a % b), span);
    if (!x) {
      Dim quotient = shapes.quotient({a}, {b});
      return Term::ofWhole(shapes.simplify(quotient ? quotient : a.floorDiv(b)),
                           span);
    }
    if (!roundsDown && *x % *y != 0)
      return Term::ofReal(static_cast<double>(*x) / *y, span);
    return Term::ofWhole(shapes.constant(llvm::divideFloorSigned(*x, *y)),
                         span);
  }
  case Operator::Power: {
    if (!x || !y || *y < 0 || *y > 62)
      return fail(span, "this power of whole numbers is not known");
    value = 1;
    for (int64_t i = 0; i < *y; ++i)
      if (llvm::MulOverflow(value, *x, value))
        return bounded(true, 0);
    return bounded(false, value);
  }
  default:
    return fail(span, "'" + textOf(op) + "' is not for whole numbers");
  }
}

Dim Elaborator::dim(const Expr &expr, Frame &frame, Scope &scope) {
  // In a dim, `/` rounds down: (H - k)/s + 1.
  if (auto *both = dyn_cast<BinaryExpr>(&expr)) {
    Dim left = dim(*both->left, frame, scope),
        right = left ? dim(*both->right, frame, scope) : Dim();
    if (!right)
      return {};
    Term value =
        wholeArithmetic(both->op, Term::ofWhole(left, both->left->span),
                        Term::ofWhole(right, both->right->span), expr.span,
                        /*roundsDown=*/true);
    return value.kind == Term::Whole ? value.whole : Dim();
  }
  Term value = eval(expr, frame, scope);
  if (value.isPoison())
    return {};
  if (value.kind == Term::Whole)
    return value.whole;
  std::string text = messages.sources.text(expr.span).str();
  messages.error(expr.span,
                 "a dim is a whole number, and " +
                     (text.size() < 40 ? quoted(text) : "this") + " is " +
                     describe(value),
                 {{value.from, "it comes from here"}});
  return {};
}

//===- Matching -----------------------------------------------------------===//

bool Elaborator::isUnbound(StringRef name, Frame &frame, Scope &scope) {
  return !lookup(name, frame, scope);
}

std::vector<Note> Elaborator::originsOf(const Expr &expr, Frame &frame) const {
  std::vector<Note> notes;
  llvm::StringSet<> said;
  std::function<void(const Expr &)> walk = [&](const Expr &part) {
    if (auto *name = dyn_cast<NameExpr>(&part)) {
      auto bound = frame.dims.find(name->name);
      if (bound != frame.dims.end() && said.insert(name->name).second)
        notes.push_back({bound->second.place, name->name.str() + " is " +
                                                  describe(bound->second.size) +
                                                  " by " + bound->second.by});
    } else if (auto *both = dyn_cast<BinaryExpr>(&part)) {
      walk(*both->left);
      walk(*both->right);
    } else if (auto *one = dyn_cast<UnaryExpr>(&part)) {
      walk(*one->operand);
    }
  };
  walk(expr);
  return notes;
}

/// The names of a dim that have no size yet.
static void collectUnbound(const Expr &expr,
                           function_ref<bool(StringRef)> isUnbound,
                           SmallVectorImpl<StringRef> &names) {
  if (auto *name = dyn_cast<NameExpr>(&expr)) {
    if (isUnbound(name->name))
      names.push_back(name->name);
  } else if (auto *both = dyn_cast<BinaryExpr>(&expr)) {
    collectUnbound(*both->left, isUnbound, names);
    collectUnbound(*both->right, isUnbound, names);
  }
}

// One name that is not known yet, and one operation after the other undone:
// 2*C + 1 against 7 gives C = 3.
bool Elaborator::solve(const Expr &pattern, Dim size, Frame &frame,
                       Scope &scope, const std::string &by, Span span) {
  if (auto *name = dyn_cast<NameExpr>(&pattern)) {
    frame.dims[name->name] = {size, span, by};
    return true;
  }
  auto *both = dyn_cast<BinaryExpr>(&pattern);
  if (!both)
    return false;
  auto isNew = [&](StringRef name) { return isUnbound(name, frame, scope); };
  SmallVector<StringRef> inLeft;
  collectUnbound(*both->left, isNew, inLeft);
  const Expr &unknown = inLeft.empty() ? *both->right : *both->left;
  Dim other = dim(inLeft.empty() ? *both->left : *both->right, frame, scope);
  if (!other)
    return false;
  Dim rest;
  switch (both->op) {
  case Operator::Add:
    rest = shapes.simplify(size - other);
    break;
  case Operator::Sub:
    rest = inLeft.empty() ? shapes.simplify(other - size)
                          : shapes.simplify(size + other);
    break;
  case Operator::Mul: {
    if (nn::isKnown(other, 0))
      return false;
    std::optional<int64_t> whole = nn::known(size), factor = nn::known(other);
    if (whole && factor && *whole % *factor != 0)
      return false;
    rest = shapes.quotient({size}, {other});
    break;
  }
  default:
    return false;
  }
  if (!rest || (nn::known(rest) && *nn::known(rest) < 0))
    return false;
  return solve(unknown, rest, frame, scope, by, span);
}

bool Elaborator::matchDim(const DimRef &pattern, Dim size, Frame &frame,
                          Scope &scope, const std::string &what,
                          const std::string &by, const Term &value, Span span) {
  // `_` is any dim.
  if (isa<PlaceholderExpr>(*pattern.expr))
    return true;
  auto isNew = [&](StringRef name) { return isUnbound(name, frame, scope); };
  SmallVector<StringRef> unbound;
  collectUnbound(*pattern.expr, isNew, unbound);
  StringRef text = messages.sources.text(pattern.expr->span);
  if (!unbound.empty()) {
    if (unbound.size() == 1 &&
        solve(*pattern.expr, size, frame, scope, by, span))
      return true;
    return messages.error(span,
                          what + " is " + describe(value) + ", and " +
                              describe(size) + " is not " + text + " for any " +
                              unbound.front(),
                          {{pattern.span, "it is declared here"}});
  }
  Dim expected = dim(*pattern.expr, frame, scope);
  if (!expected)
    return false;
  if (isSame(expected, size))
    return true;
  std::vector<Note> notes{{pattern.span, "it is declared here"}};
  if (!(value.from == span))
    notes.push_back({value.from, "the value is made here"});
  for (const Note &note : originsOf(*pattern.expr, frame))
    notes.push_back(note);
  std::string wanted = describe(expected);
  if (wanted != text)
    wanted = (text + " = " + wanted).str();
  return messages.error(span,
                        what + " is " + describe(value) + ", and has " +
                            describe(size) + " where " + wanted + " should be",
                        notes);
}

bool Elaborator::match(const TypeRef &type, const Term &value, Frame &frame,
                       Scope &scope, const Twine &whatTwine,
                       const Twine &byTwine, Span span) {
  std::string what = whatTwine.str(), by = byTwine.str();
  std::vector<Note> declared{{type.span, "it is declared here"}};
  StringRef text = messages.sources.text(type.span);
  if (value.isPoison())
    return false;
  if (type.isTuple()) {
    if (value.kind != Term::Tuple || value.parts.size() != type.parts.size())
      return messages.error(
          span, what + " should be " + text + ", and is " + describe(value),
          declared);
    bool isFine = true;
    for (auto [index, part] : enumerate(type.parts))
      isFine &= match(part, value.parts[index], frame, scope,
                      "part " + Twine(index) + " of " + what, by, span);
    return isFine;
  }
  if (value.kind != Term::Tensor)
    return messages.error(
        span, what + " should be " + text + ", and is " + describe(value),
        declared);
  Type elementType = elementTypeOf(type.elementType.text, builder.getContext()),
       given = getElementTypeOrSelf(value.tensor.getType());
  // `int` is any whole number: what indexes a table, or names a class.
  bool fits = type.elementType.text == "int"
                  ? isa<IntegerType>(given) && !given.isInteger(1)
                  : given == elementType;
  if (!fits) {
    if (!(value.from == span))
      declared.push_back({value.from, "the value is made here"});
    return messages.error(span,
                          what + " should have elements of " +
                              type.elementType.text + ", and is " +
                              describe(value),
                          declared, type.elementType.text + "(...) converts");
  }
  Dims dims = shapes.dims(value.tensor);
  auto *ellipsis = llvm::find_if(type.dims, [](const DimRef &dim) {
                     return !dim.expr;
                   }).base();
  bool hasRest = ellipsis != type.dims.data() + type.dims.size();
  size_t fixed = type.dims.size() - hasRest;
  if (hasRest ? dims.size() < fixed : dims.size() != fixed) {
    if (!(value.from == span))
      declared.push_back({value.from, "the value is made here"});
    return messages.error(span,
                          what + " is " + describe(value) + ", which has " +
                              Twine(dims.size()) + " dims, and should be " +
                              text + ", which has " + Twine(fixed) +
                              (hasRest ? " or more" : ""),
                          declared);
  }
  size_t before = hasRest ? ellipsis - type.dims.data() : fixed;
  size_t restCount = dims.size() - fixed;
  for (auto [index, pattern] : enumerate(type.dims)) {
    if (!pattern.expr) {
      Dims rest(dims.begin() + before, dims.begin() + before + restCount);
      if (!frame.rest) {
        frame.rest = rest;
        continue;
      }
      bool isEqual = frame.rest->size() == rest.size();
      for (size_t i = 0; isEqual && i < rest.size(); ++i)
        isEqual = isSame(rest[i], (*frame.rest)[i]);
      if (!isEqual)
        return messages.error(span,
                              what + " is " + describe(value) +
                                  ", where ... is " + describe(*frame.rest) +
                                  " by what came before",
                              declared);
      continue;
    }
    size_t axis = index < before ? index : index - 1 + restCount;
    if (!matchDim(pattern, dims[axis], frame, scope, what, by, value, span))
      return false;
  }
  return true;
}

std::optional<Dims> Elaborator::shapeOf(const TypeRef &type, Frame &frame,
                                        Scope &scope) {
  Dims result;
  for (const DimRef &pattern : type.dims) {
    if (!pattern.expr) {
      if (!frame.rest) {
        messages.error(pattern.span, "no argument says what ... is");
        return std::nullopt;
      }
      llvm::append_range(result, *frame.rest);
      continue;
    }
    Dim size = dim(*pattern.expr, frame, scope);
    if (!size)
      return std::nullopt;
    if (std::optional<int64_t> known = nn::known(size); known && *known < 0) {
      messages.error(pattern.span, "this dim is " + describe(size),
                     originsOf(*pattern.expr, frame));
      return std::nullopt;
    }
    result.push_back(size);
  }
  return result;
}

//===- Dims as tensors ----------------------------------------------------===//

Value Elaborator::dimTensor(Dim dim, bool hasAxis) {
  if (std::optional<int64_t> size = nn::known(dim))
    return hasAxis ? builder.integers(*size) : builder.integer(*size);
  Value result;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    nn::SymbolOrigin origin = shapes.origin(symbol);
    // Elements and extremes of others follow from operators that are there
    // already only as dims of their results, which is what a symbol stands for.
    result =
        builder.make<nn::ShapeOp>(origin.value, origin.index,
                                  builder.getI64IntegerAttr(origin.index + 1));
  } else {
    auto binary = cast<AffineBinaryOpExpr>(dim);
    Value left = dimTensor(binary.getLHS(), true),
          right = dimTensor(binary.getRHS(), true);
    switch (binary.getKind()) {
    case AffineExprKind::Add:
      result = builder.make<nn::AddOp>(left, right);
      break;
    case AffineExprKind::Mul:
      result = builder.make<nn::MulOp>(left, right);
      break;
    case AffineExprKind::Mod:
      result = builder.make<nn::ModOp>(left, right, 0);
      break;
    default:
      result = builder.make<nn::DivOp>(left, right);
    }
  }
  return hasAxis ? result
                 : builder.make<nn::SqueezeOp>(result, builder.integers(0));
}

Value Elaborator::shapeTensor(ArrayRef<Dim> dims) {
  SmallVector<int64_t> sizes;
  for (Dim dim : dims)
    if (std::optional<int64_t> size = nn::known(dim))
      sizes.push_back(*size);
  if (sizes.size() == dims.size())
    return builder.integers(sizes);
  SmallVector<Value> parts;
  for (Dim dim : dims)
    parts.push_back(dimTensor(dim, /*hasAxis=*/true));
  return parts.size() == 1 ? parts[0] : builder.make<nn::ConcatOp>(parts, 0);
}
