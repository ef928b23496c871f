// PrintLiterals.cpp - constants, attributes and numbers as they are written.
#include "frontend/dsl/ExprParser.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Params.h"
#include "frontend/dsl/Printer.h"
#include "frontend/dsl/Term.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

/// Constants of up to so many elements are part of the text.
static constexpr int64_t kMostInText = 64;

/// With as many digits as tell one number from all others.
static std::string number(const llvm::APFloat &value) {
  if (value.isNaN())
    return "nan";
  if (value.isInfinity())
    return value.isNegative() ? "-inf" : "inf";
  llvm::APFloat wide = value;
  bool losesInfo;
  wide.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
               &losesInfo);
  bool isDouble = &value.getSemantics() == &llvm::APFloat::IEEEdouble();
  char buffer[40];
  snprintf(buffer, sizeof buffer, isDouble ? "%.17g" : "%.9g",
           wide.convertToDouble());
  StringRef text = buffer;
  return text.find_first_of(".e") == StringRef::npos ? text.str() + ".0"
                                                     : text.str();
}

/// The elements of a constant of floats, with all their bits.
static SmallVector<llvm::APFloat> floatsOf(ElementsAttr value) {
  auto type = cast<FloatType>(value.getElementType());
  SmallVector<char> bytes = nn::copyBytes(value);
  unsigned width = type.getWidth(), bytesOfOne = (width + 7) / 8;
  SmallVector<llvm::APFloat> floats;
  for (size_t at = 0; at < bytes.size(); at += bytesOfOne) {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + at, bytesOfOne);
    floats.emplace_back(type.getFloatSemantics(),
                        llvm::APInt(width, bits, /*isSigned=*/false,
                                    /*implicitTrunc=*/true));
  }
  return floats;
}

/// Whether a NaN is among the elements that is another than `nan`.
static bool hasOtherNan(ElementsAttr value) {
  auto type = dyn_cast<FloatType>(value.getElementType());
  if (!type || isa<Float8E8M0FNUType>(type))
    return false;
  llvm::APFloat nan(std::nan(""));
  bool losesInfo;
  nan.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
              &losesInfo);
  return llvm::any_of(floatsOf(value), [&](const llvm::APFloat &each) {
    return each.isNaN() && !each.bitwiseIsEqual(nan);
  });
}

std::string Printer::elementText(Type elementType) {
  std::string text = dsl::nameOf(elementType);
  if (!isElementType(text))
    error("", "the language has no elements of " + text);
  return text;
}

std::string Printer::literal(ElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  std::string text = elementText(type.getElementType()) + "[";
  for (auto [axis, size] : enumerate(type.getShape()))
    text += (axis ? ", " : "") + std::to_string(size);
  text += "](";
  SmallVector<std::string> elements;
  if (isa<FloatType>(type.getElementType())) {
    SmallVector<llvm::APFloat> floats = floatsOf(value);
    llvm::append_range(elements, llvm::map_range(floats, number));
  } else if (std::optional<SmallVector<int64_t>> integers =
                 nn::readIntegers(value, type.getNumElements())) {
    for (int64_t each : *integers)
      elements.push_back(std::to_string(each));
  } else {
    error("", "a constant of " + dsl::nameOf(type.getElementType()) +
                  " cannot be written");
  }
  return text + llvm::join(elements, ", ") + ")";
}

std::string Printer::attributeText(StringRef op, Attribute value) {
  if (auto truth = dyn_cast<BoolAttr>(value))
    return truth.getValue() ? "true" : "false";
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return std::to_string(integer.getInt());
  if (auto real = dyn_cast<FloatAttr>(value))
    return number(real.getValue());
  if (auto text = dyn_cast<StringAttr>(value))
    return escaped(text.getValue());
  SmallVector<std::string> parts;
  if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
    for (int64_t each : list.asArrayRef())
      parts.push_back(std::to_string(each));
    return tupleText(parts);
  }
  if (auto list = dyn_cast<DenseF32ArrayAttr>(value)) {
    for (float each : list.asArrayRef())
      parts.push_back(number(llvm::APFloat(each)));
    return tupleText(parts);
  }
  if (auto list = dyn_cast<ArrayAttr>(value)) {
    for (Attribute each : list)
      parts.push_back(attributeText(op, each));
    return tupleText(parts);
  }
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return literal(elements);
  error(op, "an attribute cannot be written in the language");
  return "";
}

//===- Constants ----------------------------------------------------------===//

/// Strings have no file: they are part of the text, however many.
void Printer::strings(nn::StringsOp op) {
  SmallVector<std::string> sizes, elements;
  for (int64_t size : op.getShape())
    sizes.push_back(std::to_string(size));
  for (Attribute each : op.getValues())
    elements.push_back(escaped(cast<StringAttr>(each).getValue()));
  names[op] = "string[" + llvm::join(sizes, ", ") + "](" +
              llvm::join(elements, ", ") + ")";
}

void Printer::constant(nn::ConstantOp op) {
  int64_t count = cast<RankedTensorType>(op.getType()).getNumElements();
  if (count <= kMostInText && !hasOtherNan(op.getValue()))
    names[op] = literal(op.getValue());
  else
    stored(op);
}

void Printer::stored(nn::ConstantOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  StringRef given = "w";
  if (auto initializer = op->getAttrOfType<StringAttr>("nn.initializer"))
    given = initializer.getValue();
  if (auto param = op->getAttrOfType<DictionaryAttr>("nn.param"))
    given = param.getAs<StringAttr>("path").getValue();
  std::string name = identifier(given, "w");
  names[op] = name;
  ArrayRef<char> bytes;
  if (std::optional<ArrayRef<char>> raw = nn::rawBytes(op.getValue())) {
    bytes = *raw;
  } else {
    result.copies.push_back(
        std::make_unique<SmallVector<char>>(nn::copyBytes(op.getValue())));
    bytes = *result.copies.back();
  }
  bool isReal = isa<FloatType>(type.getElementType());
  params += std::string("  ") + (isReal ? "param " : "state ") + name + ": " +
            typeText(type, {}) + " = stored(\"" + weightsFile.str() + "\")\n";
  NamedTensor tensor;
  tensor.name = netName + "." + name;
  tensor.type = storedName(type.getElementType());
  tensor.dims.assign(type.getShape().begin(), type.getShape().end());
  tensor.bytes = bytes;
  result.tensors.push_back(std::move(tensor));
}
