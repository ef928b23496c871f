// ProductMaker.h - the code of sums of products: its parts share this.
#pragma once
#include "passes/kernels/Code.h"
#include "passes/kernels/Product.h"

namespace burnish {

/// Results side by side: `width` are computed, of which the first `valid`
/// exist.
struct Piece {
  int64_t start, width, valid;
};

/// Product.cpp goes through tiles and sums up, ProductFinish.cpp does what
/// comes after the sums, ProductFetch.cpp brings near what comes next,
/// ProductSteps.cpp takes several steps of a sum at once, and ProductPanels.cpp
/// packs what a schedule `packs`.
class ProductMaker {
public:
  ProductMaker(KernelCode &code);
  void make(mlir::Value begin, mlir::Value end);

private:
  static constexpr int64_t kLineBytes = 64;

  int64_t rows() const { return code.schedule.getRows(); }
  /// Goes to the results of `row`: those of a tile are counted row by row, and
  /// within a row as they are woven.
  void enterRow(Index row, int64_t index);
  mlir::OpFoldResult tilesOf(mlir::OpFoldResult size, int64_t tile);
  /// The tile that begins at `base`: a whole one, or what remains at the end.
  void tileAt(mlir::OpFoldResult size, int64_t tile, mlir::Value base,
              llvm::ArrayRef<int64_t> smaller,
              llvm::function_ref<void(Index, int64_t)> body);
  llvm::SmallVector<Piece> piecesFor(int64_t lanes) const;

  //===- One tile ---===//

  /// Sums over the depth for `count` rows and the pieces, and what comes after
  /// them.
  void makeTile(Index row, int64_t count, Index lane,
                llvm::ArrayRef<Piece> pieces);
  /// The number of the tile that begins at `row`, and whether it is one of the
  /// first `count`.
  std::pair<mlir::Value, mlir::Value> tileOf(Index row, int64_t count);
  /// Where, from a step's first element in a panel of weights, the lines of the
  /// next panel lie that are fetched meanwhile. The first tiles of rows share
  /// them; what would be fetched for later ones is there already.
  llvm::SmallVector<mlir::Value> linesAhead(Index row, int64_t count);
  /// The same for one of several operands that are read where they lie, each by
  /// all rows before the next: the lines of that.
  llvm::SmallVector<mlir::Value> linesOfNext(Index row);
  /// The same for an operand that is read once, where it lies, in steps from
  /// page to page: the lines beside those of the step.
  llvm::SmallVector<mlir::Value> linesBeside();
  /// Fetches the rows' elements of a later step, where steps lie so far apart
  /// that no core does that by itself: those of a matrix that is turned, as the
  /// gradients of weights take them.
  void fetchRows(Index row, int64_t count);
  /// Fetches what comes to the sums of a tile when they are done, which may lie
  /// far away: nobody has read it since it was written.
  void fetchAfter(Index row, int64_t count, Index lane,
                  llvm::ArrayRef<Piece> pieces);
  void finishTile(Index row, int64_t count, Index lane,
                  llvm::ArrayRef<Piece> pieces,
                  llvm::ArrayRef<mlir::Value> sums);
  /// Whether what comes after the sums is so much that it is better done in a
  /// loop over the rows of a tile than written out for each of its vectors.
  bool isLongAfter(int64_t count) const;
  /// What comes after the sums, which lie in `memory` from `first` on, a row
  /// behind the other.
  void finishRows(mlir::Value memory, mlir::Value first, Index row,
                  int64_t count, Index lane, llvm::ArrayRef<Piece> pieces);
  /// `count` elements of a vector, from `start` on.
  mlir::Value someOf(mlir::Value vector, int64_t start, int64_t count);
  llvm::SmallVector<mlir::Value> sumUp(size_t place, Index row, int64_t count,
                                       Index lane, llvm::ArrayRef<Piece> pieces,
                                       llvm::SmallVector<mlir::Value> sums);
  /// The part of [from, to) of a loop of the depth, if it is one of taps, in
  /// which some window of the tile meets its image and not only what is around
  /// it.
  std::pair<mlir::Value, mlir::Value> tapsWithin(unsigned loop,
                                                 mlir::Value from,
                                                 mlir::Value to, Index row,
                                                 int64_t count);
  /// How many iterations of a loop of the depth are done at once.
  int64_t stepOf(unsigned loop) const { return loop == stepsLoop ? steps : 1; }
  /// Whether the steps of the innermost loop are written out: those of windows
  /// along the rows, which meet the elements of their neighbours, so that each
  /// is brought into lanes once, where there are registers for all of them.
  bool sharesSteps(size_t place, int64_t count, int64_t vectors) const;
  /// How many iterations of a loop of the depth are summed up by themselves; 0
  /// where that would make no difference to sums of floats, or is done in an
  /// inner loop.
  int64_t stretchOf(size_t place) const;
  llvm::SmallVector<mlir::Value>
  addProducts(Index row, int64_t count, Index lane,
              llvm::ArrayRef<Piece> pieces,
              llvm::SmallVector<mlir::Value> sums);

