// PutStepsFirst.cpp - scans go through the first axis of what they read and
// stack.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_PUTSTEPSFIRST
#include "passes/Passes.h.inc"
} // namespace burnish

/// The order of axes with the first two exchanged.
static SmallVector<int64_t> exchange(int64_t rank) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(rank));
  std::swap(order[0], order[1]);
  return order;
}

static RankedTensorType exchanged(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  std::swap(shape[0], shape[1]);
  return tensor.clone(shape);
}

static Value transpose(OpBuilder &b, Location loc, Value value) {
  RankedTensorType type = exchanged(value.getType());
  return nn::TransposeOp::create(
      b, loc, type, value, b.getDenseI64ArrayAttr(exchange(type.getRank())));
}

/// What a value is with its first two axes exchanged; null if it is no such
/// transpose.
static Value behindExchange(Value value) {
  auto transpose = value.getDefiningOp<nn::TransposeOp>();
  if (!transpose || !isa<RankedTensorType>(transpose.getData().getType()))
    return {};
  SmallVector<int64_t> order = transpose.permutation();
  return order.size() > 1 && order == exchange(order.size())
             ? transpose.getData()
             : Value();
}

static int64_t lastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

/// A value with its first two axes exchanged. What alone the scan wants is made
/// in that order, if the factor that is exchanged then is no larger: rows of a
/// product, or of a table, do not care.
static Value exchanged(OpBuilder &b, Value value) {
  if (Value source = behindExchange(value))
    return source;
  auto type = cast<RankedTensorType>(value.getType());
  Operation *maker = value.getDefiningOp();
  auto isStatic = [](Value operand) {
    auto tensor = dyn_cast<RankedTensorType>(operand.getType());
    return tensor && tensor.hasStaticShape();
  };
  if (!maker || !value.hasOneUse() ||
      !llvm::all_of(maker->getOperands(), isStatic))
    return transpose(b, value.getLoc(), value);
  auto rankOf = [](Value operand) {
    return cast<RankedTensorType>(operand.getType()).getRank();
  };
  SmallVector<Value> operands(maker->getOperands());
  if (isa<nn::AddOp>(maker) && operands[0].getType() == type &&
      rankOf(operands[1]) + 2 <= type.getRank())
    operands[0] = exchanged(b, operands[0]);
  else if (isa<nn::MatMulOp>(maker) && rankOf(operands[0]) == 3 &&
           rankOf(operands[1]) == 2 &&
           (behindExchange(operands[0]) ||
            lastDim(operands[0]) <= lastDim(value)))
    operands[0] = exchanged(b, operands[0]);
  else if (auto gather = dyn_cast<nn::GatherOp>(maker);
           gather && static_cast<int64_t>(gather.getAxis()) == 0 &&
           rankOf(gather.getIndices()) >= 2)
    operands[1] = exchanged(b, operands[1]);
  else
    return transpose(b, value.getLoc(), value);
  Operation *copy = b.clone(*maker);
  copy->setOperands(operands);
  copy->getResult(0).setType(exchanged(type));
  return copy->getResult(0);
}

/// Whether a scan goes through the second axis of all that it reads and stacks,
/// and the first is none of one element only.
static bool isAlongSecond(nn::ScanOp scan, const nn::ScanForm &form) {
  auto isSecond = [](int64_t axis) { return axis == 1; };
  auto fits = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getRank() >= 2 &&
           tensor.getDimSize(0) > 1 && tensor.getDimSize(1) > 1;
  };
  return form.inputs > 0 && llvm::all_of(form.inputAxes, isSecond) &&
         llvm::all_of(form.outputAxes, isSecond) &&
         llvm::all_of(
             TypeRange(scan.getOperandTypes()).drop_front(form.carried),
             fits) &&
         llvm::all_of(TypeRange(scan.getResultTypes()).drop_front(form.carried),
                      fits);
}

/// Erases what nothing wants any more, and what was there for it alone.
static void eraseUnused(Operation *op) {
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  llvm::SmallPtrSet<Operation *, 4> makers;
  for (Value operand : operands)
    if (Operation *maker = operand.getDefiningOp();
        maker && makers.insert(maker).second)
      eraseUnused(maker);
}

