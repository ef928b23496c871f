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

/// Weights of so many bytes do not stay in any second cache beside the rest.
static constexpr int64_t kFarBytes = 512 << 10;
/// So many products are added one after another before their sum is.
static constexpr int64_t kSummedSteps = 512;
/// An epilogue of more operations than these is not written out for each vector
/// of a tile: with the derivative of gelu, a tile of 9 rows of 3 vectors was
/// more code than the cache of instructions holds beside its sums, and took 190
/// cycles a vector instead of 60.
static constexpr int64_t kLongEpilogue = 20;
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
  ahead = linesAhead(row);
  fetchAfter(row, count, lane, pieces);
  sums = sumUp(0, row, count, lane, pieces, sums);
  if (nest.excess)
    sums = addExcess(row, count, lane, pieces, sums);
  finishTile(row, count, lane, pieces, sums);
  ahead.clear();
}

std::pair<Value, Value> ProductMaker::tileOf(Index row, int64_t count) {
  Value tile =
            arith::DivUIOp::create(b, code.valueOf(row), code.constant(rows())),
        isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile,
                                        code.constant(count));
  return {tile, isFirst};
}

SmallVector<Value> ProductMaker::linesAhead(Index row) {
  if (!right.packedLoop && !packs)
    return code.schedule.getRowsOutside() ? linesOfNext(row) : linesBeside();
  if (!right.packedLoop || packs || code.schedule.getRowsOutside() ||
      code.schedule.getStreams() > 1)
    return {};
  auto type = cast<MemRefType>(code.data[right.argument].getType());
  int64_t bytes = type.getElementTypeBitWidth() / 8,
          panels = llvm::divideCeil(form.laneCount(nest), panel);
  if (panels * right.packedStride * bytes < kFarBytes)
    return {};
  int64_t lines = llvm::divideCeil(panel * code.schedule.getSteps() * bytes,
                                   kLineBytes),
          known = form.rowCount(nest),
          tiles = ShapedType::isDynamic(known)
                      ? lines
                      : llvm::divideCeil(known, rows());
  auto [tile, isFirst] = tileOf(row, lines);
  for (unsigned loop : form.outer)
    if (!right.moves(loop))
      isFirst = arith::AndIOp::create(
          b, isFirst,
          Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                      code.valueOf(code.at[loop]),
                                      code.constant(0))));
  SmallVector<Value> ahead;
  Value next = code.constant(right.packedStride);
  if (isBackwards)
    next = arith::SelectOp::create(b, isBackwards,
                                   code.constant(-right.packedStride), next);
  for (int64_t line = 0; line < lines; line += tiles) {
    Value shift = arith::AddIOp::create(
        b,
        Value(
            arith::MulIOp::create(b, tile, code.constant(kLineBytes / bytes))),
        Value(arith::AddIOp::create(b, next,
                                    code.constant(line * kLineBytes / bytes))));
    ahead.push_back(
        arith::SelectOp::create(b, isFirst, shift, code.constant(0)));
  }
  return ahead;
}

SmallVector<Value> ProductMaker::linesOfNext(Index row) {
  int64_t bytes = std::max(1u, elementOf(right).getIntOrFloatBitWidth() / 8),
          lines = llvm::divideCeil(panel * bytes, kLineBytes),
          known = form.rowCount(nest),
          each = form.laneCount(nest) * form.depthCount(nest) * bytes, step = 0;
  for (unsigned loop : form.outer) {
    step = right.along(loop);
    if (step == 0 || ShapedType::isDynamic(step))
      return {};
  }
  if (step == 0 || ShapedType::isDynamic(known) || known / rows() < lines ||
      ShapedType::isDynamic(form.outerCount(nest)) || each >= kFarBytes ||
      each * form.outerCount(nest) < kFarBytes || !form.isStraight(nest))
    return {};
  auto [tile, isFirst] = tileOf(row, lines);
  Value shift = arith::AddIOp::create(
      b, code.constant(step),
      Value(arith::MulIOp::create(b, tile, code.constant(kLineBytes / bytes))));
  return {arith::SelectOp::create(b, isFirst, shift, code.constant(0))};
}

SmallVector<Value> ProductMaker::linesBeside() {
  constexpr int64_t kPageBytes = 4096, kLeastRows = 4;
  int64_t bytes = std::max(1u, elementOf(right).getIntOrFloatBitWidth() / 8),
          stride = form.depthStride(nest);
  SmallVector<Value> beside;
  if (form.rowCount(nest) != rows() || rows() < kLeastRows ||
      !form.isStraight(nest) || ShapedType::isDynamic(stride) ||
      stride * bytes < kPageBytes)
    return beside;
  for (int64_t lane = 0; lane < panel; lane += kLineBytes / bytes)
    beside.push_back(code.constant(2 * panel + lane));
  return beside;
}

bool ProductMaker::isLongAfter(int64_t count) const {
  if (!nest.epilogue || !form.row || weave > 1 || count < 2)
    return false;
  linalg::GenericOp epilogue = nest.epilogue;
  return operationsOf(*epilogue.getBody()) >= kLongEpilogue;
}

