// ReturnStatus.cpp - the model returns a status first; what does not hold at
// run time returns early.
#include "ir/Signature.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_RETURNSTATUS
#include "passes/Passes.h.inc"
} // namespace burnish

/// The status in front of an assertion's message (Lowering::require).
static int32_t statusOf(cf::AssertOp op) {
  int32_t status = 0;
  if (op.getMsg().split(':').first.getAsInteger(10, status) || status <= 0)
    return static_cast<int32_t>(2);
  return status;
}

/// The block that returns its argument, and nothing of use beside it.
static Block *addFailure(func::FuncOp function) {
  Block *block = &function.getBody().emplaceBlock();
  Type i32 = IntegerType::get(function.getContext(), 32);
  SmallVector<Value> results{block->addArgument(i32, function.getLoc())};
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  for (Type type : function.getResultTypes())
    results.push_back(ub::PoisonOp::create(builder, function.getLoc(), type));
  func::ReturnOp::create(builder, function.getLoc(), results);
  return block;
}

static void returnStatus(func::FuncOp function) {
  SmallVector<cf::AssertOp> assertions;
  SmallVector<func::ReturnOp> returns;
  function.walk([&](cf::AssertOp op) { assertions.push_back(op); });
  function.walk([&](func::ReturnOp op) { returns.push_back(op); });
  OpBuilder builder(function.getContext());
  auto status = [&](Location loc, int32_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI32IntegerAttr(value))
        .getResult();
  };
  for (func::ReturnOp op : returns) {
    builder.setInsertionPoint(op);
    op.getOperandsMutable().assign(llvm::to_vector(
        llvm::concat<Value>(SmallVector<Value>{status(op.getLoc(), 0)},
                            SmallVector<Value>(op.getOperands()))));
  }
  Block *failureBlock = assertions.empty() ? nullptr : addFailure(function);
  for (cf::AssertOp op : assertions) {
    Block *block = op->getBlock();
    Block *rest = block->splitBlock(std::next(op->getIterator()));
    builder.setInsertionPoint(op);
    Value code = status(op.getLoc(), statusOf(op));
    cf::CondBranchOp::create(builder, op.getLoc(), op.getArg(), rest,
                             ValueRange{}, failureBlock, ValueRange{code});
    op.erase();
  }
  SmallVector<Type> results{builder.getI32Type()};
  llvm::append_range(results, function.getResultTypes());
  function.setType(
      builder.getFunctionType(function.getArgumentTypes(), results));
}

namespace {
struct ReturnStatus : burnish::impl::ReturnStatusBase<ReturnStatus> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    returnStatus(*function);
  }
};
} // namespace
