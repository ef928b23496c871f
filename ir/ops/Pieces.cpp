// Pieces.cpp - tensors joined, cut and turned around.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Pieces.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerPieces(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Pieces.cpp.inc"
      >();
}

//===- concat -------------------------------------------------------------===//

LogicalResult ConcatOp::inferShapes(ShapeScope &scope) {
  if (getInputs().empty())
    return emitOpError() << "has no inputs";
  Type elementType = getElementTypeOrSelf(getInputs()[0].getType());
  Dims dims = scope.dims(getInputs()[0]);
  FailureOr<int64_t> axis = normalizeAxis(*this, getAxis(), dims.size());
  if (failed(axis))
    return failure();
  for (auto [index, input] : llvm::enumerate(getInputs().drop_front())) {
    Dims other = scope.dims(input);
    if (getElementTypeOrSelf(input.getType()) != elementType)
      return emitOpError() << "input " << index + 1 << " has element type "
                           << getElementTypeOrSelf(input.getType())
                           << " and input 0 " << elementType;
    bool fits = other.size() == dims.size();
    for (size_t at = 0; fits && at < dims.size(); ++at) {
      if (static_cast<int64_t>(at) == *axis) {
        dims[at] = dims[at] + other[at];
        continue;
      }
      fits = dims[at] == other[at] || !known(dims[at]) || !known(other[at]);
      if (known(other[at]))
        dims[at] = other[at];
    }
    if (!fits)
      return emitOpError() << "input " << index + 1 << " has shape "
                           << toString(other) << ", which does not fit "
                           << toString(scope.dims(getInputs()[0]))
                           << " along axis " << *axis;
  }
  OpResult result = getOperation()->getResult(0);
  if (failed(scope.set(result, elementType, dims)))
    return failure();
  followParts(scope, *axis);
  return success();
}

void ConcatOp::followParts(ShapeScope &scope, int64_t axis) {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape() || type.getNumElements() > kMaxKnownElements ||
      !isa<IntegerType>(type.getElementType()))
    return;
  SmallVector<std::optional<Dims>> parts;
  SmallVector<int64_t> chunks;
  bool knowsAny = false;
  int64_t outer = 1;
  for (int64_t size : type.getShape().take_front(axis))
    outer *= size;
  for (Value input : getInputs()) {
    auto inputType = cast<RankedTensorType>(input.getType());
    if (!inputType.hasStaticShape() || outer == 0)
      return;
    parts.push_back(scope.elements(input));
    chunks.push_back(inputType.getNumElements() / outer);
    knowsAny |= parts.back().has_value();
  }
  if (!knowsAny)
    return;
  Dims all;
  for (int64_t row = 0; row < outer; ++row)
    for (auto [part, chunk] : llvm::zip(parts, chunks))
      for (int64_t index = 0; index < chunk; ++index)
        all.push_back(part ? (*part)[row * chunk + index] : Dim());
  scope.setElements(getOperation()->getResult(0), all);
}

/// The tensors side by side in `room`, along `axis`.
static Value placed(Lowering &l, ArrayRef<Value> tensors, Value room,
                    int64_t axis) {
  OpFoldResult offset = l.getIndexAttr(0);
  for (Value tensor : tensors) {
    room = l.insert(tensor, room, axis, offset);
    offset = addIndex(l, offset, l.sizesOf(tensor)[axis]);
  }
  return room;
}

/// Fewer tensors with the same in them. What analyses take grows with the cube
/// of how many go into one: 1000 of 4x3 took minutes.
static SmallVector<Value> joinedInGroups(Lowering &l, ArrayRef<Value> tensors,
                                         ConcatOp op, int64_t axis) {
  constexpr size_t kGroup = 32;
  SmallVector<Value> groups;
  for (; !tensors.empty();
       tensors = tensors.drop_front(std::min(kGroup, tensors.size()))) {
    ArrayRef<Value> group = tensors.take_front(kGroup);
    SmallVector<OpFoldResult> sizes = l.sizes(op.getConcatResult());
    sizes[axis] = l.getIndexAttr(0);
    for (Value tensor : group)
      sizes[axis] = addIndex(l, sizes[axis], l.sizesOf(tensor)[axis]);
    Value room = l.empty(getElementTypeOrSelf(op.getType()), sizes);
    groups.push_back(placed(l, group, room, axis));
  }
  return groups;
}

