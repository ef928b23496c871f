// Quantization.cpp - operators on quantized integers, by what they mean.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

// A parameter of one element, or of one for each size along an axis of a value
// of that rank, so that it broadcasts to the value.
static Value along(Expansion &e, Value parameter, int64_t axis, int64_t rank) {
  if (Expansion::rank(parameter) != 1 || Expansion::size(parameter, 0) == 1)
    return Expansion::rank(parameter) == 1
               ? e.reshape(parameter, ArrayRef<Extent>())
               : parameter;
  if (axis >= rank)
    return e.fail("scales or zero points along axis " + Twine(axis) +
                  " of a value of rank " + Twine(rank));
  SmallVector<Extent> shape(rank, int64_t(1));
  shape[axis] = e.extent(parameter, 0);
  return e.reshape(parameter, shape);
}

// x - zero point, as 32-bit integers
static Value centred(Expansion &e, Value x, Value zeroPoint, int64_t axis) {
  Value wide = e.cast(x, TensorProto::INT32);
  if (!zeroPoint)
    return wide;
  return e.sub(wide, along(e, e.cast(zeroPoint, TensorProto::INT32), axis,
                           Expansion::rank(x)));
}

// A convolution of 8-bit integers, with sums of 32 bits.
static Value convolve(Expansion &e, Value x, Value zeroX, Value w,
                      Value zeroW) {
  return e("Conv", {centred(e, x, zeroX, 1), centred(e, w, zeroW, 0)},
           e.window());
}

// round(sum * (a_scale * b_scale / y_scale)) + y_zero_point, saturated; `sum`
// is of 32-bit integers
static Value requantize(Expansion &e, Value sum, Value scaleA, Value scaleB,
                        Value scaleY, Value zeroY, int64_t axis) {
  Value scale = e.div(
      e.mul(scaleA, along(e, scaleB, axis, Expansion::rank(sum))), scaleY);
  Value real =
      e.mul(e.cast(sum, TensorProto::FLOAT), e.cast(scale, TensorProto::FLOAT));
  return e("QuantizeLinear", {real, e.scalar(1, real), zeroY});
}

void addQuantization(ExpandTable &table) {
  table["MatMulInteger"] = [](Expansion &e) -> SmallVector<Value> {
    Value a = e.operand(0), b = e.operand(1);
    // Zero points are by row of A and by column of B.
    Value left = centred(e, a, e.operand(2),
                         std::max<int64_t>(Expansion::rank(a) - 2, 0));
    Value right = centred(e, b, e.operand(3),
                          std::max<int64_t>(Expansion::rank(b) - 1, 0));
    return {e("MatMul", {left, right})};
  };
  table["ConvInteger"] = [](Expansion &e) -> SmallVector<Value> {
    return {
        convolve(e, e.operand(0), e.operand(2), e.operand(1), e.operand(3))};
  };
  table["QLinearMatMul"] = [](Expansion &e) -> SmallVector<Value> {
    Value a = e.operand(0), b = e.operand(3);
    int64_t rankA = Expansion::rank(a), rankB = Expansion::rank(b);
    Value sum =
        e("MatMul",
          {centred(e, a, e.operand(2), std::max<int64_t>(rankA - 2, 0)),
           centred(e, b, e.operand(5), std::max<int64_t>(rankB - 1, 0))});
    Value scaleA =
        along(e, e.operand(1), std::max<int64_t>(rankA - 2, 0), rankA);
    return {requantize(e, sum, scaleA, e.operand(4), e.operand(6), e.operand(7),
                       std::max<int64_t>(Expansion::rank(sum) - 1, 0))};
  };
  table["QLinearConv"] = [](Expansion &e) -> SmallVector<Value> {
    Value sum =
        convolve(e, e.operand(0), e.operand(2), e.operand(3), e.operand(5));
    if (Value bias = e.operand(8)) {
      SmallVector<Extent> shape(Expansion::rank(sum), int64_t(1));
      if (shape.size() > 1)
        shape[1] = e.extent(bias, 0);
      sum = e.add(sum, e.reshape(bias, shape));
    }
    return {requantize(e, sum, e.operand(1), e.operand(4), e.operand(6),
                       e.operand(7), 1)};
  };
  // y_scale = (max(0, max x) - min(0, min x)) / 255. All zeros have the scale
  // 1: the specification's formula would divide 0 by 0.
  table["DynamicQuantizeLinear"] = [](Expansion &e) -> SmallVector<Value> {
    Value x = e.operand(0), zero = e.scalar(0, x), most = e.scalar(255, x);
    SmallVector<Attr> toScalar = {{"keepdims", int64_t(0)}};
    Value least = e("Min", {e("ReduceMin", {x}, toScalar), zero}),
          range = e.sub(e("Max", {e("ReduceMax", {x}, toScalar), zero}), least);
    Value scale = e("Where", {e("Equal", {range, zero}), e.scalar(1, x),
                              e.div(range, most)});
    Value point = e.cast(
        e("Round", {e("Clip", {e.sub(zero, e.div(least, scale)), zero, most})}),
        TensorProto::UINT8);
    return {e("QuantizeLinear", {x, scale, point}), scale, point};
  };
}

} // namespace burnish::onnx_import
