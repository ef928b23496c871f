// Slice.cpp - parts of tensors between bounds, with steps.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

namespace {
/// One axis of a slice as it is written: which elements of `starts`, `ends` and
/// `steps` are about it.
struct SliceBounds {
  int64_t axis;
  Dim start, end, step;
};
} // namespace

/// Bounds beyond any size, which exporters write for "to the end".
static bool isBeyondAll(int64_t bound) {
  return bound >= std::numeric_limits<int32_t>::max() ||
         bound <= -std::numeric_limits<int32_t>::max();
}

/// The written bounds; nothing when only run time knows the axes.
static FailureOr<std::optional<SmallVector<SliceBounds>>>
writtenBounds(SliceOp op, ShapeScope &scope) {
  std::optional<Dims> starts = scope.elementsOrSymbols(op.getStarts()),
                      ends = scope.elementsOrSymbols(op.getEnds());
  if (!starts || !ends)
    return op.emitOpError()
           << "the number of 'starts' or of 'ends' is not known when compiling";
  size_t count = starts->size();
  std::optional<Dims> steps = op.getSteps()
                                  ? scope.elementsOrSymbols(op.getSteps())
                                  : Dims(count, scope.constant(1));
  std::optional<Dims> axes =
      op.getAxes() ? scope.elementsOrSymbols(op.getAxes()) : std::nullopt;
  if (ends->size() != count || !steps || steps->size() != count ||
      (op.getAxes() && (!axes || axes->size() != count)))
    return op.emitOpError() << "'starts', 'ends', 'axes' and 'steps' have "
                               "different numbers of elements";
  int64_t rank = scope.rank(op.getData());
  SmallVector<SliceBounds> bounds;
  for (size_t index = 0; index < count; ++index) {
    std::optional<int64_t> axis =
        axes ? known((*axes)[index]) : static_cast<int64_t>(index);
    if (!axis)
      return std::optional<SmallVector<SliceBounds>>();
    FailureOr<int64_t> normal = normalizeAxis(op, *axis, rank);
    if (failed(normal))
      return failure();
    if (llvm::any_of(bounds, [&](const SliceBounds &other) {
          return other.axis == *normal;
        }))
      return op.emitOpError() << "'axes' has axis " << *normal << " twice";
    if (known((*steps)[index]) == 0)
      return op.emitOpError() << "the step along axis " << *normal << " is 0";
    bounds.push_back(
        {*normal, (*starts)[index], (*ends)[index], (*steps)[index]});
  }
  return std::optional(bounds);
}

/// The size that bounds leave of a dim; null when it is no expression.
static Dim slicedDim(const SliceBounds &bounds, Dim dim, ShapeScope &scope) {
  std::optional<int64_t> step = known(bounds.step);
  constexpr int64_t kMaxStep = std::numeric_limits<int32_t>::max();
  if (!step || *step < -kMaxStep)
    return {};
  bool isForward = *step > 0;
  Dim zero = scope.constant(0), last = dim - 1;
  // A bound counted from the start, which may lie outside; null when its sign
  // is not known.
  auto place = [&](Dim bound, bool isEnd) -> Dim {
    std::optional<int64_t> value = known(bound);
    if (!value)
      return scope.isAtLeast(bound, 0) ? bound : Dim();
    if (isBeyondAll(*value))
      return *value > 0 ? (isForward ? dim : last)
                        : (isForward || !isEnd ? zero : scope.constant(-1));
    return *value < 0 ? dim + *value : bound;
  };
  Dim start = place(bounds.start, false), end = place(bounds.end, true);
  if (!start || !end)
    return {};
  Dim length;
  if (isForward) {
    // The last k elements, as many as there are.
    std::optional<int64_t> back = known(bounds.start);
    if (back && *back < 0 && !isBeyondAll(*back) && end == dim)
      length = scope.minimum(scope.constant(-*back), dim);
    else
      length = scope.minimum(end, dim) - scope.maximum(start, zero);
  } else {
    length = scope.minimum(scope.maximum(start, zero), last) -
             scope.minimum(scope.maximum(end, scope.constant(-1)), last);
  }
  length = scope.maximum(length, zero);
  return isForward ? length.ceilDiv(std::min(*step, kMaxStep))
                   : length.ceilDiv(-*step);
}

