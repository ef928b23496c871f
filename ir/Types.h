// Types.h - element types by ONNX's numbers.
#pragma once
#include "mlir/IR/BuiltinTypes.h"

namespace burnish::nn {

/// ONNX's number for an element type (TensorProto.DataType), as burnish.h uses
/// it; 0 for one that has none.
int onnxType(mlir::Type elementType);
/// The element type of one of ONNX's numbers; null for strings and numbers that
/// are none.
mlir::Type typeOfOnnx(int64_t number, mlir::MLIRContext *context);

} // namespace burnish::nn
