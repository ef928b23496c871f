// JoinKernels.cpp - passes over the same elements become one.
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Passes.h"
#include "passes/kernels/Elements.h"
#include "passes/kernels/Work.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_JOINKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Bodies longer than this together stay apart, and so do passes with more
/// results: each is a stream of its own.
static constexpr size_t kLongest = 192, kMostResults = 8;
/// Of fewer elements a pass is over before it matters.
static constexpr int64_t kLeastElements = 64;
/// An operand from so many bytes on is worth reading once instead of twice.
static constexpr int64_t kFarBytes = 16 << 10;

static SmallVector<linalg::GenericOp> genericsOf(nn::KernelOp kernel) {
  return llvm::to_vector(kernel.getBody().front().getOps<linalg::GenericOp>());
}

static int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return 0;
  return type.getNumElements() *
         std::max(1u, type.getElementTypeBitWidth() / 8);
}

/// Whether a kernel is one pass, each iteration of which makes the element of
/// its own place and of no other.
static bool isPass(nn::KernelOp kernel) {
  if (!kernel || kernel.getNumResults() == 0)
    return false;
  StringRef algorithm = kernel.getSchedule().getAlgorithm();
  if (algorithm == kTogether)
    return true;
  SmallVector<linalg::GenericOp> generics = genericsOf(kernel);
  if (algorithm != "elements" || generics.size() != 1)
    return false;
  linalg::GenericOp generic = generics[0];
  SmallVector<int64_t> sizes = generic.getStaticLoopRanges();
  auto isOperand = [&](Value tensor) {
    return isa<BlockArgument>(tensor) &&
           (!isa<ShapedType>(tensor.getType()) ||
            isa<RankedTensorType>(tensor.getType()));
  };
  return generic.getNumReductionLoops() == 0 &&
         generic.getBody()->getOps<linalg::IndexOp>().empty() &&
         !ShapedType::isDynamicShape(sizes) &&
         ShapedType::getNumElements(sizes) >= kLeastElements &&
         generic.getIndexingMapsArray().back().isIdentity() &&
         llvm::all_of(generic.getDpsInputs(), isOperand);
}

/// How a pass reads an operand; nothing where it does so in several ways.
static std::optional<AffineMap> mapOf(nn::KernelOp kernel, unsigned argument) {
  std::optional<AffineMap> found;
  for (OpOperand &use :
       kernel.getBody().front().getArgument(argument).getUses()) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!generic)
      return std::nullopt;
    AffineMap map = generic.getMatchingIndexingMap(&use);
    if (found && *found != map)
      return std::nullopt;
    found = map;
  }
  return found;
}

/// Whether a pass reads a tensor where it makes its results, and in no other
/// way.
static bool readsInPlace(nn::KernelOp kernel, Value tensor) {
  for (auto [index, input] : llvm::enumerate(kernel.getInputs()))
    if (input == tensor) {
      std::optional<AffineMap> map = mapOf(kernel, index);
      if (!map || !map->isIdentity())
        return false;
    }
  return !llvm::is_contained(kernel.getOuts(), tensor);
}

/// Whether both read what they share in the same way.
static bool readAlike(nn::KernelOp first, nn::KernelOp second) {
  for (auto [index, input] : llvm::enumerate(first.getInputs()))
    for (auto [other, same] : llvm::enumerate(second.getInputs()))
      if (input == same && isa<ShapedType>(input.getType())) {
        std::optional<AffineMap> map = mapOf(first, index);
        if (!map || map != mapOf(second, other))
          return false;
      }
  return true;
}

/// What stands between two operations and wants results of the first, directly
/// or not; nothing where the second wants any of that, or where it cannot stand
/// behind it.
static std::optional<SmallVector<Operation *>> followersOf(Operation *first,
                                                           Operation *second) {
  SmallVector<Operation *> followers;
  llvm::SmallPtrSet<Operation *, 16> late{first};
  auto isLate = [&](Operation *op, bool countsFirst) {
    auto wants = [&](Value value) {
      Operation *maker = value.getDefiningOp();
      return maker && late.contains(maker) && (countsFirst || maker != first);
    };
    if (llvm::any_of(op->getOperands(), wants))
      return true;
    SetVector<Value> above;
    getUsedValuesDefinedAbove(op->getRegions(), above);
    return llvm::any_of(above, wants);
  };
  for (Operation *op = first->getNextNode(); op != second;
       op = op->getNextNode()) {
    if (!isLate(op, /*countsFirst=*/true))
      continue;
    if (!isMemoryEffectFree(op))
      return std::nullopt;
    followers.push_back(op);
    late.insert(op);
  }
  if (isLate(second, /*countsFirst=*/false))
    return std::nullopt;
  return followers;
}

