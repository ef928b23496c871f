// Optimize.cpp - LLVM's optimiser, and what is kept from it.
#include "codegen/Optimize.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Passes/PassBuilder.h"

using namespace burnish;
using llvm::StringRef, llvm::dyn_cast;

void burnish::keepCallsApart(llvm::Module &module) {
  constexpr size_t kManyCalls = 100;
  for (llvm::Function &function : module) {
    llvm::SmallVector<llvm::CallBase *> calls;
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = dyn_cast<llvm::CallBase>(&instruction))
        if (llvm::Function *callee = call->getCalledFunction();
            callee && !callee->isDeclaration())
          calls.push_back(call);
    if (calls.size() > kManyCalls)
      for (llvm::CallBase *call : calls)
        call->setIsNoInline();
  }
}

void burnish::leaveStraightCode(llvm::Module &module) {
  constexpr size_t kLong = 2000;
  for (llvm::Function &function : module) {
    if (function.getInstructionCount() < kLong ||
        llvm::any_of(llvm::instructions(function),
                     [](const llvm::Instruction &instruction) {
                       return instruction.getType()->isVectorTy();
                     }))
      continue;
    llvm::SmallVector<
        std::pair<const llvm::BasicBlock *, const llvm::BasicBlock *>>
        loops;
    llvm::FindFunctionBackedges(function, loops);
    if (!loops.empty())
      continue;
    function.addFnAttr(llvm::Attribute::NoInline);
    function.addFnAttr(llvm::Attribute::OptimizeNone);
  }
}

/// Whether a pass of LLVM's may run on a function: this one takes the cube of
/// how many branches there are, which took 40 of the 42 s of 500 outputs with
/// sizes of run time.
static bool isWorthItsTime(StringRef pass, llvm::Any unit) {
  constexpr size_t kManyBlocks = 300;
  auto *function = llvm::any_cast<const llvm::Function *>(&unit);
  return pass != "ConstraintEliminationPass" || !function ||
         (*function)->size() < kManyBlocks;
}

void burnish::optimize(llvm::Module &module, llvm::TargetMachine &machine,
                       unsigned level) {
  static const llvm::OptimizationLevel kLevels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(isWorthItsTime);
  llvm::PassBuilder builder(&machine, llvm::PipelineTuningOptions(),
                            std::nullopt, &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::OptimizationLevel chosen = kLevels[std::min(level, 3u)];
  llvm::ModulePassManager passes =
      level == 0 ? builder.buildO0DefaultPipeline(chosen)
                 : builder.buildPerModuleDefaultPipeline(chosen);
  passes.run(module, modules);
}
