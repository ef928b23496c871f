// Turn.cpp - transposes, square by square in registers.
#include "passes/kernels/Turn.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Offsets.h"

using namespace mlir;
using namespace burnish;

int64_t burnish::turnedAxis(linalg::TransposeOp transpose) {
  ArrayRef<int64_t> order = transpose.getPermutation();
  return llvm::find(order, static_cast<int64_t>(order.size()) - 1) -
         order.begin();
}

/// The columns of a square whose rows are vectors.
static SmallVector<Value> columnsOf(ImplicitLocOpBuilder &b,
                                    SmallVector<Value> rows) {
  // Each time the first half is woven into the second, elements move on by
  // one bit of their place's number.
  int64_t width = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < width / 2; ++lane) {
    low.append({lane, width + lane});
    high.append({width / 2 + lane, width + width / 2 + lane});
  }
  for (int64_t length = width; length > 1; length /= 2) {
    SmallVector<Value> woven;
    for (int64_t row = 0; row < width / 2; ++row)
      for (ArrayRef<int64_t> mask : {ArrayRef(low), ArrayRef(high)})
        woven.push_back(vector::ShuffleOp::create(b, rows[row],
                                                  rows[row + width / 2], mask));
    rows = woven;
  }
  return rows;
}

void burnish::turnSquare(ImplicitLocOpBuilder &b, Type element, int64_t width,
                         Value from, Value readAt, OpFoldResult across,
                         Value to, Value writeAt, OpFoldResult down,
                         int64_t together) {
  OffsetCode offsets(b);
  auto at = [&](Value begin, OpFoldResult stride, int64_t row) {
    return offsets.add(
        begin, offsets.times(offsets.asValue(stride), b.getIndexAttr(row)));
  };
  auto type = VectorType::get({width * together}, element);
  VectorType words =
      together == 1
          ? type
          : VectorType::get(
                {width},
                b.getIntegerType(element.getIntOrFloatBitWidth() * together));
  auto asType = [&](VectorType wanted, Value value) -> Value {
    return together == 1 ? value : vector::BitCastOp::create(b, wanted, value);
  };
  SmallVector<Value> rows;
  for (int64_t row = 0; row < width; ++row)
    rows.push_back(asType(
        words, vector::LoadOp::create(b, type, from, at(readAt, across, row))));
  rows = columnsOf(b, rows);
  for (int64_t row = 0; row < width; ++row)
    vector::StoreOp::create(b, asType(type, rows[row]), to,
                            at(writeAt, down, row));
}

static linalg::TransposeOp transposeOf(nn::KernelOp kernel) {
  return *kernel.getBody().getOps<linalg::TransposeOp>().begin();
}

static ArrayRef<int64_t> shapeOf(linalg::TransposeOp transpose) {
  return cast<ShapedType>(transpose.getInit().getType()).getShape();
}

int64_t burnish::tasksOfTurn(nn::KernelOp kernel) {
  linalg::TransposeOp transpose = transposeOf(kernel);
  int64_t tasks = 1, height = turnedAxis(transpose);
  for (auto [axis, size] : llvm::enumerate(shapeOf(transpose).drop_back()))
    tasks *= static_cast<int64_t>(axis) == height
                 ? llvm::divideCeil(size, kernel.getSchedule().getRows())
                 : size;
  return tasks;
}

std::string burnish::nameOfTurn(nn::KernelOp kernel) {
  std::string name = "turn";
  char separator = '_';
  for (int64_t size : shapeOf(transposeOf(kernel))) {
    name += separator + std::to_string(size);
    separator = 'x';
  }
  return name;
}

