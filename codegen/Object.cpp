// Object.cpp - from the LLVM dialect to optimised LLVM IR.
#include "codegen/Object.h"
#include "codegen/Dispatch.h"
#include "codegen/Join.h"
#include "codegen/Optimize.h"
#include "ir/Signature.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Operator.h"
#include "llvm/Linker/Linker.h"
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
  object.allowContraction();
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

/// A product and a sum are one operation only on CPUs that have it, and only
/// where nothing sees the product by itself.
void Object::allowContraction() {
  for (llvm::Function &function : *llvm)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      if (!isa<llvm::FPMathOperator>(instruction))
        continue;
      bool isRounded = instruction.getOpcode() == llvm::Instruction::FMul &&
                       instruction.hasAllowReciprocal();
      instruction.setHasAllowReciprocal(false);
      instruction.setHasAllowContract(!target.isDeterministic && !isRounded);
    }
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
      burnish::optimize(*part.module, machine, level);
    });
  burnish::optimize(*llvm, *makeMachine(), level);
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
