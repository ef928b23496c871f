// TrainingLoss.cpp - what a function of a recipe gives: loss, metrics, scores.
#include "frontend/dsl/Factors.h"
#include "frontend/dsl/TrainingBuilder.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

bool TrainingBuilder::isOneFloat(const Term &value) {
  auto type = value.kind == Term::Tensor
                  ? dyn_cast<RankedTensorType>(value.tensor.getType())
                  : RankedTensorType();
  return type && type.getRank() == 0 && type.getElementType().isF32();
}

/// The fewest rows of a table that a column names rows of, as it is or parts of
/// it; 0 where it names none.
static int64_t rowsNamedBy(Value column) {
  int64_t least = 0;
  SmallVector<Value> values = {column};
  for (size_t i = 0; i < values.size(); ++i)
    for (Operation *user : values[i].getUsers()) {
      if (auto gather = dyn_cast<nn::GatherOp>(user)) {
        auto table = dyn_cast<RankedTensorType>(gather.getData().getType());
        int64_t axis = gather.getAxis();
        if (gather.getIndices() != values[i] || !table || axis < 0 ||
            axis >= table.getRank() || table.isDynamicDim(axis))
          continue;
        int64_t rows = table.getDimSize(axis);
        least = least ? std::min(least, rows) : rows;
      } else if (isa<nn::SliceOp, nn::ReshapeOp, nn::TransposeOp, nn::SqueezeOp,
                     nn::UnsqueezeOp>(user) &&
                 user->getOperand(0) == values[i]) {
        values.push_back(user->getResult(0));
      }
    }
  return std::min<int64_t>(least, INT32_MAX);
}

std::optional<Value> TrainingBuilder::loss() {
  Frame before = frame;
  Term value = e.evaluate(*recipe.loss, frame, scope);
  if (value.isPoison())
    return std::nullopt;
  if (!isOneFloat(value)) {
    source.messages.error(recipe.loss->span,
                          "the loss is one f32, and this is " +
                              e.describe(value));
    return std::nullopt;
  }
  if (recipe.isWeighted && !e.usesWeights) {
    source.messages.error(recipe.loss->span,
                          "no loss here takes weights of samples, which "
                          "balance by weight needs",
                          {}, "cross_entropy and mse of std do");
    return std::nullopt;
  }
  for (auto [place, column] : enumerate(facts.columns))
    if (column.type.getElementType().isInteger())
      column.limit = rowsNamedBy(entry()->getArgument(place));
  std::optional<Value> loss = value.tensor;
  if (mixing)
    loss = mixed(value.tensor, before);
  if (loss)
    outputs.push_back({"loss", *loss});
  return loss;
}

bool TrainingBuilder::metrics() {
  for (const auto &[name, expr] : recipe.metrics) {
    Term value = e.evaluate(*expr, frame, scope);
    if (value.isPoison())
      return false;
    if (!isOneFloat(value))
      return source.messages.error(
          expr->span, "a metric is one f32, and this is " + e.describe(value));
    outputs.push_back({"metric." + name, value.tensor});
  }
  if (Value scores = e.firstNetResult();
      scores && isa<FloatType>(getElementTypeOrSelf(scores.getType())))
    outputs.push_back({"scores", scores});
  return true;
}

/// What the net gives, for whoever has no labels.
bool TrainingBuilder::predict() {
  const CallExpr *call = callOf(*recipe.loss, source.net.name.text);
  Term value = e.evaluate(*call, frame, scope);
  if (value.kind == Term::Tensor) {
    outputs.push_back({"scores", value.tensor});
    return true;
  }
  if (value.kind != Term::Tuple)
    return false;
  std::vector<std::string> names = e.resultNames(source.net);
  for (auto [name, part] : llvm::zip_equal(names, value.parts))
    outputs.push_back({name, part.tensor});
  return true;
}

/// Puts factors into what is built, and the results of that into what is known.
bool TrainingBuilder::factors() {
  ReplacedValues replaced;
  if (!addFactors(e, recipe, source.net.name.text, isStep(), replaced))
    return false;
  auto follow = [&](auto &named) {
    if (Value now = replaced.lookup(named.second))
      named.second = now;
  };
  llvm::for_each(outputs, follow);
  llvm::for_each(training.layers, follow);
  return true;
}

/// For each layer whether what it gave has a NaN or an infinity.
void TrainingBuilder::trace() {
  Type f32 = builder.getF32Type(), u8 = elementTypeOf("u8", &context);
  std::vector<Value> flags;
  for (auto &[path, value] : training.layers) {
    if (!isa<FloatType>(getElementTypeOrSelf(value.getType())) ||
        value.getParentBlock() != entry())
      continue;
    facts.layers.push_back(path);
    // At once, so that what a layer gave need not be kept to the end.
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(value);
    // 0 times what is not finite is NaN.
    Value sum = e.sumOfAll(builder.make<nn::MulOp>(
        builder.make<nn::CastOp>(value, nn::onnxType(f32), 1, "up"),
        builder.scalar(f32, 0)));
    flags.push_back(builder.make<nn::UnsqueezeOp>(
        builder.make<nn::CastOp>(builder.make<nn::IsNaNOp>(sum),
                                 nn::onnxType(u8), 1, "up"),
        builder.integers({0})));
  }
  if (!flags.empty())
    outputs.push_back(
        {"layers", builder.make<nn::ConcatOp>(ValueRange(flags),
                                              builder.getI64IntegerAttr(0))});
}
