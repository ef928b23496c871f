// Broadcasting.cpp - operands that are repeated along axes, and the operators
// that work element by element on them.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// A tensor in a broadcast to `sizes`, element by element: where an axis turns
/// out to be 1, its only place is read.
static Value gathered(Lowering &l, Value tensor, Type elementType,
                      ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> isOne;
  for (OpFoldResult size : l.sizesOf(tensor))
    isOne.push_back(arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                          l.index(size), l.index(1)));
  size_t lead = sizes.size() - isOne.size();
  return l.generate(
      elementType, sizes,
      [&](ImplicitLocOpBuilder &builder, ValueRange indices) {
        Value first = arith::ConstantIndexOp::create(builder, 0);
        SmallVector<Value> source;
        for (size_t axis = 0; axis < isOne.size(); ++axis)
          source.push_back(arith::SelectOp::create(builder, isOne[axis], first,
                                                   indices[lead + axis]));
        return loadScalar(builder,
                          tensor::ExtractOp::create(builder, tensor, source),
                          elementType);
      });
}

Lowering::Operand Lowering::broadcast(Value tensor, Type elementType,
                                      ArrayRef<Dim> dims,
                                      ArrayRef<Dim> resultDims,
                                      ArrayRef<OpFoldResult> resultSizes) {
  size_t rank = resultDims.size(), lead = rank - dims.size();
  bool isRepeated = lead > 0;
  SmallVector<AffineExpr> exprs;
  // Axes of which only the run knows whether they are repeated.
  SmallVector<size_t> open;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    Dim resultDim = resultDims[lead + axis];
    bool isOne = isKnown(dims[axis], 1),
         repeatsOne = isOne && !isKnown(resultDim, 1);
    isRepeated |= repeatsOne;
    if (!isOne && !scope.isOneOnlyWith(dims[axis], resultDim))
      open.push_back(axis);
    exprs.push_back(repeatsOne ? getAffineConstantExpr(0)
                               : getAffineDimExpr(lead + axis));
  }
  if (open.empty())
    return {tensor, elementType, AffineMap::get(rank, 0, exprs, getContext())};
  AffineMap all = getMultiDimIdentityMap(rank);
  // Nor has an axis of no elements a slice of all of it.
  bool isEmpty =
      llvm::any_of(resultDims, [](Dim dim) { return isKnown(dim, 0); });
  if (isRepeated || isEmpty || isString(elementType))
    return {gathered(*this, tensor, elementType, resultSizes), elementType,
            all};

  // Mostly nothing is repeated, and the operand is read as it lies.
  SmallVector<OpFoldResult> operandSizes = sizesOf(tensor);
  Value isWhole;
  for (size_t axis : open) {
    Value isSame = createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                               index(operandSizes[axis]),
                                               index(resultSizes[axis]));
    isWhole = isWhole ? createOrFold<arith::AndIOp>(isWhole, isSame) : isSame;
  }
  auto type = RankedTensorType::get(decomposeMixedValues(resultSizes).first,
                                    getElementTypeOrSelf(tensor.getType()));
  auto choice = scf::IfOp::create(*this, TypeRange(type), isWhole,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(choice.thenBlock());
    Value whole = tensor.getType() == type
                      ? tensor
                      : Value(tensor::CastOp::create(*this, type, tensor));
    scf::YieldOp::create(*this, whole);
    setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(*this,
                         gathered(*this, tensor, elementType, resultSizes));
  }
  Value written = choice.getResult(0);
  // A slice of all of it: either branch has the sizes that are known here. Of
  // nothing there is none.
  if (!llvm::is_contained(type.getShape(), 0))
    written = tensor::ExtractSliceOp::create(
        *this, written, SmallVector<OpFoldResult>(rank, getIndexAttr(0)),
        resultSizes, SmallVector<OpFoldResult>(rank, getIndexAttr(1)));
  return {written, elementType, all};
}

SmallVector<OpFoldResult> Lowering::broadcastSizes(ValueRange operands,
                                                   Value result) {
  return broadcastSizes(
      llvm::map_to_vector(operands,
                          [&](Value operand) { return scope.dims(operand); }),
      scope.dims(result));
}

SmallVector<OpFoldResult> Lowering::broadcastSizes(ArrayRef<Dims> shapes,
                                                   ArrayRef<Dim> resultDims) {
  SmallVector<OpFoldResult> all;
  for (auto [axis, resultDim] : llvm::enumerate(resultDims)) {
    SmallVector<Dim> different;
    for (const Dims &shape : shapes) {
      int64_t at = static_cast<int64_t>(axis) -
                   static_cast<int64_t>(resultDims.size() - shape.size());
      if (at >= 0 && !isKnown(shape[at], 1) &&
          !llvm::is_contained(different, shape[at]))
        different.push_back(shape[at]);
    }
    if (different.size() <= 1 &&
        (different.empty() || different[0] == resultDim)) {
      all.push_back(size(resultDim));
      continue;
    }
    // The result is as long as the first operand whose dim is not 1; the others
    // have that or 1.
    SmallVector<Value> lengths = llvm::map_to_vector(
        different, [&](Dim dim) { return index(size(dim)); });
    Value one = index(1), length = lengths[0];
    auto isOne = [&](Value value) {
      return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, value, one);
    };
    for (Value other : ArrayRef(lengths).drop_front())
      length = createOrFold<arith::SelectOp>(isOne(length), other, length);
    for (Value other : lengths) {
      Value fits =
          createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, length, other);
      require(createOrFold<arith::OrIOp>(fits, isOne(other)), Status::BadShape,
              ("operands do not broadcast along axis " + Twine(axis)).str());
    }
    all.push_back(known(resultDim) || llvm::is_contained(different, resultDim)
                      ? size(resultDim)
                      : getAsOpFoldResult(length));
  }
  return all;
}

FailureOr<SmallVector<Value>> Lowering::elementwise(Operation *op) {
  Value result = op->getResult(0);
  SmallVector<OpFoldResult> resultSizes =
      broadcastSizes(op->getOperands(), result);
  Dims resultDims = scope.dims(result);
  SmallVector<Operand> inputs;
  for (Value operand : op->getOperands())
    inputs.push_back(broadcast(lowered(operand),
                               getElementTypeOrSelf(operand.getType()),
                               scope.dims(operand), resultDims, resultSizes));
  auto scalar = [&](ImplicitLocOpBuilder &builder, ValueRange args) {
    return cast<Elementwise>(op).scalar(builder, args);
  };
  // What calls a function for each string is no loop that may be merged with
  // others, cut in vectors or computed twice.
  if (!isa<WhereOp>(op) &&
      llvm::any_of(llvm::concat<Value>(op->getOperands(), op->getResults()),
                   [](Value value) { return isString(value.getType()); }))
    return SmallVector<Value>{mapStrings(*this,
                                         getElementTypeOrSelf(result.getType()),
                                         resultSizes, inputs, scalar)};
  return SmallVector<Value>{generic(getElementTypeOrSelf(result.getType()),
                                    resultSizes, inputs, scalar)};
}
