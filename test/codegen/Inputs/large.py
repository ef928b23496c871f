"""large.py - a model with 100 MB of weights: written, compiled with the peak of memory told, found in the object.

usage: large.py write MODEL | compile COMMAND... | find OBJECT
"""

import os
import sys

import numpy as np

COUNT = 25 << 20


def weights():
    return np.arange(COUNT, dtype=np.float32)


def write(path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [COUNT])
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [info("x")], [info("y")], [numpy_helper.from_array(weights(), "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.save(model, path, save_as_external_data=True, location=os.path.basename(path) + ".data")


def compile(command):
    # A fork of this process would count its own memory as the compiler's.
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    # The mapped file and the object that is read back are resident too, as far as the system likes.
    print(f"beside the weights: {max(0, usage.ru_maxrss * 1024 - COUNT * 4) / 1e6:.0f} MB")
    sys.exit(status != 0)


def find(path):
    whole = np.fromfile(path, np.uint8)
    first = weights()[1:9].tobytes()
    start = whole.tobytes().find(first) - 4
    assert start >= 0 and np.array_equal(whole[start : start + COUNT * 4].view(np.float32), weights())


if sys.argv[1] == "write":
    write(sys.argv[2])
elif sys.argv[1] == "compile":
    compile(sys.argv[2:])
else:
    find(sys.argv[2])
