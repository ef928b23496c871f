// Layouts.cpp - elements moved and repeated.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// 0, 1, ... up to an extent
static Value countTo(Expansion &e, Extent extent) {
  Value limit = std::holds_alternative<int64_t>(extent) ? e.integer(std::get<int64_t>(extent)) : e.reshape(std::get<Value>(extent), ArrayRef<Extent>());
  return e("Range", {e.integer(0), limit, e.integer(1)});
}

// Row and column numbers of the last two axes, which broadcast to a matrix of them.
static std::pair<Value, Value> rowsAndColumns(Expansion &e, Value x) {
  Extent rows = e.extent(x, -2), columns = e.extent(x, -1);
  return {e.reshape(countTo(e, rows), {rows, int64_t(1)}), e.reshape(countTo(e, columns), {int64_t(1), columns})};
}

static SmallVector<Value> depthToSpace(Expansion &e) {
  Value x = e.operand(0);
  int64_t block = e.intAttr("blocksize", 1);
  if (Expansion::rank(x) != 4 || block < 1)
    return e.refuse("blocksize " + Twine(block) + " on a value of rank " + Twine(Expansion::rank(x)));
  SmallVector<Extent> d = e.extents(x);
  Extent depth = e.quotient(d[1], block * block), high = e.product({d[2], block}), wide = e.product({d[3], block});
  bool isDepthFirst = e.stringAttr("mode", "DCR") == "DCR";
  Value blocks = isDepthFirst ? e.transpose(e.reshape(x, {d[0], block, block, depth, d[2], d[3]}), {0, 3, 4, 1, 5, 2})
                              : e.transpose(e.reshape(x, {d[0], depth, block, block, d[2], d[3]}), {0, 1, 4, 2, 5, 3});
  return {e.reshape(blocks, {d[0], depth, high, wide})};
}

static SmallVector<Value> spaceToDepth(Expansion &e) {
  Value x = e.operand(0);
  int64_t block = e.intAttr("blocksize", 1);
  if (Expansion::rank(x) != 4 || block < 1)
    return e.refuse("blocksize " + Twine(block) + " on a value of rank " + Twine(Expansion::rank(x)));
  SmallVector<Extent> d = e.extents(x);
  Extent high = e.quotient(d[2], block), wide = e.quotient(d[3], block);
  Value blocks = e.reshape(x, {d[0], d[1], high, block, wide, block});
  Value moved = e.stringAttr("mode", "DCR") == "DCR" ? e.transpose(blocks, {0, 3, 5, 1, 2, 4}) : e.transpose(blocks, {0, 1, 3, 5, 2, 4});
  return {e.reshape(moved, {d[0], e.product({d[1], block * block}), high, wide})};
}

// The axes that an operand lists, sorted; none after a diagnostic.
static std::optional<SmallVector<int64_t>> axesOf(Expansion &e, Value axes, int64_t rank) {
  std::optional<SmallVector<int64_t>> known = e.known(axes);
  if (!known) {
    e.fail("axes that are known only at run time are not supported");
    return std::nullopt;
  }
  for (int64_t &each : *known) {
    std::optional<int64_t> axis = e.axis(each, rank);
    if (!axis)
      return std::nullopt;
    each = *axis;
  }
  llvm::sort(*known);
  if (std::adjacent_find(known->begin(), known->end()) != known->end()) {
    e.fail("an axis is named twice");
    return std::nullopt;
  }
  return known;
}

static SmallVector<Value> squeeze(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x);
  std::optional<SmallVector<int64_t>> axes;
  if (e.operand(1)) {
    axes = axesOf(e, e.operand(1), rank);
    if (!axes)
      return {e.poison()};
  } else {
    axes.emplace();
    for (int64_t axis = 0; axis < rank; ++axis) {
      std::optional<int64_t> size = Expansion::size(x, axis);
      if (!size)
        return e.refuse("without axes, its result has a rank that is known only at run time");
      if (*size == 1)
        axes->push_back(axis);
    }
  }
  SmallVector<Extent> kept;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!is_contained(*axes, axis))
      kept.push_back(e.extent(x, axis));
    else if (std::optional<int64_t> size = Expansion::size(x, axis); size && *size != 1)
      return e.refuse("axis " + Twine(axis) + " has size " + Twine(*size) + ", and only one of size 1 can go");
  return {e.reshape(x, kept)};
}

