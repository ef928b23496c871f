// Target.cpp - the machine that code is made for.
#include "codegen/Target.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <mutex>
#include <unistd.h>

using namespace burnish;
using llvm::StringRef;

static void registerBackEnds() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

/// The features that kernels and their schedules are chosen by, in LLVM's
/// names.
static llvm::ArrayRef<StringRef> kernelFeatures(const llvm::Triple &triple) {
  static constexpr StringRef kX86[] = {
      "sse4.2",   "avx",         "f16c",       "fma",        "avx2",
      "avxvnni",  "avxvnniint8", "avx512f",    "avx512bw",   "avx512dq",
      "avx512vl", "avx512vbmi",  "avx512vnni", "avx512bf16", "avx512fp16",
      "amx-tile", "amx-int8",    "amx-bf16",   "amx-fp16"};
  static constexpr StringRef kAArch64[] = {
      "neon", "fullfp16", "dotprod", "bf16", "i8mm", "sve", "sve2", "sme"};
  static constexpr StringRef kArm[] = {"neon", "vfp4d16sp", "fp64",
                                       "dsp",  "mve",       "mve.fp"};
  static constexpr StringRef kRiscv[] = {"m",       "a",   "f",       "d",
                                         "c",       "v",   "zvl128b", "zvl256b",
                                         "zvl512b", "zfh", "zvfh"};
  static constexpr StringRef kWasm[] = {"simd128", "relaxed-simd",
                                        "bulk-memory"};
  if (triple.isX86())
    return kX86;
  if (triple.isAArch64())
    return kAArch64;
  if (triple.isARM() || triple.isThumb())
    return kArm;
  if (triple.isRISCV())
    return kRiscv;
  if (triple.isWasm())
    return kWasm;
  return {};
}

/// The CPU that stands for an architecture when none is named: what every
/// Debian machine of it has.
static StringRef plainCpu(const llvm::Triple &triple) {
  if (triple.getArch() == llvm::Triple::x86_64)
    return "x86-64-v2";
  if (triple.isRISCV())
    return triple.isArch64Bit() ? "generic-rv64" : "generic-rv32";
  if (triple.isThumb() && triple.getSubArch() == llvm::Triple::ARMSubArch_v7em)
    return "cortex-m4";
  return "generic";
}

/// What an architecture's plain CPU is taken to have beyond LLVM's idea of it.
static StringRef plainFeatures(const llvm::Triple &triple) {
  // rv64gc is what Linux distributions are built for.
  if (triple.isRISCV())
    return triple.isOSBinFormatELF() && triple.isArch64Bit() ? "+m,+a,+f,+d,+c"
                                                             : "+m";
  if (triple.isWasm())
    return "+simd128,+bulk-memory";
  return "";
}

llvm::Triple burnish::hostTriple() {
  return llvm::Triple(
      llvm::Triple::normalize(llvm::sys::getDefaultTargetTriple()));
}

static bool isHostTriple(const llvm::Triple &triple) {
  llvm::Triple host = hostTriple();
  return triple.getArch() == host.getArch() && triple.getOS() == host.getOS() &&
         triple.getEnvironment() == host.getEnvironment();
}

bool Target::convertsHalf() const {
  StringRef needed = triple.isX86()                       ? "+f16c"
                     : triple.isARM() || triple.isThumb() ? "+fp16"
                     : triple.isRISCV()                   ? "+zfhmin"
                                                          : "";
  return triple.isAArch64() ||
         (!needed.empty() &&
          machine(0)->getMCSubtargetInfo()->checkFeatures(needed));
}

bool Target::convertsBf16() const {
  return triple.isX86() &&
         machine(0)->getMCSubtargetInfo()->checkFeatures("+avx512bf16");
}

bool Target::isHost() const { return isHostTriple(triple); }

static uint64_t systemBytes(int name, uint64_t otherwise) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

/// What the first processor's data cache of a level has by the kernel's word;
/// where there is none, by libc's, which has named the caches of ten virtual
/// processors as one (320 MB of L3 for 32).
static uint64_t cacheBytes(unsigned level, int name, uint64_t otherwise) {
  for (unsigned index = 0;; ++index) {
    auto read = [&](StringRef what) -> std::string {
      std::string path = ("/sys/devices/system/cpu/cpu0/cache/index" +
                          llvm::Twine(index) + "/" + what)
                             .str();
      auto file = llvm::MemoryBuffer::getFileAsStream(path);
      return file ? (*file)->getBuffer().trim().str() : std::string();
    };
    std::string size = read("size");
    if (size.empty())
      return systemBytes(name, otherwise);
    StringRef digits = size;
    uint64_t count;
    if (read("level") == llvm::utostr(level) && read("type") != "Instruction" &&
        digits.consume_back("K") && !digits.getAsInteger(10, count) &&
        count > 0)
      return count << 10;
  }
}

