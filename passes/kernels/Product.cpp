// Product.cpp - sums of products in register tiles: matrix products and
// convolutions.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Combiner.h"
#include "passes/kernels/ProductMaker.h"
#include "passes/kernels/Work.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

/// So many products are added one after another before their sum is.
static constexpr int64_t kSummedSteps = 512;
/// Elements of the narrowest vectors of sums.
static constexpr int64_t kLeastWidth = 4;

ProductMaker::ProductMaker(KernelCode &code)
    : code(code), b(code.b), nest(code.nest),
      form(*ProductForm::of(code.nest, code.schedule.getPacks())),
      width(code.schedule.getLanes()),
      panel(width * code.schedule.getVectors()),
      weave(form.weaveCount(code.nest)), steps(code.schedule.getSteps()),
      packs(code.schedule.getPacks()), right(nest.inputs[form.right]),
      left(nest.inputs[form.left]), stepsLoop(right.stepsLoop),
      vectorRegisters(
          Machine::of(b.getBlock()->getParentOp()->getParentOfType<ModuleOp>())
              .vectorRegisters) {
  laneSize = form.lanes.size() == 1
                 ? nest.loops[form.lanes[0]].size
                 : OpFoldResult(b.getIndexAttr(form.laneCount(nest)));
  rowSize =
      form.row ? nest.loops[*form.row].size : OpFoldResult(b.getIndexAttr(1));
  if (packs && steps > 1) {
    // What a lane takes at once lies side by side in a panel too.
    stepsLoop = form.stepsLoop(nest);
    llvm::erase(form.depth, *stepsLoop);
    form.depth.push_back(*stepsLoop);
  }
  if (packs)
    preparePanel();
}

void ProductMaker::make(Value begin, Value end) {
  bool rowsOutside = code.schedule.getRowsOutside();
  OpFoldResult size = rowsOutside ? rowSize : laneSize;
  int64_t tile = rowsOutside ? rows() : panel;
  // Of what remains of run time's lanes few are left to be done one by one.
  SmallVector<int64_t> smaller =
      rowsOutside
          ? withPowersBelow(tile)
          : SmallVector<int64_t>{width, std::max<int64_t>(1, width / 4)};
  Value count =
      getValueOrCreateConstantIndexOp(b, b.getLoc(), tilesOf(size, tile));
  // Slowest first; the tiles are the one without a loop. A panel of weights
  // serves all rows before the next one comes, unless all of them stay near.
  SmallVector<std::optional<unsigned>> digits;
  for (unsigned loop : form.outer)
    if (right.moves(loop))
      digits.push_back(loop);
  if (!rowsOutside)
    digits.push_back(std::nullopt);
  for (unsigned loop : form.outer)
    if (!right.moves(loop))
      digits.push_back(loop);
  if (rowsOutside)
    digits.push_back(std::nullopt);
  if (code.turn)
    isBackwards = arith::TruncIOp::create(
        b, b.getI1Type(),
        Value(arith::IndexCastOp::create(b, b.getI64Type(), code.turn)));
  code.loop(begin, end, 1, [&](Value task) {
    if (isBackwards) {
      Value sum = arith::AddIOp::create(b, begin, end),
            last = arith::SubIOp::create(b, sum, code.constant(1));
      task = arith::SelectOp::create(
          b, isBackwards, Value(arith::SubIOp::create(b, last, task)), task);
    }
    Value rest = task, place;
    for (std::optional<unsigned> loop : llvm::reverse(digits)) {
      bool isSlowest = loop == digits.front();
      Value size = loop ? code.size(*loop) : count,
            here =
                isSlowest ? rest : b.createOrFold<arith::RemUIOp>(rest, size);
      if (!isSlowest)
        rest = b.createOrFold<arith::DivUIOp>(rest, size);
      if (loop)
        code.at[*loop] = {here};
      else
        place = here;
    }
    Value base = arith::MulIOp::create(b, place, code.constant(tile));
    tileAt(size, tile, base, smaller, [&](Index start, int64_t length) {
      if (rowsOutside)
        code.tiles(laneSize, {panel, width}, [&](Index lane, int64_t lanes) {
          makeTile(start, length, lane, piecesFor(lanes));
        });
      else
        makePanel(start, length);
    });
  });
}

void ProductMaker::enterRow(Index row, int64_t index) {
  if (form.row)
    code.at[*form.row] = row + index / weave;
  if (form.weave)
    code.at[*form.weave] = {{}, index % weave};
}

OpFoldResult ProductMaker::tilesOf(OpFoldResult size, int64_t tile) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return b.getIndexAttr(llvm::divideCeil(*known, tile));
  return b.createOrFold<arith::CeilDivUIOp>(
      getValueOrCreateConstantIndexOp(b, b.getLoc(), size),
      code.constant(tile));
}

