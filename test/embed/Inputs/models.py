"""models.py - writes small models and what they must give: DIR/mlp.onnx, affine.onnx, rows.onnx, expected.h.

usage: models.py DIR
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(7)


def save(name, nodes, inputs, outputs, constants):
    ports = [[helper.make_tensor_value_info(port, TensorProto.FLOAT, shape) for port, shape in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, name, *ports, [numpy_helper.from_array(array, key) for key, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), f"{folder}/{name}.onnx")


def number(*shape):
    return random.normal(size=shape).astype("f4")


# Two layers, with sizes that no vector divides.
w1, b1, w2, b2 = number(11, 37), number(37), number(37, 5), number(5)
save("mlp", [helper.make_node("Gemm", ["input", "w1", "b1"], ["a"]), helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Gemm", ["b", "w2", "b2"], ["scores"])],
     {"input": (3, 11)}, {"scores": (3, 5)}, {"w1": w1, "b1": b1, "w2": w2, "b2": b2})
# Another model beside it.
scale = number(3, 5)
save("affine", [helper.make_node("Mul", ["x", "scale"], ["y"])], {"x": (3, 5)}, {"y": (3, 5)}, {"scale": scale})
# A shape that the caller chooses.
save("rows", [helper.make_node("Exp", ["x"], ["e"]), helper.make_node("ReduceSum", ["e", "axes"], ["sums"], keepdims=0)],
     {"x": ("batch", 4)}, {"sums": ("batch",)}, {"axes": np.array([1])})

x = number(3, 11)
scores = np.maximum(x.astype("f8") @ w1 + b1, 0) @ w2 + b2
rows = number(6, 4)
with open(f"{folder}/expected.h", "w") as file:
    for name, array in {"mlp_input": x, "mlp_scores": scores, "affine_y": scores * scale, "rows_x": rows, "rows_sums": np.exp(rows.astype("f8")).sum(1)}.items():
        values = ", ".join(f"{value:.9e}f" for value in array.ravel())
        file.write(f"static const float {name}[{array.size}] = {{{values}}};\n")
