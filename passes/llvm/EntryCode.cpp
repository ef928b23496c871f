// EntryCode.cpp - pieces of LLVM code that the functions around a model share.
#include "passes/llvm/EntryCode.h"
#include "ir/Types.h"
#include "passes/Context.h"

using namespace mlir;
using namespace burnish;

EntryCode::EntryCode(ModuleOp module)
    : module(module),
      b(module.getLoc(), OpBuilder::atBlockEnd(module.getBody())),
      pointer(LLVM::LLVMPointerType::get(module.getContext())),
      i32(b.getI32Type()), i64(b.getI64Type()),
      index(b.getIntegerType(pointerBits(module))),
      tensor(LLVM::LLVMStructType::getLiteral(module.getContext(),
                                              {pointer, pointer, i64})) {}

Value EntryCode::constant(Type type, int64_t value) {
  return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
}

Value EntryCode::null() { return LLVM::ZeroOp::create(b, pointer); }

Value EntryCode::addressOf(StringRef symbol) {
  return LLVM::AddressOfOp::create(b, pointer, symbol);
}

Value EntryCode::isNull(Value address) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, address, null());
}

Value EntryCode::isZero(Value status) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, status,
                              constant(i32, 0));
}

Value EntryCode::asI64(Value size) {
  return size.getType() == i64 ? size
                               : Value(LLVM::ZExtOp::create(b, i64, size));
}

Value EntryCode::asIndex(Value size) {
  return size.getType() == index ? size
                                 : Value(LLVM::TruncOp::create(b, index, size));
}

Value EntryCode::extract(Value aggregate, ArrayRef<int64_t> position) {
  return LLVM::ExtractValueOp::create(b, aggregate, position);
}

LLVM::LLVMFuncOp EntryCode::function(StringRef name, ArrayRef<Type> arguments,
                                     LLVM::Linkage linkage, Type result) {
  b.setInsertionPointToEnd(module.getBody());
  auto made = LLVM::LLVMFuncOp::create(
      b, name, LLVM::LLVMFunctionType::get(result ? result : i32, arguments),
      linkage);
  b.setInsertionPointToStart(made.addEntryBlock(b));
  return made;
}

void EntryCode::returnUnless(Value condition, Value status) {
  Block *here = b.getInsertionBlock();
  Block *early = b.createBlock(here->getParent());
  LLVM::ReturnOp::create(b, status);
  Block *after = b.createBlock(here->getParent());
  b.setInsertionPointToEnd(here);
  LLVM::CondBrOp::create(b, condition, after, early);
  b.setInsertionPointToEnd(after);
}

void EntryCode::returnUnless(Value condition, int32_t status) {
  Block *here = b.getInsertionBlock();
  Value code = constant(i32, status);
  b.setInsertionPointToEnd(here);
  returnUnless(condition, code);
}

Value EntryCode::hasAllocator(Value context) {
  // A null context has no allocator, and is not read.
  Value isThere =
      LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, context, null());
  Block *here = b.getInsertionBlock(), *read = b.createBlock(here->getParent()),
        *after = b.createBlock(here->getParent());
  BlockArgument found = after->addArgument(b.getI1Type(), b.getLoc());
  b.setInsertionPointToEnd(here);
  LLVM::CondBrOp::create(b, isThere, read, ValueRange{}, after,
                         ValueRange{isThere});
  b.setInsertionPointToEnd(read);
  Value has =
      LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne,
                           loadSlot(b, context, ContextSlot::Allocate), null());
  LLVM::BrOp::create(b, ValueRange{has}, after);
  b.setInsertionPointToEnd(after);
  return found;
}

Value EntryCode::field(Value tensors, int32_t position, int32_t field) {
  return LLVM::GEPOp::create(b, pointer, tensor, tensors,
                             ArrayRef<LLVM::GEPArg>{position, field});
}

Value EntryCode::dataAddress(Value tensors, int32_t position) {
  return field(tensors, position, 0);
}

Value EntryCode::bytesAddress(Value tensors, int32_t position) {
  return field(tensors, position, 2);
}

Value EntryCode::data(Value tensors, int32_t position) {
  return LLVM::LoadOp::create(b, pointer, dataAddress(tensors, position));
}

Value EntryCode::dims(Value tensors, int32_t position) {
  return LLVM::LoadOp::create(b, pointer, field(tensors, position, 1));
}

Value EntryCode::dimAddress(Value dims, int32_t axis) {
  return LLVM::GEPOp::create(b, pointer, i64, dims,
                             ArrayRef<LLVM::GEPArg>{axis});
}

SmallVector<Value> EntryCode::sizesOf(const nn::Port &port, Value tensors,
                                      int32_t position) {
  Value given;
  SmallVector<Value> sizes;
  for (auto [axis, dim] : llvm::enumerate(port.dims)) {
    if (!ShapedType::isDynamic(dim)) {
      sizes.push_back(constant(index, dim));
      continue;
    }
    if (!given)
      given = dims(tensors, position);
    sizes.push_back(
        asIndex(LLVM::LoadOp::create(b, i64, dimAddress(given, axis))));
  }
  // Inside, a string at the edge is two numbers.
  if (nn::isString(port.elementType))
    sizes.push_back(constant(index, 2));
  return sizes;
}

SmallVector<Value> EntryCode::staticSizes(const nn::Port &port) {
  return llvm::map_to_vector(port.dims,
                             [&](int64_t dim) { return constant(i64, dim); });
}

void EntryCode::appendDescriptor(SmallVectorImpl<Value> &arguments, Value data,
                                 ArrayRef<Value> sizes) {
  arguments.append({data, data, constant(index, 0)});
  arguments.append(sizes.begin(), sizes.end());
  SmallVector<Value> strides(sizes.size());
  Value stride = constant(index, 1);
  for (size_t axis = sizes.size(); axis-- > 0;) {
    strides[axis] = stride;
    if (axis > 0)
      stride = LLVM::MulOp::create(b, stride, sizes[axis]);
  }
  arguments.append(strides);
}
