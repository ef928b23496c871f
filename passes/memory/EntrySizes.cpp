// EntrySizes.cpp - sizes that follow from the sizes of inputs alone.
#include "passes/memory/EntrySizes.h"
#include "ir/Signature.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace burnish;

SmallVector<std::pair<BlockArgument, int64_t>>
burnish::entryDims(func::FuncOp function) {
  auto module = function->getParentOfType<ModuleOp>();
  size_t inputs = nn::Signature::recorded(module).inputs.size();
  SmallVector<std::pair<BlockArgument, int64_t>> dims;
  for (BlockArgument argument : function.getArguments().take_front(inputs))
    if (auto type = dyn_cast<MemRefType>(argument.getType()))
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        if (type.isDynamicDim(axis))
          dims.push_back({argument, axis});
  return dims;
}

func::FuncOp burnish::makeEntryFunction(
    func::FuncOp function, StringRef suffix,
    llvm::function_ref<SmallVector<Value>(OpBuilder &, EntrySizes &)> fill) {
  auto module = function->getParentOfType<ModuleOp>();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto dims = entryDims(function);
  SmallVector<Type> types(dims.size(), builder.getIndexType());
  auto made = func::FuncOp::create(builder, function.getLoc(),
                                   (function.getName() + suffix).str(),
                                   builder.getFunctionType(types, {}));
  made.setPrivate();
  builder.setInsertionPointToStart(made.addEntryBlock());
  EntrySizes sizes(builder, [&](BlockArgument argument, int64_t axis) {
    auto *found = llvm::find(dims, std::pair(argument, axis));
    return found == dims.end() ? Value()
                               : Value(made.getArgument(found - dims.begin()));
  });
  SmallVector<Value> results = fill(builder, sizes);
  func::ReturnOp::create(builder, function.getLoc(), results);
  made.setFunctionType(
      builder.getFunctionType(types, ValueRange(results).getTypes()));
  return made;
}

Value EntrySizes::copyOf(OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    return copyOf(value);
  return arith::ConstantIndexOp::create(builder, builder.getUnknownLoc(),
                                        *getConstantIntValue(size));
}

Value EntrySizes::sizeOf(Value buffer, int64_t axis) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return {};
  if (!type.isDynamicDim(axis))
    return copyOf(OpFoldResult(builder.getIndexAttr(type.getDimSize(axis))));
  if (auto argument = dyn_cast<BlockArgument>(buffer))
    return dimOf(argument, axis);
  Operation *op = buffer.getDefiningOp();
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return copyOf(alloc.getDynamicSizes()[type.getDynamicDimIndex(axis)]);
  if (auto view = dyn_cast<memref::ViewOp>(op))
    return copyOf(view.getSizes()[type.getDynamicDimIndex(axis)]);
  if (auto cast = dyn_cast<memref::CastOp>(op))
    return isa<MemRefType>(cast.getSource().getType())
               ? sizeOf(cast.getSource(), axis)
               : Value();
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return copyOf(expand.getMixedOutputShape()[axis]);
  if (auto other = dyn_cast<memref::ReinterpretCastOp>(op))
    return copyOf(other.getMixedSizes()[axis]);
  if (auto part = dyn_cast<memref::SubViewOp>(op)) {
    llvm::SmallBitVector dropped = part.getDroppedDims();
    SmallVector<OpFoldResult> sizes = part.getMixedSizes();
    for (auto [from, size] : llvm::enumerate(sizes))
      if (!dropped[from] && axis-- == 0)
        return copyOf(size);
    return {};
  }
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    Value product;
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    for (int64_t from : groups[axis]) {
      Value size = sizeOf(collapse.getSrc(), from);
      if (!size)
        return {};
      product =
          product ? arith::MulIOp::create(builder, op->getLoc(), product, size)
                        .getResult()
                  : size;
    }
    return product;
  }
  return {};
}

Value EntrySizes::copyOf(Value value) {
  if (Value known = copies.lookup(value))
    return known;
  Value copy = make(value);
  if (copy)
    copies[value] = copy;
  return copy;
}

Value EntrySizes::make(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() > 0 || op->getNumResults() != 1 ||
      !value.getType().isIntOrIndex())
    return {};
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> axis = dim.getConstantIndex();
    auto type = dyn_cast<MemRefType>(dim.getSource().getType());
    return axis && type && *axis >= 0 && *axis < type.getRank()
               ? sizeOf(dim.getSource(), *axis)
               : Value();
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(copyOf(operand));
    if (!operands.back())
      return {};
  }
  Location loc = op->getLoc();
  auto expanded = [&](AffineMap map) {
    std::optional<SmallVector<Value, 8>> results =
        affine::expandAffineMap(builder, loc, map, operands);
    return results ? llvm::to_vector_of<Value>(*results) : SmallVector<Value>();
  };
  auto dividesByConstants = [](AffineMap map) {
    bool isFine = true;
    map.walkExprs([&](AffineExpr expr) {
      if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
          binary &&
          llvm::is_contained({AffineExprKind::FloorDiv, AffineExprKind::CeilDiv,
                              AffineExprKind::Mod},
                             binary.getKind()))
        isFine &= isa<AffineConstantExpr>(binary.getRHS());
    });
    return isFine;
  };
  auto combined = [&](AffineMap map, auto combine) -> Value {
    if (!dividesByConstants(map))
      return {};
    SmallVector<Value> results = expanded(map);
    if (results.empty())
      return {};
    Value all = results[0];
    for (Value each : ArrayRef(results).drop_front())
      all = combine(all, each);
    return all;
  };
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return combined(apply.getMap(), [](Value all, Value) { return all; });
  if (auto least = dyn_cast<affine::AffineMinOp>(op))
    return combined(least.getMap(), [&](Value a, Value c) {
      return arith::MinSIOp::create(builder, loc, a, c).getResult();
    });
  if (auto most = dyn_cast<affine::AffineMaxOp>(op))
    return combined(most.getMap(), [&](Value a, Value c) {
      return arith::MaxSIOp::create(builder, loc, a, c).getResult();
    });
  if (!isa<arith::ArithDialect>(op->getDialect()) || !isMemoryEffectFree(op))
    return {};
  if (!isSpeculatable(op)) {
    if (!isa<arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp,
             arith::CeilDivUIOp, arith::FloorDivSIOp, arith::RemSIOp,
             arith::RemUIOp>(op))
      return {};
    Value one = arith::ConstantOp::create(
        builder, loc, builder.getIntegerAttr(operands[1].getType(), 1));
    operands[1] = arith::MaxSIOp::create(builder, loc, operands[1], one);
  }
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  return copy->getResult(0);
}
