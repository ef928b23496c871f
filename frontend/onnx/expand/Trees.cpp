// Trees.cpp - ensembles of trees: regressors, classifiers, and what both are
// since version 5 of ai.onnx.ml.
#include "frontend/onnx/expand/ReadForest.h"
#include "frontend/onnx/expand/Scores.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "llvm/ADT/DenseMap.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {
namespace {

//===- Scores -------------------------------------------------------------===//

// Raw scores [rows, targets]. `isScored` has who got a weight at all, by row
// and target; null where all do. Where that is the same for all rows, `isEver`
// has it too.
struct Scores {
  Value values, isScored;
  SmallVector<bool> isEver;
};

template <typename Word> void append(SmallVector<char> &bytes, Word word) {
  const char *from = reinterpret_cast<const char *>(&word);
  bytes.append(from, from + sizeof(Word));
}

class EnsembleBuilder {
public:
  EnsembleBuilder(Expansion &e, Value x, const Forest &forest,
                  const FlatForest &flat)
      : e(e), builder(e.builder()), x(x), forest(forest), flat(flat),
        type(Expansion::elementType(x)) {}

  Scores build(StringRef aggregate, bool needsScored) {
    nan = nanOf();
    Value nodes = type.isF64() ? nodeTable<int64_t, double>()
                               : nodeTable<int32_t, float>(),
          trees = treeTable();
    SmallVector<Value> lists;
    if (flat.hasLists)
      lists = {integers(forest.starts), integers(forest.targets),
               e.floats(forest.weights, int64_t(forest.weights.size()), type)};
    Scores scores{ensemble(nodes, trees, lists, aggregate), {}, {}};
    if (!needsScored || all_of(flat.isAlwaysScored, [](bool is) { return is; }))
      return scores;
    if (flat.hasLists) {
      // How many weights are added up tells whether there are any.
      SmallVector<double> ones(forest.weights.size(), 1.0);
      lists[2] = e.floats(ones, int64_t(ones.size()), type);
      Value counts = ensemble(nodes, trees, lists, "sum");
      scores.isScored = e("Greater", {counts, e.scalar(0, counts)});
    } else {
      SmallVector<int64_t> known(flat.isAlwaysScored.begin(),
                                 flat.isAlwaysScored.end());
      scores.isEver.assign(known.begin(), known.end());
      scores.isScored =
          e("Unsqueeze", {e.cast(e.integers(known), TensorProto::BOOL),
                          e.integers(int64_t(0))});
    }
    // Without any weight the score is zero.
    if (aggregate != "sum")
      scores.values =
          e("Where", {scores.isScored, scores.values, e.scalar(0, x)});
    return scores;
  }

private:
  // Where NaN goes, if that is the same everywhere. What is not above NaN,
  // the threshold of a comparison that never holds, would be taken for NaN.
  StringRef nanOf() const {
    bool hasTrue = false, hasFalse = false;
    for (size_t at = 0; at < flat.numbers.size(); ++at)
      if (!flat.isLeaf[at]) {
        (flat.isTrueForNaN[at] ? hasTrue : hasFalse) = true;
        hasFalse |= std::isnan(flat.numbers[at]);
      }
    return !hasTrue ? "false" : hasFalse ? "flags" : "true";
  }

  template <typename Word, typename Number> Value nodeTable() {
    SmallVector<char> bytes;
    bytes.reserve(flat.numbers.size() * 4 * sizeof(Word));
    for (size_t at = 0; at < flat.numbers.size(); ++at) {
      if (flat.isLeaf[at] && flat.hasLists)
        append(bytes, static_cast<Word>(flat.numbers[at]));
      else
        append(bytes, static_cast<Number>(flat.numbers[at]));
      Word column = flat.columns[at];
      if (nan == "flags")
        column = column * 2 + flat.isTrueForNaN[at];
      append(bytes, column);
      append(bytes, static_cast<Word>(4 * flat.whenTrue[at]));
      append(bytes, static_cast<Word>(4 * flat.whenFalse[at]));
    }
    return table(std::move(bytes), {int64_t(flat.numbers.size()), 4},
                 builder.getIntegerType(8 * sizeof(Word)));
  }