void ProductMaker::tileAt(OpFoldResult size, int64_t tile, Value base,
                          ArrayRef<int64_t> smaller,
                          llvm::function_ref<void(Index, int64_t)> body) {
  std::optional<int64_t> known = getConstantIntValue(size);
  if (known && *known % tile == 0)
    return body({base}, tile);
  if (known && *known < tile)
    return body({}, *known);
  Value end = getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
  Value fits = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ule,
      Value(arith::AddIOp::create(b, base, code.constant(tile))), end);
  auto branch = scf::IfOp::create(b, fits, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body({base}, tile);
  b.setInsertionPointToStart(branch.elseBlock());
  if (known)
    return body({{}, *known / tile * tile}, *known % tile);
  code.tiles(b.createOrFold<arith::SubIOp>(end, base), smaller,
             [&](Index index, int64_t length) {
               body({arith::AddIOp::create(b, base, code.valueOf(index))},
                    length);
             });
}

SmallVector<Piece> ProductMaker::piecesFor(int64_t lanes) const {
  SmallVector<Piece> pieces;
  // What is packed has whole vectors, whatever lies in them beyond the end.
  if (packs || right.packedLoop) {
    // A last one that is filled by half or less is a narrower one.
    for (int64_t start = 0; start < lanes; start += width) {
      int64_t valid = std::min(width, lanes - start),
              least = right.stepsLoop ? width : std::min(width, kLeastWidth);
      pieces.push_back(
          {start, std::max<int64_t>(least, llvm::bit_ceil<uint64_t>(valid)),
           valid});
    }
    return pieces;
  }
  int64_t start = 0;
  for (int64_t piece : piecesOf(lanes, width)) {
    pieces.push_back({start, piece, piece});
    start += piece;
  }
  return pieces;
}

void ProductMaker::makeTile(Index row, int64_t count, Index lane,
                            ArrayRef<Piece> pieces) {
  SmallVector<Value> sums;
  Value init = arith::ConstantOp::create(b, nest.init);
  for (int64_t index = 0; index < count * weave; ++index)
    for (const Piece &piece : pieces)
      sums.push_back(spread(b, init, piece.width));
  ahead = linesAhead(row, count);
  fetchAfter(row, count, lane, pieces);
  sums = sumUp(0, row, count, lane, pieces, sums);
  if (nest.excess)
    sums = addExcess(row, count, lane, pieces, sums);
  finishTile(row, count, lane, pieces, sums);
  ahead.clear();
}

SmallVector<Value> ProductMaker::sumUp(size_t place, Index row, int64_t count,
                                       Index lane, ArrayRef<Piece> pieces,
                                       SmallVector<Value> sums) {
  if (place == form.depth.size())
    return addProducts(row, count, lane, pieces, sums);
  unsigned loop = form.depth[place];
  if (sharesSteps(place, count, pieces.size())) {
    for (int64_t index = 0; index < nest.loops[loop].known(); ++index) {
      code.at[loop] = {{}, index};
      sums = sumUp(place + 1, row, count, lane, pieces, sums);
    }
    return sums;
  }
  Value from = code.constant(0), to = code.size(loop);
  if (place == 0 && blockFrom) {
    from = blockFrom;
    to = blockTo;
  }
  std::tie(from, to) = tapsWithin(loop, from, to, row, count);
  auto body = [&](Value index, ValueRange values) {
    code.at[loop] = {index};
    return sumUp(place + 1, row, count, lane, pieces,
                 SmallVector<Value>(values));
  };
  int64_t step = stepOf(loop);
  if (int64_t stretch = stretchOf(place))
    return code.sumStretches(from, to, llvm::alignTo(stretch, step), sums, body,
                             step);
  return code.carry(from, to, step, sums, body);
}

bool ProductMaker::sharesSteps(size_t place, int64_t count,
                               int64_t vectors) const {
  constexpr int64_t kMostShared = 8;
  unsigned loop = form.depth[place];
  int64_t size = nest.loops[loop].known(), stride = left.along(loop);
  return place + 1 == form.depth.size() && form.row && weave == 1 && !packs &&
         !stepsLoop && !form.hasProductOfLane && !ShapedType::isDynamic(size) &&
         size <= kMostShared && !ShapedType::isDynamic(stride) && stride != 0 &&
         left.along(*form.row) == stride &&
         count * (vectors + 1) + size - 1 + vectors < vectorRegisters;
}

