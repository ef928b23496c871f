// Context.cpp - how compiled code uses the run context of burnish.h.
#include "passes/Context.h"
#include "ir/Attributes.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"

using namespace mlir;
using namespace burnish;

unsigned burnish::pointerBits(ModuleOp module) {
  auto target = module->getAttrOfType<nn::TargetAttr>(nn::kTargetAttr);
  return target ? target.getPointerBits() : 64;
}

Value burnish::loadSlot(ImplicitLocOpBuilder &b, Value context, ContextSlot slot) {
  Type pointer = context.getType();
  Value address = LLVM::GEPOp::create(b, pointer, pointer, context, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(slot)});
  return LLVM::LoadOp::create(b, pointer, address);
}

/// A function of the module, made by `fill` when it is not there yet.
static LLVM::LLVMFuncOp helper(ModuleOp module, StringRef name, Type result, ArrayRef<Type> arguments,
                               llvm::function_ref<void(ImplicitLocOpBuilder &, Block *)> fill) {
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  ImplicitLocOpBuilder b(module.getLoc(), OpBuilder::atBlockEnd(module.getBody()));
  auto function = LLVM::LLVMFuncOp::create(b, name, LLVM::LLVMFunctionType::get(result, arguments), LLVM::Linkage::Internal);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  fill(b, entry);
  return function;
}

LLVM::LLVMFuncOp burnish::allocateFunction(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = IntegerType::get(module.getContext(), 64);
  return helper(module, "allocate_in_context", pointer, {pointer, i64}, [&](ImplicitLocOpBuilder &b, Block *entry) {
    Value context = entry->getArgument(0);
    Value function = loadSlot(b, context, ContextSlot::Allocate);
    auto type = LLVM::LLVMFunctionType::get(pointer, {pointer, i64});
    Value memory = LLVM::CallOp::create(b, type, ValueRange{function, context, entry->getArgument(1)}).getResult();
    LLVM::ReturnOp::create(b, memory);
  });
}

LLVM::LLVMFuncOp burnish::releaseFunction(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto nothing = LLVM::LLVMVoidType::get(module.getContext());
  return helper(module, "release_in_context", nothing, {pointer, pointer}, [&](ImplicitLocOpBuilder &b, Block *entry) {
    Value context = entry->getArgument(0);
    Value function = loadSlot(b, context, ContextSlot::Release);
    auto type = LLVM::LLVMFunctionType::get(nothing, {pointer, pointer});
    LLVM::CallOp::create(b, type, ValueRange{function, context, entry->getArgument(1)});
    LLVM::ReturnOp::create(b, ValueRange{});
  });
}

Value burnish::bufferAt(ImplicitLocOpBuilder &b, Value pointer, Value bytes, unsigned indexBits) {
  Type index = b.getIntegerType(indexBits);
  auto array = LLVM::LLVMArrayType::get(index, 1);
  auto descriptor = LLVM::LLVMStructType::getLiteral(b.getContext(), {pointer.getType(), pointer.getType(), index, array, array});
  Value size = indexBits == 64 ? bytes : Value(LLVM::TruncOp::create(b, index, bytes));
  Value value = LLVM::UndefOp::create(b, descriptor);
  auto insert = [&](Value field, ArrayRef<int64_t> position) { value = LLVM::InsertValueOp::create(b, value, field, position); };
  insert(pointer, {0});
  insert(pointer, {1});
  insert(LLVM::ConstantOp::create(b, index, b.getIntegerAttr(index, 0)), {2});
  insert(size, {3, 0});
  insert(LLVM::ConstantOp::create(b, index, b.getIntegerAttr(index, 1)), {4, 0});
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}
