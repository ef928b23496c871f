// Work.h - how much loops compute and move.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The attribute of a call of a kernel's function that holds the kernel's Work.
constexpr llvm::StringLiteral kWorkAttr = "nn.work";
/// The attribute of a kernel that makes results of a convolution by minimal
/// filtering: how many products each result is the sum of.
constexpr llvm::StringLiteral kProductsAttr = "nn.products";

/// The attributes of kernels, and then of calls of their functions, by which a
/// table of schedules knows them: the shape that a schedule is for, and the
/// convolution that they are part of.
constexpr llvm::StringLiteral kShapeAttr = "nn.shape";
constexpr llvm::StringLiteral kPartOfAttr = "nn.part_of";

/// The operations of a body on an element of each of its operands. A function
/// like exp counts as what its polynomial takes.
int64_t operationsOf(mlir::Block &body);

/// What one execution takes, as far as sizes are known when compiling; the rest
/// counts nothing.
struct Work {
  /// Arithmetic operations on elements.
  int64_t operations = 0;
  /// Each operand and result once, as far as it is read or written; and the
  /// constants among them.
  int64_t bytes = 0, constantBytes = 0;
  /// The operations of the plain sums of products whose results this makes;
  /// 0: none.
  int64_t plainOperations = 0;
  /// The operations are products of bytes that an instruction adds up.
  bool isOfBytes = false;

  /// Of a kernel on buffers.
  static Work of(nn::KernelOp kernel);
  /// Of any operation on buffers: linalg, copies, and loops with these inside.
  static Work of(mlir::Operation *op);
  static Work of(mlir::DictionaryAttr attribute);
  mlir::DictionaryAttr attribute(mlir::MLIRContext *context) const;

  Work &operator+=(const Work &other);
  Work times(int64_t count) const;
};

} // namespace burnish