FailureOr<SmallVector<Value>> ConcatOp::lower(Lowering &l) {
  Dims dims = l.scope.dims(getConcatResult());
  int64_t axis = *normalizeAxis(*this, getAxis(), dims.size());
  if (getInputs().size() == 1)
    return SmallVector<Value>{l.lowered(getInputs()[0])};
  for (Value input : getInputs())
    for (auto [at, dim] : llvm::enumerate(l.scope.dims(input)))
      if (static_cast<int64_t>(at) != axis && dim != dims[at])
        l.require(Scalar(l, l.size(dim)) == Scalar(l, l.size(dims[at])),
                  Status::BadShape,
                  ("tensors to join do not fit along axis " + Twine(at)).str());
  constexpr size_t kMany = 64;
  SmallVector<Value> tensors = llvm::map_to_vector(
      getInputs(), [&](Value input) { return l.lowered(input); });
  while (tensors.size() > kMany)
    tensors = joinedInGroups(l, tensors, *this, axis);
  return SmallVector<Value>{
      placed(l, tensors, l.emptyFor(getConcatResult()), axis)};
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 && getInputs()[0].getType() == getType()
             ? getInputs()[0]
             : OpFoldResult();
}

//===- split --------------------------------------------------------------===//

/// The sizes of the pieces; null where only run time knows.
static FailureOr<Dims> pieceSizes(SplitOp op, ShapeScope &scope) {
  int64_t count = op.getOutputs().size();
  FailureOr<int64_t> axis =
      normalizeAxis(op, op.getAxis(), scope.rank(op.getInput()));
  if (failed(axis))
    return failure();
  Dim whole = scope.dim(op.getInput(), *axis);
  if (op.getSplit()) {
    std::optional<Dims> sizes = scope.elementsOrSymbols(op.getSplit());
    if (sizes && static_cast<int64_t>(sizes->size()) != count)
      return op.emitOpError() << "'split' has " << sizes->size()
                              << " sizes for " << count << " outputs";
    if (!sizes)
      return op.emitOpError()
             << "the number of elements of 'split' is not known when compiling";
    std::optional<int64_t> total = known(scope.simplify(std::accumulate(
        sizes->begin(), sizes->end(), scope.constant(0), std::plus<Dim>())));
    for (Dim size : *sizes)
      if (known(size).value_or(0) < 0)
        return op.emitOpError() << "'split' has a size of " << *known(size);
    if (total && known(whole) && *total != *known(whole))
      return op.emitOpError()
             << "'split' adds up to " << *total << " of " << *known(whole);
    return *sizes;
  }
  if (op.getNumOutputs() && static_cast<int64_t>(*op.getNumOutputs()) != count)
    return op.emitOpError() << "'num_outputs' is " << *op.getNumOutputs()
                            << " and there are " << count << " outputs";
  if (count == 0)
    return op.emitOpError() << "has no outputs";
  Dim piece = scope.simplify(whole.ceilDiv(static_cast<uint64_t>(count))),
      last = scope.simplify(whole - piece * (count - 1));
  if (known(last).value_or(0) < 0)
    return op.emitOpError() << *known(whole) << " cannot be split into "
                            << count << " pieces of " << *known(piece);
  Dims sizes(count, piece);
  sizes.back() = last;
  return sizes;
}

LogicalResult SplitOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> sizes = pieceSizes(*this, scope);
  if (failed(sizes))
    return failure();
  Dims dims = scope.dims(getInput());
  int64_t axis = *normalizeAxis(*this, getAxis(), dims.size());
  Dim offset = scope.constant(0);
  for (auto [index, size] : llvm::enumerate(*sizes)) {
    OpResult result = getOperation()->getResult(index);
    dims[axis] = size;
    if (failed(scope.set(result, getElementTypeOrSelf(getInput().getType()),
                         dims)))
      return failure();
    if (std::optional<int64_t> first = known(offset))
      scope.followElements(result, getInput(), [&](ArrayRef<int64_t> place) {
        SmallVector<int64_t> source(place);
        source[axis] += *first;
        return source;
      });
    offset = offset + size;
  }
  return success();
}

