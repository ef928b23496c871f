// Signal.h - what operators of signals share.
#pragma once
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace burnish::nn {

/// The only element of a small integer operand, as a dim; null when there is no
/// expression for it. A diagnostic when it has several.
llvm::FailureOr<Dim> oneElement(mlir::Operation *op, ShapeScope &scope,
                                mlir::Value operand, llvm::StringRef name);

/// An index as a float of type `type`.
inline mlir::Value indexAsFloat(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                                mlir::Value index) {
  return mlir::arith::SIToFPOp::create(
      b, type, mlir::arith::IndexCastOp::create(b, b.getI64Type(), index));
}

} // namespace burnish::nn
