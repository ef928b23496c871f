// Layouts.cpp - values whose elements lie in another order than they are
// written.
#include "passes/loops/Layouts.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace burnish;

/// The bytes of a row-major tensor with its axes in another order.
static SmallVector<char> permuteBytes(ArrayRef<char> source,
                                      ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> order, int64_t bytes) {
  SmallVector<int64_t> strides = applyPermutation(computeStrides(shape), order),
                       sizes = applyPermutation(shape, order),
                       at(order.size(), 0);
  SmallVector<char> target(source.size());
  int64_t from = 0;
  for (size_t to = 0; to < target.size(); to += bytes) {
    std::memcpy(target.data() + to, source.data() + from * bytes, bytes);
    for (size_t axis = order.size(); axis-- > 0;) {
      from += strides[axis];
      if (++at[axis] < sizes[axis])
        break;
      from -= strides[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
  return target;
}

void Layouts::place(Operation *op, Value tensor, ArrayRef<int64_t> order) {
  placed[op->getResult(0)] = {tensor, SmallVector<int64_t>(order)};
  replaced.push_back(op);
}

const Placed *Layouts::placeOf(Value value) const {
  auto found = placed.find(value);
  return found == placed.end() ? nullptr : &found->second;
}

Value Layouts::in(Value value, ArrayRef<int64_t> order) {
  const Placed *place = placeOf(value);
  Placed source{value, llvm::to_vector(llvm::seq<int64_t>(order.size()))};
  if (place)
    source = *place;
  if (ArrayRef(source.order) == order)
    return source.tensor;
  for (const Placed &copy : copies[value])
    if (ArrayRef(copy.order) == order)
      return copy.tensor;
  OpBuilder::InsertionGuard guard(b);
  if (place)
    b.setInsertionPointAfterValue(source.tensor);
  else
    goTo(source.tensor);
  SmallVector<int64_t> inverse = invertPermutationVector(source.order);
  Value moved = moveAxes(source.tensor, applyPermutation(inverse, order));
  copies[value].push_back({moved, SmallVector<int64_t>(order)});
  return moved;
}

/// Goes where a copy of a value is made that lies as it is written. What is
/// there from the beginning is copied when it is wanted first, and the copy
/// takes its memory only then.
void Layouts::goTo(Value tensor) {
  Operation *maker = tensor.getDefiningOp();
  Operation *user = visited;
  while (user && user->getBlock() != tensor.getParentBlock())
    user = user->getParentOp();
  if (user && (!maker || isa<nn::BarrierOp>(maker)))
    b.setInsertionPoint(user);
  else
    b.setInsertionPointAfterValue(tensor);
}

Value Layouts::initIn(Value init, ArrayRef<int64_t> order) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return linalg::FillOp::create(b, fill.getLoc(), fill.getInputs(),
                                  initIn(fill.getOutputs()[0], order))
        .getResult(0);
  if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(
        b, empty.getLoc(), applyPermutation(empty.getMixedSizes(), order),
        empty.getType().getElementType());
  return in(init, order);
}

/// Axis i of the result is axis order[i] of the tensor.
Value Layouts::moveAxes(Value tensor, ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto target = RankedTensorType::get(applyPermutation(type.getShape(), order),
                                      type.getElementType());
  Location loc = tensor.getLoc();
  ElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant)) &&
      nn::elementBytes(type.getElementType()) > 0) {
    SmallVector<char> bytes =
        permuteBytes(nn::copyBytes(constant), type.getShape(), order,
                     nn::elementBytes(type.getElementType()));
    return arith::ConstantOp::create(
        b, loc, nn::constantWith(target, "moved", std::move(bytes)));
  }
  if (Value same = moveUnits(tensor, target, order))
    return same;
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
  Value init = tensor::EmptyOp::create(b, loc, applyPermutation(sizes, order),
                                       type.getElementType());
  AffineMap all = b.getMultiDimIdentityMap(rank);
  AffineMap from = AffineMap::getPermutationMap(invertPermutationVector(order),
                                                b.getContext());
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, target, tensor, init, ArrayRef{from, all}, iterators,
             [](OpBuilder &inside, Location loc, ValueRange values) {
               linalg::YieldOp::create(inside, loc, values[0]);
             })
      .getResult(0);
}

/// Axes of one element move without moving data; null when others do.
Value Layouts::moveUnits(Value tensor, RankedTensorType target,
                         ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.hasStaticShape())
    return {};
  auto isLong = [&](int64_t axis) { return type.getDimSize(axis) != 1; };
  SmallVector<int64_t> longAxes(llvm::make_filter_range(order, isLong));
  if (!llvm::is_sorted(longAxes))
    return {};
  // One group for each long axis; units go with the long one before them.
  auto groupsOf = [](ArrayRef<int64_t> shape) {
    SmallVector<ReassociationIndices> groups;
    bool isOpen = false;
    for (auto [axis, size] : llvm::enumerate(shape)) {
      if (groups.empty() || (size != 1 && isOpen))
        groups.emplace_back();
      isOpen |= size != 1;
      groups.back().push_back(axis);
    }
    return groups;
  };
  SmallVector<int64_t> sizes;
  for (int64_t axis : longAxes)
    sizes.push_back(type.getDimSize(axis));
  if (sizes.empty())
    sizes.push_back(1);
  auto middle = RankedTensorType::get(sizes, type.getElementType());
  Value line = tensor;
  if (middle != type)
    line = tensor::CollapseShapeOp::create(b, tensor.getLoc(), middle, line,
                                           groupsOf(type.getShape()));
  if (middle != target)
    line = tensor::ExpandShapeOp::create(b, tensor.getLoc(), target, line,
                                         groupsOf(target.getShape()));
  return line;
}

void Layouts::finish() {
  visited = nullptr;
  // Users that were replaced are gone before what they used.
  for (Operation *op : llvm::reverse(replaced)) {
    Value result = op->getResult(0);
    if (!result.use_empty())
      b.replaceAllUsesWith(
          result,
          in(result, llvm::to_vector(llvm::seq<int64_t>(
                         cast<RankedTensorType>(result.getType()).getRank()))));
    b.eraseOp(op);
  }
}
