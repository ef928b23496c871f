// Split.h - a module in parts that threads compile, each by itself.
#pragma once
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace burnish {

/// Some of the functions of a module. The first part has everything else, too.
struct Part {
  /// Threads share no context.
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

/// A module by its functions. Which part has which depends on the module alone,
/// never on how many threads there are.
class Split {
public:
  /// Whether a module is large enough to be worth it.
  static bool pays(const llvm::Module &module);

  /// What only `module` sees becomes hidden, so that its parts see it.
  explicit Split(llvm::Module &module);

  size_t count() const { return parts; }
  /// Threads may read at once.
  llvm::Expected<Part> read(size_t part) const;
  /// What was the module's own, by name.
  llvm::StringSet<> takeInternal() { return std::move(internal); }

private:
  void assign(const llvm::Module &module);

  size_t parts = 1;
  llvm::StringSet<> internal;
  /// The part of each function that has a body.
  llvm::StringMap<size_t> partOf;
  /// Small functions, which parts may put where they are called.
  llvm::StringSet<> small;
  std::string bitcode;
};

/// Puts parts back into one module. `internal` is its own again.
llvm::Expected<std::unique_ptr<llvm::Module>>
joinParts(llvm::ArrayRef<Part> parts, const llvm::StringSet<> &internal,
          llvm::LLVMContext &context);

/// Calls `work` with 0 to count - 1, on as many threads as the machine has.
void inParallel(size_t count, llvm::function_ref<void(size_t)> work);

} // namespace burnish
