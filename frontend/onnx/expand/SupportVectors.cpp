// SupportVectors.cpp - regressors and classifiers by support vectors.
#include "frontend/onnx/expand/Scores.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

//===- Kernels ------------------------------------------------------------===//

// X and vectors [count, columns] through the kernel function of the node:
// [rows, count].
Value kernelOf(Expansion &e, Value x, ArrayRef<double> vectors, int64_t count,
               StringRef kind) {
  SmallVector<double> params = e.numbersAttr("kernel_params");
  if (!params.empty() && params.size() != 3)
    return e.fail("'kernel_params' has " + Twine(params.size()) +
                  " elements instead of 3");
  params.resize(3, 0);
  int64_t columns = vectors.size() / count;
  Value table = e.floats(vectors, {count, columns});
  auto number = [&](double value) { return e.scalar(value, x); };
  if (kind == "RBF") {
    // Of differences: products would lose what near vectors differ by.
    Value difference =
        e.sub(e("Unsqueeze", {x, e.integers(int64_t(1))}), table);
    Value distance = e.reduce("ReduceSum", e.mul(difference, difference), {2},
                              /*keepDims=*/false);
    return e("Exp", e.mul(distance, number(-params[0])));
  }
  Value product = e("Gemm", {x, table}, {{"transB", int64_t(1)}});
  if (kind == "LINEAR")
    return product;
  Value inner = e.add(e.mul(product, number(params[0])), number(params[1]));
  if (kind == "SIGMOID")
    return e("Tanh", inner);
  if (kind == "POLY")
    return e("Pow", {inner, number(params[2])});
  return e.fail("kernel_type '" + kind + "' is unknown");
}

SmallVector<Value> regressor(Expansion &e) {
  SmallVector<double> vectors = e.numbersAttr("support_vectors"),
                      coefficients = e.numbersAttr("coefficients"),
                      rho = e.numbersAttr("rho");
  std::string transform = e.stringAttr("post_transform", "NONE");
  int64_t count = e.intAttr("n_supports", 0), size = coefficients.size();
  if (!isTransform(e, transform))
    return {e.poison()};
  if (size == 0 || rho.empty())
    return e.refuse("it has no coefficients or no 'rho'");
  Value sum;
  if (count > 0) {
    if (size != count || vectors.empty() || int64_t(vectors.size()) % count)
      return e.refuse(Twine(count) + " support vectors of " +
                      Twine(vectors.size()) + " elements, and " + Twine(size) +
                      " coefficients");
    Value x = featureRows(e, e.operand(0), TensorProto::FLOAT,
                          vectors.size() / count);
    if (!isa<mlir::RankedTensorType>(x.getType()))
      return {x};
    Value values =
        kernelOf(e, x, vectors, count, e.stringAttr("kernel_type", "LINEAR"));
    sum = e("MatMul", {values, e.floats(coefficients, {size, 1})});
  } else {
    Value x = featureRows(e, e.operand(0), TensorProto::FLOAT, size);
    sum = e("MatMul", {x, e.floats(coefficients, {size, 1})});
  }
  sum = e.add(sum, e.floats(rho[0], {}));
  if (e.intAttr("one_class", 0)) {
    Value isInside = e("Greater", {sum, e.scalar(0, sum)});
    return {e("Where", {isInside, e.scalar(1, sum), e.scalar(-1, sum)})};
  }
  return {transformedTargets(e, sum, 1, transform)};
}

//===- Probabilities ------------------------------------------------------===//

