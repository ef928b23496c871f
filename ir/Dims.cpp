// Dims.cpp - reckoning with sizes that may be symbols, and what broadcasting
// makes of them.
#include "ir/Shapes.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- Arithmetic of dims -------------------------------------------------===//

/// A total order of expressions that does not depend on where they lie in
/// memory.
static int compareDims(Dim a, Dim b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (auto left = dyn_cast<AffineConstantExpr>(a))
    return left.getValue() < cast<AffineConstantExpr>(b).getValue() ? -1 : 1;
  if (auto left = dyn_cast<AffineSymbolExpr>(a))
    return left.getPosition() < cast<AffineSymbolExpr>(b).getPosition() ? -1
                                                                        : 1;
  auto left = cast<AffineBinaryOpExpr>(a), right = cast<AffineBinaryOpExpr>(b);
  int order = compareDims(left.getLHS(), right.getLHS());
  return order ? order : compareDims(left.getRHS(), right.getRHS());
}

/// Splits a product into the factors that are not known, which are appended to
/// `factors`, and the known rest; nothing when that overflows.
static std::optional<int64_t> splitFactors(ArrayRef<Dim> dims, Dims &factors) {
  int64_t constant = 1;
  for (Dim dim : dims) {
    int64_t next = 1;
    auto binary = dyn_cast<AffineBinaryOpExpr>(dim);
    if (std::optional<int64_t> size = known(dim)) {
      next = *size;
    } else if (binary && binary.getKind() == AffineExprKind::Mul) {
      std::optional<int64_t> nested =
          splitFactors({binary.getLHS(), binary.getRHS()}, factors);
      if (!nested)
        return std::nullopt;
      next = *nested;
    } else {
      factors.push_back(dim);
    }
    if (llvm::MulOverflow(constant, next, constant))
      return std::nullopt;
  }
  return constant;
}

Dim ShapeScope::product(ArrayRef<Dim> dims) const {
  Dims factors;
  std::optional<int64_t> known = splitFactors(dims, factors);
  Dim result = constant(1);
  if (!known) {
    for (Dim dim : dims)
      result = result * dim;
    return result;
  }
  if (*known == 0)
    return constant(0);
  llvm::sort(factors, [](Dim a, Dim b) { return compareDims(a, b) < 0; });
  for (Dim factor : factors)
    result = result * factor;
  return result * *known;
}

Dim ShapeScope::quotient(ArrayRef<Dim> dividend, ArrayRef<Dim> divisor) const {
  Dims above, below, left;
  std::optional<int64_t> top = splitFactors(dividend, above),
                         bottom = splitFactors(divisor, below);
  if (!top || !bottom || *bottom == 0)
    return {};
  for (Dim factor : below) {
    auto *same = llvm::find(above, factor);
    if (same == above.end())
      left.push_back(factor);
    else
      above.erase(same);
  }
  if (!left.empty())
    return {};
  if (*top % *bottom == 0) {
    above.push_back(constant(*top / *bottom));
    return product(above);
  }
  above.push_back(constant(*top));
  return above.size() == 1 ? Dim() : product(above).floorDiv(*bottom);
}

Dim ShapeScope::simplify(Dim dim) const {
  if (!dim || dim.getKind() == AffineExprKind::Constant ||
      dim.getKind() == AffineExprKind::SymbolId)
    return dim;
  auto binary = cast<AffineBinaryOpExpr>(dim);
  if (binary.getKind() == AffineExprKind::Mul)
    return product({simplify(binary.getLHS()), simplify(binary.getRHS())});
  return simplifyAffineExpr(dim, 0, origins.size());
}

bool ShapeScope::isAtLeast(Dim dim, int64_t bound) const {
  if (std::optional<int64_t> size = known(dim))
    return *size >= bound;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    SymbolOrigin from = origin(symbol);
    switch (from.extreme) {
    case SymbolOrigin::None:
      return !from.isElement && bound <= 0;
    case SymbolOrigin::Least:
      return isAtLeast(from.left, bound) && isAtLeast(from.right, bound);
    case SymbolOrigin::Greatest:
      return isAtLeast(from.left, bound) || isAtLeast(from.right, bound);
    }
  }
  auto binary = cast<AffineBinaryOpExpr>(dim);
  Dim left = binary.getLHS(), right = binary.getRHS();
  switch (binary.getKind()) {
  case AffineExprKind::Add: {
    std::optional<int64_t> constant = known(right);
    if (constant && *constant < 0)
      return isAtLeast(left, bound - *constant);
    return (isAtLeast(left, 0) && isAtLeast(right, bound)) ||
           (isAtLeast(left, bound) && isAtLeast(right, 0));
  }
  case AffineExprKind::Mul:
    return bound <= 0 ? isAtLeast(left, 0) && isAtLeast(right, 0)
                      : (isAtLeast(left, 1) && isAtLeast(right, bound)) ||
                            (isAtLeast(left, bound) && isAtLeast(right, 1));
  case AffineExprKind::CeilDiv:
  case AffineExprKind::FloorDiv:
    return bound <= 0 && isAtLeast(left, 0) && isAtLeast(right, 1);
  case AffineExprKind::Mod:
    return bound <= 0 && isAtLeast(right, 1);
  default:
    return false;
  }
}

