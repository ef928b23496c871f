// CascadeCode.cpp - products and windows that follow each other, line by line.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Cascade.h"
#include "passes/kernels/Code.h"

using namespace mlir;
using namespace burnish;

namespace {
class CascadeMaker {
public:
  CascadeMaker(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
               ArrayRef<Value> data, ArrayRef<Layout> layouts)
      : b(b), data(data),
        cascade(*Cascade::of(
            kernel, [&](unsigned argument) { return layouts[argument]; }, &b)) {
    if (cascade.producer)
      kept = frameMemory(b, cascade.producer->nest.outType,
                         cascade.kept() * cascade.lineSize());
    if (cascade.consumer)
      result = frameMemory(b, cascade.windows.nest.outType, cascade.resultSize);
  }

  void make(Value begin, Value end) {
    if (cascade.left > 0 || cascade.right > 0)
      fillSides();
    loop(begin, end, [&](Value task) {
      Value line = arith::RemUIOp::create(b, task, constant(cascade.lines)),
            image = arith::DivUIOp::create(b, task, constant(cascade.lines)),
            first = times(line, cascade.step);
      SmallVector<Value> lines;
      if (cascade.producer) {
        makeLines(task, begin, image, line, first);
        for (int64_t tap = 0; tap < cascade.taps; ++tap)
          lines.push_back(placeOf(plus(first, tap * cascade.spacing)));
      }
      Nest windows = cascade.windows.lineNest(&b, image, line);
      KernelCode code(b, windows, cascade.windows.kernel.getSchedule(),
                      dataOf(cascade.windows));
      makeWindows(code, constant(0), constant(1), lines);
      if (cascade.consumer)
        makeStage(*cascade.consumer,
                  cascade.consumer->lineNest(&b, image, line));
      if (cascade.sums)
        makeSums(cascade.sums->lineNest(&b, image, line));
    });
  }

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value plus(Value index, int64_t more) {
    return b.createOrFold<arith::AddIOp>(index, constant(more));
  }
  Value times(Value index, int64_t factor) {
    return b.createOrFold<arith::MulIOp>(index, constant(factor));
  }
  void loop(Value from, Value to, llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, from, to, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  /// Where a line of the image with its border is kept.
  Value placeOf(Value line) {
    return times(arith::RemUIOp::create(b, line, constant(cascade.kept())),
                 cascade.lineSize());
  }

  /// The lines that the windows of `line` read and that are not there yet: all
  /// of them at the first task and in a new image.
  void makeLines(Value task, Value begin, Value image, Value line,
                 Value first) {
    auto isEqual = [&](Value a, Value c) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, a, c);
    };
    Value isFresh = arith::OrIOp::create(b, isEqual(task, begin),
                                         isEqual(line, constant(0)));
    int64_t shared = std::max<int64_t>(0, cascade.kept() - cascade.step);
    Value from =
        arith::SelectOp::create(b, isFresh, first, plus(first, shared));
    loop(from, plus(first, cascade.kept()), [&](Value at) {
      Value place = placeOf(at), own = plus(at, -cascade.top);
      bool isAlwaysInside =
          cascade.top == 0 &&
          (cascade.lines - 1) * cascade.step + cascade.kept() <= cascade.made;
      if (isAlwaysInside)
        return makeLine(image, own, place);
      Value isInside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, own,
                                             constant(cascade.made));
      auto branch = scf::IfOp::create(b, isInside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      makeLine(image, own, place);
      b.setInsertionPointToStart(branch.elseBlock());
      fill(place, cascade.lineSize());
    });
  }

  void makeLine(Value image, Value line, Value place) {
    Nest nest = cascade.producer->lineNest(&b, image, line);
    nest.out.base = nn::addIndex(b, nest.out.base, place);
    makeStage(*cascade.producer, nest);
  }

  void makeStage(const CascadeStage &stage, const Nest &nest) {
    nn::ScheduleAttr schedule = nn::KernelOp(stage.kernel).getSchedule();
    KernelCode code(b, nest, schedule, dataOf(stage));
    OpFoldResult tasks = tasksOfProduct(b, nest, schedule);
    makeProduct(code, constant(0), constant(*getConstantIntValue(tasks)));
  }

  void makeSums(const Nest &nest) {
    KernelCode code(b, nest, cascade.sums->kernel.getSchedule(),
                    dataOf(*cascade.sums));
    makeElements(code, constant(0), constant(1));
  }

  /// The memory of a stage's operands.
  SmallVector<Value> dataOf(const CascadeStage &stage) {
    nn::KernelOp inner = stage.kernel;
    SmallVector<Value> found;
    for (auto [index, operand] : llvm::enumerate(inner->getOperands())) {
      if (auto outside = dyn_cast<BlockArgument>(operand)) {
        found.push_back(data[outside.getArgNumber()]);
        continue;
      }
      bool isOut = index + 1 == inner->getNumOperands(),
           isWindows = inner == cascade.windows.kernel;
      if (cascade.sums && inner == cascade.sums->kernel)
        found.push_back(dataOf(cascade.windows).back());
      else
        found.push_back(isOut != isWindows ? kept : result);
    }
    return found;
  }

  /// What is left and right of all lines.
  void fillSides() {
    loop(constant(0), constant(cascade.kept()), [&](Value line) {
      Value place = times(line, cascade.lineSize());
      fill(place, cascade.left * cascade.channels);
      fill(plus(place, (cascade.places - cascade.right) * cascade.channels),
           cascade.right * cascade.channels);
    });
  }

  void fill(Value place, int64_t count) {
    if (count == 0)
      return;
    int64_t width = cascade.windows.kernel.getSchedule().getLanes(),
            full = count / width * width;
    Value number = arith::ConstantOp::create(b, cascade.border);
    auto put = [&](Value at, int64_t piece) {
      if (piece == 1)
        memref::StoreOp::create(b, number, kept, at);
      else
        vector::StoreOp::create(b, spread(b, number, piece), kept, at);
    };
    auto loop =
        scf::ForOp::create(b, constant(0), constant(full), constant(width));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      put(arith::AddIOp::create(b, place, loop.getInductionVar()), width);
    }
    for (int64_t piece : piecesOf(count - full, width)) {
      put(plus(place, full), piece);
      full += piece;
    }
  }

  ImplicitLocOpBuilder &b;
  ArrayRef<Value> data;
  Cascade cascade;
  /// Lines of the image, the next one in place of the oldest; and a line of
  /// results of windows.
  Value kept, result;
};
} // namespace

void burnish::makeCascade(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                          ArrayRef<Value> data, ArrayRef<Layout> layouts,
                          Value begin, Value end) {
  CascadeMaker(b, kernel, data, layouts).make(begin, end);
}
