// WriteInPlace.cpp - what is joined or padded is computed where it shall lie.
#include "ir/Kernel.h"
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

  AxisSlice(Builder &b, RankedTensorType type, int64_t axis, int64_t from,
            int64_t size)
      : offsets(type.getRank(), b.getIndexAttr(0)),
        sizes(getAsIndexOpFoldResult(b.getContext(), type.getShape())),
        strides(type.getRank(), b.getIndexAttr(1)) {
    offsets[axis] = b.getIndexAttr(from);
    sizes[axis] = b.getIndexAttr(size);
  }
};

/// The padded tensor with its borders filled, and room for what is padded.
static Value makeBorders(ImplicitLocOpBuilder &b, tensor::PadOp pad,
                         Value filling) {
  RankedTensorType type = pad.getType();
  Value tensor =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t size = type.getDimSize(axis), low = pad.getStaticLow()[axis],
            high = pad.getStaticHigh()[axis];
    for (auto [from, length] :
         {std::pair(int64_t(0), low), {size - high, high}}) {
      if (length == 0)
        continue;
      AxisSlice slice(b, type, axis, from, length);
      Value part = tensor::ExtractSliceOp::create(b, tensor, slice.offsets,
                                                  slice.sizes, slice.strides);
      part = linalg::FillOp::create(b, filling, part).getResult(0);
      tensor = tensor::InsertSliceOp::create(b, part, tensor, slice.offsets,
                                             slice.sizes, slice.strides);
    }
  }
  return tensor;
}

/// Borders and a slice in place of a padding; the slice can then be where the
/// padded tensor is computed.
static void splitPad(tensor::PadOp pad) {
  Value filling = pad.getConstantPaddingValue(), source = pad.getSource();
  auto isStatic = [](ArrayRef<int64_t> values) {
    return llvm::all_of(values, [](int64_t value) { return value >= 0; });
  };
  if (!filling || !matchPattern(filling, m_Constant()) ||
      !pad.getType().hasStaticShape() ||
      !pad.getSourceType().hasStaticShape() || !isStatic(pad.getStaticLow()) ||
      !isStatic(pad.getStaticHigh()))
    return;
  ImplicitLocOpBuilder b(pad.getLoc(), pad);
  // Before what makes the source, which may then write into it.
  Operation *maker = source.getDefiningOp();
  if (maker && maker->getBlock() == pad->getBlock())
    b.setInsertionPoint(maker);
  Value number = b.clone(*filling.getDefiningOp())->getResult(0),
        borders = makeBorders(b, pad, number);
  b.setInsertionPoint(pad);
  Value padded = tensor::InsertSliceOp::create(
      b, source, borders, pad.getMixedLowPad(),
      getAsIndexOpFoldResult(b.getContext(), pad.getSourceType().getShape()),
      SmallVector<OpFoldResult>(pad.getType().getRank(), b.getIndexAttr(1)));
  pad.getResult().replaceAllUsesWith(padded);
  pad.erase();
}

/// Room for what is joined, from the block's begin on and for nothing else.
static void giveRoom(tensor::InsertSliceOp insert) {
  auto empty = insert.getDest().getDefiningOp<tensor::EmptyOp>();
  if (!empty || !empty.getType().hasStaticShape())
    return;
  OpBuilder b(insert.getContext());
  b.setInsertionPointToStart(insert->getBlock());
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
    getOperation().walk(
        [&](tensor::InsertSliceOp insert) { inserts.push_back(insert); });
    for (tensor::PadOp pad : pads)
      splitPad(pad);
    for (tensor::InsertSliceOp insert : inserts)
      giveRoom(insert);
  }
};
} // namespace
