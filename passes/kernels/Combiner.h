// Combiner.h - how partial results of a reduction are put together.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// The one operation of a reduction's body that takes the running result.
struct Combiner {
  /// Nothing when there is no such operation, or when it has no neutral element
  /// or no reduction of vectors.
  static std::optional<Combiner> of(mlir::linalg::GenericOp generic);

  mlir::Value neutral(mlir::ImplicitLocOpBuilder &b) const;
  mlir::Value combine(mlir::ImplicitLocOpBuilder &b, mlir::Value left,
                      mlir::Value right) const;
  /// One scalar from partial results (vectors or scalars of one type).
  mlir::Value total(mlir::ImplicitLocOpBuilder &b,
                    llvm::ArrayRef<mlir::Value> partial) const;

  mlir::Operation *op;
  mlir::vector::CombiningKind kind;
  /// Of a greatest value: where the left one is no number, it is the right one.
  bool ignoresNaN = false;
};

} // namespace burnish
