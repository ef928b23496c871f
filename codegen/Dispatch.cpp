// Dispatch.cpp - one model compiled for several CPUs, and the choice between
// them.
#include "codegen/Dispatch.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Target/TargetMachine.h"

using namespace burnish;
using llvm::StringRef;

namespace {
/// The words that CPUID and XGETBV tell about a CPU and its operating system.
enum Word {
  Leaf1C,
  Leaf7B,
  Leaf7C,
  Leaf7D,
  Leaf71A,
  Leaf71D,
  ExtendedC,
  Xcr0,
  WordCount
};

struct Bit {
  StringRef feature;
  Word word;
  unsigned bit;
};
} // namespace

/// The features whose instructions LLVM chooses by itself, where CPUID has
/// them.
static constexpr Bit kBits[] = {
    {"sse3", Leaf1C, 0},
    {"pclmul", Leaf1C, 1},
    {"ssse3", Leaf1C, 9},
    {"fma", Leaf1C, 12},
    {"cx16", Leaf1C, 13},
    {"sse4.1", Leaf1C, 19},
    {"sse4.2", Leaf1C, 20},
    {"movbe", Leaf1C, 22},
    {"popcnt", Leaf1C, 23},
    {"aes", Leaf1C, 25},
    {"avx", Leaf1C, 28},
    {"f16c", Leaf1C, 29},
    {"bmi", Leaf7B, 3},
    {"avx2", Leaf7B, 5},
    {"bmi2", Leaf7B, 8},
    {"avx512f", Leaf7B, 16},
    {"avx512dq", Leaf7B, 17},
    {"adx", Leaf7B, 19},
    {"avx512ifma", Leaf7B, 21},
    {"avx512cd", Leaf7B, 28},
    {"sha", Leaf7B, 29},
    {"avx512bw", Leaf7B, 30},
    {"avx512vl", Leaf7B, 31},
    {"avx512vbmi", Leaf7C, 1},
    {"avx512vbmi2", Leaf7C, 6},
    {"gfni", Leaf7C, 8},
    {"vaes", Leaf7C, 9},
    {"vpclmulqdq", Leaf7C, 10},
    {"avx512vnni", Leaf7C, 11},
    {"avx512bitalg", Leaf7C, 12},
    {"avx512vpopcntdq", Leaf7C, 14},
    {"amx-bf16", Leaf7D, 22},
    {"avx512fp16", Leaf7D, 23},
    {"amx-tile", Leaf7D, 24},
    {"amx-int8", Leaf7D, 25},
    {"avxvnni", Leaf71A, 4},
    {"avx512bf16", Leaf71A, 5},
    {"amx-fp16", Leaf71A, 21},
    {"avxifma", Leaf71A, 23},
    {"avxvnniint8", Leaf71D, 4},
    {"avxneconvert", Leaf71D, 5},
    {"sahf", ExtendedC, 0},
    {"lzcnt", ExtendedC, 5},
    {"sse4a", ExtendedC, 6},
    {"xop", ExtendedC, 11},
    {"fma4", ExtendedC, 16},
    {"tbm", ExtendedC, 21},
};

std::string burnish::variantName(StringRef symbol, size_t variant) {
  return (symbol + "." + llvm::Twine(variant)).str();
}

/// The bits that must be set for `target`, by word.
static std::array<uint32_t, WordCount> neededBits(const Target &target) {
  std::array<uint32_t, WordCount> needed{};
  std::unique_ptr<llvm::TargetMachine> machine = target.machine(2);
  const llvm::MCSubtargetInfo &info = *machine->getMCSubtargetInfo();
  for (const Bit &bit : kBits)
    if (info.checkFeatures(("+" + bit.feature).str()))
      needed[bit.word] |= 1u << bit.bit;
  // The operating system must save the registers: xmm and ymm, zmm and masks,
  // tiles.
  constexpr uint32_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  if (info.checkFeatures("+avx"))
    needed[Xcr0] |= kYmm;
  if (info.checkFeatures("+avx512f"))
    needed[Xcr0] |= kZmm;
  if (info.checkFeatures("+amx-tile"))
    needed[Xcr0] |= kTiles;
  return needed;
}

namespace {
class DispatchBuilder {
public:
  DispatchBuilder(llvm::Module &module, StringRef name,
                  llvm::ArrayRef<Target> targets)
      : module(module), name(name), targets(targets), b(module.getContext()),
        i32(b.getInt32Ty()) {}

