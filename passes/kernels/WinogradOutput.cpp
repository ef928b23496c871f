// WinogradOutput.cpp - results of products at the points of minimal filtering.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Winograd.h"

using namespace mlir;
using namespace burnish;

/// The loop of the root along the channels.
static constexpr unsigned kOutputLanes = 3;

static ArrayRef<int64_t> shapeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

OpFoldResult burnish::tasksOfWinogradOutput(ImplicitLocOpBuilder &b,
                                            const Nest &nest) {
  return b.getIndexAttr(
      shapeOf(nn::WinogradOutputOp(nest.given).getProducts())[1]);
}

namespace {
class OutputMaker {
public:
  OutputMaker(KernelCode &code, const Layout &layout)
      : code(code), b(code.b), nest(code.nest), op(nest.given), layout(layout),
        tile(op.getTile()), transform(tile), points(transform.points()),
        image(shapeOf(op.getImage())), isOfRun(!op.getExtents().empty()),
        products(dataOf(op.getProducts())) {
    if (isOfRun) {
      rows = dataOf(op.getExtents()[1]);
      columns = dataOf(op.getExtents()[2]);
    } else {
      rows = code.constant(llvm::divideCeil(image[1], tile));
      columns = code.constant(llvm::divideCeil(image[2], tile));
    }
  }

  void make(Value begin, Value end) {
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
      OpFoldResult start = nn::addIndex(
          b, layout.offset, nn::mulIndex(b, task, layout.strides[1]));
      if (isOfRun)
        makeOfRun(start, which, y, x);
      else
        makeChannels(start, y, x, /*isWhole=*/false);
    });
  }

private:
  Value dataOf(Value value) {
    return code.data[cast<BlockArgument>(value).getArgNumber()];
  }

  /// A tile of images whose size only the run knows: beyond the last image
  /// there is nothing, and most tiles are whole.
  void makeOfRun(OpFoldResult start, Value which, Value y, Value x) {
    auto isAtMost = [&](Value left, Value right) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, left, right);
    };
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
  }

  /// The channels of a tile, so many lanes after the other.
  void makeChannels(OpFoldResult start, Value y, Value x, bool isWhole) {
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
  }

  void makeTile(Value from, Index row, Index column, Index channel,
                int64_t width, bool isWhole) {
    auto vector = VectorType::get(
        {width}, cast<MemRefType>(products.getType()).getElementType());
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
        if (!isWhole) {
          skipBeyond(1, y);
          skipBeyond(2, x);
        }
        finish(square[y * tile + x], width);
      }
  }

  /// What follows is done where the image reaches place `at` of its last tile
  /// along an axis: only that may end early.
  void skipBeyond(unsigned axis, int64_t at) {
    bool reaches = ShapedType::isDynamic(image[axis])
                       ? at == 0
                       : image[axis] % tile == 0 || at < image[axis] % tile;
    if (reaches)
      return;
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                              code.valueOf(code.at[axis]), code.size(axis));
    auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }

  /// Results, through the elementwise operation that follows, to the out.
  void finish(Value result, int64_t width) {
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
  }

  KernelCode &code;
  ImplicitLocOpBuilder &b;
  const Nest &nest;
  nn::WinogradOutputOp op;
  const Layout &layout;
  int64_t tile;
  WinogradTransform transform;
  int64_t points;
  ArrayRef<int64_t> image;
  /// Whether only the run knows the sizes of images.
  bool isOfRun;
  Value products;
  /// Tiles along the axes.
  Value rows, columns;
};
} // namespace

void burnish::makeWinogradOutput(KernelCode &code, const Layout &layout,
                                 Value begin, Value end) {
  OutputMaker(code, layout).make(begin, end);
}
