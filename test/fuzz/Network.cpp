// Network.cpp - libFuzzer on the language: lexer, parser, names and checker.
//
//   ninja -C build/asan fuzz-network
//   build/asan/bin/fuzz-network -runs=1000000 -rss_limit_mb=2048 -timeout=10
//   -dict=test/fuzz/network.dict CORPUS
//
// A corpus to begin with: frontend/dsl/std and test/frontend/dsl/Inputs.
#include "frontend/dsl/Import.h"
#include "ir/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace burnish;

/// A context keeps all types and attributes it has seen, and costs more than
/// most inputs: one serves several.
static mlir::MLIRContext &contextOfNow() {
  constexpr unsigned kInputs = 50;
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned count = 0;
  if (count++ % kInputs == 0) {
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
    context->loadDialect<nn::NNDialect, mlir::func::FuncDialect>();
  }
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext &context = contextOfNow();
  Diagnostics diagnostics("fuzz.nn");
  NetworkOptions options;
  options.path = "fuzz.nn";
  options.text = std::string(reinterpret_cast<const char *>(data), size);
  options.wantsValues = false;
  llvm::FailureOr<ImportedNetwork> network =
      importNetwork(context, options, diagnostics);
  // What is refused is refused with a reason.
  if (llvm::failed(network) && !diagnostics.hasErrors())
    __builtin_trap();
  for (const Problem &problem : diagnostics.problems())
    (void)diagnostics.message(problem);
  return 0;
}
