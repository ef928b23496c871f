// FusedQuantized.cpp - operators of com.microsoft on quantized values, by what
// they mean.
#include "frontend/onnx/expand/Quantized.h"

using namespace llvm;
using mlir::Value;
using onnx::TensorProto;

namespace burnish::onnx_import {

static Value real(Expansion &e, unsigned value, unsigned scale,
                  unsigned zeroPoint) {
  return e("DequantizeLinear",
           {e.operand(value), e.operand(scale), e.operand(zeroPoint)});
}

static SmallVector<Value> quantized(Expansion &e, Value value, unsigned scale,
                                    unsigned zeroPoint) {
  return {e("QuantizeLinear", {value, e.operand(scale), e.operand(zeroPoint)})};
}

Value scaledProduct(Expansion &e, Value a, Value b, Value zeroA, Value zeroB,
                    Value scaleA, Value scaleB, Value bias) {
  Value sum = e("MatMulInteger", {a, b, zeroA, zeroB});
  Value y =
      e.mul(e.cast(sum, Expansion::onnxType(scaleA)), e.mul(scaleA, scaleB));
  return bias ? e.add(y, bias) : y;
}

static SmallVector<Value> dynamicMatMul(Expansion &e) {
  SmallVector<Value> a = e.many(3, "DynamicQuantizeLinear", e.operand(0));
  return {scaledProduct(e, a[0], e.operand(1), a[2], e.operand(3), a[1],
                        e.operand(2), e.operand(4))};
}

static SmallVector<Value> gemm(Expansion &e) {
  Value a = e.operand(0), b = e.operand(3), c = e.operand(6);
  if (Expansion::rank(a) != 2 || Expansion::rank(b) != 2)
    return e.refuse("A has rank " + Twine(Expansion::rank(a)) +
                    " and B has rank " + Twine(Expansion::rank(b)) +
                    ", and both should be matrices");
  if (e.intAttr("transA", 0))
    a = e.transpose(a, {1, 0});
  if (e.intAttr("transB", 0))
    b = e.transpose(b, {1, 0});
  Value sum = e("MatMulInteger", {a, b, e.operand(2), e.operand(5)});
  if (c)
    sum = e.add(sum, c);
  Value scale = e.mul(e.operand(1), e.operand(4));
  float alpha = e.floatAttr("alpha", 1);
  if (alpha != 1)
    scale = e.mul(scale, e.scalar(alpha, scale));
  Value y = e.mul(e.cast(sum, Expansion::onnxType(scale)), scale);
  return e.operand(7) ? quantized(e, y, 7, 8) : SmallVector<Value>{y};
}

Value unpacked(Expansion &e, Value bytes, int64_t bits) {
  if (Expansion::rank(bytes) == 0)
    return e.poison();
  SmallVector<Value> fields;
  SmallVector<Extent> shape = e.extents(bytes), whole = shape;
  shape.push_back(int64_t(1));
  for (int64_t shift = 0; shift < 8; shift += bits) {
    Value field = bytes;
    if (shift > 0)
      field = e("BitShift", {field, e.scalar(shift, bytes)},
                {{"direction", std::string("RIGHT")}});
    if (bits < 8)
      field = e("BitwiseAnd", {field, e.scalar((1 << bits) - 1, bytes)});
    fields.push_back(e.reshape(field, shape));
  }
  whole.back() = e.product({whole.back(), 8 / bits});
  return e.reshape(e.concat(fields, -1), whole);
}

// Weights of 2, 4 or 8 bits in blocks along K, each with a scale and a zero
// point.
static SmallVector<Value> matMulBits(Expansion &e) {
  Value a = e.operand(0), b = e.operand(1), scales = e.operand(2),
        zeros = e.operand(3);
  int64_t n = e.intAttr("N", 0), k = e.intAttr("K", 0),
          bits = e.intAttr("bits", 4), block = e.intAttr("block_size", 0);
  if ((bits != 2 && bits != 4 && bits != 8) || block < 16 || n < 1 || k < 1 ||
      n > INT32_MAX || k > INT32_MAX || block > INT32_MAX)
    return e.refuse("bits " + Twine(bits) + ", block_size " + Twine(block) +
                    ", N " + Twine(n) + " and K " + Twine(k));
  if (e.operand(4))
    return e.refuse("weights in another order (g_idx) are not supported");
  if (e.intAttr("weight_prepacked", 0))
    return e.refuse("weights that are packed for one machine");
  int64_t blocks = divideCeil(k, block), perByte = 8 / bits,
          type = Expansion::onnxType(a),
          blockBytes = divideCeil(block, perByte);
  SmallVector<Extent> byBlock{n, blocks, int64_t(1)};
  Value zero;
  if (!zeros) {
    zero = e.scalar(1 << (bits - 1), a);
  } else if (Expansion::onnxType(zeros) == TensorProto::UINT8) {
    int64_t bytes = divideCeil(blocks, perByte);
    zero = e.slice(unpacked(e, e.reshape(zeros, {n, bytes}), bits), 1,
                   int64_t(0), blocks);
    zero = e.cast(e.reshape(zero, byBlock), type);
  } else {
    zero = e.cast(e.reshape(zeros, byBlock), type);
  }
  Value weights = unpacked(e, e.reshape(b, {n, blocks, blockBytes}), bits);
  weights = e.mul(e.sub(e.cast(weights, type), zero),
                  e.cast(e.reshape(scales, byBlock), type));
  weights = e.slice(e.reshape(weights, {n, blocks * block}), 1, int64_t(0), k);
  Value y = e("MatMul", {a, e.transpose(weights, {1, 0})});
  return {e.operand(5) ? e.add(y, e.operand(5)) : y};
}

// Softmax over one axis, or, before opset 13, all from one on together.
static SmallVector<Value> softmax(Expansion &e) {
  Value x = real(e, 0, 1, 2);
  bool isOne = e.intAttr("opset", 13) >= 13;
  std::optional<int64_t> axis =
      e.axis(e.intAttr("axis", isOne ? -1 : 1), Expansion::rank(x));
  if (!axis)
    return {e.poison()};
  Value y =
      isOne ? e("Softmax", x, {{"axis", *axis}}) : e.softmaxFrom(x, *axis);
  return quantized(e, y, 3, 4);
}

static SmallVector<Value> averagePool(Expansion &e, bool isGlobal) {
  SmallVector<Attr> attributes;
  if (!isGlobal) {
    for (StringRef name : {"kernel_shape", "pads", "strides"})
      if (std::optional<SmallVector<int64_t>> values =
              intsAttribute(e.node, name))
        attributes.push_back({name, *values});
    for (StringRef name : {"ceil_mode", "count_include_pad"})
      attributes.push_back({name, e.intAttr(name, 0)});
    attributes.push_back({"auto_pad", e.stringAttr("auto_pad", "NOTSET")});
  }
  Value y = e.withChannelsFirst(
      real(e, 0, 1, 2), e.intAttr("channels_last", 0), [&](Value x) {
        return e(isGlobal ? "GlobalAveragePool" : "AveragePool", x, attributes);
      });
  return quantized(e, y, 3, 4);
}

static SmallVector<Value> conv(Expansion &e) {
  return {e.withChannelsFirst(e.operand(0), e.intAttr("channels_last", 0),
                              [&](Value x) {
                                SmallVector<Value> operands(e.operands);
                                operands[0] = x;
                                return e("QLinearConv", operands, e.window());
                              })};
}

static SmallVector<Value> concat(Expansion &e) {
  SmallVector<Value> parts;
  if (e.operands.size() < 5 || e.operands.size() % 3 != 2)
    return e.refuse(Twine(e.operands.size()) +
                    " inputs, which should be two and then three for each "
                    "value");
  for (unsigned first = 2; first < e.operands.size(); first += 3)
    parts.push_back(real(e, first, first + 1, first + 2));
  return quantized(e, e.concat(parts, e.intAttr("axis", 0)), 0, 1);
}

void addFusedQuantized(ExpandTable &table) {
  auto contrib = [&](StringRef name) -> ExpandFunction & {
    return table[("com.microsoft." + name).str()];
  };
  for (StringRef name : {"DequantizeLinear", "QuantizeLinear"})
    contrib(name) = [](Expansion &e) -> SmallVector<Value> {
      return {
          e(e.node.op_type(), e.operands, {{"axis", e.intAttr("axis", 1)}})};
    };
  contrib("DynamicQuantizeMatMul") = dynamicMatMul;
  contrib("MatMulIntegerToFloat") = [](Expansion &e) -> SmallVector<Value> {
    return {scaledProduct(e, e.operand(0), e.operand(1), e.operand(4),
                          e.operand(5), e.operand(2), e.operand(3),
                          e.operand(6))};
  };
  contrib("MatMulNBits") = matMulBits;
  contrib("QGemm") = gemm;
  contrib("QLinearAdd") = [](Expansion &e) {
    return quantized(e, e.add(real(e, 0, 1, 2), real(e, 3, 4, 5)), 6, 7);
  };
  contrib("QLinearMul") = [](Expansion &e) {
    return quantized(e, e.mul(real(e, 0, 1, 2), real(e, 3, 4, 5)), 6, 7);
  };
  contrib("QLinearAveragePool") = [](Expansion &e) {
    return averagePool(e, /*isGlobal=*/false);
  };
  contrib("QLinearGlobalAveragePool") = [](Expansion &e) {
    return averagePool(e, /*isGlobal=*/true);
  };
  contrib("QLinearConcat") = concat;
  contrib("QLinearConv") = conv;
  contrib("QLinearLeakyRelu") = [](Expansion &e) {
    Value y = e("LeakyRelu", real(e, 0, 1, 2),
                {{"alpha", e.floatAttr("alpha", 0.01f)}});
    return quantized(e, y, 3, 4);
  };
  contrib("QLinearReduceMean") = [](Expansion &e) -> SmallVector<Value> {
    Value y =
        e.reduce("ReduceMean", real(e, 0, 1, 2), *intsAttribute(e.node, "axes"),
                 e.intAttr("keepdims", 1));
    return quantized(e, y, 3, 4);
  };
  contrib("QLinearSigmoid") = [](Expansion &e) {
    return quantized(e, e("Sigmoid", real(e, 0, 1, 2)), 3, 4);
  };
  contrib("QLinearSoftmax") = softmax;
  contrib("QLinearWhere") = [](Expansion &e) {
    return quantized(
        e, e("Where", {e.operand(0), real(e, 1, 2, 3), real(e, 4, 5, 6)}), 7,
        8);
  };
}

} // namespace burnish::onnx_import
