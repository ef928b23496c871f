// Types.cpp - element types by ONNX's numbers.
#include "ir/Types.h"
#include "ir/Dialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace burnish;

void nn::NNDialect::registerTypes() { addTypes<StringType>(); }

Type nn::NNDialect::parseType(DialectAsmParser &parser) const {
  StringRef word;
  SMLoc where = parser.getCurrentLocation();
  if (failed(parser.parseKeyword(&word)))
    return {};
  if (word == "string")
    return StringType::get(getContext());
  parser.emitError(where, "unknown type '") << word << "'";
  return {};
}

void nn::NNDialect::printType(Type, DialectAsmPrinter &printer) const {
  printer << "string";
}

bool nn::isString(Type type) {
  return isa<StringType>(getElementTypeOrSelf(type));
}

int nn::onnxType(Type type) {
  if (auto complex = dyn_cast<ComplexType>(type))
    return complex.getElementType().isF32()   ? 14
           : complex.getElementType().isF64() ? 15
                                              : 0;
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return 9;
    case 2:
      return isUnsigned ? 25 : 26;
    case 4:
      return isUnsigned ? 21 : 22;
    case 8:
      return isUnsigned ? 2 : 3;
    case 16:
      return isUnsigned ? 4 : 5;
    case 32:
      return isUnsigned ? 12 : 6;
    case 64:
      return isUnsigned ? 13 : 7;
    default:
      return 0;
    }
  }
  return llvm::TypeSwitch<Type, int>(type)
      .Case<Float32Type>([](auto) { return 1; })
      .Case<StringType>([](auto) { return 8; })
      .Case<Float16Type>([](auto) { return 10; })
      .Case<Float64Type>([](auto) { return 11; })
      .Case<BFloat16Type>([](auto) { return 16; })
      .Case<Float8E4M3FNType>([](auto) { return 17; })
      .Case<Float8E4M3FNUZType>([](auto) { return 18; })
      .Case<Float8E5M2Type>([](auto) { return 19; })
      .Case<Float8E5M2FNUZType>([](auto) { return 20; })
      .Case<Float4E2M1FNType>([](auto) { return 23; })
      .Case<Float8E8M0FNUType>([](auto) { return 24; })
      .Case<Float6E2M3FNType>([](auto) { return 27; })
      .Case<Float6E3M2FNType>([](auto) { return 28; })
      .Default([](auto) { return 0; });
}

Type nn::typeOfOnnx(int64_t number, MLIRContext *context) {
  auto integer = [&](unsigned width, IntegerType::SignednessSemantics sign =
                                         IntegerType::Signless) {
    return IntegerType::get(context, width, sign);
  };
  switch (number) {
  case 1:
    return Float32Type::get(context);
  case 2:
    return integer(8, IntegerType::Unsigned);
  case 3:
    return integer(8);
  case 4:
    return integer(16, IntegerType::Unsigned);
  case 5:
    return integer(16);
  case 6:
    return integer(32);
  case 7:
    return integer(64);
  case 8:
    return StringType::get(context);
  case 9:
    return integer(1);
  case 10:
    return Float16Type::get(context);
  case 11:
    return Float64Type::get(context);
  case 12:
    return integer(32, IntegerType::Unsigned);
  case 13:
    return integer(64, IntegerType::Unsigned);
  case 14:
    return ComplexType::get(Float32Type::get(context));
  case 15:
    return ComplexType::get(Float64Type::get(context));
  case 16:
    return BFloat16Type::get(context);
  case 17:
    return Float8E4M3FNType::get(context);
  case 18:
    return Float8E4M3FNUZType::get(context);
  case 19:
    return Float8E5M2Type::get(context);
  case 20:
    return Float8E5M2FNUZType::get(context);
  case 21:
    return integer(4, IntegerType::Unsigned);
  case 22:
    return integer(4);
  case 23:
    return Float4E2M1FNType::get(context);
  case 24:
    return Float8E8M0FNUType::get(context);
  case 25:
    return integer(2, IntegerType::Unsigned);
  case 26:
    return integer(2);
  case 27:
    return Float6E2M3FNType::get(context);
  case 28:
    return Float6E3M2FNType::get(context);
  default:
    return {};
  }
}
