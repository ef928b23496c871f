// ObjectFile.cpp - from LLVM IR to assembly or an object, and weights into it.
#include "codegen/Join.h"
#include "codegen/Object.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace burnish;
using llvm::ArrayRef, llvm::SmallVector, llvm::StringRef;

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
