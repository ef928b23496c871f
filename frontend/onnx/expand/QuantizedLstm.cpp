// QuantizedLstm.cpp - com.microsoft.DynamicQuantizeLSTM: an LSTM whose products
// are those of bytes. X is rounded to bytes as a whole, and the state in each
// step, all sequences of the batch together.
#include "frontend/onnx/expand/Quantized.h"
#include "ir/Ops.h"
#include "ir/Storage.h"

using namespace llvm;
using mlir::RankedTensorType;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

namespace {
/// The operands by their names in the operator's documentation.
enum Operand {
  X,
  W,
  R,
  B,
  SequenceLens,
  InitialH,
  InitialC,
  P,
  WScale,
  WZero,
  RScale,
  RZero
};
/// Gates in the order of W, R and B; P has the first three.
enum Gate { Input, Output, Forget, Cell, kGates };

class Layer {
public:
  explicit Layer(Expansion &e) : e(e) {}

  SmallVector<Value> run();

private:
  /// This direction's part of an operand, without the axis of directions; a
  /// constant's is a constant. Null if the operand is absent.
  Value part(Operand operand);
  /// A part, along the last axis, of what has `count` of them there.
  Value nth(Value all, int64_t index, int64_t count);
  Value initial(Operand operand, Value products);
  /// The products of all steps with the inputs, [steps, batch, gates].
  Value inputProducts(ArrayRef<Value> bytes);
  /// The final states and the states of all steps.
  SmallVector<Value> scan(Value products);
  SmallVector<Value> step(Value products, Value hidden, Value cell);
  Value activate(StringRef name, Value sums);

  Expansion &e;
  int64_t direction = 0;
  /// Of the direction at hand.
  Value recurrent, recurrentScale, recurrentZero, peepholes;
};
} // namespace

Value Layer::part(Operand operand) {
  Value whole = e.operand(operand);
  if (!whole)
    return {};
  auto constant = whole.getDefiningOp<nn::ConstantOp>();
  auto type = dyn_cast<RankedTensorType>(whole.getType());
  if (!constant || !type.hasStaticShape() || type.getDimSize(0) <= direction) {
    Value only = e.slice(whole, 0, direction, direction + 1);
    return e("Squeeze", {only, e.integers(0)});
  }
  SmallVector<char> bytes = nn::copyBytes(constant.getValue());
  size_t size = bytes.size() / type.getDimSize(0);
  return e.builder().make<nn::ConstantOp>(nn::constantWith(
      RankedTensorType::get(type.getShape().drop_front(),
                            type.getElementType()),
      "direction",
      SmallVector<char>(ArrayRef(bytes).slice(direction * size, size))));
}

Value Layer::nth(Value all, int64_t index, int64_t count) {
  Extent each = e.quotient(e.extent(all, -1), count);
  return e.slice(all, -1, e.product({each, index}),
                 e.product({each, index + 1}));
}

Value Layer::initial(Operand operand, Value products) {
  if (Value given = part(operand))
    return given;
  return e.expandTo(
      e.scalar(0, products),
      {e.extent(products, 1), e.quotient(e.extent(products, 2), kGates)});
}

Value Layer::inputProducts(ArrayRef<Value> bytes) {
  Value bias = part(B);
  if (bias)
    bias = e.add(nth(bias, 0, 2), nth(bias, 1, 2));
  return scaledProduct(e, bytes[0], part(W), bytes[2], part(WZero), bytes[1],
                       part(WScale), bias);
}

Value Layer::activate(StringRef name, Value sums) {
  if (findAttribute(e.node, "clip")) {
    float most = std::abs(e.floatAttr("clip", 0));
    sums = e("Clip", {sums, e.scalar(-most, sums), e.scalar(most, sums)});
  }
  return e(name, sums);
}

SmallVector<Value> Layer::step(Value products, Value hidden, Value cell) {
  SmallVector<Value> bytes = e.many(3, "DynamicQuantizeLinear", hidden);
  Value sums = scaledProduct(e, bytes[0], recurrent, bytes[2], recurrentZero,
                             bytes[1], recurrentScale, products);
  auto gate = [&](Gate which, Value peeped) {
    Value own = nth(sums, which, kGates);
    return peepholes ? e.add(own, e.mul(nth(peepholes, which, Cell), peeped))
                     : own;
  };
  Value input = activate("Sigmoid", gate(Input, cell));
  Value forget = e.intAttr("input_forget", 0)
                     ? e.sub(e.scalar(1, input), input)
                     : activate("Sigmoid", gate(Forget, cell));
  Value fresh = activate("Tanh", nth(sums, Cell, kGates));
  Value next = e.add(e.mul(forget, cell), e.mul(input, fresh));
  Value output = activate("Sigmoid", gate(Output, next));
  return {e.mul(output, activate("Tanh", next)), next};
}

