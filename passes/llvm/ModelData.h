// ModelData.h - the record by which a program finds a compiled model.
#pragma once
#include "ir/Signature.h"

namespace burnish {

/// What a burnish_model has beside its inputs and outputs. `run` and
/// `workspaceSize` are symbols of functions; the second may be empty.
struct ModelFacts {
  llvm::StringRef run, workspaceSize;
  /// -1 when only the sizes of inputs tell.
  int64_t workspaceBytes;
  /// Of weights that are not in the object.
  int64_t weightsFileBytes;
  bool allocates, makesStrings;
  /// Whether the model is the one of a program.
  bool isProgram;
};

/// Defines the burnish_model of a module in the LLVM dialect, with the
/// burnish_info of all its inputs and outputs (runtime/include/burnish.h).
void defineModel(mlir::ModuleOp module, const nn::Signature &signature,
                 const ModelFacts &facts);

} // namespace burnish
