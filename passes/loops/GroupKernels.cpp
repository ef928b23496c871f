// GroupKernels.cpp - groups loops into kernels.
#include "ir/Ops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/Passes.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Work.h"
#include "passes/loops/GroupAttention.h"
#include "passes/loops/GroupRows.h"
#include "passes/loops/NoteBorders.h"
#include "passes/loops/OrderStacks.h"
#include "passes/loops/SelectSchedule.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_GROUPKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

//===- Groups -------------------------------------------------------------===//

static bool isCandidate(linalg::GenericOp op) {
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op->getNumResults() != 1 || !isVectorisable(op))
    return false;
  // Results that are added up where several loops meet (a transposed
  // convolution's) are no tile of the loops.
  if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0))
           .isProjectedPermutation())
    return false;
  bool isReduction = op.getNumReductionLoops() > 0;
  if (!isReduction && op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  return op.getNumReductionLoops() + op.getNumParallelLoops() ==
             op.getNumLoops() &&
         op.getNumLoops() > 0;
}

/// The elementwise operation that alone uses the result, and may be done where
/// it arises.
static linalg::GenericOp epilogueOf(linalg::GenericOp root) {
  if (!root->hasOneUse())
    return {};
  auto user = dyn_cast<linalg::GenericOp>(*root->user_begin());
  if (!user || !isCandidate(user) || user.getNumReductionLoops() > 0 ||
      user->getBlock() != root->getBlock() ||
      llvm::is_contained(user.getDpsInits(), root->getResult(0)))
    return {};
  return user;
}

/// Whether a copy of many elements does nothing but exchange long axes, so that
/// it is quicker in blocks of both than along one of them.
static bool turns(linalg::GenericOp op) {
  constexpr int64_t kLong = 16, kLeastWidth = 9, kMany = 1 << 15;
  if (op.getNumDpsInputs() != 1 || op.getNumReductionLoops() > 0 ||
      !llvm::hasSingleElement(*op.getBody()) ||
      op.getBody()->getTerminator()->getOperand(0) !=
          op.getRegionInputArgs()[0])
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  // Sizes of run time are taken for long ones.
  constexpr int64_t kOpen = 64;
  auto sizeOf = [&](int64_t axis) {
    return type.isDynamicDim(axis) ? kOpen : type.getDimSize(axis);
  };
  int64_t elements = 1;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    elements *= sizeOf(axis);
  if (!maps[0].isPermutation() || !maps[1].isIdentity() ||
      (type.hasStaticShape() ? elements < kMany : elements < kOpen * kOpen))
    return false;
  unsigned innermost = maps[0].getDimPosition(maps[0].getNumResults() - 1),
           last = type.getRank() - 1;
  // Axes that lie side by side in both count as one.
  auto placeOf = [&](unsigned axis) {
    return *maps[0].getResultPosition(getAffineDimExpr(axis, op.getContext()));
  };
  int64_t width = sizeOf(last), length = sizeOf(innermost);
  for (unsigned place = last; place > 0; --place) {
    unsigned before = maps[0].getDimPosition(place - 1);
    if (before + 1 != maps[0].getDimPosition(place))
      break;
    length *= sizeOf(before);
  }
  for (unsigned axis = last; axis > 0 && placeOf(axis) == placeOf(axis - 1) + 1;
       --axis)
    width *= sizeOf(axis - 1);
  return innermost != last && length >= kLong && width >= kLeastWidth;
}

