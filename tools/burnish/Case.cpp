// Case.cpp - one backend-test folder: compiled, linked, loaded, run and
// compared, in this process.
#include "tools/burnish/Case.h"
#include "codegen/Link.h"
#include "frontend/onnx/TestData.h"
#include "passes/graph/Evaluate.h"
#include "runtime/include/burnish.h"
#include "tools/burnish/CaseValues.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/Guarded.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <dlfcn.h>
#include <thread>

using namespace burnish;
using llvm::StringRef;
using onnx_import::TestTensor;
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

//===- The run ------------------------------------------------------------===//

namespace {
/// The context that cases run in: guarded memory, and as many threads as asked
/// for.
struct TestContext {
  TestContext(GuardedHeap &heap, int64_t threads, const void *weights,
              burnish_text *text, burnish_misfit *misfit);

  burnish_context slots;
  GuardedHeap &heap;
  int64_t threads;
};

/// How far outputs may be off, as `compare` takes it; or between which numbers
/// they lie, whatever the case has, where they are random.
struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
  std::optional<std::pair<double, double>> range;
};
} // namespace

static void parallelFor(const burnish_context *context,
                        void (*body)(void *, int64_t, int64_t), void *closure,
                        int64_t count) {
  int64_t threads =
      std::min(reinterpret_cast<const TestContext *>(context)->threads, count);
  std::vector<std::thread> pool;
  for (int64_t index = 1; index < threads; ++index)
    pool.emplace_back(body, closure, count * index / threads,
                      count * (index + 1) / threads);
  if (threads > 0)
    body(closure, 0, count / threads);
  for (std::thread &thread : pool)
    thread.join();
}

static void *allocate(const burnish_context *context, int64_t bytes) {
  return reinterpret_cast<const TestContext *>(context)->heap.allocate(bytes);
}
static void release(const burnish_context *context, void *pointer) {
  if (pointer)
    reinterpret_cast<const TestContext *>(context)->heap.release(pointer);
}

TestContext::TestContext(GuardedHeap &heap, int64_t threads,
                         const void *weights, burnish_text *text,
                         burnish_misfit *misfit)
    : slots{threads > 1 ? parallelFor : nullptr,
            allocate,
            release,
            weights,
            text,
            misfit},
      heap(heap), threads(threads) {}

static std::string shapeText(llvm::ArrayRef<int64_t> dims) {
  return dims.empty()
             ? "scalar"
             : llvm::join(llvm::map_range(dims,
                                          [](int64_t dim) {
                                            return dim < 0
                                                       ? "?"
                                                       : std::to_string(dim);
                                          }),
                          "x");
}

/// `what` with type and shape, as a message has it.
static std::string describe(int32_t type, llvm::ArrayRef<int64_t> dims) {
  return nameOfType(type) + " " + shapeText(dims);
}

static std::string portText(const burnish_info &info) {
  return describe(info.type, llvm::ArrayRef(info.dims, info.rank));
}

static bool fits(const burnish_info &info, const TestTensor &tensor) {
  if (info.type != tensor.type ||
      info.rank != static_cast<int32_t>(tensor.dims.size()))
    return false;
  for (int32_t axis = 0; axis < info.rank; ++axis)
    if (info.dims[axis] >= 0 && info.dims[axis] != tensor.dims[axis])
      return false;
  return true;
}

static const char *statusText(int32_t status) {
  static constexpr const char *kTexts[] = {"ok",
                                           "a shape does not fit",
                                           "a value is out of its range",
                                           "no memory",
                                           "no allocator",
                                           "a bad argument",
                                           "no memory for strings"};
  return status >= 0 && status < 7 ? kTexts[status] : "an unknown status";
}

static std::string misfitText(const burnish_misfit &misfit) {
  if (!misfit.text)
    return "";
  std::string text = std::string(": ") + misfit.text;
  for (int32_t i = 0; i < misfit.count; ++i)
    text += (i ? " and " : ": ") + std::to_string(misfit.sizes[i]);
  return text;
}

/// The input for `position`: the tensor of its name, or the one at its place.
static const TestTensor *inputFor(const burnish_model &model, int32_t position,
                                  llvm::ArrayRef<TestTensor> tensors) {
  for (const TestTensor &tensor : tensors)
    if (!tensor.name.empty() && tensor.name == model.inputs[position].name)
      return &tensor;
  return position < static_cast<int32_t>(tensors.size()) ? &tensors[position]
                                                         : nullptr;
}

