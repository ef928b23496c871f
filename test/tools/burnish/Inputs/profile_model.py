"""profile_model.py - writes a model of a product, a softmax and two 3x3 convolutions.

usage: profile_model.py MODEL.onnx
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)


def weights(name, *shape):
    return numpy_helper.from_array(random.standard_normal(shape).astype(np.float32) / 8, name)


nodes = [
    helper.make_node("MatMul", ["x", "w"], ["h"], name="dense"),
    helper.make_node("Softmax", ["h"], ["y"], name="scores"),
    helper.make_node("Conv", ["image", "k"], ["c"], name="first", pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["c"], ["r"], name="positive"),
    helper.make_node("Conv", ["r", "l"], ["z"], name="second", pads=[1, 1, 1, 1]),
]
graph = helper.make_graph(
    nodes,
    "profile",
    [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [64, 96]),
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 32, 28, 28]),
    ],
    [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, 128]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 48, 28, 28]),
    ],
    [weights("w", 96, 128), weights("k", 48, 32, 3, 3), weights("l", 48, 48, 3, 3)],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), sys.argv[1])
