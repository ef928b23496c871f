// Product.cpp - register tiles and panels for sums of products.
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;

/// Work below this many multiplications is not worth waking a thread.
static constexpr int64_t kParallelProducts = 200000;
/// More rows than this gain nothing, and each takes an address.
static constexpr int64_t kMostRows = 14;
/// An element that lies whole pages from another has its place in the same
/// lines of a cache; so many of them drive each other out.
static constexpr int64_t kPageBytes = 4096, kMeetingSteps = 16;
/// A panel of pairs holds the whole depth in so many bytes, if it can.
static constexpr int64_t kWholePanelBytes = 128 << 10;
/// Vectors of a tile of one row, and of a panel that it reads.
static constexpr int64_t kRowVectors = 8, kStreamVectors = 4;

/// Cycles of one step of the sum: two multiply-adds and two loads each cycle,
/// four cycles from sum to sum.
static int64_t stepCycles(int64_t rows, int64_t vectors) {
  return std::max<int64_t>({rows * vectors, rows + vectors, 8});
}

bool burnish::panelsPay(const PanelShape &shape, const Machine &machine) {
  for (int64_t size : {shape.rows, shape.lanes, shape.line})
    if (ShapedType::isDynamic(size))
      return true;
  // More rows than are in one tile would read the operand several times.
  constexpr int64_t kRowsInPlace = 16;
  int64_t width = machine.vectorBits / shape.sumBits;
  if (shape.rows > kRowsInPlace || width < 2)
    return true;
  // Half cycles of a step of the sum. Vectors that a stretch ends in are filled
  // element by element.
  int64_t fill = shape.line < 2 * width ? 2 * width : 8,
          pieces = shape.line / width +
                   llvm::popcount(static_cast<uint64_t>(shape.line % width));
  int64_t vectors = llvm::divideCeil(shape.lanes, width),
          stretches = shape.lanes / shape.line;
  return vectors * (shape.rows + fill) < stretches * shape.rows * pieces;
}

std::optional<nn::ScheduleAttr>
burnish::scheduleProduct(MLIRContext *context, const ProductShape &shape,
                         const Machine &machine) {
  int64_t width = machine.vectorBits / shape.sumBits;
  auto isKnown = [](int64_t size) { return !ShapedType::isDynamic(size); };
  if (isKnown(shape.lanes))
    width = std::min<int64_t>(
        width, llvm::bit_ceil(static_cast<uint64_t>(shape.lanes)));
  if (width < 2)
    return std::nullopt;
  int64_t steps = width < 4 || shape.weave > 1 ? 1
                  : shape.isOfBytes            ? machine.bytesAtOnce
                  : shape.isOfHalves           ? machine.halvesAtOnce
                                               : 1;
  // A product that is not added by the same instruction takes a register.
  bool addsApart = shape.isOfBytes && steps == 2;
  int64_t registers = machine.vectorRegisters - (addsApart ? 2 : 1);
  // Sizes of run time are taken for large ones.
  int64_t lanes = isKnown(shape.lanes) ? shape.lanes : 16 * width,
          rowCount = isKnown(shape.rows) ? shape.rows : 64;
  int64_t allVectors = llvm::divideCeil(lanes, width), bestCost = INT64_MAX,
          rows = 1, vectors = 1;
  int64_t bytes = std::max(1u, shape.rightBits / 8);
  auto isWholePanel = [&](int64_t count) {
    return steps == 1 || shape.isRightConstant || !isKnown(shape.depth) ||
           shape.depth * count * width * bytes <= kWholePanelBytes;
  };
  for (int64_t tryVectors : {2, 3, 4, 8, 6, 1}) {
    if (tryVectors > 1 &&
        (tryVectors > allVectors || !isWholePanel(tryVectors)))
      continue;
    int64_t most = (registers - tryVectors) / tryVectors / shape.weave;
    if (most < 1)
      continue;
    int64_t tryRows = std::min({rowCount, kMostRows, most});
    // Tiles of equal size, never a full one and a sliver.
    tryRows = llvm::divideCeil(rowCount, llvm::divideCeil(rowCount, tryRows));
    auto column = [&](int64_t count) {
      int64_t rest = rowCount % tryRows;
      return rowCount / tryRows * stepCycles(tryRows * shape.weave, count) +
             (rest ? stepCycles(rest * shape.weave, count) : 0);
    };
    int64_t cost =
        allVectors / tryVectors * column(tryVectors) +
        (allVectors % tryVectors ? column(allVectors % tryVectors) : 0);
    if (cost < bestCost) {
      bestCost = cost;
      rows = tryRows;
      vectors = tryVectors;
    }
  }
  // One row meets each element of the other operand once, so that memory is
  // what it waits for: more panels at a time keep more reads under way.
  int64_t streams = 1;
  if (rowCount == 1 && shape.weave == 1 && shape.isRightConstant &&
      allVectors >= kRowVectors) {
    vectors = machine.vectorRegisters > kRowVectors * 2 &&
                      allVectors >= kRowVectors * kRowVectors
                  ? 2 * kRowVectors
                  : kRowVectors;
    streams = vectors / kStreamVectors;
  }
  bool isStatic =
      isKnown(shape.lanes) && isKnown(shape.rows) && isKnown(shape.depth);
  bool packs = false;
  if (!shape.isStraight && !shape.isRightConstant) {
    // Each element is moved once and used once for each row.
    if (!isStatic || shape.rows < 8)
      return std::nullopt;
    packs = true;
  } else if (!shape.isRightConstant) {
    // Steps whole pages apart meet in a few lines of the caches.
    bool meets = isKnown(shape.depthStride) &&
                 shape.depthStride * bytes % kPageBytes == 0 &&
                 shape.depth >= kMeetingSteps;
    packs = isStatic && ((shape.rows >= 48 && shape.lanes * bytes >= 2048) ||
                         (shape.rows * shape.weave >= 16 && meets));
    // Only a panel has the elements of several steps side by side.
    if (steps > 1 && !isStatic)
      steps = 1;
    packs |= steps > 1;
  }
  // What all rows use again stays in the second cache.
  bool rowsOutside = !packs && isStatic && shape.rows > rows &&
                     shape.lanes * shape.depth * bytes <= machine.l2Bytes / 2 &&
                     shape.rows >= shape.lanes / 2;
  double products = 1;
  for (int64_t size :
       {shape.outer, shape.rows, shape.lanes, shape.depth, shape.weave})
    products *= isKnown(size) ? size : 64;
  // What the cache still holds of the last sweep over a large operand is its
  // end.
  bool backAndForth = shape.isRepeated && shape.isRightConstant && isStatic &&
                      !rowsOutside &&
                      shape.lanes * shape.depth * bytes > machine.l2Bytes / 2;
  return nn::ScheduleAttr::get(context, "product", width, vectors, rows, packs,
                               rowsOutside, products >= kParallelProducts,
                               streams, backAndForth, steps);
}
