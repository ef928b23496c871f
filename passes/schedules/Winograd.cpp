// Winograd.cpp - whether minimal filtering pays for a convolution, and how much
// of it is done at a time.
#include "passes/schedules/Schedules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;

/// Bytes a cycle from beyond the second cache, and of what is written for all
/// points and read again when the last cache does not hold it (on Zen 4);
/// operations for each element of a tile in a transform.
static constexpr double kFarBytes = 8, kMemoryBytes = 2.5,
                        kTransformOperations = 6;
/// Transformed tiles and their products take at most so much memory at a time
/// when the weights do not stay in the second cache, and ever.
static constexpr int64_t kFarBlock = 8 << 20, kLargestBlock = 48 << 20;
/// Weights that are brought to the points in each run do not go far away where
/// so many bytes of them are there at a time.
static constexpr int64_t kWeightsBlock = 5 << 20;
/// Fewer tiles at a time leave the products' register tiles unfilled.
static constexpr int64_t kLeastTiles = 14;
/// Rows and columns that only the run knows are taken for so many, and their
/// tiles come in blocks of no more than this.
static constexpr int64_t kLikelySize = 64, kMostTilesOfRun = 112;

static int64_t tilesAlong(int64_t size, int64_t tile) {
  return llvm::divideCeil(size, tile);
}

/// The shape with a likely size for what only the run knows of an image.
static WinogradShape likely(WinogradShape shape) {
  for (int64_t *size : {&shape.rows, &shape.columns})
    if (ShapedType::isDynamic(*size))
      *size = kLikelySize;
  return shape;
}

/// The largest divisor of `count` that is no larger than `most` (at least 1).
static int64_t divisorUpTo(int64_t count, int64_t most) {
  for (int64_t divisor = std::min(count, most); divisor > 1; --divisor)
    if (count % divisor == 0)
      return divisor;
  return 1;
}

/// How many output channels to do at a time, of tiles of all images: the sums
/// over the taps that weights, or gradients by them, are at the points would
/// otherwise leave the caches before they are used. 0: all.
static int64_t outsAtOnce(const WinogradShape &shape, int64_t tile,
                          const Machine &machine) {
  int64_t points = (tile + 2) * (tile + 2), lanes = machine.vectorBits / 32,
          panel = 4 * lanes, each = points * shape.inChannels * 4,
          tiles = shape.images * llvm::divideCeil(shape.rows, tile) *
                  llvm::divideCeil(shape.columns, tile);
  if (!shape.hasWeightsOfRun || shape.hasExtentsOfRun() ||
      ShapedType::isDynamic(shape.images) || shape.outChannels % panel != 0 ||
      each * shape.outChannels <= kWeightsBlock || each * tiles > kFarBlock)
    return 0;
  int64_t outs =
      panel * divisorUpTo(shape.outChannels / panel,
                          std::max<int64_t>(1, kWeightsBlock / (each * panel)));
  return outs < shape.outChannels ? outs : 0;
}

/// Cycles of products with `points` weights for each pair of channels.
static double productCycles(const WinogradShape &shape, double results,
                            int64_t points, const Machine &machine) {
  double weights = double(points) * shape.inChannels * shape.outChannels,
         lanes = machine.vectorBits / 32;
  double far = weights * 4 > machine.l2Bytes ? weights * 4 / kFarBytes : 0;
  return results * weights / lanes + far;
}

/// Cycles of writing so many numbers for points, and of reading them again.
static double keepingCycles(double count, const Machine &machine) {
  bool isFar = machine.l3Bytes > 0 && count * 4 > machine.l3Bytes;
  return 2 * count * 4 / (isFar ? kMemoryBytes : kFarBytes);
}

/// Cycles of bringing weights of 3x3 taps to the points, and of writing them.
static double weightsCycles(const WinogradShape &shape, int64_t tile,
                            const Machine &machine) {
  double weights = double((tile + 2) * (tile + 2)) * shape.inChannels *
                   shape.outChannels,
         lanes = machine.vectorBits / 32;
  return weights * 9 / lanes + (outsAtOnce(shape, tile, machine)
                                    ? weights * 4 / kFarBytes
                                    : keepingCycles(weights, machine) / 2);
}

/// How much is done at a time for a tile; nothing when a block would take too
/// much memory. `wanted` tiles are enough.
static std::optional<WinogradSchedule> blocksOf(const WinogradShape &shape,
                                                const Machine &machine,
                                                int64_t tile, int64_t wanted) {
  int64_t lanes = machine.vectorBits / 32, points = (tile + 2) * (tile + 2);
  if (shape.hasExtentsOfRun()) {
    int64_t tiles = (wanted + kLeastTiles / 2) / kLeastTiles * kLeastTiles;
    return WinogradSchedule{
        tile, 1, std::clamp(tiles, kLeastTiles, kMostTilesOfRun), lanes};
  }
  int64_t tileRows = tilesAlong(shape.rows, tile),
          columns = tilesAlong(shape.columns, tile),
          bytes = points * (shape.inChannels + shape.outChannels) * 4;
  if (int64_t outs = outsAtOnce(shape, tile, machine))
    return WinogradSchedule{tile, shape.images, tileRows, lanes, outs};
  WinogradSchedule schedule{tile, 1, tileRows, lanes};
  if (tileRows * columns <= wanted) {
    if (!ShapedType::isDynamic(shape.images))
      schedule.images =
          divisorUpTo(shape.images, wanted / (tileRows * columns));
  } else {
    // Of the same height where that makes them not much lower: a last one of
    // another has kernels of its own.
    int64_t least = llvm::divideCeil(kLeastTiles, columns),
            most = std::max(least, wanted / columns),
            even = shape.rows % tile == 0 ? divisorUpTo(tileRows, most) : 0;
    schedule.tileRows =
        even >= least && even * 4 >= most
            ? even
            : llvm::divideCeil(tileRows, llvm::divideCeil(tileRows, most));
  }
  int64_t block = schedule.images * schedule.tileRows * columns * bytes;
  if (block > kLargestBlock)
    return std::nullopt;
  return schedule;
}

