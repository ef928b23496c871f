"""special_values.py - NaN, infinities and denormals in random places, beside ONNX Runtime or, where that depends on places, numpy.

    special_values.py BURNISH FOLDER

What each operator makes of NaN, and where ONNX Runtime does otherwise, is in ir/README.md.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SPECIAL = np.array([np.nan, np.inf, -np.inf, 1e-42, -1e-41, 0.0, -0.0], np.float32)
BESIDE_ORT = ("Max", "Min", "Relu", "Clip", "Softmax", "LogSoftmax", "LayerNormalization")
SHAPE = (64, 37)


def windows(a):
    return np.lib.stride_tricks.sliding_window_view(a, (3, 3)).max(axis=(2, 3))[None, None]


burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
numbers = np.random.default_rng(1)
inputs = {name: numbers.standard_normal(SHAPE).astype(np.float32) for name in "ab"}
for array in inputs.values():
    for value in SPECIAL:
        array.flat[numbers.integers(0, array.size, 10)] = value
a = inputs["a"]
node = helper.make_node
nodes = [
    node("Max", ["a", "b"], ["Max"]),
    node("Min", ["a", "b"], ["Min"]),
    node("Relu", ["a"], ["Relu"]),
    node("Clip", ["a", "low", "high"], ["Clip"]),
    node("Softmax", ["a"], ["Softmax"]),
    node("LogSoftmax", ["a"], ["LogSoftmax"]),
    node("LayerNormalization", ["a", "scale"], ["LayerNormalization"]),
    node("ReduceMax", ["a", "last"], ["ReduceMax"]),
    node("ReduceMin", ["a", "first"], ["ReduceMin"]),
    node("ArgMax", ["a"], ["ArgMax"], axis=1),
    node("ArgMin", ["a"], ["ArgMin"], axis=0),
    node("Reshape", ["a", "image"], ["plane"]),
    node("MaxPool", ["plane"], ["MaxPool"], kernel_shape=[3, 3]),
]
constants = {
    "low": np.float32(-1),
    "high": np.float32(1),
    "scale": np.ones(SHAPE[1], np.float32),
    "last": np.array([1]),
    "first": np.array([0]),
    "image": np.array([1, 1, *SHAPE]),
}
expected = {
    "ReduceMax": a.max(1, keepdims=True),
    "ReduceMin": a.min(0, keepdims=True),
    "ArgMax": a.argmax(1)[:, None],
    "ArgMin": a.argmin(0)[None],
    "MaxPool": windows(a),
}
info = helper.make_tensor_value_info
results = [*BESIDE_ORT, *expected]
graph = helper.make_graph(
    nodes,
    "special",
    [info(name, TensorProto.FLOAT, SHAPE) for name in inputs],
    [info(name, TensorProto.INT64 if name.startswith("Arg") else TensorProto.FLOAT, expected[name].shape if name in expected else SHAPE) for name in results],
    [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
onnx.save(model, folder / "special.onnx")
np.savez(folder / "in.npz", **inputs)
expected |= zip(BESIDE_ORT, onnxruntime.InferenceSession(model.SerializeToString()).run(list(BESIDE_ORT), inputs))
failed = False
for level in ("-O0", "-O2"):
    subprocess.run([burnish, "run", folder / "special.onnx", folder / "in.npz", level, "-o", folder / "out.npz"], check=True)
    given = np.load(folder / "out.npz")
    for name in results:
        is_right = np.isclose(given[name], expected[name], rtol=1e-5, atol=1e-6 if name == "LayerNormalization" else 1e-45, equal_nan=True)
        if not is_right.all():
            place = tuple(np.argwhere(~is_right)[0])
            print(f"{level} {name}: {given[name][place]} at {place}, not {expected[name][place]}")
            failed = True
sys.exit(failed)
