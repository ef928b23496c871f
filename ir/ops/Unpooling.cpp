// Unpooling.cpp - images put together from what windows gave: max_unpool and
// col2im.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- max_unpool ---------------------------------------------------------===//

/// The sizes that the pooled image came from, as far as they can be told.
static FailureOr<Dims> unpooledDims(MaxUnpoolOp op, ShapeScope &scope) {
  Dims x = scope.dims(op.getX()), indices = scope.dims(op.getI());
  int64_t spatial = static_cast<int64_t>(x.size()) - 2;
  ArrayRef<int64_t> kernel = op.getKernelShape();
  SmallVector<int64_t> strides(kernel.size(), 1), pads(2 * kernel.size(), 0);
  if (op.getStrides())
    strides.assign(op.getStrides()->begin(), op.getStrides()->end());
  if (op.getPads())
    pads.assign(op.getPads()->begin(), op.getPads()->end());
  if (spatial < 1 || static_cast<int64_t>(kernel.size()) != spatial ||
      strides.size() != kernel.size() || pads.size() != 2 * kernel.size())
    return op.emitOpError()
           << "'kernel_shape', 'strides' or 'pads' do not fit the " << spatial
           << " spatial axes of X";
  bool fits = indices.size() == x.size() &&
              getElementTypeOrSelf(op.getI().getType()).isSignlessInteger(64);
  for (auto [mine, other] : llvm::zip(x, indices))
    fits &= mine == other || !known(mine) || !known(other);
  if (!fits)
    return op.emitOpError() << "I is " << op.getI().getType() << " for X of "
                            << op.getX().getType();
  constexpr int64_t kMaxSize = int64_t(1) << 31;
  Dims dims{x[0], x[1]};
  for (int64_t axis = 0; axis < spatial; ++axis) {
    for (int64_t value :
         {kernel[axis], strides[axis], pads[axis], pads[spatial + axis]})
      if (value < 0 || value > kMaxSize)
        return op.emitOpError()
               << "'kernel_shape', 'strides' or 'pads' has " << value;
    dims.push_back(
        scope.simplify((x[axis + 2] - 1) * strides[axis] +
                       (kernel[axis] - pads[axis] - pads[spatial + axis])));
    if (known(dims.back()).value_or(0) < 0)
      return op.emitOpError() << "would have a dim of " << *known(dims.back());
  }
  return dims;
}

LogicalResult MaxUnpoolOp::inferShapes(ShapeScope &scope) {
  FailureOr<Dims> dims = unpooledDims(*this, scope);
  if (failed(dims))
    return failure();
  OpResult result = getOperation()->getResult(0);
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (!getOutputShape())
    return scope.set(result, elementType, *dims);
  std::optional<Dims> shape = scope.elementsOrSymbols(getOutputShape());
  if (!shape || shape->size() != dims->size())
    return emitOpError() << "'output_shape' has not " << dims->size()
                         << " elements";
  for (auto [wanted, least] : llvm::zip(*shape, *dims))
    if (known(wanted) && known(least) && *known(wanted) < *known(least))
      return emitOpError() << "'output_shape' " << toString(*shape)
                           << " is smaller than " << toString(*dims);
  return scope.set(result, elementType, *shape);
}