FailureOr<SmallVector<Value>> SplitOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput());
  int64_t axis = *normalizeAxis(*this, getAxis(), l.scope.rank(getInput()));
  Dims sizes = *pieceSizes(*this, l.scope);
  Dim whole = l.scope.dim(getInput(), axis),
      total = std::accumulate(sizes.begin(), sizes.end(), l.scope.constant(0),
                              std::plus<Dim>());
  SmallVector<OpFoldResult> found =
      llvm::map_to_vector(sizes, [&](Dim size) { return l.checkedSize(size); });
  if (l.scope.simplify(total) != whole) {
    Scalar sum(l, l.index(0));
    for (OpFoldResult size : found)
      sum = sum + Scalar(l, size);
    l.require(sum == Scalar(l, l.size(whole)), Status::BadShape,
              "the sizes of a split do not add up");
  }
  SmallVector<Value> pieces;
  OpFoldResult offset = l.getIndexAttr(0);
  for (auto [output, size] : llvm::zip(getOutputs(), found)) {
    OpFoldResult agreed = l.agree(size, l.scope.dim(output, axis));
    pieces.push_back(l.slice(tensor, axis, offset, agreed));
    offset = addIndex(l, offset, agreed);
  }
  return pieces;
}

//===- slice --------------------------------------------------------------===//

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

