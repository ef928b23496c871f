// burnish-opt.cpp - runs passes on modules, as mlir-opt does.
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Pipeline.h"

int main(int argc, char **argv) {
  if (mlir::failed(burnish::verifyOrder({}, llvm::errs())))
    return 1;
  mlir::DialectRegistry registry;
  burnish::registerDialects(registry);
  burnish::registerPipelines();
  mlir::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Burnish's optimiser\n", registry));
}
