// GrowInPlace.cpp - states that grow get what a step adds where they lie.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_GROWINPLACE
#include "passes/Passes.h.inc"
} // namespace burnish

static Value withoutCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

/// Whether a size is that of a tensor at an axis.
static bool isSizeOf(OpFoldResult size, Value tensor, int64_t axis) {
  auto value = dyn_cast<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  return dim && withoutCasts(dim.getSource()) == tensor &&
         dim.getConstantIndex() == axis;
}

/// A size where it is known first, as the size of the room that something is
/// written to.
static OpFoldResult sourceOf(OpFoldResult size) {
  for (;;) {
    auto value = dyn_cast<Value>(size);
    auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    std::optional<int64_t> axis = dim ? dim.getConstantIndex() : std::nullopt;
    auto made = axis ? dyn_cast<OpResult>(dim.getSource()) : OpResult();
    if (!made)
      return size;
    Operation *maker = made.getOwner();
    auto type = cast<RankedTensorType>(made.getType());
    if (!type.isDynamicDim(*axis))
      return Builder(maker->getContext()).getIndexAttr(type.getDimSize(*axis));
    if (auto empty = dyn_cast<tensor::EmptyOp>(maker)) {
      size = empty.getMixedSizes()[*axis];
      continue;
    }
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(maker)) {
      size = expand.getMixedOutputShape()[*axis];
      continue;
    }
    Value source;
    if (auto writer = dyn_cast<DestinationStyleOpInterface>(maker))
      source = writer.getTiedOpOperand(made)->get();
    else if (auto cast = dyn_cast<tensor::CastOp>(maker))
      source = cast.getSource();
    else
      return size;
    OpBuilder b(dim);
    size = tensor::DimOp::create(b, dim.getLoc(), source, *axis).getResult();
  }
}

namespace {
/// One state of the model's function.
class GrownState {
public:
  GrownState(func::FuncOp function, const nn::Signature &signature,
             size_t result, BlockArgument room)
      : body(function.getBody().front()),
        end(cast<func::ReturnOp>(body.getTerminator())), result(result),
        port(signature.outputs[result]), input(signature.inputs[port.feeds]),
        axis(port.grows), past(body.getArgument(port.feeds)), room(room),
        type(cast<RankedTensorType>(past.getType())),
        b(function.getLoc(), OpBuilder::atBlockBegin(&body)) {}

  /// Returns the buffer with the state in it.
  Value grow() {
    for (int64_t each = 0; each < type.getRank(); ++each)
      sizes.push_back(
          type.isDynamicDim(each)
              ? OpFoldResult(tensor::DimOp::create(b, past, each).getResult())
              : OpFoldResult(b.getIndexAttr(type.getDimSize(each))));
    OpFoldResult zero = b.getIndexAttr(0), length = sizes[axis];
    Operation *start = &*b.getInsertionPoint();
    Value present = end.getOperand(result);
    tensor::InsertSliceOp rows = findRows(withoutCasts(present));
    Value added = rows ? rows.getSource() : present;
    OpFoldResult place = rows ? length : zero,
                 count = rows ? sourceOf(rows.getMixedSizes()[axis])
                              : OpFoldResult();
    // The check is where the count is known: before anything is written.
    b.setInsertionPoint(start);
    if (!rows) {
      b.setInsertionPoint(end);
      count = tensor::getMixedSize(b, end.getLoc(), present, axis);
    } else if (auto value = dyn_cast<Value>(count);
               value && value.getDefiningOp()) {
      Operation *maker = value.getDefiningOp();
      auto dim = dyn_cast<tensor::DimOp>(maker);
      if (dim && isa<BlockArgument>(dim.getSource()))
        count = tensor::getMixedSize(b, end.getLoc(), dim.getSource(),
                                     *dim.getConstantIndex());
      else if (!maker->isBeforeInBlock(start))
        b.setInsertionPointAfter(maker);
    }
    Value total = getValueOrCreateConstantIndexOp(b, b.getLoc(), count);
    if (rows)
      total = arith::AddIOp::create(
          b, total, getValueOrCreateConstantIndexOp(b, b.getLoc(), length));
    Value checked = check(total);
    if (rows)
      b.setInsertionPoint(rows);
    sizes[axis] = count;
    Value whole = insert(added, checked, place);
    Operation *writer = whole.getDefiningOp();
    sizes[axis] = total;
    if (rows) {
      Value view = slice(whole, rows.getType());
      rows.getResult().replaceAllUsesWith(view);
    }
    sizes[axis] = length;
    readPast(writer, start, whole);
    if (rows) {
      rows.erase();
      joined->erase();
    }
    b.setInsertionPoint(end);
    Value number = arith::IndexCastOp::create(b, b.getI64Type(), total);
    end.setOperand(result,
                   tensor::FromElementsOp::create(
                       b, RankedTensorType::get({}, b.getI64Type()), number));
    return whole;
  }

private:
  /// What is inserted behind the state that came, in a tensor that is made for
  /// both; null where the new state is made in another way.
  tensor::InsertSliceOp findRows(Value present) {
    auto last = present.getDefiningOp<tensor::InsertSliceOp>();
    auto first = last ? last.getDest().getDefiningOp<tensor::InsertSliceOp>()
                      : tensor::InsertSliceOp();
    auto isWhole = [&](tensor::InsertSliceOp insert) {
      return insert->getBlock() == &body && insert.hasUnitStride() &&
             insert.getSourceType().getRank() == type.getRank() &&
             insert.getDestType().getRank() == type.getRank();
    };
    if (!first || !first->hasOneUse() || !isWhole(first) || !isWhole(last) ||
        withoutCasts(first.getSource()) != past ||
        !first.getDest().getDefiningOp<tensor::EmptyOp>())
      return {};
    for (int64_t each = 0; each < type.getRank(); ++each) {
      bool isAtStart = isConstantIntValue(last.getMixedOffsets()[each], 0);
      if (!isConstantIntValue(first.getMixedOffsets()[each], 0) ||
          (each == axis ? !isSizeOf(last.getMixedOffsets()[each], past, axis)
                        : !isAtStart))
        return {};
    }
    joined = first;
    return last;
  }

