// PackOperand.cpp - constant operands in the order in which tiles read them.
#include "passes/loops/PackOperand.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/kernels/Panels.h"
#include "passes/loops/BoundPairs.h"

using namespace mlir;
using namespace burnish;

/// So much is read of a mapped file before its pages are given back: the source
/// and what is packed of it are never in memory as wholes.
static constexpr int64_t kReadBytes = 8 << 20;

/// The bytes of `source` (row-major, `shape`) as [tiles][order[1:]...][tile],
/// where order[0] is the axis cut into tiles.
static SmallVector<char> packBytes(MLIRContext *context, ArrayRef<char> source,
                                   ArrayRef<int64_t> shape,
                                   ArrayRef<int64_t> order, int64_t tile,
                                   int64_t bytes) {
  SmallVector<int64_t> strides = applyPermutation(computeStrides(shape), order),
                       sizes = applyPermutation(shape, order),
                       begin(order.size(), 0), end = sizes;
  // In the target, tiles and what lies in one count together as the first axis.
  SmallVector<int64_t> packed = computeStrides(sizes);
  int64_t others = packed[0];
  for (int64_t &stride : packed)
    stride *= tile;
  SmallVector<char> target(llvm::divideCeil(sizes[0], tile) * others * tile *
                           bytes);
  // Blocks of the source's first axis, so that what is read is read once.
  size_t blocked = llvm::find(order, 0) - order.begin();
  int64_t rowBytes = strides[blocked] * bytes,
          step =
              std::max<int64_t>(1, kReadBytes / std::max<int64_t>(1, rowBytes));
  if (blocked == 0)
    step = llvm::alignTo(step, tile);
  for (int64_t row = 0; row < sizes[blocked]; row += step) {
    begin[blocked] = row;
    end[blocked] = std::min(row + step, sizes[blocked]);
    for (int64_t first = begin[0]; first < end[0]; first += tile) {
      int64_t count = std::min(tile, end[0] - first);
      SmallVector<int64_t> at(begin);
      at[0] = first;
      for (bool isDone = false; !isDone;) {
        int64_t from = 0, to = first / tile * packed[0];
        for (size_t axis = 0; axis < order.size(); ++axis) {
          from += at[axis] * strides[axis];
          to += axis > 0 ? at[axis] * packed[axis] : 0;
        }
        const char *read = source.data() + from * bytes;
        char *written = target.data() + to * bytes;
        if (strides[0] == 1)
          std::memcpy(written, read, count * bytes);
        else
          for (int64_t lane = 0; lane < count; ++lane)
            std::memcpy(written + lane * bytes,
                        read + lane * strides[0] * bytes, bytes);
        isDone = true;
        for (size_t axis = order.size(); axis-- > 1 && isDone;) {
          isDone = ++at[axis] == end[axis];
          if (isDone)
            at[axis] = begin[axis];
        }
      }
    }
    nn::dropPages(
        context, source.slice(row * rowBytes, (end[blocked] - row) * rowBytes));
  }
  return target;
}

/// From [..][steps][tile] to [..][tile][steps], elements of type Element.
template <typename Element>
static void putSideBySide(SmallVector<char> &bytes, int64_t tile,
                          int64_t steps) {
  SmallVector<Element> block(tile * steps), woven(block);
  size_t size = block.size() * sizeof(Element);
  for (size_t begin = 0; begin < bytes.size(); begin += size) {
    std::memcpy(block.data(), bytes.data() + begin, size);
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t lane = 0; lane < tile; ++lane)
        woven[lane * steps + step] = block[step * tile + lane];
    std::memcpy(bytes.data() + begin, woven.data(), size);
  }
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

/// The axis of an operand along which a loop alone moves it; -1 where there is
/// none.
static int64_t axisOf(AffineMap map, unsigned loop) {
  int64_t axis = -1;
  for (auto [place, expr] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && dim.getPosition() == loop)
      axis = place;
  return axis;
}

/// The axis that is cut, then the others as `generic` walks through its other
/// input: what that does not walk along comes first, and `sideAxis` last.
static SmallVector<int64_t> orderFor(linalg::GenericOp generic, Value operand,
                                     AffineMap map, int64_t axis,
                                     int64_t sideAxis) {
  auto strideOf = [&](int64_t place) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(place));
    int64_t stride = 0;
    for (OpOperand *input : generic.getDpsInputOperands())
      if (dim && input->get() != operand &&
          isa<ShapedType>(input->get().getType()))
        stride =
            std::max(stride, strideAlong(generic, *input, dim.getPosition()));
    return stride;
  };
  SmallVector<int64_t> order{axis};
  for (int64_t place = 0; place < map.getNumResults(); ++place)
    if (place != axis)
      order.push_back(place);
  llvm::sort(order.begin() + 1, order.end(), [&](int64_t a, int64_t b) {
    auto rank = [&](int64_t place) {
      int64_t stride = strideOf(place);
      return std::tuple(place == sideAxis, stride != 0, -stride, place);
    };
    return rank(a) < rank(b);
  });
  return order;
}

