// Normalizations.cpp - means and variances taken out, along axes.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

struct Normal {
  Value normal, mean, inverseDeviation;
};

// (x - mean) / sqrt(variance + epsilon) along axes
static Normal normalize(Expansion &e, Value x, ArrayRef<int64_t> axes,
                        double epsilon) {
  Value mean = e.reduce("ReduceMean", x, axes);
  Value centred = e.sub(x, mean);
  Value variance = e.reduce("ReduceMean", e.mul(centred, centred), axes);
  Value deviation = e("Sqrt", e.add(variance, e.scalar(epsilon, variance)));
  return {e.div(centred, deviation), mean, e("Reciprocal", deviation)};
}

static SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq(std::min(first, rank), rank));
}

// A parameter of one element a channel, for channels at axis 1.
static Value byChannel(Expansion &e, Value parameter, int64_t rank) {
  SmallVector<Extent> shape(rank, int64_t(1));
  if (rank > 1)
    shape[1] = e.extent(parameter, 0);
  return rank > 1 ? e.reshape(parameter, shape) : parameter;
}

// Statistics are taken in `stash_type`; half precision floats would lose them.
static int64_t stashType(Expansion &e, Value x) {
  int64_t type = Expansion::onnxType(x);
  bool isHalf =
      type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16;
  return isHalf ? e.intAttr("stash_type", onnx::TensorProto::FLOAT) : type;
}

// The type that group and RMS norms cast to first, as ONNX has it: by default
// float, for doubles as well; none after a diagnostic. Layer norms of doubles
// stay in doubles, as ONNX Runtime and ONNX's evaluator both have them.
static std::optional<int64_t> castType(Expansion &e) {
  int64_t stash = e.intAttr("stash_type", onnx::TensorProto::FLOAT);
  if (llvm::is_contained({onnx::TensorProto::FLOAT, onnx::TensorProto::DOUBLE,
                          onnx::TensorProto::FLOAT16,
                          onnx::TensorProto::BFLOAT16},
                         stash))
    return stash;
  e.fail("stash_type " + Twine(stash) + " is no float");
  return std::nullopt;
}

static SmallVector<Value> groupNormalization(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x), groups = e.intAttr("num_groups", 1),
          type = Expansion::onnxType(x);
  std::optional<int64_t> stash = castType(e);
  if (!stash)
    return {e.poison()};
  if (rank < 2 || groups < 1)
    return e.refuse(Twine(groups) + " groups of a value of rank " +
                    Twine(rank));
  SmallVector<Extent> whole = e.extents(x),
                      grouped{whole[0], groups, e.quotient(whole[1], groups)};
  grouped.append(whole.begin() + 2, whole.end());
  Normal normal =
      normalize(e, e.cast(e.reshape(x, grouped), *stash), axesFrom(2, rank + 1),
                e.floatAttr("epsilon", 1e-5f));
  Value y = e.cast(e.reshape(normal.normal, whole), type);
  return {e.add(e.mul(y, byChannel(e, e.operand(1), rank)),
                byChannel(e, e.operand(2), rank))};
}

static SmallVector<Value> layerNormalization(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x), type = Expansion::onnxType(x);
  std::optional<int64_t> axis = e.axis(e.intAttr("axis", -1), rank);
  if (!axis)
    return {e.poison()};
  Normal normal =
      normalize(e, e.cast(x, stashType(e, x)), axesFrom(*axis, rank),
                e.floatAttr("epsilon", 1e-5f));
  Value y = e.mul(e.cast(normal.normal, type), e.operand(1));
  if (e.operand(2))
    y = e.add(y, e.operand(2));
  return {y, normal.mean, normal.inverseDeviation};
}

// The scale and the result have a type of their own.
static SmallVector<Value> rmsNormalization(Expansion &e) {
  Value x = e.operand(0);
  int64_t rank = Expansion::rank(x), type = Expansion::onnxType(e.operand(1));
  std::optional<int64_t> axis = e.axis(e.intAttr("axis", -1), rank),
                         stash = axis ? castType(e) : std::nullopt;
  if (!stash)
    return {e.poison()};
  Value wide = e.cast(x, *stash);
  Value square =
      e.reduce("ReduceMean", e.mul(wide, wide), axesFrom(*axis, rank));
  Value deviation =
      e("Sqrt", e.add(square, e.scalar(e.floatAttr("epsilon", 1e-5f), square)));
  return {e.mul(e.cast(e.div(wide, deviation), type), e.operand(1))};
}

void addNormalizations(ExpandTable &table) {
  table["GroupNormalization"] = groupNormalization;
  table["LayerNormalization"] = layerNormalization;
  table["RMSNormalization"] = rmsNormalization;
  table["InstanceNormalization"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    int64_t rank = Expansion::rank(x);
    Normal normal = normalize(e, e.cast(x, stashType(e, x)), axesFrom(2, rank),
                              e.floatAttr("epsilon", 1e-5f));
    Value y = e.cast(normal.normal, Expansion::onnxType(x));
    return {e.add(e.mul(y, byChannel(e, e.operand(1), rank)),
                  byChannel(e, e.operand(2), rank))};
  };
  // sqrt(variance) + 1e-9 is what ONNX divides by here
  table["MeanVarianceNormalization"] = [](Expansion &e) -> SmallVector<Value> {
    int64_t type = Expansion::onnxType(e.operand(0));
    Value x = e.cast(e.operand(0), stashType(e, e.operand(0)));
    SmallVector<int64_t> axes =
        intsAttribute(e.node, "axes").value_or(SmallVector<int64_t>{0, 2, 3});
    Value mean = e.reduce("ReduceMean", x, axes), centred = e.sub(x, mean);
    Value variance = e.reduce("ReduceMean", e.mul(centred, centred), axes);
    Value deviation = e.add(e("Sqrt", variance), e.scalar(1e-9, x));
    return {e.cast(e.div(centred, deviation), type)};
  };
  // a norm of zero leaves zeros
  table["LpNormalization"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    Value norm = e.reduce(e.intAttr("p", 2) == 1 ? "ReduceL1" : "ReduceL2", x,
                          e.intAttr("axis", -1));
    Value zero = e.scalar(0, x);
    return {e("Where", {e("Equal", {norm, zero}), zero, e.div(x, norm)})};
  };
  // x / (bias + alpha / size * sum of squares in a window of channels) ^ beta,
  // the window as an average pool
  table["LRN"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0);
    int64_t size = e.intAttr("size", 1), rank = Expansion::rank(x);
    SmallVector<Extent> whole = e.extents(x);
    if (rank < 2 || size < 1)
      return e.refuse("size " + Twine(size) + " on a value of rank " +
                      Twine(rank));
    SmallVector<Extent> image{whole[0], int64_t(1), whole[1],
                              e.product(ArrayRef(whole).drop_front(2))};
    Value squares = e.reshape(e.mul(x, x), image);
    int64_t before = (size - 1) / 2, after = size / 2;
    Value mean = e("AveragePool", squares,
                   {{"kernel_shape", SmallVector<int64_t>{size, 1}},
                    {"pads", SmallVector<int64_t>{before, 0, after, 0}},
                    {"strides", SmallVector<int64_t>{1, 1}},
                    {"count_include_pad", int64_t(1)}});
    Value base = e.add(
        e.mul(e.reshape(mean, whole), e.scalar(e.floatAttr("alpha", 1e-4f), x)),
        e.scalar(e.floatAttr("bias", 1), x));
    return {
        e.div(x, e("Pow", {base, e.scalar(e.floatAttr("beta", 0.75f), x)}))};
  };
}

} // namespace burnish::onnx_import