/// Runs the model again, on one thread; the name of an output whose bits are
/// not those of `before`.
static const char *differsOnOneThread(const burnish_model &model,
                                      const std::vector<burnish_tensor> &in,
                                      std::vector<burnish_tensor> out,
                                      const std::vector<burnish_tensor> &before,
                                      void *workspace, const void *weights,
                                      burnish_text *text) {
  std::vector<std::vector<char>> bytes;
  for (auto [index, tensor] : llvm::enumerate(before)) {
    const burnish_info &info = model.outputs[index];
    auto *data = static_cast<const char *>(tensor.data);
    bytes.emplace_back(data,
                       data + countOf(llvm::ArrayRef(tensor.dims, info.rank)) *
                                  bytesOfType(info.type));
  }
  GuardedHeap heap;
  TestContext context(heap, 1, weights, text, nullptr);
  if (model.run(&context.slots, in.data(), out.data(), workspace))
    return model.outputs[0].name;
  for (auto [index, tensor] : llvm::enumerate(out))
    if (std::memcmp(tensor.data, bytes[index].data(), bytes[index].size()) != 0)
      return model.outputs[index].name;
  return nullptr;
}

/// Runs the model on one data set and adds what differs to `outcome`; false
/// when there is more to say than that.
static bool runDataSet(const burnish_model &model, StringRef set,
                       const Options &options, const void *weights,
                       llvm::ArrayRef<Tolerance> tolerances, Outcome &outcome) {
  auto fail = [&](StringRef kind, const llvm::Twine &message) {
    outcome.kind = kind.str();
    outcome.message = message.str();
    return false;
  };
  std::string modelPath =
      (llvm::sys::path::parent_path(set) + "/model.onnx").str();
  llvm::Expected<std::vector<TestValue>> given = readTestValues(modelPath, set,
                                                                "input"),
                                         wanted = readTestValues(modelPath, set,
                                                                 "output");
  if (!given || !wanted) {
    std::string message = given ? "" : llvm::toString(given.takeError());
    if (!wanted)
      message +=
          (message.empty() ? "" : "; ") + llvm::toString(wanted.takeError());
    return fail("unsupported", message);
  }
  std::vector<TestTensor> inputs =
      tensorsFor(llvm::ArrayRef(model.inputs, model.input_count), *given);
  std::vector<TestTensor> expected =
      tensorsFor(llvm::ArrayRef(model.outputs, model.output_count), *wanted);
  std::vector<Guarded> memory;
  std::vector<burnish_tensor> in, out;
  std::vector<std::vector<int64_t>> dims;
  dims.reserve(model.input_count + model.output_count);
  auto room = [&](int64_t bytes, int64_t alignment = 1) {
    memory.emplace_back(bytes, alignment);
    return memory.back().isThere();
  };
  for (int32_t index = 0; index < model.input_count; ++index) {
    const TestTensor *tensor = inputFor(model, index, inputs);
    if (!tensor)
      return fail("error", "the case has no data for input '" +
                               llvm::Twine(model.inputs[index].name) + "'");
    if (!fits(model.inputs[index], *tensor))
      return fail("error", "input '" + llvm::Twine(model.inputs[index].name) +
                               "' is " + portText(model.inputs[index]) +
                               ", and the case's data " +
                               describe(tensor->type, tensor->dims));
    if (!room(tensor->bytes.size()))
      return fail("error", "no memory for the inputs");
    std::copy(tensor->bytes.begin(), tensor->bytes.end(), memory.back().data());
    dims.push_back(tensor->dims);
    in.push_back({memory.back().data(), dims.back().data(),
                  static_cast<int64_t>(tensor->bytes.size())});
  }
  for (int32_t index = 0; index < model.output_count; ++index) {
    const burnish_info &info = model.outputs[index];
    dims.emplace_back(std::max(info.rank, 1), 0);
    llvm::ArrayRef<int64_t> known(info.dims, info.rank);
    if (llvm::any_of(known, [](int64_t dim) { return dim < 0; })) {
      out.push_back({nullptr, dims.back().data(), 0});
      continue;
    }
    int64_t bytes = countOf(known) * bytesOfType(info.type);
    if (!room(bytes))
      return fail("error", "no memory for the outputs");
    out.push_back({memory.back().data(), dims.back().data(), bytes});
  }
  int64_t workspaceBytes = model.workspace_size
                               ? model.workspace_size(in.data())
                               : model.workspace_bytes;
  // The run says what is wrong where the dims are.
  if (!room(std::max<int64_t>(workspaceBytes, 0), 64))
    return fail("error", "no memory for the workspace");
  // More strings than this no case makes.
  constexpr int64_t kTextBytes = 1 << 20;
  void *workspace = memory.back().data();
  if (!room(kTextBytes, 64))
    return fail("error", "no memory for strings");
  burnish_text text = {memory.back().data(), kTextBytes, 0};
  burnish_misfit misfit = {};
  GuardedHeap heap;
  TestContext context(heap, options.threads, weights, &text, &misfit);
  std::vector<burnish_tensor> blank = out;
  int32_t status = model.run(&context.slots, in.data(), out.data(), workspace);
  if (status)
    return fail("error", "the run returned " + llvm::Twine(status) + ", " +
                             statusText(status) + misfitText(misfit));
  if (!heap.isIntact() || !llvm::all_of(memory, [](const Guarded &guarded) {
        return guarded.isIntact();
      }))
    return fail("error", "the run wrote beyond the end of a buffer");
  for (int32_t index = 0; index < model.input_count; ++index)
    if (std::memcmp(in[index].data,
                    inputFor(model, index, inputs)->bytes.data(),
                    in[index].bytes) != 0)
      return fail("error", "the run wrote to input '" +
                               llvm::Twine(model.inputs[index].name) + "'");
  if (options.threads > 1)
    if (const char *output = differsOnOneThread(model, in, blank, out,
                                                workspace, weights, &text))
      return fail("error", "output '" + llvm::Twine(output) +
                               "' has other bits when one thread runs it");

  if (expected.size() > out.size())
    return fail("error", "the case has " + llvm::Twine(expected.size()) +
                             " outputs, and the model " +
                             llvm::Twine(out.size()));
  for (auto [index, tensor] : llvm::enumerate(expected)) {
    const burnish_info &info = model.outputs[index];
    llvm::ArrayRef<int64_t> shape(out[index].dims, info.rank);
    if (info.type != tensor.type || shape != llvm::ArrayRef(tensor.dims)) {
      outcome.difference.misses++;
      return fail("mismatch", "output '" + llvm::Twine(info.name) + "' is " +
                                  describe(info.type, shape) +
                                  " and should be " +
                                  describe(tensor.type, tensor.dims));
    }
    llvm::ArrayRef<char> computed(static_cast<const char *>(out[index].data),
                                  tensor.bytes.size());
    const Tolerance &tolerance =
        tolerances[std::min(index, tolerances.size() - 1)];
    if (tolerance.range) {
      if (int64_t outside =
              countOutside(tensor.type, computed, tolerance.range->first,
                           tolerance.range->second)) {
        outcome.difference.misses += outside;
        outcome.message = ("output '" + llvm::Twine(info.name) +
                           "': " + llvm::Twine(outside) + " of " +
                           llvm::Twine(countOf(tensor.dims)) +
                           " are not between the bounds of the case")
                              .str();
      }
      continue;
    }
    Difference difference = compare(tensor.type, computed, tensor.bytes,
                                    tolerance.relative, tolerance.absolute);
    outcome.difference.add(difference);
    if (difference.misses && outcome.message.empty())
      outcome.message =
          ("output '" + llvm::Twine(info.name) +
           "': " + llvm::Twine(difference.misses) + " of " +
           llvm::Twine(countOf(tensor.dims)) + " differ, element " +
           llvm::Twine(difference.firstMiss) + " is " +
           elementText(tensor.type, computed, difference.firstMiss) +
           " and should be " +
           elementText(tensor.type, tensor.bytes, difference.firstMiss))
              .str();
  }
  return true;
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

Outcome burnish::runCase(StringRef folder, StringRef scratch,
                         const Options &given) {
  Outcome outcome;
  Options options = given;
  options.emit = Emit::Shared;
  std::vector<std::string> sets = dataSets(folder);
  std::string modelPath = (folder + "/model.onnx").str();
  if (!sets.empty()) {
    llvm::Expected<std::vector<TestValue>> inputs =
        readTestValues(modelPath, sets[0], "input");
    if (inputs) {
      pinLengths(*inputs, options);
      for (const TestValue &input : *inputs)
        if (options.pinsDims && !input.isSequence && !input.isOptional &&
            !input.name.empty())
          options.shapes[input.name] = input.tensors[0].dims;
    } else {
      llvm::consumeError(inputs.takeError());
    }
  }
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
    if (!runDataSet(*model, set, options, weights ? weights->data() : nullptr,
                    tolerances, outcome))
      return outcome;
  if (sets.empty())
    outcome.message = "no test_data_set_0";
  outcome.kind = sets.empty()                ? "error"
                 : outcome.difference.misses ? "mismatch"
                                             : "pass";
  return outcome;
}
