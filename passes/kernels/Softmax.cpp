// Softmax.cpp - exponentials divided by their sum, as passes over rows.
#include "passes/kernels/Softmax.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "passes/kernels/Rows.h"

using namespace mlir;
using namespace burnish;

/// The tensor of which an argument of a body is an element, without axes of
/// length 1; null where it is none of the inputs.
static Value tensorOf(linalg::GenericOp op, Value argument) {
  auto input = dyn_cast<BlockArgument>(argument);
  if (!input || input.getOwner() != op.getBody() ||
      input.getArgNumber() >= op.getNumDpsInputs())
    return {};
  return withoutUnitAxes(op.getDpsInputs()[input.getArgNumber()]);
}

static linalg::GenericOp passOf(linalg::GenericOp user, Value argument) {
  Value tensor = tensorOf(user, argument);
  return tensor ? tensor.getDefiningOp<linalg::GenericOp>()
                : linalg::GenericOp();
}

static Value yieldOf(linalg::GenericOp op) {
  return op.getBody()->getTerminator()->getOperand(0);
}

/// The one operation by which a reduction takes elements of its one input as
/// they are; null for others.
static Operation *combinerOf(linalg::GenericOp op) {
  std::optional<Combiner> combiner;
  if (op.getNumReductionLoops() > 0 && op.getNumDpsInputs() == 1 &&
      op.getBody()->getOperations().size() == 2)
    combiner = Combiner::of(op);
  return combiner ? combiner->op : nullptr;
}

static bool isOfF32(linalg::GenericOp op) {
  return getElementTypeOrSelf(op->getResult(0).getType()).isF32();
}

std::optional<Softmax> Softmax::of(ArrayRef<linalg::GenericOp> passes) {
  Softmax softmax;
  linalg::GenericOp last = passes.back();
  Value result = yieldOf(last);
  // What the quotients are divided by may as well divide sums of products with
  // exponentials that are rounded instead.
  if (auto rounds = result.getDefiningOp<arith::TruncFOp>())
    result = rounds.getIn();
  // select(isnan(x), 0, x)
  if (auto select = result.getDefiningOp<arith::SelectOp>()) {
    auto isNone = select.getCondition().getDefiningOp<arith::CmpFOp>();
    result = select.getFalseValue();
    if (!isNone || isNone.getPredicate() != arith::CmpFPredicate::UNO ||
        isNone.getLhs() != result || isNone.getRhs() != result ||
        !matchPattern(select.getTrueValue(), m_PosZeroFloat()))
      return std::nullopt;
    softmax.isGuarded = true;
  }
  auto quotient = result.getDefiningOp<arith::DivFOp>();
  if (!quotient)
    return std::nullopt;
  linalg::GenericOp exponentials = passOf(last, quotient.getLhs()),
                    sum = passOf(last, quotient.getRhs());
  if (!exponentials || !sum || !isOfF32(exponentials) || !isOfF32(sum) ||
      !isa_and_nonnull<arith::AddFOp>(combinerOf(sum)) ||
      withoutUnitAxes(sum.getDpsInputs()[0]) != exponentials->getResult(0))
    return std::nullopt;
  auto exp = yieldOf(exponentials).getDefiningOp<math::ExpOp>();
  auto shift =
      exp ? exp.getOperand().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
  linalg::GenericOp greatest =
      shift ? passOf(exponentials, shift.getRhs()) : linalg::GenericOp();
  if (!greatest || !isa_and_nonnull<arith::MaximumFOp>(combinerOf(greatest)) ||
      withoutUnitAxes(greatest.getDpsInputs()[0]) !=
          tensorOf(exponentials, shift.getLhs()))
    return std::nullopt;
  // They are passes, and the greatest is asked for once.
  for (linalg::GenericOp op : {greatest, exponentials, sum})
    if (!llvm::is_contained(passes.drop_back(), op))
      return std::nullopt;
  for (linalg::GenericOp pass : passes)
    for (Value input : pass.getDpsInputs())
      if (pass != exponentials &&
          withoutUnitAxes(input) == greatest->getResult(0))
        return std::nullopt;
  softmax.greatest = greatest;
  softmax.exponentials = exponentials;
  softmax.sum = sum;
  return softmax;
}
