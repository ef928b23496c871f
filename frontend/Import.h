// Import.h - from a model file to a module in the nn dialect.
#pragma once
#include "frontend/Diagnostics.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <memory>
#include <optional>

namespace burnish {

struct ImportOptions {
  /// The file; `-` is the standard input.
  std::string path;
  /// The name of the model's function: a C identifier.
  std::string name = "model";
  /// Sizes for symbolic dims by name.
  std::map<std::string, int64_t> dims;
  /// Whole shapes of inputs by name.
  std::map<std::string, std::vector<int64_t>> shapes;
  /// How many elements inputs that are sequences have. Of optional inputs:
  /// whether they are there; a tensor that is has length 1.
  std::map<std::string, int64_t> lengths;
  static constexpr int64_t kAbsent = -1;
  /// The size of a batch, and what dims of that size are called; first dims of
  /// inputs that nothing else gives a size have it, too.
  std::optional<std::pair<std::string, int64_t>> batch;
  /// Whether constants that were initialisers say so, in an attribute
  /// `nn.initializer` with the name.
  bool namesInitializers = false;
};

/// A model as a module with one public function. Constants of the module lie in
/// `storage` (the mapped file), which must be kept as long as the module's
/// context.
struct ImportedModel {
  std::shared_ptr<void> storage;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Imports a model; failure after at least one diagnostic, and after as many as
/// there are things wrong. The context needs the nn and func dialects loaded.
llvm::FailureOr<ImportedModel> importModel(mlir::MLIRContext &context,
                                           const ImportOptions &options,
                                           Diagnostics &diagnostics);

} // namespace burnish