/// What such a copy gives, by a transpose of axes that stay side by side as
/// one.
static Value turned(OpBuilder &b, linalg::GenericOp op) {
  Location loc = op.getLoc();
  AffineMap from = op.getIndexingMapsArray()[0];
  Value source = op.getDpsInputs()[0];
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.hasStaticShape())
    return linalg::TransposeOp::create(
               b, loc, source, op.getDpsInits()[0],
               llvm::map_to_vector(llvm::seq<int64_t>(type.getRank()),
                                   [&](int64_t axis) -> int64_t {
                                     return *from.getResultPosition(
                                         getAffineDimExpr(axis,
                                                          b.getContext()));
                                   }))
        ->getResult(0);
  SmallVector<ReassociationIndices> there, here;
  SmallVector<int64_t> firsts, sizes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t own =
        *from.getResultPosition(getAffineDimExpr(axis, b.getContext()));
    if (!there.empty() && there.back().back() + 1 == own) {
      there.back().push_back(own);
      here.back().push_back(axis);
      sizes.back() *= type.getDimSize(axis);
      continue;
    }
    there.push_back({own});
    here.push_back({axis});
    firsts.push_back(own);
    sizes.push_back(type.getDimSize(axis));
  }
  // Groups of the source in its own order.
  SmallVector<int64_t> sorted =
      llvm::to_vector(llvm::seq<int64_t>(firsts.size()));
  llvm::sort(sorted,
             [&](int64_t x, int64_t y) { return firsts[x] < firsts[y]; });
  SmallVector<ReassociationIndices> groups = applyPermutation(there, sorted);
  auto collapsed = RankedTensorType::get(applyPermutation(sizes, sorted),
                                         type.getElementType());
  bool merges = static_cast<int64_t>(groups.size()) < type.getRank();
  if (merges)
    source = tensor::CollapseShapeOp::create(b, loc, collapsed, source, groups);
  Value place = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  Value result = linalg::TransposeOp::create(b, loc, source, place,
                                             invertPermutationVector(sorted))
                     ->getResult(0);
  return merges
             ? Value(tensor::ExpandShapeOp::create(b, loc, type, result, here))
             : result;
}

/// Whether results lie along the lanes behind an epilogue as they do before it,
/// or at least fill a vector there.
static bool keepsLanes(linalg::GenericOp root, linalg::GenericOp epilogue,
                       const Machine &machine) {
  AffineMap out = epilogue.getIndexingMapsArray().back();
  for (OpOperand *input : epilogue.getDpsInputOperands()) {
    AffineMap map = epilogue.getMatchingIndexingMap(input);
    if (input->get() != root->getResult(0) || out.getNumResults() == 0 ||
        map.getNumResults() == 0 || !out.isProjectedPermutation() ||
        out.getResults().back() == map.getResults().back())
      continue;
    auto loop = cast<AffineDimExpr>(out.getResults().back()).getPosition();
    int64_t size = epilogue.getStaticLoopRanges()[loop],
            before = cast<RankedTensorType>(input->get().getType())
                         .getShape()
                         .back();
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(before))
      continue;
    if (size < before && size * 32 < machine.vectorBits)
      return false;
  }
  return true;
}

namespace {
/// Moves operations into the region of a new kernel.
class KernelBuilder {
public:
  KernelBuilder(OpBuilder &builder, ArrayRef<linalg::GenericOp> generics)
      : generics(generics), b(builder.getUnknownLoc(), builder) {}

  /// The kernel, with a schedule that is not one yet; null when its out cannot
  /// be made. Its results are that of the last operation, and those of the
  /// others that are used beyond them.
  nn::KernelOp build() {
    linalg::GenericOp last = generics.back();
    b.setLoc(b.getFusedLoc(llvm::map_to_vector(
        generics, [](linalg::GenericOp op) { return op->getLoc(); })));
    b.setInsertionPoint(last);
    SmallVector<linalg::GenericOp> yielded{last};
    llvm::append_range(yielded, usedBeyond(generics));
    SmallVector<Value> outs;
    SmallVector<Type> types;
    for (linalg::GenericOp op : yielded) {
      outs.push_back(roomFor(op));
      types.push_back(op->getResult(0).getType());
      if (!outs.back())
        return {};
    }
    collectInputs();
    auto schedule = nn::ScheduleAttr::get(b.getContext(), "none", 1, 1, 1,
                                          false, false, false);
    auto kernel = nn::KernelOp::create(b, types, inputs, outs, schedule);
    Block *block = b.createBlock(&kernel.getBody());
    IRMapping values;
    for (Value input : inputs)
      values.map(input, block->addArgument(input.getType(), b.getLoc()));
    llvm::SmallDenseMap<Operation *, Value> outOf;
    for (linalg::GenericOp op : yielded)
      outOf[op] = block->addArgument(op->getResult(0).getType(), b.getLoc());
    for (linalg::GenericOp generic : generics)
      cloneInside(generic, outOf.lookup(generic), values);
    nn::KernelYieldOp::create(
        b, llvm::map_to_vector(yielded, [&](linalg::GenericOp op) {
          return values.lookup(op->getResult(0));
        }));
    return kernel;
  }

private:
  /// A tensor for an operation's result; null where only the run knows its
  /// sizes, and nothing else says them.
  Value roomFor(linalg::GenericOp op) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Value out = op.getDpsInits()[0];
    if (auto fill = out.getDefiningOp<linalg::FillOp>())
      out = fill.getOutputs()[0];
    if (auto empty = out.getDefiningOp<tensor::EmptyOp>())
      return b.clone(*empty)->getResult(0);
    if (!type.hasStaticShape())
      return {};
    return tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  }

