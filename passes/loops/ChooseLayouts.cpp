// ChooseLayouts.cpp - the order in which the axes of tensors lie in memory.
#include "ir/Ops.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/loops/Lanes.h"
#include "passes/loops/Layouts.h"
#include "passes/loops/SumOfProducts.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CHOOSELAYOUTS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
class LayoutChooser {
public:
  /// `width` are the elements of a vector; 0 where there are none.
  LayoutChooser(MLIRContext *context, int64_t width)
      : b(context), layouts(b), width(width) {}

  void run(func::FuncOp function) {
    if (width > 0)
      split = splitOverImages(b, function, width);
    SmallVector<Operation *> ops;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      ops.push_back(op);
      return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                       : WalkResult::advance();
    });
    for (Operation *op : ops) {
      layouts.visit(op);
      b.setInsertionPoint(op);
      llvm::TypeSwitch<Operation *>(op)
          .Case<nn::BarrierOp, linalg::GenericOp, linalg::TransposeOp,
                tensor::PadOp, tensor::InsertSliceOp, tensor::ExtractSliceOp,
                tensor::CollapseShapeOp, tensor::ExpandShapeOp, scf::YieldOp>(
              [&](auto op) { visit(op); });
    }
    layouts.finish();
  }

private:
  //===- Loops ------------------------------------------------------------===//

  /// The loops of the result in the order in which they shall lie, last one
  /// innermost; empty: as they do.
  SmallVector<unsigned> chooseOrder(linalg::GenericOp op,
                                    ArrayRef<AffineMap> maps) {
    AffineMap out = maps.back();
    SmallVector<unsigned> natural = loopsOf(out), wanted;
    // As the largest of the operands that have a layout lies.
    std::optional<size_t> leader;
    int64_t mostLoops = 0;
    for (auto [index, input] : llvm::enumerate(op.getDpsInputs())) {
      int64_t count = llvm::count_if(natural, [&](unsigned loop) {
        return maps[index].isFunctionOfDim(loop);
      });
      if (layouts.placeOf(input) && count > mostLoops) {
        mostLoops = count;
        leader = index;
      }
    }
    if (leader)
      for (AffineExpr expr : maps[*leader].getResults())
        for (unsigned loop : natural)
          if (expr.isFunctionOfDim(loop) && !llvm::is_contained(wanted, loop))
            wanted.push_back(loop);
    if (!leader)
      wanted = orderOfGathered(op, natural);
    // What it does not have stands where it would otherwise.
    for (auto [place, loop] : llvm::enumerate(natural))
      if (!llvm::is_contained(wanted, loop))
        wanted.insert(place == 0 ? wanted.begin()
                                 : llvm::find(wanted, natural[place - 1]) + 1,
                      loop);
    SmallVector<unsigned> lanes = lanesOf(op, maps, natural);
    llvm::erase_if(
        wanted, [&](unsigned loop) { return llvm::is_contained(lanes, loop); });
    llvm::append_range(wanted, lanes);
    return wanted == natural ? SmallVector<unsigned>() : wanted;
  }

  /// Elements that a body takes from tensors that have a layout.
  SmallVector<tensor::ExtractOp> gathered(linalg::GenericOp op) {
    SmallVector<tensor::ExtractOp> found;
    op.getBody()->walk([&](tensor::ExtractOp extract) {
      if (layouts.placeOf(extract.getTensor()))
        found.push_back(extract);
    });
    return found;
  }

  /// The loops as the axes lie of a tensor from which a body takes elements,
  /// loop by axis, where that one that lies innermost is walked along; none
  /// otherwise.
  SmallVector<unsigned> orderOfGathered(linalg::GenericOp op,
                                        ArrayRef<unsigned> natural) {
    for (tensor::ExtractOp extract : gathered(op)) {
      ArrayRef<int64_t> order = layouts.placeOf(extract.getTensor())->order;
      auto index =
          extract.getIndices()[order.back()].getDefiningOp<linalg::IndexOp>();
      if (order.size() == natural.size() && index &&
          index.getDim() == natural[order.back()])
        return llvm::map_to_vector(order,
                                   [&](int64_t axis) { return natural[axis]; });
    }
    return {};
  }

  /// Whether an operation makes a result of the function from an argument of
  /// the same size, as updates of weights do: both lie as the caller has them.
  bool isBetweenCallers(linalg::GenericOp op) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (op.getNumReductionLoops() > 0 || !maps.back().isIdentity() ||
        llvm::none_of(op->getUsers(), [](Operation *user) {
          return isa<func::ReturnOp>(user);
        }))
      return false;
    return llvm::any_of(llvm::enumerate(op.getDpsInputs()), [&](auto each) {
      auto argument = dyn_cast<BlockArgument>(each.value());
      return argument && maps[each.index()].isIdentity() &&
             isa<func::FuncOp>(argument.getOwner()->getParentOp());
    });
  }

  void visit(linalg::GenericOp op) {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1)
      return;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    SmallVector<SmallVector<int64_t>> orders;
    bool changes = false;
    for (auto [map, input] : llvm::zip(maps, inputs)) {
      orders.push_back(
          llvm::to_vector(llvm::seq<int64_t>(map.getNumResults())));
      if (const Placed *place = layouts.placeOf(input)) {
        orders.back() = place->order;
        map = permuteResults(map, place->order);
        changes = true;
      }
    }
    bool isSplit = split.contains(op);
    changes |= isSplit || !gathered(op).empty();
    SmallVector<unsigned> loops;
    AffineMap out = maps.back();
    std::optional<unsigned> images;
    bool hasFew = !isSplit && hasFewLanes(op, width);
    if (hasFew)
      images = imagesOf(op, loopsOf(out), width);
    if (isBetweenCallers(op) || (hasFew && !images)) {
      for (auto [index, input] : llvm::enumerate(inputs))
        if (layouts.placeOf(input))
          op->setOperand(index,
                         layouts.in(input, llvm::to_vector(llvm::seq<int64_t>(
                                               orders[index].size()))));
      return;
    }
    if (images) {
      loops = loopsOf(out);
      llvm::erase(loops, *images);
      loops.push_back(*images);
    } else if (!isSplit && out.isProjectedPermutation()) {
      loops = chooseOrder(op, maps);
    }
    if (!changes && loops.empty())
      return;

    // What moves along the innermost loop shall do so by one element.
    std::optional<size_t> weights = weightsOf(op);
    if (out.isProjectedPermutation() && out.getNumResults() > 0) {
      unsigned lanes = loops.empty()
                           ? out.getDimPosition(out.getNumResults() - 1)
                           : loops.back();
      // Constants are packed later.
      bool isProduct = weights && !maps[1 - *weights].isFunctionOfDim(lanes) &&
                       matchPattern(inputs[*weights], m_Constant());
      for (auto [index, input] : llvm::enumerate(inputs))
        if (!(isProduct && index == weights))
          moveInnermost(lanes, cast<RankedTensorType>(input.getType()),
                        maps[index], orders[index]);
    }
    for (auto [input, order] : llvm::zip(inputs, orders))
      input = layouts.in(input, order);

    SmallVector<int64_t> order;
    for (unsigned loop : loops)
      order.push_back(*out.getResultPosition(b.getAffineDimExpr(loop)));
    Value init = op.getDpsInits()[0];
    if (!order.empty()) {
      init = layouts.initIn(init, order);
      maps.back() = permuteResults(out, order);
    }
    auto copy = cast<linalg::GenericOp>(b.clone(*op));
    SmallVector<Value> operands(inputs);
    operands.push_back(init);
    copy->setOperands(operands);
    copy.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    copy->getResult(0).setType(cast<RankedTensorType>(init.getType()));
    for (tensor::ExtractOp extract : gathered(copy)) {
      const Placed *place = layouts.placeOf(extract.getTensor());
      extract.getIndicesMutable().assign(applyPermutation(
          SmallVector<Value>(extract.getIndices()), place->order));
      extract.getTensorMutable().assign(place->tensor);
    }
    if (order.empty()) {
      b.replaceOp(op, copy);
      return;
    }
    layouts.place(op, interchanged(copy, loops).getResult(0), order);
  }

  static AffineMap permuteResults(AffineMap map, ArrayRef<int64_t> order) {
    return AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                          applyPermutation(map.getResults(), order),
                          map.getContext());
  }

  /// Loops over results as these lie, then the reductions as they were.
  linalg::GenericOp interchanged(linalg::GenericOp op,
                                 ArrayRef<unsigned> results) {
    SmallVector<unsigned> order(results);
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      if (!llvm::is_contained(results, loop))
        order.push_back(loop);
    b.setInsertionPoint(op);
    return *linalg::interchangeGenericOp(b, op, order);
  }

  /// Puts the axis that the loop alone walks along last.
  static void moveInnermost(unsigned loop, RankedTensorType type,
                            AffineMap &map, SmallVector<int64_t> &order) {
    for (int64_t axis = 0; axis + 1 < map.getNumResults(); ++axis) {
      auto dim = dyn_cast<AffineDimExpr>(map.getResult(axis));
      if (!dim || dim.getPosition() != loop ||
          llvm::all_of(ArrayRef(order).drop_front(axis + 1),
                       [&](int64_t own) { return type.getDimSize(own) == 1; }))
        continue;
      SmallVector<int64_t> move =
          llvm::to_vector(llvm::seq<int64_t>(order.size()));
      std::rotate(move.begin() + axis, move.begin() + axis + 1, move.end());
      map = permuteResults(map, move);
      order = applyPermutation(order, move);
      return;
    }
  }

  //===- Changes of shape -------------------------------------------------===//

  void visit(linalg::TransposeOp op) {
    const Placed *place = layouts.placeOf(op.getInput());
    SmallVector<int64_t> inverse = invertPermutationVector(op.getPermutation());
    if (place)
      layouts.place(op, place->tensor, applyPermutation(inverse, place->order));
    else if (!inverse.empty() &&
             feedsConvolution(op->getResult(0), inverse.back()))
      layouts.place(op, op.getInput(), inverse);
  }

  /// Whether a value is the image, perhaps with a border, of a convolution that
  /// reads it however it lies, with its channels along `innermost`.
  bool feedsConvolution(Value image, int64_t innermost) {
    return llvm::any_of(image.getUses(), [&](OpOperand &use) {
      if (auto padding = dyn_cast<tensor::PadOp>(use.getOwner()))
        return feedsConvolution(padding.getResult(), innermost);
      auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
      std::optional<size_t> weights = op ? weightsOf(op) : std::nullopt;
      if (!weights || use.getOperandNumber() != 1 - *weights ||
          !isConstant(op.getDpsInputs()[*weights]) || hasFewLanes(op, width))
        return false;
      AffineMap map = op.getMatchingIndexingMap(&use);
      return !map.isProjectedPermutation() &&
             isa<AffineDimExpr>(map.getResult(innermost));
    });
  }

  void visit(tensor::PadOp op) {
    const Placed *place = layouts.placeOf(op.getSource());
    Value filling = op.getConstantPaddingValue();
    if (!place || !filling)
      return;
    SmallVector<int64_t> order = place->order;
    auto type =
        RankedTensorType::get(applyPermutation(op.getType().getShape(), order),
                              op.getType().getElementType());
    Value padded = tensor::PadOp::create(
        b, op.getLoc(), type, place->tensor,
        applyPermutation(op.getMixedLowPad(), order),
        applyPermutation(op.getMixedHighPad(), order), filling);
    layouts.place(op, padded, order);
  }

  void visit(tensor::InsertSliceOp op) {
    const Placed *place = layouts.placeOf(op.getSource());
    if (!place)
      place = layouts.placeOf(op.getDest());
    if (!place || op.getSourceType().getRank() != op.getDestType().getRank())
      return;
    SmallVector<int64_t> order = place->order;
    Value source = layouts.in(op.getSource(), order),
          dest = layouts.initIn(op.getDest(), order);
    Value result = tensor::InsertSliceOp::create(
        b, op.getLoc(), source, dest,
        applyPermutation(op.getMixedOffsets(), order),
        applyPermutation(op.getMixedSizes(), order),
        applyPermutation(op.getMixedStrides(), order));
    layouts.place(op, result, order);
  }

  void visit(tensor::ExtractSliceOp op) {
    const Placed *place = layouts.placeOf(op.getSource());
    if (!place || op.getSourceType().getRank() != op.getType().getRank())
      return;
    SmallVector<int64_t> order = place->order;
    auto type =
        RankedTensorType::get(applyPermutation(op.getType().getShape(), order),
                              op.getType().getElementType());
    Value result = tensor::ExtractSliceOp::create(
        b, op.getLoc(), type, place->tensor,
        applyPermutation(op.getMixedOffsets(), order),
        applyPermutation(op.getMixedSizes(), order),
        applyPermutation(op.getMixedStrides(), order));
    layouts.place(op, result, order);
  }

  /// Axes that become one must lie as one.
  void visit(tensor::CollapseShapeOp op) {
    const Placed *place = layouts.placeOf(op.getSrc());
    if (!place)
      return;
    SmallVector<int64_t> position = invertPermutationVector(place->order);
    SmallVector<std::pair<int64_t, int64_t>> groups; // position, group
    SmallVector<ReassociationIndices> reassociation =
        op.getReassociationIndices();
    for (auto [index, group] : llvm::enumerate(reassociation)) {
      for (auto [step, axis] : llvm::enumerate(group))
        if (position[axis] !=
            position[group.front()] + static_cast<int64_t>(step))
          return;
      groups.push_back({position[group.front()], index});
    }
    llvm::sort(groups);
    SmallVector<int64_t> order;
    SmallVector<ReassociationIndices> together;
    for (auto [first, index] : groups) {
      order.push_back(index);
      int64_t size = reassociation[index].size();
      together.push_back(llvm::to_vector<2>(llvm::seq(first, first + size)));
    }
    auto type = RankedTensorType::get(
        applyPermutation(op.getResultType().getShape(), order),
        op.getResultType().getElementType());
    Value result = tensor::CollapseShapeOp::create(b, op.getLoc(), type,
                                                   place->tensor, together);
    layouts.place(op, result, order);
  }

  /// A barrier lies as its operand does, and waits for the other however that
  /// lies.
  void visit(nn::BarrierOp op) {
    if (const Placed *after = layouts.placeOf(op.getAfter()))
      op.getAfterMutable().assign(after->tensor);
    const Placed *place = layouts.placeOf(op.getInput());
    if (!place)
      return;
    Value tensor = place->tensor;
    Value held = nn::BarrierOp::create(b, op.getLoc(), tensor.getType(), tensor,
                                       op.getAfter());
    layouts.place(op, held, SmallVector<int64_t>(place->order));
  }

  /// What a branch gives instead of a value lies as that value does.
  void visit(scf::YieldOp op) {
    auto branch = dyn_cast<scf::IfOp>(op->getParentOp());
    if (!branch || branch.getNumResults() != 1 ||
        op->getBlock() != branch.elseBlock())
      return;
    const Placed *found = layouts.placeOf(branch.thenYield().getOperand(0));
    if (!found)
      return;
    Placed whole = *found;
    Value other = layouts.in(op.getOperand(0), whole.order);
    if (other.getType() != whole.tensor.getType())
      return;
    b.setInsertionPoint(branch);
    auto made =
        scf::IfOp::create(b, branch.getLoc(), TypeRange(whole.tensor.getType()),
                          branch.getCondition(),
                          /*withElseRegion=*/true);
    made.getThenRegion().takeBody(branch.getThenRegion());
    made.getElseRegion().takeBody(branch.getElseRegion());
    made.thenYield()->setOperand(0, whole.tensor);
    made.elseYield()->setOperand(0, other);
    layouts.place(branch, made.getResult(0), whole.order);
  }

  void visit(tensor::ExpandShapeOp op) {
    const Placed *place = layouts.placeOf(op.getSrc());
    if (!place)
      return;
    SmallVector<int64_t> order;
    SmallVector<ReassociationIndices> apart;
    SmallVector<ReassociationIndices> reassociation =
        op.getReassociationIndices();
    for (int64_t axis : place->order) {
      int64_t first = order.size(), size = reassociation[axis].size();
      llvm::append_range(order, reassociation[axis]);
      apart.push_back(llvm::to_vector<2>(llvm::seq(first, first + size)));
    }
    auto type = RankedTensorType::get(
        applyPermutation(op.getResultType().getShape(), order),
        op.getResultType().getElementType());
    Value result = tensor::ExpandShapeOp::create(
        b, op.getLoc(), type, place->tensor, apart,
        applyPermutation(op.getMixedOutputShape(), order));
    layouts.place(op, result, order);
  }

  IRRewriter b;
  Layouts layouts;
  int64_t width;
  /// Sums apart for each image.
  llvm::SmallDenseSet<Operation *, 4> split;
};

struct ChooseLayouts : burnish::impl::ChooseLayoutsBase<ChooseLayouts> {
  void runOnOperation() override {
    constexpr int64_t kFloatBits = 32, kLeastWidth = 4;
    Machine machine = Machine::of(getOperation()->getParentOfType<ModuleOp>());
    int64_t width = machine.vectorBits / kFloatBits;
    LayoutChooser(&getContext(), width < kLeastWidth ? 0 : width)
        .run(getOperation());
  }
};
} // namespace
