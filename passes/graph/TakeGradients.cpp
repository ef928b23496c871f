// TakeGradients.cpp - gradients that a network computes itself are operators
// like others.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/graph/Adjoints.h"
#include "passes/graph/Recompute.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_TAKEGRADIENTS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Computes again what lies between `variables` and `y`, at other values of the
/// variables, before `op`; `y` there.
static Value computeAt(Operation *op, Value y, ValueRange variables,
                       ValueRange values, nn::ShapeScope &scope) {
  IRMapping mapping;
  llvm::DenseSet<Value> moved;
  for (auto [variable, value] : llvm::zip_equal(variables, values)) {
    mapping.map(variable, value);
    moved.insert(variable);
  }
  SmallVector<Operation *> between;
  for (Operation &each : *op->getBlock()) {
    if (&each == op)
      break;
    bool depends = false;
    each.walk([&](Operation *inner) {
      depends |= llvm::any_of(inner->getOperands(), [&](Value operand) {
        return moved.contains(operand);
      });
    });
    bool isVariable = llvm::any_of(each.getResults(), [&](Value result) {
      return llvm::is_contained(variables, result);
    });
    if (!depends || isVariable)
      continue;
    between.push_back(&each);
    moved.insert(each.getResults().begin(), each.getResults().end());
  }
  OpBuilder builder(op);
  for (Operation *each : between)
    (void)scope.infer(builder.clone(*each, mapping));
  return mapping.lookupOrDefault(y);
}

/// Puts the gradients in the place of the operator.
static LogicalResult take(nn::GradientAtOp op, nn::ShapeScope &scope,
                          int64_t choices) {
  Value y = op.getY();
  SmallVector<Value> variables(op.getVariables());
  if (y.getParentBlock() != op->getBlock())
    return op.emitError() << "the tensor whose gradient is taken is computed "
                             "outside the body that takes it";
  if (!llvm::equal(variables, op.getValues())) {
    y = computeAt(op, y, variables, op.getValues(), scope);
    variables.assign(op.getValues().begin(), op.getValues().end());
  }
  OpBuilder builder(op);
  ArrayRef<Value> wanted = ArrayRef(variables).take_front(op.getNumResults());
  Adjoints adjoints(*op->getBlock(), wanted, builder, scope);
  nn::NetBuilder b(op.getLoc(), builder, scope);
  Value one = b.scalar(getElementTypeOrSelf(y.getType()), 1);
  adjoints.seed(y,
                b.make<nn::ExpandOp>(
                    one, b.make<nn::ShapeOp>(y, /*start=*/0, IntegerAttr())));
  if (failed(adjoints.run()))
    return failure();
  for (auto [result, variable] : llvm::zip_equal(op.getGradients(), wanted))
    result.replaceAllUsesWith(adjoints.of(variable));
  recompute(*op->getBlock(), adjoints.backward(), scope, choices);
  op.erase();
  return success();
}

namespace {
struct TakeGradients : burnish::impl::TakeGradientsBase<TakeGradients> {
  using TakeGradientsBase::TakeGradientsBase;

  void runOnOperation() override {
    SmallVector<nn::GradientAtOp> gradients;
    getOperation().walk([&](nn::GradientAtOp op) { gradients.push_back(op); });
    if (gradients.empty())
      return;
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    nn::ShapeScope scope(&getContext());
    if (failed(function) || failed(nn::inferShapes(*function, scope)) ||
        failed(expandLayers(*function, scope)))
      return signalPassFailure();
    // The first is taken first: a later one may be of its result.
    for (nn::GradientAtOp op : gradients)
      if (failed(take(op, scope, choices)))
        return signalPassFailure();
  }
};
} // namespace
