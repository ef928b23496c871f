// Split.cpp - a module in parts that threads compile, each by itself.
#include "codegen/Split.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/ThreadPool.h"

using namespace burnish;
using llvm::StringRef;

/// Instructions below which threads gain less than parts cost, those of a part,
/// and how many parts there are at most.
static constexpr size_t kLeast = 8000, kPart = 6000, kMostParts = 16;
/// Functions up to this size are known to every part.
static constexpr size_t kSmall = 100;

static size_t sizeOf(const llvm::Function &function) {
  return function.getInstructionCount();
}

bool Split::pays(const llvm::Module &module) {
  // Nothing here makes any of these, and they would bind parts together.
  if (!module.alias_empty() || !module.ifunc_empty())
    return false;
  size_t total = 0;
  for (const llvm::Function &function : module) {
    if (function.hasComdat())
      return false;
    total += sizeOf(function);
  }
  return total >= kLeast;
}

Split::Split(llvm::Module &module) {
  assign(module);
  for (llvm::GlobalValue &value : module.global_values()) {
    if (!value.hasLocalLinkage())
      continue;
    if (!value.hasName())
      value.setName("constant");
    value.setLinkage(llvm::GlobalValue::ExternalLinkage);
    value.setVisibility(llvm::GlobalValue::HiddenVisibility);
    value.setDSOLocal(true);
    internal.insert(value.getName());
  }
  llvm::raw_string_ostream stream(bitcode);
  llvm::WriteBitcodeToFile(module, stream);
}

/// The only function that uses `function`, which others do not see.
static const llvm::Function *onlyUser(const llvm::Function &function) {
  if (!function.hasLocalLinkage())
    return nullptr;
  const llvm::Function *only = nullptr;
  for (const llvm::User *user : function.users()) {
    auto *call = llvm::dyn_cast<llvm::CallBase>(user);
    if (!call || call->getCalledOperand() != &function ||
        (only && only != call->getFunction()))
      return nullptr;
    only = call->getFunction();
  }
  return only;
}

void Split::assign(const llvm::Module &module) {
  // A kernel belongs to the function that only calls it for some of its tasks;
  // a large one that the model itself calls need not be inside of that.
  llvm::EquivalenceClasses<const llvm::Function *> together;
  size_t total = 0;
  for (const llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    total += sizeOf(function);
    together.insert(&function);
    if (sizeOf(function) <= kSmall &&
        !function.hasFnAttribute(llvm::Attribute::NoInline))
      small.insert(function.getName());
    const llvm::Function *user = onlyUser(function);
    if (user && std::min(sizeOf(*user), sizeOf(function)) <= kSmall)
      together.unionSets(user, &function);
  }
  struct Cluster {
    size_t size = 0, number = 0;
    std::vector<StringRef> names;
  };
  llvm::MapVector<const llvm::Function *, Cluster> clusters;
  for (const llvm::Function &function : module)
    if (!function.isDeclaration()) {
      Cluster &cluster = clusters[together.getLeaderValue(&function)];
      cluster.size += sizeOf(function);
      if (cluster.names.empty())
        cluster.number = clusters.size();
      cluster.names.push_back(function.getName());
    }
  // The largest first, each where least is yet.
  std::vector<Cluster> sorted;
  for (auto &[leader, cluster] : clusters)
    sorted.push_back(std::move(cluster));
  llvm::sort(sorted, [](const Cluster &a, const Cluster &b) {
    return std::tie(b.size, a.number) < std::tie(a.size, b.number);
  });
  parts =
      std::min({std::max<size_t>(total / kPart, 2), kMostParts, sorted.size()});
  std::vector<size_t> filled(parts);
  for (const Cluster &cluster : sorted) {
    size_t least = llvm::min_element(filled) - filled.begin();
    filled[least] += cluster.size;
    for (StringRef name : cluster.names)
      partOf[name] = least;
  }
}

/// Leaves the declarations of what the first part has.
static void dropData(llvm::Module &module) {
  module.setModuleInlineAsm("");
  for (llvm::GlobalVariable &global :
       llvm::make_early_inc_range(module.globals())) {
    if (global.isDeclaration())
      continue;
    if (global.hasAppendingLinkage()) {
      global.eraseFromParent();
    } else if (global.isConstant() && global.hasDefinitiveInitializer()) {
      // Optimisations may know what is in it.
      global.setLinkage(llvm::GlobalValue::AvailableExternallyLinkage);
    } else {
      global.setInitializer(nullptr);
      global.setLinkage(llvm::GlobalValue::ExternalLinkage);
    }
  }
}

llvm::Expected<Part> Split::read(size_t part) const {
  Part result;
  result.context = std::make_unique<llvm::LLVMContext>();
  llvm::Expected<std::unique_ptr<llvm::Module>> module =
      llvm::getLazyBitcodeModule(llvm::MemoryBufferRef(bitcode, "part"),
                                 *result.context);
  if (!module)
    return module.takeError();
  for (llvm::Function &function : **module) {
    auto own = partOf.find(function.getName());
    if (own == partOf.end() || own->second == part)
      continue;
    if (small.contains(function.getName())) {
      if (llvm::Error error = function.materialize())
        return std::move(error);
      function.setLinkage(llvm::GlobalValue::AvailableExternallyLinkage);
    } else {
      function.deleteBody();
    }
  }
  if (llvm::Error error = (*module)->materializeAll())
    return std::move(error);
  if (part > 0)
    dropData(**module);
  result.module = std::move(*module);
  return result;
}

llvm::Expected<std::unique_ptr<llvm::Module>>
burnish::joinParts(llvm::ArrayRef<Part> parts,
                   const llvm::StringSet<> &internal,
                   llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> whole;
  for (const Part &part : parts) {
    std::string bitcode;
    llvm::raw_string_ostream stream(bitcode);
    llvm::WriteBitcodeToFile(*part.module, stream);
    llvm::Expected<std::unique_ptr<llvm::Module>> read = llvm::parseBitcodeFile(
        llvm::MemoryBufferRef(bitcode, part.module->getModuleIdentifier()),
        context);
    if (!read)
      return read.takeError();
    if (!whole)
      whole = std::move(*read);
    else if (llvm::Linker::linkModules(*whole, std::move(*read)))
      return llvm::createStringError("the parts of a module do not fit");
  }
  whole->setSourceFileName(parts[0].module->getSourceFileName());
  for (llvm::GlobalValue &value : whole->global_values())
    if (!value.isDeclaration() && internal.contains(value.getName())) {
      value.setVisibility(llvm::GlobalValue::DefaultVisibility);
      value.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
  return whole;
}

void burnish::inParallel(size_t count, llvm::function_ref<void(size_t)> work) {
  llvm::DefaultThreadPool threads(llvm::hardware_concurrency(count));
  for (size_t index = 0; index < count; ++index)
    threads.async([&work, index] { work(index); });
  threads.wait();
}
