// Dispatch.h - one model compiled for several CPUs, and the choice between
// them.
#pragma once
#include "codegen/Target.h"
#include "llvm/IR/Module.h"

namespace burnish {

/// The name of `symbol` in the variant for CPU number `variant`.
std::string variantName(llvm::StringRef symbol, size_t variant);

/// Defines the model `name` and its functions in a module that has them for
/// each CPU under `variantName`: a call goes to the last variant that the CPU
/// it runs on can execute, and to the first when that is none. The question is
/// asked once in a process. Only for x86.
llvm::Error addDispatch(llvm::Module &module, llvm::StringRef name,
                        llvm::ArrayRef<Target> targets);

} // namespace burnish
