// Offsets.h - code that counts through memory: offsets in elements, digits of a
// task's number, loops.
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// What makers of copies that follow no loop nest are written with.
struct OffsetCode {
  explicit OffsetCode(mlir::ImplicitLocOpBuilder &builder) : b(builder) {}

  mlir::Value constant(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value asValue(mlir::OpFoldResult value) {
    return mlir::getValueOrCreateConstantIndexOp(b, b.getLoc(), value);
  }
  mlir::Value add(mlir::Value left, mlir::Value right) {
    return b.createOrFold<mlir::arith::AddIOp>(left, right);
  }
  mlir::Value times(mlir::Value index, mlir::OpFoldResult stride) {
    return b.createOrFold<mlir::arith::MulIOp>(index, asValue(stride));
  }
  /// The last digit of a number to a base; the others are left of it.
  mlir::Value digit(mlir::Value &number, int64_t base) {
    mlir::Value last =
        b.createOrFold<mlir::arith::RemUIOp>(number, constant(base));
    number = b.createOrFold<mlir::arith::DivUIOp>(number, constant(base));
    return last;
  }
  /// for index = from; index < to; index += step.
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> body) {
    auto loop = mlir::scf::ForOp::create(b, from, to, constant(step));
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
  /// `make` for piece `index` of a size that is cut into pieces of `length`:
  /// the last one has what is left.
  void piece(mlir::Value index, int64_t size, int64_t length,
             llvm::function_ref<void(int64_t)> make) {
    int64_t count = llvm::divideCeil(size, length), rest = size % length;
    if (rest == 0 || count == 1)
      return make(rest == 0 ? length : rest);
    mlir::Value isWhole = mlir::arith::CmpIOp::create(
        b, mlir::arith::CmpIPredicate::ult, index, constant(count - 1));
    auto branch = mlir::scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    make(length);
    b.setInsertionPointToStart(branch.elseBlock());
    make(rest);
  }

  mlir::ImplicitLocOpBuilder &b;
};

} // namespace burnish