// Of each pair of classes, the probability of the first, to probabilities of
// classes: the method of Wu, Lin and Weng, "Probability Estimates for
// Multi-class Classification by Pairwise Coupling", 2004, for all rows at once,
// each until its error is small.
Value coupled(Expansion &e, Value pairs, int64_t classes) {
  // r[i, j], from what is above the diagonal, and what is missing to 1 below.
  SmallVector<int64_t> above(classes * classes), below(classes * classes);
  int64_t pair = 0;
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      above[i * classes + j] = pair;
      below[j * classes + i] = pair;
    }
  SmallVector<double> isAbove(classes * classes), isBelow(classes * classes),
      isDiagonal(classes * classes), isOther(classes * classes, 1);
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = 0; j < classes; ++j)
      (i < j ? isAbove : i > j ? isBelow : isDiagonal)[i * classes + j] = 1;
  for (int64_t i = 0; i < classes; ++i)
    isOther[i * classes + i] = 0;
  Value one = e.scalar(1, pairs);
  auto square = [&](Value values, ArrayRef<int64_t> index,
                    ArrayRef<double> mask) {
    Value spread =
        e("Gather", {values, e.integers(index)}, {{"axis", int64_t(1)}});
    return e.mul(spread, e.floats(mask, classes * classes));
  };
  Value flat = e.add(square(pairs, above, isAbove),
                     square(e.sub(one, pairs), below, isBelow));
  Value r = e.reshape(flat, {e.extent(pairs, 0), classes, classes});
  // Q[i, j] = -r[j, i] r[i, j], and on the diagonal the sum of r[j, i]^2.
  Value turned = e.transpose(r, {0, 2, 1});
  Value sums = e.reduce("ReduceSum", e.mul(turned, turned), {2});
  Value q =
      e.sub(e.mul(sums, e.floats(isDiagonal, {classes, classes})),
            e.mul(e.mul(turned, r), e.floats(isOther, {classes, classes})));
  Value start = e.expandTo(e.floats(1.0 / classes, {1, 1}),
                           {e.extent(pairs, 0), classes});
  float enough = 0.005f / static_cast<float>(classes);
  auto unsqueeze = [&](Value value, int64_t axis) {
    return e("Unsqueeze", {value, e.integers(axis)});
  };
  return e.repeat(
      100, start, [&](Value, ArrayRef<Value> carried) -> Expansion::Repeated {
        Value old = carried[0];
        Value product = e.reduce("ReduceSum", e.mul(q, unsqueeze(old, 1)), {2},
                                 /*keepDims=*/false);
        Value whole = e.reduce("ReduceSum", e.mul(old, product), {1});
        Value error =
            e.reduce("ReduceMax", e("Abs", e.sub(product, whole)), {1});
        Value isDone = e("Less", {error, e.scalar(enough, error)});
        SmallVector<Value> swept = e.repeat(
            classes, {old, product, whole},
            [&](Value i, ArrayRef<Value> so) -> Expansion::Repeated {
              Value p = so[0], qp = so[1], pqp = so[2];
              auto at = [&](Value values) {
                return e("Gather", {values, i}, {{"axis", int64_t(1)}});
              };
              Value line = at(q), own = unsqueeze(at(qp), 1),
                    diagonal = unsqueeze(at(line), 1);
              Value difference = e.div(e.sub(pqp, own), diagonal);
              Value scale = e.add(difference, e.scalar(1, difference));
              SmallVector<int64_t> numbers(classes);
              std::iota(numbers.begin(), numbers.end(), 0);
              Value mine = e.cast(e("Equal", {e.integers(numbers), i}),
                                  TensorProto::FLOAT);
              Value step =
                  e.mul(difference, e.add(e.mul(difference, diagonal),
                                          e.mul(own, e.scalar(2, own))));
              return {{e.div(e.add(p, e.mul(difference, mine)), scale),
                       e.div(e.add(qp, e.mul(difference, line)), scale),
                       e.div(e.div(e.add(pqp, step), scale), scale)},
                      {}};
            });
        Value next = e("Where", {isDone, old, swept[0]});
        Value isOpen = e.cast(e("Not", isDone), TensorProto::INT32);
        Value goesOn =
            e.cast(e("ReduceMax", isOpen, {{"keepdims", int64_t(0)}}),
                   TensorProto::BOOL);
        return {{next}, goesOn};
      })[0];
}

