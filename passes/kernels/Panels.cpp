// Panels.cpp - rows of a matrix side by side, as tiles read them.
#include "passes/kernels/Panels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Offsets.h"
#include "passes/kernels/Turn.h"

using namespace mlir;
using namespace burnish;

/// Lines of the source lie far apart, and are fetched so many before they are
/// read.
static constexpr int64_t kLinesAhead = 16, kLineBytes = 64;

/// Before the loops around a kernel that leave a value as it is.
static Operation *outsideLoops(Operation *kernel, Value value) {
  while (auto loop = dyn_cast<scf::ForOp>(kernel->getParentOp())) {
    if (loop->isAncestor(value.getParentRegion()->getParentOp()))
      break;
    kernel = loop;
  }
  return kernel;
}

void burnish::readInPanels(nn::KernelOp kernel, unsigned argument, int64_t cut,
                           ArrayRef<int64_t> order,
                           std::optional<int64_t> paired) {
  nn::ScheduleAttr schedule = kernel.getSchedule();
  int64_t panel = schedule.getLanes() * schedule.getVectors();
  BlockArgument inside = kernel.getBody().front().getArgument(argument);
  auto type = cast<RankedTensorType>(inside.getType());
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), order);
  shape[llvm::find(order, cut) - order.begin()] =
      llvm::divideCeil(type.getDimSize(cut), panel);
  shape.push_back(panel);
  if (paired) {
    shape[order.size() - 1] /= 2;
    shape.push_back(2);
  }
  auto packedType = RankedTensorType::get(shape, type.getElementType());

  // What was only put into another order is read as it was before.
  Value source = kernel->getOperand(argument);
  SmallVector<int64_t> cuts{cut}, sourceOrder(order);
  if (paired)
    cuts.push_back(*paired);
  SmallVector<int64_t> sourceCuts(cuts);
  if (auto transpose = source.getDefiningOp<linalg::TransposeOp>()) {
    ArrayRef<int64_t> axes = transpose.getPermutation();
    for (int64_t &axis : sourceOrder)
      axis = axes[axis];
    for (int64_t &axis : sourceCuts)
      axis = axes[axis];
    source = transpose.getInput();
  }
  ImplicitLocOpBuilder b(kernel.getLoc(), outsideLoops(kernel, source));
  SmallVector<OpFoldResult> tiles{b.getIndexAttr(panel)};
  if (paired)
    tiles.push_back(b.getIndexAttr(2));
  Value out = tensor::EmptyOp::create(b, shape, type.getElementType());
  auto how = nn::ScheduleAttr::get(b.getContext(), "panels",
                                   schedule.getLanes(), schedule.getVectors(),
                                   1, false, false, schedule.getIsParallel());
  auto pack = nn::KernelOp::create(b, TypeRange(packedType), ValueRange(source),
                                   ValueRange(out), how);
  {
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&pack.getBody());
    Value from = block->addArgument(source.getType(), b.getLoc()),
          to = block->addArgument(packedType, b.getLoc());
    Value zero =
        arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
    Value packed = linalg::PackOp::create(b, from, to, sourceCuts, tiles, zero,
                                          sourceOrder)
                       ->getResult(0);
    nn::KernelYieldOp::create(b, packed);
  }
  kernel->setOperand(argument, pack->getResult(0));
  OpOperand *use = &*inside.use_begin();
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value plain = ub::PoisonOp::create(b, type);
  use->set(linalg::UnPackOp::create(b, inside, plain, cuts, tiles, order)
               ->getResult(0));
  inside.setType(packedType);
}

