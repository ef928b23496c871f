// Object.h - from the LLVM dialect to machine code.
#pragma once
#include "codegen/Output.h"
#include "codegen/Split.h"
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

/// One model as optimised LLVM IR: a module, or, of a large one, parts that
/// threads compile. Its weights stay where they are until an object is written.
class Object {
public:
  /// `module` is in the LLVM dialect; attributes of nn on it say what is the
  /// model's interface (ir/Signature.h).
  static llvm::Expected<Object> translate(mlir::ModuleOp module,
                                          const Target &target,
                                          const ObjectOptions &options);

  /// The same with a module for each of several targets, which differ in their
  /// CPUs: the model runs the last one that the CPU it is on has all for, and
  /// the first when that is none.
  static llvm::Expected<Object>
  translate(llvm::ArrayRef<mlir::ModuleOp> modules,
            llvm::ArrayRef<Target> targets, const ObjectOptions &options);

  /// Several models that belong together, as one object; each keeps its own
  /// level. `name` is what others see of them: the symbol that the rest hangs
  /// on.
  static llvm::Expected<Object> combine(llvm::ArrayRef<mlir::ModuleOp> modules,
                                        llvm::ArrayRef<ObjectOptions> options,
                                        const Target &target,
                                        llvm::StringRef name);

  /// LLVM IR as text.
  llvm::Error print(llvm::raw_ostream &stream) const;
  llvm::Error writeAssembly(Output &output);
  /// The relocatable object. May be called once, and nothing after it.
  llvm::Error write(Output &output);
  /// The same for the linker here, with room in place of the weights: neither
  /// the linker nor the object then has them, and `fillRoom` puts them into
  /// what was linked.
  llvm::Error writeWithRoom(Output &output);
  llvm::Error fillRoom(Output &linked) const;
  bool hasRoom() const { return !room.empty(); }

  /// What goes to a file of their own where it is not in the object.
  const Weights &weights() const { return constants[0].weights; }

private:
  Object() = default;
  static llvm::Expected<Object>
  translate(mlir::ModuleOp module, const Target &target,
            const ObjectOptions &options,
            std::shared_ptr<llvm::LLVMContext> context);
  void setAttributes(const Target &target);
  void allowContraction();
  void keepInterface(llvm::StringRef name);
  std::unique_ptr<llvm::TargetMachine> makeMachine() const;
  /// Takes the module apart, and calls `work` with each part, in threads.
  llvm::Error
  split(llvm::function_ref<void(Part &, llvm::TargetMachine &)> work);
  llvm::Error optimize();
  /// Puts the parts back together.
  llvm::Error join();

  llvm::Error append(Object variant, llvm::StringRef name);
  void makeVariant(llvm::StringRef name, size_t number);

  /// The bytes behind a symbol; of several CPUs often the same.
  struct Constants {
    std::string symbol;
    Weights weights;
  };

  std::shared_ptr<llvm::LLVMContext> context;
  /// Null while there are parts.
  std::unique_ptr<llvm::Module> llvm;
  std::vector<Part> parts;
  /// What is the module's own, though its parts see each other's.
  llvm::StringSet<> internal;
  Target target;
  unsigned level = 2;
  bool isHuge = false;
  llvm::SmallVector<Constants, 1> constants;
  /// Weights that have room, in its order.
  llvm::SmallVector<const Constants *, 1> room;
  llvm::SmallVector<const Constants *, 1> usedConstants() const;
  bool uses(llvm::StringRef symbol) const;
  llvm::Error emitObject(Output &output, llvm::StringRef filled = "");
  llvm::Error emitParts(Output &output, llvm::StringRef filled);
  /// Whether an object is written in parts; takes the module apart if so.
  llvm::Expected<bool> isInParts();
  void addRoom(const Constants &one, llvm::StringRef section);
  bool embedsWeights = true;
};

} // namespace burnish