  void build() {
    llvm::Function *choose = buildChoose();
    for (StringRef suffix : {"_run", "_workspace_size"})
      if (llvm::Function *first =
              module.getFunction(variantName((name + suffix).str(), 0)))
        buildForward((name + suffix).str(), first->getFunctionType(),
                     llvm::GlobalValue::ExternalLinkage, choose,
                     [&](size_t variant) {
                       return module.getFunction(
                           variantName((name + suffix).str(), variant));
                     });
    buildModel(choose);
  }

private:
  /// i32 choose(): the number of the variant to run.
  llvm::Function *buildChoose() {
    auto *known = new llvm::GlobalVariable(module, i32, /*isConstant=*/false,
                                           llvm::GlobalValue::InternalLinkage,
                                           b.getInt32(0), name + "_cpu");
    llvm::Function *choose =
        function(name + "_choose", llvm::FunctionType::get(i32, false),
                 llvm::GlobalValue::InternalLinkage);
    auto *entry = llvm::BasicBlock::Create(module.getContext(), "", choose),
         *ask = llvm::BasicBlock::Create(module.getContext(), "", choose),
         *done = llvm::BasicBlock::Create(module.getContext(), "", choose);
    b.SetInsertPoint(entry);
    // Threads that ask at once find the same answer.
    llvm::LoadInst *before = b.CreateLoad(i32, known);
    before->setAtomic(llvm::AtomicOrdering::Monotonic);
    before->setAlignment(llvm::Align(4));
    b.CreateCondBr(b.CreateICmpEQ(before, b.getInt32(0)), ask, done);
    b.SetInsertPoint(ask);
    std::array<llvm::Value *, WordCount> words = askProcessor();
    llvm::Value *answer = b.getInt32(1);
    for (size_t variant = 1; variant < targets.size(); ++variant) {
      llvm::Value *hasAll = b.getTrue();
      for (auto [word, bits] : llvm::enumerate(neededBits(targets[variant])))
        if (bits)
          hasAll =
              b.CreateAnd(hasAll, b.CreateICmpEQ(b.CreateAnd(words[word], bits),
                                                 b.getInt32(bits)));
      answer = b.CreateSelect(hasAll, b.getInt32(variant + 1), answer);
    }
    llvm::StoreInst *after = b.CreateStore(answer, known);
    after->setAtomic(llvm::AtomicOrdering::Monotonic);
    after->setAlignment(llvm::Align(4));
    b.CreateBr(done);
    b.SetInsertPoint(done);
    llvm::PHINode *result = b.CreatePHI(i32, 2);
    result->addIncoming(before, entry);
    result->addIncoming(answer, ask);
    b.CreateRet(b.CreateSub(result, b.getInt32(1)));
    return choose;
  }

  /// eax, ebx, ecx, edx of CPUID.
  std::array<llvm::Value *, 4> cpuid(uint32_t leaf, uint32_t subleaf) {
    auto *type = llvm::FunctionType::get(
        llvm::StructType::get(i32, i32, i32, i32), {i32, i32}, false);
    auto *assembly = llvm::InlineAsm::get(
        type, "cpuid",
        "={ax},={bx},={cx},={dx},0,2,~{dirflag},~{fpsr},~{flags}",
        /*hasSideEffects=*/true);
    llvm::Value *all =
        b.CreateCall(type, assembly, {b.getInt32(leaf), b.getInt32(subleaf)});
    std::array<llvm::Value *, 4> registers;
    for (unsigned index = 0; index < 4; ++index)
      registers[index] = b.CreateExtractValue(all, index);
    return registers;
  }

  std::array<llvm::Value *, WordCount> askProcessor() {
    enum { A, B, C, D };
    std::array<llvm::Value *, WordCount> words;
    auto ifAtLeast = [&](llvm::Value *value, llvm::Value *limit,
                         uint32_t least) {
      return b.CreateSelect(b.CreateICmpUGE(limit, b.getInt32(least)), value,
                            b.getInt32(0));
    };
    llvm::Value *leaves = cpuid(0, 0)[A],
                *extendedLeaves = cpuid(0x80000000, 0)[A];
    auto leaf1 = cpuid(1, 0), leaf7 = cpuid(7, 0), leaf71 = cpuid(7, 1),
         extended = cpuid(0x80000001, 0);
    llvm::Value *subleaves = ifAtLeast(leaf7[A], leaves, 7);
    words[Leaf1C] = leaf1[C];
    words[Leaf7B] = ifAtLeast(leaf7[B], leaves, 7);
    words[Leaf7C] = ifAtLeast(leaf7[C], leaves, 7);
    words[Leaf7D] = ifAtLeast(leaf7[D], leaves, 7);
    words[Leaf71A] = ifAtLeast(leaf71[A], subleaves, 1);
    words[Leaf71D] = ifAtLeast(leaf71[D], subleaves, 1);
    words[ExtendedC] = ifAtLeast(extended[C], extendedLeaves, 0x80000001);
    words[Xcr0] = xgetbv(leaf1[C]);
    return words;
  }

  /// The low half of XCR0; 0 where the operating system has not enabled the
  /// instruction, which is then not run.
  llvm::Value *xgetbv(llvm::Value *leaf1C) {
    // A conditional move would run it: `jc` around it, in one piece of
    // assembly.
    auto *type = llvm::FunctionType::get(i32, {i32}, false);
    auto *assembly = llvm::InlineAsm::get(
        type,
        "xorl %eax, %eax\n\tbtl $$27, $1\n\tjnc 1f\n\txorl %ecx, %ecx\n\t.byte "
        "0x0f, 0x01, 0xd0\n1:",
        "=&{ax},r,~{cx},~{dx},~{dirflag},~{fpsr},~{flags}",
        /*hasSideEffects=*/true);
    return b.CreateCall(type, assembly, {leaf1C});
  }

