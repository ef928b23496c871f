// Convolution.cpp - sums of products over windows.
#include "ir/ops/Convolution.h"
#include "ir/Ops.h"

#define GET_OP_CLASSES
#include "ir/ops/Convolution.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerConvolution(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Convolution.cpp.inc"
      >();
}

//===- What all convolutions share ----------------------------------------===//

LogicalResult nn::checkChannels(Operation *op, const WindowOperands &operands,
                                ShapeScope &scope, bool isTransposed) {
  int64_t xRank = scope.rank(operands.x), wRank = scope.rank(operands.w),
          group = operands.group;
  if (xRank < 3)
    return op->emitOpError() << "X has rank " << xRank
                             << "; it needs a batch, channels and spatial axes";
  if (wRank != xRank)
    return op->emitOpError()
           << "X has rank " << xRank << " and W has rank " << wRank;
  if (Type elementType = getElementTypeOrSelf(operands.x.getType());
      !elementType.isIntOrFloat() || elementType.isInteger(1))
    return op->emitOpError()
           << "X has elements of " << elementType << ", which are no numbers";
  Type xType = getElementTypeOrSelf(operands.x.getType()),
       wType = getElementTypeOrSelf(operands.w.getType());
  Type sums = isTransposed ? xType : productType(xType, wType);
  for (Value operand : op->getOperands()) {
    Type type = getElementTypeOrSelf(operand.getType());
    bool fits = sums == xType           ? type == xType
                : operand == operands.b ? type == sums
                                        : type.isInteger(8);
    if (!fits)
      return op->emitOpError()
             << "operands have elements of " << xType << " and " << type;
  }
  if (group < 1)
    return op->emitOpError() << "'group' is " << group;
  Dim channels = scope.dim(operands.x, 1), first = scope.dim(operands.w, 0),
      second = scope.dim(operands.w, 1);
  std::optional<int64_t> has = known(channels), split = known(first),
                         whole = known(second);
  if (isTransposed ? has && split && *has != *split
                   : has && whole && *has != *whole * group)
    return op->emitOpError() << "X has " << *has << " channels, W takes "
                             << (isTransposed ? *split : *whole * group);
  if (split && *split % group != 0)
    return op->emitOpError()
           << "W has " << *split << (isTransposed ? " input" : " output")
           << " channels, which " << group << " groups do not divide";
  if (Value bias = operands.b) {
    if (scope.rank(bias) != 1)
      return op->emitOpError()
             << "B has rank " << scope.rank(bias) << ", not 1";
    Dim out = isTransposed ? second * group : first,
        length = scope.dim(bias, 0);
    if (known(out) && known(length) && out != length)
      return op->emitOpError() << "B has " << *known(length) << " elements for "
                               << *known(out) << " output channels";
  }
  return success();
}

void nn::requireKernel(Lowering &l, const Windows &windows,
                       ArrayRef<Dim> weights) {
  for (auto [axis, dim] : llvm::zip(windows.axes, weights.drop_front(2)))
    l.requireEqual(axis.kernel, dim, "'kernel_shape' is not the shape of W");
}

//===- conv ---------------------------------------------------------------===//

FailureOr<Windows> ConvOp::windows(ShapeScope &scope) {
  return windowsOf(*this, scope);
}

LogicalResult ConvOp::inferShapes(ShapeScope &scope) {
  if (failed(checkChannels(*this, windowOperandsOf(*this), scope,
                           /*isTransposed=*/false)))
    return failure();
  FailureOr<Windows> windows = windowsOf(*this, scope);
  if (failed(windows))
    return failure();
  Dims dims{scope.dim(getX(), 0), scope.dim(getW(), 0)};
  llvm::append_range(dims, windows->positions());
  return scope.set(getOperation()->getResult(0),
                   productType(getElementTypeOrSelf(getX().getType()),
                               getElementTypeOrSelf(getW().getType())),
                   dims);
}

static Lowering::Operand loweredOperand(Lowering &l, Value value) {
  return {l.lowered(value), getElementTypeOrSelf(value.getType()), {}};
}

FailureOr<SmallVector<Value>> ConvOp::lower(Lowering &l) {
  Windows windows = *windowsOf(*this, l.scope);
  Dims x = l.scope.dims(getX()), w = l.scope.dims(getW());
  Dim channels = w[1] * static_cast<int64_t>(getGroup());
  l.requireEqual(x[1], channels,
                 "W takes another number of channels than X has");
  if (getB())
    l.requireEqual(
        l.scope.dim(getB(), 0), w[0],
        "B has another number of elements than W has output channels");
  requireKernel(l, windows, w);
  Type elementType = getElementTypeOrSelf(getY().getType()),
       sums = sumType(elementType);
  Lowering::Operand image = loweredOperand(l, getX());
  image.tensor = l.withSize(image.tensor, 1, channels);
  Value y =
      convolve(l, image, loweredOperand(l, getW()), windows, getGroup(), sums);
  return SmallVector<Value>{addChannelBias(
      l, y, sums, getB() ? l.lowered(getB()) : Value(), elementType)};
}