OperandPacker::Values &
OperandPacker::valuesOf(ElementsAttr constant, RankedTensorType packedType,
                        ArrayRef<int64_t> order, int64_t tile,
                        const std::optional<SideBySide> &side) {
  MLIRContext *context = constant.getContext();
  Builder attributes(context);
  int64_t width = side ? side->boundWidth : 0, steps = side ? side->steps : 1;
  Values &values = packed[{constant, attributes.getDenseI64ArrayAttr(order),
                           tile, std::pair(steps, width)}];
  if (values.value)
    return values;
  auto type = cast<RankedTensorType>(constant.getType());
  int64_t elementBytes = nn::elementBytes(type.getElementType());
  std::optional<ArrayRef<char>> raw = nn::rawBytes(constant);
  SmallVector<char> copy;
  if (!raw)
    copy = nn::copyBytes(constant);
  SmallVector<char> bytes =
      packBytes(context, raw ? *raw : ArrayRef<char>(copy), type.getShape(),
                order, tile, elementBytes);
  if (side && elementBytes == 1)
    putSideBySide<uint8_t>(bytes, tile, steps);
  else if (side)
    putSideBySide<uint16_t>(bytes, tile, steps);
  int64_t tiles = packedType.getDimSize(0);
  std::optional<Excess> excess;
  if (width > 0)
    excess =
        boundPairs(bytes, tiles, tile, width, type.getDimSize(order.back()));
  if (excess) {
    SmallVector<int64_t> sizes{tiles * tile / width, excess->most};
    values.places =
        nn::constantWith(RankedTensorType::get({sizes[0], 1 + sizes[1]},
                                               attributes.getI32Type()),
                         "places", std::move(excess->places));
    sizes.append({width, steps});
    values.excess =
        nn::constantWith(RankedTensorType::get(sizes, type.getElementType()),
                         "excess", std::move(excess->bytes));
  }
  values.value = nn::constantWith(packedType, "packed", std::move(bytes));
  all.push_back(
      {constant, SmallVector<int64_t>(order), tile, steps, values.value});
  return values;
}

/// The kernel gets the values in place of an operand, and what was taken from
/// them as two more inputs.
static void replaceOperand(nn::KernelOp kernel, unsigned argument,
                           ElementsAttr value, ElementsAttr excess,
                           ElementsAttr places) {
  OpBuilder builder(kernel);
  kernel->setOperand(
      argument, arith::ConstantOp::create(builder, kernel.getLoc(), value));
  if (!excess)
    return;
  for (ElementsAttr more : {excess, places}) {
    Block &block = kernel.getBody().front();
    block.insertArgument(kernel.getInputs().size(), more.getType(),
                         kernel.getLoc());
    kernel.getInputsMutable().append(
        Value(arith::ConstantOp::create(builder, kernel.getLoc(), more)));
  }
}

void OperandPacker::pack(nn::KernelOp kernel, linalg::GenericOp generic,
                         unsigned argument, unsigned loop, int64_t tile,
                         std::optional<SideBySide> side) {
  BlockArgument inside = kernel.getBody().front().getArgument(argument);
  if (!inside.hasOneUse() || inside.use_begin()->getOwner() != generic)
    return;
  auto type = cast<RankedTensorType>(inside.getType());
  AffineMap map = generic.getMatchingIndexingMap(&*inside.use_begin());
  int64_t axis = axisOf(map, loop),
          sideAxis = side ? axisOf(map, side->loop) : -1;
  if (axis < 0 || !type.hasStaticShape() ||
      (side && (sideAxis < 0 || nn::elementBytes(type.getElementType()) > 2)))
    return;
  SmallVector<int64_t> order = orderFor(generic, inside, map, axis, sideAxis);
  ElementsAttr constant;
  if (!matchPattern(kernel->getOperand(argument), m_Constant(&constant)))
    return readInPanels(kernel, argument, axis, order);
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), order),
                       cut{axis};
  shape[0] = llvm::divideCeil(shape[0], tile);
  shape.push_back(tile);
  Builder attributes(kernel.getContext());
  SmallVector<OpFoldResult> tiles{attributes.getIndexAttr(tile)};
  if (side) {
    shape[shape.size() - 2] /= side->steps;
    shape.push_back(side->steps);
    cut.push_back(sideAxis);
    tiles.push_back(attributes.getIndexAttr(side->steps));
  }
  auto packedType = RankedTensorType::get(shape, type.getElementType());
  const Values &values = valuesOf(constant, packedType, order, tile, side);
  replaceOperand(kernel, argument, values.value, values.excess, values.places);
  OpBuilder builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  OpOperand *use = &*inside.use_begin();
  Value plain = ub::PoisonOp::create(builder, kernel.getLoc(), type);
  auto unpack = linalg::UnPackOp::create(builder, kernel.getLoc(), inside,
                                         plain, cut, tiles, order);
  use->set(unpack.getResult());
  inside.setType(packedType);
}

/// From this size on a second copy costs more than the arithmetic that finds an
/// element in the first.
static constexpr int64_t kSharedBytes = 1 << 20;

/// tensor.extract constant[.., i, ..] -> tensor.extract packed[i / tile, ..,
/// i % tile]
static void readPacked(tensor::ExtractOp extract, ElementsAttr value,
                       ArrayRef<int64_t> order, int64_t tile) {
  ImplicitLocOpBuilder b(extract.getLoc(), extract);
  SmallVector<Value> places =
      applyPermutation(SmallVector<Value>(extract.getIndices()), order);
  Value place = places[0], length = arith::ConstantIndexOp::create(b, tile);
  places[0] = arith::DivUIOp::create(b, place, length);
  places.push_back(arith::RemUIOp::create(b, place, length));
  Value packed = arith::ConstantOp::create(b, value);
  extract->setOperands(
      llvm::to_vector(llvm::concat<Value>(SmallVector<Value>{packed}, places)));
}

void OperandPacker::shareAndRelease(ModuleOp module) {
  SmallVector<ElementsAttr> sources;
  for (const Packed &entry : all) {
    sources.push_back(entry.source);
    if (entry.steps > 1 ||
        entry.source.getNumElements() *
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
        readPacked(extract, entry.value, entry.order, entry.tile);
  }
  nn::releaseUnused(module, sources);
}
