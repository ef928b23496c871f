"""sizes.py - a layer of a transformer whose batch and sequence only run time knows, at many sizes.

sizes.py make    writes sizes.onnx
sizes.py run P   compares what program P makes of it with ONNX's reference evaluator, and threads with each other
"""

import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

HEADS, DEPTH, WIDTH = 3, 8, 40
SIZES = [(1, 1), (2, 3), (1, 12), (3, 17), (2, 31), (1, 127), (1, 300)]
rng = np.random.default_rng(5)
nodes, constants = [], []


def constant(value):
    constants.append(onnx.numpy_helper.from_array(np.asarray(value), f"c{len(constants)}"))
    return constants[-1].name


def node(op, *operands, **attributes):
    nodes.append(helper.make_node(op, operands, [f"t{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def linear(x, rows, columns):
    weights = (rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)
    return node("Add", node("MatMul", x, constant(weights)), constant(rng.standard_normal(columns).astype(np.float32)))


def split(x, order):
    return node("Transpose", node("Reshape", linear(x, WIDTH, HEADS * DEPTH), constant(np.array([0, 0, HEADS, DEPTH]))), perm=order)


def make():
    scores = node("MatMul", split("x", [0, 2, 1, 3]), split("x", [0, 2, 3, 1]))
    masked = node("Add", node("Mul", scores, constant(np.float32(0.35))), node("Unsqueeze", "mask", constant(np.array([1, 2]))))
    together = node("MatMul", node("Softmax", masked, axis=-1), split("x", [0, 2, 1, 3]))
    together = node("Reshape", node("Transpose", together, perm=[0, 2, 1, 3]), constant(np.array([0, 0, HEADS * DEPTH])))
    sum = node("Add", linear(together, HEADS * DEPTH, WIDTH), "x")
    ones = constant(np.ones(WIDTH, np.float32))
    result = node("LayerNormalization", sum, ones, ones, axis=-1)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "rows", WIDTH]),
              helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "rows"])]
    outputs = [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["batch", "rows", WIDTH])]
    model = helper.make_model(helper.make_graph(nodes, "sizes", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 22)])
    model.ir_version = 10
    onnx.save(model, "sizes.onnx")


def run(program):
    reference = ReferenceEvaluator(onnx.load("sizes.onnx"))
    for batch, rows in SIZES:
        mask = np.where(rng.random((batch, rows)) < 0.2, -1e9, 0).astype(np.float32)
        mask[:, 0] = 0
        inputs = {"x": rng.standard_normal((batch, rows, WIDTH)).astype(np.float32), "mask": mask}
        np.savez("in.npz", **inputs)
        expected = reference.run(None, inputs)[0]
        results = []
        for threads in (1, 3):
            subprocess.run([program, "in.npz", "-o", "out.npz", f"--threads={threads}"], check=True)
            with np.load("out.npz") as file:
                results.append(file[file.files[0]])
        error = np.abs(results[0] - expected).max() / np.abs(expected).max()
        if results[0].shape != expected.shape or not error < 3e-6:
            sys.exit(f"{batch}x{rows}: {results[0].shape} for {expected.shape}, error {error}")
        if results[0].tobytes() != results[1].tobytes():
            sys.exit(f"{batch}x{rows}: three threads give other bits than one")


{"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
