// Winograd.cpp - the transforms of minimal filtering, in registers.
#include "passes/kernels/Winograd.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"

using namespace mlir;
using namespace burnish;

//===- One axis -----------------------------------------------------------===//

WinogradTransform::WinogradTransform(int64_t tile) : tile(tile) {
  pairs = tile == 2 ? SmallVector<double>{1.0}
                    : SmallVector<double>{5.0 / 8.0, 3.0 / 2.0};
}

/// The coefficients, lowest first, of the product of x - p^2 over the pairs but
/// `without`.
static SmallVector<double> squaresWithout(ArrayRef<double> pairs,
                                          size_t without) {
  SmallVector<double> product{1.0};
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    if (pair == without)
      continue;
    product.push_back(0.0);
    for (size_t power = product.size(); power-- > 0;)
      product[power] = (power > 0 ? product[power - 1] : 0.0) -
                       pairs[pair] * pairs[pair] * product[power];
  }
  return product;
}

static double valueAt(ArrayRef<double> polynomial, double x) {
  double value = 0;
  for (double coefficient : llvm::reverse(polynomial))
    value = value * x + coefficient;
  return value;
}

SmallVector<double> WinogradTransform::weightRow(int64_t point) const {
  if (point == 0)
    return {1.0 / valueAt(squaresWithout(pairs, pairs.size()), 0.0), 0.0, 0.0};
  if (point == points() - 1)
    return {0.0, 0.0, 1.0};
  size_t pair = (point - 1) / 2;
  double p = pairs[pair] * (point % 2 == 1 ? 1.0 : -1.0),
         scale =
             1.0 / (2.0 * p * p * valueAt(squaresWithout(pairs, pair), p * p));
  return {scale, p * scale, p * p * scale};
}

/// A sum of multiples; factors of 0, 1 and -1 cost nothing.
static Value weightedSum(ImplicitLocOpBuilder &b, ArrayRef<double> factors,
                         ArrayRef<Value> values) {
  Value sum;
  // What needs no multiplication first: the rest are multiply-adds.
  for (bool isUnit : {true, false})
    for (auto [factor, value] : llvm::zip_equal(factors, values)) {
      if (factor == 0.0 || (std::abs(factor) == 1.0) != isUnit)
        continue;
      if (sum && isUnit) {
        sum = factor > 0 ? Value(arith::AddFOp::create(b, sum, value))
                         : Value(arith::SubFOp::create(b, sum, value));
        continue;
      }
      Value term = value;
      if (factor != 1.0) {
        auto type = cast<VectorType>(value.getType());
        Value splat = arith::ConstantOp::create(
            b, DenseElementsAttr::get(
                   type, b.getFloatAttr(type.getElementType(), factor)));
        term = arith::MulFOp::create(b, value, splat);
      }
      sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
    }
  return sum;
}

SmallVector<Value> WinogradTransform::input(ImplicitLocOpBuilder &b,
                                            ArrayRef<Value> line) const {
  // Every second element from `first` on.
  auto half = [&](size_t first, size_t count) {
    SmallVector<Value> values;
    for (size_t index = 0; index < count; ++index)
      values.push_back(line[first + 2 * index]);
    return values;
  };
  SmallVector<double> all = squaresWithout(pairs, pairs.size());
  SmallVector<Value> result{weightedSum(b, all, half(0, all.size()))};
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    SmallVector<double> others = squaresWithout(pairs, pair), odd = others;
    for (double &factor : odd)
      factor *= pairs[pair];
    Value even = weightedSum(b, others, half(2, others.size())),
          uneven = weightedSum(b, odd, half(1, odd.size()));
    result.push_back(arith::AddFOp::create(b, even, uneven));
    result.push_back(arith::SubFOp::create(b, even, uneven));
  }
  result.push_back(weightedSum(b, all, half(1, all.size())));
  return result;
}

