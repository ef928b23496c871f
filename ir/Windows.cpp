// Windows.cpp - windows that slide over the spatial axes of a tensor:
// convolutions and pools.
#include "ir/Windows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- Attributes ---------------------------------------------------------===//

FailureOr<AutoPad> nn::autoPadOf(Operation *op, StringRef word) {
  std::optional<AutoPad> found =
      llvm::StringSwitch<std::optional<AutoPad>>(word)
          .Cases({"NOTSET", ""}, AutoPad::NotSet)
          .Case("SAME_UPPER", AutoPad::SameUpper)
          .Case("SAME_LOWER", AutoPad::SameLower)
          .Case("VALID", AutoPad::Valid)
          .Default(std::nullopt);
  if (!found)
    return op->emitOpError()
           << "'auto_pad' is \"" << word
           << "\", not NOTSET, SAME_UPPER, SAME_LOWER or VALID";
  return *found;
}

FailureOr<SmallVector<int64_t>>
nn::axisValues(Operation *op, StringRef name,
               std::optional<ArrayRef<int64_t>> values, size_t rank,
               int64_t otherwise, int64_t least, size_t perAxis) {
  constexpr int64_t kGreatest = std::numeric_limits<int32_t>::max();
  if (!values || values->empty())
    return SmallVector<int64_t>(rank * perAxis, otherwise);
  if (values->size() != rank * perAxis)
    return op->emitOpError() << "'" << name << "' has " << values->size()
                             << " values for " << rank << " spatial axes";
  for (int64_t value : *values)
    if (value < least || value > kGreatest)
      return op->emitOpError()
             << "'" << name << "' has " << value << ", which is not in ["
             << least << ", " << kGreatest << "]";
  return SmallVector<int64_t>(*values);
}

FailureOr<Windows> Windows::get(Operation *op,
                                const WindowAttributes &attributes,
                                ArrayRef<Dim> input, ArrayRef<Dim> kernel) {
  size_t rank = input.size();
  FailureOr<AutoPad> autoPad = autoPadOf(op, attributes.autoPad);
  FailureOr<SmallVector<int64_t>> pads =
      axisValues(op, "pads", attributes.pads, rank, 0, 0, 2);
  FailureOr<SmallVector<int64_t>> strides =
      axisValues(op, "strides", attributes.strides, rank, 1, 1);
  FailureOr<SmallVector<int64_t>> dilations =
      axisValues(op, "dilations", attributes.dilations, rank, 1, 1);
  FailureOr<SmallVector<int64_t>> shape =
      axisValues(op, "kernel_shape", attributes.kernelShape, rank, 0, 1);
  if (failed(autoPad) || failed(pads) || failed(strides) || failed(dilations) ||
      failed(shape))
    return failure();
  Windows windows;
  windows.autoPad = *autoPad;
  // Windows that are as many as the steps of an axis hang over no border.
  windows.isCeil = attributes.isCeil && *autoPad != AutoPad::SameUpper &&
                   *autoPad != AutoPad::SameLower;
  bool isExplicit = *autoPad == AutoPad::NotSet;
  for (size_t axis = 0; axis < rank; ++axis) {
    Dim size = kernel[axis];
    if (int64_t said = (*shape)[axis]) {
      if (known(size) && !isKnown(size, said))
        return op->emitOpError() << "'kernel_shape' has " << said << " at "
                                 << axis << ", the kernel has " << *known(size);
      size = getAffineConstantExpr(said, op->getContext());
    }
    if (isKnown(size, 0))
      return op->emitOpError()
             << "the kernel is empty along spatial axis " << axis;
    windows.axes.push_back({input[axis], size, (*strides)[axis],
                            (*dilations)[axis], isExplicit ? (*pads)[axis] : 0,
                            isExplicit ? (*pads)[rank + axis] : 0});
  }
  return windows;
}

//===- Positions and borders ----------------------------------------------===//

