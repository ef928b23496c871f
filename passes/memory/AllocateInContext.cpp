// AllocateInContext.cpp - buffers whose size only run time knows come from the context's allocator.
#include "ir/Lowering.h"
#include "ir/Signature.h"
#include "passes/Context.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_ALLOCATEINCONTEXT
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Nothing larger is asked for: sizes are signed, and a product of sizes from data must not wrap.
constexpr double kMostBytes32 = 2147483648.0, kMostBytes64 = 70368744177664.0;

struct AllocateInContext : burnish::impl::AllocateInContextBase<AllocateInContext> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    Block &body = function->getBody().front();
    Value context = body.insertArgument(0u, LLVM::LLVMPointerType::get(&getContext()), function->getLoc());
    function->setType(builder.getFunctionType(body.getArgumentTypes(), function->getResultTypes()));

    SmallVector<memref::AllocOp> allocs;
    SmallVector<memref::DeallocOp> deallocs;
    function->walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    function->walk([&](memref::DeallocOp dealloc) { deallocs.push_back(dealloc); });
    for (memref::AllocOp alloc : allocs)
      allocate(alloc, context);
    for (memref::DeallocOp dealloc : deallocs)
      release(dealloc, context);
    if (!allocs.empty())
      module->setAttr(nn::kAllocatesAttr, builder.getUnitAttr());
  }

  void allocate(memref::AllocOp alloc, Value context) {
    ImplicitLocOpBuilder b(alloc.getLoc(), alloc);
    unsigned bits = pointerBits(getOperation());
    MemRefType type = alloc.getType();
    DataLayout layout;
    int64_t elementBytes = llvm::divideCeil(layout.getTypeSizeInBits(type.getElementType()), 8);
    Value bytes = arith::ConstantIndexOp::create(b, elementBytes);
    Value roughly = arith::ConstantOp::create(b, b.getF64FloatAttr(elementBytes));
    Value isFine = arith::ConstantOp::create(b, b.getBoolAttr(true));
    Value zero = arith::ConstantIndexOp::create(b, 0);
    auto dynamic = alloc.getDynamicSizes().begin();
    for (int64_t size : type.getShape()) {
      Value length = ShapedType::isDynamic(size) ? *dynamic++ : arith::ConstantIndexOp::create(b, size);
      Value wide = arith::IndexCastOp::create(b, b.getI64Type(), length);
      roughly = arith::MulFOp::create(b, roughly, arith::SIToFPOp::create(b, b.getF64Type(), wide));
      bytes = arith::MulIOp::create(b, bytes, length);
      isFine = arith::AndIOp::create(b, isFine, arith::CmpIOp::create(b, arith::CmpIPredicate::sge, length, zero));
    }
    Value most = arith::ConstantOp::create(b, b.getF64FloatAttr(bits == 32 ? kMostBytes32 : kMostBytes64));
    isFine = arith::AndIOp::create(b, isFine, arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, roughly, most));
    cf::AssertOp::create(b, isFine, "3:a buffer would be larger than memory");

    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), bytes);
    Value pointer = LLVM::CallOp::create(b, allocateFunction(getOperation()), ValueRange{context, wide}).getResult();
    Value null = LLVM::ZeroOp::create(b, pointer.getType());
    cf::AssertOp::create(b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, pointer, null), "3:no memory");
    Value buffer = bufferAt(b, pointer, wide, bits);
    Value view = memref::ViewOp::create(b, MemRefType::get(type.getShape(), type.getElementType()), buffer, zero, alloc.getDynamicSizes());
    if (view.getType() != type)
      view = memref::CastOp::create(b, type, view);
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }

  void release(memref::DeallocOp dealloc, Value context) {
    ImplicitLocOpBuilder b(dealloc.getLoc(), dealloc);
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, dealloc.getMemref());
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), address);
    Value pointer = LLVM::IntToPtrOp::create(b, context.getType(), wide);
    LLVM::CallOp::create(b, releaseFunction(getOperation()), ValueRange{context, pointer});
    dealloc.erase();
  }
};
} // namespace
