// DataSet.cpp - a compiled model run on the data of a case, in guarded memory,
// and compared with what the case expects.
#include "tools/burnish/DataSet.h"
#include "frontend/onnx/TestData.h"
#include "tools/burnish/CaseValues.h"
#include "tools/burnish/Guarded.h"
#include "llvm/Support/Path.h"
#include <thread>

using namespace burnish;
using llvm::StringRef;
using onnx_import::TestTensor;
using onnx_import::TestValue, onnx_import::readTestValues;

//===- The context of a run -----------------------------------------------===//

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

//===- Messages -----------------------------------------------------------===//

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

//===- The run ------------------------------------------------------------===//

static bool fits(const burnish_info &info, const TestTensor &tensor) {
  if (info.type != tensor.type ||
      info.rank != static_cast<int32_t>(tensor.dims.size()))
    return false;
  for (int32_t axis = 0; axis < info.rank; ++axis)
    if (info.dims[axis] >= 0 && info.dims[axis] != tensor.dims[axis])
      return false;
  return true;
}

namespace {
/// Each step is false when the case ends there; why is in the outcome.
class DataSet {
public:
  DataSet(const burnish_model &model, int64_t threads, const void *weights,
          Outcome &outcome)
      : model(model), threads(threads), weights(weights), outcome(outcome) {
    dims.reserve(model.input_count + model.output_count);
  }

  bool read(StringRef set);
  bool placeInputs();
  bool placeOutputs();
  bool run();
  bool compareWith(llvm::ArrayRef<Tolerance> tolerances);

private:
  bool fail(StringRef kind, const llvm::Twine &message) {
    outcome.kind = kind.str();
    outcome.message = message.str();
    return false;
  }
  bool room(int64_t bytes, int64_t alignment = 1) {
    memory.emplace_back(bytes, alignment);
    return memory.back().isThere();
  }
  const TestTensor *inputFor(int32_t position) const;
  const char *differsOnOneThread(std::vector<burnish_tensor> blank,
                                 void *workspace, burnish_text *text) const;
  void countOutsideOf(const Tolerance &tolerance, const burnish_info &info,
                      const TestTensor &wanted, llvm::ArrayRef<char> computed);
  void countDifferences(const Tolerance &tolerance, const burnish_info &info,
                        const TestTensor &wanted,
                        llvm::ArrayRef<char> computed);

  const burnish_model &model;
  int64_t threads;
  const void *weights;
  Outcome &outcome;
  std::vector<TestTensor> inputs, expected;
  std::vector<Guarded> memory;
  /// Outputs whose sizes depend on data lie here.
  GuardedHeap heap;
  std::vector<burnish_tensor> in, out;
  std::vector<std::vector<int64_t>> dims;
};
} // namespace

bool DataSet::read(StringRef set) {
  std::string path = (llvm::sys::path::parent_path(set) + "/model.onnx").str();
  llvm::Expected<std::vector<TestValue>> given =
                                             readTestValues(path, set, "input"),
                                         wanted = readTestValues(path, set,
                                                                 "output");
  if (!given || !wanted) {
    std::string message = given ? "" : llvm::toString(given.takeError());
    if (!wanted)
      message +=
          (message.empty() ? "" : "; ") + llvm::toString(wanted.takeError());
    return fail("unsupported", message);
  }
  inputs = tensorsFor(llvm::ArrayRef(model.inputs, model.input_count), *given);
  expected =
      tensorsFor(llvm::ArrayRef(model.outputs, model.output_count), *wanted);
  return true;
}

/// The input for `position`: the tensor of its name, or the one at its place.
const TestTensor *DataSet::inputFor(int32_t position) const {
  for (const TestTensor &tensor : inputs)
    if (!tensor.name.empty() && tensor.name == model.inputs[position].name)
      return &tensor;
  return position < static_cast<int32_t>(inputs.size()) ? &inputs[position]
                                                        : nullptr;
}

