// Extent.cpp - tensors made larger: repeated and bordered.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#define GET_OP_CLASSES
#include "ir/ops/Extent.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerExtent(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Extent.cpp.inc"
      >();
}

/// The operand if the result has its type and no size is left to run time.
static OpFoldResult foldToOperand(Value operand, Value result) {
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  return type && type == result.getType() && type.hasStaticShape()
             ? OpFoldResult(operand)
             : OpFoldResult();
}

//===- expand -------------------------------------------------------------===//

LogicalResult ExpandOp::inferShapes(ShapeScope &scope) {
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getInput().getType());
  std::optional<Dims> target = scope.elementsOrSymbols(getShape());
  if (!target)
    return emitOpError()
           << "the number of elements of 'shape' is not known when compiling";
  for (Dim size : *target)
    if (known(size).value_or(0) < 0)
      return emitOpError() << "'shape' has " << *known(size);
  FailureOr<Dims> dims =
      broadcastDims(*this, {scope.dims(getInput()), *target}, &scope);
  if (failed(dims) || failed(scope.set(result, elementType, *dims)))
    return failure();
  int64_t lead = dims->size() - scope.rank(getInput());
  auto type = cast<RankedTensorType>(getInput().getType());
  scope.followElements(result, getInput(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index.drop_front(lead));
    for (auto [axis, position] : llvm::enumerate(source))
      position = type.getDimSize(axis) == 1 ? 0 : position;
    return source;
  });
  return success();
}

FailureOr<SmallVector<Value>> ExpandOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput());
  Type stored = getElementTypeOrSelf(tensor.getType());
  Dims input = l.scope.dims(getInput()), dims = l.scope.dims(getOutput());
  Dims target = *l.scope.elementsOrSymbols(getShape());
  for (Dim size : target)
    (void)l.checkedSize(size);
  if (input == dims)
    return SmallVector<Value>{tensor};
  SmallVector<OpFoldResult> sizes = l.broadcastSizes({input, target}, dims);
  Lowering::Operand source = l.broadcast(tensor, stored, input, dims, sizes);
  return SmallVector<Value>{l.generic(
      stored, sizes, {source},
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; })};
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  return foldToOperand(getInput(), getOutput());
}

//===- tile ---------------------------------------------------------------===//

LogicalResult TileOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getInput());
  std::optional<Dims> repeats = scope.elementsOrSymbols(getRepeats());
  if (!repeats)
    return emitOpError()
           << "the number of elements of 'repeats' is not known when compiling";
  if (repeats->size() != dims.size())
    return emitOpError() << "'repeats' has " << repeats->size()
                         << " elements for " << dims.size() << " axes";
  for (auto [dim, times] : llvm::zip(dims, *repeats)) {
    if (known(times).value_or(0) < 0)
      return emitOpError() << "'repeats' has " << *known(times);
    dim = scope.product({dim, times});
  }
  OpResult result = getOperation()->getResult(0);
  if (failed(
          scope.set(result, getElementTypeOrSelf(getInput().getType()), dims)))
    return failure();
  auto type = cast<RankedTensorType>(getInput().getType());
  scope.followElements(result, getInput(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (auto [axis, position] : llvm::enumerate(source))
      position %= type.getDimSize(axis);
    return source;
  });
  return success();
}

FailureOr<SmallVector<Value>> TileOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput());
  Type stored = getElementTypeOrSelf(tensor.getType());
  Dims dims = l.scope.dims(getInput()),
       repeats = *l.scope.elementsOrSymbols(getRepeats());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor), spread;
  SmallVector<AffineExpr> source;
  SmallVector<ReassociationIndices> groups;
  // Copies and places within them are loops of their own; then each pair
  // becomes one axis.
  for (auto [axis, times] : llvm::enumerate(repeats)) {
    OpFoldResult copies = l.checkedSize(times);
    ReassociationIndices group;
    if (!isConstantIntValue(copies, 1)) {
      group.push_back(spread.size());
      spread.push_back(copies);
    }
    if (group.empty() || !isKnown(dims[axis], 1)) {
      group.push_back(spread.size());
      source.push_back(l.getAffineDimExpr(spread.size()));
      spread.push_back(sizes[axis]);
    } else {
      source.push_back(l.getAffineConstantExpr(0));
    }
    groups.push_back(group);
  }
  if (llvm::all_of(repeats, [](Dim times) { return isKnown(times, 1); }))
    return SmallVector<Value>{tensor};
  if (llvm::any_of(repeats, [](Dim times) { return isKnown(times, 0); }))
    return SmallVector<Value>{l.emptyFor(getOutput())};
  AffineMap map = AffineMap::get(spread.size(), 0, source, l.getContext());
  Value copies = l.generic(
      stored, spread, {{tensor, stored, map}},
      [](ImplicitLocOpBuilder &, ValueRange args) { return args[0]; });
  if (groups.size() == spread.size())
    return SmallVector<Value>{copies};
  return SmallVector<Value>{tensor::CollapseShapeOp::create(l, copies, groups)};
}

