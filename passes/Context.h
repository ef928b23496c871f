// Context.h - how compiled code uses the run context of burnish.h.
#pragma once
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// Bits of a pointer on the module's target; 64 without one.
unsigned pointerBits(mlir::ModuleOp module);

/// The fields of burnish_context, in order (runtime/abi.def).
enum class ContextSlot {
  ParallelFor,
  Allocate,
  Release,
  Weights,
  Text,
  Misfit
};

/// What a slot of the context holds.
mlir::Value loadSlot(mlir::ImplicitLocOpBuilder &builder, mlir::Value context,
                     ContextSlot slot);

/// i64 (i64, i64): the product of two sizes; -1 when one is negative or it is
/// more than the target's memory could hold.
mlir::LLVM::LLVMFuncOp multiplyFunction(mlir::ModuleOp module);
/// ptr (ptr context, i64 bytes): memory from the context; null when it has
/// none, or for a negative size.
mlir::LLVM::LLVMFuncOp allocateFunction(mlir::ModuleOp module);
/// void (ptr context, ptr): gives it back.
mlir::LLVM::LLVMFuncOp releaseFunction(mlir::ModuleOp module);

/// void (ptr context, ptr text, i64 left, i64 right, i32 count): says in the
/// context, where anybody asks, which shapes did not fit (burnish_misfit).
mlir::LLVM::LLVMFuncOp misfitFunction(mlir::ModuleOp module);

/// A memref<?xi8> over `bytes` (i64) at `pointer`.
mlir::Value bufferAt(mlir::ImplicitLocOpBuilder &builder, mlir::Value pointer,
                     mlir::Value bytes, unsigned indexBits);

} // namespace burnish
