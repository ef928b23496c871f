// AllocateInContext.cpp - buffers whose size only run time knows come from the
// context's allocator.
#include "ir/Lowering.h"
#include "ir/Signature.h"
#include "ir/Strings.h"
#include "passes/Context.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_ALLOCATEINCONTEXT
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
struct AllocateInContext
    : burnish::impl::AllocateInContextBase<AllocateInContext> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    Block &body = function->getBody().front();
    Value context = body.insertArgument(
        0u, LLVM::LLVMPointerType::get(&getContext()), function->getLoc());
    function->setType(builder.getFunctionType(body.getArgumentTypes(),
                                              function->getResultTypes()));

    SmallVector<memref::AllocOp> allocs;
    SmallVector<memref::DeallocOp> deallocs;
    function->walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    function->walk(
        [&](memref::DeallocOp dealloc) { deallocs.push_back(dealloc); });
    for (memref::AllocOp alloc : allocs) {
      alloc->emitRemark() << "a buffer whose size only run time knows comes "
                             "from the context's allocator";
      allocate(alloc, context);
    }
    for (memref::DeallocOp dealloc : deallocs)
      release(dealloc, context);
    if (giveContext(*function, context)) {
      nn::declareStringFunctions(module);
      module->setAttr(nn::kMakesStringsAttr, builder.getUnitAttr());
    }
    if (!allocs.empty())
      module->setAttr(nn::kAllocatesAttr, builder.getUnitAttr());
  }

  void allocate(memref::AllocOp alloc, Value context) {
    ImplicitLocOpBuilder b(alloc.getLoc(), alloc);
    unsigned bits = pointerBits(getOperation());
    MemRefType type = alloc.getType();
    DataLayout layout;
    int64_t fixed =
        llvm::divideCeil(layout.getTypeSizeInBits(type.getElementType()), 8);
    // Sizes come from data: a product that does not fit is as bad as memory
    // that is not there, and both give null.
    for (int64_t size : type.getShape())
      if (!ShapedType::isDynamic(size) &&
          (fixed < 0 || llvm::MulOverflow(fixed, size, fixed)))
        fixed = -1;
    Value bytes =
        LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(fixed));
    for (Value size : alloc.getDynamicSizes()) {
      Value wide = arith::IndexCastOp::create(b, b.getI64Type(), size);
      bytes = LLVM::CallOp::create(b, multiplyFunction(getOperation()),
                                   ValueRange{bytes, wide})
                  .getResult();
    }
    Value pointer = LLVM::CallOp::create(b, allocateFunction(getOperation()),
                                         ValueRange{context, bytes})
                        .getResult();
    Value null = LLVM::ZeroOp::create(b, pointer.getType());
    cf::AssertOp::create(
        b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, pointer, null),
        "3:no memory");
    Value buffer = bufferAt(b, pointer, bytes, bits);
    Value start = arith::ConstantIndexOp::create(b, 0);
    Value view = memref::ViewOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()), buffer,
        start, alloc.getDynamicSizes());
    if (view.getType() != type)
      view = memref::CastOp::create(b, type, view);
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }

  /// Hands the context to what makes strings, for which memory must be there.
  bool giveContext(func::FuncOp function, Value context) {
    bool makesStrings = false;
    function->walk([&](LLVM::CallOp call) {
      if (!call->removeAttr(nn::kTakesContextAttr))
        return;
      call.setOperand(0, context);
      makesStrings = true;
    });
    if (!makesStrings)
      return false;
    ImplicitLocOpBuilder b(
        function->getLoc(),
        OpBuilder::atBlockBegin(&function.getBody().front()));
    Value hasMemory = nn::callString(b, "burnish_string_begin", {});
    auto call = hasMemory.getDefiningOp<LLVM::CallOp>();
    call->removeAttr(nn::kTakesContextAttr);
    call.setOperand(0, context);
    Value no = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    cf::AssertOp::create(
        b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne, hasMemory, no),
        "6:no memory for strings");
    return true;
  }

  void release(memref::DeallocOp dealloc, Value context) {
    ImplicitLocOpBuilder b(dealloc.getLoc(), dealloc);
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(b, dealloc.getMemref());
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), address);
    Value pointer = LLVM::IntToPtrOp::create(b, context.getType(), wide);
    LLVM::CallOp::create(b, releaseFunction(getOperation()),
                         ValueRange{context, pointer});
    dealloc.erase();
  }
};
} // namespace