OpFoldResult TileOp::fold(FoldAdaptor) {
  return foldToOperand(getInput(), getOutput());
}

//===- pad, center_crop_pad -----------------------------------------------===//

enum class Border { Constant, Reflect, Edge, Wrap };

static std::optional<Border> borderNamed(StringRef mode) {
  return llvm::StringSwitch<std::optional<Border>>(mode)
      .Case("constant", Border::Constant)
      .Case("reflect", Border::Reflect)
      .Case("edge", Border::Edge)
      .Case("wrap", Border::Wrap)
      .Default(std::nullopt);
}

/// The element of a border as stored: `value`, or zero.
static Value borderElement(Lowering &l, Value value, Type stored) {
  if (!value)
    return arith::ConstantOp::create(l, l.getZeroAttr(stored));
  SmallVector<Value> first(cast<RankedTensorType>(value.getType()).getRank(),
                           l.index(0));
  return tensor::ExtractOp::create(l, value, first);
}

/// The place within [0, size) that `at` is reflected to. Dividing takes longer
/// than all the rest, and is done only where one reflection is not enough.
static Scalar reflected(ImplicitLocOpBuilder &b, const Scalar &at,
                        const Scalar &size, const Scalar &isNear) {
  Scalar last = size - 1;
  auto once = [&]() -> Value { return last - abs(abs(at) - last); };
  if (isNear.constant().value_or(0) != 0)
    return Scalar(b, once());
  auto choice = scf::IfOp::create(
      b, isNear,
      [&](OpBuilder &inner, Location loc) {
        scf::YieldOp::create(inner, loc, once());
      },
      [&](OpBuilder &inner, Location loc) {
        Scalar period = max(last * 2, last.number(1)), there = mod(at, period);
        scf::YieldOp::create(
            inner, loc, Value(select(there > last, period - there, there)));
      });
  return Scalar(b, choice.getResult(0));
}

/// `tensor` with `low` elements before and as many as `sizes` asks for after
/// it; negative ones cut off.
static Value withBorder(Lowering &l, Value tensor, ArrayRef<Scalar> low,
                        ArrayRef<Scalar> high, ArrayRef<OpFoldResult> sizes,
                        Border border, Value value) {
  Type stored = getElementTypeOrSelf(tensor.getType());
  SmallVector<OpFoldResult> sourceSizes = l.sizesOf(tensor);
  int64_t rank = sizes.size();
  auto isWide = [](const Scalar &width) {
    return width.constant().value_or(-1) >= 0;
  };
  if (border == Border::Constant && llvm::all_of(low, isWide) &&
      llvm::all_of(high, isWide)) {
    auto widths = [](ArrayRef<Scalar> scalars) {
      return llvm::map_to_vector(scalars, [](const Scalar &scalar) {
        return getAsOpFoldResult(Value(scalar));
      });
    };
    return l.pad(tensor, stored, widths(low), widths(high), value);
  }
  // What negative widths leave, [start, start + kept) along each axis, is
  // repeated or lies amid the constant.
  Scalar zero(l, l.index(0)), one(l, l.index(1)), isEmpty = one == 0;
  // Whether a reflection meets the far end of what it repeats once at most.
  SmallVector<Scalar> starts, kept, shifts, isNear;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Scalar size(l, sourceSizes[axis]);
    starts.push_back(min(max(-low[axis], zero), size));
    kept.push_back(max(size - starts[axis] - max(-high[axis], zero), zero));
    shifts.push_back(max(low[axis], zero));
    // A start beyond the tensor eats from the border that follows it.
    shifts[axis] = shifts[axis] - max(-low[axis] - size, zero);
    isEmpty = isEmpty | (kept[axis] == 0);
    isNear.push_back((low[axis] < kept[axis]) & (high[axis] < kept[axis]));
  }
  if (border != Border::Constant) {
    Scalar isNothing = one == 0;
    for (OpFoldResult size : sizes)
      isNothing = isNothing | (Scalar(l, size) == 0);
    l.require(!isEmpty | isNothing, Status::BadShape,
              "nothing to repeat in a border");
  }
  return l.generate(
      stored, sizes, [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
        SmallVector<Value> source;
        Scalar none(b, b.createOrFold<arith::ConstantIndexOp>(0)),
            isInside = none == 0;
        for (int64_t axis = 0; axis < rank; ++axis) {
          if (low[axis].constant() == 0 && high[axis].constant() == 0) {
            source.push_back(indices[axis]);
            continue;
          }
          Scalar at = Scalar(b, indices[axis]) - Scalar(b, Value(shifts[axis])),
                 size(b, Value(kept[axis]));
          switch (border) {
          case Border::Constant:
            isInside = isInside & (at >= 0) & (at < size);
            break;
          case Border::Edge:
            at = clamp(at, none, size - 1);
            break;
          case Border::Wrap:
            at = mod(at, size);
            break;
          case Border::Reflect:
            at = reflected(b, at, size, isNear[axis]);
            break;
          }
          source.push_back(at + Scalar(b, Value(starts[axis])));
        }
        if (border != Border::Constant)
          return tensor::ExtractOp::create(b, tensor, source);
        auto choice = scf::IfOp::create(
            b, isInside,
            [&](OpBuilder &inner, Location loc) {
              scf::YieldOp::create(
                  inner, loc,
                  tensor::ExtractOp::create(inner, loc, tensor, source)
                      .getResult());
            },
            [&](OpBuilder &inner, Location loc) {
              scf::YieldOp::create(inner, loc, value);
            });
        return choice.getResult(0);
      });
}

