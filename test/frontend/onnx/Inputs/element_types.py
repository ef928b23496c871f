"""element_types.py - types and versions that few models have, with the results numpy gives: element_types.py FOLDER"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
numbers = np.random.default_rng(1)


def case(name, op, inputs, outputs, opset=21, domain="", constant=(), **attributes):
    names = ["" if array is None else f"x{i}" for i, array in enumerate(inputs)]
    given = {n: a for i, (n, a) in enumerate(zip(names, inputs)) if n and i not in constant}
    node = helper.make_node(op, names, [f"y{i}" for i in range(len(outputs))], domain=domain, **attributes)
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in given.items()]
    results = [helper.make_tensor_value_info(f"y{i}", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for i, a in enumerate(outputs)]
    graph = helper.make_graph([node], "g", infos, results, [numpy_helper.from_array(inputs[i], f"x{i}") for i in constant])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.preview.training", 1)]
    data = folder / name / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / name / "model.onnx")
    for kind, arrays in (("input", given.values()), ("output", outputs)):
        for i, array in enumerate(arrays):
            (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())


# Products of bytes are bytes again.
a, b = numbers.integers(0, 200, (3, 5)).astype(np.uint8), numbers.integers(0, 200, (5, 2)).astype(np.uint8)
case("einsum", "Einsum", [a, b], [a @ b], equation="ij,jk->ik")
# What is between two integers goes towards zero.
x = np.array([-9, -1, 0, 2, 20], np.int32)
case("shrink", "Shrink", [x], [np.array([-7, 0, 0, 0, 18], np.int32)], lambd=3.0, bias=1.5)
# The scale says what the result is.
x, scale = numbers.standard_normal((2, 7)).astype(np.float16), numbers.standard_normal(7).astype(np.float32)
wide = x.astype(np.float32)
normal = (wide / np.sqrt(np.mean(wide * wide, -1, keepdims=True) + np.float32(1e-5))).astype(np.float16)
case("rms", "RMSNormalization", [x, scale], [normal.astype(np.float32) * scale], opset=23)
# Roots and logarithms of integers.
x, axes = numbers.integers(1, 9, (3, 5)).astype(np.int32), np.array([1])
wide = x.astype(np.float64)
case("l2", "ReduceL2", [x, axes], [np.sqrt((wide**2).sum(1)).astype(np.int32)], constant=[1], keepdims=0)
case("log_sum", "ReduceLogSum", [x, axes], [np.log(wide.sum(1)).astype(np.int32)], constant=[1], keepdims=0)
case("log_sum_exp", "ReduceLogSumExp", [x, axes], [np.log(np.exp(wide).sum(1)).astype(np.int32)], constant=[1], keepdims=0)
# The rate need not have the type of what it changes.
rate, x, g, h = np.float32(0.1), *numbers.standard_normal((2, 4)), np.abs(numbers.standard_normal(4))
squares = h + g * g
training = {"domain": "ai.onnx.preview.training", "opset": 21}
case("adagrad", "Adagrad", [np.array(rate), np.array(0), x, g, h], [x - np.float64(rate) * g / (np.sqrt(squares) + np.float64(np.float32(1e-6))), squares], **training)
velocity = np.float64(np.float32(0.9)) * h + g
case("momentum", "Momentum", [np.array(rate), np.array(0), x, g, h], [x - np.float64(rate) * velocity, velocity],
     alpha=0.9, beta=0.5, mode="standard", norm_coefficient=0.0, **training)  # fmt: skip
# Squares of halves leave their range, and variances of small ones their precision.
for name, size in (("large", 600.0), ("small", 0.01)):
    x = (size * numbers.standard_normal((1, 2, 3, 5))).astype(np.float16)
    wide = x.astype(np.float32)
    axes = (2, 3)
    centred = wide - wide.mean(axes, keepdims=True)
    variance = np.mean(centred**2, axes, keepdims=True)
    y = (centred / np.sqrt(variance + np.float32(1e-5))).astype(np.float16)
    one = np.array([1, 1], np.float16)
    case(f"instance_{name}", "InstanceNormalization", [x, one, one * 0], [y])
    case(f"mean_{name}", "MeanVarianceNormalization", [x], [(centred / (np.sqrt(variance) + 1e-9)).astype(np.float16)], opset=13, axes=axes)
# Constants whose sums and comparisons are followed when compiling have the range of their types.
great = np.array([2**63 + 5, 3], np.uint64)
case("unsigned", "GreaterOrEqual", [great, great[::-1].copy()], [np.array([True, False])], constant=[0, 1])
case("wrapped", "Add", [np.array([100, 3], np.int8), np.array([100, 4], np.int8)], [np.array([-56, 7], np.int8)], constant=[0, 1])
# None is the greatest of none.
case("hardmax", "Hardmax", [np.zeros((0, 3), np.float32)], [np.zeros((0, 3), np.float32)], axis=0)
# Before opset 11: the element after along axes that shrink, the one before along others.
x = numbers.standard_normal((1, 1, 5, 3)).astype(np.float32)
case("resize", "Resize", [x, np.array([1, 1, 0.6, 2], np.float32)], [x[:, :, [0, 2, 4]][..., [0, 0, 1, 1, 2, 2]]], opset=10, constant=[1])