static llvm::Expected<const llvm::Target *> lookup(const llvm::Triple &triple) {
  registerBackEnds();
  std::string ignored;
  if (const llvm::Target *target =
          llvm::TargetRegistry::lookupTarget(triple, ignored))
    return target;
  return llvm::createStringError(
      "target '%s' is not known; some that are: x86_64-linux-gnu, "
      "aarch64-linux-gnu, riscv64-linux-gnu, thumbv7em-none-eabihf, "
      "wasm32-unknown-unknown",
      triple.str().c_str());
}

/// `a, b, c` of the CPUs nearest in spelling, at most twelve.
static std::string someCpus(const llvm::MCSubtargetInfo &info,
                            StringRef wanted) {
  std::vector<std::pair<unsigned, StringRef>> byDistance;
  for (const llvm::SubtargetSubTypeKV &cpu : info.getAllProcessorDescriptions())
    byDistance.push_back(
        {StringRef(cpu.Key).edit_distance(wanted, true, 12), cpu.Key});
  llvm::sort(byDistance);
  byDistance.resize(std::min<size_t>(byDistance.size(), 12));
  auto names =
      llvm::to_vector_of<StringRef>(llvm::make_second_range(byDistance));
  llvm::sort(names);
  return llvm::join(names, ", ");
}

/// The features that kernels are chosen by, as far as the CPU, or this machine,
/// has them; and those of the CPU's model that this machine lacks.
void Target::chooseFeatures(const llvm::MCSubtargetInfo &info, bool isNative) {
  llvm::StringMap<bool> machineHas;
  if (isNative)
    machineHas = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> list;
  llvm::StringSet<> chosenBy;
  for (StringRef feature : kernelFeatures(triple)) {
    chosenBy.insert(feature);
    auto measured = machineHas.find(feature);
    if (measured != machineHas.end()
            ? measured->second
            : info.checkFeatures(("+" + feature).str()))
      list.push_back(("+" + feature).str());
  }
  // A virtual machine may hide what its CPU's model has.
  for (const llvm::SubtargetFeatureKV &feature :
       info.getAllProcessorFeatures()) {
    auto measured = machineHas.find(feature.Key);
    bool isHidden = measured != machineHas.end() && !measured->second &&
                    info.getFeatureBits()[feature.Value];
    if (isHidden ||
        StringRef(features).contains(("-" + StringRef(feature.Key)).str()))
      list.push_back(("-" + StringRef(feature.Key)).str());
  }
  features = llvm::join(list, ",");
}

void Target::measureVectors() {
  if (triple.isX86()) {
    vectorBits = has("avx512f") ? 512 : has("avx") ? 256 : 128;
    vectorRegisters = has("avx512f") ? 32 : triple.isArch64Bit() ? 16 : 8;
  } else if (triple.isRISCV()) {
    vectorBits = has("zvl512b")   ? 512
                 : has("zvl256b") ? 256
                 : has("v")       ? 128
                                  : pointerBits;
    vectorRegisters = 32;
  } else if (triple.isARM() || triple.isThumb()) {
    vectorBits = has("neon") || has("mve") ? 128 : pointerBits;
    vectorRegisters = has("neon") ? 16 : has("mve") ? 8 : 32;
  } else if (triple.isWasm()) {
    // Engines map v128 values to the registers of their machine; 16 is what
    // x86-64 has for them.
    vectorBits = has("simd128") ? 128 : pointerBits;
    vectorRegisters = 16;
  } else {
    vectorBits = 128;
    vectorRegisters = 32;
  }
}

/// Caches and cores of this machine, or modest ones.
void Target::measureMachine(bool isNative) {
  bool hasSystem = triple.getOS() != llvm::Triple::UnknownOS;
  l1Bytes = hasSystem || triple.isWasm() ? 32 << 10 : 16 << 10;
  l2Bytes = hasSystem || triple.isWasm() ? 512 << 10 : 64 << 10;
  l3Bytes = hasSystem || triple.isWasm() ? 4 << 20 : 0;
  cores = hasSystem ? 4 : 1;
  if (isNative) {
    l1Bytes = cacheBytes(1, _SC_LEVEL1_DCACHE_SIZE, l1Bytes);
    l2Bytes = cacheBytes(2, _SC_LEVEL2_CACHE_SIZE, l2Bytes);
    l3Bytes = cacheBytes(3, _SC_LEVEL3_CACHE_SIZE, l3Bytes);
    cores = systemBytes(_SC_NPROCESSORS_ONLN, 1);
  }
}

