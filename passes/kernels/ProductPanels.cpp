// ProductPanels.cpp - what only the run knows of the lanes' operand, packed
// into panels that tiles read.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/ProductMaker.h"
#include "passes/kernels/Turn.h"

using namespace mlir;
using namespace burnish;

Value ProductMaker::loadRight(Index lane, const Piece &piece) {
  int64_t count = stepsLoop ? piece.width * steps : piece.width;
  auto type = VectorType::get({count}, elementOf(right));
  if (!packs) {
    code.at[form.lanes[0]] = lane + piece.start;
    if (stepsLoop)
      return vector::LoadOp::create(b, type, code.data[right.argument],
                                    code.offset(right));
    return code.load(right, form.lanes[0], piece.width);
  }
  return vector::LoadOp::create(b, type, memory, inPanel(piece.start));
}

Value ProductMaker::inPanel(int64_t lane) {
  return arith::AddIOp::create(
      b, Value(arith::MulIOp::create(b, depthIndex(), code.constant(panel))),
      code.constant(stepsLoop ? lane * steps : lane));
}

void ProductMaker::preparePanel() {
  Type type =
      cast<MemRefType>(code.data[right.argument].getType()).getElementType();
  int64_t bytes = std::max(1u, type.getIntOrFloatBitWidth() / 8) * panel,
          depth = form.depthCount(nest),
          outermost = nest.loops[form.depth[0]].known();
  block = outermost;
  if (depth * bytes > 2 * kPanelBytes)
    block = std::max<int64_t>(1, kPanelBytes / (depth / outermost * bytes));
  // Blocks of equal length.
  block = llvm::alignTo(
      llvm::divideCeil(outermost, llvm::divideCeil(outermost, block)),
      stepOf(form.depth[0]));
  memory = frameMemory(b, type, depth / outermost * block * panel);
  if (block < outermost)
    partial =
        frameMemory(b, nest.rootType, form.rowCount(nest) * weave * panel);
  turns = block == outermost && !form.isStraight(nest) && !stepsLoop &&
          form.canTurn(nest);
  if (!form.isStraight(nest) && !turns)
    offsets = frameMemory(b, b.getIndexType(), panel);
}

Value ProductMaker::depthIndex() {
  Value index;
  for (unsigned loop : form.depth) {
    Value here = code.valueOf(code.at[loop]);
    if (!index)
      index =
          blockFrom ? Value(arith::SubIOp::create(b, here, blockFrom)) : here;
    else
      index = arith::AddIOp::create(
          b, Value(arith::MulIOp::create(b, index, code.size(loop))), here);
  }
  return index;
}

void ProductMaker::makePanel(Index lane, int64_t count) {
  SmallVector<Piece> pieces = piecesFor(count);
  if (!packs) {
    code.tiles(rowSize, withPowersBelow(rows()),
               [&](Index row, int64_t length) {
                 makeTile(row, length, lane, pieces);
               });
    return;
  }
  if (offsets)
    fillOffsets(lane, count);
  int64_t outermost = nest.loops[form.depth[0]].known();
  if (block == outermost) {
    fillPanel(lane, pieces);
    code.tiles(rowSize, withPowersBelow(rows()),
               [&](Index row, int64_t length) {
                 lookAhead(row, lane);
                 makeTile(row, length, lane, pieces);
               });
    nextPanel = nextStep = {};
    return;
  }
  auto forRows = [&](llvm::function_ref<void(Index, int64_t)> body) {
    code.tiles(rowSize, withPowersBelow(rows()), body);
  };
  Value init = arith::ConstantOp::create(b, nest.init);
  forRows([&](Index row, int64_t length) {
    putSums(row, length, pieces,
            SmallVector<Value>(length * weave * pieces.size(),
                               spread(b, init, width)));
  });
  code.loop(code.constant(0), code.constant(outermost), block, [&](Value from) {
    blockFrom = from;
    blockTo = arith::MinUIOp::create(
        b, Value(arith::AddIOp::create(b, from, code.constant(block))),
        code.constant(outermost));
    fillPanel(lane, pieces);
    forRows([&](Index row, int64_t length) {
      lookAhead(row, lane);
      fetchAfter(row, length, lane, pieces);
      putSums(
          row, length, pieces,
          sumUp(0, row, length, lane, pieces, takeSums(row, length, pieces)));
    });
    nextPanel = nextStep = {};
  });
  blockFrom = blockTo = {};
  forRows([&](Index row, int64_t length) {
    finishTile(row, length, lane, pieces, takeSums(row, length, pieces));
  });
}

