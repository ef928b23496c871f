// Signals.cpp - transforms of windows of a signal.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// 0, 1, ... as a list of `count` (a scalar).
static Value countTo(Expansion &e, Value count) {
  return e("Range", {e.integer(0), count, e.integer(1)});
}

// Each channel by itself, over what came before and is here. With sizes of the
// run, the places of all windows are gathered.
static SmallVector<Value> causalConv(Expansion &e) {
  Value x = e.operand(0), weight = e.operand(1), bias = e.operand(2),
        past = e.operand(3);
  std::string activation = e.stringAttr("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return e.refuse("activation '" + activation + "'");
  if (Expansion::rank(x) != 3 || Expansion::rank(weight) != 3)
    return e.refuse("an input of rank " + Twine(Expansion::rank(x)) +
                    " and a weight of rank " + Twine(Expansion::rank(weight)));
  Value before = e.sub(e.shape({e.extent(weight, 2)}), e.integers({1}));
  if (!past) {
    Value shape =
        e.concat({e.shape({e.extent(x, 0), e.extent(x, 1)}), before}, 0);
    past = e("Expand", {e.scalar(0, x), shape});
  }
  Value whole = e.concat({past, x}, 2);
  std::optional<int64_t> channels = Expansion::size(weight, 0);
  Value y;
  if (channels && Expansion::size(weight, 2)) {
    y = e("Conv", {whole, weight, bias}, {{"group", *channels}});
  } else {
    Value starts = e("Unsqueeze", {e.countTo(e.extent(x, 2)), e.integers({1})}),
          places = e.add(starts, e.countTo(e.extent(weight, 2)));
    Value windows = e("Gather", {whole, places}, {{"axis", int64_t(2)}});
    // As a convolution sums 16 bits up.
    int64_t type = Expansion::onnxType(x);
    bool isDouble = type == onnx::TensorProto::DOUBLE;
    auto wide = [&](Value value) {
      return isDouble ? value : e.cast(value, onnx::TensorProto::FLOAT);
    };
    y = e.reduce("ReduceSum", e.mul(wide(windows), wide(weight)), 3,
                 /*keepDims=*/false);
    if (bias)
      y = e.add(y, e("Unsqueeze", {wide(bias), e.integers({1})}));
    y = e.cast(y, type);
  }
  if (activation != "none")
    y = e.mul(y, e("Sigmoid", {y}));
  // The last of all, as many as a window has before its last place.
  Value all = e.shape({e.extent(whole, 2)});
  Value present = e("Slice", {whole, e.sub(all, before), all, e.integers({2})});
  return {y, present};
}

void addSignals(ExpandTable &table) {
  table["CausalConvWithState"] = causalConv;
  // The frames of the signal (batch, samples, parts), gathered, weighed by the
  // window, and transformed.
  table["STFT"] = [](Expansion &e) -> SmallVector<Value> {
    Value signal = e.operand(0), window = e.operand(2), length = e.operand(3);
    if (Expansion::rank(signal) != 3)
      return {e.fail("the signal has rank " + Twine(Expansion::rank(signal)) +
                     ", not 3")};
    for (auto [operand, name] :
         {std::pair(e.operand(1), "frame_step"), {length, "frame_length"}})
      if (std::optional<SmallVector<int64_t>> known = e.known(operand))
        for (int64_t number : *known)
          if (number < 1 || number > INT32_MAX)
            return {e.fail(Twine(name) + " is " + Twine(number))};
    auto scalar = [&](Value value) {
      return e("Reshape", {e.cast(value, 7), e.integers({})});
    };
    auto sizeOf = [&](Value value, int64_t axis) {
      return scalar(e("Shape", value, {{"start", axis}, {"end", axis + 1}}));
    };
    Value samples = sizeOf(signal, 1), step = scalar(e.operand(1));
    length = length ? scalar(length) : window ? sizeOf(window, 0) : samples;
    Value frames = e.add(e.div(e.sub(samples, length), step), e.integer(1));
    Value starts =
        e("Unsqueeze", {e.mul(countTo(e, frames), step), e.integers({1})});
    Value framed = e("Gather", {signal, e.add(starts, countTo(e, length))},
                     {{"axis", int64_t(1)}});
    if (window)
      framed = e.mul(framed, e("Unsqueeze", {window, e.integers({1})}));
    return {e("DFT", {framed, Value(), e.integer(2)},
              {{"onesided", e.intAttr("onesided", 1)}})};
  };
}

} // namespace burnish::onnx_import
