// Evaluate.h - runs a module in this process, by its plain meaning.
#pragma once
#include "ir/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/include/burnish.h"
#include <memory>

namespace burnish {

/// A model compiled at level 0 for this machine, in this process.
class Evaluator {
public:
  /// Compiles the model of `module` (nn, static sizes) and consumes the
  /// module's contents. Failure without a diagnostic when the machine cannot.
  /// `isQuick`: the code is made soon rather than well, to run once.
  static llvm::FailureOr<Evaluator> compile(mlir::ModuleOp module,
                                            bool isQuick = false);

  /// Runs it on `inputs` (row-major, as stored); the bytes of each output.
  /// Failure when the run does not end well.
  llvm::FailureOr<llvm::SmallVector<llvm::SmallVector<char>>>
  run(llvm::ArrayRef<llvm::ArrayRef<char>> inputs) const;

private:
  /// What keeps the machine code.
  std::shared_ptr<void> code;
  const burnish_model *model = nullptr;
  nn::Signature signature;
};

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
