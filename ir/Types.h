// Types.h - element types by ONNX's numbers.
#pragma once
#include "mlir/IR/BuiltinTypes.h"

namespace burnish::nn {

/// A string of bytes, UTF-8 by agreement: `!nn.string`. It is moved, compared
/// and looked up; nothing is computed with it.
class StringType
    : public mlir::Type::TypeBase<StringType, mlir::Type, mlir::TypeStorage> {
public:
  using Base::Base;
  static constexpr llvm::StringLiteral name = "nn.string";
};

/// Whether it is a string, or a tensor of them.
bool isString(mlir::Type type);

/// ONNX's number for an element type (TensorProto.DataType), as burnish.h uses
/// it; 0 for one that has none.
int onnxType(mlir::Type elementType);
/// The element type of one of ONNX's numbers; null for numbers that are none.
mlir::Type typeOfOnnx(int64_t number, mlir::MLIRContext *context);

} // namespace burnish::nn
