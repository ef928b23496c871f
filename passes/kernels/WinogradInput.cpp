// WinogradInput.cpp - tiles of an image at the points of minimal filtering.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Winograd.h"

using namespace mlir;
using namespace burnish;

static nn::WinogradInputOp inputOf(nn::KernelOp kernel) {
  return *kernel.getBody().getOps<nn::WinogradInputOp>().begin();
}

static ArrayRef<int64_t> shapeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

/// How many channels are a vector.
static int64_t lanesOf(nn::KernelOp kernel) {
  nn::WinogradInputOp op = inputOf(kernel);
  return op.hasRows() ? kernel.getSchedule().getLanes()
                      : shapeOf(op.getTiles()).back();
}

static int64_t blocksOf(nn::KernelOp kernel) {
  return shapeOf(inputOf(kernel).getImage()).back() / lanesOf(kernel);
}

int64_t burnish::tasksOfWinogradInput(nn::KernelOp kernel) {
  nn::WinogradInputOp op = inputOf(kernel);
  return blocksOf(kernel) * (op.tileCount() / op.getColumns());
}

namespace {
class InputMaker {
public:
  InputMaker(ImplicitLocOpBuilder &b, nn::KernelOp kernel, ArrayRef<Value> data,
             ArrayRef<Layout> layouts)
      : b(b), op(inputOf(kernel)), transform(op.getTile()),
        points(transform.points()),
        reach(op.getIsGradient() ? op.getTile() : points),
        blocks(blocksOf(kernel)), lanes(lanesOf(kernel)) {
    auto argumentOf = [](Value value) {
      return cast<BlockArgument>(value).getArgNumber();
    };
    unsigned source = argumentOf(op.getImage()),
             target = kernel->getNumOperands() - 1;
    image = data[source];
    imageLayout = layouts[source];
    tiles = data[target];
    tilesLayout = layouts[target];
    firstImage = data[argumentOf(op.getFirstImage())];
    firstRow = data[argumentOf(op.getFirstRow())];
    for (Value extent : op.getExtents())
      extents.push_back(data[argumentOf(extent)]);
    shape = shapeOf(op.getImage());
    vector = VectorType::get(
        {lanes}, cast<MemRefType>(image.getType()).getElementType());
    patch = frameMemory(b, vector.getElementType(), reach * reach * lanes);
    blockStride = op.hasRows() ? nn::mulIndex(b, b.getIndexAttr(lanes),
                                              tilesLayout.strides[2])
                               : tilesLayout.strides[1];
    tileStride = tilesLayout.strides[op.hasRows() ? 1 : 2];
  }