void ProductMaker::lookAhead(Index row, Index lane) {
  constexpr int64_t kFarApart = 1024;
  nextPanel = nextStep = {};
  int64_t stride = right.along(form.depth.back()),
          bytes = std::max(1u, elementOf(right).getIntOrFloatBitWidth() / 8),
          lines = llvm::divideCeil(panel * bytes, kLineBytes),
          known = form.rowCount(nest);
  if (stepsLoop || offsets || form.lanes.size() != 1 ||
      ShapedType::isDynamic(stride) || stride * bytes < kFarApart ||
      ShapedType::isDynamic(known) || known / rows() < lines ||
      !isEvenlyStepped())
    return;
  // Of one panel alone, that of the next iteration around it is next.
  int64_t apart = panel;
  if (form.laneCount(nest) <= panel)
    for (unsigned loop : form.outer)
      if (int64_t step = right.along(loop);
          step != 0 && !ShapedType::isDynamic(step))
        apart = step;
  Value zero = code.constant(0), beside = code.constant(apart);
  for (unsigned loop : form.depth)
    code.at[loop] = {zero};
  if (blockFrom) {
    Value end = code.size(form.depth[0]),
          next = arith::AddIOp::create(b, blockFrom, code.constant(block)),
          isLast =
              arith::CmpIOp::create(b, arith::CmpIPredicate::uge, next, end);
    // Behind the last block of the depth the lanes beside it are next.
    code.at[form.depth[0]] = {arith::SelectOp::create(b, isLast, zero, next)};
    beside = arith::SelectOp::create(b, isLast, beside, zero);
  }
  code.at[form.lanes[0]] = {
      arith::AddIOp::create(b, code.valueOf(lane), beside)};
  auto [tile, isFirst] = tileOf(row, lines);
  Value line = arith::AddIOp::create(
      b, code.offset(right),
      Value(arith::MulIOp::create(b, tile, code.constant(kLineBytes / bytes))));
  nextPanel = arith::SelectOp::create(b, isFirst, line, zero);
  nextStep = arith::SelectOp::create(b, isFirst, code.constant(stride), zero);
  code.at[form.lanes[0]] = {};
}

bool ProductMaker::isEvenlyStepped() const {
  int64_t apart = right.along(form.depth.back());
  for (unsigned loop : llvm::reverse(form.depth)) {
    int64_t size = nest.loops[loop].known();
    if (right.along(loop) != apart || ShapedType::isDynamic(size))
      return false;
    apart *= size;
  }
  return true;
}

Value ProductMaker::sumOffset(Index row, int64_t index, const Piece &piece) {
  Value base = arith::MulIOp::create(b, code.valueOf({row.value, 0}),
                                     code.constant(weave * panel));
  return arith::AddIOp::create(
      b, base,
      code.constant((row.constant * weave + index) * panel + piece.start));
}

void ProductMaker::putSums(Index row, int64_t count, ArrayRef<Piece> pieces,
                           ArrayRef<Value> sums) {
  for (int64_t index = 0; index < count * weave; ++index)
    for (auto [place, piece] : llvm::enumerate(pieces))
      vector::StoreOp::create(b, sums[index * pieces.size() + place], partial,
                              sumOffset(row, index, piece));
}

SmallVector<Value> ProductMaker::takeSums(Index row, int64_t count,
                                          ArrayRef<Piece> pieces) {
  SmallVector<Value> sums;
  for (int64_t index = 0; index < count * weave; ++index)
    for (const Piece &piece : pieces)
      sums.push_back(vector::LoadOp::create(
          b, VectorType::get({piece.width}, nest.rootType), partial,
          sumOffset(row, index, piece)));
  return sums;
}

