// NetworkImporter.h - from a .nn file to a module, a piece in each file.
//
// Import reads files and puts all together, Exports chooses the net,
// NetFunction makes a function of it, TrainedModel a net of the model that a
// recipe trains.
#pragma once
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/Import.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish::dsl {

/// What lives as long as the module: texts are gone then, weights are not.
struct NetworkStorage {
  std::vector<std::shared_ptr<SafeTensors>> weights;
  std::vector<std::shared_ptr<void>> imports;
};

class NetworkImporter {
public:
  NetworkImporter(mlir::MLIRContext &context, const NetworkOptions &options,
                  Diagnostics &diagnostics)
      : context(context), options(options), diagnostics(diagnostics),
        messages(sources, diagnostics), program(messages, sources) {}

  llvm::FailureOr<ImportedNetwork> run();

private:
  bool read();
  mlir::ModuleOp importFile(const Import &import, const ImportOptions &model);
  void readImports();
  bool checkInput(mlir::func::FuncOp model, unsigned index, Span span);
  bool readModel();
  bool checkExports();
  bool choose();
  bool readWeights();
  std::optional<mlir::RankedTensorType>
  inputType(const TensorParam &param,
            llvm::SmallVector<llvm::StringRef> &names);
  mlir::func::FuncOp function(mlir::ModuleOp module, ParamSource &params,
                              const Layer &net, llvm::StringRef name);
  void checkRecipes();
  bool training(mlir::ModuleOp module, ParamSource &params,
                llvm::StringRef name);

  mlir::MLIRContext &context;
  const NetworkOptions &options;
  Diagnostics &diagnostics;
  Sources sources;
  Messages messages;
  Program program;
  Unit *unit = nullptr;
  const Layer *net = nullptr;
  std::map<std::string, int64_t> dims;
  std::string cName;
  std::shared_ptr<SafeTensors> weights;
  std::shared_ptr<NetworkStorage> storage = std::make_shared<NetworkStorage>();
  std::map<std::string, mlir::ModuleOp> imports;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> importedModules;
  /// The model that is trained, as if the file imported it.
  Import whole;
  std::string wholeName;
};

/// The net of a name, or null after a report.
const Layer *findNet(const Unit &unit, Ident name, Messages &messages);

/// The dims of a net's inputs that are names.
std::map<llvm::StringRef, Span> openDims(const Layer &net);

} // namespace burnish::dsl
