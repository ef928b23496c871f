// ChooseRecomputed.cpp - which values are computed again for gradients, when
// they need not all be kept.
//
// The choices stand in one order, and the first of them are taken, as many as
// the caller says; the driver finds the least number with which the workspace
// is small enough. First come loops over elements, sums and means (bias,
// activation, norm, dropout) between a contraction and the next, those first
// that save most bytes for an operation. Then come segments of the network,
// contractions and all, between the places where least goes on from before to
// behind: each by itself, then two at a time, then four, as long as there are
// two of them (Chen et al., 2016). Of each kind those come first that cost
// least for a byte.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/graph/Recompute.h"

using namespace mlir;
using namespace burnish;

/// Bytes of a tensor of known size, else 0.
static int64_t bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return 0;
  Type element = type.getElementType();
  int64_t each =
      element.isIntOrFloat() ? (element.getIntOrFloatBitWidth() + 7) / 8 : 8;
  return type.getNumElements() * each;
}

static double elementsOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape()
             ? static_cast<double>(type.getNumElements())
             : 0;
}

/// Whether an operator takes long for each of its results.
static bool isContraction(Operation *op) {
  return op->getNumRegions() > 0 ||
         isa<nn::MatMulOp, nn::ConvOp, nn::ConvTransposeOp, nn::DeformConvOp,
             nn::DftOp>(op);
}

/// Operations to compute an operator again, roughly.
static double costOf(Operation *op) {
  double elements = 0;
  for (Value operand : op->getOperands())
    elements = std::max(elements, elementsOf(operand));
  for (Value result : op->getResults())
    elements = std::max(elements, elementsOf(result));
  if (!isContraction(op))
    return elements;
  if (op->getNumRegions() > 0) {
    // Bodies run again and again: far more than one of a result.
    constexpr double kBody = 1000;
    return elements * kBody;
  }
  auto sizeOf = [](Value value, int64_t fromEnd) -> double {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    bool isKnown = type && type.getRank() >= fromEnd &&
                   !type.isDynamicDim(type.getRank() - fromEnd);
    return isKnown ? type.getDimSize(type.getRank() - fromEnd) : 1;
  };
  if (isa<nn::MatMulOp>(op))
    return 2 * elementsOf(op->getResult(0)) * sizeOf(op->getOperand(0), 1);
  double weights = elementsOf(op->getOperand(1));
  auto type = dyn_cast<RankedTensorType>(op->getOperand(1).getType());
  double outputs = type && type.getRank() > 0 && !type.isDynamicDim(0)
                       ? std::max<double>(type.getDimSize(0), 1)
                       : 1;
  return 2 * elementsOf(op->getResult(0)) * weights / outputs;
}

namespace {
/// Operators from `first` to `last`, both included, that can be computed again
/// together.
struct Segment {
  size_t first, last;
  bool hasContractions;
  double costPerByte = 0;
};

class Chooser {
public:
  Chooser(Block &block, const Backward &backward)
      : block(block), backward(backward) {
    for (Operation &op : block) {
      if (backward.contains(&op))
        break;
      if (isa<nn::ConstantOp>(op))
        continue;
      place[&op] = ops.size();
      ops.push_back(&op);
    }
    marks.assign(ops.size(), -1);
    collectUses();
  }

  void run(int64_t choices);

private:
  /// An operator's values from others, and which of its results gradients use.
  struct Facts {
    SmallVector<Value> used;
    SmallVector<Value> wanted;
    bool canRepeat;
  };
  void collectUses();
  SmallVector<size_t> cuts();
  SmallVector<Segment> betweenContractions(ArrayRef<size_t> cuts);
  SmallVector<size_t> necks(ArrayRef<size_t> cuts);
  /// Marks the operators of a segment that have no mark of their own kind.
  void mark(const Segment &segment, int64_t number);
  /// What is kept for gradients with the marks as they are.
  int64_t keptBytes();
  /// Sorts by cost, without what saves nothing; each is tried with the marks
  /// that are there.
  void sort(SmallVectorImpl<Segment> &segments);

  Block &block;
  const Backward &backward;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, size_t> place;
  std::vector<Facts> facts;
  /// The number of the segment that an operator is in, or -1.
  SmallVector<int64_t> marks;
  /// For each place, what goes on from before or at it to behind it.
  SmallVector<int64_t> crossing;
};
} // namespace

void Chooser::collectUses() {
  facts.resize(ops.size());
  SmallVector<int64_t> changes(ops.size() + 1, 0);
  for (auto [index, op] : llvm::enumerate(ops)) {
    Facts &fact = facts[index];
    for (Value value : valuesUsed(op))
      fact.used.push_back(value);
    // What the network says itself stays as it is.
    fact.canRepeat = isMemoryEffectFree(op) && !op->hasAttr(nn::kRecomputeAttr);
    for (Value result : op->getResults()) {
      size_t last = index;
      bool isWanted = false;
      for (OpOperand &use : result.getUses()) {
        isWanted |= isBackwardUse(use, block, backward);
        Operation *user = block.findAncestorOpInBlock(*use.getOwner());
        if (auto found = place.find(user); found != place.end())
          last = std::max(last, found->second);
      }
      if (isWanted)
        fact.wanted.push_back(result);
      changes[index] += bytesOf(result);
      changes[last] -= bytesOf(result);
    }
  }
  int64_t now = 0;
  for (size_t index = 0; index < ops.size(); ++index)
    crossing.push_back(now += changes[index]);
}

