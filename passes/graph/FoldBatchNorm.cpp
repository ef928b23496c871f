// FoldBatchNorm.cpp - normalisation with constant statistics becomes part of
// the convolution before it, and so do convolutions beside it.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "passes/Passes.h"
#include "passes/graph/Constants.h"
#include "passes/graph/MergeConvolutions.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/Passes.h.inc"
} // namespace burnish

/// Whether broadcasting `value` to `rank` axes gives each channel (axis 1) one
/// number.
static bool isByChannel(Value value, int64_t rank) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || type.getRank() > rank)
    return false;
  for (auto [axis, size] : llvm::enumerate(type.getShape()))
    if (size != 1 && rank - type.getRank() + static_cast<int64_t>(axis) != 1)
      return false;
  return true;
}

namespace {

/// A convolution, transposed or not.
class Convolution {
public:
  Convolution(Operation *op) : op(op) {}
  /// The one that gives `value`; no transposed one of groups, whose output
  /// channels are no axis of W.
  static std::optional<Convolution> of(Value value) {
    Operation *op = value.getDefiningOp();
    auto transposed = dyn_cast_or_null<nn::ConvTransposeOp>(op);
    return isa_and_nonnull<nn::ConvOp>(op) ||
                   (transposed && transposed.getGroup() == 1)
               ? std::optional<Convolution>(op)
               : std::nullopt;
  }

  Operation *operator->() const { return op; }
  Value getX() const { return op->getOperand(0); }
  Value getW() const { return op->getOperand(1); }
  Value getB() const {
    return op->getNumOperands() > 2 ? op->getOperand(2) : Value();
  }
  RankedTensorType getType() const {
    return cast<RankedTensorType>(op->getResult(0).getType());
  }
  /// The axis of W that has the output channels.
  int64_t outAxis() const { return isa<nn::ConvOp>(op) ? 0 : 1; }

private:
  Operation *op;
};

/// A convolution whose only use is a sum or product with one constant for each
/// channel.
struct Followed {
  Convolution conv;
  Value constant;
};

class Fold {
public:
  Fold(Operation *op, RewriterBase &rewriter, nn::ShapeScope &scope)
      : op(op), builder(op->getLoc(), rewriter, scope) {}

  /// The convolution with `op` in it; null where it does not fit.
  Value run() {
    if (isa<nn::AddOp>(op))
      return either(&Fold::add);
    if (isa<nn::MulOp>(op))
      return either(&Fold::scale);
    if (auto norm = dyn_cast<nn::BatchNormalizationOp>(op))
      return normalize(norm);
    std::optional<Followed> followed =
        isa<nn::SubOp, nn::DivOp>(op) ? match(0) : std::nullopt;
    if (!followed)
      return {};
    Value constant = vector(followed->constant),
          one = builder.scalar(getElementTypeOrSelf(constant.getType()), 1);
    return isa<nn::SubOp>(op)
               ? add(followed->conv, builder.make<nn::NegOp>(constant))
               : scale(followed->conv, builder.make<nn::DivOp>(one, constant));
  }

private:
  // batch_normalization(conv(x, w, b)) -> conv(x, w * factor, (b - mean) *
  // factor + shift), factor = scale / sqrt(var + epsilon)
  Value normalize(nn::BatchNormalizationOp norm) {
    std::optional<Convolution> conv = Convolution::of(norm.getX());
    Type elementType = getElementTypeOrSelf(norm.getX().getType());
    auto isUsable = [&](Value value) {
      return isOfConstants(value) &&
             getElementTypeOrSelf(value.getType()) == elementType;
    };
    bool isInference = !norm.getTrainingMode() && norm->getNumResults() == 1 &&
                       norm.getY().getType() == norm.getX().getType();
    if (!conv || !isInference || !isReplaceable(*conv) ||
        !conv->getW().hasOneUse() ||
        !llvm::all_of(norm->getOperands().drop_front(), isUsable))
      return {};
    Value epsilon =
        builder.scalar(elementType, norm.getEpsilon().convertToDouble());
    Value deviation = builder.make<nn::SqrtOp>(
        builder.make<nn::AddOp>(norm.getInputVar(), epsilon));
    Value factor = builder.make<nn::DivOp>(norm.getScale(), deviation);
    Value shift = builder.make<nn::SubOp>(
        norm.getB(), builder.make<nn::MulOp>(norm.getInputMean(), factor));
    Operation *scaled = scale(*conv, factor).getDefiningOp();
    Value folded = add(Convolution(scaled), shift);
    scaled->erase();
    return folded;
  }

