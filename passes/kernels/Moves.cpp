// Moves.cpp - kernels of what only moves elements, so that threads share it.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Fit.h"
#include "passes/kernels/Turn.h"
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace burnish;

/// Less than this stays in the first cache anyway.
static constexpr int64_t kLeastTurned = 4096;

/// Whether vectors can move the elements of a buffer, of which sizes are known.
static bool isOfVectors(MemRefType type) {
  return type && type.hasStaticShape() && type.getRank() > 0 &&
         type.getElementType().isIntOrFloat() &&
         type.getElementTypeBitWidth() >= 8;
}

/// What a pass over the elements of `type` would be scheduled as.
static std::optional<nn::ScheduleAttr> passOver(MemRefType type,
                                                const Machine &machine) {
  return scheduleElements(type.getContext(),
                          {type.getNumElements(), 1, type.getShape().back(),
                           type.getElementTypeBitWidth(), 1, 1, false},
                          machine);
}

/// A kernel of one operation that `make` builds from tensors like the buffers.
static nn::KernelOp
makeKernel(ImplicitLocOpBuilder &b, Value source, Value target,
           nn::ScheduleAttr schedule,
           llvm::function_ref<Value(Value from, Value to)> make) {
  auto kernel = nn::KernelOp::create(b, TypeRange(), ValueRange(source),
                                     ValueRange(target), schedule);
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&kernel.getBody());
  auto tensorLike = [](Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    return RankedTensorType::get(type.getShape(), type.getElementType());
  };
  Value from = block->addArgument(tensorLike(source), b.getLoc()),
        to = block->addArgument(tensorLike(target), b.getLoc());
  nn::KernelYieldOp::create(b, make(from, to));
  return kernel;
}

/// A copy of which element (i, j, ...) comes from where `from` says.
static nn::KernelOp makeCopy(ImplicitLocOpBuilder &b, Value source,
                             Value target, AffineMap from,
                             nn::ScheduleAttr schedule) {
  return makeKernel(b, source, target, schedule, [&](Value read, Value write) {
    unsigned rank = from.getNumDims();
    auto moved = linalg::GenericOp::create(
        b, write.getType(), read, write,
        ArrayRef{from, b.getMultiDimIdentityMap(rank)},
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
        [](OpBuilder &inside, Location loc, ValueRange values) {
          linalg::YieldOp::create(inside, loc, values[0]);
        });
    return moved->getResult(0);
  });
}

/// Threads that have nothing to do for as long as a large copy takes fall
/// asleep, and are slow to come back: what a caller hands over is copied so
/// where it is padded.
static void moveCopy(memref::CopyOp copy, const Machine &machine) {
  auto argument = dyn_cast<BlockArgument>(copy.getSource());
  auto type = dyn_cast<MemRefType>(copy.getTarget().getType());
  if (!argument || !isa<func::FuncOp>(argument.getOwner()->getParentOp()) ||
      !isOfVectors(type) ||
      cast<ShapedType>(argument.getType()).getShape() != type.getShape())
    return;
  std::optional<nn::ScheduleAttr> schedule = passOver(type, machine);
  if (!schedule || !schedule->getIsParallel())
    return;
  ImplicitLocOpBuilder b(copy.getLoc(), copy);
  nn::KernelOp kernel =
      makeCopy(b, copy.getSource(), copy.getTarget(),
               b.getMultiDimIdentityMap(type.getRank()), *schedule);
  if (fitsBuffers(kernel))
    copy.erase();
  else
    kernel.erase();
}