/// Places to cut behind, one between each contraction and the next: the last of
/// those where least goes on.
SmallVector<size_t> Chooser::cuts() {
  SmallVector<size_t> result;
  std::optional<size_t> before;
  for (auto [index, op] : llvm::enumerate(ops)) {
    if (!isContraction(op))
      continue;
    if (before) {
      size_t best = *before;
      for (size_t at = *before; at < index; ++at)
        if (crossing[at] <= crossing[best])
          best = at;
      result.push_back(best);
    }
    before = index;
  }
  return result;
}

/// What stands between contractions and cuts: on both sides of each.
SmallVector<Segment> Chooser::betweenContractions(ArrayRef<size_t> cuts) {
  SmallVector<Segment> result;
  size_t from = 0;
  auto add = [&](size_t end) {
    if (from < end)
      result.push_back({from, end - 1, false});
  };
  for (auto [index, op] : llvm::enumerate(ops)) {
    if (isContraction(op)) {
      add(index);
      from = index + 1;
    } else if (llvm::is_contained(cuts, index)) {
      add(index + 1);
      from = index + 1;
    }
  }
  add(ops.size());
  return result;
}

/// The cuts where no more goes on than at the one before and the one behind.
SmallVector<size_t> Chooser::necks(ArrayRef<size_t> cuts) {
  SmallVector<size_t> result;
  for (size_t i = 0; i < cuts.size(); ++i) {
    int64_t here = crossing[cuts[i]];
    if ((i == 0 || here <= crossing[cuts[i - 1]]) &&
        (i + 1 == cuts.size() || here <= crossing[cuts[i + 1]]))
      result.push_back(cuts[i]);
  }
  return result;
}

void Chooser::mark(const Segment &segment, int64_t number) {
  for (size_t at = segment.first; at <= segment.last; ++at)
    if (facts[at].canRepeat &&
        (segment.hasContractions || !isContraction(ops[at])))
      marks[at] = number;
}

int64_t Chooser::keptBytes() {
  auto markOf = [&](Value value) -> int64_t {
    Operation *op = value.getDefiningOp();
    auto found = op ? place.find(op) : place.end();
    return found == place.end() ? -1 : marks[found->second];
  };
  llvm::DenseSet<Value> kept, open;
  for (size_t index = ops.size(); index-- > 0;) {
    for (Value value : facts[index].wanted)
      (marks[index] < 0 ? kept : open).insert(value);
    if (marks[index] < 0 ||
        llvm::none_of(
            ops[index]->getResults(),
            [&](Value result) { return open.contains(result); }))
      continue;
    for (Value value : facts[index].used)
      (markOf(value) == marks[index] ? open : kept).insert(value);
  }
  int64_t bytes = 0;
  for (Value value : kept)
    if (Operation *op = value.getDefiningOp(); op && place.contains(op))
      bytes += bytesOf(value);
  return bytes;
}

void Chooser::sort(SmallVectorImpl<Segment> &segments) {
  int64_t before = keptBytes();
  constexpr int64_t kTried = std::numeric_limits<int64_t>::max();
  SmallVector<int64_t> saved(marks);
  for (Segment &segment : segments) {
    mark(segment, kTried);
    int64_t gain = before - keptBytes();
    double cost = 0;
    for (size_t at = segment.first; at <= segment.last; ++at)
      if (marks[at] == kTried)
        cost += costOf(ops[at]);
    segment.costPerByte = gain > 0 ? cost / static_cast<double>(gain) : -1;
    marks = saved;
  }
  llvm::erase_if(segments,
                 [](const Segment &each) { return each.costPerByte < 0; });
  llvm::sort(segments, [](const Segment &a, const Segment &b) {
    return std::pair(a.costPerByte, a.first) <
           std::pair(b.costPerByte, b.first);
  });
}

void Chooser::run(int64_t choices) {
  SmallVector<int64_t> ends, taken(marks);
  int64_t number = 0;
  auto take = [&](SmallVector<Segment> segments) {
    sort(segments);
    for (const Segment &segment : segments) {
      mark(segment, number);
      if (++number == choices)
        taken = marks;
    }
    if (!segments.empty())
      ends.push_back(number);
  };
  SmallVector<size_t> allCuts = cuts();
  take(betweenContractions(allCuts));
  // What is behind the last neck has its gradients at once.
  SmallVector<size_t> between = necks(allCuts);
  for (size_t length = 1; 2 * length <= std::max<size_t>(between.size(), 2);
       length *= 2) {
    SmallVector<Segment> segments;
    for (size_t from = 0; from < between.size(); from += length) {
      size_t to = std::min(from + length, between.size()) - 1;
      segments.push_back(
          {from == 0 ? 0 : between[from - 1] + 1, between[to], true});
    }
    take(std::move(segments));
  }
  if (choices >= number)
    taken = marks;
  Builder b(block.getParentOp()->getContext());
  block.getParentOp()->getParentOfType<ModuleOp>()->setAttr(
      kRecomputeStepsAttr, b.getDenseI64ArrayAttr(ends));
  if (choices == 0)
    return;
  // Numbers of calls that the network marked itself come before.
  int64_t first = 0;
  for (Operation *op : ops)
    if (auto own = op->getAttrOfType<DenseI64ArrayAttr>(nn::kRecomputeAttr))
      for (int64_t each : own.asArrayRef())
        first = std::max(first, each + 1);
  for (auto [op, mark] : llvm::zip_equal(ops, taken))
    if (mark >= 0)
      op->setAttr(nn::kRecomputeAttr, b.getDenseI64ArrayAttr({first + mark}));
}

void burnish::chooseRecomputed(Block &block, const Backward &backward,
                               int64_t choices) {
  Chooser(block, backward).run(choices);
}