static void putFirst(nn::ScanOp scan, const nn::ScanForm &form) {
  OpBuilder b(scan);
  SmallVector<Value> operands(scan.getOperands()), before(operands);
  for (Value &scanned : MutableArrayRef(operands).drop_front(form.carried))
    scanned = exchanged(b, scanned);
  SmallVector<Type> types(scan->getResultTypes());
  for (Type &type : MutableArrayRef(types).drop_front(form.carried))
    type = exchanged(type);
  auto axes = [&](size_t count) {
    return b.getDenseI64ArrayAttr(SmallVector<int64_t>(count, 0));
  };
  auto next = nn::ScanOp::create(
      b, scan.getLoc(), types, operands, scan.getNumScanInputsAttr(),
      axes(form.inputs), b.getDenseI64ArrayAttr(form.inputDirections),
      axes(form.outputs), b.getDenseI64ArrayAttr(form.outputDirections));
  if (Attribute again = scan->getAttr(nn::kRecomputeAttr))
    next->setAttr(nn::kRecomputeAttr, again);
  next.getBody().takeBody(scan.getBody());
  for (auto [index, result] : llvm::enumerate(next->getResults())) {
    Value same =
        index < form.carried ? result : transpose(b, scan.getLoc(), result);
    scan->getResult(index).replaceAllUsesWith(same);
  }
  scan.erase();
  for (Value value : before)
    if (value.use_empty())
      eraseUnused(value.getDefiningOp());
}

// gather(exchanged(x), one index, axis 1) -> gather(x, one index, axis 0)
static void gatherBefore(nn::GatherOp gather) {
  Value source = behindExchange(gather.getData());
  auto indices = dyn_cast<RankedTensorType>(gather.getIndices().getType());
  if (!source || !indices || indices.getRank() != 0 ||
      static_cast<int64_t>(gather.getAxis()) != 1)
    return;
  Operation *transpose = gather.getData().getDefiningOp();
  gather.getDataMutable().assign(source);
  gather.setAxis(0);
  eraseUnused(transpose);
}

/// The one operator that takes a value's rows, or what follows from each alone,
/// to results that are no larger; null where there is none.
static Operation *rowsUser(Value value) {
  if (!value.hasOneUse())
    return nullptr;
  Operation *user = *value.user_begin();
  if (!isa<nn::MatMulOp, nn::AddOp>(user) || user->getOperand(0) != value)
    return nullptr;
  auto type = cast<RankedTensorType>(value.getType()),
       other = dyn_cast<RankedTensorType>(user->getOperand(1).getType()),
       result = dyn_cast<RankedTensorType>(user->getResult(0).getType());
  if (!other || !result || !result.hasStaticShape() ||
      result.getRank() != type.getRank())
    return nullptr;
  bool isOfRows = isa<nn::AddOp>(user)
                      ? other.getRank() + 2 <= type.getRank() && result == type
                      : type.getRank() == 3 && other.getRank() == 2 &&
                            lastDim(user->getResult(0)) < lastDim(value);
  return isOfRows ? user : nullptr;
}

// product(exchanged(x), w) -> exchanged(product(x, w)), where w has fewer
// columns than rows
static void exchangeProducts(nn::TransposeOp transposed) {
  Value value = transposed->getResult(0);
  Operation *user = rowsUser(value);
  if (!user || !behindExchange(value) || !isa<nn::MatMulOp>(user))
    return;
  for (; user; user = rowsUser(value)) {
    OpBuilder b(user);
    Operation *copy = b.clone(*user), *maker = value.getDefiningOp();
    copy->setOperand(0, behindExchange(value));
    copy->getResult(0).setType(exchanged(user->getResult(0).getType()));
    value = transpose(b, user->getLoc(), copy->getResult(0));
    user->getResult(0).replaceAllUsesWith(value);
    user->erase();
    maker->erase();
  }
}

namespace {
struct PutStepsFirst : burnish::impl::PutStepsFirstBase<PutStepsFirst> {
  void runOnOperation() override {
    nn::ShapeScope scope(&getContext());
    SmallVector<nn::ScanOp> scans;
    getOperation().walk([&](nn::ScanOp scan) { scans.push_back(scan); });
    bool isChanged = false;
    for (nn::ScanOp scan : scans) {
      if (llvm::any_of(scan.getOperandTypes(),
                       [](Type type) { return !isa<RankedTensorType>(type); }))
        continue;
      FailureOr<nn::ScanForm> form = nn::scanFormOf(scan, scope);
      if (failed(form))
        return signalPassFailure();
      if (!isAlongSecond(scan, *form))
        continue;
      putFirst(scan, *form);
      isChanged = true;
    }
    if (!isChanged)
      return;
    getOperation().walk([](nn::GatherOp gather) { gatherBefore(gather); });
    SmallVector<nn::TransposeOp> transposes;
    getOperation().walk([&](nn::TransposeOp transpose) {
      if (transpose.getData().getDefiningOp<nn::ScanOp>())
        transposes.push_back(transpose);
    });
    for (nn::TransposeOp transpose : transposes)
      exchangeProducts(transpose);
  }
};
} // namespace