  //===- Several steps at once ---===//

  /// Several steps of the sum at once, of bytes or of bf16.
  llvm::SmallVector<mlir::Value> addSteps(Index row, int64_t count, Index lane,
                                          llvm::ArrayRef<Piece> pieces,
                                          llvm::SmallVector<mlir::Value> sums);
  /// The left operand's elements of all steps are one word for every lane.
  mlir::Value loadWord();
  /// The sum with products of bytes, of which pairs fit 16 bits.
  mlir::Value addPairs(mlir::Value sum, mlir::Value leftPart,
                       mlir::Value rightPart);
  /// Adds the products with what was taken from the weights, vector by vector.
  llvm::SmallVector<mlir::Value> addExcess(Index row, int64_t count, Index lane,
                                           llvm::ArrayRef<Piece> pieces,
                                           llvm::SmallVector<mlir::Value> sums);
  /// Goes to a step of the sum, counted as they are packed.
  void enterStep(mlir::Value step);
  static std::string pairsName(int64_t width);
  mlir::Type elementOf(const Access &access) {
    return llvm::cast<mlir::MemRefType>(code.data[access.argument].getType())
        .getElementType();
  }
  mlir::Value loadRight(Index lane, const Piece &piece);
  /// Where a lane's elements of the present steps lie in the panel.
  mlir::Value inPanel(int64_t lane);

  //===- Panels ---===//

  /// Decides how much of the depth a panel holds.
  void preparePanel();
  /// The step of the sum within the panel.
  mlir::Value depthIndex();
  void makePanel(Index lane, int64_t count);
  /// Where the first tiles of rows find what the next panel is filled from, a
  /// line for each step of the sum and tile; later ones find the same line.
  void lookAhead(Index row, Index lane);
  /// Whether all steps of the sum lie as far apart in the right operand.
  bool isEvenlyStepped() const;
  mlir::Value sumOffset(Index row, int64_t index, const Piece &piece);
  void putSums(Index row, int64_t count, llvm::ArrayRef<Piece> pieces,
               llvm::ArrayRef<mlir::Value> sums);
  llvm::SmallVector<mlir::Value> takeSums(Index row, int64_t count,
                                          llvm::ArrayRef<Piece> pieces);
  /// Where the lanes of the panel lie in their operand, against the first step
  /// of the sum.
  void fillOffsets(Index lane, int64_t count);
  mlir::Value offsetOf(int64_t lane);
  /// Whether the lanes of a piece lie one after the other. Along one loop the
  /// last one tells; several may be in another order than their operand has.
  mlir::Value areSideBySide(const Piece &piece, mlir::Value first);
  void fillPanel(Index lane, llvm::ArrayRef<Piece> pieces);
  /// The same where steps of the sum lie side by side: square by square, which
  /// reads each line once.
  void turnPanel(Index lane, llvm::ArrayRef<Piece> pieces);
  void fillSteps(size_t place, Index lane, llvm::ArrayRef<Piece> pieces,
                 llvm::ArrayRef<mlir::Value> isSideBySide,
                 llvm::ArrayRef<mlir::Value> firsts);
  /// Steps that lie far apart are fetched before they are copied: no core does
  /// that by itself from page to page.
  void fetchAhead(const Piece &piece);
  /// Where the right operand is at the present indices, for each of the steps
  /// that are done at once.
  llvm::SmallVector<mlir::Value> offsetsOfSteps();
  /// Puts `count` lanes from `start` on into the panel, which lie side by side
  /// in the right operand: for each step that is done at once, from one of the
  /// offsets `from` on.
  void copyLanes(llvm::ArrayRef<mlir::Value> from, int64_t start,
                 int64_t count);

  KernelCode &code;
  mlir::ImplicitLocOpBuilder &b;
  const Nest &nest;
  ProductForm form;
  int64_t width, panel, weave, steps;
  bool packs, turns = false;
  const Access &right, &left;
  /// The loop of the depth of which `steps` iterations are done at once; absent
  /// when they are done one by one.
  std::optional<unsigned> stepsLoop;
  int64_t vectorRegisters;
  mlir::OpFoldResult laneSize, rowSize;
  /// The panel; sums between blocks of the depth; offsets of the lanes; sums of
  /// a tile. Null when there is no need.
  mlir::Value memory, partial, offsets, tileSums;
  llvm::SmallVector<mlir::Value> ahead;
  /// Whether panels are done from the last to the first; null: never.
  mlir::Value isBackwards;
  int64_t block = 0;
  /// The part of the outermost loop of the depth that is in the panel; null:
  /// all.
  mlir::Value blockFrom, blockTo;
  /// What is fetched for the next panel: for the first step, and from step to
  /// step.
  mlir::Value nextPanel, nextStep;
};

} // namespace burnish