SmallVector<Value> Layer::scan(Value products) {
  recurrent = part(R);
  recurrentScale = part(RScale);
  recurrentZero = part(RZero);
  peepholes = part(P);
  bool isBackwards =
      direction == 1 || e.stringAttr("direction", "forward") == "reverse";
  SmallVector<Value> initials{initial(InitialH, products),
                              initial(InitialC, products)},
      scanned{products};
  Value lengths = e.operand(SequenceLens);
  // The last step of each sequence comes first.
  bool isTurned = isBackwards && lengths;
  auto turn = [&](Value value) {
    return e("ReverseSequence", {value, e.cast(lengths, TensorProto::INT64)},
             {{"batch_axis", int64_t(1)}, {"time_axis", int64_t(0)}});
  };
  if (isTurned)
    scanned[0] = turn(products);
  if (lengths) {
    // Which sequences go on at each step: [steps, batch, 1].
    Value steps = e("Unsqueeze",
                    {e.countTo(e.extent(products, 0)), e.integers({1, 2})}),
          last = e("Unsqueeze",
                   {e.cast(lengths, TensorProto::INT64), e.integers(1)});
    scanned.push_back(e("Less", {steps, last}));
  }
  SmallVector<Value> results = e.scan(
      initials, scanned, isBackwards && !isTurned,
      [&](ArrayRef<Value> states, ArrayRef<Value> now) -> Expansion::Repeated {
        SmallVector<Value> next = step(now[0], states[0], states[1]);
        Value shown = next[0];
        if (lengths) {
          shown = e("Where", {now[1], shown, e.scalar(0, shown)});
          for (auto [fresh, old] : zip_equal(next, states))
            fresh = e("Where", {now[1], fresh, old});
        }
        return {next, {}, {shown}};
      },
      1);
  if (isTurned)
    results.back() = turn(results.back());
  return results;
}

SmallVector<Value> Layer::run() {
  for (auto [name, operand] : {std::pair("X", X), {"W", W}, {"R", R}})
    if (Expansion::rank(e.operand(operand)) != 3)
      return e.refuse(Twine(name) + " has rank " +
                      Twine(Expansion::rank(e.operand(operand))) +
                      " instead of 3");
  if (const onnx::AttributeProto *given = findAttribute(e.node, "activations"))
    for (auto [index, name] : enumerate(given->strings()))
      if (name != (index % 3 == 0 ? "Sigmoid" : "Tanh"))
        return e.refuse("activation " + quoted(name) + " is not supported");
  std::string way = e.stringAttr("direction", "forward");
  if (way != "forward" && way != "reverse" && way != "bidirectional")
    return e.refuse("direction " + quoted(way) +
                    ", which should be forward, reverse or bidirectional");
  int64_t directions = way == "bidirectional" ? 2 : 1;
  for (auto [name, operand] : {std::pair("W", W), {"R", R}})
    if (int64_t size =
            Expansion::size(e.operand(operand), 0).value_or(directions);
        size != directions)
      return e.refuse(Twine(name) + " has weights of " + Twine(size) +
                      " directions instead of " + Twine(directions));
  SmallVector<Value> bytes = e.many(3, "DynamicQuantizeLinear", e.operand(X));
  SmallVector<SmallVector<Value>> parts(3);
  for (direction = 0; direction < directions; ++direction) {
    SmallVector<Value> results = scan(inputProducts(bytes));
    for (auto [index, result] : enumerate(results))
      parts[index].push_back(
          e("Unsqueeze", {result, e.integers(index == 2 ? 1 : 0)}));
  }
  return {e.concat(parts[2], 1), e.concat(parts[0], 0), e.concat(parts[1], 0)};
}

void addQuantizedLstm(ExpandTable &table) {
  table["com.microsoft.DynamicQuantizeLSTM"] = [](Expansion &e) {
    return Layer(e).run();
  };
}

} // namespace burnish::onnx_import
