// PackOperand.cpp - constant operands in the order in which tiles read them.
#include "passes/loops/PackOperand.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;
using namespace burnish;

/// The bytes of `source` (row-major, `shape`) as [tiles][other axes][tile].
static SmallVector<char> packBytes(ArrayRef<char> source,
                                   ArrayRef<int64_t> shape, int64_t axis,
                                   int64_t tile, int64_t elementBytes) {
  int64_t before = 1, after = 1, size = shape[axis],
          tiles = llvm::divideCeil(size, tile);
  for (int64_t place = 0; place < static_cast<int64_t>(shape.size()); ++place)
    (place < axis   ? before
     : place > axis ? after
                    : size) *= place == axis ? 1 : shape[place];
  SmallVector<char> target(tiles * before * after * tile * elementBytes);
  for (int64_t index = 0; index < tiles; ++index) {
    int64_t count = std::min(tile, size - index * tile);
    for (int64_t first = 0; first < before; ++first)
      for (int64_t last = 0; last < after; ++last) {
        const char *from =
            source.data() +
            ((first * size + index * tile) * after + last) * elementBytes;
        char *to = target.data() + ((index * before + first) * after + last) *
                                       tile * elementBytes;
        if (after == 1) {
          std::memcpy(to, from, count * elementBytes);
          continue;
        }
        for (int64_t lane = 0; lane < count; ++lane)
          std::memcpy(to + lane * elementBytes,
                      from + lane * after * elementBytes, elementBytes);
      }
  }
  return target;
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
  SmallVector<int64_t> order{axis},
      shape{
          static_cast<int64_t>(llvm::divideCeil(type.getDimSize(axis), tile))};
  for (int64_t place = 0; place < type.getRank(); ++place)
    if (place != axis) {
      order.push_back(place);
      shape.push_back(type.getDimSize(place));
    }
  shape.push_back(tile);
  auto packedType = RankedTensorType::get(shape, type.getElementType());
  ElementsAttr &value = packed[{constant, axis, tile}];
  if (!value) {
    std::optional<ArrayRef<char>> raw = nn::rawBytes(constant);
    SmallVector<char> copy;
    if (!raw)
      copy = nn::copyBytes(constant);
    value =
        nn::constantWith(packedType, "packed",
                         packBytes(raw ? *raw : ArrayRef<char>(copy),
                                   type.getShape(), axis, tile, elementBytes));
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
