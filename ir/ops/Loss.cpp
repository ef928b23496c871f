// Loss.cpp - how far results are from what they should be.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Loss.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerLoss(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Loss.cpp.inc"
      >();
}

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}

//===- nll_loss -----------------------------------------------------------===//

LogicalResult NegativeLogLikelihoodLossOp::inferShapes(ShapeScope &scope) {
  Dims input = scope.dims(getInput()), target = scope.dims(getTarget());
  if (getReduction() != "none" && getReduction() != "mean" &&
      getReduction() != "sum")
    return emitOpError() << "'reduction' is \"" << getReduction()
                         << "\", not \"none\", \"mean\" or \"sum\"";
  Dims expected(input);
  if (input.size() >= 2)
    expected.erase(expected.begin() + 1);
  bool fits = input.size() >= 2 && expected.size() == target.size();
  for (size_t axis = 0; fits && axis < target.size(); ++axis)
    fits = !known(expected[axis]) || !known(target[axis]) ||
           expected[axis] == target[axis];
  if (!fits)
    return emitOpError() << "input is " << toString(input) << " and target is "
                         << toString(target)
                         << "; target should lack axis 1 alone";
  if (getWeight()) {
    Dims weight = scope.dims(getWeight());
    if (weight.size() != 1 ||
        (known(weight[0]) && known(input[1]) && weight[0] != input[1]))
      return emitOpError() << "weight is " << toString(weight)
                           << ", and there are " << toString(input[1])
                           << " classes";
    if (elementTypeOf(getWeight()) != elementTypeOf(getInput()))
      return emitOpError() << "input and weight have element types "
                           << elementTypeOf(getInput()) << " and "
                           << elementTypeOf(getWeight());
  }
  return scope.set(getOperation()->getResult(0), elementTypeOf(getInput()),
                   getReduction() == "none" ? target : Dims());
}

namespace {
class NegativeLogLikelihood {
public:
  NegativeLogLikelihood(NegativeLogLikelihoodLossOp op, Lowering &l)
      : op(op), l(l), elementType(elementTypeOf(op.getInput())),
        targetType(elementTypeOf(op.getTarget())), type(wideType(elementType)),
        input(l.lowered(op.getInput())), target(l.lowered(op.getTarget())),
        weight(op.getWeight() ? l.lowered(op.getWeight()) : Value()),
        sizes(l.sizesOf(target)), rank(sizes.size()) {}

  Value run();

private:
  void requireOperands();
  /// Labels come from data: all are checked before any is used.
  void requireClasses();
  /// The loss of each place.
  Value losses();
  /// A sum over all places of what `body` makes of an operand's element.
  Value sumOf(Value zeros, const Lowering::Operand &operand,
              function_ref<Value(ImplicitLocOpBuilder &, Value)> body);

  Value asIndex(ImplicitLocOpBuilder &b, Value label) {
    if (targetType.isUnsignedInteger())
      return arith::IndexCastUIOp::create(b, b.getIndexType(), label);
    return arith::IndexCastOp::create(b, b.getIndexType(), label);
  }
  Value isIgnored(ImplicitLocOpBuilder &b, Value label) {
    if (!op.getIgnoreIndex())
      return arith::ConstantOp::create(b, b.getBoolAttr(false));
    Value ignored = arith::ConstantOp::create(
        b, b.getIntegerAttr(label.getType(), *op.getIgnoreIndex()));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, label, ignored);
  }
  Value weightOf(ImplicitLocOpBuilder &b, Value label);
  Lowering::Operand targets() {
    return {target, targetType, l.getMultiDimIdentityMap(rank)};
  }

  NegativeLogLikelihoodLossOp op;
  Lowering &l;
  Type elementType, targetType, type;
  Value input, target, weight;
  SmallVector<OpFoldResult> sizes;
  int64_t rank;
  /// How many classes there are, and the last one.
  Value classes, last;
};
} // namespace