LogicalResult SliceOp::inferShapes(ShapeScope &scope) {
  FailureOr<std::optional<SmallVector<SliceBounds>>> bounds =
      writtenBounds(*this, scope);
  if (failed(bounds))
    return failure();
  OpResult result = getOperation()->getResult(0);
  Dims data = scope.dims(getData()), dims = *bounds ? data : Dims(data.size());
  if (*bounds)
    for (const SliceBounds &one : **bounds)
      dims[one.axis] = slicedDim(one, data[one.axis], scope);
  if (failed(
          scope.set(result, getElementTypeOrSelf(getData().getType()), dims)))
    return failure();
  // Where the elements lie is known when starts, steps and the dims are.
  if (!*bounds)
    return success();
  for (const SliceBounds &one : **bounds)
    if (!known(one.start) || !known(one.step) || !known(data[one.axis]))
      return success();
  scope.followElements(result, getData(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (const SliceBounds &one : **bounds) {
      int64_t size = *known(data[one.axis]), start = *known(one.start),
              step = *known(one.step);
      start = std::clamp<int64_t>(
          start < 0 ? std::max(start, -size) + size : start, 0,
          std::max<int64_t>(step > 0 ? size : size - 1, 0));
      source[one.axis] = start + index[one.axis] * step;
    }
    return source;
  });
  return success();
}

namespace {
/// Bounds of each axis as the operands have them, before they are brought into
/// the tensor.
struct Cuts {
  SmallVector<Scalar> starts, ends, steps;
  SmallVector<bool> isCut;
};

/// What is left of each axis.
struct Pieces {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  /// All steps are known to go forwards.
  bool isView = true;
};
} // namespace

static Cuts cutsOf(SliceOp op, Lowering &l, ArrayRef<OpFoldResult> sizes) {
  int64_t rank = sizes.size();
  Scalar zero(l, l.index(0)), one(l, l.index(1));
  Cuts cuts{SmallVector<Scalar>(rank, zero),
            {},
            SmallVector<Scalar>(rank, one),
            SmallVector<bool>(rank, false)};
  auto &[starts, ends, steps, isCut] = cuts;
  for (OpFoldResult size : sizes)
    ends.push_back(Scalar(l, size));
  std::optional<SmallVector<SliceBounds>> bounds = *writtenBounds(op, l.scope);
  if (bounds) {
    for (const SliceBounds &cut : *bounds) {
      isCut[cut.axis] = true;
      starts[cut.axis] = Scalar(l, l.size(cut.start));
      ends[cut.axis] = Scalar(l, l.size(cut.end));
      steps[cut.axis] = Scalar(l, l.size(cut.step));
    }
  } else {
    isCut.assign(rank, true);
    int64_t count = *known(l.scope.dim(op.getStarts(), 0));
    for (int64_t index = 0; index < count; ++index) {
      Scalar axis(l, l.element(op.getAxes(), index));
      l.require((axis >= -rank) & (axis < rank), Status::BadValue,
                "an axis is out of range");
      for (int64_t at = 0; at < rank; ++at) {
        Scalar isMeant = (axis == at) | (axis == at - rank);
        starts[at] = select(
            isMeant, Scalar(l, l.element(op.getStarts(), index)), starts[at]);
        ends[at] = select(isMeant, Scalar(l, l.element(op.getEnds(), index)),
                          ends[at]);
        if (op.getSteps())
          steps[at] = select(
              isMeant, Scalar(l, l.element(op.getSteps(), index)), steps[at]);
      }
    }
  }
  return cuts;
}

static Pieces piecesOf(SliceOp op, Lowering &l, ArrayRef<OpFoldResult> sizes) {
  int64_t rank = sizes.size();
  Dims dims = l.scope.dims(op.getOutput());
  Cuts cuts = cutsOf(op, l, sizes);
  Scalar zero(l, l.index(0)), one(l, l.index(1));
  Pieces pieces;
  pieces.offsets.assign(rank, l.getIndexAttr(0));
  pieces.strides.assign(rank, l.getIndexAttr(1));
  for (int64_t at = 0; at < rank; ++at) {
    if (!cuts.isCut[at]) {
      pieces.sizes.push_back(sizes[at]);
      continue;
    }
    Scalar size(l, sizes[at]), step = cuts.steps[at], isForward = step > 0;
    l.require(step != 0, Status::BadValue, "a step of 0");
    Scalar last = select(isForward, size, size - 1);
    auto place = [&](const Scalar &bound, const Scalar &low) {
      return clamp(select(bound < 0, bound + size, bound), low, last);
    };
    Scalar start = place(cuts.starts[at], zero),
           end = place(cuts.ends[at], select(isForward, zero, zero - 1));
    // Counted without sign changes of `step`, which may be the least integer.
    Scalar length = max(select(isForward, end - start, start - end), zero);
    Scalar stride = max(select(isForward, step, -step), one);
    Scalar count = ceilDiv(length, stride);
    pieces.sizes.push_back(l.scope.isOwn(dims[at], op.getOutput())
                               ? getAsOpFoldResult(Value(count))
                               : l.agree(known(dims[at])
                                             ? getAsOpFoldResult(Value(count))
                                             : l.size(dims[at]),
                                         dims[at]));
    pieces.offsets[at] = getAsOpFoldResult(Value(start));
    pieces.strides[at] = getAsOpFoldResult(Value(step));
    pieces.isView &= step.constant().value_or(-1) > 0;
  }
  return pieces;
}

