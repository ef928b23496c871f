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

static bool isNumber(Type type) { return type.isIntOrFloat(); }

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

namespace {
/// A loop nest that gathers, and the loop whose iterations are its lanes.
class Gather {
public:
  static FailureOr<Gather> of(linalg::GenericOp op) {
    if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 ||
        op.getNumReductionLoops() > 0 ||
        op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) ||
        op.getBody()->getOps<memref::LoadOp>().empty())
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
      scf::IfOp::create(
          b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne, size, zero),
          [&](OpBuilder &, Location) {
            makeRow(b, size, known, width);
            scf::YieldOp::create(b);
          });
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
    for (Operation &inside : op.getBody()->without_terminator()) {
      if (inside.getNumResults() == 0)
        return false;
      if (isLane(inside.getResult(0))) {
        variant.insert(inside.getResult(0));
        continue;
      }
      bool varies = false;
      inside.walk([&](Operation *nested) {
        varies |= llvm::any_of(nested->getOperands(), [&](Value operand) {
          return variant.contains(operand);
        });
      });
      if (!varies)
        continue;
      if (auto load = dyn_cast<memref::LoadOp>(inside)) {
        OperandRange places = load.getIndices();
        if (places.empty() || !isLane(places.back()) ||
            llvm::any_of(
                places.drop_back(),
                [&](Value place) { return variant.contains(place); }) ||
            !isContiguous(load.getMemRef()))
          return false;
      } else if (!OpTrait::hasElementwiseMappableTraits(&inside) ||
                 inside.getNumResults() != 1 ||
                 !llvm::all_of(inside.getOperandTypes(), isNumber) ||
                 !isNumber(inside.getResult(0).getType())) {
        return false;
      }
      variant.insert(inside.getResult(0));
    }
    return true;
  }

  int64_t widestBits() const {
    unsigned bits = 8;
    for (Value value : variant)
      if (isElement(value.getType()))
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
      if (variant.contains(inside.getResult(0)))
        continue;
      if (auto index = dyn_cast<linalg::IndexOp>(inside))
        values.map(index.getResult(), at[index.getDim()]);
      else
        b.clone(inside, values);
    }
  }

  void makeLanes(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
                 int64_t width) {
    auto loop = scf::ForOp::create(b, from, to, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at[lanes] = loop.getInductionVar();
    IRMapping own = values;
    auto load = [&](Value buffer, ValueRange from) -> Value {
      Type element = cast<MemRefType>(buffer.getType()).getElementType();
      if (width == 1)
        return memref::LoadOp::create(b, buffer, from);
      return vector::LoadOp::create(b, VectorType::get({width}, element),
                                    buffer, from);
    };
    for (auto [argument, input, map] :
         llvm::zip(op.getBody()->getArguments(), op.getDpsInputs(),
                   op.getIndexingMapsArray()))
      if (variant.contains(argument))
        own.map(argument, load(input, places(b, map)));
    for (Operation &inside : op.getBody()->without_terminator()) {
      if (inside.getNumResults() == 0 ||
          !variant.contains(inside.getResult(0)) || isLane(inside.getResult(0)))
        continue;
      if (auto taken = dyn_cast<memref::LoadOp>(inside)) {
        SmallVector<Value> from;
        for (Value place : taken.getIndices().drop_back())
          from.push_back(own.lookupOrDefault(place));
        from.push_back(at[lanes]);
        own.map(taken.getResult(), load(taken.getMemRef(), from));
        continue;
      }
      auto operands =
          llvm::map_to_vector(inside.getOperands(), [&](Value operand) {
            return own.lookupOrDefault(operand);
          });
      own.map(inside.getResult(0),
              onLanes(b, inside, operands, width)->getResult(0));
    }
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
