// SizeRanges.cpp - what computed sizes can be, of what the dims of inputs can
// be.
#include "passes/memory/SizeRanges.h"
#include "ir/Signature.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace burnish;

/// Nothing is as great; a range that reaches it is no bound.
static constexpr int64_t kUnbounded = int64_t(1) << 46;

static ConstantIntRanges between(int64_t least, int64_t most) {
  return ConstantIntRanges::fromSigned(APInt(64, least, /*isSigned=*/true),
                                       APInt(64, most, /*isSigned=*/true));
}

static std::pair<int64_t, int64_t>
boundsOf(func::FuncOp function, BlockArgument argument, int64_t axis) {
  auto signature =
      nn::Signature::recorded(function->getParentOfType<ModuleOp>());
  const nn::Port &port = signature.inputs[argument.getArgNumber()];
  return {port.leastOf(axis), port.mostOf(axis)};
}

SizeRanges SizeRanges::bounded(func::FuncOp function, Dims dims) {
  SizeRanges made;
  for (auto [argument, axis] : dims) {
    auto [least, most] = boundsOf(function, argument, axis);
    made.arguments.push_back(between(least, std::min(most, kUnbounded)));
  }
  return made;
}

SizeRanges SizeRanges::typical(func::FuncOp function, Dims dims) {
  constexpr int64_t kTypical = 64;
  SizeRanges made;
  for (auto [argument, axis] : dims) {
    auto [least, most] = boundsOf(function, argument, axis);
    int64_t size = most < kUnbounded ? most : std::max(least, kTypical);
    made.arguments.push_back(between(size, size));
  }
  return made;
}

void SizeRanges::run(Block &block) {
  for (auto [argument, range] :
       llvm::zip_equal(block.getArguments(), arguments))
    ranges.insert_or_assign(argument, range);
  for (Operation &op : block) {
    SmallVector<ConstantIntRanges> operands;
    for (Value operand : op.getOperands()) {
      auto known = ranges.find(operand);
      if (known == ranges.end())
        break;
      operands.push_back(known->second);
    }
    if (operands.size() != op.getNumOperands())
      continue;
    // The product of two sizes, neither below 0 where it is one.
    if (isa<LLVM::CallOp>(op)) {
      int64_t least, most;
      if (llvm::MulOverflow(operands[0].smin().getSExtValue(),
                            operands[1].smin().getSExtValue(), least) ||
          llvm::MulOverflow(operands[0].smax().getSExtValue(),
                            operands[1].smax().getSExtValue(), most) ||
          least < 0)
        least = 0, most = kUnbounded;
      ranges.insert_or_assign(
          op.getResult(0),
          between(std::min(least, kUnbounded), std::min(most, kUnbounded)));
      continue;
    }
    if (auto inferable = dyn_cast<InferIntRangeInterface>(op))
      inferable.inferResultRanges(
          operands, [&](Value result, const ConstantIntRanges &range) {
            ranges.insert_or_assign(result, range);
          });
  }
}

std::optional<int64_t> SizeRanges::most(Value value) const {
  auto known = ranges.find(value);
  if (known == ranges.end() ||
      known->second.smax().getSExtValue() >= kUnbounded)
    return std::nullopt;
  return known->second.smax().getSExtValue();
}