void ProductMaker::fillOffsets(Index lane, int64_t count) {
  code.loop(code.constant(0), code.constant(count), 1, [&](Value place) {
    Value rest = arith::AddIOp::create(b, code.valueOf(lane), place),
          offset = code.constant(0);
    for (size_t index = form.lanes.size(); index-- > 0;) {
      unsigned loop = form.lanes[index];
      Value here =
          index == 0 ? rest
                     : Value(arith::RemUIOp::create(b, rest, code.size(loop)));
      offset = arith::AddIOp::create(
          b, offset,
          Value(arith::MulIOp::create(
              b, here,
              getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                              right.coefficients[loop]))));
      if (index > 0)
        rest = arith::DivUIOp::create(b, rest, code.size(loop));
    }
    memref::StoreOp::create(b, offset, offsets, place);
  });
}

Value ProductMaker::offsetOf(int64_t lane) {
  return memref::LoadOp::create(b, offsets, code.constant(lane));
}

Value ProductMaker::areSideBySide(const Piece &piece, Value first) {
  int64_t step = form.lanes.size() == 1 ? piece.valid - 1 : 1;
  Value holds = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (int64_t lane = step; step > 0 && lane < piece.valid; lane += step) {
    Value distance =
        arith::SubIOp::create(b, offsetOf(piece.start + lane), first);
    holds = arith::AndIOp::create(
        b, holds,
        Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, distance,
                                    code.constant(lane))));
  }
  return holds;
}

void ProductMaker::turnPanel(Index lane, ArrayRef<Piece> pieces) {
  unsigned steps = form.depth[0];
  int64_t depth = nest.loops[steps].known();
  Value from = code.data[right.argument];
  OpFoldResult across = right.coefficients[form.lanes[0]];
  auto readAt = [&](int64_t place, Value step) {
    code.at[form.lanes[0]] = lane + place;
    code.at[steps] = {step};
    return code.offset(right);
  };
  auto writeAt = [&](int64_t place, Value step) {
    return arith::AddIOp::create(
               b, Value(arith::MulIOp::create(b, step, code.constant(panel))),
               code.constant(place))
        .getResult();
  };
  for (const Piece &piece : pieces) {
    int64_t square = piece.valid == piece.width && piece.width > 1
                         ? std::min<int64_t>(piece.width,
                                             llvm::bit_floor<uint64_t>(depth))
                         : 1,
            turned = square == piece.width ? depth / square * square : 0;
    if (turned > 0)
      code.loop(code.constant(0), code.constant(turned), square,
                [&](Value step) {
                  turnSquare(b, elementOf(right), square, from,
                             readAt(piece.start, step), across, memory,
                             writeAt(piece.start, step), b.getIndexAttr(panel));
                });
    if (turned < depth)
      code.loop(
          code.constant(turned), code.constant(depth), 1, [&](Value step) {
            for (int64_t place = piece.start; place < piece.start + piece.valid;
                 ++place)
              memref::StoreOp::create(
                  b,
                  Value(memref::LoadOp::create(b, from, readAt(place, step))),
                  memory, writeAt(place, step));
          });
  }
  code.at[form.lanes[0]] = {};
}

void ProductMaker::fillPanel(Index lane, ArrayRef<Piece> pieces) {
  if (turns)
    return turnPanel(lane, pieces);
  // Whether a vector's lanes lie side by side is the same for every step of
  // the sum.
  SmallVector<Value> isSideBySide, firsts;
  if (offsets)
    for (const Piece &piece : pieces) {
      firsts.push_back(offsetOf(piece.start));
      isSideBySide.push_back(areSideBySide(piece, firsts.back()));
    }
  for (unsigned loop : form.lanes)
    code.at[loop] = {};
  fillSteps(0, lane, pieces, isSideBySide, firsts);
}