  /// The buffer, once it is sure that a state of this length has room in it.
  Value check(Value total) {
    Value most = arith::ConstantIndexOp::create(b, input.mostOf(axis)),
          fits =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sle, total, most);
    std::string words;
    llvm::raw_string_ostream(words)
        << "1:state '" << input.name << "' is full: dim " << axis
        << " has room for " << input.mostOf(axis) << ", and would be";
    cf::AssertOp::create(b, b.getUnknownLoc(), fits, words);
    return nn::BarrierOp::create(b, room.getType(), room, room);
  }

  Value insert(Value added, Value into, OpFoldResult place) {
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0)),
        strides(sizes.size(), b.getIndexAttr(1));
    offsets[axis] = place;
    SmallVector<int64_t> shape = decomposeMixedValues(sizes).first;
    auto as = RankedTensorType::get(shape, type.getElementType());
    if (added.getType() != as)
      added = tensor::CastOp::create(b, as, added);
    return tensor::InsertSliceOp::create(b, added, into, offsets, sizes,
                                         strides);
  }

  /// The first elements along the axis, under a type of a tensor of that size.
  Value slice(Value whole, Type as) {
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0)),
        strides(sizes.size(), b.getIndexAttr(1));
    Value part =
        tensor::ExtractSliceOp::create(b, whole, offsets, sizes, strides);
    return part.getType() == as ? part : tensor::CastOp::create(b, as, part);
  }

  /// Whoever reads the state that came finds it in the buffer, before and after
  /// more is behind it.
  void readPast(Operation *writer, Operation *start, Value whole) {
    SmallVector<OpOperand *> before, after;
    for (OpOperand &use : past.getUses()) {
      Operation *user = body.findAncestorOpInBlock(*use.getOwner());
      if (isa<tensor::DimOp>(use.getOwner()) || use.getOwner() == joined)
        continue;
      (writer->isBeforeInBlock(user) ? after : before).push_back(&use);
    }
    if (!before.empty()) {
      b.setInsertionPoint(start);
      Value view = slice(room, type);
      for (OpOperand *use : before)
        use->set(view);
    }
    if (!after.empty()) {
      b.setInsertionPointAfter(writer);
      Value view = slice(whole, type);
      for (OpOperand *use : after)
        use->set(view);
    }
  }

  Block &body;
  func::ReturnOp end;
  size_t result;
  const nn::Port &port, &input;
  int64_t axis;
  BlockArgument past, room;
  RankedTensorType type;
  ImplicitLocOpBuilder b;
  /// What has put the state that came into a tensor for both.
  Operation *joined = nullptr;
  SmallVector<OpFoldResult> sizes;
};

struct GrowInPlace : burnish::impl::GrowInPlaceBase<GrowInPlace> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!module->hasAttr(nn::kSignatureAttr))
      return;
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    nn::Signature signature = nn::Signature::recorded(module);
    Block &body = function->getBody().front();
    auto end = cast<func::ReturnOp>(body.getTerminator());
    SmallVector<size_t> grown;
    SmallVector<Value> rooms;
    for (auto [result, port] : llvm::enumerate(signature.outputs)) {
      if (port.grows < 0)
        continue;
      auto type =
          cast<RankedTensorType>(body.getArgument(port.feeds).getType());
      grown.push_back(result);
      rooms.push_back(body.addArgument(
          RankedTensorType::get(signature.roomOf(port), type.getElementType()),
          function->getLoc()));
    }
    // Each puts its check in front: that of the first state comes first.
    for (size_t place = grown.size(); place-- > 0;)
      rooms[place] = GrownState(*function, signature, grown[place],
                                cast<BlockArgument>(rooms[place]))
                         .grow();
    if (rooms.empty())
      return;
    end.getOperandsMutable().append(rooms);
    function->setType(FunctionType::get(&getContext(), body.getArgumentTypes(),
                                        end->getOperandTypes()));
  }
};
} // namespace