namespace {
class TurnMaker : OffsetCode {
public:
  TurnMaker(ImplicitLocOpBuilder &b, nn::KernelOp kernel, ArrayRef<Value> data,
            ArrayRef<Layout> layouts)
      : OffsetCode(b), from(data[0]), to(data[1]), source(layouts[0]),
        target(layouts[1]), width(kernel.getSchedule().getLanes()),
        lines(kernel.getSchedule().getRows()) {
    linalg::TransposeOp transpose = transposeOf(kernel);
    order.assign(transpose.getPermutation().begin(),
                 transpose.getPermutation().end());
    shape.assign(shapeOf(transpose).begin(), shapeOf(transpose).end());
    element = getElementTypeOrSelf(transpose.getInit().getType());
    height = turnedAxis(transpose);
    across = source.strides[order.back()];
    down = target.strides[height];
  }

  void make(Value begin, Value end) {
    loop(begin, end, 1, [&](Value task) {
      Value readAt = asValue(source.offset), writeAt = asValue(target.offset);
      int64_t blocks = llvm::divideCeil(shape[height], lines);
      Value block = digit(task, blocks),
            line = b.createOrFold<arith::MulIOp>(block, constant(lines));
      readAt = add(readAt, line);
      writeAt = add(writeAt, times(line, down));
      for (int64_t axis = shape.size() - 1; axis-- > 0;) {
        if (axis == height)
          continue;
        Value at = digit(task, shape[axis]);
        readAt = add(readAt, times(at, source.strides[order[axis]]));
        writeAt = add(writeAt, times(at, target.strides[axis]));
      }
      piece(block, shape[height], lines,
            [&](int64_t count) { turnLines(readAt, writeAt, count); });
    });
  }

private:
  /// So many lines of the result. Lines of either side often lie pages apart,
  /// where the first cache keeps few of them: a stretch of a source's line is
  /// read for all these lines at once.
  void turnLines(Value readAt, Value writeAt, int64_t count) {
    int64_t columns = shape.back() / width * width,
            rows = count / width * width;
    if (rows == 0)
      columns = 0;
    if (columns > 0)
      loop(constant(0), constant(columns), width, [&](Value column) {
        Value read = add(readAt, times(column, across)),
              write = add(writeAt, column);
        fetchAhead(read, rows);
        for (int64_t row = 0; row < rows; row += width)
          turnSquare(b, element, width, from, add(read, constant(row)), across,
                     to, add(write, times(constant(row), down)), down);
      });
    copy(readAt, writeAt, 0, columns, rows, count);
    copy(readAt, writeAt, columns, shape.back(), 0, count);
  }

  /// What is read two stretches later. Lines far apart are no stream that the
  /// machine knows; and as they may be pages apart, the second cache takes
  /// them.
  void fetchAhead(Value read, int64_t rows) {
    constexpr int64_t kFarApart = 512, kLineBytes = 64, kStretchesAhead = 2;
    int64_t bytes = std::max(1u, element.getIntOrFloatBitWidth() / 8);
    std::optional<int64_t> apart = getConstantIntValue(across);
    if (!apart || *apart * bytes < kFarApart)
      return;
    for (int64_t line = 0; line < width; ++line)
      for (int64_t row = 0; row < rows; row += kLineBytes / bytes)
        memref::PrefetchOp::create(
            b, from,
            ValueRange{
                add(read,
                    constant((kStretchesAhead * width + line) * *apart + row))},
            /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  /// Element by element.
  void copy(Value readAt, Value writeAt, int64_t firstColumn, int64_t endColumn,
            int64_t firstRow, int64_t endRow) {
    if (firstColumn == endColumn || firstRow == endRow)
      return;
    loop(constant(firstColumn), constant(endColumn), 1, [&](Value column) {
      Value read = add(readAt, times(column, across)),
            write = add(writeAt, column);
      loop(constant(firstRow), constant(endRow), 1, [&](Value row) {
        Value value = memref::LoadOp::create(b, from, add(read, row));
        memref::StoreOp::create(b, value, to, add(write, times(row, down)));
      });
    });
  }

  Value from, to;
  Layout source, target;
  int64_t width, lines, height = 0;
  SmallVector<int64_t> order, shape;
  OpFoldResult across, down;
  Type element;
};
} // namespace

void burnish::makeTurn(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                       ArrayRef<Value> data, ArrayRef<Layout> layouts,
                       Value begin, Value end) {
  TurnMaker(b, kernel, data, layouts).make(begin, end);
}

//===- Sizes of run time
//----------------------------------------------------===//

namespace {
/// The loops of a transpose in a function of its own.
class OpenTurnMaker : OffsetCode {
public:
  OpenTurnMaker(ImplicitLocOpBuilder &b, Value from, Value to,
                ArrayRef<int64_t> order, int64_t height, int64_t width)
      : OffsetCode(b), from(from), to(to), order(order), height(height),
        width(width), at(order.size()) {}

