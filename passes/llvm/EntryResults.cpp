// EntryResults.cpp - how results whose sizes only run time knows reach the
// caller.
#include "passes/llvm/EntryResults.h"
#include "ir/Storage.h"
#include "passes/Context.h"

using namespace mlir;
using namespace burnish;

/// i32 make_room(context, output, bytes).
static LLVM::LLVMFuncOp roomFunction(EntryCode &code) {
  if (auto room = code.module.lookupSymbol<LLVM::LLVMFuncOp>("make_room"))
    return room;
  ImplicitLocOpBuilder &b = code.b;
  OpBuilder::InsertionGuard guard(b);
  LLVM::LLVMFuncOp allocate = allocateFunction(code.module);
  LLVM::LLVMFuncOp room =
      code.function("make_room", {code.pointer, code.pointer, code.i64},
                    LLVM::Linkage::Internal);
  Value context = room.getArgument(0), output = room.getArgument(1),
        bytes = room.getArgument(2);
  auto compare = [&](LLVM::ICmpPredicate predicate, Value left, Value right) {
    return LLVM::ICmpOp::create(b, predicate, left, right);
  };
  code.returnUnless(
      compare(LLVM::ICmpPredicate::sge, bytes, code.constant(code.i64, 0)),
      EntryCode::kBadShape);
  Block *given = b.createBlock(&room.getBody()),
        *missing = b.createBlock(&room.getBody());
  b.setInsertionPointToEnd(given->getPrevNode());
  Value buffer = code.data(output, 0);
  LLVM::CondBrOp::create(
      b, compare(LLVM::ICmpPredicate::ne, buffer, code.null()), given, missing);
  b.setInsertionPointToEnd(given);
  Value has = LLVM::LoadOp::create(b, code.i64, code.bytesAddress(output, 0));
  LLVM::ReturnOp::create(
      b,
      LLVM::SelectOp::create(b, compare(LLVM::ICmpPredicate::sge, has, bytes),
                             code.constant(code.i32, 0),
                             code.constant(code.i32, EntryCode::kBadArgument)));
  b.setInsertionPointToEnd(missing);
  // Nothing has room in nothing.
  code.returnUnless(
      compare(LLVM::ICmpPredicate::ne, bytes, code.constant(code.i64, 0)), 0);
  code.returnUnless(code.hasAllocator(context), EntryCode::kNoAllocator);
  Value made =
      LLVM::CallOp::create(b, allocate, ValueRange{context, bytes}).getResult();
  code.returnUnless(compare(LLVM::ICmpPredicate::ne, made, code.null()),
                    EntryCode::kNoMemory);
  LLVM::StoreOp::create(b, made, code.dataAddress(output, 0));
  LLVM::StoreOp::create(b, bytes, code.bytesAddress(output, 0));
  LLVM::ReturnOp::create(b, code.constant(code.i32, 0));
  return room;
}

Value burnish::makeRoom(EntryCode &code, Value context, Value outputs,
                        int32_t position, const nn::Port &port,
                        ArrayRef<Value> sizes) {
  ImplicitLocOpBuilder &b = code.b;
  Value bytes = code.constant(code.i64, nn::elementBytes(port.elementType));
  for (Value size : sizes) {
    // A size that does not fit is negative, and stays so.
    Value wide = code.index == code.i64
                     ? size
                     : Value(LLVM::SExtOp::create(b, code.i64, size));
    bytes = LLVM::CallOp::create(b, multiplyFunction(code.module),
                                 ValueRange{bytes, wide})
                .getResult();
  }
  b.setInsertionPointToEnd(b.getInsertionBlock());
  Value status =
      LLVM::CallOp::create(
          b, roomFunction(code),
          ValueRange{context, code.dataAddress(outputs, position), bytes})
          .getResult();
  code.returnUnless(code.isZero(status), status);
  return code.data(outputs, position);
}

/// i32 give_result(context, output, data, bytes).
static LLVM::LLVMFuncOp giveFunction(EntryCode &code) {
  if (auto give = code.module.lookupSymbol<LLVM::LLVMFuncOp>("give_result"))
    return give;
  ImplicitLocOpBuilder &b = code.b;
  OpBuilder::InsertionGuard guard(b);
  LLVM::LLVMFuncOp give = code.function(
      "give_result", {code.pointer, code.pointer, code.pointer, code.i64},
      LLVM::Linkage::Internal);
  Value context = give.getArgument(0), output = give.getArgument(1),
        data = give.getArgument(2), bytes = give.getArgument(3);
  Block *entry = b.getInsertionBlock();
  Block *keep = b.createBlock(&give.getBody()),
        *copy = b.createBlock(&give.getBody()),
        *fits = b.createBlock(&give.getBody()),
        *done = b.createBlock(&give.getBody());
  BlockArgument status = done->addArgument(code.i32, b.getLoc());

  b.setInsertionPointToEnd(entry);
  Value buffer = code.data(output, 0);
  LLVM::CondBrOp::create(b, code.isNull(buffer), keep, copy);
  b.setInsertionPointToEnd(keep);
  LLVM::StoreOp::create(b, data, code.dataAddress(output, 0));
  LLVM::StoreOp::create(b, bytes, code.bytesAddress(output, 0));
  LLVM::ReturnOp::create(b, code.constant(code.i32, 0));
  b.setInsertionPointToEnd(copy);
  Value room = LLVM::LoadOp::create(b, code.i64, code.bytesAddress(output, 0));
  Value isEnough =
      LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::sge, room, bytes);
  LLVM::CondBrOp::create(
      b, isEnough, fits, ValueRange{}, done,
      ValueRange{code.constant(code.i32, EntryCode::kBadArgument)});
  b.setInsertionPointToEnd(fits);
  LLVM::MemcpyOp::create(b, buffer, data, bytes, /*isVolatile=*/false);
  LLVM::BrOp::create(b, ValueRange{code.constant(code.i32, 0)}, done);
  b.setInsertionPointToEnd(done);
  LLVM::CallOp::create(b, releaseFunction(code.module),
                       ValueRange{context, data});
  LLVM::ReturnOp::create(b, status);
  return give;
}

Value burnish::giveResult(EntryCode &code, Value context, Value outputs,
                          int32_t position, const nn::Port &port,
                          Value descriptor, SmallVectorImpl<Value> &sizes) {
  ImplicitLocOpBuilder &b = code.b;
  Value data = code.extract(descriptor, {1});
  Value bytes = code.constant(code.i64, nn::elementBytes(port.elementType));
  for (int64_t axis = 0, rank = port.dims.size(); axis < rank; ++axis) {
    sizes.push_back(code.asI64(code.extract(descriptor, {3, axis})));
    bytes = LLVM::MulOp::create(b, bytes, sizes.back());
  }
  Value slot = code.dataAddress(outputs, position);
  return LLVM::CallOp::create(b, giveFunction(code),
                              ValueRange{context, slot, data, bytes})
      .getResult();
}
