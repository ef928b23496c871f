// LinearModels.cpp - sums of weighted features, one for each target or class.
#include "frontend/onnx/expand/Scores.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

// X times the coefficients of each of `count` sums, plus where each starts;
// poison after a diagnostic.
static Value weightedSums(Expansion &e, int64_t count,
                          ArrayRef<double> intercepts) {
  SmallVector<double> coefficients = e.numbersAttr("coefficients");
  int64_t size = coefficients.size();
  if (count < 1 || size == 0 || size % count != 0)
    return e.fail(Twine(size) + " coefficients for " + Twine(count) +
                  " targets or classes");
  int64_t columns = size / count;
  Value x = featureRows(e, e.operand(0), TensorProto::FLOAT, columns),
        weights = e.floats(coefficients, {count, columns});
  SmallVector<Value> operands{x, weights};
  if (!intercepts.empty())
    operands.push_back(e.floats(intercepts, count));
  return e("Gemm", operands, {{"transB", int64_t(1)}});
}

static SmallVector<Value> linearRegressor(Expansion &e) {
  std::string transform = e.stringAttr("post_transform", "NONE");
  int64_t count = e.intAttr("targets", 1);
  SmallVector<double> intercepts = e.numbersAttr("intercepts");
  if (!isTransform(e, transform))
    return {e.poison()};
  if (!intercepts.empty() && int64_t(intercepts.size()) != count)
    return e.refuse(Twine(intercepts.size()) + " intercepts for " +
                    Twine(count) + " targets");
  return {transformedTargets(e, weightedSums(e, count, intercepts), count,
                             transform)};
}

// With one sum for two classes, above zero is the second, and the sum goes for
// its probability; ONNX Runtime transforms it only where it stands alone.
static SmallVector<Value> linearClassifier(Expansion &e) {
  std::string transform = e.stringAttr("post_transform", "NONE");
  std::optional<SmallVector<int64_t>> labels =
      classLabels(e, "classlabels_ints");
  if (!labels || !isTransform(e, transform))
    return SmallVector<Value>(2, e.poison());
  SmallVector<double> intercepts = e.numbersAttr("intercepts");
  int64_t count = intercepts.empty() ? labels->size() : intercepts.size(),
          known = labels->size();
  if (count != known && count != 1)
    return e.refuse(Twine(count) + " intercepts for " + Twine(known) +
                    " classes");
  Value sums = weightedSums(e, count, intercepts);
  if (!isa<mlir::RankedTensorType>(sums.getType()))
    return SmallVector<Value>(2, sums);
  if (count > 1)
    return {greatestLabel(e, *labels, sums), transformed(e, sums, transform)};
  Value list = asList(e, sums);
  bool hasTwo = known == 2;
  Value label = labelIf(e, e("Greater", {list, e.scalar(0, list)}),
                        hasTwo ? (*labels)[1] : 1, hasTwo ? (*labels)[0] : 0);
  if (!hasTwo)
    return {label, transformedTargets(e, sums, 1, transform)};
  if (transform == "PROBIT")
    return e.refuse("post_transform 'PROBIT' of one score for two classes is "
                    "not supported");
  return {label, sideBySide(e, {e.sub(e.scalar(1, sums), sums), sums})};
}

void addLinearModels(ExpandTable &table) {
  table["ai.onnx.ml.LinearClassifier"] = [](Expansion &e) {
    return withStringLabels(e, linearClassifier(e));
  };
  table["ai.onnx.ml.LinearRegressor"] = linearRegressor;
}

} // namespace burnish::onnx_import