Dim Windows::position(const WindowAxis &axis) const {
  if (autoPad == AutoPad::SameUpper || autoPad == AutoPad::SameLower)
    return (axis.input - 1).floorDiv(axis.stride) + 1;
  Dim beyond = axis.input + (axis.padLow + axis.padHigh) - axis.extent();
  if (!isCeil)
    return beyond.floorDiv(axis.stride) + 1;
  // Rounded up, but a window that would begin in the border at the end is left
  // out: the lesser of two quotients by the same divisor is the quotient of the
  // lesser.
  Dim upwards = beyond + (axis.stride - 1),
      last = axis.input + (axis.padLow - 1);
  std::optional<int64_t> extent = known(axis.extent());
  bool isUpwards = !extent || axis.padHigh + axis.stride <= *extent;
  return (isUpwards ? upwards : last).floorDiv(axis.stride) + 1;
}

Dims Windows::positions() const {
  return llvm::map_to_vector(
      axes, [&](const WindowAxis &axis) { return position(axis); });
}

/// The greater of a size and 0.
static OpFoldResult atLeastZero(Lowering &l, OpFoldResult size) {
  if (std::optional<int64_t> value = getConstantIntValue(size))
    return l.getIndexAttr(std::max<int64_t>(*value, 0));
  return getAsOpFoldResult(
      arith::MaxSIOp::create(l, l.index(size), l.index(0)).getResult());
}

Windows::Borders Windows::borders(Lowering &l) const {
  Borders borders;
  for (const WindowAxis &axis : axes) {
    if (autoPad == AutoPad::SameUpper || autoPad == AutoPad::SameLower) {
      OpFoldResult total = atLeastZero(
          l, l.size(axis.extent() - 1 - (axis.input - 1) % axis.stride));
      Value two = l.index(2);
      OpFoldResult lesser = getAsOpFoldResult(
          l.createOrFold<arith::DivUIOp>(l.index(total), two));
      OpFoldResult greater = subIndex(l, total, lesser);
      borders.low.push_back(autoPad == AutoPad::SameUpper ? lesser : greater);
      borders.high.push_back(autoPad == AutoPad::SameUpper ? greater : lesser);
      continue;
    }
    Dim positions = position(axis);
    if (!known(positions)) {
      Value fits = arith::CmpIOp::create(
          l, arith::CmpIPredicate::sge, l.index(l.size(positions)), l.index(0));
      l.require(fits, Status::BadShape,
                "a window is longer than what it slides over");
    }
    borders.low.push_back(l.getIndexAttr(axis.padLow));
    OpFoldResult high = l.getIndexAttr(axis.padHigh);
    if (isCeil) {
      OpFoldResult needed =
          l.size((positions - 1) * axis.stride + axis.extent() - axis.input -
                 (axis.padLow + axis.padHigh));
      high = addIndex(l, high, atLeastZero(l, needed));
    }
    borders.high.push_back(high);
  }
  return borders;
}

SmallVector<AffineExpr>
Windows::indices(MLIRContext *context, unsigned position, unsigned tap) const {
  SmallVector<AffineExpr> exprs;
  for (auto [index, axis] : llvm::enumerate(axes))
    exprs.push_back(getAffineDimExpr(position + index, context) * axis.stride +
                    getAffineDimExpr(tap + index, context) * axis.dilation);
  return exprs;
}

//===- Convolution --------------------------------------------------------===//

Type nn::sumType(Type elementType) {
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (isa<FloatType>(elementType))
    return width < 32 ? Float32Type::get(elementType.getContext())
                      : elementType;
  return width < 32 ? IntegerType::get(elementType.getContext(), 32)
                    : elementType;
}

Type nn::productType(Type left, Type right) {
  return left.isInteger(8) && right.isInteger(8)
             ? IntegerType::get(left.getContext(), 32)
             : left;
}

