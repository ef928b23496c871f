// VectorizeGathers.cpp - loops over elements at computed places take those that
// lie side by side as vectors.
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"
#include "passes/kernels/Body.h"
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_VECTORIZEGATHERS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Fewer elements side by side are no vector.
static constexpr int64_t kLeastLanes = 4;

static bool isNumber(Type type) { return type.isIntOrIndexOrFloat(); }

/// Whether values of the type lie in memory as they are in a vector.
static bool isElement(Type type) {
  return type.isIntOrFloat() && type.getIntOrFloatBitWidth() >= 8;
}

/// Whether elements that differ in the last index alone lie side by side.
static bool isContiguous(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || type.getRank() == 0 || !isElement(type.getElementType()))
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

/// Whether elements of buffers are loaded, in loops or outside of them.
static bool loads(linalg::GenericOp op) {
  return op.getBody()
      ->walk([](memref::LoadOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

namespace {
/// A loop nest that gathers, and the loop whose iterations are its lanes.
class Gather {
public:
  static FailureOr<Gather> of(linalg::GenericOp op) {
    if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 ||
        op.getNumReductionLoops() > 0 ||
        op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) || !loads(op))
      return failure();
    AffineMap out = op.getIndexingMapsArray().back();
    if (out.getNumResults() == 0 || !out.isProjectedPermutation() ||
        !isContiguous(op.getDpsInits()[0]))
      return failure();
    Gather gather(op, out.getDimPosition(out.getNumResults() - 1));
    if (!gather.fits())
      return failure();
    return gather;
  }

  void rewrite(const Machine &machine) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    SmallVector<Range> ranges = cast<linalg::LinalgOp>(op.getOperation())
                                    .createLoopRanges(b, op.getLoc());
    at.resize(ranges.size());
    auto value = [&](OpFoldResult number) {
      return getValueOrCreateConstantIndexOp(b, op.getLoc(), number);
    };
    SmallVector<unsigned> outer;
    SmallVector<Value> lows, highs, steps;
    for (auto [loop, range] : llvm::enumerate(ranges)) {
      if (loop == lanes)
        continue;
      outer.push_back(loop);
      lows.push_back(value(range.offset));
      highs.push_back(value(range.size));
      steps.push_back(value(range.stride));
    }
    int64_t width = machine.vectorBits / widestBits(),
            known = op.getStaticLoopRanges()[lanes];
    if (!ShapedType::isDynamic(known))
      width = std::min<int64_t>(width,
                                llvm::bit_floor(static_cast<uint64_t>(known)));
    auto makeInner = [&](OpBuilder &, Location, ValueRange indices) {
      for (auto [loop, index] : llvm::zip_equal(outer, indices))
        at[loop] = index;
      Value size = value(ranges[lanes].size);
      if (!ShapedType::isDynamic(known))
        return makeRow(b, size, known, width);
      // Places of no elements at all may be no places.
      Value zero = arith::ConstantIndexOp::create(b, 0);
      auto some = scf::IfOp::create(
          b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne, size, zero),
          /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(some.thenBlock());
      makeRow(b, size, known, width);
    };
    scf::buildLoopNest(b, op.getLoc(), lows, highs, steps, makeInner);
    op.erase();
  }

private:
  Gather(linalg::GenericOp op, unsigned lanes) : op(op), lanes(lanes) {
    for (auto [argument, map] : llvm::zip_equal(op.getBody()->getArguments(),
                                                op.getIndexingMapsArray()))
      if (map.isFunctionOfDim(lanes))
        variant.insert(argument);
  }

  bool isLane(Value value) const {
    auto index = value.getDefiningOp<linalg::IndexOp>();
    return index && index.getDim() == lanes;
  }

  /// Whether a buffer's place moves along its last axis only, by one element
  /// with each lane.
  bool movesByOne(ArrayRef<AffineExpr> exprs) {
    AffineExpr lane = getAffineDimExpr(lanes, op.getContext());
    return llvm::none_of(
               exprs.drop_back(),
               [&](AffineExpr expr) { return expr.isFunctionOfDim(lanes); }) &&
           exprs.back() == lane;
  }

  /// Finds what differs from lane to lane, and whether vectors can be made of
  /// it.
  bool fits() {
    int64_t known = op.getStaticLoopRanges()[lanes];
    if (!ShapedType::isDynamic(known) && known < kLeastLanes)
      return false;
    for (auto [input, map] :
         llvm::zip(op.getDpsInputs(), op.getIndexingMapsArray())) {
      if (!isa<MemRefType>(input.getType()))
        return false;
      if (map.isFunctionOfDim(lanes) &&
          (!movesByOne(map.getResults()) || !isContiguous(input)))
        return false;
    }
    return fitsBlock(*op.getBody());
  }

  /// The same of the operations of a block.
  bool fitsBlock(Block &block) {
    for (Operation &inside : block.without_terminator()) {
      if (inside.getNumResults() == 0)
        return false;
      if (isLane(inside.getResult(0))) {
        variant.insert(inside.getResult(0));
        continue;
      }
      bool varies = false;
      inside.walk([&](Operation *nested) {
        varies |=
            llvm::any_of(nested->getOperands(),
                         [&](Value operand) { return isVariant(operand); }) ||
            llvm::any_of(nested->getResults(),
                         [&](Value result) { return isLane(result); });
      });
      if (!varies)
        continue;
      bool fits = false;
      if (auto load = dyn_cast<memref::LoadOp>(inside))
        fits = fitsLoad(load);
      else if (auto loop = dyn_cast<scf::ForOp>(inside))
        fits = fitsLoop(loop);
      else
        fits = OpTrait::hasElementwiseMappableTraits(&inside) &&
               inside.getNumResults() == 1 &&
               llvm::all_of(inside.getOperandTypes(), isNumber) &&
               isNumber(inside.getResult(0).getType());
      if (!fits)
        return false;
      variant.insert_range(inside.getResults());
    }
    return true;
  }

  bool fitsLoad(memref::LoadOp load) {
    OperandRange places = load.getIndices();
    return !places.empty() && isContiguous(load.getMemRef()) &&
           llvm::none_of(places.drop_back(),
                         [&](Value place) { return isVariant(place); }) &&
           isLane(places.back());
  }

  /// A loop of as many iterations for all lanes, which carries numbers of each.
  bool fitsLoop(scf::ForOp loop) {
    for (Value bound :
         {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})
      if (isVariant(bound))
        return false;
    if (!llvm::all_of(loop.getResultTypes(), isNumber))
      return false;
    variant.insert_range(loop.getRegionIterArgs());
    return fitsBlock(*loop.getBody());
  }

  bool isVariant(Value value) const { return variant.contains(value); }

  int64_t widestBits() const {
    unsigned bits = 8;
    // Places may take several registers.
    auto isPlace = [](Value value) {
      return llvm::all_of(value.getUsers(), llvm::IsaPred<arith::IndexCastOp>);
    };
    for (Value value : variant)
      if (isElement(value.getType()) && !isPlace(value))
        bits = std::max(bits, value.getType().getIntOrFloatBitWidth());
    return bits;
  }

  /// All lanes: what is left of a vector's width is taken in halves of it, and
  /// where only the run knows their number by single elements.
  void makeRow(ImplicitLocOpBuilder &b, Value size, int64_t known,
               int64_t width) {
    makeInvariants(b);
    bool isOpen = ShapedType::isDynamic(known);
    Value from = arith::ConstantIndexOp::create(b, 0);
    for (int64_t step = width; step >= 1;
         step = isOpen && step > 1 ? 1 : step / 2) {
      Value wide = arith::ConstantIndexOp::create(b, step),
            rest = b.createOrFold<arith::RemUIOp>(size, wide),
            to = b.createOrFold<arith::SubIOp>(size, rest);
      makeLanes(b, from, to, wide, step);
      from = to;
      if (!isOpen && known % step == 0)
        return;
    }
  }

  SmallVector<Value> places(ImplicitLocOpBuilder &b, AffineMap map) {
    SmallVector<Value> found;
    for (AffineExpr expr : map.getResults())
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        found.push_back(at[loop.getPosition()]);
      else
        found.push_back(affine::makeComposedAffineApply(
            b, op.getLoc(), AffineMap::get(map.getNumDims(), 0, expr),
            llvm::map_to_vector(at, [&](Value index) -> OpFoldResult {
              return index ? OpFoldResult(index)
                           : OpFoldResult(b.getIndexAttr(0));
            })));
    return found;
  }

  /// What is the same for all lanes.
  void makeInvariants(ImplicitLocOpBuilder &b) {
    values.clear();
    at[lanes] = {};
    for (auto [argument, input, map] :
         llvm::zip(op.getBody()->getArguments(), op.getDpsInputs(),
                   op.getIndexingMapsArray()))
      if (!variant.contains(argument))
        values.map(argument, memref::LoadOp::create(b, input, places(b, map)));
    for (Operation &inside : op.getBody()->without_terminator()) {
      if (!isVariant(inside.getResult(0)))
        cloneInvariant(b, inside, values);
    }
  }

  void cloneInvariant(ImplicitLocOpBuilder &b, Operation &inside,
                      IRMapping &into) {
    if (auto index = dyn_cast<linalg::IndexOp>(inside))
      into.map(index.getResult(), at[index.getDim()]);
    else
      b.clone(inside, into);
  }

  /// The lanes' own indices.
  Value laneNumbers(ImplicitLocOpBuilder &b, int64_t width) {
    if (width == 1)
      return at[lanes];
    auto type = VectorType::get({width}, b.getIndexType());
    return arith::AddIOp::create(b, spread(b, at[lanes], width),
                                 Value(vector::StepOp::create(b, type)));
  }

  static Value load(ImplicitLocOpBuilder &b, Value buffer, ValueRange from,
                    int64_t width) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    if (width == 1)
      return memref::LoadOp::create(b, buffer, from);
    return vector::LoadOp::create(b, VectorType::get({width}, element), buffer,
                                  from);
  }

  /// What a load takes at the places of all lanes.
  Value taken(ImplicitLocOpBuilder &b, memref::LoadOp op, const IRMapping &own,
              int64_t width) {
    SmallVector<Value> from;
    for (Value place : op.getIndices().drop_back())
      from.push_back(own.lookupOrDefault(place));
    from.push_back(at[lanes]);
    return load(b, op.getMemRef(), from, width);
  }

  void makeLoop(ImplicitLocOpBuilder &b, scf::ForOp loop, IRMapping &own,
                int64_t width) {
    auto mapped = [&](Value value) { return own.lookupOrDefault(value); };
    auto inLanes = [&](Value value) { return spread(b, mapped(value), width); };
    auto made =
        scf::ForOp::create(b, mapped(loop.getLowerBound()),
                           mapped(loop.getUpperBound()), mapped(loop.getStep()),
                           llvm::map_to_vector(loop.getInitArgs(), inLanes));
    own.map(loop.getResults(), made.getResults());
    own.map(loop.getBody()->getArguments(), made.getBody()->getArguments());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(made.getBody());
    makeBlock(b, *loop.getBody(), own, width);
    scf::YieldOp::create(b,
                         llvm::map_to_vector(loop.getYieldedValues(), inLanes));
  }

  /// What differs from lane to lane, and in loops also what does not.
  void makeBlock(ImplicitLocOpBuilder &b, Block &block, IRMapping &own,
                 int64_t width) {
    for (Operation &inside : block.without_terminator()) {
      Value result = inside.getResult(0);
      if (!isVariant(result)) {
        if (&block != op.getBody())
          cloneInvariant(b, inside, own);
        continue;
      }
      if (isLane(result)) {
        // Loads have the first lane's place.
        if (!llvm::all_of(result.getUsers(), llvm::IsaPred<memref::LoadOp>))
          own.map(result, laneNumbers(b, width));
      } else if (auto load = dyn_cast<memref::LoadOp>(inside)) {
        own.map(result, taken(b, load, own, width));
      } else if (auto loop = dyn_cast<scf::ForOp>(inside)) {
        makeLoop(b, loop, own, width);
      } else {
        auto operands =
            llvm::map_to_vector(inside.getOperands(), [&](Value operand) {
              return own.lookupOrDefault(operand);
            });
        own.map(result, onLanes(b, inside, operands, width)->getResult(0));
      }
    }
  }

  void makeLanes(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
                 int64_t width) {
    auto loop = scf::ForOp::create(b, from, to, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at[lanes] = loop.getInductionVar();
    IRMapping own = values;
    for (auto [argument, input, map] :
         llvm::zip(op.getBody()->getArguments(), op.getDpsInputs(),
                   op.getIndexingMapsArray()))
      if (variant.contains(argument))
        own.map(argument, load(b, input, places(b, map), width));
    makeBlock(b, *op.getBody(), own, width);
    Value result = spread(
        b, own.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0)),
        width);
    SmallVector<Value> target = places(b, op.getIndexingMapsArray().back());
    if (width == 1)
      memref::StoreOp::create(b, result, op.getDpsInits()[0], target);
    else
      vector::StoreOp::create(b, result, op.getDpsInits()[0], target);
  }

  linalg::GenericOp op;
  unsigned lanes;
  llvm::SmallDenseSet<Value, 16> variant;
  SmallVector<Value> at;
  IRMapping values;
};

struct VectorizeGathers
    : burnish::impl::VectorizeGathersBase<VectorizeGathers> {
  void runOnOperation() override {
    Machine machine = Machine::of(getOperation());
    SmallVector<Gather, 0> gathers;
    getOperation().walk([&](linalg::GenericOp op) {
      if (FailureOr<Gather> gather = Gather::of(op); succeeded(gather))
        gathers.push_back(*gather);
    });
    for (Gather &gather : gathers)
      gather.rewrite(machine);
  }
};
} // namespace