  Value treeTable() {
    SmallVector<char> bytes;
    for (const FlatForest::Tree &tree : flat.trees)
      for (int32_t word :
           {4 * tree.root, tree.steps, flat.hasLists ? 0 : tree.target})
        append(bytes, word);
    return table(std::move(bytes), {int64_t(flat.trees.size()), 3},
                 builder.getI32Type());
  }

  Value integers(ArrayRef<int32_t> values) {
    SmallVector<char> bytes;
    for (int32_t value : values)
      append(bytes, value);
    return table(std::move(bytes), int64_t(values.size()),
                 builder.getI32Type());
  }

  Value table(SmallVector<char> bytes, ArrayRef<int64_t> shape,
              mlir::Type elementType) {
    return builder.make<nn::ConstantOp>(
        nn::constantWith(mlir::RankedTensorType::get(shape, elementType),
                         "trees", std::move(bytes)));
  }

  Value ensemble(Value nodes, Value trees, ArrayRef<Value> lists,
                 StringRef aggregate) {
    return builder.make<nn::TreeEnsembleOp>(
        x, nodes, trees, lists, builder.getStringAttr(aggregate),
        builder.getStringAttr(nan), builder.getI64IntegerAttr(flat.columnCount),
        builder.getI64IntegerAttr(forest.targetCount));
  }

