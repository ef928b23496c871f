// ReturnStatus.cpp - the model returns a status first; what does not hold at
// run time returns early.
#include "ir/Lowering.h"
#include "ir/Signature.h"
#include "passes/Context.h"
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

/// The sizes that a condition compares, and which make it false; none where it
/// is about none.
static SmallVector<Value> comparedSizes(Value condition, unsigned depth = 0) {
  constexpr unsigned kDeepest = 4;
  Operation *op = condition.getDefiningOp();
  if (isa_and_nonnull<arith::OrIOp, arith::AndIOp, arith::XOrIOp>(op) &&
      depth < kDeepest)
    for (Value operand : op->getOperands())
      if (SmallVector<Value> sizes = comparedSizes(operand, depth + 1);
          !sizes.empty())
        return sizes;
  auto compared = dyn_cast_or_null<arith::CmpIOp>(op);
  if (!compared || !compared.getLhs().getType().isIndex())
    return {};
  SmallVector<Value> sizes(compared->getOperands());
  // A limit is in the words; a size that another should be is not.
  if (compared.getPredicate() != arith::CmpIPredicate::eq)
    llvm::erase_if(sizes,
                   [](Value size) { return matchPattern(size, m_Constant()); });
  return sizes;
}

/// The words of an assertion, behind the node or line that it comes from.
static std::string wordsOf(cf::AssertOp op) {
  std::string where;
  op.getLoc()->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner))
      where = named.getName().str();
    else if (auto line = dyn_cast<FileLineColLoc>(inner))
      where = (line.getFilename().getValue() + ":" + Twine(line.getLine()) +
               ":" + Twine(line.getColumn()))
                  .str();
    return where.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return (where.empty() ? "" : where + ": ") +
         op.getMsg().split(':').second.str();
}

namespace {
/// Blocks that say which shapes do not fit, one for each assertion, and go on
/// to the failure.
class Misfits {
public:
  Misfits(func::FuncOp function, Block *failure)
      : function(function), failure(failure) {}

  /// Null where there is no context to say it in.
  Block *blockFor(cf::AssertOp op) {
    if (function.getNumArguments() == 0 ||
        !isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
      return nullptr;
    SmallVector<Value> sizes = comparedSizes(op.getArg());
    Block *block = new Block();
    block->insertBefore(failure);
    ImplicitLocOpBuilder b(op.getLoc(), OpBuilder::atBlockEnd(block));
    SmallVector<Value> operands{function.getArgument(0), textOf(b, op)};
    for (size_t index = 0; index < 2; ++index)
      operands.push_back(
          index < sizes.size()
              ? arith::IndexCastOp::create(b, b.getI64Type(), sizes[index])
                    .getResult()
              : arith::ConstantOp::create(b, b.getI64IntegerAttr(0))
                    .getResult());
    operands.push_back(
        arith::ConstantOp::create(b, b.getI32IntegerAttr(sizes.size())));
    LLVM::CallOp::create(
        b, misfitFunction(function->getParentOfType<ModuleOp>()), operands);
    Value code = arith::ConstantOp::create(b, b.getI32IntegerAttr(kBadShape));
    cf::BranchOp::create(b, failure, code);
    return block;
  }

  static constexpr int32_t kBadShape =
      static_cast<int32_t>(nn::Status::BadShape);

private:
  Value textOf(ImplicitLocOpBuilder &b, cf::AssertOp op) {
    std::string words = wordsOf(op);
    auto [known, isNew] = texts.try_emplace(words, texts.size());
    std::string name =
        (function.getName() + "_misfit_" + Twine(known->second)).str();
    if (isNew) {
      OpBuilder::InsertionGuard guard(b);
      auto module = function->getParentOfType<ModuleOp>();
      b.setInsertionPointToEnd(module.getBody());
      words.push_back('\0');
      LLVM::GlobalOp::create(
          b, LLVM::LLVMArrayType::get(b.getI8Type(), words.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal, name,
          b.getStringAttr(words));
    }
    return LLVM::AddressOfOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext()), name);
  }

  func::FuncOp function;
  Block *failure;
  llvm::StringMap<size_t> texts;
};
} // namespace

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
  Misfits misfits(function, failureBlock);
  for (cf::AssertOp op : assertions) {
    int32_t code = statusOf(op);
    Block *told = code == Misfits::kBadShape ? misfits.blockFor(op) : nullptr;
    Block *block = op->getBlock();
    Block *rest = block->splitBlock(std::next(op->getIterator()));
    builder.setInsertionPoint(op);
    if (told)
      cf::CondBranchOp::create(builder, op.getLoc(), op.getArg(), rest,
                               ValueRange{}, told, ValueRange{});
    else
      cf::CondBranchOp::create(builder, op.getLoc(), op.getArg(), rest,
                               ValueRange{}, failureBlock,
                               ValueRange{status(op.getLoc(), code)});
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