/// Whether nothing that takes long stands between two passes.
static bool areNear(Operation *first, Operation *second) {
  for (Operation *op = first->getNextNode(); op != second;
       op = op->getNextNode())
    if (op->getNumRegions() > 0 && !isa<linalg::GenericOp>(op) &&
        !isPass(dyn_cast<nn::KernelOp>(op)))
      return false;
  return true;
}

namespace {
/// A kernel that is made of others: operands without repetition, and results.
class Joint {
public:
  Joint(nn::KernelOp like, Location loc)
      : b(like), loc(loc), schedule(like.getSchedule()) {}

  void addInput(Value value) {
    if (!llvm::is_contained(inputs, value))
      inputs.push_back(value);
  }
  void addOut(Value value) { outs.push_back(value); }

  /// The kernel, with a region that has its arguments and no operation yet.
  nn::KernelOp create() {
    auto kind =
        nn::ScheduleAttr::get(b.getContext(), kTogether, schedule.getLanes(), 1,
                              1, false, false, false);
    kernel = nn::KernelOp::create(b, loc, ValueRange(outs).getTypes(), inputs,
                                  outs, kind);
    Block *block = b.createBlock(&kernel.getBody());
    for (Value operand : kernel->getOperands())
      block->addArgument(operand.getType(), loc);
    return kernel;
  }

  /// Copies what a kernel does; `values` has what it takes from others, by its
  /// arguments.
  void take(nn::KernelOp other, IRMapping &values) {
    Block &from = other.getBody().front();
    for (auto [index, input] : llvm::enumerate(other.getInputs()))
      if (BlockArgument inside = from.getArgument(index);
          !values.contains(inside))
        values.map(inside, argumentOf(input));
    for (BlockArgument out :
         from.getArguments().drop_front(other.getInputs().size()))
      values.map(out, ub::PoisonOp::create(b, loc, out.getType()));
    for (Operation &op : from.without_terminator())
      b.clone(op, values);
  }

  void yield(ValueRange results) { nn::KernelYieldOp::create(b, loc, results); }
  BlockArgument outArgument(size_t index) {
    return kernel.getBody().front().getArgument(inputs.size() + index);
  }

  OpBuilder b;

private:
  Value argumentOf(Value input) {
    return kernel.getBody().front().getArgument(llvm::find(inputs, input) -
                                                inputs.begin());
  }

  Location loc;
  nn::ScheduleAttr schedule;
  SmallVector<Value> inputs, outs;
  nn::KernelOp kernel;
};
} // namespace

static SmallVector<Value> yieldedBy(nn::KernelOp kernel) {
  return SmallVector<Value>(
      kernel.getBody().front().getTerminator()->getOperands());
}

/// The schedule for what was joined; nothing where an operand does not lie
/// along the lanes.
static std::optional<nn::ScheduleAttr> scheduleOf(nn::KernelOp kernel,
                                                  const Machine &machine) {
  FailureOr<Nest> nest = Nest::ofTypes(kernel);
  if (failed(nest) || nest->loops.empty())
    return std::nullopt;
  std::optional<Lanes> lanes = chooseLanes(*nest);
  if (!lanes || llvm::any_of(nest->inputs, [&](const Access &access) {
        int64_t step = access.along(lanes->loop);
        return step != 0 && step != 1;
      }))
    return std::nullopt;
  int64_t operations = 0, results = 1;
  unsigned widest = 8;
  for (linalg::GenericOp generic : genericsOf(kernel))
    operations += operationsOf(*generic.getBody());
  for (const Loop &loop : nest->loops)
    results *= loop.known();
  for (Type type : kernel->getOperandTypes())
    if (Type element = getElementTypeOrSelf(type); element.isIntOrFloat())
      widest = std::max(widest, element.getIntOrFloatBitWidth());
  ElementsShape shape{results,
                      1,
                      nest->loops[lanes->loop].known(),
                      widest,
                      operations,
                      operations,
                      /*reducesLanes=*/false};
  std::optional<nn::ScheduleAttr> found =
      scheduleElements(kernel.getContext(), shape, machine);
  if (!found)
    return std::nullopt;
  return nn::ScheduleAttr::get(kernel.getContext(), kTogether,
                               found->getLanes(), found->getVectors(), 1, false,
                               false, found->getIsParallel());
}

