// Schedules.h - how kernels are computed: pure functions of shapes and the
// machine.
#pragma once
#include "ir/Attributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace burnish {

/// What schedules ask of a machine; from `nn.target`, or modest values where
/// there is none.
struct Machine {
  int64_t vectorBits = 128, vectorRegisters = 16, l1Bytes = 32 << 10,
          l2Bytes = 256 << 10;
  /// 0: not known.
  int64_t l3Bytes = 0;
  /// Products of bytes that an instruction adds up in each lane; 1: none does.
  int64_t bytesAtOnce = 1;
  /// The same for products of bf16.
  int64_t halvesAtOnce = 1;
  /// The most lanes that an instruction takes from a register by their numbers;
  /// 0: none does.
  int64_t lookupLanes = 0;
  /// The same where what is taken is data, which no rounding depends on.
  int64_t permutedLanes = 0;

  static Machine of(mlir::ModuleOp module);
};

/// Sums of products: result[outer][rows][lanes] over `depth`. Counts are
/// ShapedType::kDynamic when not known.
struct ProductShape {
  int64_t outer, rows, lanes, depth;
  /// Bits of an element of the sum, and of the operand that runs along the
  /// lanes.
  unsigned sumBits, rightBits;
  /// That operand lies along the lanes as the result does; it is packed before
  /// the kernel runs.
  bool isStraight, isRightPacked;
  /// A loop around the kernel reads that operand again and again.
  bool isRepeated = false;
  /// Results of so many sums lie in turns along the lanes.
  int64_t weave = 1;
  /// Elements from step to step of the sum, in that operand.
  int64_t depthStride = 1;
  /// Its operands are bytes, one of them unsigned, of which those of four steps
  /// of the sum can be had side by side.
  bool isOfBytes = false;
  /// The one without sign is the other operand, and the constant has no axes
  /// but the lanes and those of the sum: its bytes can be bounded ahead.
  bool canBound = false;
  /// Its operands are bf16, of which those of two steps of the sum can be had
  /// side by side.
  bool isOfHalves = false;
  /// Bytes from row to row of the other operand; 0: not known.
  int64_t rowPitch = 0;
  /// The operand of the lanes lies along the sum, which is short: squares of it
  /// are turned in registers as a panel is filled.
  bool canTurn = false;
};
std::optional<nn::ScheduleAttr> scheduleProduct(mlir::MLIRContext *context,
                                                const ProductShape &shape,
                                                const Machine &machine);
/// What else could be chosen, packed or not, and is worth a measurement: the
/// tiles that cost most by the model are left out.
llvm::SmallVector<nn::ScheduleAttr> alternativesOf(mlir::MLIRContext *context,
                                                   const ProductShape &shape,
                                                   const Machine &machine,
                                                   bool packs);

/// A convolution of `images` images (ShapedType::kDynamic: the run says how
/// many) with 3x3 taps, `rows` by `columns` results each.
struct WinogradShape {
  int64_t images, rows, columns, inChannels, outChannels;
  /// Whether weights are brought to the points in each run.
  bool hasWeightsOfRun = false;

  /// Whether only the run knows how many rows or columns there are: then a
  /// block is so many tiles, whatever rows and images they belong to.
  bool hasExtentsOfRun() const {
    return mlir::ShapedType::isDynamic(rows) ||
           mlir::ShapedType::isDynamic(columns);
  }
};
/// Tiles of what whole blocks leave, where the run says how many there are.
constexpr int64_t kRestTiles = 7;
/// F(tile x tile, 3 x 3), so many images and rows of tiles at a time (the last
/// rows may be fewer), `lanes` channels in a vector. With extents of the run
/// `tileRows` are all the tiles of a block, and what such blocks leave is done
/// in blocks of kRestTiles.
struct WinogradSchedule {
  int64_t tile, images, tileRows, lanes;
  /// So many output channels at a time, of all images: their weights are used
  /// while they are near. 0: all of them, a block of images after the other.
  int64_t outs = 0;
};
/// Nothing when the sum of products itself takes less time, which does so many
/// of its steps at once.
std::optional<WinogradSchedule> scheduleWinograd(const WinogradShape &shape,
                                                 const Machine &machine,
                                                 int64_t stepsAtOnce = 1);
/// The same for the gradient by the weights, which sums up blocks of whole
/// images.
std::optional<WinogradSchedule>
scheduleWinogradByWeights(const WinogradShape &shape, const Machine &machine);
/// What else could be chosen; that sum is a tile of 0.
llvm::SmallVector<WinogradSchedule> alternativesOf(const WinogradShape &shape,
                                                   const Machine &machine);

/// A product whose lanes make up several stretches of `line` that lie side by
/// side in the operand: the rows of an image.
struct PanelShape {
  int64_t rows, lanes, line, depth;
  unsigned sumBits;
};
/// Whether to bring the lanes together in panels, rather than to read each
/// stretch in place.
bool panelsPay(const PanelShape &shape, const Machine &machine);

/// One pass: `results` times `steps` iterations of a body of `operations`,
/// `lanes` of them side by side.
struct ElementsShape {
  int64_t results, steps, lanes;
  unsigned widestBits;
  int64_t operations;
  /// Those of each step, without what follows a sum.
  int64_t stepOperations;
  bool reducesLanes;
};
std::optional<nn::ScheduleAttr> scheduleElements(mlir::MLIRContext *context,
                                                 const ElementsShape &shape,
                                                 const Machine &machine);
/// Other numbers of vectors at a time.
llvm::SmallVector<nn::ScheduleAttr> alternativesOf(mlir::MLIRContext *context,
                                                   const ElementsShape &shape,
                                                   const Machine &machine);

/// Products of `queries` rows with `keys` others, passes over each row of the
/// result, and products with as many values, `outer` times; `steps` products in
/// all for a query and a key. A tile's rows may take so many bytes of the
/// frame, a key in each of them `keyBytes`. Some products are of bf16.
struct AttentionShape {
  int64_t outer, queries, keys, steps, frameBytes, keyBytes = 4;
  bool isOfHalves = false;
};
std::optional<nn::ScheduleAttr> scheduleAttention(mlir::MLIRContext *context,
                                                  const AttentionShape &shape,
                                                  const Machine &machine);

/// Sums over windows of `taps` taps, `rowTaps` of them side by side, each of
/// `lanes` channels by itself: `outer` lines of `rows` windows.
struct WindowsShape {
  int64_t outer, rows, lanes, taps, rowTaps;
  unsigned widestBits;
};
std::optional<nn::ScheduleAttr> scheduleWindows(mlir::MLIRContext *context,
                                                const WindowsShape &shape,
                                                const Machine &machine);

/// Whether windows and a product beside them, which reads so many bytes of
/// weights, shall go together line by line, so that a tensor of `bytes` between
/// them is never whole.
bool cascadePays(int64_t bytes, int64_t weightBytes, const Machine &machine);

/// Passes of `operations` in all over `rows` rows of `length` elements.
struct RowsShape {
  int64_t rows, length;
  unsigned widestBits;
  int64_t operations;
};
std::optional<nn::ScheduleAttr> scheduleRows(mlir::MLIRContext *context,
                                             const RowsShape &shape,
                                             const Machine &machine);

/// `rows` rows of `rowBytes` bytes through so many trees.
struct TreesShape {
  int64_t rows, rowBytes, trees;
};
nn::ScheduleAttr scheduleTrees(mlir::MLIRContext *context,
                               const TreesShape &shape, const Machine &machine);

} // namespace burnish
