// Product.cpp - register tiles and panels for sums of products.
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <map>
#include <numeric>

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
/// A panel of a large operand has its lines spread over a few places of the
/// caches until it is copied; beyond so many rows there is no place for their
/// sums.
static constexpr int64_t kMostSpreadRows = 512;
/// Steps of a sum that is over soon.
static constexpr int64_t kShortSum = 256;
/// Vectors of a tile of one row, and the panels that it reads at a time.
static constexpr int64_t kRowVectors = 8, kRowStreams = 4;

/// Cycles of one step of the sum, in sixteenths: two multiply-adds and two
/// loads each cycle, four cycles from sum to sum. Loads beside as many
/// multiply-adds cost a little, too, and twice as much where they are whole
/// vectors, which come from the second cache.
static int64_t stepCost(int64_t rows, int64_t vectors) {
  return 8 * std::max<int64_t>({rows * vectors, rows + vectors, 8}) + rows +
         2 * vectors;
}

bool burnish::panelsPay(const PanelShape &shape, const Machine &machine) {
  for (int64_t size : {shape.rows, shape.lanes, shape.line})
    if (ShapedType::isDynamic(size))
      return true;
  int64_t width = machine.vectorBits / shape.sumBits;
  if (width < 2)
    return true;
  // A stretch of whole vectors that stays near is a panel as it lies.
  if (shape.line % (2 * width) == 0 && !ShapedType::isDynamic(shape.depth) &&
      shape.line * shape.depth * shape.sumBits / 8 <= machine.l1Bytes / 2)
    return false;
  // More rows than are in one tile would read the operand several times.
  constexpr int64_t kRowsInPlace = 16;
  if (shape.rows > kRowsInPlace)
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

static int64_t rightBytes(const ProductShape &shape) {
  return std::max(1u, shape.rightBits / 8);
}

namespace {
/// A product in vectors, whatever its tiles.
struct Sizes {
  int64_t width, steps, registers;
  /// Sizes of run time are taken for large ones.
  int64_t lanes, rows, allVectors;
  /// Of a tile, where panels are to hold the whole depth.
  int64_t mostVectors;
  /// More rows than these in a tile are gone from the first cache when they
  /// are read again: where rows lie whole pages apart, or a large part of one,
  /// they all have their places in a few of its lines.
  int64_t nearRows;
  bool isStatic;
  /// Several steps at once are to be laid side by side when running.
  bool needsPanel;
  /// Products of bytes are added as 16 bits first.
  bool addsPairs;

  static std::optional<Sizes> of(const ProductShape &shape,
                                 const Machine &machine);
  /// The most rows of a tile with so many vectors, of tiles of equal size:
  /// never a full one and a sliver. 0: not even one row has its registers.
  int64_t rowsWith(int64_t vectors, const ProductShape &shape) const {
    int64_t most = (registers - vectors) / vectors / shape.weave;
    return most < 1 ? 0 : evenRows(std::min({rows, nearRows, most}));
  }
  int64_t evenRows(int64_t most) const {
    return llvm::divideCeil(rows, llvm::divideCeil(rows, most));
  }
  /// The tiles with the most rows for each number of vectors, and the next
  /// smaller ones.
  void
  forTiles(const ProductShape &shape,
           llvm::function_ref<void(int64_t rows, int64_t vectors)> visit) const;
  int64_t cost(int64_t tileRows, int64_t vectors,
               const ProductShape &shape) const {
    auto column = [&](int64_t count) {
      int64_t rest = rows % tileRows;
      return rows / tileRows * stepCost(tileRows * shape.weave, count) +
             (rest ? stepCost(rest * shape.weave, count) : 0);
    };
    return allVectors / vectors * column(vectors) +
           (allVectors % vectors ? column(allVectors % vectors) : 0);
  }
};

/// What alternatives differ in.
struct Tile {
  int64_t rows = 1, vectors = 1, streams = 1;
};
} // namespace

static constexpr int64_t kVectors[] = {2, 3, 4, 8, 6, 1};

std::optional<Sizes> Sizes::of(const ProductShape &shape,
                               const Machine &machine) {
  auto isKnown = [](int64_t size) { return !ShapedType::isDynamic(size); };
  Sizes sizes;
  sizes.width = machine.vectorBits / shape.sumBits;
  if (isKnown(shape.lanes))
    sizes.width = std::min<int64_t>(
        sizes.width, llvm::bit_ceil(static_cast<uint64_t>(shape.lanes)));
  if (sizes.width < 2)
    return std::nullopt;
  sizes.isStatic =
      isKnown(shape.lanes) && isKnown(shape.rows) && isKnown(shape.depth);
  sizes.steps = sizes.width < 4 || shape.weave > 1 ? 1
                : shape.isOfBytes                  ? machine.bytesAtOnce
                : shape.isOfHalves                 ? machine.halvesAtOnce
                                                   : 1;
  // Twice as many in an instruction as when bytes are widened first, and none
  // of the moves that this takes.
  sizes.addsPairs = sizes.steps == 2 && shape.isOfBytes && shape.canBound;
  if (sizes.addsPairs)
    sizes.steps = 4;
  // Only a panel has the elements of several steps side by side.
  sizes.needsPanel = sizes.steps > 1 && !shape.isRightPacked;
  if (sizes.needsPanel && !sizes.isStatic) {
    sizes.steps = 1;
    sizes.needsPanel = false;
  }
  // A product that is not added by the same instruction takes a register, and
  // so do the ones that pairs are multiplied by to be added.
  bool addsApart = shape.isOfBytes && sizes.steps == 2;
  sizes.registers = machine.vectorRegisters - (sizes.addsPairs ? 3
                                               : addsApart     ? 2
                                                               : 1);
  sizes.lanes = isKnown(shape.lanes) ? shape.lanes : 16 * sizes.width;
  sizes.rows = isKnown(shape.rows) ? shape.rows : 64;
  sizes.allVectors = llvm::divideCeil(sizes.lanes, sizes.width);
  sizes.mostVectors = sizes.allVectors;
  if (sizes.needsPanel)
    sizes.mostVectors =
        std::min(sizes.mostVectors, kWholePanelBytes /
                                        std::max<int64_t>(1, shape.depth) /
                                        (sizes.width * rightBytes(shape)));
  // Each way of the first cache holds a page.
  int64_t places = shape.rowPitch
                       ? kPageBytes / std::gcd(shape.rowPitch, kPageBytes)
                       : kMostRows;
  sizes.nearRows =
      std::clamp<int64_t>(machine.l1Bytes / kPageBytes * places, 1, kMostRows);
  return sizes;
}

void Sizes::forTiles(
    const ProductShape &shape,
    llvm::function_ref<void(int64_t rows, int64_t vectors)> visit) const {
  for (int64_t vectors : kVectors) {
    if (vectors > mostVectors && vectors > 1)
      continue;
    int64_t most = rowsWith(vectors, shape), count = most;
    for (int tries = 0; tries < 3 && count * 2 > most; ++tries) {
      visit(count, vectors);
      if (count == 1)
        break;
      count = evenRows(count - 1);
    }
  }
}

static nn::ScheduleAttr make(MLIRContext *context, const ProductShape &shape,
                             const Machine &machine, const Sizes &sizes,
                             const Tile &tile, bool packs, bool rowsOutside) {
  double products = 1;
  for (int64_t size :
       {shape.outer, shape.rows, shape.lanes, shape.depth, shape.weave})
    products *= ShapedType::isDynamic(size) ? 64 : size;
  // What the cache still holds of the last sweep over a large operand is its
  // end.
  bool backAndForth =
      shape.isRepeated && shape.isRightPacked && sizes.isStatic &&
      !rowsOutside &&
      shape.lanes * shape.depth * rightBytes(shape) > machine.l2Bytes / 2;
  return nn::ScheduleAttr::get(context, "product", sizes.width, tile.vectors,
                               tile.rows, packs, rowsOutside,
                               products >= kParallelProducts, tile.streams,
                               backAndForth, sizes.steps, sizes.addsPairs);
}

std::optional<nn::ScheduleAttr>
burnish::scheduleProduct(MLIRContext *context, const ProductShape &shape,
                         const Machine &machine) {
  std::optional<Sizes> sizes = Sizes::of(shape, machine);
  if (!sizes)
    return std::nullopt;
  Tile tile;
  int64_t bestCost = INT64_MAX;
  sizes->forTiles(shape, [&](int64_t rows, int64_t vectors) {
    if (int64_t cost = sizes->cost(rows, vectors, shape); cost < bestCost) {
      bestCost = cost;
      tile.rows = rows;
      tile.vectors = vectors;
    }
  });
  // One row meets each element of the other operand once, so that memory is
  // what it waits for: more panels at a time keep more reads under way.
  if (sizes->rows == 1 && shape.weave == 1 && shape.isRightPacked &&
      sizes->allVectors >= kRowVectors) {
    tile.vectors = machine.vectorRegisters > kRowVectors * 2 &&
                           sizes->allVectors >= kRowVectors * kRowVectors
                       ? 2 * kRowVectors
                       : kRowVectors;
    tile.streams = kRowStreams;
  }
  int64_t bytes = rightBytes(shape);
  bool packs = false;
  if (!shape.isStraight && !shape.isRightPacked) {
    // Each element is moved once and used once for each row.
    if (!shape.canTurn && (!sizes->isStatic || shape.rows < 8))
      return std::nullopt;
    packs = true;
  } else if (!shape.isRightPacked) {
    // Steps whole pages apart meet in a few lines of the caches.
    bool meets = !ShapedType::isDynamic(shape.depthStride) &&
                 shape.depthStride * bytes % kPageBytes == 0 &&
                 shape.depth >= kMeetingSteps;
    // So do lines with something between them, of the heads of attention say,
    // where they are more than their places hold: with 64 of each 256 elements,
    // 128 steps of 128 rows ran at 68 % of the peak instead of 82.
    int64_t line = shape.lanes * bytes,
            apart = ShapedType::isDynamic(shape.depthStride)
                        ? 0
                        : std::gcd(shape.depthStride * bytes, kPageBytes);
    meets |= sizes->isStatic && apart > line && shape.weave == 1 &&
             shape.depth * apart > machine.l1Bytes && shape.rows >= 48;
    packs = sizes->needsPanel ||
            (sizes->isStatic &&
             ((shape.rows >= 48 &&
               (shape.lanes * bytes >= 2048 ||
                (shape.rows <= kMostSpreadRows && shape.weave == 1 &&
                 shape.lanes * shape.depth * bytes > machine.l2Bytes / 2))) ||
              (shape.rows * shape.weave >= 16 && meets)));
  }
  // What all rows use again stays in the second cache. Short sums write about
  // as much as they read, which is best side by side.
  int64_t rightTotal = shape.lanes * shape.depth * bytes;
  bool rowsOutside =
      !packs && sizes->isStatic && shape.rows > tile.rows &&
      ((rightTotal <= machine.l2Bytes / 2 && shape.rows >= shape.lanes / 2) ||
       (rightTotal <= machine.l2Bytes * 3 / 4 && shape.depth <= kShortSum));
  return make(context, shape, machine, *sizes, tile, packs, rowsOutside);
}

SmallVector<nn::ScheduleAttr> burnish::alternativesOf(MLIRContext *context,
                                                      const ProductShape &shape,
                                                      const Machine &machine,
                                                      bool packs) {
  constexpr size_t kMostTiles = 10;
  SmallVector<nn::ScheduleAttr> found;
  std::optional<Sizes> sizes = Sizes::of(shape, machine);
  bool canPack = !shape.isRightPacked && shape.rows > 1,
       canRead = shape.isStraight || shape.isRightPacked;
  if (!sizes || !sizes->isStatic || (packs ? !canPack : !canRead) ||
      (sizes->needsPanel && !packs))
    return found;
  std::multimap<int64_t, Tile> tiles;
  sizes->forTiles(shape, [&](int64_t rows, int64_t vectors) {
    tiles.insert({sizes->cost(rows, vectors, shape), {rows, vectors, 1}});
  });
  if (sizes->rows == 1 && shape.weave == 1 && shape.isRightPacked)
    for (int64_t vectors : {kRowVectors, 2 * kRowVectors})
      for (int64_t streams : {1, 2, 4})
        if (vectors <= sizes->allVectors && vectors < machine.vectorRegisters)
          tiles.insert({0, {1, vectors, streams}});
  for (auto [cost, tile] : tiles) {
    if (found.size() >= 2 * kMostTiles)
      break;
    for (bool rowsOutside : {false, true}) {
      if (rowsOutside && (packs || shape.rows <= tile.rows))
        continue;
      nn::ScheduleAttr schedule =
          make(context, shape, machine, *sizes, tile, packs, rowsOutside);
      if (!llvm::is_contained(found, schedule))
        found.push_back(schedule);
    }
  }
  return found;
}
