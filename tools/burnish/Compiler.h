// Compiler.h - the way from a model file to whatever is asked for.
#pragma once
#include "codegen/Object.h"
#include "frontend/dsl/Import.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "tools/burnish/Options.h"
#include "tools/burnish/Progress.h"

namespace burnish {

/// Says what went wrong on the standard error, as `burnish: ...`. Always false.
bool complain(llvm::Error error);

/// Whether a file is a network in Burnish's own language.
bool isNetwork(llvm::StringRef path);
/// What the options say to the importers; path and name are the caller's.
NetworkOptions importOptions(const Options &options);

/// One model on its way through the compiler. Each step is false after it has
/// said why on `talk`.
class Compiler {
public:
  /// `talk` is where diagnostics go.
  Compiler(const Options &options, llvm::raw_ostream &talk);
  ~Compiler();

  /// Loads every dialect, so that processes forked from this one need not.
  static void warmUp();

  /// Reads a model file; `name` is what it is called in C.
  bool load(llvm::StringRef path, llvm::StringRef name);
  /// Drops what no result depends on.
  void dropUnused();
  /// Lowers the module to the level of `stage`, one of those that are modules;
  /// Llvm stands for the LLVM dialect.
  bool lower(Emit stage);
  /// Lowers all the way; the object holds on to nothing of the module but its
  /// weights.
  llvm::Expected<Object> object();

  /// The module of the first CPU.
  mlir::ModuleOp module() const { return *modules[0]; }
  Progress &progress() { return line; }
  const Target &target() const { return targets[0]; }
  /// What C calls the model, or the training.
  const std::string &name() const {
    return parts.empty() ? identifier : parts[0]->compiler->identifier;
  }
  /// Whether the compiled model has weights in a file of their own, and their
  /// bytes.
  int64_t weightsFileBytes() const;
  /// Bytes of the workspace, of the CPU that wants most; after Emit::Loops.
  int64_t workspaceBytes() const;
  /// The header of the model; after lowering.
  std::string header() const;

private:
  bool lower(mlir::ModuleOp module, const Target &target, Emit stage);
  /// Says why the file will not do; always false.
  bool refuse(const llvm::Twine &why);
  bool fitsFile();
  bool parseModule();
  bool import();
  bool chooseTargets();
  /// Puts measured schedules where the passes look for them.
  bool takeSchedules(mlir::ModuleOp module, const Target &target);
  bool isDescription() const;

  const Options &options;
  llvm::raw_ostream &talk;
  std::unique_ptr<mlir::MLIRContext> context;
  std::shared_ptr<void> storage;
  /// One module for each CPU that code is made for.
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  std::vector<Target> targets;
  Progress line;
  int64_t diagnosticCount = 0;
  /// Of a training: what it has beside its step, each compiled like a model.
  struct Part {
    Options options;
    std::unique_ptr<Compiler> compiler;
  };
  std::vector<std::unique_ptr<Part>> parts;
  bool loadParts(llvm::StringRef path);
  std::string trainingHeader() const;
  std::string file, identifier;
  /// The last phase that is done.
  std::optional<Emit> reached;
};

} // namespace burnish
