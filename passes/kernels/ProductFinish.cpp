// ProductFinish.cpp - what comes after the sums of a tile.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/ProductMaker.h"
#include "passes/kernels/Work.h"

using namespace mlir;
using namespace burnish;

/// An epilogue of more operations than these is not written out for each vector
/// of a tile: with the derivative of gelu, a tile of 9 rows of 3 vectors was
/// more code than the cache of instructions holds beside its sums, and took 190
/// cycles a vector instead of 60.
static constexpr int64_t kLongEpilogue = 20;

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
