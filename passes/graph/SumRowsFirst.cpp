// SumRowsFirst.cpp - sums over rows of a product are a product of sums.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_SUMROWSFIRST
#include "passes/Passes.h.inc"
} // namespace burnish

static bool isZero(Value value) {
  DenseFPElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         elements.getSplatValue<APFloat>().isZero();
}

namespace {
/// A sum or mean along axes that are known, of floats of known sizes.
class RowSum {
public:
  static std::optional<RowSum> of(Operation *op, nn::NetBuilder &builder);

  /// sum(x w + b) -> sum(x) w + n b, through sums and masks; null where there
  /// is no such product.
  Value run() { return meetsProduct(data) ? take(data, /*mask=*/{}) : Value(); }

private:
  RowSum(Operation *op, Value data, nn::NetBuilder &builder)
      : op(op), data(data), type(cast<RankedTensorType>(data.getType())),
        builder(builder) {}

  bool isProduct(nn::MatMulOp product) const {
    auto left = dyn_cast<RankedTensorType>(product.getA().getType()),
         right = dyn_cast<RankedTensorType>(product.getB().getType());
    return left && right && left.hasStaticShape() && right.getRank() == 2 &&
           left.getRank() == type.getRank() && left.getRank() > axes.back() + 1;
  }

  /// Whether an operand of a sum is the same in all that is added up: its axes
  /// lie behind the last of those.
  bool isSame(Value value) const {
    auto own = dyn_cast<RankedTensorType>(value.getType());
    return own && own.getRank() < type.getRank() - axes.back();
  }

  /// What a mask of whole rows keeps; null where `where` is none.
  Value keptBy(nn::WhereOp where) const {
    auto mask = dyn_cast<RankedTensorType>(where.getCondition().getType());
    return mask && mask.getRank() == type.getRank() &&
                   mask.getShape().back() == 1 &&
                   where.getX().getType() == type && isZero(where.getY())
               ? where.getX()
               : Value();
  }

  /// Whether nothing else needs `value`, and it is made of a product.
  bool meetsProduct(Value value) const {
    if (!value.hasOneUse() || value.getType() != type)
      return false;
    if (auto product = value.getDefiningOp<nn::MatMulOp>())
      return isProduct(product);
    if (auto where = value.getDefiningOp<nn::WhereOp>()) {
      Value kept = keptBy(where);
      return kept && meetsProduct(kept);
    }
    auto sum = value.getDefiningOp<nn::AddOp>();
    if (!sum)
      return false;
    bool isEachKnown = llvm::all_of(sum->getOperands(), [&](Value each) {
      return each.getType() == type || isSame(each);
    });
    return isEachKnown && llvm::any_of(sum->getOperands(), [&](Value each) {
             return meetsProduct(each);
           });
  }

  /// The sum of `value`, of those rows that `mask` has where there is one.
  Value take(Value value, Value mask) {
    if (!meetsProduct(value))
      return isSame(value) && value.getType() != type ? addSame(value, mask)
                                                      : add(value, mask);
    if (auto where = value.getDefiningOp<nn::WhereOp>()) {
      Value both = mask ? builder.make<nn::AndOp>(mask, where.getCondition())
                        : where.getCondition();
      return take(keptBy(where), both);
    }
    if (auto product = value.getDefiningOp<nn::MatMulOp>()) {
      Value rows = add(product.getA(), mask);
      builder.setLoc(product.getLoc());
      return builder.make<nn::MatMulOp>(rows, product.getB());
    }
    auto sum = value.getDefiningOp<nn::AddOp>();
    Value left = take(sum.getA(), mask), right = take(sum.getB(), mask);
    builder.setLoc(sum.getLoc());
    return builder.make<nn::AddOp>(left, right);
  }

  Value add(Value value, Value mask) {
    if (mask)
      value = builder.make<nn::WhereOp>(
          mask, value, builder.scalar(type.getElementType(), 0));
    Operation *own = static_cast<OpBuilder &>(builder).clone(*op);
    own->setOperand(0, value);
    own->getResult(0).setType(UnrankedTensorType::get(type.getElementType()));
    (void)builder.scope.infer(own);
    return own->getResult(0);
  }

  Value addSame(Value value, Value mask) {
    if (mask)
      return add(
          builder.make<nn::ExpandOp>(value, builder.integers(type.getShape())),
          mask);
    if (isa<nn::ReduceMeanOp>(op))
      return value;
    double count = 1;
    for (int64_t axis : axes)
      count *= static_cast<double>(type.getDimSize(axis));
    return builder.make<nn::MulOp>(
        value, builder.scalar(type.getElementType(), count));
  }

  Operation *op;
  Value data;
  RankedTensorType type;
  SmallVector<int64_t> axes;
  nn::NetBuilder &builder;
};
} // namespace

std::optional<RowSum> RowSum::of(Operation *op, nn::NetBuilder &builder) {
  Value data = op->getOperand(0), list;
  if (auto sum = dyn_cast<nn::ReduceSumOp>(op))
    list = sum.getAxes();
  else if (auto mean = dyn_cast<nn::ReduceMeanOp>(op))
    list = mean.getAxes();
  auto type = dyn_cast<RankedTensorType>(data.getType());
  std::optional<SmallVector<int64_t>> axes =
      list ? builder.scope.integers(list) : std::nullopt;
  if (!type || !type.hasStaticShape() || type.getNumElements() == 0 ||
      !isa<FloatType>(type.getElementType()) || !axes || axes->empty())
    return std::nullopt;
  RowSum found(op, data, builder);
  for (int64_t axis : *axes)
    found.axes.push_back(axis < 0 ? axis + type.getRank() : axis);
  llvm::sort(found.axes);
  return found;
}

namespace {
struct SumRowsFirst : burnish::impl::SumRowsFirstBase<SumRowsFirst> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    nn::ShapeScope scope(&getContext());
    if (failed(function) || failed(nn::inferShapes(*function, scope)))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (Operation &op :
         llvm::make_early_inc_range(function->getBody().getOps())) {
      if (!isa<nn::ReduceSumOp, nn::ReduceMeanOp>(op))
        continue;
      rewriter.setInsertionPoint(&op);
      nn::NetBuilder builder(op.getLoc(), rewriter, scope);
      std::optional<RowSum> sum = RowSum::of(&op, builder);
      Value replaced = sum ? sum->run() : Value();
      if (!replaced)
        continue;
      Operation *unused = op.getOperand(0).getDefiningOp();
      rewriter.replaceOp(&op, replaced);
      eraseUnused(unused, rewriter);
    }
  }

private:
  /// The operators between the product and its sum, and the product.
  static void eraseUnused(Operation *op, RewriterBase &rewriter) {
    if (!op || !op->use_empty() ||
        !isa<nn::AddOp, nn::MatMulOp, nn::WhereOp>(op))
      return;
    SmallVector<Value> operands(op->getOperands());
    rewriter.eraseOp(op);
    for (Value operand : operands)
      eraseUnused(operand.getDefiningOp(), rewriter);
  }
};
} // namespace