/// Rows that stay rows are copied by threads where there are many; what lies
/// along rows and then across them is turned in squares, if it is a lot.
static void moveTranspose(linalg::TransposeOp transpose,
                          const Machine &machine) {
  auto source = dyn_cast<MemRefType>(transpose.getInput().getType()),
       target = dyn_cast<MemRefType>(transpose.getInit().getType());
  if (!isOfVectors(source) || !isOfVectors(target) ||
      source.getStridesAndOffset().first.back() != 1 ||
      target.getStridesAndOffset().first.back() != 1)
    return;
  std::optional<nn::ScheduleAttr> pass = passOver(target, machine);
  ArrayRef<int64_t> order = transpose.getPermutation();
  int64_t rank = order.size(), height = turnedAxis(transpose);
  ImplicitLocOpBuilder b(transpose.getLoc(), transpose);
  if (height == rank - 1) {
    if (!pass || !pass->getIsParallel())
      return;
    AffineMap from =
        inversePermutation(AffineMap::getPermutationMap(order, b.getContext()));
    nn::KernelOp kernel =
        makeCopy(b, transpose.getInput(), transpose.getInit(), from, *pass);
    if (!fitsBuffers(kernel))
      return kernel.erase();
    return transpose.erase();
  }
  int64_t width = machine.vectorBits / target.getElementTypeBitWidth();
  for (int64_t size : {target.getDimSize(height), target.getDimSize(rank - 1)})
    width =
        std::min<int64_t>(width, llvm::bit_floor(static_cast<uint64_t>(size)));
  // More registers than there are rows take a square as it is turned.
  width = std::min<int64_t>(width, machine.vectorRegisters / 2);
  if (width < 2 || target.getNumElements() < kLeastTurned)
    return;
  constexpr int64_t kLineBytes = 64;
  int64_t lines = std::max<int64_t>(width, 2 * kLineBytes * 8 /
                                               target.getElementTypeBitWidth());
  auto schedule =
      nn::ScheduleAttr::get(b.getContext(), "turn", width, 1, lines, false,
                            false, pass && pass->getIsParallel());
  makeKernel(
      b, transpose.getInput(), transpose.getInit(), schedule,
      [&](Value from, Value to) {
        return linalg::TransposeOp::create(b, from, to, order)->getResult(0);
      });
  transpose.erase();
}

namespace {
/// Functions of transposes whose sizes only the run knows; those of equal
/// buffers share one.
class OpenTurns {
public:
  OpenTurns(ModuleOp module, const Machine &machine)
      : module(module), symbols(module), machine(machine) {}

  void move(linalg::TransposeOp transpose) {
    auto source = dyn_cast<MemRefType>(transpose.getInput().getType()),
         target = dyn_cast<MemRefType>(transpose.getInit().getType());
    auto hasLines = [](MemRefType type) {
      return type && type.getElementType().isIntOrFloat() &&
             type.getElementTypeBitWidth() >= 8 &&
             type.getStridesAndOffset().first.back() == 1;
    };
    int64_t rank = transpose.getPermutation().size(),
            height = turnedAxis(transpose);
    if (!hasLines(source) || !hasLines(target) || target.hasStaticShape() ||
        height == rank - 1)
      return;
    int64_t width =
        std::min<int64_t>(machine.vectorBits / target.getElementTypeBitWidth(),
                          machine.vectorRegisters / 2);
    for (int64_t axis : {height, rank - 1})
      if (!target.isDynamicDim(axis))
        width = std::min<int64_t>(width, llvm::bit_floor(static_cast<uint64_t>(
                                             target.getDimSize(axis))));
    if (width < 2)
      return;
    std::string key;
    llvm::raw_string_ostream(key)
        << source << target << transpose.getPermutationAttr();
    func::FuncOp &function = functions[key];
    if (!function) {
      function = makeOpenTurn(module, transpose, width);
      symbols.insert(function);
    }
    OpBuilder b(transpose);
    func::CallOp::create(b, transpose.getLoc(), function,
                         transpose->getOperands());
    transpose.erase();
  }

private:
  ModuleOp module;
  SymbolTable symbols;
  const Machine &machine;
  llvm::StringMap<func::FuncOp> functions;
};
} // namespace

void burnish::moveInKernels(ModuleOp module) {
  Machine machine = Machine::of(module);
  OpenTurns open(module, machine);
  SmallVector<Operation *> moves;
  module.walk([&](Operation *op) {
    if (isa<memref::CopyOp, linalg::TransposeOp>(op) &&
        !op->getParentOfType<nn::KernelOp>())
      moves.push_back(op);
  });
  for (Operation *move : moves)
    if (auto copy = dyn_cast<memref::CopyOp>(move))
      moveCopy(copy, machine);
    else if (auto transpose = cast<linalg::TransposeOp>(move);
             cast<ShapedType>(transpose.getInit().getType()).hasStaticShape())
      moveTranspose(transpose, machine);
    else
      open.move(transpose);
}