/// Keys are laid out as [others..][panels][depth..][panel], pairs of bf16 as
/// [others..][panels][depth../2][panel][2].
void burnish::readKeysInPanels(nn::KernelOp kernel) {
  FailureOr<AttentionNest> nest = AttentionNest::ofTypes(kernel);
  AttentionForm form = nest->form;
  unsigned argument = nest->scores.inputs[form.keyInput].argument;
  AffineMap map = form.scores.getIndexingMapsArray()[form.keyInput];
  SmallVector<int64_t> order, inner;
  int64_t cut = 0;
  std::optional<int64_t> paired;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    if (expr.isFunctionOfDim(form.scoreKey()))
      cut = axis;
    else if (form.scorePairs && expr.isFunctionOfDim(*form.scorePairs))
      paired = axis;
    else if (llvm::any_of(form.depth, [&, expr = expr](unsigned loop) {
               return expr.isFunctionOfDim(loop);
             }))
      inner.push_back(axis);
    else
      order.push_back(axis);
  }
  if (paired)
    inner.push_back(*paired);
  order.push_back(cut);
  llvm::append_range(order, inner);
  readInPanels(kernel, argument, cut, order, paired);
}

static linalg::PackOp packOf(nn::KernelOp kernel) {
  return *kernel.getBody().getOps<linalg::PackOp>().begin();
}

/// The source's axes in the order of the target's.
static SmallVector<int64_t> orderOf(linalg::PackOp pack) {
  if (!pack.getOuterDimsPerm().empty())
    return SmallVector<int64_t>(pack.getOuterDimsPerm());
  return llvm::to_vector(llvm::seq<int64_t>(pack.getSourceRank()));
}

int64_t burnish::tasksOfPanels(nn::KernelOp kernel) {
  linalg::PackOp pack = packOf(kernel);
  auto type = cast<RankedTensorType>(pack->getResult(0).getType());
  SmallVector<int64_t> order = orderOf(pack);
  size_t place = llvm::find(order, pack.getInnerDimsPos()[0]) - order.begin();
  int64_t tasks = 1;
  for (int64_t size : type.getShape().take_front(place + 1))
    tasks *= size;
  return tasks;
}

namespace {
class PanelMaker : OffsetCode {
public:
  PanelMaker(ImplicitLocOpBuilder &b, nn::KernelOp kernel, ArrayRef<Value> data,
             ArrayRef<Layout> layouts)
      : OffsetCode(b), from(data[0]), to(data[1]), source(layouts[0]),
        target(layouts[1]), width(kernel.getSchedule().getLanes()) {
    linalg::PackOp pack = packOf(kernel);
    order = orderOf(pack);
    cut = pack.getInnerDimsPos()[0];
    place = llvm::find(order, cut) - order.begin();
    auto type = cast<RankedTensorType>(pack.getSource().getType());
    shape.assign(type.getShape());
    element = type.getElementType();
    panel = pack.getStaticInnerTiles()[0];
    if (pack.getStaticInnerTiles().size() > 1)
      together = pack.getStaticInnerTiles()[1];
  }

  void make(Value begin, Value end) {
    loop(begin, end, 1, [&](Value task) {
      Value readAt = asValue(source.offset), writeAt = asValue(target.offset);
      int64_t panels = llvm::divideCeil(shape[cut], panel);
      Value index = digit(task, panels);
      readAt = add(readAt, times(index, source.strides[cut], panel));
      writeAt = add(writeAt, times(index, target.strides[place], 1));
      for (size_t other = place; other-- > 0;) {
        Value at = digit(task, shape[order[other]]);
        readAt = add(readAt, times(at, source.strides[order[other]], 1));
        writeAt = add(writeAt, times(at, target.strides[other], 1));
      }
      piece(index, shape[cut], panel, [&](int64_t count) {
        overDepth(place + 1, readAt, writeAt, count);
      });
    });
  }

private:
  using OffsetCode::times;
  Value times(Value index, OpFoldResult stride, int64_t factor) {
    return times(times(index, stride), b.getIndexAttr(factor));
  }