FailureOr<SmallVector<Value>> MaxUnpoolOp::lower(Lowering &l) {
  Value x = l.lowered(getX()), indices = l.lowered(getI());
  Type elementType = getElementTypeOrSelf(getX().getType()),
       integer = l.getI64Type();
  Dims dims = *unpooledDims(*this, l.scope), wanted = l.scope.dims(getOutput());
  l.requireDims(getI(), l.scope.dims(getX()), "an index for each element");
  SmallVector<OpFoldResult> sizes = l.sizesOf(x), unpooled;
  Scalar count(l, l.index(1));
  for (Dim dim : dims) {
    unpooled.push_back(l.checkedSize(dim));
    count = count * Scalar(l, unpooled.back());
  }
  requireAll(
      l, sizes, {{indices, integer, l.getMultiDimIdentityMap(sizes.size())}},
      "an index is out of range",
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar at(b, args[0]);
        return (at >= 0) & (at < Scalar(b, Value(count)).toInteger(integer));
      });
  Value zeros = l.filled(elementType, {getAsOpFoldResult(Value(count))},
                         l.zero(elementType));
  Value flat = loopNest(
      l, sizes, zeros,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar place =
            Scalar(b, tensor::ExtractOp::create(b, indices, at).getResult())
                .toIndex();
        place = clamp(place, place.number(0), Scalar(b, Value(count)) - 1);
        return SmallVector<Value>{tensor::InsertOp::create(
            b, tensor::ExtractOp::create(b, x, at).getResult(), carried[0],
            Value(place))};
      })[0];
  Value image = l.reshape(flat, unpooled);
  if (!getOutputShape())
    return SmallVector<Value>{image};
  SmallVector<OpFoldResult> low(dims.size(), l.getIndexAttr(0)), high;
  for (auto [index, size] : llvm::enumerate(unpooled)) {
    OpFoldResult asked =
        l.agree(l.element(getOutputShape(), index), wanted[index]);
    Scalar room = Scalar(l, asked) - Scalar(l, size);
    l.require(room >= 0, Status::BadShape, "an output shape is too small");
    high.push_back(getAsOpFoldResult(Value(room)));
  }
  return SmallVector<Value>{
      l.pad(image, elementType, low, high, l.zero(elementType))};
}

//===- col2im -------------------------------------------------------------===//

namespace {
/// One spatial axis: an image of `image` elements in blocks of `block`,
/// `dilation` apart, every `stride` elements.
struct BlockAxis {
  Dim image, block;
  int64_t dilation, stride, low, high;
};
} // namespace

static FailureOr<SmallVector<BlockAxis>> blockAxes(Col2ImOp op,
                                                   ShapeScope &scope) {
  std::optional<Dims> image = scope.elementsOrSymbols(op.getImageShape()),
                      block = scope.elementsOrSymbols(op.getBlockShape());
  if (!image || !block || image->size() != block->size() || image->empty())
    return op.emitOpError() << "'image_shape' and 'block_shape' have different "
                               "or unknown numbers of elements";
  size_t count = image->size();
  auto attribute = [&](std::optional<ArrayRef<int64_t>> given, size_t size,
                       int64_t otherwise) {
    return given ? SmallVector<int64_t>(*given)
                 : SmallVector<int64_t>(size, otherwise);
  };
  SmallVector<int64_t> dilations = attribute(op.getDilations(), count, 1),
                       strides = attribute(op.getStrides(), count, 1),
                       pads = attribute(op.getPads(), 2 * count, 0);
  if (dilations.size() != count || strides.size() != count ||
      pads.size() != 2 * count)
    return op.emitOpError()
           << "'dilations', 'strides' or 'pads' do not fit the " << count
           << " axes of 'image_shape'";
  constexpr int64_t kMaxSize = int64_t(1) << 31;
  SmallVector<BlockAxis> axes;
  for (size_t axis = 0; axis < count; ++axis) {
    BlockAxis next{(*image)[axis], (*block)[axis], dilations[axis],
                   strides[axis],  pads[axis],     pads[count + axis]};
    if (next.dilation < 1 || next.stride < 1 || next.low < 0 || next.high < 0 ||
        std::max({next.dilation, next.stride, next.low, next.high}) > kMaxSize)
      return op.emitOpError()
             << "'dilations', 'strides' or 'pads' is out of range at axis "
             << axis;
    for (Dim size : {next.image, next.block})
      if (known(size) && (*known(size) < 1 || *known(size) > kMaxSize))
        return op.emitOpError()
               << "'image_shape' or 'block_shape' has " << *known(size);
    axes.push_back(next);
  }
  return axes;
}

LogicalResult Col2ImOp::inferShapes(ShapeScope &scope) {
  FailureOr<SmallVector<BlockAxis>> axes = blockAxes(*this, scope);
  if (failed(axes))
    return failure();
  Dims input = scope.dims(getInput());
  if (input.size() != 3)
    return emitOpError() << "'input' has rank " << input.size()
                         << " instead of 3";
  Dims blocks = llvm::map_to_vector(
      *axes, [](const BlockAxis &axis) { return axis.block; });
  Dim channels = scope.quotient({input[1]}, blocks);
  if (!channels && known(input[1]) && known(scope.product(blocks)))
    return emitOpError() << *known(input[1])
                         << " rows are no multiple of blocks of "
                         << toString(blocks);
  Dims dims{input[0], channels};
  for (const BlockAxis &axis : *axes)
    dims.push_back(axis.image);
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), dims);
}

