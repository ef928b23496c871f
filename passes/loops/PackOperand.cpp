// PackOperand.cpp - constant operands in the order in which tiles read them.
#include "passes/loops/PackOperand.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;
using namespace burnish;

/// So much is read of a mapped file before its pages are given back: the source
/// and what is packed of it are never in memory as wholes.
static constexpr int64_t kReadBytes = 8 << 20;

/// The bytes of `source` (row-major, `shape`) as [tiles][other axes][tile].
static SmallVector<char> packBytes(MLIRContext *context, ArrayRef<char> source,
                                   ArrayRef<int64_t> shape, int64_t axis,
                                   int64_t tile, int64_t elementBytes) {
  int64_t before = 1, after = 1, size = shape[axis],
          tiles = llvm::divideCeil(size, tile);
  for (int64_t place = 0; place < static_cast<int64_t>(shape.size()); ++place)
    (place < axis   ? before
     : place > axis ? after
                    : size) *= place == axis ? 1 : shape[place];
  SmallVector<char> target(tiles * before * after * tile * elementBytes);
  auto packTile = [&](int64_t index, int64_t first) {
    int64_t count = std::min(tile, size - index * tile);
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
  };
  // Source order outside, so that what is read is read once; within a block of
  // it, target order.
  int64_t tileBytes = std::max<int64_t>(1, tile * after * elementBytes),
          rowBytes = std::max<int64_t>(1, size * after * elementBytes),
          tilesAtOnce = std::max<int64_t>(1, kReadBytes / tileBytes),
          rowsAtOnce = std::max<int64_t>(1, kReadBytes / rowBytes);
  for (int64_t row = 0; row < before; row += rowsAtOnce)
    for (int64_t place = 0; place < tiles; place += tilesAtOnce) {
      int64_t lastRow = std::min(before, row + rowsAtOnce),
              lastTile = std::min(tiles, place + tilesAtOnce);
      for (int64_t index = place; index < lastTile; ++index)
        for (int64_t first = row; first < lastRow; ++first)
          packTile(index, first);
      int64_t from = row * rowBytes + place * tileBytes,
              to = std::min((lastRow - 1) * rowBytes + lastTile * tileBytes,
                            lastRow * rowBytes);
      nn::dropPages(context, source.slice(from, to - from));
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
    value = nn::constantWith(
        packedType, "packed",
        packBytes(kernel.getContext(), raw ? *raw : ArrayRef<char>(copy),
                  type.getShape(), axis, tile, elementBytes));
    all.push_back({constant, axis, tile, value});
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

/// From this size on a second copy costs more than the arithmetic that finds an
/// element in the first.
static constexpr int64_t kSharedBytes = 1 << 20;

/// tensor.extract constant[.., i, ..] -> tensor.extract packed[i / tile, ..,
/// i % tile]
static void readPacked(tensor::ExtractOp extract, ElementsAttr value,
                       int64_t axis, int64_t tile) {
  ImplicitLocOpBuilder b(extract.getLoc(), extract);
  SmallVector<Value> places(extract.getIndices());
  Value place = places[axis], length = arith::ConstantIndexOp::create(b, tile);
  places.erase(places.begin() + axis);
  places.insert(places.begin(), arith::DivUIOp::create(b, place, length));
  places.push_back(arith::RemUIOp::create(b, place, length));
  Value packed = arith::ConstantOp::create(b, value);
  extract->setOperands(
      llvm::to_vector(llvm::concat<Value>(SmallVector<Value>{packed}, places)));
}

void OperandPacker::shareAndRelease(ModuleOp module) {
  SmallVector<ElementsAttr> sources;
  for (const Packed &entry : all) {
    sources.push_back(entry.source);
    if (entry.source.getNumElements() *
            nn::elementBytes(entry.source.getElementType()) <
        kSharedBytes)
      continue;
    SmallVector<tensor::ExtractOp> lookups;
    bool isOnlyLookedUp = true;
    module.walk([&](arith::ConstantOp constant) {
      if (constant.getValue() == entry.source)
        for (Operation *user : constant->getUsers()) {
          auto extract = dyn_cast<tensor::ExtractOp>(user);
          isOnlyLookedUp &= extract != nullptr;
          lookups.push_back(extract);
        }
    });
    if (isOnlyLookedUp)
      for (tensor::ExtractOp extract : lookups)
        readPacked(extract, entry.value, entry.axis, entry.tile);
  }
  nn::releaseUnused(module, sources);
}