  /// The operation on the kernel's arguments; `out` is null where nothing
  /// beyond the kernel asks for its result.
  void cloneInside(linalg::GenericOp generic, Value out, IRMapping &values) {
    Value init =
        out ? out : ub::PoisonOp::create(b, generic->getResult(0).getType());
    if (generic.getNumReductionLoops() > 0) {
      auto fill = generic.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
      Value number =
          b.clone(*fill.getInputs()[0].getDefiningOp())->getResult(0);
      init = linalg::FillOp::create(b, number, init).getResult(0);
    }
    values.map(generic.getDpsInits()[0], init);
    for (Value input : generic.getDpsInputs())
      cloneReshapes(input, values);
    generic.getBody()->walk([&](Operation *op) {
      for (Value operand : op->getOperands())
        if (operand.getParentRegion() != &generic.getRegion() &&
            !values.contains(operand))
          values.map(operand, b.clone(*operand.getDefiningOp())->getResult(0));
    });
    b.clone(*generic, values);
  }

  /// Whether a value is a result of one of the operations, or a reshape of one.
  bool isInside(Value value) {
    return llvm::any_of(generics, [&](linalg::GenericOp other) {
      return withoutUnitAxes(value) == other->getResult(0);
    });
  }

  void cloneReshapes(Value value, IRMapping &values) {
    if (values.contains(value) || !isInside(value))
      return;
    Operation *reshape = value.getDefiningOp();
    cloneReshapes(reshape->getOperand(0), values);
    b.clone(*reshape, values);
  }

  void collectInputs() {
    for (linalg::GenericOp generic : generics)
      for (Value input : generic.getDpsInputs()) {
        if (!isInside(input) && !llvm::is_contained(inputs, input))
          inputs.push_back(input);
      }
  }

  SmallVector<linalg::GenericOp> generics;
  ImplicitLocOpBuilder b;
  SmallVector<Value> inputs;
};
} // namespace

/// Puts reshapes of a kernel's result that stand before the kernel behind it.
static void moveReshapesBehind(Operation *maker, Value result) {
  for (Operation *user : llvm::make_early_inc_range(result.getUsers()))
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user) &&
        user->getBlock() == maker->getBlock() && user->isBeforeInBlock(maker)) {
      user->moveAfter(maker);
      moveReshapesBehind(user, user->getResult(0));
    }
}

/// Erases an operation of which nothing is used but by reshapes without use.
static void eraseWithReshapes(Operation *op) {
  for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
    eraseWithReshapes(user);
  op->erase();
}

