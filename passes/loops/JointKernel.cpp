// JointKernel.cpp - a kernel that is made of others.
#include "passes/loops/JointKernel.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "passes/kernels/Nest.h"

using namespace mlir;
using namespace burnish;

SmallVector<linalg::GenericOp> burnish::genericsOf(nn::KernelOp kernel) {
  return llvm::to_vector(kernel.getBody().front().getOps<linalg::GenericOp>());
}

SmallVector<Value> burnish::yieldedBy(nn::KernelOp kernel) {
  return SmallVector<Value>(
      kernel.getBody().front().getTerminator()->getOperands());
}

void JointKernel::addInput(Value value) {
  if (!llvm::is_contained(inputs, value))
    inputs.push_back(value);
}

nn::KernelOp JointKernel::create() {
  auto kind =
      nn::ScheduleAttr::get(b.getContext(), kTogether, schedule.getLanes(), 1,
                            1, false, false, false);
  kernel = nn::KernelOp::create(b, loc, ValueRange(outs).getTypes(), inputs,
                                outs, kind);
  Block *block = b.createBlock(&kernel.getBody());
  for (Value operand : kernel->getOperands())
    block->addArgument(operand.getType(), loc);
  return kernel;
}

void JointKernel::take(nn::KernelOp other, IRMapping &values) {
  Block &from = other.getBody().front();
  for (auto [index, input] : llvm::enumerate(other.getInputs()))
    if (BlockArgument inside = from.getArgument(index);
        !values.contains(inside))
      values.map(inside, argumentOf(input));
  for (BlockArgument out :
       from.getArguments().drop_front(other.getInputs().size()))
    values.map(out, ub::PoisonOp::create(b, loc, out.getType()));
  for (Operation &op : from.without_terminator())
    b.clone(op, values);
}

void JointKernel::yield(ValueRange results) {
  nn::KernelYieldOp::create(b, loc, results);
}

BlockArgument JointKernel::outArgument(size_t index) {
  return kernel.getBody().front().getArgument(inputs.size() + index);
}

BlockArgument JointKernel::argumentOf(Value input) {
  return kernel.getBody().front().getArgument(llvm::find(inputs, input) -
                                              inputs.begin());
}