  void make() { loopOver(0); }

private:
  int64_t last() const { return order.size() - 1; }

  /// Loops over the axes that are no part of a square, from `axis` on.
  void loopOver(int64_t axis) {
    if (axis == last())
      return makePlane();
    if (axis == height)
      return loopOver(axis + 1);
    loop(constant(0), memref::DimOp::create(b, to, axis), 1, [&](Value index) {
      at[axis] = index;
      loopOver(axis + 1);
    });
  }

  /// Square by square; what is less than one at an end, by elements.
  void makePlane() {
    Value rows = memref::DimOp::create(b, to, height),
          columns = memref::DimOp::create(b, to, last());
    auto endOf = [&](Value begin, Value size) -> Value {
      return arith::MinUIOp::create(b, add(begin, constant(width)), size);
    };
    auto isWhole = [&](Value begin, Value end) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                   Value(arith::SubIOp::create(b, end, begin)),
                                   constant(width));
    };
    loop(constant(0), rows, width, [&](Value row) {
      Value rowEnd = endOf(row, rows), hasRows = isWhole(row, rowEnd);
      loop(constant(0), columns, width, [&](Value column) {
        Value columnEnd = endOf(column, columns),
              fits =
                  arith::AndIOp::create(b, hasRows, isWhole(column, columnEnd));
        auto branch = scf::IfOp::create(b, fits, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        makeSquare(row, column);
        b.setInsertionPointToStart(branch.elseBlock());
        loop(column, columnEnd, 1, [&](Value x) {
          loop(row, rowEnd, 1, [&](Value y) {
            Value element = memref::LoadOp::create(b, from, source(y, x));
            memref::StoreOp::create(b, element, to, target(y, x));
          });
        });
      });
    });
  }

  void makeSquare(Value row, Value column) {
    auto type = VectorType::get(
        {width}, cast<MemRefType>(to.getType()).getElementType());
    auto next = [&](Value begin, int64_t step) {
      return add(begin, constant(step));
    };
    SmallVector<Value> lines;
    for (int64_t step = 0; step < width; ++step)
      lines.push_back(vector::LoadOp::create(b, type, from,
                                             source(row, next(column, step))));
    for (auto [step, line] : llvm::enumerate(columnsOf(b, lines)))
      vector::StoreOp::create(b, line, to, target(next(row, step), column));
  }

  SmallVector<Value> target(Value row, Value column) {
    at[height] = row;
    at[last()] = column;
    return at;
  }
  SmallVector<Value> source(Value row, Value column) {
    SmallVector<Value> there = target(row, column), here(there.size());
    for (auto [axis, own] : llvm::enumerate(order))
      here[own] = there[axis];
    return here;
  }

  Value from, to;
  ArrayRef<int64_t> order;
  int64_t height, width;
  SmallVector<Value> at;
};
} // namespace

func::FuncOp burnish::makeOpenTurn(ModuleOp module, linalg::TransposeOp op,
                                   int64_t width) {
  ImplicitLocOpBuilder b(op.getLoc(), module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(
      b, "turn_n", b.getFunctionType(op->getOperandTypes(), {}));
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  OpenTurnMaker(b, entry->getArgument(0), entry->getArgument(1),
                op.getPermutation(), turnedAxis(op), width)
      .make();
  func::ReturnOp::create(b);
  return function;
}
