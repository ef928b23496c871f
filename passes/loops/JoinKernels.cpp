// JoinKernels.cpp - passes over the same elements become one.
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Passes.h"
#include "passes/kernels/Elements.h"
#include "passes/kernels/Work.h"
#include "passes/loops/JointKernel.h"
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

namespace {
/// A result that something else than the two kernels reads, and its out.
struct Wanted {
  Value result, out;
};
} // namespace

static SmallVector<Wanted> wantedOf(nn::KernelOp first, nn::KernelOp second) {
  SmallVector<Wanted> wanted;
  for (auto [result, out] :
       llvm::zip_equal(first->getResults(), first.getOuts()))
    if (llvm::any_of(result.getUsers(), [&](Operation *user) {
          return user != second.getOperation();
        }))
      wanted.push_back({result, out});
  for (auto [result, out] :
       llvm::zip_equal(second->getResults(), second.getOuts()))
    wanted.push_back({result, out});
  return wanted;
}

/// The kernel that does what both do, before the second.
static nn::KernelOp makeJoint(nn::KernelOp first, nn::KernelOp second,
                              ArrayRef<Wanted> wanted) {
  JointKernel joint(second, FusedLoc::get(second.getContext(),
                                          {first.getLoc(), second.getLoc()}));
  auto isFirsts = [&](Value value) {
    return value.getDefiningOp() == first.getOperation();
  };
  for (nn::KernelOp each : {first, second})
    for (Value input : each.getInputs())
      if (!isFirsts(input))
        joint.addInput(input);
  for (const Wanted &each : wanted)
    joint.addOut(each.out);
  nn::KernelOp kernel = joint.create();

  llvm::DenseMap<Value, Value> inside;
  auto take = [&](nn::KernelOp part, IRMapping &values) {
    joint.take(part, values);
    for (auto [result, value] :
         llvm::zip_equal(part->getResults(), yieldedBy(part)))
      inside[result] = values.lookup(value);
  };
  IRMapping values, more;
  take(first, values);
  for (auto [index, input] : llvm::enumerate(second.getInputs()))
    if (isFirsts(input))
      more.map(second.getBody().front().getArgument(index), inside.at(input));
  take(second, more);
  joint.yield(llvm::map_to_vector(
      wanted, [&](const Wanted &each) { return inside.at(each.result); }));
  return kernel;
}

/// Makes one kernel of two where the second stands; null where that cannot be.
static nn::KernelOp join(nn::KernelOp first, nn::KernelOp second,
                         const Machine &machine) {
  std::optional<SmallVector<Operation *>> followers =
      followersOf(first, second);
  SmallVector<Wanted> wanted = wantedOf(first, second);
  if (!followers || wanted.size() > kMostResults)
    return {};
  nn::KernelOp kernel = makeJoint(first, second, wanted);
  std::optional<nn::ScheduleAttr> schedule = scheduleOf(kernel, machine);
  if (!schedule) {
    kernel->erase();
    return {};
  }
  kernel.setScheduleAttr(*schedule);
  for (auto [each, by] : llvm::zip_equal(wanted, kernel->getResults()))
    each.result.replaceAllUsesExcept(by, second);
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
    writeInOnePiece(getOperation());
  }
};
} // namespace