  static bool isReplaceable(Convolution conv) {
    return conv->hasOneUse() && isOfConstants(conv.getW()) &&
           (!conv.getB() || isOfConstants(conv.getB()));
  }

  Value either(Value (Fold::*form)(Convolution, Value)) {
    std::optional<Followed> followed = match(0);
    if (!followed)
      followed = match(1);
    return followed ? (this->*form)(followed->conv, vector(followed->constant))
                    : Value();
  }

  std::optional<Followed> match(unsigned convOperand) {
    std::optional<Convolution> conv =
        Convolution::of(op->getOperand(convOperand));
    Value constant = op->getOperand(1 - convOperand);
    if (!conv || !isReplaceable(*conv) || !isOfConstants(constant))
      return std::nullopt;
    RankedTensorType type = conv->getType();
    if (op->getResult(0).getType() != type ||
        !isByChannel(constant, type.getRank()))
      return std::nullopt;
    // Weights that others use as well would be kept twice.
    if (isa<nn::MulOp, nn::DivOp>(op) && !conv->getW().hasOneUse())
      return std::nullopt;
    return Followed{*conv, constant};
  }

  /// One number, or one for each channel, as a list.
  Value vector(Value constant) {
    return builder.make<nn::ReshapeOp>(
        constant,
        builder.integers(
            cast<RankedTensorType>(constant.getType()).getNumElements()));
  }

  Value build(Convolution conv, Value weights, Value bias) {
    SmallVector<Value> operands{conv.getX(), weights};
    if (bias)
      operands.push_back(bias);
    OpBuilder &plain = builder;
    return plain
        .create(conv->getLoc(), conv->getName().getIdentifier(), operands,
                conv->getResultTypes(), conv->getAttrs())
        ->getResult(0);
  }

  // conv(x, w, b) + c -> conv(x, w, b + c)
  Value add(Convolution conv, Value constant) {
    int64_t channels = cast<RankedTensorType>(conv.getW().getType())
                           .getDimSize(conv.outAxis());
    auto type = RankedTensorType::get(channels,
                                      getElementTypeOrSelf(constant.getType()));
    Value bias = conv.getB()
                     ? conv.getB()
                     : builder.make<nn::ConstantOp>(DenseElementsAttr::get(
                           type, builder.getZeroAttr(type.getElementType())));
    return build(conv, conv.getW(), builder.make<nn::AddOp>(bias, constant));
  }

  // conv(x, w, b) * c -> conv(x, w * c, b * c)
  Value scale(Convolution conv, Value constant) {
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(conv.getW().getType()).getRank(), 1);
    shape[conv.outAxis()] = -1;
    Value factors =
        builder.make<nn::ReshapeOp>(constant, builder.integers(shape));
    Value bias =
        conv.getB() ? builder.make<nn::MulOp>(conv.getB(), constant) : Value();
    return build(conv, builder.make<nn::MulOp>(conv.getW(), factors), bias);
  }

  Operation *op;
  nn::NetBuilder builder;
};

struct FoldBatchNorm : burnish::impl::FoldBatchNormBase<FoldBatchNorm> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    nn::ShapeScope scope(&getContext());
    IRRewriter rewriter(&getContext());
    // In order, so that what follows a fold can be folded, too.
    for (Operation &op :
         llvm::make_early_inc_range(function->getBody().getOps())) {
      rewriter.setInsertionPoint(&op);
      Value folded = isa<nn::BatchNormalizationOp, nn::AddOp, nn::SubOp,
                         nn::MulOp, nn::DivOp>(op)
                         ? Fold(&op, rewriter, scope).run()
                         : Value();
      if (auto sum = dyn_cast<nn::AddOp>(op); sum && !folded) {
        nn::NetBuilder builder(op.getLoc(), rewriter, scope);
        folded = mergeConvolutions(sum, builder);
      }
      if (!folded)
        continue;
      SmallVector<Operation *> sources;
      for (Value operand : op.getOperands())
        if (operand.getDefiningOp<nn::BatchNormalizationOp>() ||
            Convolution::of(operand))
          sources.push_back(operand.getDefiningOp());
      rewriter.replaceOp(&op, folded);
      for (Operation *source : sources)
        if (source->use_empty())
          rewriter.eraseOp(source);
    }
  }
};
} // namespace
