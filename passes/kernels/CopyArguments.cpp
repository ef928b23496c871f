// CopyArguments.cpp - copies of what a caller hands over, by threads.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Fit.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

void burnish::copyArguments(ModuleOp module) {
  Machine machine = Machine::of(module);
  SmallVector<memref::CopyOp> copies;
  module.walk([&](memref::CopyOp copy) {
    auto argument = dyn_cast<BlockArgument>(copy.getSource());
    auto type = dyn_cast<MemRefType>(copy.getTarget().getType());
    if (argument && isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
        type && type.hasStaticShape() && type.getRank() > 0 &&
        type.getElementType().isIntOrFloat() &&
        type.getElementTypeBitWidth() >= 8 &&
        cast<ShapedType>(argument.getType()).getShape() == type.getShape())
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies) {
    ImplicitLocOpBuilder b(copy.getLoc(), copy);
    auto type = cast<MemRefType>(copy.getTarget().getType());
    std::optional<nn::ScheduleAttr> schedule = scheduleElements(
        b.getContext(),
        {type.getNumElements(), 1, type.getShape().back(),
         type.getElementTypeBitWidth(), 1, false, type.getRank() == 1},
        machine);
    if (!schedule || !schedule->getIsParallel())
      continue;
    auto kernel =
        nn::KernelOp::create(b, TypeRange(), ValueRange(copy.getSource()),
                             ValueRange(copy.getTarget()), *schedule);
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(&kernel.getBody());
    auto tensor = RankedTensorType::get(type.getShape(), type.getElementType());
    Value from = block->addArgument(tensor, b.getLoc()),
          to = block->addArgument(tensor, b.getLoc());
    AffineMap all = b.getMultiDimIdentityMap(type.getRank());
    auto moved = linalg::GenericOp::create(
        b, tensor, from, to, ArrayRef{all, all},
        SmallVector<utils::IteratorType>(type.getRank(),
                                         utils::IteratorType::parallel),
        [](OpBuilder &inside, Location loc, ValueRange values) {
          linalg::YieldOp::create(inside, loc, values[0]);
        });
    nn::KernelYieldOp::create(b, moved->getResult(0));
    if (fitsBuffers(kernel))
      copy.erase();
    else
      kernel.erase();
  }
}
