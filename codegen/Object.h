// Object.h - from the LLVM dialect to machine code.
#pragma once
#include "codegen/Output.h"
#include "codegen/Target.h"
#include "codegen/Weights.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace burnish {

struct ObjectOptions {
  unsigned level = 2;
  /// The weights are inside, in a read-only section of their own; else compiled
  /// code asks the context for them.
  bool embedsWeights = true;
};

/// One model as optimised LLVM IR. Its weights stay where they are until an
/// object is written.
class Object {
public:
  /// `module` is in the LLVM dialect; attributes of nn on it say what is the
  /// model's interface (ir/Signature.h).
  static llvm::Expected<Object> translate(mlir::ModuleOp module,
                                          const Target &target,
                                          const ObjectOptions &options);

  /// LLVM IR as text.
  void print(llvm::raw_ostream &stream) const { llvm->print(stream, nullptr); }
  llvm::Error writeAssembly(Output &output);
  /// The relocatable object. May be called once, and nothing after it.
  llvm::Error write(Output &output);

  const Weights &weights() const { return constants; }

private:
  Object() = default;
  llvm::Error emit(llvm::raw_pwrite_stream &stream, bool isAssembly);
  void setAttributes(const Target &target);
  void keepInterface(llvm::StringRef name);
  void optimize(unsigned level);

  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> llvm;
  std::unique_ptr<llvm::TargetMachine> machine;
  Weights constants;
  std::string weightsSymbol;
};

} // namespace burnish