/// Backwards through sizes that are known: loops whose places are affine.
static Value affinePieces(Lowering &l, Value tensor,
                          ArrayRef<OpFoldResult> sizes, Pieces pieces) {
  auto &[offsets, resultSizes, strides, isView] = pieces;
  int64_t rank = sizes.size();
  Type elementType = getElementTypeOrSelf(tensor.getType());
  // What goes forwards is cut before: places that are a loop's own number
  // would stand for the whole axis.
  SmallVector<OpFoldResult> begins(offsets), lengths(resultSizes),
      steps(strides);
  for (int64_t at = 0; at < rank; ++at) {
    bool isBackward = *getConstantIntValue(strides[at]) < 0;
    if (isBackward) {
      begins[at] = l.getIndexAttr(0);
      lengths[at] = sizes[at];
      steps[at] = l.getIndexAttr(1);
    } else {
      offsets[at] = l.getIndexAttr(0);
      strides[at] = l.getIndexAttr(1);
    }
  }
  tensor = tensor::ExtractSliceOp::create(l, tensor, begins, lengths, steps);
  SmallVector<AffineExpr> places;
  for (int64_t at = 0; at < rank; ++at)
    places.push_back(l.getAffineDimExpr(at) *
                         *getConstantIntValue(strides[at]) +
                     *getConstantIntValue(offsets[at]));
  return linalg::GenericOp::create(
             l, l.empty(elementType, resultSizes).getType(), tensor,
             l.empty(elementType, resultSizes),
             ArrayRef{AffineMap::get(rank, 0, places, l.getContext()),
                      l.getMultiDimIdentityMap(rank)},
             SmallVector<utils::IteratorType>(rank,
                                              utils::IteratorType::parallel),
             [](OpBuilder &inside, Location loc, ValueRange values) {
               linalg::YieldOp::create(inside, loc, values[0]);
             })
      .getResult(0);
}

FailureOr<SmallVector<Value>> SliceOp::lower(Lowering &l) {
  Value tensor = l.lowered(getData());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  Pieces pieces = piecesOf(*this, l, sizes);
  Type elementType = getElementTypeOrSelf(tensor.getType());
  // A piece of nothing is nothing, whatever run time says its size is.
  if (llvm::any_of(pieces.sizes, isZeroInteger) ||
      llvm::any_of(l.sizesOf(tensor), isZeroInteger))
    return SmallVector<Value>{l.empty(elementType, pieces.sizes)};
  if (pieces.isView)
    return SmallVector<Value>{tensor::ExtractSliceOp::create(
        l, tensor, pieces.offsets, pieces.sizes, pieces.strides)};
  auto areKnown = [](ArrayRef<OpFoldResult> values) {
    return llvm::all_of(values, [](OpFoldResult value) {
      return getConstantIntValue(value).has_value();
    });
  };
  if (areKnown(pieces.offsets) && areKnown(pieces.strides) &&
      areKnown(pieces.sizes))
    return SmallVector<Value>{affinePieces(l, tensor, sizes, pieces)};
  return SmallVector<Value>{
      l.generate(elementType, pieces.sizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
                   SmallVector<Value> source;
                   for (auto [index, offset, stride] :
                        llvm::zip(indices, pieces.offsets, pieces.strides))
                     source.push_back(Scalar(b, offset) +
                                      Scalar(b, index) * Scalar(b, stride));
                   return tensor::ExtractOp::create(b, tensor, source);
                 })};
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  auto type = dyn_cast<RankedTensorType>(getType());
  // Equal static shapes and forward steps leave everything in its place.
  if (!type || type != getData().getType() || !type.hasStaticShape())
    return {};
  if (!getSteps())
    return getData();
  auto steps = getSteps().getDefiningOp<ConstantOp>();
  std::optional<SmallVector<int64_t>> values =
      steps ? readIntegers(steps.getValue(), kMaxKnownElements) : std::nullopt;
  return values && llvm::all_of(*values, [](int64_t step) { return step == 1; })
             ? getData()
             : OpFoldResult();
}