void ProductMaker::fillSteps(size_t place, Index lane, ArrayRef<Piece> pieces,
                             ArrayRef<Value> isSideBySide,
                             ArrayRef<Value> firsts) {
  if (place < form.depth.size()) {
    unsigned loop = form.depth[place];
    Value from = place == 0 && blockFrom ? blockFrom : code.constant(0),
          to = place == 0 && blockFrom ? blockTo : code.size(loop);
    code.loop(from, to, stepOf(loop), [&](Value index) {
      code.at[loop] = {index};
      fillSteps(place + 1, lane, pieces, isSideBySide, firsts);
    });
    return;
  }
  if (!offsets) {
    for (const Piece &piece : pieces) {
      code.at[form.lanes[0]] = lane + piece.start;
      if (!stepsLoop)
        fetchAhead(piece);
      copyLanes(offsetsOfSteps(), piece.start, piece.valid);
    }
    return;
  }
  SmallVector<Value> bases = offsetsOfSteps();
  auto from = [&](Value lane) {
    return llvm::map_to_vector(bases, [&](Value base) -> Value {
      return arith::AddIOp::create(b, base, lane);
    });
  };
  for (auto [index, piece] : llvm::enumerate(pieces)) {
    auto branch =
        scf::IfOp::create(b, isSideBySide[index], /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    copyLanes(from(firsts[index]), piece.start, piece.valid);
    b.setInsertionPointToStart(branch.elseBlock());
    for (int64_t element = piece.start; element < piece.start + piece.valid;
         ++element)
      copyLanes(
          from(memref::LoadOp::create(b, offsets, code.constant(element))),
          element, 1);
  }
}

void ProductMaker::fetchAhead(const Piece &piece) {
  constexpr int64_t kStepsAhead = 16, kFarApart = 1024;
  int64_t stride = right.along(form.depth.back()),
          bytes = std::max(1u, elementOf(right).getIntOrFloatBitWidth() / 8);
  if (ShapedType::isDynamic(stride) || std::abs(stride) * bytes < kFarApart)
    return;
  Value here = code.offset(right);
  for (int64_t line = 0; line < piece.valid; line += kLineBytes / bytes)
    memref::PrefetchOp::create(
        b, code.data[right.argument],
        ValueRange{arith::AddIOp::create(
            b, here, code.constant(kStepsAhead * stride + line))},
        /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

SmallVector<Value> ProductMaker::offsetsOfSteps() {
  if (!stepsLoop)
    return {code.offset(right)};
  SmallVector<Value> all;
  Index here = code.at[*stepsLoop];
  for (int64_t step = 0; step < steps; ++step) {
    code.at[*stepsLoop] = here + step;
    all.push_back(code.offset(right));
  }
  code.at[*stepsLoop] = here;
  return all;
}

void ProductMaker::copyLanes(ArrayRef<Value> from, int64_t start,
                             int64_t count) {
  Value source = code.data[right.argument];
  int64_t several = from.size();
  auto load = [&](Value at, int64_t more, int64_t length) -> Value {
    at = arith::AddIOp::create(b, at, code.constant(more));
    if (length == 1)
      return memref::LoadOp::create(b, source, at);
    return vector::LoadOp::create(
        b, VectorType::get({length}, elementOf(right)), source, at);
  };
  int64_t done = 0;
  for (int64_t part : piecesOf(count, width)) {
    Value to = inPanel(start + done), moved;
    if (part == 1 && several > 1) {
      // Steps of one lane, which may lie side by side as they are wanted.
      auto type = VectorType::get({several}, elementOf(right));
      if (right.along(*stepsLoop) == 1)
        moved = load(from[0], done, several);
      else
        moved = vector::FromElementsOp::create(
            b, type, llvm::map_to_vector(from, [&](Value at) {
              return load(at, done, 1);
            }));
    } else {
      moved = load(from[0], done, part);
      if (several == 2)
        moved =
            vector::InterleaveOp::create(b, moved, load(from[1], done, part));
    }
    if (isa<VectorType>(moved.getType()))
      vector::StoreOp::create(b, moved, memory, to);
    else
      memref::StoreOp::create(b, moved, memory, to);
    done += part;
  }
}
