// Ports.h - what the command line says of a model's inputs and outputs.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "tools/burnish/Options.h"

namespace burnish {

/// Says why options do not fit the model; always false.
using Refuse = llvm::function_ref<bool(const llvm::Twine &why)>;

/// Says on the arguments what `--dim NAME=FROM..TO` says of dims that only run
/// time knows.
bool boundDims(mlir::ModuleOp module, const Options &options, Refuse refuse);

/// Says on results which arguments they are in the next step, by `--state`.
/// What has fixed sizes is changed where it is, and what grows along a bounded
/// axis is added to where it is.
bool linkStates(mlir::ModuleOp module, const Options &options, Refuse refuse);

} // namespace burnish
