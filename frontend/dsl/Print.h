// Print.h - a module in the nn dialect as a network in the language.
#pragma once
#include "frontend/Diagnostics.h"
#include "frontend/dsl/SafeTensors.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>

namespace burnish::dsl {

struct PrintedNetwork {
  std::string text;
  /// What is too large for the text, for a file that the text names. The bytes
  /// are the module's.
  std::vector<NamedTensor> tensors;
  /// Copies of those that the module holds in another form.
  std::vector<std::unique_ptr<llvm::SmallVector<char>>> copies;
};

/// The one public function of a module as a net; nothing after a report.
/// `weightsFile` is what the text calls the file of the tensors.
std::optional<PrintedNetwork> printNetwork(mlir::ModuleOp module,
                                           llvm::StringRef weightsFile,
                                           Diagnostics &diagnostics);

} // namespace burnish::dsl