namespace {
struct GroupKernels : burnish::impl::GroupKernelsBase<GroupKernels> {
  void runOnOperation() override {
    Machine machine = Machine::of(getOperation());
    getOperation().walk([&](nn::KernelOp kernel) {
      if (kernel.getSchedule().getAlgorithm() == "trees")
        kernel.setScheduleAttr(selectTrees(kernel, machine));
    });
    if (machine.vectorBits < 64)
      return;
    OperandPacker packer;
    ScheduleTable table(getOperation());
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp generic) {
      if (!generic->getParentOfType<nn::KernelOp>())
        generics.push_back(generic);
    });
    llvm::DenseSet<Operation *> gone;
    OpBuilder builder(&getContext());
    for (linalg::GenericOp generic : generics) {
      if (gone.contains(generic) || !isCandidate(generic))
        continue;
      if (turns(generic)) {
        builder.setInsertionPoint(generic);
        generic->getResult(0).replaceAllUsesWith(turned(builder, generic));
        gone.insert(generic);
        generic->erase();
        continue;
      }
      linalg::GenericOp epilogue = epilogueOf(generic);
      SmallVector<linalg::GenericOp> attention =
          attentionGroupFrom(generic, isCandidate);
      nn::KernelOp kernel;
      if (!attention.empty())
        kernel = makeKernel(builder, attention, machine);
      if (kernel) {
        replace(attention, kernel, gone);
        if (kernel.getSchedule().getAlgorithm() == "attention") {
          readThroughTransposes(kernel);
          readKeysInPanels(kernel);
        }
        continue;
      }
      orderStack(generic, machine.vectorBits);
      SmallVector<SmallVector<linalg::GenericOp>> tries;
      if (SmallVector<linalg::GenericOp> rows =
              rowGroupFrom(generic, isCandidate);
          !rows.empty())
        tries.push_back(rows);
      std::optional<size_t> joined;
      if (epilogue && generic.getNumReductionLoops() > 0 &&
          keepsLanes(generic, epilogue, machine)) {
        joined = tries.size();
        tries.push_back({generic, epilogue});
      }
      tries.push_back({generic});
      for (auto [index, group] : llvm::enumerate(tries)) {
        kernel = makeKernel(builder, group, machine);
        if (!kernel)
          continue;
        if (index == joined &&
            losesItsPlace(builder, kernel, generic, machine)) {
          kernel->erase();
          continue;
        }
        if (table.isThere())
          kernel.setScheduleAttr(*selectSchedule(kernel, machine, table));
        packOperands(kernel, packer, machine);
        replace(group, kernel, gone);
        break;
      }
    }
    for (linalg::GenericOp generic : generics)
      if (!gone.contains(generic))
        generic->emitRemark()
            << "computed an element at a time: "
            << (isVectorisable(generic) ? "no schedule fits its loops"
                                        : "its body is not scalar arithmetic");
    getOperation().walk([](Operation *op) {
      if (isa<linalg::TransposeOp>(op))
        op->emitRemark() << "axes are put into another order in a copy";
      if (isa<tensor::PadOp>(op))
        op->emitRemark() << "a padding is made in a copy";
    });
    packer.shareAndRelease(getOperation());
    table.record();
    if (table.hasFailed())
      signalPassFailure();
  }

  /// Puts a kernel in place of the operations that it was made of.
  static void replace(ArrayRef<linalg::GenericOp> group, nn::KernelOp kernel,
                      llvm::DenseSet<Operation *> &gone) {
    SmallVector<linalg::GenericOp> yielded{group.back()};
    llvm::append_range(yielded, usedBeyond(group));
    for (auto [op, result] : llvm::zip_equal(yielded, kernel->getResults())) {
      op->getResult(0).replaceAllUsesWith(result);
      moveReshapesBehind(kernel, result);
    }
    for (linalg::GenericOp op : llvm::reverse(group)) {
      gone.insert(op);
      eraseWithReshapes(op);
    }
  }

  /// Whether a product that reads its operands where they lie can not do so
  /// in a kernel with its epilogue, in which results lie in another order: it
  /// is worth more by itself than the pass over its results that one kernel
  /// saves.
  bool losesItsPlace(OpBuilder &builder, nn::KernelOp kernel,
                     linalg::GenericOp root, const Machine &machine) {
    auto readsInPlace = [](nn::KernelOp kernel) {
      nn::ScheduleAttr schedule = kernel.getSchedule();
      return schedule.getAlgorithm() == "product" && !schedule.getPacks();
    };
    if (!isSumOfProducts(root) || readsInPlace(kernel))
      return false;
    nn::KernelOp alone = makeKernel(builder, root, machine);
    bool loses = alone && readsInPlace(alone);
    if (alone)
      alone->erase();
    return loses;
  }

  /// A kernel with the schedule that is computed for it; null where none fits.
  nn::KernelOp makeKernel(OpBuilder &builder, ArrayRef<linalg::GenericOp> group,
                          const Machine &machine) {
    for (linalg::GenericOp op : group) {
      if (op.getNumReductionLoops() == 0)
        continue;
      auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
      if (!fill || !matchPattern(fill.getInputs()[0], m_Constant()))
        return {};
      noteBorders(op);
    }
    nn::KernelOp kernel = KernelBuilder(builder, group).build();
    if (!kernel)
      return {};
    ScheduleTable none;
    std::optional<nn::ScheduleAttr> schedule =
        selectSchedule(kernel, machine, none);
    if (!schedule) {
      kernel->erase();
      return {};
    }
    kernel.setScheduleAttr(*schedule);
    for (linalg::GenericOp op : group)
      if (Attribute whole = op->getAttr(kPartOfAttr))
        kernel->setAttr(kPartOfAttr, whole);
    return kernel;
  }
};
} // namespace