//===- Classification -----------------------------------------------------===//

struct PairwiseModel {
  SmallVector<int64_t> counts;
  int64_t classes, pairs, vectors = 0;
};

// Each pair of classes has its own sum over the support vectors of both:
// weights [vectors, pairs].
SmallVector<double> pairWeights(const PairwiseModel &model,
                                ArrayRef<double> coefficients) {
  SmallVector<double> weights(model.vectors * model.pairs);
  SmallVector<int64_t> starts{0};
  for (int64_t count : model.counts)
    starts.push_back(starts.back() + count);
  int64_t pair = 0;
  for (int64_t i = 0; i < model.classes; ++i)
    for (int64_t j = i + 1; j < model.classes; ++j, ++pair) {
      for (int64_t m = starts[i]; m < starts[i + 1]; ++m)
        weights[m * model.pairs + pair] =
            coefficients[(j - 1) * model.vectors + m];
      for (int64_t m = starts[j]; m < starts[j + 1]; ++m)
        weights[m * model.pairs + pair] = coefficients[i * model.vectors + m];
    }
  return weights;
}

// How often each class wins: the first of a pair where the sum is above zero.
Value votes(Expansion &e, Value sums, const PairwiseModel &model) {
  SmallVector<double> gains(model.pairs * model.classes), base(model.classes);
  int64_t pair = 0;
  for (int64_t i = 0; i < model.classes; ++i)
    for (int64_t j = i + 1; j < model.classes; ++j, ++pair) {
      gains[pair * model.classes + i] = 1;
      gains[pair * model.classes + j] = -1;
      ++base[j];
    }
  Value isFirst =
      e.cast(e("Greater", {sums, e.scalar(0, sums)}), TensorProto::FLOAT);
  return e("Gemm", {isFirst, e.floats(gains, {model.pairs, model.classes}),
                    e.floats(base, model.classes)});
}

SmallVector<Value> pairwise(Expansion &e, const PairwiseModel &model,
                            ArrayRef<int64_t> labels,
                            ArrayRef<double> coefficients, ArrayRef<double> rho,
                            StringRef transform) {
  SmallVector<double> vectors = e.numbersAttr("support_vectors"),
                      a = e.numbersAttr("prob_a"), b = e.numbersAttr("prob_b");
  int64_t pairs = model.pairs;
  if (int64_t(model.counts.size()) != model.classes || model.classes < 2 ||
      vectors.empty() || int64_t(vectors.size()) % model.vectors ||
      int64_t(coefficients.size()) != (model.classes - 1) * model.vectors ||
      int64_t(rho.size()) != pairs || a.size() != b.size() ||
      (!a.empty() && int64_t(a.size()) != pairs))
    return e.refuse(
        Twine(model.vectors) + " support vectors of " + Twine(vectors.size()) +
        " elements, " + Twine(coefficients.size()) + " coefficients, " +
        Twine(rho.size()) + " elements of 'rho' and " + Twine(a.size()) +
        " and " + Twine(b.size()) + " of 'prob_a' and 'prob_b' for " +
        Twine(model.classes) + " classes");
  Value x = featureRows(e, e.operand(0), TensorProto::FLOAT,
                        vectors.size() / model.vectors);
  if (!isa<mlir::RankedTensorType>(x.getType()))
    return {x, x};
  Value values = kernelOf(e, x, vectors, model.vectors,
                          e.stringAttr("kernel_type", "LINEAR"));
  // In f64: coefficients of both signs leave little of much.
  mlir::Type wide = e.builder().getF64Type();
  Value sums = e.add(e("MatMul", {e.cast(values, TensorProto::DOUBLE),
                                  e.floats(pairWeights(model, coefficients),
                                           {model.vectors, pairs}, wide)}),
                     e.floats(rho, pairs, wide));
  Value label = greatestLabel(e, labels, votes(e, sums, model));
  Value scores = e.cast(sums, TensorProto::FLOAT);
  if (!a.empty()) {
    Value value = e.add(e.mul(scores, e.floats(a, pairs)), e.floats(b, pairs));
    Value first = e("Clip", {e("Sigmoid", e("Neg", value)),
                             e.scalar(1e-7, value), e.scalar(1 - 1e-7, value)});
    return {label, transformed(e, coupled(e, first, model.classes), transform)};
  }
  if (model.classes > 2)
    return {label, transformed(e, scores, transform)};
  if (transform == "PROBIT")
    return e.refuse("post_transform 'PROBIT' of one score for two classes is "
                    "not supported");
  Value other = transform == "NONE" ? e("Neg", scores)
                                    : e.sub(e.scalar(1, scores), scores);
  return {label, sideBySide(e, {other, scores})};
}

