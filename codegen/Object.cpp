// Object.cpp - from the LLVM dialect to machine code.
#include "codegen/Object.h"
#include "codegen/Dispatch.h"
#include "codegen/Join.h"
#include "ir/Signature.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Operator.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Transforms/IPO/Internalize.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace burnish;
using namespace mlir;

/// What other objects see of a model NAME: these with NAME before them, and
/// NAME itself.
static constexpr StringRef kInterface[] = {"", "_run", "_workspace_size"};
/// The pointer to the model that the main of a compiled program runs.
static constexpr StringRef kProgramModel = "burnish_program_model";
/// The same for programs that train.
static constexpr StringRef kProgramTraining = "burnish_program_training";

llvm::Expected<Object> Object::translate(ModuleOp module, const Target &target,
                                         const ObjectOptions &options) {
  return translate(module, target, options,
                   std::make_shared<llvm::LLVMContext>());
}

llvm::Expected<Object>
Object::translate(ModuleOp module, const Target &target,
                  const ObjectOptions &options,
                  std::shared_ptr<llvm::LLVMContext> context) {
  llvm::Expected<Weights> weights = Weights::of(module);
  if (!weights)
    return weights.takeError();
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::string name;
  if (module->hasAttr(nn::kSignatureAttr))
    name = nn::Signature::recorded(module).name;
  Object object;
  object.context = std::move(context);
  object.llvm = translateModuleToLLVMIR(module, *object.context,
                                        name.empty() ? "model" : name);
  if (!object.llvm)
    return llvm::createStringError(
        "the LLVM dialect module has no translation to LLVM IR");
  object.target = target;
  object.level = options.level;
  object.isHuge = weights->bytes() > 1ll << 30;
  std::unique_ptr<llvm::TargetMachine> machine = object.makeMachine();
  object.embedsWeights = options.embedsWeights;
  object.constants.push_back({name + "_weights", std::move(*weights)});
  object.llvm->setTargetTriple(target.triple);
  object.llvm->setDataLayout(machine->createDataLayout());
  // The object has the source's name in its symbol table.
  object.llvm->setSourceFileName(object.llvm->getModuleIdentifier());
  if (machine->isPositionIndependent())
    object.llvm->setPICLevel(llvm::PICLevel::BigPIC);
  object.setAttributes(target);
  if (target.isDeterministic)
    object.forbidContraction();
  if (!name.empty())
    object.keepInterface(name);
  if (llvm::Error error = object.optimize())
    return std::move(error);
  return object;
}

