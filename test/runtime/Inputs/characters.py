"""characters.py - writes a model that gives the strings it takes, and arrays of characters, good and bad ones.

usage: characters.py DIR
"""

import io
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper

folder = sys.argv[1]
port = lambda name: helper.make_tensor_value_info(name, TensorProto.STRING, ["N"])
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", [port("x")], [port("y")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), f"{folder}/same.onnx")


def save(name, array):
    np.savez(f"{folder}/{name}.npz", x=array)


def edited(name, array, change):
    """An archive whose file is changed behind numpy's back."""
    file = io.BytesIO()
    np.save(file, array)
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w") as archive:
        archive.writestr("x.npy", change(file.getvalue()))


save("good", np.array(["Ada", "", "é日😀", "a\nb"]))
save("bytes", np.array([b"ab", b"c"]))
save("numbers", np.zeros(2, np.float32))
np.savez(f"{folder}/objects.npz", x=np.array(["a", "b"], object))
edited("point", np.array(["a", "b"]), lambda b: b[:-4] + (0x110000).to_bytes(4, "little"))
edited("pair", np.array(["a", "b"]), lambda b: b[:-8] + (0xD800).to_bytes(4, "little") + b[-4:])
edited("wide", np.array(["a", "b"]), lambda b: b.replace(b"<U1'", b"<U99999999'").replace(b" " * 8 + b"\n", b" \n"))
