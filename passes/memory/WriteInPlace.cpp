// WriteInPlace.cpp - what is joined or padded is computed where it shall lie.
#include "ir/Kernel.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_WRITEINPLACE
#include "passes/Passes.h.inc"
} // namespace burnish

/// Takes a slice of an axis, [from, from + size), whole along the others.
struct AxisSlice {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  AxisSlice(Builder &b, ArrayRef<OpFoldResult> shape, int64_t axis,
            OpFoldResult from, int64_t size)
      : offsets(shape.size(), b.getIndexAttr(0)), sizes(shape),
        strides(shape.size(), b.getIndexAttr(1)) {
    offsets[axis] = from;
    sizes[axis] = b.getIndexAttr(size);
  }
};

/// The padded tensor with its borders filled, and room for what is padded,
/// which has `sizes`.
static Value makeBorders(ImplicitLocOpBuilder &b, tensor::PadOp pad,
                         ArrayRef<OpFoldResult> sizes, Value filling) {
  SmallVector<OpFoldResult> whole;
  for (auto [size, low, high] :
       llvm::zip_equal(sizes, pad.getStaticLow(), pad.getStaticHigh()))
    whole.push_back(nn::addIndex(b, size, b.getIndexAttr(low + high)));
  RankedTensorType type = pad.getType();
  Value tensor = tensor::EmptyOp::create(b, whole, type.getElementType());
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t low = pad.getStaticLow()[axis], high = pad.getStaticHigh()[axis];
    OpFoldResult first = b.getIndexAttr(0),
                 last = nn::addIndex(b, sizes[axis], b.getIndexAttr(low));
    for (auto [from, length] : {std::pair(first, low), {last, high}}) {
      if (length == 0)
        continue;
      AxisSlice slice(b, whole, axis, from, length);
      Value part = tensor::ExtractSliceOp::create(b, tensor, slice.offsets,
                                                  slice.sizes, slice.strides);
      part = linalg::FillOp::create(b, filling, part).getResult(0);
      tensor = tensor::InsertSliceOp::create(b, part, tensor, slice.offsets,
                                             slice.sizes, slice.strides);
    }
  }
  return tensor;
}

/// The sizes of a value where what makes it stands: those of the room that it
/// is written to. Nothing where there are none there.
static std::optional<SmallVector<OpFoldResult>> sizesBefore(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.hasStaticShape())
    return getAsIndexOpFoldResult(value.getContext(), type.getShape());
  while (auto result = dyn_cast<OpResult>(value)) {
    if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
      return empty.getMixedSizes();
    if (auto maker = value.getDefiningOp<DestinationStyleOpInterface>())
      value = maker.getTiedOpOperand(result)->get();
    else if (auto loop = value.getDefiningOp<scf::ForOp>())
      value = loop.getTiedLoopInit(result)->get();
    else
      break;
  }
  return std::nullopt;
}

/// Borders and a slice in place of a padding; the slice can then be where the
/// padded tensor is computed.
static void splitPad(tensor::PadOp pad) {
  Value filling = pad.getConstantPaddingValue(), source = pad.getSource();
  auto isStatic = [](ArrayRef<int64_t> values) {
    return llvm::all_of(values, [](int64_t value) { return value >= 0; });
  };
  std::optional<SmallVector<OpFoldResult>> sizes = sizesBefore(source);
  if (!filling || !matchPattern(filling, m_Constant()) || !sizes ||
      !isStatic(pad.getStaticLow()) || !isStatic(pad.getStaticHigh()))
    return;
  ImplicitLocOpBuilder b(pad.getLoc(), pad);
  // Before what makes the source, which may then write into it.
  Operation *maker = source.getDefiningOp();
  if (maker && maker->getBlock() == pad->getBlock())
    b.setInsertionPoint(maker);
  Value number = b.clone(*filling.getDefiningOp())->getResult(0),
        borders = makeBorders(b, pad, *sizes, number);
  b.setInsertionPoint(pad);
  auto slice = RankedTensorType::get(decomposeMixedValues(*sizes).first,
                                     pad.getSourceType().getElementType());
  if (slice != source.getType())
    source = tensor::CastOp::create(b, slice, source);
  Value padded = tensor::InsertSliceOp::create(
      b, source, borders, pad.getMixedLowPad(), *sizes,
      SmallVector<OpFoldResult>(pad.getType().getRank(), b.getIndexAttr(1)));
  if (padded.getType() != pad.getType())
    padded = tensor::CastOp::create(b, pad.getType(), padded);
  pad.getResult().replaceAllUsesWith(padded);
  pad.erase();
}

/// The parts that are inserted one after the other into `last`'s tensor, which
/// is made for them; empty where something else sees one of the steps.
static SmallVector<tensor::InsertSliceOp> partsOf(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> parts{last};
  while (auto before =
             parts.back().getDest().getDefiningOp<tensor::InsertSliceOp>()) {
    if (!before->hasOneUse())
      return {};
    parts.push_back(before);
  }
  if (!parts.back().getDest().getDefiningOp<tensor::EmptyOp>())
    return {};
  return llvm::to_vector(llvm::reverse(parts));
}