/// Makes one kernel of two where the second stands; null where that cannot be.
static nn::KernelOp join(nn::KernelOp first, nn::KernelOp second,
                         const Machine &machine) {
  std::optional<SmallVector<Operation *>> followers =
      followersOf(first, second);
  if (!followers)
    return {};
  Joint joint(second, FusedLoc::get(second.getContext(),
                                    {first.getLoc(), second.getLoc()}));
  auto isFirsts = [&](Value value) {
    return value.getDefiningOp() == first.getOperation();
  };
  for (nn::KernelOp each : {first, second})
    for (Value input : each.getInputs())
      if (!isFirsts(input))
        joint.addInput(input);
  SmallVector<Value> wanted, yields;
  for (auto [result, out] :
       llvm::zip_equal(first->getResults(), first.getOuts()))
    if (llvm::any_of(result.getUsers(), [&](Operation *user) {
          return user != second.getOperation();
        })) {
      wanted.push_back(result);
      joint.addOut(out);
    }
  for (auto [result, out] :
       llvm::zip_equal(second->getResults(), second.getOuts())) {
    wanted.push_back(result);
    joint.addOut(out);
  }
  if (wanted.size() > kMostResults)
    return {};
  nn::KernelOp kernel = joint.create();
  IRMapping values, more;
  joint.take(first, values);
  llvm::DenseMap<Value, Value> inside;
  for (auto [result, value] :
       llvm::zip_equal(first->getResults(), yieldedBy(first)))
    inside[result] = values.lookup(value);
  for (auto [index, input] : llvm::enumerate(second.getInputs()))
    if (isFirsts(input))
      more.map(second.getBody().front().getArgument(index), inside.at(input));
  joint.take(second, more);
  for (auto [result, value] :
       llvm::zip_equal(second->getResults(), yieldedBy(second)))
    inside[result] = more.lookup(value);
  for (Value result : wanted)
    yields.push_back(inside.at(result));
  joint.yield(yields);
  std::optional<nn::ScheduleAttr> schedule = scheduleOf(kernel, machine);
  if (!schedule) {
    kernel->erase();
    return {};
  }
  kernel.setScheduleAttr(*schedule);
  for (auto [result, by] : llvm::zip_equal(wanted, kernel->getResults()))
    result.replaceAllUsesExcept(by, second);
  Operation *place = kernel;
  for (Operation *follower : *followers) {
    follower->moveAfter(place);
    place = follower;
  }
  second->erase();
  first->erase();
  return kernel;
}

/// What a pass could be joined with, nearest first: what makes its operands,
/// and what reads one of them.
static SmallVector<nn::KernelOp> partnersOf(nn::KernelOp kernel) {
  SetVector<Operation *> found;
  SmallVector<int64_t> sizes = genericsOf(kernel)[0].getStaticLoopRanges();
  auto fits = [&](Operation *op) {
    auto other = dyn_cast_or_null<nn::KernelOp>(op);
    if (!other || other == kernel || other->getBlock() != kernel->getBlock() ||
        !other->isBeforeInBlock(kernel) || !isPass(other))
      return false;
    size_t length = 0;
    for (nn::KernelOp each : {other, kernel})
      for (linalg::GenericOp generic : genericsOf(each))
        length += generic.getBody()->getOperations().size();
    return length <= kLongest &&
           genericsOf(other)[0].getStaticLoopRanges() == sizes &&
           readAlike(other, kernel) &&
           llvm::all_of(other->getResults(), [&](Value result) {
             return readsInPlace(kernel, result);
           });
  };
  for (Value input : kernel.getInputs()) {
    if (Operation *maker = input.getDefiningOp(); fits(maker))
      found.insert(maker);
    if (bytesOf(input) < kFarBytes || !readsInPlace(kernel, input))
      continue;
    for (Operation *user : input.getUsers())
      if (fits(user) && areNear(user, kernel))
        found.insert(user);
  }
  SmallVector<nn::KernelOp> partners;
  for (Operation *op : found)
    partners.push_back(cast<nn::KernelOp>(op));
  llvm::sort(partners, [](nn::KernelOp a, nn::KernelOp b) {
    return a != b && b->isBeforeInBlock(a);
  });
  return partners;
}

//===- What is joined along an axis ---------------------------------------===//

