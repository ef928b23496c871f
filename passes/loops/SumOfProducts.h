// SumOfProducts.h - contractions as linalg has them: sums of products.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

bool isConstant(mlir::Value value);
/// Whether the body is sum + a * b of f32.
bool isSumOfProducts(mlir::linalg::GenericOp op);
/// Whether sums start from a tensor of zeros.
bool startsFromZero(mlir::linalg::GenericOp op);
/// Such an operation, whose last loops are the `reductions`.
mlir::Value makeSumOfProducts(mlir::ImplicitLocOpBuilder &b, mlir::Value left,
                              mlir::Value right, mlir::Value init,
                              llvm::ArrayRef<mlir::AffineMap> maps,
                              unsigned reductions);

} // namespace burnish
