// Evaluate.cpp - runs a module in this process, by its plain meaning.
#include "passes/graph/Evaluate.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "passes/Pipeline.h"

#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/TargetSelect.h"
#include <cstdlib>
#include <mutex>

using namespace mlir;
using namespace burnish;

/// The weights as an initialiser of their global: what is evaluated has only
/// small ones.
static void defineWeights(llvm::Module &llvmModule, ModuleOp module,
                          StringRef name) {
  llvm::GlobalVariable *global =
      llvmModule.getGlobalVariable((name + "_weights").str());
  if (!global)
    return;
  SmallVector<char> bytes(
      llvmModule.getDataLayout().getTypeAllocSize(global->getValueType()));
  ArrayRef<Attribute> placed =
      module->getAttrOfType<ArrayAttr>(nn::kWeightsAttr).getValue();
  for (size_t entry = 0; entry + 1 < placed.size(); entry += 2)
    llvm::copy(nn::copyBytes(cast<ElementsAttr>(placed[entry])),
               bytes.begin() + cast<IntegerAttr>(placed[entry + 1]).getInt());
  global->setInitializer(llvm::ConstantDataArray::getRaw(
      StringRef(bytes.data(), bytes.size()), bytes.size(),
      llvm::Type::getInt8Ty(llvmModule.getContext())));
}

/// A just-in-time compiled module, or null.
static std::unique_ptr<llvm::orc::LLJIT> compile(ModuleOp module,
                                                 StringRef name, bool isQuick) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
  auto orNull = [](auto expected) {
    using Pointer = std::decay_t<decltype(*expected)>;
    if (expected)
      return std::move(*expected);
    llvm::consumeError(expected.takeError());
    return Pointer();
  };
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> llvmModule =
      translateModuleToLLVMIR(module, *context);
  llvm::Expected<llvm::orc::JITTargetMachineBuilder> host =
      llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!host) {
    llvm::consumeError(host.takeError());
    return nullptr;
  }
  if (isQuick)
    host->setCodeGenOptLevel(llvm::CodeGenOptLevel::None);
  std::unique_ptr<llvm::orc::LLJIT> jit =
      orNull(llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*host))
                 .create());
  if (!llvmModule || !jit)
    return nullptr;
  llvmModule->setDataLayout(jit->getDataLayout());
  llvmModule->setTargetTriple(jit->getTargetTriple());
  defineWeights(*llvmModule, module, name);
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit->getDataLayout().getGlobalPrefix());
  if (!process) {
    llvm::consumeError(process.takeError());
    return nullptr;
  }
  jit->getMainJITDylib().addGenerator(std::move(*process));
  if (llvm::Error error = jit->addIRModule(llvm::orc::ThreadSafeModule(
          std::move(llvmModule), std::move(context)))) {
    llvm::consumeError(std::move(error));
    return nullptr;
  }
  return jit;
}

void *burnish::allocateAligned(const burnish_context *, int64_t bytes) {
  return std::aligned_alloc(64, llvm::alignTo(std::max<int64_t>(bytes, 1), 64));
}
void burnish::releaseAligned(const burnish_context *, void *pointer) {
  std::free(pointer);
}

FailureOr<Evaluator> Evaluator::compile(ModuleOp module, bool isQuick) {
  // What this code costs is no news to anyone: it runs once, here.
  ScopedDiagnosticHandler silence(
      module.getContext(), [](Diagnostic &diagnostic) {
        return success(diagnostic.getSeverity() == DiagnosticSeverity::Remark);
      });
  PassManager passes(module.getContext());
  PipelineOptions options;
  options.level = 0;
  for (Phase phase : {Phase::Loops, Phase::Tiles, Phase::Memory, Phase::Llvm})
    addPhase(passes, phase, options);
  if (failed(passes.run(module)))
    return failure();
  Evaluator evaluator;
  evaluator.signature = nn::Signature::recorded(module);
  std::shared_ptr<llvm::orc::LLJIT> jit =
      ::compile(module, evaluator.signature.name, isQuick);
  if (!jit)
    return failure();
  auto symbol = jit->lookup(evaluator.signature.name);
  if (!symbol) {
    llvm::consumeError(symbol.takeError());
    return failure();
  }
  evaluator.model = symbol->toPtr<const burnish_model *>();
  evaluator.code = std::move(jit);
  return evaluator;
}

FailureOr<SmallVector<SmallVector<char>>>
Evaluator::run(ArrayRef<ArrayRef<char>> inputs) const {
  SmallVector<SmallVector<char>> outputs;
  std::vector<std::vector<int64_t>> dims;
  std::vector<burnish_tensor> inputTensors, outputTensors;
  for (auto [port, bytes] : llvm::zip_equal(signature.inputs, inputs)) {
    dims.push_back(port.dims);
    inputTensors.push_back({const_cast<char *>(bytes.data()),
                            dims.back().data(),
                            static_cast<int64_t>(bytes.size())});
  }
  for (const nn::Port &port : signature.outputs) {
    outputs.emplace_back(port.bytes());
    dims.push_back(port.dims);
    outputTensors.push_back(
        {outputs.back().data(), dims.back().data(), port.bytes()});
  }
  // Growing the vector moved the earlier buffers' inline storage.
  for (auto [tensor, bytes] : llvm::zip_equal(outputTensors, outputs))
    tensor.data = bytes.data();
  burnish_context context = {};
  context.allocate = allocateAligned;
  context.release = releaseAligned;
  std::unique_ptr<void, decltype(&std::free)> workspace(
      allocateAligned(nullptr, model->workspace_bytes), &std::free);
  if (model->run(&context, inputTensors.data(), outputTensors.data(),
                 workspace.get()) != BURNISH_OK)
    return failure();
  return outputs;
}

FailureOr<SmallVector<SmallVector<char>>>
burnish::evaluate(ModuleOp module, ArrayRef<ArrayRef<char>> inputs) {
  // Few numbers are computed sooner than good code for them is made.
  constexpr int64_t kFewBytes = 1 << 20;
  int64_t bytes = 0;
  for (ArrayRef<char> input : inputs)
    bytes += static_cast<int64_t>(input.size());
  FailureOr<Evaluator> evaluator =
      Evaluator::compile(module, /*isQuick=*/bytes < kFewBytes);
  if (failed(evaluator))
    return failure();
  return evaluator->run(inputs);
}