/// The insertions, first to last, of which a tensor is made of nothing but
/// results of one kernel, each used there alone; none for other tensors.
static SmallVector<tensor::InsertSliceOp>
insertionsInto(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> insertions;
  int64_t elements = 0;
  auto isNumber = [](int64_t number) { return !ShapedType::isDynamic(number); };
  for (tensor::InsertSliceOp insert = last; insert;) {
    RankedTensorType from = insert.getSourceType(), to = insert.getDestType();
    bool isPlain = from.getRank() == to.getRank() && to.hasStaticShape() &&
                   from.hasStaticShape() &&
                   insert.getStaticSizes() == from.getShape() &&
                   llvm::all_of(insert.getStaticOffsets(), isNumber) &&
                   llvm::all_of(insert.getStaticStrides(),
                                [](int64_t stride) { return stride == 1; });
    if (!isPlain || !insert.getSource().hasOneUse() ||
        insert.getSource().getDefiningOp() !=
            last.getSource().getDefiningOp() ||
        (insert != last && !insert->hasOneUse()))
      return {};
    insertions.insert(insertions.begin(), insert);
    elements += from.getNumElements();
    if (insert.getDest().getDefiningOp<tensor::EmptyOp>())
      break;
    insert = insert.getDest().getDefiningOp<tensor::InsertSliceOp>();
    if (!insert)
      return {};
  }
  auto areApart = [](tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
    for (int64_t axis = 0; axis < a.getDestType().getRank(); ++axis) {
      int64_t low = a.getStaticOffset(axis), high = b.getStaticOffset(axis);
      if (low + a.getStaticSize(axis) <= high ||
          high + b.getStaticSize(axis) <= low)
        return true;
    }
    return false;
  };
  for (auto [index, one] : llvm::enumerate(insertions))
    for (tensor::InsertSliceOp other :
         ArrayRef(insertions).drop_front(index + 1))
      if (!areApart(one, other))
        return {};
  return elements == last.getDestType().getNumElements()
             ? insertions
             : SmallVector<tensor::InsertSliceOp>();
}

/// Has the kernel write what is joined in one piece.
static void writeJoined(ArrayRef<tensor::InsertSliceOp> insertions) {
  tensor::InsertSliceOp last = insertions.back();
  auto kernel = last.getSource().getDefiningOp<nn::KernelOp>();
  Joint joint(kernel, kernel.getLoc());
  for (Value input : kernel.getInputs())
    joint.addInput(input);
  SmallVector<Value> joined, others;
  for (tensor::InsertSliceOp insert : insertions)
    joined.push_back(insert.getSource());
  for (auto [result, out] :
       llvm::zip_equal(kernel->getResults(), kernel.getOuts()))
    if (!llvm::is_contained(joined, result)) {
      others.push_back(result);
      joint.addOut(out);
    }
  RankedTensorType type = last.getDestType();
  joint.addOut(tensor::EmptyOp::create(joint.b, kernel.getLoc(),
                                       type.getShape(), type.getElementType()));
  nn::KernelOp next = joint.create();
  IRMapping values;
  joint.take(kernel, values);
  SmallVector<Value> before = yieldedBy(kernel), yields;
  auto insideOf = [&](Value result) {
    return values.lookup(before[cast<OpResult>(result).getResultNumber()]);
  };
  for (Value result : others)
    yields.push_back(insideOf(result));
  Value whole = joint.outArgument(others.size());
  for (tensor::InsertSliceOp insert : insertions)
    whole = tensor::InsertSliceOp::create(
        joint.b, insert.getLoc(), insideOf(insert.getSource()), whole,
        insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
  yields.push_back(whole);
  joint.yield(yields);
  next.setScheduleAttr(kernel.getSchedule());
  for (auto [result, by] : llvm::zip(others, next->getResults()))
    result.replaceAllUsesWith(by);
  last->getResult(0).replaceAllUsesWith(next->getResults().back());
  for (tensor::InsertSliceOp insert : llvm::reverse(insertions))
    insert->erase();
  kernel->erase();
}

namespace {
struct JoinKernels : burnish::impl::JoinKernelsBase<JoinKernels> {
  void runOnOperation() override {
    Machine machine = Machine::of(getOperation()->getParentOfType<ModuleOp>());
    if (machine.vectorBits < 64)
      return;
    SmallVector<nn::KernelOp> kernels;
    getOperation().walk<WalkOrder::PreOrder>([&](nn::KernelOp kernel) {
      if (isPass(kernel))
        kernels.push_back(kernel);
      return WalkResult::skip();
    });
    // A joint kernel stands where its last part stood, so that what was before
    // that is done with.
    for (nn::KernelOp kernel : kernels) {
      for (bool isJoined = true; isJoined;) {
        isJoined = false;
        for (nn::KernelOp partner : partnersOf(kernel))
          if (nn::KernelOp next = join(partner, kernel, machine)) {
            kernel = next;
            isJoined = true;
            break;
          }
      }
    }
    SmallVector<tensor::InsertSliceOp> inserts;
    getOperation().walk([&](tensor::InsertSliceOp insert) {
      auto kernel = insert.getSource().getDefiningOp<nn::KernelOp>();
      if (kernel && kernel.getSchedule().getAlgorithm() == kTogether)
        inserts.push_back(insert);
    });
    // Those that end a chain come last.
    llvm::SmallPtrSet<Operation *, 16> gone;
    for (tensor::InsertSliceOp insert : llvm::reverse(inserts)) {
      if (gone.contains(insert))
        continue;
      SmallVector<tensor::InsertSliceOp> insertions = insertionsInto(insert);
      if (insertions.size() < 2)
        continue;
      gone.insert(insertions.begin(), insertions.end());
      writeJoined(insertions);
    }
  }
};
} // namespace
