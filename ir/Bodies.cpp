// Bodies.cpp - what operators with bodies share: the dims of carried values,
// and stacking what iterations give.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

OperandRange nn::yieldedBy(Region &body) {
  return cast<YieldOp>(body.front().back()).getResults();
}

LogicalResult nn::ensureArguments(Operation *op, Region &body, unsigned count) {
  Block &block = body.front();
  if (block.getNumArguments() == 0)
    for (unsigned index = 0; index < count; ++index)
      block.addArgument(
          UnrankedTensorType::get(Float32Type::get(op->getContext())),
          op->getLoc());
  if (block.getNumArguments() != count)
    return op->emitOpError() << "its body takes " << block.getNumArguments()
                             << " values, not " << count;
  return success();
}

LogicalResult nn::checkOne(Operation *op, ShapeScope &scope, Value operand,
                           StringRef name, unsigned width) {
  for (Dim dim : scope.dims(operand))
    if (known(dim) && !isKnown(dim, 1))
      return op->emitOpError()
             << name << " is " << toString(scope.dims(operand))
             << ", not one element";
  Type elementType = getElementTypeOrSelf(operand.getType());
  if (!elementType.isInteger(width))
    return op->emitOpError()
           << name << " has elements of " << elementType << ", not i" << width;
  return success();
}

std::optional<int64_t> nn::knownOne(ShapeScope &scope, Value operand) {
  std::optional<SmallVector<int64_t>> all = scope.integers(operand);
  return all && all->size() == 1 ? std::optional(all->front()) : std::nullopt;
}

Value nn::castTo(Lowering &l, Type type, Value tensor) {
  return tensor.getType() == type
             ? tensor
             : tensor::CastOp::create(l, type, tensor).getResult();
}

SmallVector<Value> nn::loweredYields(Lowering &l, Region &body) {
  return llvm::map_to_vector(yieldedBy(body),
                             [&](Value value) { return l.lowered(value); });
}

//===- Carried values -----------------------------------------------------===//

CarriedDims::CarriedDims(HasBodies op, ShapeScope &scope)
    : op(op), scope(scope) {}

LogicalResult CarriedDims::declare() {
  if (failed(op.declareArguments(scope)))
    return failure();
  SmallVector<Carried> carried = op.carried();
  if (assumed.empty())
    assumed = llvm::map_to_vector(
        carried, [&](const Carried &each) { return scope.dims(each.initial); });
  for (auto [each, dims] : llvm::zip_equal(carried, assumed))
    scope.assume(each.argument, getElementTypeOrSelf(each.initial.getType()),
                 dims);
  return success();
}

FailureOr<bool> CarriedDims::widen(bool isInferred) {
  bool isWider = false;
  for (auto [each, dims] : llvm::zip_equal(op.carried(), assumed)) {
    Dims next(dims.size());
    if (isInferred) {
      Value yielded = yieldedBy(*each.argument.getParentRegion())[each.yielded];
      if (!scope.isRanked(yielded))
        return false;
      Type before = getElementTypeOrSelf(each.initial.getType()),
           after = getElementTypeOrSelf(yielded.getType());
      if (before != after)
        return op->emitOpError() << "a carried value begins with elements of "
                                 << before << " and goes on with " << after;
      if (scope.rank(yielded) != static_cast<int64_t>(dims.size()))
        return op->emitOpError()
               << "a carried value begins with rank " << dims.size()
               << " and goes on with rank " << scope.rank(yielded);
      next = scope.dims(yielded);
    }
    for (auto [dim, now] : llvm::zip_equal(dims, next)) {
      if (!dim || dim == now)
        continue;
      dim = {};
      isWider = true;
    }
  }
  return isWider;
}

namespace {
/// The types in the bodies of an operator, to be put back when an assumption
/// about its arguments did not hold.
class BodyTypes {
public:
  explicit BodyTypes(Operation *op) {
    op->walk([&](Operation *inner) {
      if (inner != op)
        for (Value result : inner->getResults())
          types.emplace_back(result, result.getType());
      for (Region &region : inner->getRegions())
        for (Value argument : region.getArguments())
          types.emplace_back(argument, argument.getType());
    });
  }
  void restore(ShapeScope &scope) {
    for (auto [value, type] : types) {
      value.setType(type);
      scope.forget(value);
    }
  }

private:
  SmallVector<std::pair<Value, Type>> types;
};
} // namespace

static LogicalResult inferBlocks(Operation *op, ShapeScope &scope) {
  for (Region &region : op->getRegions())
    for (Operation &inner : region.front())
      if (failed(scope.infer(&inner)))
        return failure();
  return success();
}

LogicalResult nn::inferBodies(HasBodies op, ShapeScope &scope) {
  for (Region &region : op->getRegions())
    if (!region.hasOneBlock() || region.front().empty() ||
        !isa<YieldOp>(region.front().back()))
      return op->emitOpError() << "a body is no block that ends with nn.yield";
  CarriedDims dims(op, scope);
  while (true) {
    BodyTypes types(op);
    if (failed(dims.declare()))
      return failure();
    LogicalResult inferred = success();
    {
      // What is wrong under an assumption need not be wrong without it.
      ScopedDiagnosticHandler silence(op->getContext(),
                                      [](Diagnostic &) { return success(); });
      inferred = inferBlocks(op, scope);
    }
    FailureOr<bool> isWider = dims.widen(succeeded(inferred));
    if (failed(isWider))
      return failure();
    if (!*isWider)
      return succeeded(inferred) ? success() : inferBlocks(op, scope);
    types.restore(scope);
  }
}

