// Signals.cpp - transforms of windows of a signal.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// 0, 1, ... as a list of `count` (a scalar).
static Value countTo(Expansion &e, Value count) {
  return e("Range", {e.integer(0), count, e.integer(1)});
}

void addSignals(ExpandTable &table) {
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