  Expansion &e;
  nn::NetBuilder &builder;
  Value x;
  const Forest &forest;
  const FlatForest &flat;
  mlir::Type type;
  StringRef nan;
};

// Rows of floats: whole numbers are compared as f32.
Value rowsFor(Expansion &e) {
  Value x = e.operand(0);
  return featureRows(e, x,
                     Expansion::onnxType(x) == TensorProto::DOUBLE
                         ? TensorProto::DOUBLE
                         : TensorProto::FLOAT);
}

// Rows in which NaN goes where no comparison holds, in all nodes: two of three
// operations of a step ask for NaN where it goes now here, now there, as in the
// trees of LightGBM. Some columns stand in these rows twice, the second time
// with the other sign; that is worth it where a row meets enough trees.
Value mirrorRows(Expansion &e, Value x, FlatForest &flat) {
  bool hasTrue = false, hasFalse = false;
  for (size_t at = 0; at < flat.numbers.size(); ++at)
    if (!flat.isLeaf[at])
      (flat.isTrueForNaN[at] ? hasTrue : hasFalse) = true;
  std::optional<int64_t> count = Expansion::size(x, 1);
  constexpr int64_t kColumnsOfTree = 4;
  if (!hasTrue || !hasFalse || !count || *count < flat.columnCount ||
      *count > kColumnsOfTree * int64_t(flat.trees.size()))
    return x;
  std::vector<int64_t> columns =
      mirror(flat, Expansion::elementType(x).isF64(), *count);
  Value picked =
      ArrayRef(columns) == ArrayRef(to_vector(seq<int64_t>(*count)))
          ? x
          : e("Gather", {x, e.integers(columns)}, {{"axis", int64_t(1)}});
  return e.concat({x, e("Neg", {picked})}, 1);
}

std::optional<Scores> scoresOf(Expansion &e, Value x, const Forest &forest,
                               StringRef aggregate, bool needsScored) {
  if (!isa<mlir::RankedTensorType>(x.getType()))
    return std::nullopt;
  if (forest.roots.empty()) {
    e.fail("there are no trees");
    return std::nullopt;
  }
  FlatForest flat;
  bool isFlat = flatten(forest, Expansion::elementType(x).isF64(), flat,
                        [&](const Twine &reason) { e.fail(reason); });
  if (!isFlat)
    return std::nullopt;
  x = mirrorRows(e, x, flat);
  StringRef how = StringSwitch<StringRef>(aggregate)
                      .Case("MIN", "min")
                      .Case("MAX", "max")
                      .Cases({"SUM", "AVERAGE"}, "sum")
                      .Default("");
  if (how.empty()) {
    e.fail("aggregate_function '" + aggregate + "' is unknown");
    return std::nullopt;
  }
  Scores scores = EnsembleBuilder(e, x, forest, flat)
                      .build(how, needsScored || how != "sum");
  if (aggregate == "AVERAGE")
    scores.values = e.div(scores.values,
                          e.scalar(double(forest.roots.size()), scores.values));
  return scores;
}

bool hasTargets(Expansion &e, int64_t count) {
  constexpr int64_t kMost = 1 << 24;
  if (count > 0 && count <= kMost)
    return true;
  e.fail("there are " + Twine(count) + " targets or classes");
  return false;
}

//===- Regression ---------------------------------------------------------===//

// Scores with what they start from, transformed, in the element type `type`.
SmallVector<Value> targets(Expansion &e, const Forest &forest,
                           StringRef aggregate, StringRef transform,
                           ArrayRef<double> base, int64_t type) {
  if (!isTransform(e, transform))
    return {e.poison()};
  if (!base.empty() && int64_t(base.size()) != forest.targetCount)
    return e.refuse("'base_values' has " + Twine(base.size()) +
                    " elements, and there are " + Twine(forest.targetCount) +
                    " targets");
  // A target without any weight in a row does not get its base either, unless
  // it is the only one.
  bool losesBase = !base.empty() && forest.targetCount > 1;
  std::optional<Scores> scores =
      scoresOf(e, rowsFor(e), forest, aggregate, losesBase);
  if (!scores)
    return {e.poison()};
  Value values = scores->values;
  if (!base.empty())
    values = e.add(values, e.floats(base, int64_t(base.size()),
                                    Expansion::elementType(values)));
  if (losesBase && scores->isScored)
    values = e("Where", {scores->isScored, values, e.scalar(0, values)});
  if (transform != "NONE" && type == TensorProto::FLOAT)
    values = e.cast(values, TensorProto::FLOAT);
  return {e.cast(transformedTargets(e, values, forest.targetCount, transform),
                 type)};
}

SmallVector<Value> regressor(Expansion &e) {
  Forest forest;
  forest.targetCount = e.intAttr("n_targets", 0);
  if (!hasTargets(e, forest.targetCount) || !readNumbered(e, "target", forest))
    return {e.poison()};
  return targets(e, forest, e.stringAttr("aggregate_function", "SUM"),
                 e.stringAttr("post_transform", "NONE"),
                 e.numbersAttr("base_values"), TensorProto::FLOAT);
}

// ONNX Runtime 1.32 takes a post_transform of 1 for LOGISTIC and 2 for SOFTMAX;
// ONNX has it the other way round.
SmallVector<Value> ensemble(Expansion &e) {
  static constexpr StringRef kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"},
                             kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC",
                                              "SOFTMAX_ZERO", "PROBIT"};
  int64_t aggregate = e.intAttr("aggregate_function", 1),
          transform = e.intAttr("post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4)
    return e.refuse("aggregate_function " + Twine(aggregate) +
                    " or post_transform " + Twine(transform) + " is unknown");
  Forest forest;
  forest.targetCount = e.intAttr("n_targets", 0);
  if (!hasTargets(e, forest.targetCount) || !readPlaced(e, forest))
    return {e.poison()};
  return targets(e, forest, kAggregates[aggregate], kTransforms[transform], {},
                 Expansion::onnxType(e.operand(0)));
}

//===- Classification -----------------------------------------------------===//

// Label and scores of two classes, as ONNX Runtime has them: when the second
// has no weights, the first one's score is that of the second, and labels are
// those of the model only when one class has all weights; else they are 0 and
// 1.
class TwoClasses {
public:
  TwoClasses(Expansion &e, const Scores &scores, ArrayRef<double> base,
             ArrayRef<int64_t> labels, StringRef transform, bool hasOne,
             bool isPositive)
      : e(e), scores(scores), base(base), labels(labels), transform(transform),
        hasOne(hasOne), isPositive(isPositive) {}

  SmallVector<Value> build() {
    Value first = column(scores.values, 0), second = column(scores.values, 1);
    Value hasFirst = scored(0), hasSecond = scored(1);
    auto number = [&](double value) { return e.scalar(value, first); };
    // The second has none.
    Value alone = base.empty() ? first : e.add(first, number(base[0]));
    if (!scores.isEver.empty() && !scores.isEver[1])
      return {label(alone), fromOne(alone)};
    // Both have scores.
    Value low = first, high = second;
    if (base.size() == 2) {
      high = e.add(first, number(base[1]));
      low = e("Neg", high);
    } else if (base.size() == 1) {
      low = e.add(first, number(base[0]));
    }
    low = hasFirst ? e("Where", {hasFirst, low, number(0)}) : low;
    Value both = transformed(e, single(sideBySide(e, {low, high})), transform);
    if (!hasSecond || !scores.isEver.empty())
      return {label(high), both};
    return {label(e("Where", {hasSecond, high, alone})),
            e("Where", {hasSecond, both, fromOne(alone)})};
  }

private:
  Value column(Value matrix, int64_t at) {
    return columns(e, matrix, at, at + 1);
  }
  Value scored(int64_t at) {
    return scores.isScored ? column(scores.isScored, at) : Value();
  }
  Value single(Value x) { return e.cast(x, TensorProto::FLOAT); }

