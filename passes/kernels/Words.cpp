// Words.cpp - elements of 8 or 16 bits, of which one instruction multiplies
// those of several steps of a sum.
#include "passes/kernels/Words.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace burnish;

Value burnish::callIntrinsic(ImplicitLocOpBuilder &b, StringRef name,
                             Type result, ValueRange operands) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    function = func::FuncOp::create(
        b, name, b.getFunctionType(operands.getTypes(), result));
    function.setPrivate();
  }
  return func::CallOp::create(b, function, operands).getResult(0);
}

Value burnish::wordOf(ImplicitLocOpBuilder &b, Value elements) {
  auto type = cast<VectorType>(elements.getType());
  unsigned bits = type.getElementTypeBitWidth() * type.getNumElements();
  auto whole = VectorType::get({1}, b.getIntegerType(bits));
  return vector::ExtractOp::create(
      b, Value(vector::BitCastOp::create(b, whole, elements)),
      ArrayRef<int64_t>{0});
}

Value burnish::wordInLanes(ImplicitLocOpBuilder &b, Value word, int64_t lanes,
                           Type element) {
  int64_t count =
      word.getType().getIntOrFloatBitWidth() / element.getIntOrFloatBitWidth();
  return vector::BitCastOp::create(
      b, VectorType::get({lanes * count}, element),
      Value(vector::BroadcastOp::create(
          b, VectorType::get({lanes}, word.getType()), word)));
}

Value burnish::addHalfPairs(ImplicitLocOpBuilder &b, Value sum, Value left,
                            Value right) {
  int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
  return callIntrinsic(
      b, "llvm.x86.avx512bf16.dpbf16ps." + std::to_string(lanes * 32),
      sum.getType(), {sum, left, right});
}