bool DataSet::placeInputs() {
  for (int32_t index = 0; index < model.input_count; ++index) {
    const burnish_info &info = model.inputs[index];
    const TestTensor *tensor = inputFor(index);
    if (!tensor)
      return fail("error", "the case has no data for input '" +
                               llvm::Twine(info.name) + "'");
    if (!fits(info, *tensor))
      return fail("error", "input '" + llvm::Twine(info.name) + "' is " +
                               portText(info) + ", and the case's data " +
                               describe(tensor->type, tensor->dims));
    if (!room(tensor->bytes.size()))
      return fail("error", "no memory for the inputs");
    std::copy(tensor->bytes.begin(), tensor->bytes.end(), memory.back().data());
    dims.push_back(tensor->dims);
    in.push_back({memory.back().data(), dims.back().data(),
                  static_cast<int64_t>(tensor->bytes.size())});
  }
  return true;
}

bool DataSet::placeOutputs() {
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
  return true;
}

/// Runs the model again, on one thread; the name of an output whose bits are
/// not what they were.
const char *DataSet::differsOnOneThread(std::vector<burnish_tensor> blank,
                                        void *workspace,
                                        burnish_text *text) const {
  std::vector<std::vector<char>> bytes;
  for (auto [index, tensor] : llvm::enumerate(out)) {
    const burnish_info &info = model.outputs[index];
    auto *data = static_cast<const char *>(tensor.data);
    bytes.emplace_back(data,
                       data + countOf(llvm::ArrayRef(tensor.dims, info.rank)) *
                                  bytesOfType(info.type));
  }
  GuardedHeap heap;
  TestContext context(heap, 1, weights, text, nullptr);
  if (model.run(&context.slots, in.data(), blank.data(), workspace))
    return model.outputs[0].name;
  for (auto [index, tensor] : llvm::enumerate(blank))
    if (std::memcmp(tensor.data, bytes[index].data(), bytes[index].size()) != 0)
      return model.outputs[index].name;
  return nullptr;
}

bool DataSet::run() {
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
  TestContext context(heap, threads, weights, &text, &misfit);
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
    if (std::memcmp(in[index].data, inputFor(index)->bytes.data(),
                    in[index].bytes) != 0)
      return fail("error", "the run wrote to input '" +
                               llvm::Twine(model.inputs[index].name) + "'");
  const char *other =
      threads > 1 ? differsOnOneThread(blank, workspace, &text) : nullptr;
  return !other ||
         fail("error", "output '" + llvm::Twine(other) +
                           "' has other bits when one thread runs it");
}

//===- The comparison -----------------------------------------------------===//

void DataSet::countOutsideOf(const Tolerance &tolerance,
                             const burnish_info &info, const TestTensor &wanted,
                             llvm::ArrayRef<char> computed) {
  int64_t outside = countOutside(wanted.type, computed, tolerance.range->first,
                                 tolerance.range->second);
  if (!outside)
    return;
  outcome.difference.misses += outside;
  outcome.message =
      ("output '" + llvm::Twine(info.name) + "': " + llvm::Twine(outside) +
       " of " + llvm::Twine(countOf(wanted.dims)) +
       " are not between the bounds of the case")
          .str();
}

void DataSet::countDifferences(const Tolerance &tolerance,
                               const burnish_info &info,
                               const TestTensor &wanted,
                               llvm::ArrayRef<char> computed) {
  Difference difference = compare(wanted.type, computed, wanted.bytes,
                                  tolerance.relative, tolerance.absolute);
  outcome.difference.add(difference);
  if (!difference.misses || !outcome.message.empty())
    return;
  int64_t first = difference.firstMiss;
  outcome.message =
      ("output '" + llvm::Twine(info.name) +
       "': " + llvm::Twine(difference.misses) + " of " +
       llvm::Twine(countOf(wanted.dims)) + " differ, element " +
       llvm::Twine(first) + " is " + elementText(wanted.type, computed, first) +
       " and should be " + elementText(wanted.type, wanted.bytes, first))
          .str();
}

bool DataSet::compareWith(llvm::ArrayRef<Tolerance> tolerances) {
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
    if (tolerance.range)
      countOutsideOf(tolerance, info, tensor, computed);
    else
      countDifferences(tolerance, info, tensor, computed);
  }
  return true;
}

bool burnish::runDataSet(const burnish_model &model, StringRef set,
                         int64_t threads, const void *weights,
                         llvm::ArrayRef<Tolerance> tolerances,
                         Outcome &outcome) {
  DataSet data(model, threads, weights, outcome);
  return data.read(set) && data.placeInputs() && data.placeOutputs() &&
         data.run() && data.compareWith(tolerances);
}
