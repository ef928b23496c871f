// Sampling.cpp - places at which images are sampled.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// grid = [x, y, 1] x transpose(theta), for the x and y (and z) of every place
// of an image
static SmallVector<Value> affineGrid(Expansion &e) {
  Value theta = e.operand(0), size = e.operand(1);
  std::optional<int64_t> rank = Expansion::size(size, 0);
  if (!rank && e.declaredRank()) {
    rank = e.declaredRank();
    size = e.reshape(size, {*rank});
  }
  if (Expansion::rank(theta) != 3 || Expansion::rank(size) != 1 || !rank ||
      (*rank != 4 && *rank != 5))
    return e.refuse("theta of rank " + Twine(Expansion::rank(theta)) +
                    " and a size that is not one of an image or volume");
  int64_t spatial = *rank - 2, type = Expansion::onnxType(theta);
  bool alignsCorners = e.intAttr("align_corners", 0) != 0;
  std::optional<SmallVector<int64_t>> known = e.known(size);
  SmallVector<Extent> places;
  for (int64_t axis = 2; axis < *rank; ++axis)
    places.push_back(known ? Extent((*known)[axis])
                           : Extent(e("Slice", {size, e.integers(axis),
                                                e.integers(axis + 1)})));
  SmallVector<Extent> column(places);
  column.push_back(int64_t(1));
  // The last axis is x, and comes first.
  SmallVector<Value> columns;
  for (int64_t axis = spatial - 1; axis >= 0; --axis) {
    Value count =
        std::holds_alternative<int64_t>(places[axis])
            ? e.integer(std::get<int64_t>(places[axis]))
            : e.reshape(std::get<Value>(places[axis]), ArrayRef<Extent>());
    Value index = e.cast(e("Range", {e.integer(0), count, e.integer(1)}), type),
          steps = e.cast(count, type);
    Value one = e.scalar(1, theta), two = e.scalar(2, theta);
    // From -1 to 1, either the middles of the first and the last place or their
    // outer edges.
    Value coordinate =
        alignsCorners ? e.sub(e.div(e.mul(index, two),
                                    e("Max", {e.sub(steps, one), one})),
                              one)
                      : e.sub(e.div(e.add(e.mul(index, two), one), steps), one);
    SmallVector<Extent> along(spatial + 1, int64_t(1));
    along[axis] = places[axis];
    columns.push_back(e.expandTo(e.reshape(coordinate, along), column));
  }
  columns.push_back(e.expandTo(e.scalar(1, theta), column));
  Value image = e("Concat", columns, {{"axis", spatial}});
  Value grid = e(
      "MatMul", {e.reshape(image, {int64_t(1), e.product(places), spatial + 1}),
                 e.transpose(theta, {0, 2, 1})});
  SmallVector<Extent> result{e.extent(theta, 0)};
  result.append(places);
  result.push_back(spatial);
  return {e.reshape(grid, result)};
}

void addSampling(ExpandTable &table) { table["AffineGrid"] = affineGrid; }

} // namespace burnish::onnx_import