/// Whether a dim is made of what only the bodies of `op` know.
static bool isInside(Operation *op, Dim dim, ShapeScope &scope) {
  bool found = false;
  dim.walk([&](AffineExpr expr) {
    auto symbol = dyn_cast<AffineSymbolExpr>(expr);
    if (!symbol || found)
      return;
    SymbolOrigin origin = scope.origin(symbol);
    if (!origin.value) {
      found =
          isInside(op, origin.left, scope) || isInside(op, origin.right, scope);
      return;
    }
    // A body that is still being built is in no operator yet.
    for (Region *home = origin.value.getParentRegion(); home && !found;) {
      found = llvm::any_of(op->getRegions(),
                           [&](Region &region) { return &region == home; });
      Operation *around = home->getParentOp();
      home = around ? around->getParentRegion() : nullptr;
    }
  });
  return found;
}

Dims nn::dimsOutside(Operation *op, Value inner, ShapeScope &scope) {
  Dims dims = scope.dims(inner);
  for (Dim &dim : dims)
    if (isInside(op, dim, scope))
      dim = {};
  return dims;
}

Value nn::onlyElement(Lowering &l, Value operand) {
  Dims dims = l.scope.dims(operand);
  for (Dim dim : dims)
    l.requireEqual(dim, l.scope.constant(1),
                   "a condition or count is not one number");
  SmallVector<Value> zeros(dims.size(), l.index(0));
  return l.extract(l.lowered(operand), getElementTypeOrSelf(operand.getType()),
                   zeros);
}

//===- Stacks -------------------------------------------------------------===//

Stack::Stack(Operation *op, Value inner, OpFoldResult count, int64_t axis,
             ShapeScope &scope)
    : elementType(getElementTypeOrSelf(inner.getType())),
      dims(dimsOutside(op, inner, scope)), count(count), axis(axis),
      grows(!count || llvm::is_contained(dims, Dim())) {}

Value Stack::begin(Lowering &l) const {
  SmallVector<OpFoldResult> sizes;
  for (Dim dim : dims)
    sizes.push_back(dim ? l.size(dim) : OpFoldResult(l.index(0)));
  sizes.insert(sizes.begin() + (grows ? 0 : axis),
               grows ? OpFoldResult(l.index(0)) : count);
  return l.empty(elementType, sizes);
}

Value Stack::put(Lowering &l, Value carried, Value element, Value index) const {
  if (!grows)
    return l.place(element, carried, {axis}, {OpFoldResult(index)});
  return l.place(element, grown(l, carried, element, index), {0},
                 {OpFoldResult(index)});
}

/// The carried tensor with room for `index`: as it is, or copied to one twice
/// as long (or as long as is needed at all).
Value Stack::grown(Lowering &l, Value carried, Value element,
                   Value index) const {
  SmallVector<OpFoldResult> sizes = l.sizesOf(carried),
                            elementSizes = l.sizesOf(element);
  Value capacity = l.index(sizes[0]), zero = l.index(0);
  Value isNew =
      arith::CmpIOp::create(l, arith::CmpIPredicate::eq, capacity, zero);
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    if (dim)
      continue;
    Value isSame = arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                         l.index(elementSizes[axis]),
                                         l.index(sizes[1 + axis]));
    l.require(arith::OrIOp::create(l, isNew, isSame), Status::BadShape,
              "iterations give tensors of different shapes to stack");
    // The dim stays dynamic, whatever this one iteration knows.
    sizes[1 + axis] = l.index(elementSizes[axis]);
  }
  Value isFull =
      arith::CmpIOp::create(l, arith::CmpIPredicate::sge, index, capacity);
  auto grow = scf::IfOp::create(l, TypeRange(carried.getType()), isFull,
                                /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(l);
  l.setInsertionPointToStart(grow.thenBlock());
  if (count)
    sizes[0] = l.index(count);
  else
    sizes[0] =
        arith::MaxSIOp::create(
            l, arith::MulIOp::create(l, capacity, l.index(2)), l.index(4))
            .getResult();
  Value larger =
      tensor::CastOp::create(l, carried.getType(), l.empty(elementType, sizes));
  larger = l.insert(carried, larger, 0, l.getIndexAttr(0));
  scf::YieldOp::create(l, larger);
  l.setInsertionPointToStart(grow.elseBlock());
  scf::YieldOp::create(l, carried);
  return grow.getResult(0);
}

Value Stack::finish(Lowering &l, Value carried, Value done) const {
  if (!grows)
    return carried;
  Value all = l.slice(carried, 0, l.getIndexAttr(0), OpFoldResult(done));
  if (axis == 0)
    return all;
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(1, dims.size() + 1));
  order.insert(order.begin() + axis, 0);
  return l.transpose(all, order);
}
