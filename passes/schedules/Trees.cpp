// Trees.cpp - how many walks through trees go side by side, and how many rows
// a thread takes at a time.
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

/// Of so many walks side by side, the places fill the registers of a CPU.
static constexpr int64_t kWalks = 8;
/// Rows that go through one tree before the next is read.
static constexpr int64_t kMostRows = 128;
/// Walks below this many, of a usual depth, are not worth waking a thread.
static constexpr double kParallelWalks = 8000;

nn::ScheduleAttr burnish::scheduleTrees(MLIRContext *context,
                                        const TreesShape &shape,
                                        const Machine &machine) {
  // Rows stay in the second cache while all trees pass by.
  int64_t rows = kMostRows;
  if (!ShapedType::isDynamic(shape.rowBytes))
    rows = std::clamp<int64_t>(machine.l2Bytes / 4 /
                                   std::max<int64_t>(shape.rowBytes, 1),
                               kWalks, kMostRows);
  rows -= rows % kWalks;
  double all = ShapedType::isDynamic(shape.rows) ? 1024 : shape.rows;
  return nn::ScheduleAttr::get(context, "trees", kWalks, 1, rows, false, false,
                               all * shape.trees >= kParallelWalks);
}
