// Object.cpp - from the LLVM dialect to machine code.
#include "codegen/Object.h"
#include "ir/Signature.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace burnish;
using namespace mlir;

/// What other objects see of a model NAME: these with NAME before them, and
/// NAME itself.
static constexpr StringRef kInterface[] = {"", "_run", "_workspace_size"};
/// The pointer to the model that the main of a compiled program runs.
static constexpr StringRef kProgramModel = "burnish_program_model";

template <typename... Args>
static llvm::Error failed(const char *format, const Args &...args) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), format,
                                 args...);
}

llvm::Expected<Object> Object::translate(ModuleOp module, const Target &target,
                                         const ObjectOptions &options) {
  Object object;
  llvm::Expected<Weights> weights = Weights::of(module);
  if (!weights)
    return weights.takeError();
  object.constants = std::move(*weights);

  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::string name;
  if (module->hasAttr(nn::kSignatureAttr))
    name = nn::Signature::recorded(module).name;
  object.context = std::make_unique<llvm::LLVMContext>();
  object.llvm = translateModuleToLLVMIR(module, *object.context,
                                        name.empty() ? "model" : name);
  if (!object.llvm)
    return failed("the LLVM dialect module has no translation to LLVM IR");
  object.machine =
      target.machine(options.level, object.constants.bytes() > 1ll << 30);
  object.llvm->setTargetTriple(target.triple);
  object.llvm->setDataLayout(object.machine->createDataLayout());
  // The object has the source's name in its symbol table.
  object.llvm->setSourceFileName(object.llvm->getModuleIdentifier());
  if (object.machine->isPositionIndependent())
    object.llvm->setPICLevel(llvm::PICLevel::BigPIC);
  object.setAttributes(target);
  if (!name.empty()) {
    object.keepInterface(name);
    if (options.embedsWeights && object.llvm->getNamedGlobal(name + "_weights"))
      object.weightsSymbol = name + "_weights";
  }
  object.optimize(options.level);
  return object;
}

void Object::setAttributes(const Target &target) {
  for (llvm::Function &function : *llvm) {
    function.setDoesNotThrow();
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    // Without it LLVM's own vectoriser stops at 256 bits on most CPUs with 512.
    function.addFnAttr("prefer-vector-width",
                       std::to_string(target.vectorBits));
    function.addFnAttr("frame-pointer", "none");
    function.addFnAttr("no-trapping-math", "true");
  }
}

void Object::keepInterface(StringRef name) {
  llvm::internalizeModule(*llvm, [&](const llvm::GlobalValue &value) {
    if (value.getName() == kProgramModel)
      return true;
    return llvm::any_of(kInterface, [&](StringRef suffix) {
      return value.getName() == (name + suffix).str();
    });
  });
  for (llvm::GlobalValue &value : llvm->global_values())
    if (value.getName() == (name + "_weights").str() ||
        value.getName() == kProgramModel) {
      value.setVisibility(llvm::GlobalValue::HiddenVisibility);
      value.setDSOLocal(true);
    }
}

void Object::optimize(unsigned level) {
  static const llvm::OptimizationLevel kLevels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::OptimizationLevel chosen = kLevels[std::min(level, 3u)];
  llvm::ModulePassManager passes =
      level == 0 ? builder.buildO0DefaultPipeline(chosen)
                 : builder.buildPerModuleDefaultPipeline(chosen);
  passes.run(*llvm, modules);
}

llvm::Error Object::emit(llvm::raw_pwrite_stream &stream, bool isAssembly) {
  llvm::legacy::PassManager passes;
  auto type = isAssembly ? llvm::CodeGenFileType::AssemblyFile
                         : llvm::CodeGenFileType::ObjectFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, type))
    return failed("target '%s' writes no objects",
                  llvm->getTargetTriple().str().c_str());
  passes.run(*llvm);
  stream.flush();
  return llvm::Error::success();
}

llvm::Error Object::writeAssembly(Output &output) {
  llvm::raw_fd_ostream stream(output.fd(), /*shouldClose=*/false);
  if (llvm::Error error = emit(stream, /*isAssembly=*/true))
    return error;
  std::error_code error = stream.error();
  stream.clear_error();
  return error ? fileError(output.path(), error) : llvm::Error::success();
}

static StringRef weightsSection(const llvm::Triple &triple) {
  if (triple.isOSBinFormatMachO())
    return "__TEXT,__burnish";
  return triple.isOSBinFormatCOFF() ? ".rdata$burnish" : ".rodata.burnish";
}

llvm::Error Object::write(Output &output) {
  bool hasWeights = !weightsSymbol.empty() && constants.bytes() > 0;
  if (llvm::GlobalVariable *global =
          llvm->getNamedGlobal(weightsSymbol.empty() ? "" : weightsSymbol);
      global && hasWeights) {
    // Zeros hold the place: bytes that pass through LLVM's constants cost many
    // times their size.
    auto *type = llvm::ArrayType::get(llvm::Type::getInt8Ty(*context),
                                      constants.bytes());
    auto *section = new llvm::GlobalVariable(
        *llvm, type, /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
        llvm::ConstantAggregateZero::get(type), "");
    section->setSection(weightsSection(llvm->getTargetTriple()));
    section->setVisibility(llvm::GlobalValue::HiddenVisibility);
    section->setDSOLocal(true);
    section->setAlignment(llvm::Align(64));
    section->setExternallyInitialized(true);
    section->takeName(global);
    global->replaceAllUsesWith(section);
    global->eraseFromParent();
  } else {
    hasWeights = false;
  }

  {
    llvm::raw_fd_ostream stream(output.fd(), /*shouldClose=*/false);
    if (llvm::Error error = emit(stream, /*isAssembly=*/false))
      return error;
    std::error_code error = stream.error();
    stream.clear_error();
    if (error)
      return fileError(output.path(), error);
  }
  if (!hasWeights)
    return llvm::Error::success();
  llvm::Expected<uint64_t> offset =
      findBytes(output.temporary(), weightsSymbol);
  if (!offset)
    return offset.takeError();
  return constants.write(output.fd(), *offset, output.path());
}
