"""many_outputs.py - a model of 200 outputs whose rows only the run knows.

usage: many_outputs.py FILE
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

names = [f"y{i}" for i in range(200)]
nodes = [helper.make_node("Add", ["x", f"c{i}"], [name]) for i, name in enumerate(names)]
constants = [numpy_helper.from_array(np.full([1], i, np.float32), f"c{i}") for i in range(len(names))]
info = helper.make_tensor_value_info
graph = helper.make_graph(nodes, "many", [info("x", TensorProto.FLOAT, ["n", 4])], [info(name, TensorProto.FLOAT, ["n", 4]) for name in names], constants)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), sys.argv[1])
