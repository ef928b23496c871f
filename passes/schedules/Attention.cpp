// Attention.cpp - tiles of queries for attention.
#include "passes/schedules/Schedules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;

/// Vectors of keys in a tile, and rows beyond which a tile gains nothing.
static constexpr int64_t kVectors = 2, kMostRows = 14;
/// Fewer rows than this read keys and values too often.
static constexpr int64_t kLeastRows = 4;
/// Work below this many multiplications is not worth waking a thread.
static constexpr double kParallelProducts = 200000;

std::optional<nn::ScheduleAttr>
burnish::scheduleAttention(MLIRContext *context, const AttentionShape &shape,
                           const Machine &machine) {
  int64_t width = machine.vectorBits / 32;
  if (width < 4 || shape.keys < width || shape.queries < kLeastRows ||
      (shape.isOfHalves && machine.halvesAtOnce != 2))
    return std::nullopt;
  // A sum for each row and vector, the keys' vectors, and a query's element.
  int64_t most = std::min<int64_t>(
      {kMostRows, (machine.vectorRegisters - kVectors - 1) / kVectors,
       shape.frameBytes / (shape.keys * shape.keyBytes)});
  if (most < std::min(kLeastRows, shape.queries))
    return std::nullopt;
  int64_t rows =
      llvm::divideCeil(shape.queries, llvm::divideCeil(shape.queries, most));
  bool isParallel =
      double(shape.outer) * shape.queries * shape.keys * shape.steps >=
      kParallelProducts;
  return nn::ScheduleAttr::get(context, "attention", width, kVectors, rows,
                               false, false, isParallel);
}