Value nn::convolve(Lowering &l, Lowering::Operand x, Lowering::Operand w,
                   const Windows &windows, int64_t group, Type sums) {
  MLIRContext *context = l.getContext();
  size_t rank = windows.rank();
  Windows::Borders borders = windows.borders(l);
  SmallVector<OpFoldResult> low(2, l.getIndexAttr(0)),
      high(2, l.getIndexAttr(0));
  llvm::append_range(low, borders.low);
  llvm::append_range(high, borders.high);
  Value padded =
            l.pad(x.tensor, x.elementType, low, high, l.zero(x.elementType)),
        taps = w.tensor;

  // Loops: batch, [group], [output channel], positions, [input channel], taps.
  // Depthwise convolutions have the group (with one channel in) in place of
  // both channels.
  auto taken = cast<RankedTensorType>(taps.getType());
  bool isGrouped = group != 1,
       isDepthwise = isGrouped && taken.getDimSize(1) == 1;
  bool hasOutChannel = !isDepthwise || taken.getDimSize(0) != group;
  OpFoldResult groups = l.getIndexAttr(group);
  SmallVector<OpFoldResult> weightSizes = l.sizesOf(taps);
  OpFoldResult channels = weightSizes[1];
  OpFoldResult outChannels = getAsOpFoldResult(
      l.createOrFold<arith::DivUIOp>(l.index(weightSizes[0]), l.index(groups)));
  if (isGrouped && !isDepthwise)
    padded = l.split(padded, 1, {groups, channels});
  if (isDepthwise)
    taps = l.merge(taps, 0, 2);
  if (isGrouped && hasOutChannel)
    taps = l.split(taps, 0, {groups, outChannels});

  unsigned next = 0;
  auto loop = [&](bool exists) -> std::optional<unsigned> {
    return exists ? std::optional(next++) : std::nullopt;
  };
  std::optional<unsigned> batchLoop = loop(true), groupLoop = loop(isGrouped),
                          outLoop = loop(hasOutChannel);
  unsigned positionLoop = next;
  next += rank;
  std::optional<unsigned> inLoop = loop(!isDepthwise);
  unsigned tapLoop = next;
  next += rank;
  auto exprsOf = [&](ArrayRef<std::optional<unsigned>> loops) {
    SmallVector<AffineExpr> exprs;
    for (std::optional<unsigned> loop : loops)
      if (loop)
        exprs.push_back(getAffineDimExpr(*loop, context));
    return exprs;
  };
  SmallVector<AffineExpr> xExprs = exprsOf({batchLoop, groupLoop, inLoop}),
                          wExprs = exprsOf({groupLoop, outLoop, inLoop}),
                          yExprs = exprsOf({batchLoop, groupLoop, outLoop});
  llvm::append_range(xExprs, windows.indices(context, positionLoop, tapLoop));
  for (unsigned axis = 0; axis < rank; ++axis) {
    wExprs.push_back(getAffineDimExpr(tapLoop + axis, context));
    yExprs.push_back(getAffineDimExpr(positionLoop + axis, context));
  }
  SmallVector<utils::IteratorType> iterators(next,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), positionLoop + rank,
              utils::IteratorType::parallel);

  SmallVector<OpFoldResult> sizes{l.sizesOf(x.tensor)[0]};
  if (isGrouped)
    sizes.push_back(groups);
  if (hasOutChannel)
    sizes.push_back(outChannels);
  llvm::append_range(sizes, l.sizes(windows.positions()));
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(next, 0, exprs, context);
  };
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange args) {
    Value product_ = product(b, castScalar(b, args[0], x.elementType, sums),
                             castScalar(b, args[1], w.elementType, sums));
    return sum(b, args[2], product_);
  };
  Value y = l.reduce(l.filled(sums, sizes, l.zero(sums)), sums, mapOf(yExprs),
                     {{padded, x.elementType, mapOf(xExprs)},
                      {taps, w.elementType, mapOf(wExprs)}},
                     iterators, body);
  return isGrouped && hasOutChannel ? l.merge(y, 1, 2) : y;
}

Value nn::addChannelBias(Lowering &l, Value sums, Type sumsType, Value bias,
                         Type elementType) {
  if (!bias && sumsType == elementType)
    return sums;
  SmallVector<OpFoldResult> sizes = l.sizesOf(sums);
  SmallVector<Lowering::Operand> inputs{
      {sums, sumsType, l.getMultiDimIdentityMap(sizes.size())}};
  if (bias)
    inputs.push_back({bias, elementType,
                      AffineMap::get(sizes.size(), 0, l.getAffineDimExpr(1))});
  return l.generic(
      elementType, sizes, inputs,
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        Value total =
            args.size() > 1
                ? sum(b, args[0], castScalar(b, args[1], elementType, sumsType))
                : args[0];
        return castScalar(b, total, sumsType, elementType);
      });
}