void ProductMaker::finishRows(Value memory, Value first, Index row,
                              int64_t count, Index lane,
                              ArrayRef<Piece> pieces) {
  unsigned along = form.lanes.back();
  Value start = code.valueOf(row);
  code.loop(code.constant(0), code.constant(count), 1, [&](Value index) {
    Value line = arith::AddIOp::create(
        b, first, Value(arith::MulIOp::create(b, index, code.constant(panel))));
    code.at[*form.row] = {arith::AddIOp::create(b, start, index)};
    for (const Piece &piece : pieces) {
      int64_t done = piece.start;
      for (int64_t part : piecesOf(piece.valid, piece.width)) {
        Value at = arith::AddIOp::create(b, line, code.constant(done));
        Value sum =
            part == 1
                ? Value(memref::LoadOp::create(b, memory, at))
                : Value(vector::LoadOp::create(
                      b, VectorType::get({part}, nest.rootType), memory, at));
        code.at[along] = lane + done;
        code.finish(sum, along, part);
        done += part;
      }
    }
  });
}

void ProductMaker::finishTile(Index row, int64_t count, Index lane,
                              ArrayRef<Piece> pieces, ArrayRef<Value> sums) {
  unsigned along = form.lanes.back();
  if (isLongAfter(count)) {
    if (!tileSums)
      tileSums = frameMemory(b, nest.rootType, rows() * panel);
    for (unsigned loop : form.lanes)
      code.at[loop] = {};
    for (int64_t index = 0; index < count; ++index)
      for (auto [place, piece] : llvm::enumerate(pieces)) {
        Value sum = sums[index * pieces.size() + place],
              at = code.constant(index * panel + piece.start);
        if (isa<VectorType>(sum.getType()))
          vector::StoreOp::create(b, sum, tileSums, at);
        else
          memref::StoreOp::create(b, sum, tileSums, at);
      }
    return finishRows(tileSums, code.constant(0), row, count, lane, pieces);
  }
  for (unsigned loop : form.lanes)
    code.at[loop] = {};
  for (int64_t index = 0; index < count; ++index)
    for (auto [place, piece] : llvm::enumerate(pieces)) {
      int64_t start = 0;
      for (int64_t part : piecesOf(piece.valid, piece.width)) {
        code.at[along] = lane + (piece.start + start);
        SmallVector<Value> results;
        for (int64_t strand = 0; strand < weave; ++strand) {
          enterRow(row, index * weave + strand);
          Value sum = sums[(index * weave + strand) * pieces.size() + place];
          results.push_back(
              code.conclude(someOf(sum, start, part), along, part));
        }
        enterRow(row, index * weave);
        code.storeWoven(nest.out, results, along, part);
        start += part;
      }
    }
}

Value ProductMaker::someOf(Value vector, int64_t start, int64_t count) {
  auto type = dyn_cast<VectorType>(vector.getType());
  if (!type || type.getNumElements() == count)
    return vector;
  if (count == 1)
    return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{start});
  return vector::ExtractStridedSliceOp::create(
      b, vector, ArrayRef<int64_t>{start}, ArrayRef<int64_t>{count},
      ArrayRef<int64_t>{1});
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

void ProductMaker::fetchRows(Index row, int64_t count) {
  constexpr int64_t kStepsAhead = 12, kFarApart = 512;
  int64_t stride = left.along(form.depth.back()),
          bytes = std::max(1u, elementOf(left).getIntOrFloatBitWidth() / 8);
  if (!form.row || right.packedLoop || left.packedLoop || stepsLoop ||
      weave > 1 || form.hasProductOfLane || left.along(*form.row) != 1 ||
      ShapedType::isDynamic(stride) || std::abs(stride) * bytes < kFarApart)
    return;
  enterRow(row, count - 1);
  memref::PrefetchOp::create(
      b, code.data[left.argument],
      ValueRange{arith::AddIOp::create(b, code.offset(left),
                                       code.constant(kStepsAhead * stride))},
      /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

void ProductMaker::fetchAfter(Index row, int64_t count, Index lane,
                              ArrayRef<Piece> pieces) {
  constexpr int64_t kLeastSteps = 64;
  int64_t depth = form.depthCount(nest);
  if (!nest.epilogue || !form.row || form.lanes.size() != 1 || weave > 1 ||
      ShapedType::isDynamic(depth) || depth < kLeastSteps)
    return;
  unsigned along = form.lanes[0];
  for (auto [index, access] : llvm::enumerate(nest.epilogueInputs)) {
    if (index == nest.resultInput)
      continue;
    auto type = dyn_cast<MemRefType>(code.data[access.argument].getType());
    if (!type || !access.moves(*form.row) || access.along(along) != 1)
      continue;
    int64_t line = kLineBytes * 8 /
                   std::max(8u, type.getElementType().getIntOrFloatBitWidth());
    for (int64_t place = 0; place < count; ++place) {
      enterRow(row, place);
      code.at[along] = lane;
      for (int64_t start = 0; start < pieces.back().start + pieces.back().valid;
           start += line)
        memref::PrefetchOp::create(b, code.data[access.argument],
                                   ValueRange{code.offset(access, start)},
                                   /*isWrite=*/false, /*localityHint=*/2,
                                   /*isDataCache=*/true);
    }
  }
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
