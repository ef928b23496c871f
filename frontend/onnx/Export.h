// Export.h - from a module in the nn dialect to an ONNX model.
#pragma once
#include "frontend/Diagnostics.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>
#include <string>

namespace burnish {

/// A module with one public function as the bytes of an ONNX model. Nothing
/// after a report. Operators are ONNX's but for their element types: a model of
/// what ONNX has in other operators only is one that its checker refuses.
std::optional<std::string> exportOnnx(mlir::ModuleOp module,
                                      Diagnostics &diagnostics);

} // namespace burnish
