// PackOperand.cpp - constant operands in the order in which tiles read them.
#include "passes/loops/PackOperand.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace burnish;

/// The bytes of `source` (row-major, `shape`) as [tiles][order[1:]...][tile],
/// where order[0] is the axis cut into tiles.
static SmallVector<char> packBytes(ArrayRef<char> source,
                                   ArrayRef<int64_t> shape,
                                   ArrayRef<int64_t> order, int64_t tile,
                                   int64_t elementBytes) {
  SmallVector<int64_t> strides = applyPermutation(computeStrides(shape), order),
                       sizes = applyPermutation(shape, order);
  int64_t others = computeProduct(ArrayRef(sizes).drop_front()),
          tiles = llvm::divideCeil(sizes[0], tile);
  SmallVector<char> target(tiles * others * tile * elementBytes);
  SmallVector<int64_t> at(order.size(), 0);
  char *to = target.data();
  for (int64_t first = 0; first < sizes[0]; first += tile) {
    int64_t count = std::min(tile, sizes[0] - first),
            offset = first * strides[0];
    for (int64_t step = 0; step < others; ++step) {
      const char *from = source.data() + offset * elementBytes;
      if (strides[0] == 1)
        std::memcpy(to, from, count * elementBytes);
      else
        for (int64_t lane = 0; lane < count; ++lane)
          std::memcpy(to + lane * elementBytes,
                      from + lane * strides[0] * elementBytes, elementBytes);
      to += tile * elementBytes;
      for (size_t axis = order.size(); axis-- > 1;) {
        offset += strides[axis];
        if (++at[axis] < sizes[axis])
          break;
        offset -= strides[axis] * sizes[axis];
        at[axis] = 0;
      }
    }
  }
  return target;
}

/// How far the generic's operand moves when the loop does, in elements; sizes
/// that are not known are taken for large ones.
static int64_t strideAlong(linalg::GenericOp generic, OpOperand &operand,
                           unsigned loop) {
  constexpr int64_t kLarge = 1024;
  AffineMap map = generic.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> shape(
      cast<ShapedType>(operand.get().getType()).getShape());
  for (int64_t &size : shape)
    size = ShapedType::isDynamic(size) ? kLarge : size;
  SmallVector<int64_t> still(map.getNumDims(), 0), moved = still;
  moved[loop] = 1;
  int64_t stride = 0;
  for (auto [before, after, step] :
       llvm::zip(map.compose(still), map.compose(moved), computeStrides(shape)))
    stride += (after - before) * step;
  return stride;
}

void OperandPacker::pack(nn::KernelOp kernel, linalg::GenericOp generic,
                         unsigned argument, unsigned loop, int64_t tile) {
  ElementsAttr constant;
  if (!matchPattern(kernel->getOperand(argument), m_Constant(&constant)))
    return;
  BlockArgument inside = kernel.getBody().front().getArgument(argument);
  if (!inside.hasOneUse() || inside.use_begin()->getOwner() != generic)
    return;
  auto type = cast<RankedTensorType>(inside.getType());
  AffineMap map = generic.getMatchingIndexingMap(&*inside.use_begin());
  int64_t axis = -1;
  for (auto [place, expr] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && dim.getPosition() == loop)
      axis = place;
  int64_t elementBytes = nn::elementBytes(type.getElementType());
  if (axis < 0 || !type.hasStaticShape())
    return;
  auto keyOf = [&](int64_t place) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(place));
    int64_t stride = 0;
    for (OpOperand *input : generic.getDpsInputOperands())
      if (dim && input->get() != inside &&
          isa<ShapedType>(input->get().getType()))
        stride =
            std::max(stride, strideAlong(generic, *input, dim.getPosition()));
    return stride;
  };
  SmallVector<int64_t> order{axis};
  for (int64_t place = 0; place < type.getRank(); ++place)
    if (place != axis)
      order.push_back(place);
  // What the other input does not walk along comes first.
  llvm::sort(order.begin() + 1, order.end(), [&](int64_t a, int64_t b) {
    auto rank = [&](int64_t place) {
      int64_t stride = keyOf(place);
      return std::tuple(stride != 0, -stride, place);
    };
    return rank(a) < rank(b);
  });
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), order);
  shape[0] = llvm::divideCeil(shape[0], tile);
  shape.push_back(tile);
  auto packedType = RankedTensorType::get(shape, type.getElementType());
  Builder attributes(kernel.getContext());
  ElementsAttr &value =
      packed[{constant, attributes.getDenseI64ArrayAttr(order), tile}];
  if (!value) {
    std::optional<ArrayRef<char>> raw = nn::rawBytes(constant);
    SmallVector<char> copy;
    if (!raw)
      copy = nn::copyBytes(constant);
    value =
        nn::constantWith(packedType, "packed",
                         packBytes(raw ? *raw : ArrayRef<char>(copy),
                                   type.getShape(), order, tile, elementBytes));
  }
  OpBuilder builder(kernel);
  kernel->setOperand(
      argument, arith::ConstantOp::create(builder, kernel.getLoc(), value));
  builder.setInsertionPointToStart(&kernel.getBody().front());
  OpOperand *use = &*inside.use_begin();
  Value plain = ub::PoisonOp::create(builder, kernel.getLoc(), type);
  auto unpack = linalg::UnPackOp::create(
      builder, kernel.getLoc(), inside, plain,
      /*innerDimsPos=*/ArrayRef<int64_t>{axis},
      /*innerTiles=*/ArrayRef<OpFoldResult>{builder.getIndexAttr(tile)},
      /*outerDimsPerm=*/order);
  use->set(unpack.getResult());
  inside.setType(packedType);
}