  llvm::Function *function(const llvm::Twine &symbol, llvm::FunctionType *type,
                           llvm::GlobalValue::LinkageTypes linkage) {
    auto *made = llvm::Function::Create(type, linkage, symbol, module);
    made->setDoesNotThrow();
    made->addFnAttr("target-cpu", targets[0].cpu);
    if (!targets[0].features.empty())
      made->addFnAttr("target-features", targets[0].features);
    return made;
  }

  /// A function that calls the chosen variant's with its own arguments.
  llvm::Function *
  buildForward(const std::string &symbol, llvm::FunctionType *type,
               llvm::GlobalValue::LinkageTypes linkage, llvm::Function *choose,
               llvm::function_ref<llvm::Function *(size_t)> variantOf) {
    llvm::Function *forward = function(symbol, type, linkage);
    auto *entry = llvm::BasicBlock::Create(module.getContext(), "", forward);
    std::vector<llvm::BasicBlock *> blocks;
    std::vector<llvm::Value *> arguments;
    for (llvm::Argument &argument : forward->args())
      arguments.push_back(&argument);
    for (size_t variant = 0; variant < targets.size(); ++variant) {
      blocks.push_back(
          llvm::BasicBlock::Create(module.getContext(), "", forward));
      b.SetInsertPoint(blocks.back());
      llvm::CallInst *call = b.CreateCall(variantOf(variant), arguments);
      call->setTailCall();
      b.CreateRet(call);
    }
    b.SetInsertPoint(entry);
    llvm::SwitchInst *select =
        b.CreateSwitch(b.CreateCall(choose), blocks[0], targets.size() - 1);
    for (size_t variant = 1; variant < targets.size(); ++variant)
      select->addCase(b.getInt32(variant), blocks[variant]);
    return forward;
  }

  /// The first variant's burnish_model, with a run that chooses and the
  /// workspace of the neediest.
  void buildModel(llvm::Function *choose) {
    constexpr unsigned kWorkspace = 5, kRun = 8, kWorkspaceSize = 9;
    auto modelOf = [&](size_t variant) {
      return module.getNamedGlobal(variantName(name, variant));
    };
    llvm::GlobalVariable *first = modelOf(0);
    auto *fields = llvm::cast<llvm::ConstantStruct>(first->getInitializer());
    auto fieldOf = [&](size_t variant, unsigned field) {
      return modelOf(variant)->getInitializer()->getAggregateElement(field);
    };
    auto runOf = [&](size_t variant) {
      return llvm::cast<llvm::Function>(fieldOf(variant, kRun));
    };
    auto workspaceSizeOf = [&](size_t variant) {
      return llvm::cast<llvm::Function>(fieldOf(variant, kWorkspaceSize));
    };
    llvm::Function *run =
        buildForward(name + "_entry", runOf(0)->getFunctionType(),
                     llvm::GlobalValue::InternalLinkage, choose, runOf);
    int64_t workspace = 0;
    for (size_t variant = 0; variant < targets.size(); ++variant) {
      int64_t own = llvm::cast<llvm::ConstantInt>(fieldOf(variant, kWorkspace))
                        ->getSExtValue();
      // One that dims decide without bounds leaves the whole without.
      workspace = own < 0 || workspace < 0 ? -1 : std::max(workspace, own);
    }
    auto values = llvm::map_to_vector(fields->operands(), [](llvm::Use &field) {
      return llvm::cast<llvm::Constant>(field.get());
    });
    values[kWorkspace] = b.getInt64(workspace);
    values[kRun] = run;
    // The same dims are known only at run time in all of them.
    if (!fieldOf(0, kWorkspaceSize)->isNullValue())
      values[kWorkspaceSize] = buildForward(
          name + "_workspace_of", workspaceSizeOf(0)->getFunctionType(),
          llvm::GlobalValue::InternalLinkage, choose, workspaceSizeOf);
    new llvm::GlobalVariable(
        module, first->getValueType(), /*isConstant=*/true,
        llvm::GlobalValue::ExternalLinkage,
        llvm::ConstantStruct::get(fields->getType(), values), name);
    for (size_t variant = 0; variant < targets.size(); ++variant) {
      modelOf(variant)->eraseFromParent();
      for (StringRef suffix : {"_run", "_workspace_size"})
        if (llvm::Function *function =
                module.getFunction(variantName(name + suffix.str(), variant))) {
          function->setVisibility(llvm::GlobalValue::DefaultVisibility);
          function->setLinkage(llvm::GlobalValue::InternalLinkage);
        }
    }
  }

  llvm::Module &module;
  std::string name;
  llvm::ArrayRef<Target> targets;
  llvm::IRBuilder<> b;
  llvm::Type *i32;
};
} // namespace

llvm::Error burnish::addDispatch(llvm::Module &module, StringRef name,
                                 llvm::ArrayRef<Target> targets) {
  if (targets[0].triple.getArch() != llvm::Triple::x86_64)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "several CPUs in one result are for x86-64 only, not for %s",
        targets[0].triple.str().c_str());
  DispatchBuilder(module, name, targets).build();
  return llvm::Error::success();
}
