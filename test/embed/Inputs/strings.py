"""strings.py - writes greet.onnx, which joins strings and compares them, and plain.onnx, which has none.

usage: strings.py DIR
"""

import sys

import onnx
from onnx import TensorProto, helper

folder = sys.argv[1]


def save(name, nodes, inputs, outputs, constants=()):
    ports = [[helper.make_tensor_value_info(port, kind, [2]) for port, kind in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, name, *ports, list(constants))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), f"{folder}/{name}.onnx")


text = lambda name, value: helper.make_tensor(name, TensorProto.STRING, [1], [value])
save("greet", [helper.make_node("StringConcat", ["hello", "name"], ["greeted"]), helper.make_node("Equal", ["name", "ada"], ["known"])],
     {"name": TensorProto.STRING}, {"greeted": TensorProto.STRING, "known": TensorProto.BOOL}, [text("hello", b"hello "), text("ada", b"Ada")])
save("plain", [helper.make_node("Exp", ["x"], ["y"])], {"x": TensorProto.FLOAT}, {"y": TensorProto.FLOAT})