void NegativeLogLikelihood::requireOperands() {
  SmallVector<OpFoldResult> inputSizes = l.sizesOf(input);
  classes = l.index(inputSizes[1]);
  last = arith::SubIOp::create(l, classes, l.index(1));
  // A place that counts for nothing is read all the same, so that there must be
  // one.
  l.require(
      arith::CmpIOp::create(l, arith::CmpIPredicate::sgt, classes, l.index(0)),
      Status::BadShape, "there are no classes");
  auto requireSame = [&](OpFoldResult left, OpFoldResult right) {
    l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::eq, l.index(left),
                                    l.index(right)),
              Status::BadShape, "operands of a loss do not fit");
  };
  for (auto [axis, size] : llvm::enumerate(sizes))
    requireSame(size, inputSizes[axis == 0 ? 0 : axis + 1]);
  if (weight)
    requireSame(inputSizes[1], l.sizesOf(weight)[0]);
}

void NegativeLogLikelihood::requireClasses() {
  Type flagType = l.getI1Type();
  SmallVector<utils::IteratorType> reductions(rank,
                                              utils::IteratorType::reduction);
  Value areRight = l.reduce(
      l.filled(flagType, {}, arith::ConstantOp::create(l, l.getBoolAttr(true))),
      flagType, AffineMap::get(rank, 0, l.getContext()), {targets()},
      reductions, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isClass = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                              asIndex(b, args[0]), classes);
        return arith::AndIOp::create(
            b, args[1],
            arith::OrIOp::create(b, isClass, isIgnored(b, args[0])));
      });
  l.require(l.extract(areRight, flagType, {}), Status::BadValue,
            "a target is no class");
}

Value NegativeLogLikelihood::weightOf(ImplicitLocOpBuilder &b, Value label) {
  Value none = arith::ConstantOp::create(b, b.getFloatAttr(type, 0.0)),
        own = arith::ConstantOp::create(b, b.getFloatAttr(type, 1.0));
  if (weight) {
    Value place = arith::MinUIOp::create(b, asIndex(b, label), last);
    own = castScalar(
        b,
        loadScalar(b, tensor::ExtractOp::create(b, weight, ValueRange(place)),
                   elementType),
        elementType, type);
  }
  return arith::SelectOp::create(b, isIgnored(b, label), none, own);
}

Value NegativeLogLikelihood::losses() {
  return l.generic(
      type, sizes, {targets()},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        SmallVector<Value> place;
        for (int64_t axis = 0; axis < rank; ++axis)
          place.push_back(linalg::IndexOp::create(b, axis));
        place.insert(place.begin() + 1,
                     arith::MinUIOp::create(b, asIndex(b, args[0]), last));
        Value element =
            castScalar(b,
                       loadScalar(b, tensor::ExtractOp::create(b, input, place),
                                  elementType),
                       elementType, type);
        Value loss = arith::NegFOp::create(
            b, arith::MulFOp::create(b, element, weightOf(b, args[0])));
        return arith::SelectOp::create(
            b, isIgnored(b, args[0]),
            arith::ConstantOp::create(b, b.getFloatAttr(type, 0.0)), loss);
      });
}

Value NegativeLogLikelihood::sumOf(
    Value zeros, const Lowering::Operand &operand,
    function_ref<Value(ImplicitLocOpBuilder &, Value)> body) {
  SmallVector<utils::IteratorType> reductions(rank,
                                              utils::IteratorType::reduction);
  return l.reduce(zeros, type, AffineMap::get(rank, 0, l.getContext()),
                  {operand}, reductions,
                  [&](ImplicitLocOpBuilder &b, ValueRange args) {
                    return sum(b, args[1], body(b, args[0]));
                  });
}

Value NegativeLogLikelihood::run() {
  requireOperands();
  requireClasses();
  Value each = losses();
  if (op.getReduction() == "none")
    return l.convert(each, type, elementType);
  Value zeros = l.filled(type, {}, l.zero(type));
  Value total = sumOf(zeros, {each, type, l.getMultiDimIdentityMap(rank)},
                      [](ImplicitLocOpBuilder &, Value loss) { return loss; });
  if (op.getReduction() == "mean") {
    Value weights =
        sumOf(zeros, targets(), [&](ImplicitLocOpBuilder &b, Value label) {
          return weightOf(b, label);
        });
    AffineMap none = AffineMap::get(0, 0, l.getContext());
    total = l.generic(type, {}, {{total, type, none}, {weights, type, none}},
                      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                        return arith::DivFOp::create(b, args[0], args[1]);
                      });
  }
  return l.convert(total, type, elementType);
}

FailureOr<SmallVector<Value>> NegativeLogLikelihoodLossOp::lower(Lowering &l) {
  return SmallVector<Value>{NegativeLogLikelihood(*this, l).run()};
}
