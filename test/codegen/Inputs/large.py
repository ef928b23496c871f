"""large.py - a model with 100 MB of weights: written, compiled with the peak of memory told, found in the object.

usage: large.py write MODEL | write-product MODEL | compile COMMAND... | find OBJECT | run PROGRAM
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


def write_product(path):
    """A product with a transposed matrix: what packs it reads it in the order of the file."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    info = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
    matrix = np.full((COUNT >> 12, 1 << 12), 0.5, np.float32)
    matrix[:, 0] = np.arange(COUNT >> 12)
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
    graph = helper.make_graph([node], "g", [info("x", 1 << 12)], [info("y", COUNT >> 12)], [numpy_helper.from_array(matrix, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), path)


def run(program):
    import subprocess

    np.save("x.npy", np.ones((1, 1 << 12), np.float32))
    subprocess.check_call([program, "x.npy", "-o", "y.npz"])
    np.testing.assert_array_equal(np.load("y.npz")["y"][0], np.arange(COUNT >> 12) + 0.5 * ((1 << 12) - 1))


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
elif sys.argv[1] == "write-product":
    write_product(sys.argv[2])
elif sys.argv[1] == "run":
    run(sys.argv[2])
else:
    find(sys.argv[2])