FailureOr<SmallVector<Value>> Col2ImOp::lower(Lowering &l) {
  Value columns = l.lowered(getInput());
  Type elementType = getElementTypeOrSelf(getInput().getType());
  SmallVector<BlockAxis> axes = *blockAxes(*this, l.scope);
  SmallVector<OpFoldResult> sizes = l.sizesOf(columns), imageSizes, blockSizes,
                            blockCounts;
  Dims dims = l.scope.dims(getOutput());
  Scalar one(l, l.index(1)), elements = one, blocks = one;
  for (const BlockAxis &axis : axes) {
    Scalar image(l, l.size(axis.image)), block(l, l.size(axis.block)),
        stride = one.number(axis.stride);
    constexpr int64_t kMaxSize = int64_t(1) << 31;
    l.require((image >= 1) & (image <= kMaxSize) & (block >= 1) &
                  (block <= kMaxSize),
              Status::BadValue, "a size of an image or block is out of range");
    Scalar room =
        image + (axis.low + axis.high) - (block - 1) * axis.dilation - 1;
    Scalar count = max(floorDiv(room, stride) + 1, one.number(0));
    imageSizes.push_back(getAsOpFoldResult(Value(image)));
    blockSizes.push_back(getAsOpFoldResult(Value(block)));
    blockCounts.push_back(getAsOpFoldResult(Value(count)));
    elements = elements * block;
    blocks = blocks * count;
  }
  l.require(blocks == Scalar(l, sizes[2]), Status::BadShape,
            "as many columns as blocks");
  Scalar channels = floorDiv(Scalar(l, sizes[1]), max(elements, one));
  l.require(channels * elements == Scalar(l, sizes[1]), Status::BadShape,
            "rows are no multiple of the elements of a block");
  SmallVector<OpFoldResult> resultSizes{
      sizes[0], l.agree(getAsOpFoldResult(Value(channels)), dims[1])};
  for (auto [size, dim] : llvm::zip(imageSizes, ArrayRef(dims).drop_front(2)))
    resultSizes.push_back(l.agree(size, dim));
  int64_t spatial = axes.size();
  // For each batch, channel, place in the block and block: one element of the
  // columns is added to one of the image.
  SmallVector<OpFoldResult> loops{resultSizes[0], resultSizes[1]};
  loops.append(blockSizes);
  loops.append(blockCounts);
  return loopNest(
      l, loops, l.filled(elementType, resultSizes, l.zero(elementType)),
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar row(b, at[1]),
            column(b, arith::ConstantIndexOp::create(b, 0).getResult()),
            isInside = column == 0;
        SmallVector<Value> target{at[0], at[1]};
        for (int64_t axis = 0; axis < spatial; ++axis) {
          Scalar inBlock(b, at[2 + axis]), block(b, at[2 + spatial + axis]);
          row = row * Scalar(b, blockSizes[axis]) + inBlock;
          column = column * Scalar(b, blockCounts[axis]) + block;
          Scalar place = block * axes[axis].stride - axes[axis].low +
                         inBlock * axes[axis].dilation;
          isInside =
              isInside & (place >= 0) & (place < Scalar(b, imageSizes[axis]));
          target.push_back(place);
        }
        return onlyIf(b, isInside, carried, [&](ImplicitLocOpBuilder &in) {
          Value addend =
              loadScalar(in,
                         tensor::ExtractOp::create(
                             in, columns, ValueRange{at[0], row, column}),
                         elementType);
          Value before =
              loadScalar(in, tensor::ExtractOp::create(in, carried[0], target),
                         elementType);
          Value total = storeScalar(in, sum(in, before, addend), elementType);
          return SmallVector<Value>{
              tensor::InsertOp::create(in, total, carried[0], target)};
        });
      });
}
