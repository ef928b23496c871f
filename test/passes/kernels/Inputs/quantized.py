"""quantized.py - one model of many products of quantized numbers, its inputs, and what ONNX's reference evaluator makes of it.

quantized.py make    writes quantized.onnx, in.npz, expected.npz
quantized.py check A compares A with expected.npz: what is quantized to one step, other integers exactly
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(1)
nodes, inputs, constants, outputs = [], {}, {}, []


def given(value):
    inputs[f"x{len(inputs)}"] = value
    return f"x{len(inputs) - 1}"


def constant(value):
    constants[f"c{len(constants)}"] = value
    return f"c{len(constants) - 1}"


def node(op, *operands, results=1, **attributes):
    names = [f"t{len(nodes)}.{index}" for index in range(results)]
    nodes.append(helper.make_node(op, operands, names, **attributes))
    return names[0] if results == 1 else names


def integers(type, *shape):
    info = np.iinfo(type)
    return rng.integers(info.min, info.max, shape, endpoint=True).astype(type)


def scale(value):
    return constant(np.float32(value))


def dequantized(bytes, factor, zero):
    return node("DequantizeLinear", bytes, scale(factor), constant(zero))


def weights(type, *shape, axis=0, zero=0):
    """Dequantized by channel."""
    channels = shape[axis]
    factors = (rng.random(channels) + 0.5).astype(np.float32) / 100
    return node("DequantizeLinear", constant(integers(type, *shape)), constant(factors), constant(np.full(channels, zero, type)), axis=axis)


def quantized(x, factor, zero):
    outputs.append(node("QuantizeLinear", x, scale(factor), constant(zero)))


def convolutions():
    for x, zero, w, w_zero, attributes in [
        ((1, 3, 9, 11), np.uint8(128), (5, 3, 3, 3), 0, dict(pads=[1] * 4)),  # channels are filled up
        ((2, 16, 14, 13), np.uint8(0), (24, 16, 3, 3), 0, dict(pads=[1] * 4, strides=[2, 2])),
        ((1, 64, 7, 7), np.uint8(7), (70, 64, 1, 1), 0, {}),
        ((1, 36, 6, 5), np.uint8(200), (33, 36, 3, 3), 0, dict(pads=[0, 1, 2, 3], dilations=[1, 2])),
        ((1, 12, 19, 37), np.uint8(3), (12, 1, 3, 3), 0, dict(pads=[1] * 4, group=12)),
        ((1, 16, 12, 12), np.uint8(3), (32, 4, 3, 3), 0, dict(pads=[2] * 4, group=4)),
        ((1, 8, 6, 7), np.int8(-5), (16, 8, 3, 3), 0, dict(pads=[1] * 4)),
        ((1, 8, 6, 7), np.uint8(5), (16, 8, 3, 3), 128, dict(pads=[1] * 4)),
        ((1, 8, 6, 7), np.uint8(5), (16, 8, 3, 3), 120, {}),  # stays in floats
        ((1, 8, 6, 7), np.uint8(0), (16, 8, 3, 3), 0, dict(auto_pad="SAME_UPPER")),
    ]:
        image = dequantized(given(integers(zero.dtype, *x)), 0.02, zero)
        bias = constant(rng.standard_normal(w[0]).astype(np.float32))
        y = node("Conv", image, weights(np.uint8 if w_zero else np.int8, *w, zero=w_zero), bias, **attributes)
        quantized(y, 0.1 * np.sqrt(np.prod(w[1:])) / 5, np.uint8(100))
        outputs.append(node("Relu", y))


def products():
    for rows, columns, depth in [(1, 7, 8), (1, 100, 36), (15, 33, 17), (37, 51, 64), (60, 530, 32)]:
        x = dequantized(given(integers(np.uint8, rows, depth)), 0.02, np.uint8(120))
        quantized(node("MatMul", x, weights(np.int8, depth, columns, axis=1)), 0.2, np.int8(3))
        transposed = node("Gemm", x, weights(np.int8, columns, depth), constant(rng.standard_normal(columns).astype(np.float32)), transB=1)
        quantized(transposed, 0.2, np.uint8(130))


def exact():
    for rows, columns, depth in [(5, 20, 64), (9, 33, 12)]:
        for left, right in [(np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8)]:
            a, b = integers(left, 2, rows, depth), integers(right, depth, columns)
            zeros = given(left(9)), constant(right(11))
            outputs.append(node("MatMulInteger", given(a), constant(b), *zeros))
            outputs.append(node("MatMulInteger", given(a), constant(b)))
            outputs.append(node("MatMulInteger", given(a), given(b), *zeros))
    image, taps = given(integers(np.uint8, 1, 8, 7, 6)), constant(integers(np.uint8, 12, 8, 3, 3))
    outputs.append(node("ConvInteger", image, taps, constant(np.uint8(4)), constant(np.uint8(128)), pads=[1] * 4))
    outputs.append(node("ConvInteger", image, taps, pads=[1] * 4))


def extremes():
    """Pairs of products that 16 bits do not hold, anywhere in a word and in any lane, and none at all."""
    for rows, columns, depth in [(13, 24, 8), (7, 41, 36), (1, 9, 64)]:
        for few in [rng.choice([-128, 0, 0, 0, 127], (depth, columns)), rng.choice([-128, 127], (depth, columns)), rng.integers(-64, 65, (depth, columns))]:
            a = rng.choice([250, 255], (rows, depth)).astype(np.uint8)
            outputs.append(node("MatMulInteger", given(a), constant(few.astype(np.int8))))
    taps = rng.choice([-128, -3, 0, 5, 127], (20, 12, 3, 3)).astype(np.int8)
    image = given(np.full((1, 12, 9, 8), 255, np.uint8))
    outputs.append(node("ConvInteger", image, constant(taps), pads=[1] * 4, strides=[2, 1]))


def operators():
    image, taps = given(integers(np.uint8, 1, 8, 7, 6)), constant(integers(np.int8, 12, 8, 3, 3))
    factors = constant((rng.random(12) / 50).astype(np.float32))
    zeros, bias = constant(np.zeros(12, np.int8)), constant(rng.integers(-9999, 9999, 12).astype(np.int32))
    outputs.append(
        node("QLinearConv", image, scale(0.02), constant(np.uint8(77)), taps, factors, zeros, scale(0.3), constant(np.uint8(90)), bias, pads=[1] * 4)
    )
    # What dynamic quantization makes: floats go in and come out.
    x = given(rng.standard_normal((33, 64)).astype(np.float32))
    bytes, factor, zero = node("DynamicQuantizeLinear", x, results=3)
    sums = node("MatMulInteger", bytes, constant(integers(np.int8, 64, 40)), zero, constant(np.int8(0)))
    real = node("Mul", node("Cast", sums, to=TensorProto.FLOAT), node("Mul", factor, scale(0.01)))
    outputs.append(node("Add", real, constant(rng.standard_normal(40).astype(np.float32))))


def pools():
    zero, factor = constant(np.uint8(4)), scale(0.3)
    x = node("DequantizeLinear", given(integers(np.uint8, 1, 12, 9, 10)), factor, zero)
    pooled = node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    outputs.append(node("QuantizeLinear", pooled, factor, zero))


def make():
    convolutions()
    products()
    exact()
    extremes()
    operators()
    pools()
    types = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape) for name, value in inputs.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "quantized", types, results, weights), opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    expected = dict(zip(outputs, ReferenceEvaluator(model).run(None, inputs)))
    for result in model.graph.output:
        result.CopyFrom(helper.make_tensor_value_info(result.name, helper.np_dtype_to_tensor_dtype(expected[result.name].dtype), None))
    onnx.save(model, "quantized.onnx")
    np.savez("in.npz", **inputs)
    np.savez("expected.npz", **expected)


def check(file):
    got, expected = np.load(file), np.load("expected.npz")
    for name in expected.files:
        a, b = got[name], expected[name]
        bound = 1 if b.dtype.itemsize == 1 else 0 if b.dtype == np.int32 else 3e-6 * np.abs(b).max()
        error = np.abs(a.astype(np.float64) - b).max()
        if a.shape != b.shape or a.dtype != b.dtype or not error <= bound:
            sys.exit(f"{name}: {a.dtype} {a.shape} for {b.dtype} {b.shape}, error {error}")


{"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
