// RunParallel.cpp - threads share the tasks of kernels.
#include "ir/Signature.h"
#include "passes/Context.h"
#include "passes/Passes.h"
#include "passes/kernels/Parallel.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_RUNPARALLEL
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Calls of kernels become calls of the context's parallel_for, with the
/// arguments in a closure on the stack.
class ParallelCalls {
public:
  ParallelCalls(ModuleOp module, LLVM::LLVMFuncOp main)
      : module(module), main(main),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i64(IntegerType::get(module.getContext(), 64)) {}

  void replace(ArrayRef<LLVM::CallOp> calls) {
    // One place serves all closures: a call is over before the next begins.
    int64_t slots = 0;
    for (LLVM::CallOp call : calls)
      slots = std::max<int64_t>(slots, call.getArgOperands().size());
    ImplicitLocOpBuilder b(main.getLoc(),
                           OpBuilder::atBlockBegin(&main.getBody().front()));
    Value count = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(slots));
    Value closure =
        LLVM::AllocaOp::create(b, pointer, i64, count, /*alignment=*/16);
    for (LLVM::CallOp call : calls)
      replace(call, closure);
  }

private:
  /// Every value has eight bytes.
  Value slot(ImplicitLocOpBuilder &b, Value closure, int32_t index) {
    return LLVM::GEPOp::create(b, pointer, i64, closure,
                               ArrayRef<LLVM::GEPArg>{index});
  }

  /// Most of what describes a buffer says nothing to a kernel that knows its
  /// shape.
  static bool isRead(LLVM::LLVMFuncOp kernel, unsigned argument) {
    return kernel.isExternal() || !kernel.getArgument(argument).use_empty();
  }

  void replace(LLVM::CallOp call, Value closure) {
    ImplicitLocOpBuilder b(call.getLoc(), call);
    OperandRange operands = call.getArgOperands();
    auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee());
    for (auto [index, operand] : llvm::enumerate(operands.drop_back(2)))
      if (isRead(kernel, index))
        LLVM::StoreOp::create(b, operand, slot(b, closure, index));
    Value count = operands.back();
    if (count.getType() != i64)
      count = LLVM::ZExtOp::create(b, i64, count);
    Value body =
        LLVM::AddressOfOp::create(b, pointer, bodyOf(*call.getCallee()));
    LLVM::CallOp::create(b, shareFunction(),
                         ValueRange{main.getArgument(0), body, closure, count});
    call.erase();
  }

  LLVM::LLVMFuncOp function(StringRef name, ArrayRef<Type> arguments) {
    ImplicitLocOpBuilder b(module.getLoc(),
                           OpBuilder::atBlockEnd(module.getBody()));
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(module.getContext()), arguments);
    auto function =
        LLVM::LLVMFuncOp::create(b, name, type, LLVM::Linkage::Internal);
    function.addEntryBlock(b);
    return function;
  }

  /// void KERNEL_tasks(closure, begin, end).
  StringRef bodyOf(StringRef kernelName) {
    std::string name = (kernelName + "_tasks").str();
    if (auto body = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return body.getSymName();
    auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(kernelName);
    LLVM::LLVMFuncOp body = function(name, {pointer, i64, i64});
    // A copy where it is called for all tasks would be other code, with other
    // multiplications and additions fused: other bits than threads compute.
    body.setNoInline(true);
    ImplicitLocOpBuilder b(module.getLoc(),
                           OpBuilder::atBlockBegin(&body.getBody().front()));
    SmallVector<Value> arguments;
    ArrayRef<Type> types = kernel.getFunctionType().getParams();
    for (auto [index, type] : llvm::enumerate(types.drop_back(2)))
      arguments.push_back(
          isRead(kernel, index)
              ? Value(LLVM::LoadOp::create(b, type,
                                           slot(b, body.getArgument(0), index)))
              : Value(LLVM::PoisonOp::create(b, type)));
    for (unsigned bound : {1u, 2u}) {
      Value task = body.getArgument(bound);
      arguments.push_back(types.back() == i64 ? task
                                              : Value(LLVM::TruncOp::create(
                                                    b, types.back(), task)));
    }
    LLVM::CallOp::create(b, kernel, arguments);
    LLVM::ReturnOp::create(b, ValueRange{});
    return body.getSymName();
  }

  /// void share_tasks(context, body, closure, count): by parallel_for where
  /// there is one, else all at once.
  LLVM::LLVMFuncOp shareFunction() {
    constexpr StringLiteral kName = "share_tasks";
    if (auto share = module.lookupSymbol<LLVM::LLVMFuncOp>(kName))
      return share;
    LLVM::LLVMFuncOp share = function(kName, {pointer, pointer, pointer, i64});
    Value context = share.getArgument(0), body = share.getArgument(1),
          closure = share.getArgument(2), count = share.getArgument(3);
    auto nothing = LLVM::LLVMVoidType::get(module.getContext());
    ImplicitLocOpBuilder b(module.getLoc(),
                           OpBuilder::atBlockBegin(&share.getBody().front()));
    Block *entry = &share.getBody().front(),
          *look = b.createBlock(&share.getBody()),
          *many = b.createBlock(&share.getBody()),
          *alone = b.createBlock(&share.getBody());
    auto isNull = [&](Value value) {
      return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, value,
                                  LLVM::ZeroOp::create(b, pointer));
    };
    b.setInsertionPointToEnd(entry);
    LLVM::CondBrOp::create(b, isNull(context), alone, look);
    b.setInsertionPointToEnd(look);
    Value parallelFor = loadSlot(b, context, ContextSlot::ParallelFor);
    LLVM::CondBrOp::create(b, isNull(parallelFor), alone, many);
    b.setInsertionPointToEnd(many);
    LLVM::CallOp::create(
        b,
        LLVM::LLVMFunctionType::get(nothing, {pointer, pointer, pointer, i64}),
        ValueRange{parallelFor, context, body, closure, count});
    LLVM::ReturnOp::create(b, ValueRange{});
    b.setInsertionPointToEnd(alone);
    Value zero = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(0));
    LLVM::CallOp::create(
        b, LLVM::LLVMFunctionType::get(nothing, {pointer, i64, i64}),
        ValueRange{body, closure, zero, count});
    LLVM::ReturnOp::create(b, ValueRange{});
    return share;
  }

  ModuleOp module;
  LLVM::LLVMFuncOp main;
  LLVM::LLVMPointerType pointer;
  Type i64;
};

struct RunParallel : burnish::impl::RunParallelBase<RunParallel> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<LLVM::LLVMFuncOp>(
        nn::Signature::recorded(module).name);
    if (!main)
      return;
    SmallVector<LLVM::CallOp> calls;
    main.walk([&](LLVM::CallOp call) {
      auto kernel =
          call.getCallee()
              ? module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee())
              : LLVM::LLVMFuncOp();
      if (kernel && kernel->hasAttr(kParallelAttr))
        calls.push_back(call);
    });
    if (!calls.empty())
      ParallelCalls(module, main).replace(calls);
  }
};
} // namespace