LogicalResult PadOp::inferShapes(ShapeScope &scope) {
  if (!borderNamed(getMode()))
    return emitOpError() << "'mode' is '" << getMode()
                         << "' instead of constant, reflect, edge or wrap";
  Dims dims = scope.dims(getData());
  int64_t rank = dims.size();
  std::optional<Dims> pads = scope.elementsOrSymbols(getPads());
  std::optional<Dims> axes =
      getAxes() ? scope.elementsOrSymbols(getAxes()) : std::nullopt;
  if (!pads || (getAxes() && !axes))
    return emitOpError() << "the number of elements of 'pads' or 'axes' is not "
                            "known when compiling";
  int64_t count = axes ? axes->size() : rank;
  if (static_cast<int64_t>(pads->size()) != 2 * count)
    return emitOpError() << "'pads' has " << pads->size() << " elements for "
                         << count << " axes";
  if (getConstantValue() &&
      getElementTypeOrSelf(getConstantValue().getType()) !=
          getElementTypeOrSelf(getData().getType()))
    return emitOpError() << "'constant_value' has element type "
                         << getElementTypeOrSelf(getConstantValue().getType());
  if (getConstantValue() &&
      llvm::any_of(scope.dims(getConstantValue()),
                   [](Dim dim) { return !isKnown(dim, 1); }))
    return emitOpError() << "'constant_value' has shape "
                         << toString(scope.dims(getConstantValue()))
                         << " instead of one element";
  Dims result = dims;
  for (int64_t index = 0; index < count; ++index) {
    std::optional<int64_t> axis = axes ? known((*axes)[index]) : index;
    if (!axis) {
      result.assign(rank, Dim());
      break;
    }
    FailureOr<int64_t> normal = normalizeAxis(*this, *axis, rank);
    if (failed(normal))
      return failure();
    constexpr int64_t kMaxWidth = int64_t(1) << 40;
    for (Dim width : {(*pads)[index], (*pads)[count + index]})
      if (int64_t count = known(width).value_or(0);
          count > kMaxWidth || count < -kMaxWidth)
        return emitOpError() << "'pads' has " << *known(width);
    result[*normal] = result[*normal] + (*pads)[index] + (*pads)[count + index];
  }
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getData().getType()), result);
}

