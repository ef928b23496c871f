// Windows.cpp - register tiles for sums over windows.
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;

/// Work below this many multiplications is not worth waking a thread.
static constexpr double kParallelProducts = 50000;
/// More windows than this in a tile share no more loads.
static constexpr int64_t kMostWindows = 14;

/// How many vectors of channels to take through all lines before the next ones,
/// so that the lines that windows share are still in the second cache; 1 where
/// all channels are. 32 lines of 32 elements of 768 channels, windows of 7x7,
/// ran at 32 % of the peak, since seven lines take 0.7 MB.
static int64_t stretchOf(const WindowsShape &shape, int64_t width,
                         const Machine &machine) {
  constexpr int64_t kLeastVectors = 2;
  for (int64_t size : {shape.rows, shape.lanes})
    if (ShapedType::isDynamic(size))
      return 1;
  int64_t lines = shape.taps / shape.rowTaps,
          bytes = lines * shape.rows * shape.lanes *
                  std::max<int64_t>(1, shape.widestBits / 8),
          vectors = llvm::divideCeil(shape.lanes, width);
  if (lines == 1 || shape.outer == 1 || bytes <= machine.l2Bytes / 2)
    return 1;
  int64_t most =
      std::max<int64_t>(kLeastVectors, vectors * (machine.l2Bytes / 4) / bytes);
  return llvm::divideCeil(vectors, llvm::divideCeil(vectors, most));
}

std::optional<nn::ScheduleAttr>
burnish::scheduleWindows(MLIRContext *context, const WindowsShape &shape,
                         const Machine &machine) {
  auto isKnown = [](int64_t size) { return !ShapedType::isDynamic(size); };
  int64_t width = machine.vectorBits / std::max(8u, shape.widestBits);
  if (isKnown(shape.lanes))
    width = std::min<int64_t>(
        width, llvm::bit_floor(static_cast<uint64_t>(shape.lanes)));
  // The weights along a row stay in registers, beside the sums of all windows
  // and an element of the image.
  int64_t most =
      std::min(kMostWindows, machine.vectorRegisters - shape.rowTaps - 2);
  if (width < 2 || most < 2)
    return std::nullopt;
  int64_t rows = most;
  if (isKnown(shape.rows))
    rows = llvm::divideCeil(shape.rows, llvm::divideCeil(shape.rows, most));
  int64_t stretch = stretchOf(shape, width, machine);
  double work = shape.taps;
  for (int64_t size : {shape.outer, shape.rows, shape.lanes})
    work *= isKnown(size) ? size : 64;
  return nn::ScheduleAttr::get(context, "windows", width, stretch, rows, false,
                               false, work >= kParallelProducts);
}

bool burnish::cascadePays(int64_t bytes, int64_t weightBytes,
                          const Machine &machine) {
  // What stays in the second cache until it is read costs less than lines by
  // themselves do; and weights must stay there from line to line.
  return bytes > machine.l2Bytes / 2 && weightBytes <= machine.l2Bytes / 2;
}
