// Pieces.cpp - tensors joined, cut and turned around.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

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
/// of how many go into one: 1000 of 4x3 took minutes. Each has memory of its
/// own, or they would all be one again in the end.
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
    Value like = l.empty(getElementTypeOrSelf(op.getType()), sizes);
    auto empty = like.getDefiningOp<tensor::EmptyOp>();
    Value room = bufferization::AllocTensorOp::create(l, empty.getType(),
                                                      empty.getDynamicSizes());
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