/// How a part is taken together along the axes of the joined tensor, where it
/// is whole along all but `axis`, and along that one holds whole `lines`, those
/// of the axes that become it but the first.
static bool isWhole(tensor::InsertSliceOp part, int64_t axis, int64_t lines) {
  RankedTensorType type = part.getDestType();
  if (!part.hasUnitStride() || part.getSourceType().getRank() != type.getRank())
    return false;
  for (int64_t each = 0; each < type.getRank(); ++each) {
    int64_t offset = part.getStaticOffset(each),
            size = part.getStaticSize(each);
    if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(size))
      return false;
    bool isAll = offset == 0 && size == type.getDimSize(each);
    if (each == axis ? offset % lines != 0 : !isAll)
      return false;
  }
  return true;
}

// join(collapse(x), collapse(y)) -> collapse(join(x, y)): x and y, as the heads
// of a gradient, can then be computed where they lie in the end
static void joinBeforeCollapse(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> parts = partsOf(last);
  RankedTensorType type = last.getType();
  if (parts.size() < 2 || !type.hasStaticShape())
    return;
  auto collapseOf = [](tensor::InsertSliceOp part) {
    auto collapse = part.getSource().getDefiningOp<tensor::CollapseShapeOp>();
    return collapse && collapse->hasOneUse() &&
                   collapse.getSrcType().hasStaticShape()
               ? collapse
               : tensor::CollapseShapeOp();
  };
  tensor::CollapseShapeOp first = collapseOf(last);
  if (!first)
    return;
  SmallVector<ReassociationIndices> groups = first.getReassociationIndices();
  int64_t axis = -1;
  for (int64_t each = 0; each < type.getRank(); ++each)
    if (last.getStaticSize(each) != type.getDimSize(each))
      axis = each;
  if (axis < 0)
    return;
  SmallVector<int64_t> shape(first.getSrcType().getShape());
  int64_t outer = groups[axis].front(), lines = 1;
  for (int64_t each : ArrayRef(groups[axis]).drop_front())
    lines *= shape[each];
  if (type.getDimSize(axis) % lines != 0)
    return;
  shape[outer] = type.getDimSize(axis) / lines;
  for (tensor::InsertSliceOp part : parts) {
    tensor::CollapseShapeOp collapse = collapseOf(part);
    if (!collapse || collapse.getReassociationIndices() != groups ||
        !isWhole(part, axis, lines))
      return;
    for (auto [each, size] : llvm::enumerate(collapse.getSrcType().getShape()))
      if (static_cast<int64_t>(each) != outer && size != shape[each])
        return;
  }
  ImplicitLocOpBuilder b(last.getLoc(), last);
  Value joined = tensor::EmptyOp::create(b, shape, type.getElementType());
  for (tensor::InsertSliceOp part : parts) {
    Value source = collapseOf(part).getSrc();
    SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)),
        strides(shape.size(), b.getIndexAttr(1));
    offsets[outer] = b.getIndexAttr(part.getStaticOffset(axis) / lines);
    joined = tensor::InsertSliceOp::create(
        b, part.getLoc(), source, joined, offsets,
        getAsIndexOpFoldResult(
            b.getContext(),
            cast<RankedTensorType>(source.getType()).getShape()),
        strides);
  }
  last.getResult().replaceAllUsesWith(
      tensor::CollapseShapeOp::create(b, type, joined, groups));
  for (tensor::InsertSliceOp part : llvm::reverse(parts)) {
    Operation *collapse = collapseOf(part);
    part.erase();
    collapse->erase();
  }
}

/// Room for what is joined, from the block's begin on, or from where its sizes
/// are known, and for nothing else.
static void giveRoom(tensor::InsertSliceOp insert) {
  auto empty = insert.getDest().getDefiningOp<tensor::EmptyOp>();
  if (!empty)
    return;
  OpBuilder b(insert.getContext());
  b.setInsertionPointToStart(insert->getBlock());
  Operation *last = nullptr;
  for (Value size : empty.getDynamicSizes()) {
    Operation *maker = size.getDefiningOp();
    if (maker && maker->getBlock() == insert->getBlock() &&
        (!last || last->isBeforeInBlock(maker)))
      last = maker;
  }
  if (last)
    b.setInsertionPointAfter(last);
  insert.getDestMutable().assign(b.clone(*empty)->getResult(0));
}

namespace {
struct WriteInPlace : burnish::impl::WriteInPlaceBase<WriteInPlace> {
  void runOnOperation() override {
    SmallVector<tensor::PadOp> pads;
    getOperation().walk([&](tensor::PadOp pad) {
      if (!pad->getParentOfType<nn::KernelOp>())
        pads.push_back(pad);
    });
    SmallVector<tensor::InsertSliceOp> inserts;
    getOperation().walk([&](tensor::InsertSliceOp insert) {
      bool isLast = llvm::none_of(insert->getUsers(), [&](Operation *user) {
        auto next = dyn_cast<tensor::InsertSliceOp>(user);
        return next && next.getDest() == insert.getResult();
      });
      if (isLast)
        inserts.push_back(insert);
    });
    for (tensor::InsertSliceOp insert : inserts)
      joinBeforeCollapse(insert);
    inserts.clear();
    getOperation().walk(
        [&](tensor::InsertSliceOp insert) { inserts.push_back(insert); });
    for (tensor::PadOp pad : pads)
      splitPad(pad);
    for (tensor::InsertSliceOp insert : inserts)
      giveRoom(insert);
  }
};
} // namespace
