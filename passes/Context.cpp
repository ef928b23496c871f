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

Value burnish::loadSlot(ImplicitLocOpBuilder &b, Value context,
                        ContextSlot slot) {
  Type pointer = context.getType();
  Value address =
      LLVM::GEPOp::create(b, pointer, pointer, context,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(slot)});
  return LLVM::LoadOp::create(b, pointer, address);
}

/// A function of the module, made by `fill` when it is not there yet.
static LLVM::LLVMFuncOp
helper(ModuleOp module, StringRef name, Type result, ArrayRef<Type> arguments,
       llvm::function_ref<void(ImplicitLocOpBuilder &, Block *)> fill) {
  if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return function;
  ImplicitLocOpBuilder b(module.getLoc(),
                         OpBuilder::atBlockEnd(module.getBody()));
  auto function = LLVM::LLVMFuncOp::create(
      b, name, LLVM::LLVMFunctionType::get(result, arguments),
      LLVM::Linkage::Internal);
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  fill(b, entry);
  return function;
}

LLVM::LLVMFuncOp burnish::multiplyFunction(ModuleOp module) {
  Type i64 = IntegerType::get(module.getContext(), 64);
  int64_t most =
      pointerBits(module) == 32 ? (int64_t(1) << 31) - 1 : int64_t(1) << 46;
  return helper(
      module, "multiply_sizes", i64, {i64, i64},
      [&](ImplicitLocOpBuilder &b, Block *entry) {
        Value left = entry->getArgument(0), right = entry->getArgument(1);
        auto constant = [&](int64_t value) {
          return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
        };
        auto compare = [&](LLVM::ICmpPredicate predicate, Value a, Value c) {
          return LLVM::ICmpOp::create(b, predicate, a, c);
        };
        // Unsigned, a negative size is larger than any that fits; a product
        // that fits is no larger than most / right.
        Value isZero = compare(LLVM::ICmpPredicate::eq, right, constant(0));
        Value divisor = LLVM::SelectOp::create(b, isZero, constant(1), right);
        Value limit = LLVM::UDivOp::create(b, constant(most), divisor);
        Value fits = compare(LLVM::ICmpPredicate::ule, left, limit);
        Value isSize = compare(LLVM::ICmpPredicate::ule, left, constant(most));
        Value isFine =
            LLVM::AndOp::create(b, isSize, LLVM::OrOp::create(b, fits, isZero));
        LLVM::ReturnOp::create(
            b, LLVM::SelectOp::create(b, isFine,
                                      LLVM::MulOp::create(b, left, right),
                                      constant(-1)));
      });
}

LLVM::LLVMFuncOp burnish::allocateFunction(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = IntegerType::get(module.getContext(), 64);
  return helper(
      module, "allocate_in_context", pointer, {pointer, i64},
      [&](ImplicitLocOpBuilder &b, Block *entry) {
        Value context = entry->getArgument(0), bytes = entry->getArgument(1);
        Block *refuse = b.createBlock(entry->getParent()),
              *ask = b.createBlock(entry->getParent());
        b.setInsertionPointToEnd(entry);
        Value zero = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(0));
        LLVM::CondBrOp::create(
            b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::slt, bytes, zero),
            refuse, ask);
        b.setInsertionPointToEnd(refuse);
        LLVM::ReturnOp::create(b, LLVM::ZeroOp::create(b, pointer).getResult());
        b.setInsertionPointToEnd(ask);
        Value function = loadSlot(b, context, ContextSlot::Allocate);
        auto type = LLVM::LLVMFunctionType::get(pointer, {pointer, i64});
        Value memory =
            LLVM::CallOp::create(b, type, ValueRange{function, context, bytes})
                .getResult();
        LLVM::ReturnOp::create(b, memory);
      });
}

LLVM::LLVMFuncOp burnish::releaseFunction(ModuleOp module) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto nothing = LLVM::LLVMVoidType::get(module.getContext());
  return helper(
      module, "release_in_context", nothing, {pointer, pointer},
      [&](ImplicitLocOpBuilder &b, Block *entry) {
        Value context = entry->getArgument(0);
        Value function = loadSlot(b, context, ContextSlot::Release);
        auto type = LLVM::LLVMFunctionType::get(nothing, {pointer, pointer});
        LLVM::CallOp::create(
            b, type, ValueRange{function, context, entry->getArgument(1)});
        LLVM::ReturnOp::create(b, ValueRange{});
      });
}

LLVM::LLVMFuncOp burnish::misfitFunction(ModuleOp module) {
  MLIRContext *ctx = module.getContext();
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  Type i64 = IntegerType::get(ctx, 64), i32 = IntegerType::get(ctx, 32);
  LLVM::LLVMFuncOp function = helper(
      module, "tell_misfit", LLVM::LLVMVoidType::get(ctx),
      {pointer, pointer, i64, i64, i32},
      [&](ImplicitLocOpBuilder &b, Block *entry) {
        Block *end = b.createBlock(entry->getParent()),
              *given = b.createBlock(entry->getParent()),
              *asked = b.createBlock(entry->getParent());
        auto isNull = [&](Value value) {
          Value null = LLVM::ZeroOp::create(b, pointer);
          return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, value, null);
        };
        b.setInsertionPointToEnd(end);
        LLVM::ReturnOp::create(b, ValueRange{});
        b.setInsertionPointToEnd(entry);
        Value context = entry->getArgument(0);
        LLVM::CondBrOp::create(b, isNull(context), end, given);
        b.setInsertionPointToEnd(given);
        Value misfit = loadSlot(b, context, ContextSlot::Misfit);
        LLVM::CondBrOp::create(b, isNull(misfit), end, asked);
        b.setInsertionPointToEnd(asked);
        auto type = LLVM::LLVMStructType::getLiteral(
            ctx, {pointer, LLVM::LLVMArrayType::get(i64, 2), i32});
        auto store = [&](unsigned argument, ArrayRef<LLVM::GEPArg> field) {
          Value at = LLVM::GEPOp::create(b, pointer, type, misfit, field);
          LLVM::StoreOp::create(b, entry->getArgument(argument), at);
        };
        store(1, {0, 0});
        store(2, {0, 1, 0});
        store(3, {0, 1, 1});
        store(4, {0, 2});
        LLVM::BrOp::create(b, ValueRange{}, end);
      });
  // Where a run ends is never near.
  function.setPassthroughAttr(
      Builder(ctx).getStrArrayAttr({"cold", "noinline"}));
  return function;
}

Value burnish::bufferAt(ImplicitLocOpBuilder &b, Value pointer, Value bytes,
                        unsigned indexBits) {
  Type index = b.getIntegerType(indexBits);
  auto array = LLVM::LLVMArrayType::get(index, 1);
  auto descriptor = LLVM::LLVMStructType::getLiteral(
      b.getContext(),
      {pointer.getType(), pointer.getType(), index, array, array});
  Value size =
      indexBits == 64 ? bytes : Value(LLVM::TruncOp::create(b, index, bytes));
  Value value = LLVM::UndefOp::create(b, descriptor);
  auto insert = [&](Value field, ArrayRef<int64_t> position) {
    value = LLVM::InsertValueOp::create(b, value, field, position);
  };
  insert(pointer, {0});
  insert(pointer, {1});
  insert(LLVM::ConstantOp::create(b, index, b.getIntegerAttr(index, 0)), {2});
  insert(size, {3, 0});
  insert(LLVM::ConstantOp::create(b, index, b.getIntegerAttr(index, 1)),
         {4, 0});
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}
