// Selection.cpp - the elements that a condition chooses: results whose sizes
// depend on what the operands hold.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"

#define GET_OP_CLASSES
#include "ir/ops/Selection.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerSelection(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Selection.cpp.inc"
      >();
}

/// The number of elements of a loop nest for which `holds`, as an index.
static Scalar
countOf(Lowering &l, ArrayRef<OpFoldResult> sizes,
        function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> holds) {
  Scalar zero(l, l.index(0));
  SmallVector<Value> counted =
      loopNest(l, sizes, Value(zero),
               [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
                 Scalar count(b, carried[0]);
                 return SmallVector<Value>{
                     select(Scalar(b, holds(b, at)), count + 1, count)};
               });
  return {l, counted[0]};
}

/// Element `at` of a lowered tensor as a truth value; a complex number is true
/// unless both its parts are 0.
static Value isTrue(ImplicitLocOpBuilder &b, Value tensor, Type elementType,
                    ValueRange at) {
  Value element =
      loadScalar(b, tensor::ExtractOp::create(b, tensor, at), elementType);
  if (isa<ComplexType>(elementType)) {
    Value zero = complex::ConstantOp::create(
        b, elementType,
        b.getArrayAttr(SmallVector<Attribute>(
            2,
            b.getZeroAttr(cast<ComplexType>(elementType).getElementType()))));
    return complex::NotEqualOp::create(b, element, zero);
  }
  return castScalar(b, element, elementType, b.getI1Type());
}

//===- non_zero -----------------------------------------------------------===//

LogicalResult NonZeroOp::inferShapes(ShapeScope &scope) {
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 64),
                   {scope.constant(scope.rank(getX())), Dim()});
}

FailureOr<SmallVector<Value>> NonZeroOp::lower(Lowering &l) {
  Value x = l.lowered(getX());
  Type elementType = getElementTypeOrSelf(getX().getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  Scalar count = countOf(l, sizes, [&](ImplicitLocOpBuilder &b, ValueRange at) {
    return isTrue(b, x, elementType, at);
  });
  OpFoldResult found =
      l.agree(getAsOpFoldResult(Value(count)), l.scope.dim(getY(), 1));
  Value places =
      scratch(l, l.getI64Type(), {l.getIndexAttr(sizes.size()), found});
  SmallVector<Value> filled = loopNest(
      l, sizes, {places, l.index(0)},
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        return onlyIf(
            b, isTrue(b, x, elementType, at), carried,
            [&](ImplicitLocOpBuilder &in) {
              Value next = carried[0];
              for (auto [axis, index] : llvm::enumerate(at))
                next = tensor::InsertOp::create(
                    in, asItem(in, index), next,
                    ValueRange{arith::ConstantIndexOp::create(in, axis),
                               carried[1]});
              return SmallVector<Value>{next, Scalar(in, carried[1]) + 1};
            });
      });
  return SmallVector<Value>{filled[0]};
}

//===- compress -----------------------------------------------------------===//

LogicalResult CompressOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getInput());
  if (scope.rank(getCondition()) != 1 ||
      !getElementTypeOrSelf(getCondition().getType()).isInteger(1))
    return emitOpError() << "'condition' is " << getCondition().getType()
                         << " instead of a list of booleans";
  if (!getAxis())
    return scope.set(getOperation()->getResult(0),
                     getElementTypeOrSelf(getInput().getType()), {Dim()});
  FailureOr<int64_t> axis = normalizeAxis(*this, *getAxis(), dims.size());
  if (failed(axis))
    return failure();
  dims[*axis] = {};
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), dims);
}

FailureOr<SmallVector<Value>> CompressOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput()), condition = l.lowered(getCondition());
  Dims dims = l.scope.dims(getInput());
  if (!getAxis())
    tensor = l.reshape(tensor, dims, {l.scope.product(dims)});
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t axis = getAxis() ? *normalizeAxis(*this, *getAxis(), dims.size()) : 0;
  // A condition may be shorter; what goes beyond the tensor names nothing.
  OpFoldResult length = getAsOpFoldResult(
      Value(min(Scalar(l, l.sizesOf(condition)[0]), Scalar(l, sizes[axis]))));
  auto holds = [&](ImplicitLocOpBuilder &b, ValueRange at) {
    return isTrue(b, condition, b.getI1Type(), at);
  };
  Scalar count = countOf(l, length, holds);
  OpFoldResult found =
      l.agree(getAsOpFoldResult(Value(count)), l.scope.dim(getOutput(), axis));
  SmallVector<Value> filled = loopNest(
      l, length, {scratch(l, l.getI64Type(), {found}), l.index(0)},
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        return onlyIf(b, holds(b, at), carried, [&](ImplicitLocOpBuilder &in) {
          Value next = tensor::InsertOp::create(in, asItem(in, at[0]),
                                                carried[0], carried[1]);
          return SmallVector<Value>{next, Scalar(in, carried[1]) + 1};
        });
      });
  sizes[axis] = found;
  return SmallVector<Value>{
      l.generate(getElementTypeOrSelf(tensor.getType()), sizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                   SmallVector<Value> source(at);
                   source[axis] = itemAt(b, filled[0], at[axis]);
                   return tensor::ExtractOp::create(b, tensor, source);
                 })};
}