SmallVector<Value> WinogradTransform::gradient(ImplicitLocOpBuilder &b,
                                               ArrayRef<Value> line) const {
  SmallVector<Value> result{line.front()};
  for (double p : pairs) {
    // Powers of p for the elements from `first` on, every second.
    auto half = [&](int64_t first) {
      SmallVector<double> factors;
      SmallVector<Value> values;
      for (int64_t power = first; power < tile; power += 2) {
        factors.push_back(std::pow(p, power));
        values.push_back(line[power]);
      }
      return weightedSum(b, factors, values);
    };
    Value even = half(0), uneven = half(1);
    result.push_back(arith::AddFOp::create(b, even, uneven));
    result.push_back(arith::SubFOp::create(b, even, uneven));
  }
  result.push_back(line.back());
  return result;
}

SmallVector<Value> WinogradTransform::output(ImplicitLocOpBuilder &b,
                                             ArrayRef<Value> line) const {
  SmallVector<Value> sums, differences;
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    Value plus = line[1 + 2 * pair], minus = line[2 + 2 * pair];
    sums.push_back(arith::AddFOp::create(b, plus, minus));
    differences.push_back(arith::SubFOp::create(b, plus, minus));
  }
  SmallVector<Value> result;
  for (int64_t power = 0; power < tile; ++power) {
    SmallVector<double> factors;
    for (double p : pairs)
      factors.push_back(std::pow(p, power));
    SmallVector<Value> values = power % 2 == 0 ? sums : differences;
    for (auto [at, more] :
         {std::pair<int64_t, Value>{0, line.front()}, {tile - 1, line.back()}})
      if (power == at) {
        factors.push_back(1.0);
        values.push_back(more);
      }
    result.push_back(weightedSum(b, factors, values));
  }
  return result;
}

/// Both axes of a square of vectors: along the columns, then along the rows.
/// What comes out may be larger.
static SmallVector<Value>
alongBoth(ArrayRef<Value> square, int64_t size,
          llvm::function_ref<SmallVector<Value>(ArrayRef<Value>)> transform) {
  SmallVector<SmallVector<Value>> columns;
  for (int64_t column = 0; column < size; ++column) {
    SmallVector<Value> line;
    for (int64_t row = 0; row < size; ++row)
      line.push_back(square[row * size + column]);
    columns.push_back(transform(line));
  }
  SmallVector<Value> result;
  for (size_t row = 0; row < columns[0].size(); ++row) {
    SmallVector<Value> line;
    for (const SmallVector<Value> &column : columns)
      line.push_back(column[row]);
    llvm::append_range(result, transform(line));
  }
  return result;
}

//===- Input --------------------------------------------------------------===//

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

//===- Output -------------------------------------------------------------===//

/// The loop of the root along the channels.
static constexpr unsigned kOutputLanes = 3;

OpFoldResult burnish::tasksOfWinogradOutput(ImplicitLocOpBuilder &b,
                                            const Nest &nest) {
  return b.getIndexAttr(
      shapeOf(nn::WinogradOutputOp(nest.given).getProducts())[1]);
}

