"""invalid_models.py - models that recipes do not fit, and a file of weights."""

import numpy as np
from models import TensorProto, helper, mlp, model, write

ONES = {"w": np.ones((2, 3), "f4")}


def product(path, shape, weights):
    node = helper.make_node("MatMul", ["a", *weights], ["b"])
    model(path, [node], [("a", shape)], [("b", [*shape[:-1], 3])], weights)


whole = ["N", 2], TensorProto.INT64
mlp(np.random.default_rng(3))
product("open.onnx", ["N", "T", 2], ONES)
product("fixed.onnx", [4, 2], ONES)
product("named.onnx", ["N", 2], {"key": ONES["w"]})
product("nan.onnx", ["N", 2], ONES)
model("whole.onnx", [helper.make_node("Add", ["a", "b"], ["c"])], [("a", *whole), ("b", *whole)], [("c", *whole)], {})
np.savez("huge.npz", x=np.full((8, 2), 3e38, "f4"), y=np.zeros((8, 3), "f4"))
write("key.safetensors", {"fc1.weigth": np.ones((6, 16), "f4")})
write("shape.safetensors", {"fc1.weight": np.ones((16, 6), "f4")})
