"""runtime_sizes.py - a network whose sizes only run time knows, and what a program makes of it at one of them."""

import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper


class Network:
    """Nodes and constants as they are made, each under the name that is given back."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value):
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, op, *operands, **attributes):
        self.nodes.append(helper.make_node(op, operands, [f"t{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def write(self, name, inputs, outputs):
        """Writes NAME.onnx; `inputs` and `outputs` are {name: dims}."""
        inputs, outputs = ([helper.make_tensor_value_info(key, TensorProto.FLOAT, dims) for key, dims in each.items()] for each in (inputs, outputs))
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
        model.ir_version = 10
        onnx.save(model, f"{name}.onnx")


def compare(program, reference, size, inputs, most):
    """Ends the test where the program's result is further than `most` of the greatest one from that of ONNX's reference
    evaluator, or three threads give other bits than one."""
    np.savez("in.npz", **inputs)
    expected = reference.run(None, inputs)[0]
    results = []
    for threads in (1, 3):
        subprocess.run([program, "in.npz", "-o", "out.npz", f"--threads={threads}"], check=True)
        with np.load("out.npz") as file:
            results.append(file[file.files[0]])
    if results[0].shape != expected.shape:
        sys.exit(f"{size}: {results[0].shape} for {expected.shape}")
    error = np.abs(results[0] - expected).max() / np.abs(expected).max()
    if not error < most:
        sys.exit(f"{size}: error {error}")
    if results[0].tobytes() != results[1].tobytes():
        sys.exit(f"{size}: three threads give other bits than one")
