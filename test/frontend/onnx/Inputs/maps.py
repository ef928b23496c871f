"""maps.py - DictVectorizer and CastMap beside ONNX Runtime, whose maps are dicts; here they are keys and values in any order.

    maps.py FOLDER
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
onnxruntime.set_default_logger_severity(4)
numbers = np.random.default_rng(5)
TYPES = {T.STRING: str, T.FLOAT: np.float32, T.INT64: np.int64}


def model(op, key, value, result, **attributes):
    info = onnx.ValueInfoProto(name="X")
    info.type.map_type.key_type = key
    info.type.map_type.value_type.tensor_type.elem_type = value
    info.type.map_type.value_type.tensor_type.shape.SetInParent()
    node = helper.make_node(op, ["X"], ["Y"], domain="ai.onnx.ml", **attributes)
    graph = helper.make_graph([node], "g", [info], [helper.make_tensor_value_info("Y", result, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=10)


CASES = [
    ("words", model("DictVectorizer", T.STRING, T.FLOAT, T.FLOAT, string_vocabulary=["a", "c", "é", "zz"]), ["a", "q", "zz", "é", ""]),
    ("twice", model("DictVectorizer", T.INT64, T.FLOAT, T.FLOAT, int64_vocabulary=[5, 7, -2, 5, 9]), [5, -2, 1, 2**40, 7]),
    ("dense", model("CastMap", T.INT64, T.FLOAT, T.FLOAT, cast_to="TO_FLOAT", map_form="DENSE"), [3, -8, 2**40, 0]),
    ("sparse", model("CastMap", T.INT64, T.FLOAT, T.INT64, cast_to="TO_INT64", map_form="SPARSE", max_map=6), [5, 0, 2, 6, 99]),
]
wrong = count = 0
for name, made, keys in CASES:
    onnx.save(made, folder / f"{name}.onnx")
    subprocess.run(["burnish", folder / f"{name}.onnx", "-o", folder / name], check=True)
    kind = made.graph.input[0].type.map_type
    for size in range(1, len(keys) + 1):
        chosen = [keys[i] for i in numbers.permutation(len(keys))[:size]]
        values = (numbers.standard_normal(size) * 9).astype(TYPES[kind.value_type.tensor_type.elem_type])
        np.savez(folder / "in.npz", **{"X.keys": np.array(chosen, TYPES[kind.key_type]), "X.values": values})
        subprocess.run([folder / name, folder / "in.npz", "-o", folder / "out.npz"], check=True)
        session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        wanted = session.run(None, {"X": dict(zip(chosen, values.tolist()))})[0]
        found = np.load(folder / "out.npz")["Y"]
        count += 1
        if found.shape != wanted.shape or found.dtype != wanted.dtype or (found != wanted).any():
            wrong += 1
            print(name, chosen, values, found, wanted)
# As many keys as values, and no key below 0.
np.savez(folder / "in.npz", **{"X.keys": np.array([1, 2]), "X.values": np.float32([1])})
print(subprocess.run([folder / "sparse", folder / "in.npz"], capture_output=True, text=True).stderr.strip())
np.savez(folder / "in.npz", **{"X.keys": np.array([1, -1]), "X.values": np.float32([1, 2])})
print(subprocess.run([folder / "sparse", folder / "in.npz"], capture_output=True, text=True).stderr.strip())
print(f"{count - wrong} of {count} right")