/// So many tiles at a time keep what is made of them near, or the weights from
/// being read again.
static int64_t wantedTiles(const WinogradShape &shape, const Machine &machine,
                           int64_t tile) {
  int64_t points = (tile + 2) * (tile + 2),
          bytes = points * (shape.inChannels + shape.outChannels) * 4;
  bool isNear =
      points * shape.inChannels * shape.outChannels * 4 <= machine.l2Bytes;
  return std::max(kLeastTiles,
                  (isNear ? machine.l2Bytes * 3 / 4 : kFarBlock) / bytes);
}

static bool isForWinograd(const WinogradShape &shape, const Machine &machine) {
  int64_t lanes = machine.vectorBits / 32;
  return lanes >= 4 && shape.inChannels % lanes == 0 &&
         shape.outChannels >= lanes;
}

std::optional<WinogradSchedule>
burnish::scheduleWinograd(const WinogradShape &given, const Machine &machine,
                          int64_t stepsAtOnce) {
  int64_t lanes = machine.vectorBits / 32;
  if (!isForWinograd(given, machine))
    return std::nullopt;
  WinogradShape shape = likely(given);
  double images = ShapedType::isDynamic(shape.images) ? 1 : shape.images;
  double best =
      productCycles(shape, images * shape.rows * shape.columns, 9, machine) /
      stepsAtOnce;
  int64_t tile = 0;
  for (int64_t candidate : {4, 2}) {
    int64_t points = (candidate + 2) * (candidate + 2);
    double tiles = images * tilesAlong(shape.rows, candidate) *
                   tilesAlong(shape.columns, candidate);
    double channels = shape.inChannels + shape.outChannels;
    double cycles = productCycles(shape, tiles, points, machine) +
                    tiles * points * channels * kTransformOperations / lanes;
    if (shape.hasWeightsOfRun)
      cycles += weightsCycles(shape, candidate, machine);
    if (tiles >= kLeastTiles && cycles < best) {
      best = cycles;
      tile = candidate;
    }
  }
  if (tile == 0)
    return std::nullopt;
  return blocksOf(given, machine, tile, wantedTiles(shape, machine, tile));
}

std::optional<WinogradSchedule>
burnish::scheduleWinogradByWeights(const WinogradShape &shape,
                                   const Machine &machine) {
  int64_t lanes = machine.vectorBits / 32;
  if (!isForWinograd(shape, machine) || shape.outChannels % lanes != 0)
    return std::nullopt;
  double channels = shape.inChannels + shape.outChannels,
         weights = double(shape.inChannels) * shape.outChannels;
  double best =
      double(shape.images) * shape.rows * shape.columns * 9 * weights / lanes;
  std::optional<WinogradSchedule> found;
  for (int64_t tile : {4, 2}) {
    int64_t points = (tile + 2) * (tile + 2),
            tileRows = tilesAlong(shape.rows, tile),
            perImage = tileRows * tilesAlong(shape.columns, tile);
    double tiles = double(shape.images) * perImage,
           tileElements = points * tiles * channels,
           sums = double(points) * weights;
    int64_t outs = outsAtOnce(shape, tile, machine);
    double cycles =
        sums * tiles / lanes + tileElements * kTransformOperations / lanes +
        sums * 9 / lanes + tileElements * 2 * 4 / kFarBytes +
        (outs ? sums * 2 * 4 / kFarBytes : keepingCycles(sums, machine));
    if (tiles < kLeastTiles || cycles >= best)
      continue;
    if (outs) {
      best = cycles;
      found = WinogradSchedule{tile, shape.images, tileRows, lanes, outs};
      continue;
    }
    // Sums of each block are kept, and added up in the end.
    int64_t imageBytes =
                points * perImage * (shape.inChannels + shape.outChannels) * 4,
            sumBytes = static_cast<int64_t>(sums) * 4,
            images = divisorUpTo(
                shape.images, std::max(kFarBlock, 2 * sumBytes) / imageBytes);
    if (images * imageBytes > kLargestBlock ||
        shape.images / images * sumBytes > kLargestBlock)
      continue;
    best = cycles;
    found = WinogradSchedule{tile, images, tileRows, lanes};
  }
  return found;
}

SmallVector<WinogradSchedule>
burnish::alternativesOf(const WinogradShape &shape, const Machine &machine) {
  SmallVector<WinogradSchedule> found{{0, 0, 0, 0}};
  if (!isForWinograd(shape, machine))
    return found;
  for (int64_t tile : {4, 2})
    for (int64_t quarters : {1, 2, 4, 8, 16}) {
      std::optional<WinogradSchedule> blocks =
          blocksOf(shape, machine, tile,
                   wantedTiles(shape, machine, tile) * quarters / 4);
      if (blocks && llvm::none_of(found, [&](const WinogradSchedule &other) {
            return other.tile == tile && other.images == blocks->images &&
                   other.tileRows == blocks->tileRows;
          }))
        found.push_back(*blocks);
    }
  return found;
}