// Without support vectors each class has a sum of its own. Of two classes
// without probabilities ONNX Runtime picks the second where any is above zero
// (0.5 where no coefficient is below zero).
SmallVector<Value> oneByOne(Expansion &e, ArrayRef<int64_t> labels,
                            ArrayRef<double> coefficients, double rho,
                            StringRef transform) {
  int64_t classes = labels.size(), size = coefficients.size();
  if (size % classes)
    return e.refuse(Twine(size) + " coefficients for " + Twine(classes) +
                    " classes");
  Value x = featureRows(e, e.operand(0), TensorProto::FLOAT, size / classes);
  if (!isa<mlir::RankedTensorType>(x.getType()))
    return {x, x};
  Value sums = e(
      "Gemm",
      {x, e.floats(coefficients, {classes, size / classes}), e.floats(rho, {})},
      {{"transB", int64_t(1)}});
  Value label = greatestLabel(e, labels, sums);
  if (classes == 2 && e.numbersAttr("prob_a").empty()) {
    Value most = e.reduce("ReduceMax", sums, {1}, /*keepDims=*/false);
    bool isPositive =
        all_of(coefficients, [](double each) { return each >= 0; });
    Value isSecond = e(isPositive ? "GreaterOrEqual" : "Greater",
                       {most, e.scalar(isPositive ? 0.5 : 0, most)});
    label = e("Where", {isSecond, e.integer(labels[1]), label});
  }
  return {label, transformedTargets(e, sums, classes, transform)};
}

SmallVector<Value> classifier(Expansion &e) {
  std::string transform = e.stringAttr("post_transform", "NONE");
  std::optional<SmallVector<int64_t>> labels =
      classLabels(e, "classlabels_ints");
  if (!labels || !isTransform(e, transform))
    return SmallVector<Value>(2, e.poison());
  SmallVector<double> coefficients = e.numbersAttr("coefficients"),
                      rho = e.numbersAttr("rho");
  constexpr int64_t kMostClasses = 1 << 12, kMostVectors = int64_t(1) << 31;
  PairwiseModel model{e.intsAttr("vectors_per_class"),
                      static_cast<int64_t>(labels->size()), 0};
  model.pairs = model.classes * (model.classes - 1) / 2;
  for (int64_t count : model.counts) {
    if (count < 0 || count > kMostVectors)
      return e.refuse("'vectors_per_class' has " + Twine(count));
    model.vectors += count;
  }
  if (coefficients.empty() || rho.empty() || model.classes > kMostClasses ||
      model.vectors > kMostVectors)
    return e.refuse("it has no coefficients or no 'rho', or more than " +
                    Twine(kMostClasses) + " classes");
  return model.vectors > 0
             ? pairwise(e, model, *labels, coefficients, rho, transform)
             : oneByOne(e, *labels, coefficients, rho[0], transform);
}

} // namespace

void addSupportVectors(ExpandTable &table) {
  table["ai.onnx.ml.SVMClassifier"] = [](Expansion &e) {
    return withStringLabels(e, classifier(e));
  };
  table["ai.onnx.ml.SVMRegressor"] = regressor;
}

} // namespace burnish::onnx_import