bool ShapeScope::isOneOnlyWith(Dim dim, Dim other) const {
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (dim == other || !symbol)
    return dim == other;
  SymbolOrigin from = origin(symbol);
  return from.extreme == SymbolOrigin::Least &&
         ((from.left == other && isAtLeast(from.right, 2)) ||
          (from.right == other && isAtLeast(from.left, 2)));
}

bool ShapeScope::isMadeOfSizes(Dim dim) const {
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(dim))
    return isMadeOfSizes(binary.getLHS()) && isMadeOfSizes(binary.getRHS());
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (!symbol)
    return true;
  SymbolOrigin from = origin(symbol);
  if (from.extreme != SymbolOrigin::None)
    return isMadeOfSizes(from.left) && isMadeOfSizes(from.right);
  return !from.isElement;
}

Dim ShapeScope::extreme(SymbolOrigin::Extreme which, Dim a, Dim b) {
  a = simplify(a);
  b = simplify(b);
  bool wantsLeast = which == SymbolOrigin::Least;
  Dim difference = simplify(a - b);
  if (isAtLeast(difference, 0))
    return wantsLeast ? b : a;
  if (isAtLeast(simplify(b - a), 0))
    return wantsLeast ? a : b;
  if (compareDims(a, b) > 0)
    std::swap(a, b);
  Dim &entry = extremes[wantsLeast ? 0 : 1][{a, b}];
  if (!entry) {
    SymbolOrigin from;
    from.extreme = which;
    from.left = a;
    from.right = b;
    entry = fresh(from);
  }
  return entry;
}

bool ShapeScope::isOwn(Dim dim, Value value) const {
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (!symbol)
    return false;
  SymbolOrigin from = origin(symbol);
  return from.extreme == SymbolOrigin::None && !from.isElement &&
         from.value == value;
}

//===- Broadcasting and axes ----------------------------------------------===//

FailureOr<Dim> nn::broadcastDim(Dim a, Dim b, const ShapeScope *scope) {
  if (a == b || isKnown(b, 1))
    return a;
  if (isKnown(a, 1))
    return b;
  if (known(a) && known(b))
    return failure();
  // One known size other than 1 decides; the other is that or 1, which the
  // lowering checks.
  if (known(a))
    return a;
  if (known(b))
    return b;
  if (scope && scope->isOneOnlyWith(a, b))
    return b;
  if (scope && scope->isOneOnlyWith(b, a))
    return a;
  return Dim();
}

FailureOr<Dims> nn::broadcastDims(Operation *op, ArrayRef<Dims> shapes,
                                  const ShapeScope *scope) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, getAffineConstantExpr(1, op->getContext()));
  // A null in the running result means "only run time can tell", which another
  // unknown does not change.
  for (const Dims &shape : shapes) {
    for (size_t back = 1; back <= shape.size(); ++back) {
      Dim &dim = result[rank - back];
      Dim other = shape[shape.size() - back];
      if (!dim) {
        if (known(other) && !isKnown(other, 1))
          dim = other;
        continue;
      }
      FailureOr<Dim> both = broadcastDim(dim, other, scope);
      if (failed(both)) {
        InFlightDiagnostic diagnostic = op->emitOpError()
                                        << "operands do not broadcast: ";
        llvm::interleave(
            shapes, diagnostic,
            [&](const Dims &dims) { diagnostic << toString(dims); }, " and ");
        return failure();
      }
      dim = *both;
    }
  }
  return result;
}

FailureOr<int64_t> nn::normalizeAxis(Operation *op, int64_t axis,
                                     int64_t rank) {
  if (axis < -rank || axis >= rank)
    return op->emitOpError() << "axis " << axis << " is outside [" << -rank
                             << ", " << rank << ")";
  return axis < 0 ? axis + rank : axis;
}

LogicalResult nn::checkDims(Operation *op, ShapeScope &scope, Value operand,
                            StringRef name, ArrayRef<Dim> expected) {
  Dims dims = scope.dims(operand);
  auto differ = [](auto pair) {
    return known(std::get<0>(pair)) && known(std::get<1>(pair)) &&
           std::get<0>(pair) != std::get<1>(pair);
  };
  if (dims.size() != expected.size() ||
      llvm::any_of(llvm::zip(dims, expected), differ))
    return op->emitOpError() << name << " is " << toString(dims) << ", not "
                             << toString(expected);
  return success();
}

std::string nn::toString(ArrayRef<Dim> dims) {
  if (dims.empty())
    return "scalar";
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      dims, stream,
      [&](Dim dim) {
        if (std::optional<int64_t> size = known(dim))
          stream << *size;
        else
          stream << '?';
      },
      "x");
  return text;
}
