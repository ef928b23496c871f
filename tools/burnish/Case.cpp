// Case.cpp - one backend-test folder: compiled, linked, loaded, run and
// compared, in this process.
#include "tools/burnish/Case.h"
#include "codegen/Link.h"
#include "frontend/onnx/TestData.h"
#include "passes/graph/Evaluate.h"
#include "tools/burnish/CaseValues.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/DataSet.h"
#include "tools/burnish/Guarded.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <dlfcn.h>

using namespace burnish;
using llvm::StringRef;
using onnx_import::TestValue, onnx_import::readTestValues;
namespace fs = llvm::sys::fs;

//===- Folders ------------------------------------------------------------===//

static void findUnder(const std::string &folder,
                      std::vector<std::string> &found) {
  if (fs::exists(folder + "/model.onnx")) {
    found.push_back(folder);
    return;
  }
  std::vector<std::string> inside;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; entry != end && !error;
       entry.increment(error))
    if (fs::is_directory(entry->path()))
      inside.push_back(entry->path());
  llvm::sort(inside);
  for (const std::string &next : inside)
    findUnder(next, found);
}

std::vector<std::string> burnish::findCases(llvm::ArrayRef<std::string> roots) {
  std::vector<std::string> found;
  for (StringRef root : roots)
    findUnder(root.size() > 1 ? root.rtrim('/').str() : root.str(), found);
  return found;
}

static std::vector<std::string> dataSets(StringRef folder) {
  std::vector<std::string> sets;
  for (int index = 0;
       fs::is_directory(folder + "/test_data_set_" + llvm::Twine(index));
       ++index)
    sets.push_back((folder + "/test_data_set_" + llvm::Twine(index)).str());
  return sets;
}

/// The constants of a model as a run takes them from a file.
static llvm::Expected<Guarded> weightsOf(const Object &object) {
  int64_t bytes = object.weights().bytes();
  Guarded weights(bytes, GuardedHeap::kAlignment);
  llvm::Expected<Output> file = Output::inMemory("weights");
  if (!file)
    return file.takeError();
  if (!weights.isThere())
    return llvm::createStringError("no memory for the weights");
  if (std::error_code error = fs::resize_file(file->fd(), bytes))
    return fileError("weights", error);
  if (llvm::Error error = object.weights().write(file->fd(), 0, "weights"))
    return std::move(error);
  llvm::Expected<size_t> read = fs::readNativeFileSlice(
      file->fd(), llvm::MutableArrayRef(weights.data(), bytes), 0);
  if (!read)
    return read.takeError();
  return weights;
}

//===- The whole case -----------------------------------------------------===//

/// The file `tolerance` has a line for each output, and the last line is for
/// all that follow, too: a relative and an absolute error, or `within` and two
/// bounds.
static std::vector<Tolerance> tolerancesOf(StringRef folder) {
  std::vector<Tolerance> tolerances;
  if (auto file = llvm::MemoryBuffer::getFile(folder + "/tolerance"))
    for (StringRef line : llvm::split((*file)->getBuffer().trim(), '\n')) {
      Tolerance &tolerance = tolerances.emplace_back();
      bool isRange = line.consume_front("within ");
      auto [relative, absolute] = line.split(' ');
      if (isRange) {
        tolerance.range.emplace();
        relative.trim().getAsDouble(tolerance.range->first);
        absolute.trim().getAsDouble(tolerance.range->second);
        continue;
      }
      relative.trim().getAsDouble(tolerance.relative);
      absolute.trim().getAsDouble(tolerance.absolute);
    }
  if (tolerances.empty())
    tolerances.emplace_back();
  return tolerances;
}

static void *load(Output &library, std::string &message) {
  void *handle = dlopen(library.temporary().c_str(), RTLD_NOW | RTLD_LOCAL);
  void *model = handle ? dlsym(handle, "model") : nullptr;
  if (!model)
    message = dlerror();
  return model;
}

/// Gives symbolic dims and lengths the sizes of the case's first inputs, as far
/// as the options ask for it.
static void pinSizes(StringRef model, StringRef set, Options &options) {
  llvm::Expected<std::vector<TestValue>> inputs =
      readTestValues(model, set, "input");
  if (!inputs)
    return llvm::consumeError(inputs.takeError());
  pinLengths(*inputs, options);
  for (const TestValue &input : *inputs)
    if (options.pinsDims && !input.isSequence && !input.isOptional &&
        !input.name.empty())
      options.shapes[input.name] = input.tensors[0].dims;
}

Outcome burnish::runCase(StringRef folder, StringRef scratch,
                         const Options &given) {
  Outcome outcome;
  Options options = given;
  options.emit = Emit::Shared;
  std::vector<std::string> sets = dataSets(folder);
  std::string modelPath = (folder + "/model.onnx").str();
  if (!sets.empty())
    pinSizes(modelPath, sets[0], options);
  llvm::raw_string_ostream talk(outcome.message);
  Compiler compiler(options, talk);
  auto ended = [&](StringRef kind, llvm::Error error = llvm::Error::success()) {
    if (error)
      outcome.message += llvm::toString(std::move(error));
    outcome.kind = kind.str();
    outcome.message = StringRef(outcome.message).rtrim().str();
    return outcome;
  };
  if (!compiler.load(modelPath, "model"))
    return ended("unsupported");
  if (!compiler.lower(Emit::Llvm))
    return ended("error");
  llvm::Expected<Object> object = compiler.object();
  if (!object)
    return ended("error", object.takeError());
  std::optional<Guarded> weights;
  if (!options.embedsWeights) {
    llvm::Expected<Guarded> made = weightsOf(*object);
    if (!made)
      return ended("error", made.takeError());
    weights.emplace(std::move(*made));
  }
  llvm::Expected<Output> code = Output::inMemory("model.o"),
                         library =
                             Output::create((scratch + "/model.so").str());
  if (!code || !library)
    return ended("error",
                 llvm::joinErrors(code.takeError(), library.takeError()));
  if (llvm::Error error = object->write(*code))
    return ended("error", std::move(error));
  if (llvm::Error error = linkLoadable(
          code->temporary(),
          findRuntime(executablePath(), compiler.target().triple), *library))
    return ended("error", std::move(error));
  auto *model =
      static_cast<const burnish_model *>(load(*library, outcome.message));
  if (!model)
    return ended("error");
  outcome.message.clear();
  std::vector<Tolerance> tolerances = tolerancesOf(folder);
  for (const std::string &set : sets)
    if (!runDataSet(*model, set, options.threads,
                    weights ? weights->data() : nullptr, tolerances, outcome))
      return outcome;
  if (sets.empty())
    outcome.message = "no test_data_set_0";
  outcome.kind = sets.empty()                ? "error"
                 : outcome.difference.misses ? "mismatch"
                                             : "pass";
  return outcome;
}