static SmallVector<Value> unsqueeze(Expansion &e) {
  Value x = e.operand(0);
  std::optional<int64_t> count = Expansion::size(e.operand(1), 0);
  int64_t rank = Expansion::rank(x) + (Expansion::rank(e.operand(1)) == 0 ? 1 : count.value_or(0));
  std::optional<SmallVector<int64_t>> axes = axesOf(e, e.operand(1), rank);
  if (!axes)
    return {e.poison()};
  SmallVector<Extent> shape;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    shape.push_back(is_contained(*axes, axis) ? Extent(int64_t(1)) : e.extent(x, next++));
  return {e.reshape(x, shape)};
}

static SmallVector<Value> flatten(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x), axis = e.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return e.refuse("axis " + Twine(axis) + " is outside [" + Twine(-rank) + ", " + Twine(rank) + "]");
  axis = axis < 0 ? axis + rank : axis;
  SmallVector<Extent> whole = e.extents(x);
  return {e.reshape(x, {e.product(ArrayRef(whole).take_front(axis)), e.product(ArrayRef(whole).drop_front(axis))})};
}

// Each axis beside one of size 1 that is expanded: [a, b] -> [1, a, 1, b] -> [r, a, s, b] -> [r * a, s * b]
static SmallVector<Value> tile(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x);
  SmallVector<Extent> single, repeated, result;
  std::optional<SmallVector<int64_t>> known = e.known(e.operand(1));
  for (int64_t axis = 0; axis < rank; ++axis) {
    Extent size = e.extent(x, axis), times;
    if (known && known->size() == static_cast<size_t>(rank))
      times = (*known)[axis];
    else
      times = e("Slice", {e.operand(1), e.integers(axis), e.integers(axis + 1)});
    single.append({int64_t(1), size});
    repeated.append({times, size});
    result.push_back(e.product({times, size}));
  }
  return {e.reshape(e.expandTo(e.reshape(x, single), repeated), result)};
}

static SmallVector<Value> oneHot(Expansion &e) {
  Value indices = e.operand(0), depth = e.operand(1), values = e.operand(2);
  int64_t rank = Expansion::rank(indices);
  std::optional<int64_t> axis = e.axis(e.intAttr("axis", -1), rank + 1);
  if (!axis)
    return {e.poison()};
  Value count = e.reshape(e.cast(depth, onnx::TensorProto::INT64), ArrayRef<Extent>());
  Value classes = e("Range", {e.integer(0), count, e.integer(1)});
  SmallVector<Extent> along(rank + 1, int64_t(1)), beside = e.extents(indices);
  along[*axis] = e.extent(classes, 0);
  beside.insert(beside.begin() + *axis, int64_t(1));
  // Negative indices count from the depth; those outside match no class.
  Value index = e.cast(indices, onnx::TensorProto::INT64);
  index = e("Where", {e("Less", {index, e.integer(0)}), e.add(index, count), index});
  Value hot = e("Equal", {e.reshape(index, beside), e.reshape(classes, along)});
  auto value = [&](int64_t at) { return e.reshape(e("Slice", {values, e.integers(at), e.integers(at + 1)}), ArrayRef<Extent>()); };
  return {e("Where", {hot, value(1), value(0)})};
}

void addLayouts(ExpandTable &table) {
  table["DepthToSpace"] = depthToSpace;
  table["SpaceToDepth"] = spaceToDepth;
  table["Squeeze"] = squeeze;
  table["Unsqueeze"] = unsqueeze;
  table["Flatten"] = flatten;
  table["Tile"] = tile;
  table["OneHot"] = oneHot;
  table["Size"] = [](Expansion &e) -> SmallVector<Value> {
    return {e.reshape(e.shape(e.product(e.extents(e.operand(0)))), ArrayRef<Extent>())};
  };
  // 1 where column - row = k
  table["EyeLike"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    if (Expansion::rank(x) != 2)
      return e.refuse("a value of rank " + Twine(Expansion::rank(x)) + " where a matrix is needed");
    auto [rows, columns] = rowsAndColumns(e, x);
    Value eye = e("Equal", {e.sub(columns, rows), e.integer(e.intAttr("k", 0))});
    return {e("Cast", eye, {{"to", e.intAttr("dtype", Expansion::onnxType(x))}})};
  };
  // upper keeps column - row >= k, lower column - row <= k
  table["Trilu"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    if (Expansion::rank(x) < 2)
      return e.refuse("a value of rank " + Twine(Expansion::rank(x)) + " where a matrix is needed");
    auto [rows, columns] = rowsAndColumns(e, x);
    Value k = e.operand(1) ? e.reshape(e.operand(1), ArrayRef<Extent>()) : e.integer(0);
    Value outside = e(e.intAttr("upper", 1) ? "Less" : "Greater", {e.sub(columns, rows), k});
    return {e("Where", {outside, e.scalar(0, x), x})};
  };
}

} // namespace burnish::onnx_import