  Value label(Value deciding) {
    Value list = asList(e, deciding);
    Value isSecond =
        e("Greater", {list, e.scalar(hasOne && isPositive ? 0.5 : 0, list)});
    return labelIf(e, isSecond, hasOne ? labels[1] : 1, hasOne ? labels[0] : 0);
  }

  /// Scores of both from one.
  Value fromOne(Value score) {
    Value one = e.scalar(1, score), zero = e.scalar(0, score);
    if (base.size() == 2)
      return transformed(e, single(sideBySide(e, {score, e.mul(score, zero)})),
                         transform);
    if (transform == "PROBIT")
      return e.fail("post_transform 'PROBIT' of one score for two classes is "
                    "not supported");
    if (hasOne && isPositive)
      return single(sideBySide(e, {e.sub(one, score), score}));
    Value pair = single(sideBySide(e, {e("Neg", score), score}));
    return transform == "LOGISTIC" ? transformed(e, pair, transform) : pair;
  }

  Expansion &e;
  const Scores &scores;
  ArrayRef<double> base;
  ArrayRef<int64_t> labels;
  StringRef transform;
  /// Whether one class has all weights, and none is below zero.
  bool hasOne, isPositive;
};

SmallVector<Value> classifier(Expansion &e) {
  std::string transform = e.stringAttr("post_transform", "NONE");
  std::optional<SmallVector<int64_t>> labels =
      classLabels(e, "classlabels_int64s");
  SmallVector<Value> refused(2, e.poison());
  if (!labels || !isTransform(e, transform))
    return refused;
  Forest forest;
  int64_t count = forest.targetCount = labels->size();
  if (!hasTargets(e, count) || !readNumbered(e, "class", forest))
    return refused;
  SmallVector<double> base = e.numbersAttr("base_values");
  int64_t bases = base.size();
  if (bases != 0 && bases != count && !(bases == 1 && count == 2))
    return e.refuse("'base_values' has " + Twine(bases) +
                    " elements, and there are " + Twine(count) + " classes");
  std::optional<Scores> scores =
      scoresOf(e, rowsFor(e), forest, "SUM",
               /*needsScored=*/count == 2 || (count > 2 && bases == 0));
  if (!scores)
    return refused;
  Value values = scores->values;
  if (count == 2) {
    SmallVector<int64_t> classes = e.intsAttr("class_ids");
    return TwoClasses(e, *scores, base, *labels, transform,
                      all_of(classes,
                             [&](int64_t each) { return each == classes[0]; }),
                      all_of(e.numbersAttr("class_weights"),
                             [](double weight) { return weight >= 0; }))
        .build();
  }
  if (bases)
    values =
        e.add(values, e.floats(base, bases, Expansion::elementType(values)));
  Value single = e.cast(values, TensorProto::FLOAT);
  if (count == 1) {
    Value list = asList(e, values);
    return {labelIf(e, e("Greater", {list, e.scalar(0, list)}), 1, 0),
            transformedTargets(e, single, 1, transform)};
  }
  Value rated =
      scores->isScored
          ? e("Where", {scores->isScored, values, e.scalar(-INFINITY, values)})
          : values;
  return {greatestLabel(e, *labels, rated), transformed(e, single, transform)};
}

} // namespace

void addTrees(ExpandTable &table) {
  table["ai.onnx.ml.TreeEnsemble"] = ensemble;
  table["ai.onnx.ml.TreeEnsembleClassifier"] = [](Expansion &e) {
    return withStringLabels(e, classifier(e));
  };
  table["ai.onnx.ml.TreeEnsembleRegressor"] = regressor;
}

} // namespace burnish::onnx_import
