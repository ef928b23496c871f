// Layouts.cpp - elements moved and repeated.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// Row and column numbers of the last two axes, which broadcast to a matrix of
// them.
static std::pair<Value, Value> rowsAndColumns(Expansion &e, Value x) {
  Extent rows = e.extent(x, -2), columns = e.extent(x, -1);
  return {e.reshape(e.countTo(rows), {rows, int64_t(1)}),
          e.reshape(e.countTo(columns), {int64_t(1), columns})};
}

// What is wrong with a block of rows and columns that becomes a column of
// channels or comes from one; no image has sides of 2^31, squares of which
// leave 64 bits.
static bool isGoodBlock(Expansion &e, int64_t block) {
  std::string mode = e.stringAttr("mode", "DCR");
  if (Expansion::rank(e.operand(0)) != 4 || block < 1 || block > INT32_MAX)
    e.fail("blocksize " + Twine(block) + " on a value of rank " +
           Twine(Expansion::rank(e.operand(0))));
  else if (mode != "DCR" && mode != "CRD")
    e.fail("mode " + quoted(mode) + " instead of DCR or CRD");
  else
    return true;
  return false;
}

static SmallVector<Value> depthToSpace(Expansion &e) {
  Value x = e.operand(0);
  int64_t block = e.intAttr("blocksize", 1);
  if (!isGoodBlock(e, block))
    return {e.poison()};
  SmallVector<Extent> d = e.extents(x);
  Extent depth = e.quotient(d[1], block * block),
         high = e.product({d[2], block}), wide = e.product({d[3], block});
  bool isDepthFirst = e.stringAttr("mode", "DCR") == "DCR";
  Value blocks =
      isDepthFirst
          ? e.transpose(e.reshape(x, {d[0], block, block, depth, d[2], d[3]}),
                        {0, 3, 4, 1, 5, 2})
          : e.transpose(e.reshape(x, {d[0], depth, block, block, d[2], d[3]}),
                        {0, 1, 4, 2, 5, 3});
  return {e.reshape(blocks, {d[0], depth, high, wide})};
}

static SmallVector<Value> spaceToDepth(Expansion &e) {
  Value x = e.operand(0);
  int64_t block = e.intAttr("blocksize", 1);
  if (!isGoodBlock(e, block))
    return {e.poison()};
  SmallVector<Extent> d = e.extents(x);
  Extent high = e.quotient(d[2], block), wide = e.quotient(d[3], block);
  Value blocks = e.reshape(x, {d[0], d[1], high, block, wide, block});
  Value moved = e.stringAttr("mode", "DCR") == "DCR"
                    ? e.transpose(blocks, {0, 3, 5, 1, 2, 4})
                    : e.transpose(blocks, {0, 1, 3, 5, 2, 4});
  return {
      e.reshape(moved, {d[0], e.product({d[1], block * block}), high, wide})};
}

static SmallVector<Value> flatten(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x), axis = e.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return e.refuse("axis " + Twine(axis) + " is outside [" + Twine(-rank) +
                    ", " + Twine(rank) + "]");
  axis = axis < 0 ? axis + rank : axis;
  SmallVector<Extent> whole = e.extents(x);
  return {e.reshape(x, {e.product(ArrayRef(whole).take_front(axis)),
                        e.product(ArrayRef(whole).drop_front(axis))})};
}

void addLayouts(ExpandTable &table) {
  table["DepthToSpace"] = depthToSpace;
  table["SpaceToDepth"] = spaceToDepth;
  table["Flatten"] = flatten;
  table["Size"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.reshape(e.shape(e.product(e.extents(e.operand(0)))),
                      ArrayRef<Extent>())};
  };
  // 1 where column - row = k
  table["EyeLike"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    if (Expansion::rank(x) != 2)
      return e.refuse("a value of rank " + Twine(Expansion::rank(x)) +
                      " where a matrix is needed");
    auto [rows, columns] = rowsAndColumns(e, x);
    Value eye =
        e("Equal", {e.sub(columns, rows), e.integer(e.intAttr("k", 0))});
    return {
        e("Cast", eye, {{"to", e.intAttr("dtype", Expansion::onnxType(x))}})};
  };
}

} // namespace burnish::onnx_import
