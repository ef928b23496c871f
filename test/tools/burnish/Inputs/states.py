"""states.py - models with states and what they give over steps: cell.onnx (a state of fixed size), cache.onnx (one that grows), vary.onnx (one whose
batch only run time knows); NAME.npz has steps along the first axis, NAME.expected.npz what numpy computes.

usage: states.py DIR
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(3)
kSteps = 5


def save(name, nodes, inputs, outputs, constants):
    ports = [[helper.make_tensor_value_info(port, TensorProto.FLOAT, shape) for port, shape in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, name, *ports, [numpy_helper.from_array(array, key) for key, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), f"{folder}/{name}.onnx")


w, u = (random.normal(size=shape).astype("f4") for shape in ((3, 4), (4, 4)))
step = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("MatMul", ["h", "u"], ["b"]), helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Tanh", ["c"], ["next"]), helper.make_node("Sub", ["next", "h"], ["y"])]
for name, batch in ("cell", 2), ("vary", "batch"):
    save(name, step, {"x": (batch, 3), "h": (batch, 4)}, {"y": (batch, 4), "next": (batch, 4)}, {"w": w, "u": u})
    x = random.normal(size=(kSteps, 2, 3)).astype("f4")
    h, ys = np.zeros((2, 4), "f4"), []
    for each in x:
        after = np.tanh(each @ w + h @ u)
        ys.append(after - h)
        h = after
    np.savez(f"{folder}/{name}.npz", x=x)
    np.savez(f"{folder}/{name}.expected.npz", y=np.array(ys), next=h)

save("cache", [helper.make_node("Concat", ["past.0.key", "x"], ["present.0.key"], axis=1), helper.make_node("ReduceSum", ["present.0.key", "axes"], ["sum"], keepdims=0)],
     {"x": (1, 1, 3), "past.0.key": (1, "past", 3)}, {"sum": (1, 3), "present.0.key": (1, "total", 3)}, {"axes": np.array([1])})
x = random.normal(size=(kSteps, 1, 1, 3)).astype("f4")
np.savez(f"{folder}/cache.npz", x=x)
np.savez(f"{folder}/cache.expected.npz", **{"sum": x.cumsum(0)[:, :, 0], "present.0.key": x[:, 0, 0][None]})
