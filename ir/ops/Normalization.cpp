// Normalization.cpp - means and variances taken out.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Normalization.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerNormalization(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Normalization.cpp.inc"
      >();
}

static Type elementTypeOf(Value operand) {
  return getElementTypeOrSelf(operand.getType());
}

//===- batch_normalization ------------------------------------------------===//

LogicalResult BatchNormalizationOp::inferShapes(ShapeScope &scope) {
  Dims x = scope.dims(getX());
  if (x.empty())
    return emitOpError() << "X is a scalar";
  Dim channels = x.size() > 1 ? x[1] : scope.constant(1);
  constexpr StringLiteral kNames[] = {"scale", "B", "input_mean", "input_var"};
  for (auto [index, operand] : llvm::enumerate(getOperands().drop_front(1))) {
    Dims dims = scope.dims(operand);
    if (dims.size() != 1 ||
        (known(dims[0]) && known(channels) && dims[0] != channels))
      return emitOpError() << kNames[index] << " is " << toString(dims)
                           << ", and X has " << toString(channels)
                           << " channels";
  }
  if (!getTrainingMode() && getNumResults() > 1)
    return emitOpError()
           << "running statistics are results in training mode only";
  if (failed(scope.set(getOperation()->getResult(0), elementTypeOf(getX()), x)))
    return failure();
  for (auto [result, operand] : {std::pair(getRunningMean(), getInputMean()),
                                 std::pair(getRunningVar(), getInputVar())})
    if (result &&
        failed(scope.set(cast<OpResult>(result), elementTypeOf(operand),
                         scope.dims(operand))))
      return failure();
  return success();
}

namespace {
/// All is computed in one float type, `type`, and rounded once.
class BatchNormalization {
public:
  BatchNormalization(BatchNormalizationOp op, Lowering &l)
      : op(op), l(l), elementType(elementTypeOf(op.getX())),
        type(wideType(elementType)), rank(l.scope.rank(op.getX())),
        x(l.lowered(op.getX())), sizes(l.sizesOf(x)),
        channels{rank > 1 ? sizes[1] : OpFoldResult(l.getIndexAttr(1))},
        all(l.getMultiDimIdentityMap(rank)), one(l.getMultiDimIdentityMap(1)),
        byChannel(AffineMap::get(
            rank, 0,
            {rank > 1 ? l.getAffineDimExpr(1) : l.getAffineConstantExpr(0)},
            l.getContext())) {
    for (Value operand : op->getOperands())
      if (elementTypeOf(operand).isF64())
        type = l.getF64Type();
  }

  SmallVector<Value> run();

private:
  void requireChannels();
  Value parameter(Value operand) {
    return l.convert(l.lowered(operand), elementTypeOf(operand), type);
  }
  /// The mean and the variance of each channel of x.
  std::pair<Value, Value> statistics();
  /// A running statistic, as a result.
  Value blend(Value before, Value now, Value result);
  Value normalized(Value mean, Value variance);

  BatchNormalizationOp op;
  Lowering &l;
  Type elementType, type;
  int64_t rank;
  Value x;
  SmallVector<OpFoldResult> sizes, channels;
  AffineMap all, one, byChannel;
};
} // namespace

void BatchNormalization::requireChannels() {
  Dim channelDim = rank > 1 ? l.scope.dim(op.getX(), 1) : l.scope.constant(1);
  for (Value operand : op->getOperands().drop_front(1))
    if (l.scope.dim(operand, 0) != channelDim)
      l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                      l.index(l.size(l.scope.dim(operand, 0))),
                                      l.index(channels[0])),
                Status::BadShape,
                "parameters of a batch normalization do not fit its channels");
}

std::pair<Value, Value> BatchNormalization::statistics() {
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  OpFoldResult count = sizes[0];
  if (rank > 1) {
    iterators[1] = utils::IteratorType::parallel;
    for (int64_t axis = 2; axis < rank; ++axis)
      count = mulIndex(l, count, sizes[axis]);
  }
  Value terms = castScalar(
      l, arith::IndexCastOp::create(l, l.getI64Type(), l.index(count)),
      l.getI64Type(), type);
  auto divide = [&](Value sums) {
    return l.generic(type, channels, {{sums, type, one}},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::DivFOp::create(b, args[0], terms);
                     });
  };
  Value zeros = l.filled(type, channels, l.zero(type));
  Value mean =
      divide(l.reduce(zeros, type, byChannel, {{x, elementType, all}},
                      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
                        return sum(b, args[1],
                                   castScalar(b, args[0], elementType, type));
                      }));
  Value variance = divide(l.reduce(
      zeros, type, byChannel, {{x, elementType, all}, {mean, type, byChannel}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value centred = arith::SubFOp::create(
            b, castScalar(b, args[0], elementType, type), args[1]);
        return arith::AddFOp::create(
            b, args[2], arith::MulFOp::create(b, centred, centred));
      }));
  return {mean, variance};
}

Value BatchNormalization::blend(Value before, Value now, Value result) {
  double momentum = op.getMomentum().convertToDouble();
  Type resultType = elementTypeOf(result);
  return l.generic(
      resultType, channels, {{before, type, one}, {now, type, one}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        auto times = [&](Value value, double factor) {
          return arith::MulFOp::create(
              b, value,
              arith::ConstantOp::create(b, b.getFloatAttr(type, factor)));
        };
        return castScalar(b,
                          arith::AddFOp::create(b, times(args[0], momentum),
                                                times(args[1], 1 - momentum)),
                          type, resultType);
      });
}

Value BatchNormalization::normalized(Value mean, Value variance) {
  double epsilon = op.getEpsilon().convertToDouble();
  Value factor = l.generic(
      type, channels,
      {{parameter(op.getScale()), type, one}, {variance, type, one}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value shifted = arith::AddFOp::create(
            b, args[1],
            arith::ConstantOp::create(b, b.getFloatAttr(type, epsilon)));
        return arith::DivFOp::create(b, args[0],
                                     math::SqrtOp::create(b, shifted));
      });
  return l.generic(elementType, sizes,
                   {{x, elementType, all},
                    {mean, type, byChannel},
                    {factor, type, byChannel},
                    {parameter(op.getB()), type, byChannel}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     Value centred = arith::SubFOp::create(
                         b, castScalar(b, args[0], elementType, type), args[1]);
                     Value scaled = arith::MulFOp::create(b, centred, args[2]);
                     return castScalar(
                         b, arith::AddFOp::create(b, scaled, args[3]), type,
                         elementType);
                   });
}

SmallVector<Value> BatchNormalization::run() {
  requireChannels();
  Value mean = parameter(op.getInputMean()),
        variance = parameter(op.getInputVar());
  SmallVector<Value> running;
  if (op.getTrainingMode()) {
    auto [batchMean, batchVariance] = statistics();
    if (op.getRunningMean())
      running.push_back(blend(mean, batchMean, op.getRunningMean()));
    if (op.getRunningVar())
      running.push_back(blend(variance, batchVariance, op.getRunningVar()));
    mean = batchMean;
    variance = batchVariance;
  }
  SmallVector<Value> results{normalized(mean, variance)};
  results.append(running);
  return results;
}

FailureOr<SmallVector<Value>> BatchNormalizationOp::lower(Lowering &l) {
  return BatchNormalization(*this, l).run();
}