llvm::Error Target::resolve(bool isNative) {
  llvm::Expected<const llvm::Target *> target = lookup(triple);
  if (!target)
    return target.takeError();
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      (*target)->createMCSubtargetInfo(triple, "", ""));
  if (!info)
    return llvm::createStringError("target '%s' has no code generator",
                                   triple.str().c_str());
  // i386 and such are CPUs of x86 without 64 bits: LLVM ends the process on
  // them.
  bool isKnown = info->isCPUStringValid(cpu);
  if (isKnown && triple.getArch() == llvm::Triple::x86_64)
    isKnown =
        std::unique_ptr<llvm::MCSubtargetInfo>(
            (*target)->createMCSubtargetInfo(llvm::Triple("i686"), cpu, ""))
            ->checkFeatures("+64bit");
  if (!isKnown)
    return llvm::createStringError(
        "cpu '%s' is not known for %s; some that are: native, %s", cpu.c_str(),
        triple.str().c_str(), someCpus(*info, cpu).c_str());

  info.reset((*target)->createMCSubtargetInfo(triple, cpu, features));
  chooseFeatures(*info, isNative);
  std::unique_ptr<llvm::TargetMachine> back = machine(2);
  pointerBits = back->getPointerSizeInBits(0);
  if (!back->createDataLayout().isLittleEndian())
    return llvm::createStringError(
        "target '%s' is big-endian, and constants are written little-endian",
        triple.str().c_str());
  measureVectors();
  measureMachine(isNative);
  return llvm::Error::success();
}

llvm::Expected<Target> Target::find(StringRef triple, StringRef cpu) {
  Target target;
  target.triple = triple.empty() || triple == "native"
                      ? hostTriple()
                      : llvm::Triple(llvm::Triple::normalize(triple));
  bool isNative = cpu == "native" || (cpu.empty() && target.isHost());
  if (isNative && !target.isHost())
    return llvm::createStringError(
        "cpu 'native' is this machine's, which is no %s",
        target.triple.str().c_str());
  target.cpu = isNative      ? llvm::sys::getHostCPUName()
               : cpu.empty() ? plainCpu(target.triple)
                             : cpu;
  if (!isNative && target.cpu == plainCpu(target.triple))
    target.features = plainFeatures(target.triple);
  if (llvm::Error error = target.resolve(isNative))
    return error;
  return target;
}

llvm::Expected<Target> Target::of(nn::TargetAttr attribute) {
  Target target;
  target.triple = llvm::Triple(llvm::Triple::normalize(attribute.getTriple()));
  target.cpu = attribute.getCpu();
  target.features = attribute.getFeatures();
  if (llvm::Error error = target.resolve(/*isNative=*/false))
    return error;
  target.vectorBits = attribute.getVectorBits();
  target.vectorRegisters = attribute.getVectorRegisters();
  target.l1Bytes = attribute.getL1Bytes();
  target.l2Bytes = attribute.getL2Bytes();
  target.l3Bytes = attribute.getL3Bytes();
  target.cores = attribute.getCores();
  target.isDeterministic = attribute.getIsDeterministic();
  return target;
}

nn::TargetAttr Target::attribute(mlir::MLIRContext *context) const {
  // Vectors of 256 bits are what most machines are fast with; LLVM cuts them up
  // for others.
  if (isDeterministic)
    return nn::TargetAttr::get(
        context, triple.str(), cpu, features, pointerBits, /*vectorBits=*/256,
        /*vectorRegisters=*/16, /*l1Bytes=*/32 << 10,
        /*l2Bytes=*/1 << 20, /*l3Bytes=*/0, cores, isDeterministic);
  return nn::TargetAttr::get(context, triple.str(), cpu, features, pointerBits,
                             vectorBits, vectorRegisters, l1Bytes, l2Bytes,
                             l3Bytes, cores, isDeterministic);
}

std::unique_ptr<llvm::TargetMachine> Target::machine(unsigned level,
                                                     bool hugeData) const {
  llvm::Expected<const llvm::Target *> target = lookup(triple);
  if (!target) {
    llvm::consumeError(target.takeError());
    return nullptr;
  }
  llvm::TargetOptions options;
  // a * b + c rounds once where the instructions say that it may.
  options.AllowFPOpFusion =
      isDeterministic ? llvm::FPOpFusion::Strict : llvm::FPOpFusion::Standard;
  options.FunctionSections = true;
  options.DataSections = true;
  if (triple.isThumb() && triple.getEnvironment() == llvm::Triple::EABIHF)
    options.FloatABIType = llvm::FloatABI::Hard;
  if (triple.isRISCV())
    options.MCOptions.ABIName = triple.isArch64Bit()
                                    ? (has("d") ? "lp64d" : "lp64")
                                    : (has("f") ? "ilp32f" : "ilp32");
  // Microcontrollers run from where they are linked to; everything else may end
  // up in a shared object.
  llvm::Reloc::Model relocation = triple.isThumb() || triple.isWasm()
                                      ? llvm::Reloc::Static
                                      : llvm::Reloc::PIC_;
  std::optional<llvm::CodeModel::Model> code;
  if (hugeData && triple.getArch() == llvm::Triple::x86_64)
    code = llvm::CodeModel::Medium;
  static constexpr llvm::CodeGenOptLevel kLevels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less,
      llvm::CodeGenOptLevel::Default, llvm::CodeGenOptLevel::Aggressive};
  return std::unique_ptr<llvm::TargetMachine>(
      (*target)->createTargetMachine(triple, cpu, features, options, relocation,
                                     code, kLevels[std::min(level, 3u)]));
}
