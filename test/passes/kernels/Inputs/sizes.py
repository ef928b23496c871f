"""sizes.py - a layer of a transformer whose batch and sequence only run time knows, at many sizes.

sizes.py make    writes sizes.onnx
sizes.py run P   compares what program P makes of it with ONNX's reference evaluator, and threads with each other
"""

import sys

import numpy as np
from onnx.reference import ReferenceEvaluator
from runtime_sizes import Network, compare

HEADS, DEPTH, WIDTH = 3, 8, 40
SIZES = [(1, 1), (2, 3), (1, 12), (3, 17), (2, 31), (1, 127), (1, 300)]
rng = np.random.default_rng(5)
network = Network()
constant, node = network.constant, network.node


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
    inputs = {"x": ["batch", "rows", WIDTH], "mask": ["batch", "rows"]}
    network.write("sizes", inputs, {result: ["batch", "rows", WIDTH]})


def run(program):
    reference = ReferenceEvaluator("sizes.onnx")
    for batch, rows in SIZES:
        mask = np.where(rng.random((batch, rows)) < 0.2, -1e9, 0).astype(np.float32)
        mask[:, 0] = 0
        inputs = {"x": rng.standard_normal((batch, rows, WIDTH)).astype(np.float32), "mask": mask}
        compare(program, reference, f"{batch}x{rows}", inputs, most=3e-6)


{"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