  void make(Value begin, Value end) {
    int64_t columns = op.getColumns(), tile = op.getTile();
    loop(begin, end, [&](Value task) {
      Value block = arith::RemUIOp::create(b, task, constant(blocks)),
            line = arith::DivUIOp::create(b, task, constant(blocks));
      Value first = times(line, columns);
      if (!extents.empty())
        return makeStretch(block, first);
      Value tileRow = arith::RemUIOp::create(b, line, constant(op.getRows())),
            which = arith::DivUIOp::create(b, line, constant(op.getRows()));
      Value y = arith::SubIOp::create(
          b, Value(arith::AddIOp::create(b, firstRow, times(tileRow, tile))),
          constant(op.getTop()));
      OpFoldResult start = imageLayout.offset;
      start = plus(start, Value(arith::AddIOp::create(b, firstImage, which)),
                   imageLayout.strides[0]);
      start = plus(start, y, imageLayout.strides[1]);
      start = plus(start, times(block, lanes), imageLayout.strides[3]);
      loop(constant(0), constant(columns), [&](Value column) {
        Value x = arith::SubIOp::create(b, times(column, tile),
                                        constant(op.getLeft()));
        Value from = value(plus(start, x, imageLayout.strides[2]));
        makeTile(y, x, from, placeOf(block, first, column));
      });
    });
  }

private:
  /// The tiles from number `first` of the block on, wherever rows and images
  /// end among them.
  void makeStretch(Value block, Value first) {
    int64_t tile = op.getTile();
    Value images = extents[0], rows = extents[3], columns = extents[4];
    Value number = arith::AddIOp::create(b, firstRow, first),
          line = arith::DivUIOp::create(b, number, columns);
    SmallVector<Value> begin{arith::DivUIOp::create(b, line, rows),
                             arith::RemUIOp::create(b, line, rows),
                             arith::RemUIOp::create(b, number, columns)};
    OpFoldResult start =
        plus(imageLayout.offset, times(block, lanes), imageLayout.strides[3]);
    auto loop = scf::ForOp::create(b, constant(0), constant(op.getColumns()),
                                   constant(1), begin);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value which = loop.getRegionIterArg(0), row = loop.getRegionIterArg(1),
          column = loop.getRegionIterArg(2);
    Value y = arith::SubIOp::create(b, times(row, tile), constant(op.getTop())),
          x = arith::SubIOp::create(b, times(column, tile),
                                    constant(op.getLeft()));
    OpFoldResult at = plus(start, which, imageLayout.strides[0]);
    at = plus(at, y, imageLayout.strides[1]);
    at = plus(at, x, imageLayout.strides[2]);
    // All of a tile beyond the last image is outside.
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, which, images);
    y = arith::SelectOp::create(b, exists, y, constant(-points));
    makeTile(y, x, value(at), placeOf(block, first, loop.getInductionVar()));
    auto next = [&](Value index, Value size, Value step) {
      Value more = arith::AddIOp::create(b, index, step),
            isEnd =
                arith::CmpIOp::create(b, arith::CmpIPredicate::eq, more, size);
      return std::pair<Value, Value>(
          arith::SelectOp::create(b, isEnd, constant(0), more),
          arith::SelectOp::create(b, isEnd, constant(1), constant(0)));
    };
    auto [nextColumn, ends] = next(column, columns, constant(1));
    auto [nextRow, endsToo] = next(row, rows, ends);
    Value nextImage = arith::AddIOp::create(b, which, endsToo);
    scf::YieldOp::create(b, ValueRange{nextImage, nextRow, nextColumn});
  }

  /// Where the tile lies that comes so many after the first.
  Value placeOf(Value block, Value first, Value more) {
    Value place = arith::AddIOp::create(b, first, more);
    OpFoldResult to = plus(tilesLayout.offset, block, blockStride);
    return value(plus(to, place, tileStride));
  }

  /// The image's size along an axis.
  Value sizeOf(unsigned axis) {
    return extents.empty() ? constant(shape[axis]) : extents[axis];
  }

