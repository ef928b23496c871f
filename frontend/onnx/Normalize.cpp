// Normalize.cpp - brings nodes of old operator versions to the newest.
// One function a change of an operator. Versions that only added types, or
// attributes and inputs whose defaults are what was before, need none.
#include "frontend/onnx/Normalize.h"
#include "frontend/onnx/Rewrite.h"
#include "llvm/ADT/Sequence.h"
#include <cstdint>

using namespace llvm;
using onnx::NodeProto;

namespace burnish::onnx_import {
namespace {

// Before opset 7 the second operand was repeated only when `broadcast` said so,
// and its axes were those of the first from `axis` on: with axes of size 1
// after its own it is today's.
bool broadcastAxis(Rewrite &r) {
  bool isBroadcast = intAttribute(r.node, "broadcast", 0);
  int64_t axis = intAttribute(r.node, "axis", INT64_MIN);
  removeAttribute(r.node, "broadcast");
  removeAttribute(r.node, "axis");
  if (!isBroadcast || axis == INT64_MIN)
    return true;
  std::string b = r.node.input(1);
  std::optional<int64_t> rankA = r.rank(r.node.input(0)), rankB = r.rank(b);
  if (!rankA || !rankB)
    return true;
  axis = axis < 0 ? axis + *rankA : axis;
  if (axis < 0 || axis > *rankA - *rankB)
    return r.fail("axis " + Twine(axis) + " has no room for rank " +
                  Twine(*rankB) + " in rank " + Twine(*rankA));
  SmallVector<int64_t> after = to_vector(seq(*rankB, *rankA - axis));
  if (!after.empty())
    r.node.set_input(1, r.before("Unsqueeze", {b, r.integers(after)}));
  return true;
}

// Before opset 7 there was a switch for testing, which is what these operators
// do unless they are told to train.
bool isTest(Rewrite &r) {
  removeAttribute(r.node, "is_test");
  return true;
}

bool gemmBroadcast(Rewrite &r) {
  removeAttribute(r.node, "broadcast");
  return true;
}

// Before opset 7 a slope of rank 1 was by channel.
bool slopeByChannel(Rewrite &r) {
  std::string slope = r.node.input(1);
  std::optional<int64_t> rankX = r.rank(r.node.input(0)),
                         rankSlope = r.rank(slope);
  if (rankX && rankSlope && *rankSlope == 1 && *rankX > 2)
    r.node.set_input(
        1,
        r.before("Unsqueeze",
                 {slope, r.integers(to_vector(seq(int64_t(1), *rankX - 1)))}));
  return true;
}

bool recurrentOutputs(Rewrite &r) {
  removeAttribute(r.node, "output_sequence");
  return true;
}

// Before opset 9 `spatial` = 0 gave every element statistics of its own.
bool batchNormalizationSpatial(Rewrite &r) {
  bool isSpatial = intAttribute(r.node, "spatial", 1);
  removeAttribute(r.node, "spatial");
  if (isSpatial)
    return true;
  const std::string x = r.node.input(0), scale = r.node.input(1),
                    bias = r.node.input(2), mean = r.node.input(3),
                    var = r.node.input(4);
  if (any_of(drop_begin(r.node.output()),
             [](const std::string &name) { return !name.empty(); }))
    return r.fail("training with spatial = 0 is not supported");
  std::string epsilon =
      r.scalarLike(floatAttribute(r.node, "epsilon", 1e-5f), x);
  std::string deviation = r.before("Sqrt", r.before("Add", {var, epsilon}));
  std::string normal = r.before("Div", {r.before("Sub", {x, mean}), deviation});
  r.before("Add", {r.before("Mul", {normal, scale}), bias});
  r.last().set_output(0, r.node.output(0));
  r.isReplaced = true;
  return true;
}

// Before opset 14 it was training when further outputs were asked for.
bool batchNormalizationTraining(Rewrite &r) {
  for (int i = 3; i < r.node.output_size(); ++i)
    if (!r.node.output(i).empty())
      return r.fail("outputs saved_mean and saved_var are not supported");
  while (
      r.node.output_size() > 3 ||
      (r.node.output_size() && r.node.output(r.node.output_size() - 1).empty()))
    r.node.mutable_output()->RemoveLast();
  if (r.node.output_size() > 1)
    setAttribute(r.node, "training_mode", int64_t(1));
  return true;
}

bool clipBounds(Rewrite &r) {
  constexpr StringLiteral kBounds[] = {"min", "max"};
  for (auto [index, name] : enumerate(kBounds)) {
    if (findAttribute(r.node, name))
      r.setInput(index + 1, r.scalarLike(floatAttribute(r.node, name, 0),
                                         r.node.input(0)));
    removeAttribute(r.node, name);
  }
  return true;
}

bool dftAxis(Rewrite &r) {
  r.setInput(2, r.integer(intAttribute(r.node, "axis", 1)));
  removeAttribute(r.node, "axis");
  return true;
}

// Before opset 12 the ratio was an attribute and nothing was dropped; before 10
// the mask had the data's type.
bool dropoutRatio(Rewrite &r) {
  removeAttribute(r.node, "ratio");
  if (r.version < 10 && !outputName(r.node, 1).empty()) {
    std::string mask = r.node.output(1);
    int64_t type = r.elementType(r.node.input(0));
    setAttribute(r.after("Cast", r.divertOutput(1), mask), "to",
                 type ? type : int64_t(onnx::TensorProto::FLOAT));
  }
  return true;
}

bool gridSampleModes(Rewrite &r) {
  std::string mode = stringAttribute(r.node, "mode", "bilinear");
  setAttribute(r.node, "mode",
               mode == "bilinear"  ? "linear"
               : mode == "bicubic" ? "cubic"
                                   : StringRef(mode));
  return true;
}

// Before opset 21 scale and bias were by group: an instance normalization of
// groups.
bool groupNormalizationScale(Rewrite &r) {
  std::string x = r.node.input(0);
  std::string groups =
      r.before("Reshape",
               {x, r.integers({0, intAttribute(r.node, "num_groups", 1), -1})});
  std::string normal = r.before("InstanceNormalization",
                                {groups, r.node.input(1), r.node.input(2)});
  setAttribute(r.last(), "epsilon", floatAttribute(r.node, "epsilon", 1e-5f));
  r.before("Reshape", {normal, r.before("Shape", x)});
  r.last().set_output(0, r.node.output(0));
  r.isReplaced = true;
  return true;
}

bool padInputs(Rewrite &r) {
  std::optional<SmallVector<int64_t>> pads = intsAttribute(r.node, "pads");
  r.setInput(1, r.integers(pads.value_or(SmallVector<int64_t>())));
  if (float value = floatAttribute(r.node, "value", 0); value != 0)
    r.setInput(2, r.scalarLike(value, r.node.input(0)));
  removeAttribute(r.node, "pads");
  removeAttribute(r.node, "value");
  return true;
}

bool reduceAxes(Rewrite &r) {
  r.attributeToInput("axes", 1);
  return true;
}

bool roiAlignCoordinates(Rewrite &r) {
  setAttribute(r.node, "coordinate_transformation_mode",
               StringRef("output_half_pixel"));
  return true;
}

// Before opset 9 Scan had a batch axis before the sequence's: a Scan over the
// batch of Scans over sequences.
bool scanBatch(Rewrite &r) {
  if (!inputName(r.node, 0).empty())
    return r.fail("sequence_lens is not supported");
  r.node.mutable_input()->DeleteSubrange(0, 1);
  NodeProto inner = r.node;
  inner.set_overload(kNewestForm.str());
  int64_t count = inner.input_size();
  onnx::GraphProto body;
  for (int i = 0; i < count; ++i) {
    inner.set_input(i, r.context.freshName());
    body.add_input()->set_name(inner.input(i));
  }
  for (int i = 0; i < inner.output_size(); ++i) {
    inner.set_output(i, r.context.freshName());
    body.add_output()->set_name(inner.output(i));
  }
  if (std::optional<SmallVector<int64_t>> directions =
          intsAttribute(inner, "directions"))
    setAttribute(inner, "scan_input_directions", *directions);
  removeAttribute(inner, "directions");
  *body.add_node() = inner;
  r.node.clear_attribute();
  setAttribute(r.node, "num_scan_inputs", count);
  onnx::AttributeProto &attribute = *r.node.add_attribute();
  attribute.set_name("body");
  attribute.set_type(onnx::AttributeProto::GRAPH);
  *attribute.mutable_g() = std::move(body);
  return true;
}

bool scatterName(Rewrite &r) {
  r.node.set_op_type("ScatterElements");
  return true;
}

bool sliceInputs(Rewrite &r) {
  r.attributeToInput("starts", 1);
  r.attributeToInput("ends", 2);
  r.attributeToInput("axes", 3);
  return true;
}

// Before opset 13 the axes from `axis` on (1 by default) were taken together.
bool softmaxFlat(Rewrite &r) {
  int64_t axis = intAttribute(r.node, "axis", 1);
  std::string x = r.node.input(0);
  std::optional<int64_t> rank = r.rank(x);
  setAttribute(r.node, "axis", int64_t(-1));
  if (rank && (axis == -1 || axis == *rank - 1))
    return true;
  std::string flat = r.before("Flatten", x);
  setAttribute(r.last(), "axis", axis);
  r.node.set_input(0, flat);
  std::string shape = r.before("Shape", x), result = r.node.output(0);
  r.after("Reshape", {r.divertOutput(0), shape}, result);
  return true;
}

bool splitInput(Rewrite &r) {
  r.attributeToInput("split", 1);
  return true;
}

bool splitCount(Rewrite &r) {
  if (inputName(r.node, 1).empty())
    setAttribute(r.node, "num_outputs",
                 static_cast<int64_t>(r.node.output_size()));
  return true;
}

bool squeezeAxes(Rewrite &r) {
  r.attributeToInput("axes", 1);
  return true;
}

bool topKInput(Rewrite &r) {
  r.setInput(1, r.integers(intAttribute(r.node, "k", 0)));
  removeAttribute(r.node, "k");
  return true;
}

struct Change {
  StringRef op;
  /// The first version of the default domain's opset that has it.
  int64_t version;
  bool (*apply)(Rewrite &rewrite);
};

constexpr int64_t kAlways = INT64_MAX;

// In order of versions for each operator: a node goes through all that came
// after its own.
const Change kChanges[] = {
    {"Add", 7, broadcastAxis},
    {"And", 7, broadcastAxis},
    {"BatchNormalization", 7, isTest},
    {"BatchNormalization", 9, batchNormalizationSpatial},
    {"BatchNormalization", 14, batchNormalizationTraining},
    {"Clip", 11, clipBounds},
    {"DFT", 20, dftAxis},
    {"Div", 7, broadcastAxis},
    {"Dropout", 7, isTest},
    {"Dropout", 12, dropoutRatio},
    {"Equal", 7, broadcastAxis},
    {"GRU", 7, recurrentOutputs},
    {"Gemm", 7, gemmBroadcast},
    {"Greater", 7, broadcastAxis},
    {"GridSample", 20, gridSampleModes},
    {"GroupNormalization", 21, groupNormalizationScale},
    {"Hardmax", 13, softmaxFlat},
    {"LSTM", 7, recurrentOutputs},
    {"Less", 7, broadcastAxis},
    {"LogSoftmax", 13, softmaxFlat},
    {"Mul", 7, broadcastAxis},
    {"Or", 7, broadcastAxis},
    {"PRelu", 7, slopeByChannel},
    {"Pad", 11, padInputs},
    {"Pow", 7, broadcastAxis},
    {"RNN", 7, recurrentOutputs},
    {"ReduceL1", 18, reduceAxes},
    {"ReduceL2", 18, reduceAxes},
    {"ReduceLogSum", 18, reduceAxes},
    {"ReduceLogSumExp", 18, reduceAxes},
    {"ReduceMax", 18, reduceAxes},
    {"ReduceMean", 18, reduceAxes},
    {"ReduceMin", 18, reduceAxes},
    {"ReduceProd", 18, reduceAxes},
    {"ReduceSum", 13, reduceAxes},
    {"ReduceSumSquare", 18, reduceAxes},
    {"Resize", 11, resizeModes},
    {"Resize", 13, resizeHalfPixel},
    {"Resize", kAlways, resizeEmptyInputs},
    {"RoiAlign", 16, roiAlignCoordinates},
    {"Scan", 9, scanBatch},
    {"Scatter", kAlways, scatterName},
    {"Slice", 10, sliceInputs},
    {"Softmax", 13, softmaxFlat},
    {"Split", 13, splitInput},
    {"Split", 18, splitCount},
    {"Squeeze", 13, squeezeAxes},
    {"Sub", 7, broadcastAxis},
    {"TopK", 10, topKInput},
    {"Unsqueeze", 13, squeezeAxes},
    {"Upsample", 7, upsampleHeightAndWidth},
    {"Upsample", 9, upsampleScales},
    {"Upsample", kAlways, upsampleName},
    {"Xor", 7, broadcastAxis},
};

} // namespace

bool normalize(const NodeProto &node, int64_t version,
               NormalizeContext &context, std::vector<NodeProto> &nodes) {
  if (node.overload() == kNewestForm)
    version = INT64_MAX - 1;
  Rewrite rewrite(node, version, context);
  for (const Change &change : kChanges)
    if (change.op == node.op_type() && version < change.version &&
        !rewrite.isReplaced && !change.apply(rewrite))
      return false;
  append_range(nodes, rewrite.preceding);
  if (!rewrite.isReplaced)
    nodes.push_back(std::move(rewrite.node));
  append_range(nodes, rewrite.following);
  return true;
}

} // namespace burnish::onnx_import
