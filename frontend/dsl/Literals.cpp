// Literals.cpp - numbers, texts and lists of them as tensors.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using nn::Dim, nn::Dims;

/// A number, truth or text as an element; null where the type has none for it.
static Attribute elementOf(const Term &value, Type elementType) {
  if (nn::isString(elementType))
    return value.kind == Term::Text
               ? StringAttr::get(elementType.getContext(), value.text)
               : Attribute();
  std::optional<int64_t> whole =
      value.kind == Term::Whole ? nn::known(value.whole) : std::nullopt;
  if (value.kind == Term::Truth)
    whole = value.truth;
  if (auto type = dyn_cast<FloatType>(elementType);
      type && (whole || value.kind == Term::Real)) {
    llvm::APFloat number(whole ? static_cast<double>(*whole) : value.real);
    bool losesInfo;
    number.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return FloatAttr::get(type, number);
  }
  if (!isa<IntegerType>(elementType) || !whole)
    return {};
  return IntegerAttr::get(elementType,
                          llvm::APInt(elementType.getIntOrFloatBitWidth(),
                                      static_cast<uint64_t>(*whole),
                                      /*isSigned=*/true,
                                      /*implicitTrunc=*/true));
}

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
    elements.push_back(elementOf(value, elementType));
    if (!elements.back())
      return fail(element->span, "an element of " +
                                     literal.type.elementType.text +
                                     " cannot be " + describe(value));
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
