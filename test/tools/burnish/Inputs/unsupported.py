"""unsupported.py OUT - a model with two nodes that no compiler knows."""

import sys

import onnx
from onnx import TensorProto, helper

info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])
nodes = [
    helper.make_node("NoSuchOperator", ["x"], ["a"], name="first"),
    helper.make_node("Strange", ["x"], ["b"], name="second", domain="com.example"),
    helper.make_node("Add", ["a", "b"], ["y"], name="third"),
]
opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.example", 1)]
onnx.save(helper.make_model(helper.make_graph(nodes, "g", [info("x")], [info("y")]), opset_imports=opsets), sys.argv[1])