void burnish::makeWinogradOutput(KernelCode &code, const Layout &layout,
                                 Value begin, Value end) {
  ImplicitLocOpBuilder &b = code.b;
  const Nest &nest = code.nest;
  nn::WinogradOutputOp op = nest.given;
  int64_t tile = op.getTile();
  WinogradTransform transform(tile);
  int64_t points = transform.points();
  ArrayRef<int64_t> image = shapeOf(op.getImage());
  auto dataOf = [&](Value value) {
    return code.data[cast<BlockArgument>(value).getArgNumber()];
  };
  bool isOfRun = !op.getExtents().empty();
  Value rows, columns;
  if (isOfRun) {
    rows = dataOf(op.getExtents()[1]);
    columns = dataOf(op.getExtents()[2]);
  } else {
    rows = code.constant(llvm::divideCeil(image[1], tile));
    columns = code.constant(llvm::divideCeil(image[2], tile));
  }
  Value products = dataOf(op.getProducts());
  Type elementType = cast<MemRefType>(products.getType()).getElementType();
  auto finish = [&](Value result, int64_t width) {
    if (width == 1)
      result = vector::ExtractOp::create(b, result, 0);
    if (!nest.root)
      return code.store(nest.out, result, kOutputLanes, width);
    SmallVector<Value> arguments;
    for (auto [index, access] : llvm::enumerate(nest.inputs))
      arguments.push_back(index == nest.givenInput
                              ? result
                              : code.load(access, kOutputLanes, width));
    // The out has nothing to be read.
    arguments.push_back(Value());
    Value value = evaluate(b, nest.root, arguments, width, [&](unsigned loop) {
      return code.indexOf(loop, kOutputLanes, width);
    });
    code.store(nest.out, value, kOutputLanes, width);
  };
  auto makeTile = [&](Value from, Index row, Index column, Index channel,
                      int64_t width, bool isWhole) {
    auto vector = VectorType::get({width}, elementType);
    SmallVector<Value> square;
    for (int64_t point = 0; point < points * points; ++point) {
      OpFoldResult at = nn::addIndex(
          b, from, nn::mulIndex(b, b.getIndexAttr(point), layout.strides[0]));
      square.push_back(vector::LoadOp::create(
          b, vector, products,
          getValueOrCreateConstantIndexOp(b, b.getLoc(), at)));
    }
    square = alongBoth(square, points, [&](ArrayRef<Value> line) {
      return transform.output(b, line);
    });
    code.at[3] = channel;
    for (int64_t y = 0; y < tile; ++y)
      for (int64_t x = 0; x < tile; ++x) {
        code.at[1] = row + y;
        code.at[2] = column + x;
        OpBuilder::InsertionGuard guard(b);
        for (auto [axis, rest] :
             {std::pair<unsigned, int64_t>{1, image[1] % tile - y},
              {2, image[2] % tile - x}}) {
          // Only the last tile may end early.
          bool isKnown = !ShapedType::isDynamic(image[axis]);
          if (isWhole || (isKnown && (image[axis] % tile == 0 || rest > 0)) ||
              (!isKnown && (axis == 1 ? y : x) == 0))
            continue;
          Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                               code.valueOf(code.at[axis]),
                                               code.size(axis));
          auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
          b.setInsertionPointToStart(branch.thenBlock());
        }
        finish(square[y * tile + x], width);
      }
  };
  auto makeChannels = [&](OpFoldResult start, Value y, Value x, bool isWhole) {
    int64_t lanes = code.schedule.getLanes();
    code.tiles(
        b.getIndexAttr(image[3]), lanes, [&](Index channel, int64_t count) {
          int64_t done = 0;
          for (int64_t piece : piecesOf(count, lanes)) {
            Index here = channel + done;
            Value from = getValueOrCreateConstantIndexOp(
                b, b.getLoc(), nn::addIndex(b, start, code.valueOf(here)));
            makeTile(from, {y}, {x}, here, piece, isWhole);
            done += piece;
          }
        });
  };
  auto isAtMost = [&](Value left, Value right) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, left, right);
  };
  code.loop(begin, end, 1, [&](Value task) {
    Value number = task;
    if (isOfRun)
      number = arith::AddIOp::create(b, task, dataOf(op.getExtents()[0]));
    Value column = arith::RemUIOp::create(b, number, columns),
          line = arith::DivUIOp::create(b, number, columns),
          row = arith::RemUIOp::create(b, line, rows),
          which = arith::DivUIOp::create(b, line, rows);
    code.at[0] = {which};
    Value y = arith::MulIOp::create(b, row, code.constant(tile)),
          x = arith::MulIOp::create(b, column, code.constant(tile));
    OpFoldResult start = nn::addIndex(b, layout.offset,
                                      nn::mulIndex(b, task, layout.strides[1]));
    if (!isOfRun)
      return makeChannels(start, y, x, /*isWhole=*/false);
    // Beyond the last image there is nothing, and most tiles are whole.
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, which,
                                         code.size(0));
    auto inside = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(inside.thenBlock());
    Value isWhole = arith::AndIOp::create(
        b,
        isAtMost(arith::AddIOp::create(b, y, code.constant(tile)),
                 code.size(1)),
        isAtMost(arith::AddIOp::create(b, x, code.constant(tile)),
                 code.size(2)));
    auto branch = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    makeChannels(start, y, x, /*isWhole=*/true);
    b.setInsertionPointToStart(branch.elseBlock());
    makeChannels(start, y, x, /*isWhole=*/false);
  });
}
