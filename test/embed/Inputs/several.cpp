// several.cpp - models as data: two of fixed shape one after the other, and one
// whose shape the caller chooses, from many threads at once.
#include "affine.h"
#include "mlp.h"
#include "rows.h"

#include "expected.h"
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

static bool isClose(const float *values, const float *wanted, int count) {
  for (int i = 0; i < count; ++i)
    if (!(std::fabs(values[i] - wanted[i]) < 1e-4f))
      return false;
  return true;
}

struct Workspace {
  void *pointer;
  explicit Workspace(const burnish_model &model,
                     const burnish_tensor *inputs = nullptr)
      : pointer(std::aligned_alloc(
            64, size_t((inputs ? burnish_workspace_for(&model, inputs)
                               : burnish_workspace_size(&model)) +
                       127) /
                    64 * 64)) {}
  ~Workspace() { std::free(pointer); }
};

// The scores of mlp, sent through affine.
static bool chain(const burnish_context *context) {
  Workspace first(mlp), second(affine);
  float scores[15], y[15];
  int64_t inputDims[] = {3, 11}, dims[] = {3, 5}, outDims[2];
  burnish_tensor input = {const_cast<float *>(mlp_input), inputDims,
                          sizeof mlp_input},
                 between = {scores, outDims, sizeof scores};
  if (burnish_run(&mlp, context, &input, &between, first.pointer) !=
          BURNISH_OK ||
      std::memcmp(outDims, dims, sizeof dims) != 0)
    return false;
  burnish_tensor output = {y, outDims, sizeof y};
  return burnish_run(&affine, context, &between, &output, second.pointer) ==
             BURNISH_OK &&
         isClose(scores, mlp_scores, 15) && isClose(y, affine_y, 15);
}

// Of as many rows as the caller says, into a buffer of the caller's or of the
// context's.
static bool rowsOf(const burnish_context *context, int64_t count, bool brings) {
  int64_t dims[] = {count, 4}, outDims[1];
  float sums[6];
  burnish_tensor x = {const_cast<float *>(rows_x), dims, count * 16},
                 out = {brings ? sums : nullptr, outDims,
                        brings ? int64_t(sizeof sums) : 0};
  Workspace workspace(rows, &x);
  if (burnish_run(&rows, context, &x, &out, workspace.pointer) != BURNISH_OK)
    return false;
  bool isGood =
      outDims[0] == count &&
      isClose(static_cast<float *>(out.data), rows_sums, int(count)) &&
      out.data && (brings || out.bytes == count * 4);
  if (!brings)
    context->release(context, out.data);
  return isGood;
}

// A context of one's own, which counts.
struct Counting : burnish_context {
  mutable std::atomic<int> taken = 0, loops = 0;

  Counting() : burnish_context() {
    allocate = [](const burnish_context *context, int64_t bytes) {
      ++static_cast<const Counting *>(context)->taken;
      return std::aligned_alloc(64, size_t(bytes + 64) / 64 * 64);
    };
    release = [](const burnish_context *context, void *pointer) {
      static_cast<const Counting *>(context)->taken -= pointer != nullptr;
      std::free(pointer);
    };
    // In single steps and backwards, which is as good as any order.
    parallel_for = [](const burnish_context *context,
                      void (*body)(void *, int64_t, int64_t), void *closure,
                      int64_t count) {
      ++static_cast<const Counting *>(context)->loops;
      for (int64_t i = count; i-- > 0;)
        body(closure, i, i + 1);
    };
  }
};

static int failures;
static void expect(bool isGood, const char *what) {
  if (!isGood && ++failures)
    std::printf("wrong: %s\n", what);
}

int main() {
  expect(chain(nullptr), "without a context");
  Counting own;
  expect(chain(&own), "with a context of one's own");
  for (int64_t count : {0, 1, 2, 5, 6}) {
    expect(rowsOf(&own, count, true), "rows into the caller's buffer");
    if (count)
      expect(rowsOf(&own, count, false), "rows into the context's memory");
  }
  expect(own.taken == 0, "memory comes back");

  burnish_context *pool = burnish_pool_create(3);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&good, pool, i] {
      for (int round = 0; round < 100; ++round)
        good += chain(i % 2 ? pool : nullptr) &&
                rowsOf(pool, 1 + round % 6, round % 2);
    });
  for (std::thread &thread : threads)
    thread.join();
  expect(good == 400, "runs at the same time");
  burnish_pool_destroy(pool);

  // A model tells what it is, and refuses what does not fit.
  expect(rows.inputs[0].dims[0] == -1 &&
             std::strcmp(rows.inputs[0].dim_names[0], "batch") == 0 &&
             rows.inputs[0].dims[1] == 4,
         "dims");
  expect(std::strcmp(mlp.inputs[0].name, "input") == 0 &&
             std::strcmp(mlp.outputs[0].name, "scores") == 0 &&
             mlp.inputs[0].type == BURNISH_FLOAT,
         "names");
  int64_t dims[] = {2, 5}, outDims[1];
  burnish_tensor x = {const_cast<float *>(rows_x), dims, 40},
                 out = {nullptr, outDims, 0};
  expect(burnish_run(&rows, &own, &x, &out, nullptr) == BURNISH_BAD_SHAPE &&
             !out.data,
         "a wrong dim");
  if (!failures)
    std::puts("as expected");
  return failures != 0;
}
