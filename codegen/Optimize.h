// Optimize.h - LLVM's optimiser, and what is kept from it.
#pragma once
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace burnish {

/// Keeps kernels out of functions that call very many: LLVM takes the square of
/// what a function has in blocks, or a block in stores, and more of loops whose
/// places are sums of many sizes of run time. 1000 outputs took 12 s, a chain
/// of 5000 products and 250 joined tensors minutes.
void keepCallsApart(llvm::Module &module);

/// Has LLVM take long code without loops and vectors, the calls of a model in a
/// row, as it is: a run goes through it once, and what is done to it takes the
/// square of its length.
void leaveStraightCode(llvm::Module &module);

/// LLVM's own pipeline of a level from 0 to 3.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned level);

} // namespace burnish
