// CheckBounds.cpp - stops the program where it would read or write outside a
// buffer.
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CHECKBOUNDS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Elements of a buffer that an operation touches: `count` of them side by side
/// from `indices` on.
struct Touched {
  Value buffer;
  SmallVector<Value> indices;
  int64_t count;

  static std::optional<Touched> by(Operation *op) {
    return llvm::TypeSwitch<Operation *, std::optional<Touched>>(op)
        .Case<memref::LoadOp, memref::StoreOp>([](auto access) {
          return Touched{access.getMemref(), access.getIndices(), 1};
        })
        .Case<vector::LoadOp, vector::StoreOp>([](auto access) {
          return Touched{access.getBase(), access.getIndices(),
                         access.getVectorType().getNumElements()};
        })
        .Default([](Operation *) { return std::nullopt; });
  }
};
} // namespace

/// The size of an axis; of a buffer seen as one line, what EmitKernels says.
static OpFoldResult sizeOf(ImplicitLocOpBuilder &b, Value buffer,
                           unsigned axis) {
  if (auto line = buffer.getDefiningOp<memref::ReinterpretCastOp>())
    return line.getMixedSizes()[axis];
  return memref::getMixedSize(b, b.getLoc(), buffer, axis);
}

static void check(Operation *op, const Touched &touched, func::FuncOp checker) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value isInside;
  auto require = [&](arith::CmpIPredicate predicate, Value left, Value right) {
    Value holds = arith::CmpIOp::create(b, predicate, left, right);
    isInside =
        isInside ? Value(arith::AndIOp::create(b, isInside, holds)) : holds;
  };
  Value zero = arith::ConstantIndexOp::create(b, 0);
  for (auto [axis, index] : llvm::enumerate(touched.indices)) {
    bool isInnermost = axis + 1 == touched.indices.size();
    Value count =
        arith::ConstantIndexOp::create(b, isInnermost ? touched.count : 1);
    Value size = getValueOrCreateConstantIndexOp(
        b, b.getLoc(), sizeOf(b, touched.buffer, axis));
    require(arith::CmpIPredicate::sge, index, zero);
    require(arith::CmpIPredicate::sle, arith::AddIOp::create(b, index, count),
            size);
  }
  if (isInside)
    func::CallOp::create(b, checker, isInside);
}

/// A function that ends the program unless it is given true. Branches at every
/// access would take LLVM minutes.
static func::FuncOp makeChecker(ModuleOp module) {
  auto b = ImplicitLocOpBuilder::atBlockEnd(module.getLoc(), module.getBody());
  auto checker = func::FuncOp::create(b, "nn.check_bounds",
                                      b.getFunctionType(b.getI1Type(), {}));
  checker.setPrivate();
  checker->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  checker->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  Block *entry = checker.addEntryBlock();
  b.setInsertionPointToStart(entry);
  Value isOutside = arith::XOrIOp::create(
      b, entry->getArgument(0), Value(arith::ConstantIntOp::create(b, 1, 1)));
  auto branch = scf::IfOp::create(b, isOutside, /*withElseRegion=*/false);
  func::ReturnOp::create(b);
  b.setInsertionPointToStart(branch.thenBlock());
  LLVM::Trap::create(b);
  return checker;
}

namespace {
struct CheckBounds : burnish::impl::CheckBoundsBase<CheckBounds> {
  void runOnOperation() override {
    SmallVector<std::pair<Operation *, Touched>> all;
    getOperation().walk([&](Operation *op) {
      if (std::optional<Touched> touched = Touched::by(op))
        all.push_back({op, *touched});
    });
    if (all.empty())
      return;
    func::FuncOp checker = makeChecker(getOperation());
    for (const auto &[op, touched] : all)
      check(op, touched, checker);
  }
};
} // namespace