std::pair<Value, Value> ProductMaker::tapsWithin(unsigned loop, Value from,
                                                 Value to, Index row,
                                                 int64_t count) {
  // A panel is filled for all rows.
  if (packs || weave > 1)
    return {from, to};
  for (const Border &border : nest.borders) {
    if (nest.loops[loop].source != border.taps)
      continue;
    Value first, last;
    for (auto [index, windows] : llvm::enumerate(nest.loops)) {
      if (windows.source != border.windows)
        continue;
      if (form.row == index) {
        first = code.valueOf(row);
        last = code.valueOf(row + (count - 1));
      } else if (llvm::is_contained(form.outer, index)) {
        first = last = code.valueOf(code.at[index]);
      }
    }
    if (!first)
      continue;
    // The first tap with last * step + tap * spacing >= low, and the first one
    // with first * step + tap * spacing >= size - high.
    auto firstBeyond = [&](Value end, Value window) -> Value {
      Value moved =
                arith::MulIOp::create(b, window, code.constant(border.step)),
            left = arith::MaxSIOp::create(
                b, Value(arith::SubIOp::create(b, end, moved)),
                code.constant(0)),
            rounded = arith::AddIOp::create(b, left,
                                            code.constant(border.spacing - 1));
      return arith::DivUIOp::create(b, rounded, code.constant(border.spacing));
    };
    Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), border.size),
          end = arith::SubIOp::create(b, size, code.constant(border.high));
    from = arith::MaxSIOp::create(b, from,
                                  firstBeyond(code.constant(border.low), last));
    to = arith::MinSIOp::create(b, to, firstBeyond(end, first));
  }
  return {from, to};
}

int64_t ProductMaker::stretchOf(size_t place) const {
  // A greatest product, as one over masks, is no sum.
  std::optional<Combiner> combiner = Combiner::of(nest.root);
  if (!combiner || !isa<arith::AddFOp>(combiner->op))
    return 0;
  auto sizeOf = [&](unsigned loop) {
    int64_t known = nest.loops[loop].known();
    return ShapedType::isDynamic(known) ? 2 * kSummedSteps + 1 : known;
  };
  int64_t inner = 1;
  for (unsigned loop : ArrayRef(form.depth).drop_front(place + 1))
    inner *= sizeOf(loop);
  bool isLong = inner <= kSummedSteps &&
                sizeOf(form.depth[place]) * inner > 2 * kSummedSteps;
  return isLong ? std::max<int64_t>(1, kSummedSteps / inner) : 0;
}

SmallVector<Value> ProductMaker::addProducts(Index row, int64_t count,
                                             Index lane, ArrayRef<Piece> pieces,
                                             SmallVector<Value> sums) {
  if (!ahead.empty()) {
    code.at[form.lanes[0]] = lane;
    Value here = code.offset(right);
    for (Value shift : ahead)
      memref::PrefetchOp::create(
          b, code.data[right.argument],
          ValueRange{arith::AddIOp::create(b, here, shift)},
          /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }
  if (stepsLoop)
    return addSteps(row, count, lane, pieces, sums);
  if (nextPanel) {
    Value moved = arith::MulIOp::create(b, depthIndex(), nextStep);
    memref::PrefetchOp::create(
        b, code.data[right.argument],
        ValueRange{arith::AddIOp::create(b, nextPanel, moved)},
        /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }
  fetchRows(row, count);
  SmallVector<Value> rightParts;
  for (const Piece &piece : pieces)
    rightParts.push_back(loadRight(lane, piece));
  for (int64_t index = 0; index < count * weave; ++index) {
    enterRow(row, index);
    Value leftPart;
    if (!form.hasProductOfLane)
      leftPart = code.load(left, std::nullopt, 1);
    for (auto [place, piece] : llvm::enumerate(pieces)) {
      Value &sum = sums[index * pieces.size() + place];
      if (form.hasProductOfLane) {
        code.at[form.lanes[0]] = lane + piece.start;
        leftPart = code.load(left, form.lanes[0], piece.width);
      }
      SmallVector<Value> arguments(3);
      arguments[form.left] = leftPart;
      arguments[form.right] = rightParts[place];
      arguments[2] = sum;
      sum = spread(b,
                   evaluate(b, nest.root, arguments, piece.width,
                            [&](unsigned loop) {
                              return code.indexOf(loop, std::nullopt, 1);
                            }),
                   piece.width);
    }
  }
  return sums;
}

void burnish::makeProduct(KernelCode &code, Value begin, Value end) {
  ProductMaker(code).make(begin, end);
}

OpFoldResult burnish::tasksOfProduct(ImplicitLocOpBuilder &b, const Nest &nest,
                                     nn::ScheduleAttr schedule) {
  FailureOr<ProductForm> form = ProductForm::of(nest, schedule.getPacks());
  bool rowsOutside = schedule.getRowsOutside();
  int64_t tile = rowsOutside ? schedule.getRows()
                             : schedule.getLanes() * schedule.getVectors();
  OpFoldResult tasks = b.getIndexAttr(1);
  SmallVector<unsigned> tiled =
      rowsOutside ? (form->row ? SmallVector<unsigned>{*form->row}
                               : SmallVector<unsigned>{})
                  : form->lanes;
  for (unsigned loop : tiled)
    tasks = nn::mulIndex(b, tasks, nest.loops[loop].size);
  if (std::optional<int64_t> known = getConstantIntValue(tasks))
    tasks = b.getIndexAttr(llvm::divideCeil(*known, tile));
  else
    tasks = getAsOpFoldResult(b.createOrFold<arith::CeilDivUIOp>(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), tasks),
        Value(arith::ConstantIndexOp::create(b, tile))));
  for (unsigned loop : form->outer)
    tasks = nn::mulIndex(b, tasks, nest.loops[loop].size);
  return tasks;
}