llvm::Expected<Object> Object::translate(ArrayRef<ModuleOp> modules,
                                         ArrayRef<Target> targets,
                                         const ObjectOptions &options) {
  if (modules.size() == 1)
    return translate(modules[0], targets[0], options);
  auto context = std::make_shared<llvm::LLVMContext>();
  std::string name = nn::Signature::recorded(modules[0]).name;
  llvm::Expected<Object> whole =
      translate(modules[0], targets[0], options, context);
  if (!whole)
    return whole.takeError();
  if (llvm::Error error = whole->join())
    return std::move(error);
  whole->makeVariant(name, 0);
  for (size_t number = 1; number < modules.size(); ++number) {
    llvm::Expected<Object> variant =
        translate(modules[number], targets[number], options, context);
    if (!variant)
      return variant.takeError();
    if (llvm::Error error = variant->join())
      return std::move(error);
    variant->makeVariant(name, number);
    if (llvm::Error error = whole->append(std::move(*variant), name))
      return error;
  }
  if (llvm::Error error = addDispatch(*whole->llvm, name, targets))
    return error;
  // Only now: the pointer in it needs the model that was put together.
  if (llvm::GlobalVariable *program =
          whole->llvm->getNamedGlobal(kProgramModel)) {
    program->setInitializer(whole->llvm->getNamedGlobal(name));
    for (StringRef suffix : kInterface)
      if (llvm::GlobalValue *value =
              whole->llvm->getNamedValue((name + suffix).str()))
        value->setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  return whole;
}

llvm::Expected<Object> Object::combine(ArrayRef<ModuleOp> modules,
                                       ArrayRef<ObjectOptions> options,
                                       const Target &target, StringRef name) {
  auto context = std::make_shared<llvm::LLVMContext>();
  llvm::Expected<Object> whole =
      translate(modules[0], target, options[0], context);
  if (!whole)
    return whole.takeError();
  if (llvm::Error error = whole->join())
    return std::move(error);
  for (size_t index = 1; index < modules.size(); ++index) {
    llvm::Expected<Object> part =
        translate(modules[index], target, options[index], context);
    if (!part)
      return part.takeError();
    if (llvm::Error error = part->join())
      return std::move(error);
    if (llvm::Linker::linkModules(*whole->llvm, std::move(part->llvm)))
      return llvm::createStringError(
          "the functions of the training do not go into one object");
    for (Constants &each : part->constants)
      whole->constants.push_back(std::move(each));
  }
  bool isProgram = whole->llvm->getNamedGlobal(kProgramTraining);
  llvm::internalizeModule(*whole->llvm, [&](const llvm::GlobalValue &value) {
    return value.getName() == (isProgram ? kProgramTraining : name) ||
           value.getName().ends_with("_weights");
  });
  return whole;
}

/// Gives what others see of a model the name of a variant, and keeps it inside.
void Object::makeVariant(StringRef name, size_t number) {
  for (StringRef suffix : kInterface)
    if (llvm::GlobalValue *value = llvm->getNamedValue((name + suffix).str())) {
      value->setName(variantName((name + suffix).str(), number));
      value->setLinkage(llvm::GlobalValue::ExternalLinkage);
      // Linking modules joins what is not internal; the dispatch makes it so in
      // the end.
      value->setVisibility(llvm::GlobalValue::HiddenVisibility);
    }
  if (llvm::GlobalValue *weights = llvm->getNamedValue(constants[0].symbol))
    weights->setName(variantName(constants[0].symbol, number));
  constants[0].symbol = variantName(constants[0].symbol, number);
  if (llvm::GlobalVariable *program = llvm->getNamedGlobal(kProgramModel)) {
    program->setInitializer(
        llvm::ConstantPointerNull::get(llvm::PointerType::get(*context, 0)));
    program->setLinkage(llvm::GlobalValue::WeakODRLinkage);
  }
}

llvm::Error Object::append(Object variant, StringRef name) {
  if (!embedsWeights && !(variant.constants[0].weights == constants[0].weights))
    return llvm::createStringError(
        "the weights of %s and of another CPU are laid out "
        "differently; put them into the object",
        name.str().c_str());
  Constants added = std::move(variant.constants[0]);
  if (llvm::Linker::linkModules(*llvm, std::move(variant.llvm)))
    return llvm::createStringError(
        "the code for different CPUs does not go into one object");
  llvm::GlobalVariable *global = llvm->getNamedGlobal(added.symbol);
  if (!global)
    return llvm::Error::success();
  for (const Constants &present : constants)
    if (llvm::GlobalVariable *same = llvm->getNamedGlobal(present.symbol);
        same && present.weights == added.weights) {
      global->replaceAllUsesWith(same);
      global->eraseFromParent();
      return llvm::Error::success();
    }
  constants.push_back(std::move(added));
  return llvm::Error::success();
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

/// A product and a sum are one operation only on CPUs that have it.
void Object::forbidContraction() {
  for (llvm::Function &function : *llvm)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (isa<llvm::FPMathOperator>(instruction))
        instruction.setHasAllowContract(false);
}

void Object::keepInterface(StringRef name) {
  // In a program only its main asks for the model, and a model that is called
  // `read` must not be in libc's way.
  bool isProgram = llvm->getNamedGlobal(kProgramModel);
  llvm::internalizeModule(*llvm, [&](const llvm::GlobalValue &value) {
    if (isProgram)
      return value.getName() == kProgramModel;
    if (value.getName() == kProgramTraining)
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

std::unique_ptr<llvm::TargetMachine> Object::makeMachine() const {
  return target.machine(level, isHuge);
}

/// Keeps kernels out of functions that call very many: LLVM takes the square of
/// what a function has in blocks, or a block in stores, and more of loops whose
/// places are sums of many sizes of run time. 1000 outputs took 12 s, a chain
/// of 5000 products and 250 joined tensors minutes.
static void keepCallsApart(llvm::Module &module) {
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

/// Has LLVM take long code without loops and vectors, the calls of a model in a
/// row, as it is: a run goes through it once, and what is done to it takes the
/// square of its length.
static void leaveStraightCode(llvm::Module &module) {
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

static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
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

llvm::Error
Object::split(llvm::function_ref<void(Part &, llvm::TargetMachine &)> work) {
  Split split(*llvm);
  llvm.reset();
#ifdef __GLIBC__
  // Threads have heaps of their own, which do not take what is free here.
  malloc_trim(0);
#endif
  internal = split.takeInternal();
  parts.resize(split.count());
  std::vector<std::string> errors(parts.size());
  inParallel(parts.size(), [&](size_t index) {
    llvm::Expected<Part> part = split.read(index);
    if (!part) {
      errors[index] = llvm::toString(part.takeError());
      return;
    }
    parts[index] = std::move(*part);
    if (work)
      work(parts[index], *makeMachine());
  });
  for (const std::string &error : errors)
    if (!error.empty())
      return llvm::createStringError(error);
  return llvm::Error::success();
}

llvm::Error Object::optimize() {
  keepCallsApart(*llvm);
  if (level > 0)
    leaveStraightCode(*llvm);
  if (level > 0 && canJoin(target.triple) && Split::pays(*llvm))
    return split([&](Part &part, llvm::TargetMachine &machine) {
      ::optimize(*part.module, machine, level);
    });
  ::optimize(*llvm, *makeMachine(), level);
  return llvm::Error::success();
}

llvm::Error Object::join() {
  if (parts.empty())
    return llvm::Error::success();
  llvm::Expected<std::unique_ptr<llvm::Module>> whole =
      joinParts(parts, internal, *context);
  if (!whole)
    return whole.takeError();
  llvm = std::move(*whole);
  parts.clear();
  internal.clear();
  return llvm::Error::success();
}

llvm::Error Object::print(llvm::raw_ostream &stream) const {
  if (llvm) {
    llvm->print(stream, nullptr);
    return llvm::Error::success();
  }
  // A copy, so that what is written afterwards is what it would have been.
  llvm::LLVMContext scratch;
  llvm::Expected<std::unique_ptr<llvm::Module>> whole =
      joinParts(parts, internal, scratch);
  if (!whole)
    return whole.takeError();
  (*whole)->print(stream, nullptr);
  return llvm::Error::success();
}

static llvm::Error emit(llvm::Module &module, llvm::TargetMachine &machine,
                        llvm::raw_pwrite_stream &stream, bool isAssembly) {
  llvm::legacy::PassManager passes;
  auto type = isAssembly ? llvm::CodeGenFileType::AssemblyFile
                         : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return llvm::createStringError("target '%s' writes no objects",
                                   module.getTargetTriple().str().c_str());
  passes.run(module);
  stream.flush();
  return llvm::Error::success();
}

llvm::Error Object::writeAssembly(Output &output) {
  if (llvm::Error error = join())
    return error;
  llvm::raw_fd_ostream stream(output.fd(), /*shouldClose=*/false);
  if (llvm::Error error =
          emit(*llvm, *makeMachine(), stream, /*isAssembly=*/true))
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

/// Gives a declared array of bytes a place: zeros for now, as bytes that pass
/// through LLVM's constants cost many times their size.
static void define(llvm::GlobalVariable *global, int64_t bytes) {
  llvm::Module &module = *global->getParent();
  auto *type =
      llvm::ArrayType::get(llvm::Type::getInt8Ty(module.getContext()), bytes);
  auto *section = new llvm::GlobalVariable(
      module, type, /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
      llvm::ConstantAggregateZero::get(type), "");
  section->setSection(weightsSection(module.getTargetTriple()));
  section->setVisibility(llvm::GlobalValue::HiddenVisibility);
  section->setDSOLocal(true);
  section->setAlignment(llvm::Align(64));
  section->setExternallyInitialized(true);
  section->takeName(global);
  global->replaceAllUsesWith(section);
  global->eraseFromParent();
}

/// Where weights have room: a section that takes none of the object.
static std::string roomFor(StringRef symbol, int64_t bytes, StringRef section,
                           StringRef flags) {
  return llvm::formatv(R"(
    .section {0},"{1}",%nobits
    .p2align 6
    .hidden {2}
    .globl {2}
    .type {2},%object
    .size {2}, {3}
    {2}:
    .zero {3}
    .text
  )",
                       section, flags, symbol, bytes);
}

/// One byte of another section that makes one of room take some in the result.
static std::string roomEnd() {
  return llvm::formatv(R"(
    .section {0}.end,"a",%progbits
    .byte 0
    .text
  )",
                       kRoomSection);
}

bool Object::uses(StringRef symbol) const {
  if (llvm)
    return llvm->getNamedGlobal(symbol);
  return llvm::any_of(parts, [&](const Part &part) {
    return part.module->getNamedGlobal(symbol);
  });
}

SmallVector<const Object::Constants *, 1> Object::usedConstants() const {
  SmallVector<const Constants *, 1> used;
  for (const Constants &one : constants)
    if (embedsWeights && one.weights.bytes() > 0 && uses(one.symbol))
      used.push_back(&one);
  return used;
}

llvm::Expected<bool> Object::isInParts() {
  if (parts.empty() && canJoin(target.triple) && Split::pays(*llvm))
    if (llvm::Error error = split({}))
      return std::move(error);
  return !parts.empty();
}

void Object::addRoom(const Constants &one, StringRef section) {
  llvm::Module &module = llvm ? *llvm : *parts[0].module;
  bool isFar = isHuge && target.triple.getArch() == llvm::Triple::x86_64 &&
               section != kRoomSection;
  module.appendModuleInlineAsm(
      roomFor(one.symbol, one.weights.bytes(), section, isFar ? "al" : "a"));
}

llvm::Error Object::emitParts(Output &output, StringRef filled) {
  std::vector<SmallVector<char, 0>> objects(parts.size());
  std::vector<std::string> errors(parts.size());
  inParallel(parts.size(), [&](size_t index) {
    llvm::raw_svector_ostream stream(objects[index]);
    errors[index] =
        llvm::toString(emit(*parts[index].module, *makeMachine(), stream,
                            /*isAssembly=*/false));
    parts[index].module.reset();
    parts[index].context.reset();
  });
  for (const std::string &error : errors)
    if (!error.empty())
      return llvm::createStringError(error);
  auto contents = llvm::map_to_vector(objects, [](const auto &object) {
    return StringRef(object.data(), object.size());
  });
  return joinObjects(contents, internal, filled, output);
}

llvm::Error Object::emitObject(Output &output, StringRef filled) {
  if (!llvm)
    return emitParts(output, filled);
  llvm::raw_fd_ostream stream(output.fd(), /*shouldClose=*/false);
  if (llvm::Error error =
          emit(*llvm, *makeMachine(), stream, /*isAssembly=*/false))
    return error;
  std::error_code error = stream.error();
  stream.clear_error();
  return error ? fileError(output.path(), error) : llvm::Error::success();
}

llvm::Error Object::write(Output &output) {
  llvm::Expected<bool> hasParts = isInParts();
  if (!hasParts)
    return hasParts.takeError();
  SmallVector<const Constants *, 1> placed = usedConstants();
  StringRef section = weightsSection(target.triple);
  for (const Constants *one : placed)
    if (*hasParts)
      addRoom(*one, section);
    else
      define(llvm->getNamedGlobal(one->symbol), one->weights.bytes());
  if (llvm::Error error = emitObject(output, section))
    return error;
  for (const Constants *one : placed) {
    llvm::Expected<uint64_t> offset =
        findBytes(output.temporary(), one->symbol);
    if (!offset)
      return offset.takeError();
    if (llvm::Error error =
            one->weights.write(output.fd(), *offset, output.path()))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error Object::writeWithRoom(Output &output) {
  if (llvm::Expected<bool> hasParts = isInParts(); !hasParts)
    return hasParts.takeError();
  room = usedConstants();
  for (const Constants *one : room)
    addRoom(*one, kRoomSection);
  if (!room.empty())
    (llvm ? *llvm : *parts[0].module).appendModuleInlineAsm(roomEnd());
  return emitObject(output);
}

llvm::Error Object::fillRoom(Output &linked) const {
  if (room.empty())
    return llvm::Error::success();
  llvm::Expected<uint64_t> offset =
      findSection(linked.temporary(), kRoomSection);
  if (!offset)
    return offset.takeError();
  for (const Constants *one : room) {
    if (llvm::Error error =
            one->weights.write(linked.fd(), *offset, linked.path()))
      return error;
    *offset = llvm::alignTo(*offset + one->weights.bytes(), 64);
  }
  return llvm::Error::success();
}