FailureOr<SmallVector<Value>> SliceOp::lower(Lowering &l) {
  Value tensor = l.lowered(getData());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t rank = sizes.size();
  Dims dims = l.scope.dims(getOutput());
  Scalar zero(l, l.index(0)), one(l, l.index(1));
  SmallVector<Scalar> starts(rank, zero), ends, steps(rank, one);
  for (OpFoldResult size : sizes)
    ends.push_back(Scalar(l, size));
  SmallVector<bool> isCut(rank, false);
  std::optional<SmallVector<SliceBounds>> bounds =
      *writtenBounds(*this, l.scope);
  if (bounds) {
    for (const SliceBounds &cut : *bounds) {
      isCut[cut.axis] = true;
      starts[cut.axis] = Scalar(l, l.size(cut.start));
      ends[cut.axis] = Scalar(l, l.size(cut.end));
      steps[cut.axis] = Scalar(l, l.size(cut.step));
    }
  } else {
    isCut.assign(rank, true);
    int64_t count = *known(l.scope.dim(getStarts(), 0));
    for (int64_t index = 0; index < count; ++index) {
      Scalar axis(l, l.element(getAxes(), index));
      l.require((axis >= -rank) & (axis < rank), Status::BadValue,
                "an axis is out of range");
      for (int64_t at = 0; at < rank; ++at) {
        Scalar isMeant = (axis == at) | (axis == at - rank);
        starts[at] = select(isMeant, Scalar(l, l.element(getStarts(), index)),
                            starts[at]);
        ends[at] =
            select(isMeant, Scalar(l, l.element(getEnds(), index)), ends[at]);
        if (getSteps())
          steps[at] = select(isMeant, Scalar(l, l.element(getSteps(), index)),
                             steps[at]);
      }
    }
  }
  SmallVector<OpFoldResult> offsets(rank, l.getIndexAttr(0)), resultSizes,
      strides(rank, l.getIndexAttr(1));
  bool isView = true;
  for (int64_t at = 0; at < rank; ++at) {
    if (!isCut[at]) {
      resultSizes.push_back(sizes[at]);
      continue;
    }
    Scalar size(l, sizes[at]), step = steps[at], isForward = step > 0;
    l.require(step != 0, Status::BadValue, "a step of 0");
    Scalar last = select(isForward, size, size - 1);
    auto place = [&](const Scalar &bound, const Scalar &low) {
      return clamp(select(bound < 0, bound + size, bound), low, last);
    };
    Scalar start = place(starts[at], zero),
           end = place(ends[at], select(isForward, zero, zero - 1));
    // Counted without sign changes of `step`, which may be the least integer.
    Scalar length = max(select(isForward, end - start, start - end), zero);
    Scalar stride = max(select(isForward, step, -step), one);
    Scalar count = ceilDiv(length, stride);
    resultSizes.push_back(l.scope.isOwn(dims[at], getOutput())
                              ? getAsOpFoldResult(Value(count))
                              : l.agree(known(dims[at])
                                            ? getAsOpFoldResult(Value(count))
                                            : l.size(dims[at]),
                                        dims[at]));
    offsets[at] = getAsOpFoldResult(Value(start));
    strides[at] = getAsOpFoldResult(Value(step));
    isView &= step.constant().value_or(-1) > 0;
  }
  Type elementType = getElementTypeOrSelf(tensor.getType());
  // A piece of nothing is nothing, whatever run time says its size is.
  if (llvm::any_of(resultSizes, isZeroInteger) ||
      llvm::any_of(l.sizesOf(tensor), isZeroInteger))
    return SmallVector<Value>{l.empty(elementType, resultSizes)};
  if (isView)
    return SmallVector<Value>{tensor::ExtractSliceOp::create(
        l, tensor, offsets, resultSizes, strides)};
  // Backwards through sizes that are known: loops whose places are affine.
  auto areKnown = [](ArrayRef<OpFoldResult> values) {
    return llvm::all_of(values, [](OpFoldResult value) {
      return getConstantIntValue(value).has_value();
    });
  };
  if (areKnown(offsets) && areKnown(strides) && areKnown(resultSizes)) {
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
    return SmallVector<Value>{
        linalg::GenericOp::create(
            l, l.empty(elementType, resultSizes).getType(), tensor,
            l.empty(elementType, resultSizes),
            ArrayRef{AffineMap::get(rank, 0, places, l.getContext()),
                     l.getMultiDimIdentityMap(rank)},
            SmallVector<utils::IteratorType>(rank,
                                             utils::IteratorType::parallel),
            [](OpBuilder &inside, Location loc, ValueRange values) {
              linalg::YieldOp::create(inside, loc, values[0]);
            })
            .getResult(0)};
  }
  return SmallVector<Value>{
      l.generate(elementType, resultSizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
                   SmallVector<Value> source;
                   for (auto [index, offset, stride] :
                        llvm::zip(indices, offsets, strides))
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

//===- reverse_sequence ---------------------------------------------------===//

LogicalResult ReverseSequenceOp::inferShapes(ShapeScope &scope) {
  Dims input = scope.dims(getInput()), lengths = scope.dims(getSequenceLens());
  if (input.size() < 2)
    return emitOpError() << "'input' has rank " << input.size()
                         << " instead of 2 or more";
  int64_t batchAxis = getBatchAxis(), timeAxis = getTimeAxis();
  if (batchAxis + timeAxis != 1 || batchAxis * timeAxis != 0)
    return emitOpError() << "'batch_axis' is " << batchAxis
                         << " and 'time_axis' " << timeAxis
                         << " instead of 0 and 1 in either order";
  Dim batch = input[batchAxis];
  if (lengths.size() != 1 ||
      (known(lengths[0]) && known(batch) && lengths[0] != batch))
    return emitOpError() << "'sequence_lens' has shape " << toString(lengths)
                         << " for a batch of " << toString({batch});
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), input);
}

FailureOr<SmallVector<Value>> ReverseSequenceOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput()), lengths = l.lowered(getSequenceLens());
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t batch = getBatchAxis(), time = getTimeAxis();
  l.require(Scalar(l, l.sizesOf(lengths)[0]) == Scalar(l, sizes[batch]),
            Status::BadShape, "as many sequence lengths as sequences");
  Scalar steps(l, sizes[time]);
  return SmallVector<Value>{l.generate(
      getElementTypeOrSelf(tensor.getType()), sizes,
      [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
        Scalar length =
            Scalar(b, tensor::ExtractOp::create(b, lengths, indices[batch])
                          .getResult())
                .toIndex();
        Scalar at(b, indices[time]), end = min(length, Scalar(b, steps));
        SmallVector<Value> source(indices);
        source[time] = select(at < end, end - 1 - at, at);
        return tensor::ExtractOp::create(b, tensor, source);
      })};
}
