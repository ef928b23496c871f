// ElementTypes.cpp - what the language calls element types.
#include "frontend/dsl/Term.h"
#include "ir/Types.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace burnish;

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
