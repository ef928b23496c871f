// Import.h - from a .nn file to a module in the nn dialect.
#pragma once
#include "frontend/Import.h"
#include <functional>
#include <optional>

namespace burnish {

/// A function of a recipe, or the description that goes with them.
enum class TrainingRole {
  None,
  Step,
  Eval,
  EvalOne,
  Predict,
  Trace,
  Description
};

struct NetworkOptions : ImportOptions {
  /// The net, or the name that an export gives one; empty: the last export
  /// where `prefersExports`, else the last net.
  std::string net;
  /// The text of the file, where it is not to be read from `path`.
  std::optional<std::string> text;
  bool prefersExports = false;
  /// A safetensors file with the values of all params.
  std::string weights;
  /// What initialisers draw their numbers with.
  uint64_t seed = 0;
  /// False when a network is only checked.
  bool wantsValues = true;
  /// An ONNX model that the one recipe of the file trains.
  std::string model;
  /// What of the net's recipe is built in its place.
  TrainingRole training = TrainingRole::None;
  /// Whether the training says where its Predict is.
  bool predicts = false;
  /// Reads the ONNX files that a network imports.
  std::function<llvm::FailureOr<ImportedModel>(
      mlir::MLIRContext &, const ImportOptions &, Diagnostics &)>
      importOnnx;
};

struct ImportedNetwork : ImportedModel {
  /// What the network is called in C: where it was exported under a name, that
  /// name.
  std::string name;
};

/// Reads a .nn file, checks all of it, and builds one of its nets. Params are
/// constants with an attribute `nn.param`.
llvm::FailureOr<ImportedNetwork> importNetwork(mlir::MLIRContext &context,
                                               const NetworkOptions &options,
                                               Diagnostics &diagnostics);

/// The files that a network uses and imports, directly or not, as far as they
/// can be read; none for a file that is no network.
std::vector<std::string> networkFiles(llvm::StringRef path);

} // namespace burnish
