// Describe.cpp - values, types and dims as messages call them.
#include "frontend/dsl/Elaborator.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim;

std::string Elaborator::describe(Dim dim) const {
  if (!dim)
    return "?";
  if (std::optional<int64_t> size = nn::known(dim))
    return std::to_string(*size);
  if (StringRef name = dimNames.lookup(dim); !name.empty())
    return name.str();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    nn::SymbolOrigin origin = shapes.origin(symbol);
    if (origin.extreme == nn::SymbolOrigin::None)
      return "?";
    return (origin.extreme == nn::SymbolOrigin::Least ? "min(" : "max(") +
           describe(origin.left) + ", " + describe(origin.right) + ")";
  }
  auto binary = cast<AffineBinaryOpExpr>(dim);
  auto part = [&](Dim side, bool isTight) {
    std::string text = describe(side);
    auto inner = dyn_cast<AffineBinaryOpExpr>(side);
    return inner && isTight && inner.getKind() == AffineExprKind::Add
               ? "(" + text + ")"
               : text;
  };
  Dim left = binary.getLHS(), right = binary.getRHS();
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    if (std::optional<int64_t> size = nn::known(right); size && *size < 0)
      return part(left, false) + " - " + std::to_string(-*size);
    return part(left, false) + " + " + part(right, false);
  case AffineExprKind::Mul:
    return part(right, true) + "*" + part(left, true);
  case AffineExprKind::Mod:
    return part(left, true) + " % " + part(right, true);
  default:
    return part(left, true) + "/" + part(right, true);
  }
}

std::string Elaborator::describe(ArrayRef<Dim> dims) const {
  std::string text = "[";
  for (auto [axis, dim] : enumerate(dims))
    text += (axis ? ", " : "") + describe(dim);
  return text + "]";
}

std::string Elaborator::describe(Value tensor) const {
  return nameOf(getElementTypeOrSelf(tensor.getType())) +
         describe(shapes.dims(tensor));
}

std::string Elaborator::describe(const Term &term) const {
  switch (term.kind) {
  case Term::Poison:
    return "?";
  case Term::Tensor:
    return describe(term.tensor);
  case Term::Whole:
    return describe(term.whole);
  case Term::Real: {
    SmallString<24> text;
    llvm::APFloat(term.real).toString(text, 6);
    return text.str().str();
  }
  case Term::Truth:
    return term.truth ? "true" : "false";
  case Term::Text:
    return "\"" + term.text + "\"";
  case Term::ElementType:
    return nameOf(term.elementType);
  case Term::None:
    return "None";
  case Term::Open:
    return "the column " + quoted(term.text) + ", whose type is not known";
  case Term::Position:
    return "the index of a scan";
  case Term::Tuple: {
    std::string text = "(";
    for (auto [index, part] : enumerate(term.parts))
      text += (index ? ", " : "") + describe(part);
    return text + ")";
  }
  }
  llvm_unreachable("all kinds are above");
}

Note Elaborator::noteOf(const Term &term, const Twine &what) const {
  return {term.from, (what + " is " + describe(term) + ", from here").str()};
}