FailureOr<SmallVector<Value>> PadOp::lower(Lowering &l) {
  Value tensor = l.lowered(getData());
  SmallVector<OpFoldResult> sourceSizes = l.sizesOf(tensor), sizes;
  int64_t rank = sourceSizes.size();
  Scalar zero(l, l.index(0));
  SmallVector<Scalar> low(rank, zero), high(rank, zero);
  int64_t count = l.scope.elementsOrSymbols(getPads())->size() / 2;
  for (int64_t index = 0; index < count; ++index) {
    Scalar before(l, l.element(getPads(), index)),
        after(l, l.element(getPads(), count + index));
    Scalar named(l, getAxes() ? l.element(getAxes(), index)
                              : OpFoldResult(l.getIndexAttr(index)));
    l.require((named >= -rank) & (named < rank), Status::BadValue,
              "an axis is out of range");
    for (int64_t axis = 0; axis < rank; ++axis) {
      Scalar isMeant = (named == axis) | (named == axis - rank);
      low[axis] = select(isMeant, before, low[axis]);
      high[axis] = select(isMeant, after, high[axis]);
    }
  }
  constexpr int64_t kMaxWidth = int64_t(1) << 40;
  for (auto [axis, dim] : llvm::enumerate(l.scope.dims(getOutput()))) {
    for (const Scalar &width : {low[axis], high[axis]})
      l.require((width <= kMaxWidth) & (width >= -kMaxWidth), Status::BadValue,
                "a width is out of range");
    Scalar total = Scalar(l, sourceSizes[axis]) + low[axis] + high[axis];
    l.require(total >= 0, Status::BadShape, "a size is negative");
    sizes.push_back(l.agree(getAsOpFoldResult(Value(total)), dim));
  }
  Value constant = getConstantValue() ? l.lowered(getConstantValue()) : Value();
  Value value =
      borderElement(l, constant, getElementTypeOrSelf(tensor.getType()));
  return SmallVector<Value>{
      withBorder(l, tensor, low, high, sizes, *borderNamed(getMode()), value)};
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  // Equal sizes can hide a shift; only widths of zero are nothing.
  auto pads = getPads().getDefiningOp<ConstantOp>();
  std::optional<SmallVector<int64_t>> widths =
      pads ? readIntegers(pads.getValue(), kMaxKnownElements) : std::nullopt;
  bool isNothing =
      widths && llvm::all_of(*widths, [](int64_t width) { return width == 0; });
  return isNothing && getData().getType() == getType() ? OpFoldResult(getData())
                                                       : OpFoldResult();
}

/// The axis that each element of 'shape' is about.
static FailureOr<SmallVector<int64_t>> croppedAxes(CenterCropPadOp op,
                                                   ShapeScope &scope) {
  int64_t rank = scope.rank(op.getInputData());
  SmallVector<int64_t> axes =
      op.getAxes() ? SmallVector<int64_t>(*op.getAxes())
                   : llvm::to_vector(llvm::seq<int64_t>(0, rank));
  for (int64_t &axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  for (auto [index, axis] : llvm::enumerate(axes))
    if (llvm::is_contained(llvm::drop_begin(axes, index + 1), axis))
      return op.emitOpError() << "'axes' has axis " << axis << " twice";
  return axes;
}

LogicalResult CenterCropPadOp::inferShapes(ShapeScope &scope) {
  FailureOr<SmallVector<int64_t>> axes = croppedAxes(*this, scope);
  if (failed(axes))
    return failure();
  std::optional<Dims> shape = scope.elementsOrSymbols(getShape());
  if (!shape || shape->size() != axes->size())
    return emitOpError() << "'shape' has "
                         << (shape ? Twine(shape->size())
                                   : Twine("an unknown number of"))
                         << " elements for " << axes->size() << " axes";
  Dims dims = scope.dims(getInputData());
  for (auto [axis, size] : llvm::zip(*axes, *shape))
    dims[axis] = size;
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInputData().getType()), dims);
}

FailureOr<SmallVector<Value>> CenterCropPadOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInputData());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  Scalar zero(l, l.index(0)), two(l, l.index(2));
  SmallVector<Scalar> low(sizes.size(), zero), high = low;
  Dims dims = l.scope.dims(getOutputData());
  SmallVector<int64_t> axes = *croppedAxes(*this, l.scope);
  for (int64_t axis : axes) {
    OpFoldResult target = l.checkedSize(dims[axis]);
    Scalar size(l, sizes[axis]), room = Scalar(l, target) - size;
    // The odd element is cut off, or added, at the end.
    low[axis] = select(room >= 0, floorDiv(max(room, zero), two),
                       -floorDiv(max(-room, zero), two));
    high[axis] = room - low[axis];
    sizes[axis] = target;
  }
  Value value =
      borderElement(l, Value(), getElementTypeOrSelf(tensor.getType()));
  return SmallVector<Value>{
      withBorder(l, tensor, low, high, sizes, Border::Constant, value)};
}
