// ProductFetch.cpp - what sums of products bring near before they need it.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/kernels/ProductMaker.h"

using namespace mlir;
using namespace burnish;

/// Weights of so many bytes do not stay in any second cache beside the rest.
static constexpr int64_t kFarBytes = 512 << 10;
std::pair<Value, Value> ProductMaker::tileOf(Index row, int64_t count) {
  Value tile =
            arith::DivUIOp::create(b, code.valueOf(row), code.constant(rows())),
        isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile,
                                        code.constant(count));
  return {tile, isFirst};
}

SmallVector<Value> ProductMaker::linesAhead(Index row, int64_t count) {
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
  auto fetch = [&](Value line, Value isOwn) {
    Value shift =
        arith::AddIOp::create(b,
                              Value(arith::MulIOp::create(
                                  b, line, code.constant(kLineBytes / bytes))),
                              next);
    ahead.push_back(arith::SelectOp::create(b, isOwn, shift, code.constant(0)));
  };
  for (int64_t line = 0; line < lines; line += tiles)
    fetch(arith::AddIOp::create(b, tile, code.constant(line)), isFirst);
  // Of run time's rows there may be two tiles; more lines for fewer would cost
  // others more than these gain.
  if (ShapedType::isDynamic(known) && count == rows()) {
    Value all = getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                                tilesOf(rowSize, rows())),
          line = arith::AddIOp::create(b, tile, all),
          isLine = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, line,
                                         code.constant(lines));
    fetch(line, arith::AndIOp::create(b, isFirst, isLine));
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
