// Evaluate.h - runs a module in this process, by its plain meaning.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "runtime/include/burnish.h"

namespace burnish {

/// Compiles the model of `module` (nn, static sizes) at level 0 for this
/// machine, runs it on `inputs` (row-major, as stored) and returns the bytes of
/// each output. Consumes the module's contents. Failure without a diagnostic
/// when the machine cannot, or the run does not end well: the caller leaves
/// things as they are.
llvm::FailureOr<llvm::SmallVector<llvm::SmallVector<char>>>
evaluate(mlir::ModuleOp module, llvm::ArrayRef<llvm::ArrayRef<char>> inputs);

/// Slots of a context whose memory is malloc's, aligned to 64; `release` takes
/// what `allocate` gave.
void *allocateAligned(const burnish_context *context, int64_t bytes);
void releaseAligned(const burnish_context *context, void *pointer);

} // namespace burnish
