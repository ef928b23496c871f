"""gradient.py - the mean squared error of a linear layer: net.onnx, w.npy, in.npz."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)
w = rng.standard_normal((3, 2)).astype("f4")
np.save("w.npy", w)
np.savez("in.npz", x=rng.standard_normal((4, 3)).astype("f4"), t=rng.standard_normal((4, 2)).astype("f4"))
nodes = [
    helper.make_node("MatMul", ["x", "w"], ["y"]),
    helper.make_node("Sub", ["y", "t"], ["e"]),
    helper.make_node("Mul", ["e", "e"], ["s"]),
    helper.make_node("ReduceMean", ["s"], ["loss"], keepdims=0),
]
ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [4, 3]), ("t", [4, 2]))]
results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("y", [4, 2]), ("loss", []))]
graph = helper.make_graph(nodes, "net", ports, results, [numpy_helper.from_array(w, "w")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), "net.onnx")