  /// One tile: straight from the image, or through a patch with zeros where
  /// there is no image.
  void makeTile(Value y, Value x, Value from, Value to) {
    Value height = sizeOf(1), width = sizeOf(2);
    Value isInside =
        both(isWithin(y, reach, height), isWithin(x, reach, width));
    auto branch = scf::IfOp::create(b, isInside, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    OpFoldResult down = imageLayout.strides[1], along = imageLayout.strides[2];
    fetchNext(from, down, along);
    transformFrom(image, from, down, along, to);
    b.setInsertionPointToStart(branch.elseBlock());
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vector));
    for (int64_t row = 0; row < reach; ++row) {
      Value inRow = isWithin(Value(arith::AddIOp::create(b, y, constant(row))),
                             1, height);
      for (int64_t column = 0; column < reach; ++column) {
        Value exists =
            both(inRow,
                 isWithin(Value(arith::AddIOp::create(b, x, constant(column))),
                          1, width));
        auto read = scf::IfOp::create(b, TypeRange(vector), exists,
                                      /*withElseRegion=*/true);
        {
          OpBuilder::InsertionGuard inside(b);
          b.setInsertionPointToStart(read.thenBlock());
          scf::YieldOp::create(b, load(image, from, row, down, column, along));
          b.setInsertionPointToStart(read.elseBlock());
          scf::YieldOp::create(b, zero);
        }
        vector::StoreOp::create(b, read.getResult(0), patch,
                                constant((row * reach + column) * lanes));
      }
    }
    transformFrom(patch, constant(0), b.getIndexAttr(reach * lanes),
                  b.getIndexAttr(lanes), to);
  }

  /// Fetches what the next tile of the line has more than this one: its places
  /// lie apart by all channels, and each of them in a line of its own.
  void fetchNext(Value from, OpFoldResult down, OpFoldResult along) {
    int64_t tile = op.getTile();
    for (int64_t row = 0; row < reach; ++row)
      for (int64_t column = reach - tile; column < reach; ++column) {
        OpFoldResult at =
            nn::addIndex(b, nn::mulIndex(b, b.getIndexAttr(row), down),
                         nn::mulIndex(b, b.getIndexAttr(column + tile), along));
        memref::PrefetchOp::create(
            b, image, ValueRange{value(nn::addIndex(b, from, at))},
            /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
      }
  }

  void transformFrom(Value memory, Value from, OpFoldResult down,
                     OpFoldResult along, Value to) {
    SmallVector<Value> square;
    for (int64_t row = 0; row < reach; ++row)
      for (int64_t column = 0; column < reach; ++column)
        square.push_back(load(memory, from, row, down, column, along));
    square = alongBoth(square, reach, [&](ArrayRef<Value> line) {
      return op.getIsGradient() ? transform.gradient(b, line)
                                : transform.input(b, line);
    });
    for (auto [index, result] : llvm::enumerate(square))
      vector::StoreOp::create(
          b, result, tiles,
          value(plus(to, constant(index), tilesLayout.strides[0])));
  }

  Value load(Value memory, Value from, int64_t row, OpFoldResult down,
             int64_t column, OpFoldResult along) {
    OpFoldResult at =
        nn::addIndex(b, nn::mulIndex(b, b.getIndexAttr(row), down),
                     nn::mulIndex(b, b.getIndexAttr(column), along));
    return vector::LoadOp::create(b, vector, memory,
                                  value(nn::addIndex(b, from, at)));
  }
  /// Whether [from, from + length) lies in [0, size).
  Value isWithin(Value from, int64_t length, Value size) {
    Value last = b.createOrFold<arith::SubIOp>(size, constant(length));
    return both(
        arith::CmpIOp::create(b, arith::CmpIPredicate::sge, from, constant(0)),
        arith::CmpIOp::create(b, arith::CmpIPredicate::sle, from, last));
  }
  Value both(Value left, Value right) {
    return arith::AndIOp::create(b, left, right);
  }
  Value constant(int64_t number) {
    return arith::ConstantIndexOp::create(b, number);
  }
  Value times(Value index, int64_t factor) {
    return arith::MulIOp::create(b, index, constant(factor));
  }
  OpFoldResult plus(OpFoldResult start, Value index, OpFoldResult stride) {
    return nn::addIndex(b, start, nn::mulIndex(b, index, stride));
  }
  Value value(OpFoldResult index) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), index);
  }
  void loop(Value from, Value to, llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, from, to, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  ImplicitLocOpBuilder &b;
  nn::WinogradInputOp op;
  WinogradTransform transform;
  /// Elements along each axis that a tile is made of: `reach`.
  int64_t points, reach, blocks, lanes;
  Value image, tiles, firstImage, firstRow, patch;
  Layout imageLayout, tilesLayout;
  OpFoldResult blockStride, tileStride;
  ArrayRef<int64_t> shape;
  /// Sizes that only the run knows; empty where all are known.
  SmallVector<Value> extents;
  VectorType vector;
};
} // namespace

void burnish::makeWinogradInput(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                                ArrayRef<Value> data, ArrayRef<Layout> layouts,
                                Value begin, Value end) {
  InputMaker(b, kernel, data, layouts).make(begin, end);
}
