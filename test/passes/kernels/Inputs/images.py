"""images.py - convolutions of images whose number and size only run time knows, at many sizes.

images.py make    writes images.onnx
images.py run P   compares what program P makes of it with ONNX's reference evaluator, and threads with each other
"""

import sys

import numpy as np
from onnx.reference import ReferenceEvaluator
from runtime_sizes import Network, compare

# Images, height, width; and the sizes of what is added, which may be repeated along each axis.
SIZES = [(1, 4, 6, 1, 1), (2, 8, 8, 8, 1), (1, 18, 10, 18, 10), (3, 6, 34, 1, 34), (1, 64, 72, 1, 1), (2, 30, 46, 30, 46)]
rng = np.random.default_rng(7)
network = Network()
constant, node = network.constant, network.node


def conv(x, ins, outs, taps, pads, group=1):
    weights = (rng.standard_normal((outs, ins // group, taps, taps)) / np.sqrt(ins // group * taps * taps)).astype(np.float32)
    bias = rng.standard_normal(outs).astype(np.float32)
    return node("Conv", x, constant(weights), constant(bias), pads=pads, group=group)


def make():
    around = [1, 1, 1, 1]
    first = node("Relu", conv("x", 3, 16, 3, around))
    second = node("Relu", conv(first, 16, 32, 3, around))
    third = node("Add", conv(second, 32, 32, 3, around), second)
    halved = node("MaxPool", third, kernel_shape=[2, 2], strides=[2, 2])
    windows = conv(halved, 32, 32, 5, [2, 2, 2, 2], group=32)
    uneven = conv(conv(windows, 32, 16, 1, [0, 0, 0, 0]), 16, 16, 3, [0, 1, 2, 1])
    large = node("Resize", uneven, "", constant(np.array([1, 1, 2, 2], np.float32)), mode="nearest",
                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    both = node("Add", node("Add", conv(third, 32, 16, 1, [0, 0, 0, 0]), large), "gain")
    joined = node("Concat", conv(both, 16, 16, 3, around, group=16), large, axis=1)
    result = conv(joined, 32, 9, 3, [0, 0, 0, 0])
    inputs = {"x": ["n", 3, "h", "w"], "gain": ["n", 16, "up", "along"]}
    network.write("images", inputs, {result: ["n", 9, "rows", "columns"]})


def run(program):
    reference = ReferenceEvaluator("images.onnx")
    for count, height, width, up, along in SIZES:
        inputs = {"x": rng.standard_normal((count, 3, height, width)).astype(np.float32),
                  "gain": rng.standard_normal((count, 16, up, along)).astype(np.float32)}
        compare(program, reference, f"{count}x{height}x{width}", inputs, most=1e-5)


{"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