  /// Loops over the axes of a panel but the last.
  void overDepth(size_t axis, Value readAt, Value writeAt, int64_t count) {
    if (axis + 1 < order.size()) {
      loop(constant(0), constant(shape[order[axis]]), 1, [&](Value at) {
        overDepth(axis + 1,
                  add(readAt, times(at, source.strides[order[axis]], 1)),
                  add(writeAt, times(at, target.strides[axis], 1)), count);
      });
      return;
    }
    OpFoldResult along = source.strides[order[axis]],
                 across = source.strides[cut], down = target.strides[axis];
    int64_t depth = shape[order[axis]] / together;
    // Blocks of as many rows as columns are turned in registers.
    bool turns = getConstantIntValue(along) == 1 && llvm::isPowerOf2_64(width);
    int64_t columns = turns ? depth / width * width : 0,
            rows = turns ? count / width * width : 0;
    if (columns > 0 && rows > 0)
      loop(constant(0), constant(columns), width, [&](Value at) {
        Value column = add(readAt, times(at, b.getIndexAttr(together))),
              line = add(writeAt, times(at, down, 1));
        for (int64_t row = 0; row < rows; row += width)
          turnSquare(b, element, width, from,
                     add(column, times(constant(row), across, 1)), across, to,
                     add(line, constant(row * together)), down, together);
      });
    else
      rows = columns = 0;
    copy(readAt, along, across, writeAt, down, 0, columns, rows, count);
    copy(readAt, along, across, writeAt, down, columns, depth, 0, count);
  }

  /// Element by element, and zeros where there are no more rows.
  void copy(Value readAt, OpFoldResult along, OpFoldResult across,
            Value writeAt, OpFoldResult down, int64_t firstColumn,
            int64_t endColumn, int64_t firstRow, int64_t count) {
    if (firstColumn == endColumn || firstRow == panel)
      return;
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
    // Rows that lie side by side are moved in vectors.
    bool isStraight = together == 1 && getConstantIntValue(across) == 1 &&
                      firstRow == 0 && count >= width;
    int64_t whole = isStraight ? count / width * width : firstRow,
            line = kLineBytes * 8 / element.getIntOrFloatBitWidth();
    auto type = VectorType::get({width}, element);
    loop(constant(firstColumn), constant(endColumn), 1, [&](Value at) {
      Value column = add(readAt, times(at, along, together)),
            row = add(writeAt, times(at, down, 1));
      for (int64_t place = 0; isStraight && place < count; place += line)
        memref::PrefetchOp::create(
            b, from,
            ValueRange{add(add(column, constant(place)),
                           times(constant(kLinesAhead), along, 1))},
            /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
      for (int64_t place = firstRow; place < whole; place += width) {
        Value moved = vector::LoadOp::create(
            b, type, from, ValueRange{add(column, constant(place))});
        vector::StoreOp::create(b, moved, to,
                                ValueRange{add(row, constant(place))});
      }
      copyElements(column, along, across, row, whole, count, zero);
    });
  }

  void copyElements(Value column, OpFoldResult along, OpFoldResult across,
                    Value line, int64_t firstRow, int64_t count, Value zero) {
    auto place = [&](Value row, int64_t part) {
      return add(add(line, times(row, b.getIndexAttr(together))),
                 constant(part));
    };
    loop(constant(firstRow), constant(count), 1, [&](Value row) {
      Value here = add(column, times(row, across, 1));
      for (int64_t part = 0; part < together; ++part) {
        Value value = memref::LoadOp::create(
            b, from, add(here, times(constant(part), along, 1)));
        memref::StoreOp::create(b, value, to, place(row, part));
      }
    });
    loop(constant(std::max(firstRow, count)), constant(panel), 1,
         [&](Value row) {
           for (int64_t part = 0; part < together; ++part)
             memref::StoreOp::create(b, zero, to, place(row, part));
         });
  }

  Value from, to;
  Layout source, target;
  int64_t width, panel = 0, cut = 0;
  /// Elements of the last axis that lie side by side for each row of a panel.
  int64_t together = 1;
  /// The axes of the source in the order of the target's, of which `place` is
  /// that of the panels.
  SmallVector<int64_t> order, shape;
  size_t place = 0;
  Type element;
};
} // namespace

void burnish::makePanels(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                         ArrayRef<Value> data, ArrayRef<Layout> layouts,
                         Value begin, Value end) {
  PanelMaker(b, kernel, data, layouts).make(begin, end);
}
