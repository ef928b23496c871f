"""winograd_error.py - the error of convolutions by minimal filtering beside that of plain sums.

    winograd_error.py BURNISH FOLDER

A 3x3 convolution of random numbers with each count of channels, compiled at the default level and at -O0, and what both are off from
float64 (root of the mean square). A 1x1 convolution before it, which copies its image exactly, brings it the layout that minimal
filtering takes. At the default level that must be chosen, in tiles of 4x4, for some count.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = (3, 16, 64, 128, 256, 512)
SIZE, OUT = 28, 64
MOST = 3


def exact(x, w):
    """The convolution in float64, with a border of one."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [(i, j) for i in range(3) for j in range(3)]
    products = (np.tensordot(w[:, :, i, j].astype(np.float64), padded[0, :, i : i + SIZE, j : j + SIZE], 1) for i, j in taps)
    return sum(products)[None]


def model(channels, w):
    """The graph of both convolutions."""
    info = helper.make_tensor_value_info
    copy = np.eye(channels, dtype=np.float32)[:, :, None, None]
    return helper.make_graph(
        [helper.make_node("Conv", ["x", "copy"], ["same"]), helper.make_node("Conv", ["same", "w"], ["y"], pads=[1, 1, 1, 1])],
        "conv",
        [info("x", TensorProto.FLOAT, (1, channels, SIZE, SIZE))],
        [info("y", TensorProto.FLOAT, (1, OUT, SIZE, SIZE))],
        [numpy_helper.from_array(copy, "copy"), numpy_helper.from_array(w, "w")],
    )


burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
by_filtering = 0
for channels in CHANNELS:
    numbers = np.random.default_rng(channels)
    x = numbers.standard_normal((1, channels, SIZE, SIZE)).astype(np.float32)
    w = (numbers.standard_normal((OUT, channels, 3, 3)) / np.sqrt(9 * channels)).astype(np.float32)
    graph = model(channels, w)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "conv.onnx")
    np.savez(folder / "in.npz", x=x)
    errors = []
    for level in ("-O2", "-O0"):
        subprocess.run([burnish, "run", folder / "conv.onnx", folder / "in.npz", level, "-o", folder / "out.npz"], check=True)
        y = np.load(folder / "out.npz")["y"]
        errors.append(float(np.sqrt(np.mean((y - exact(x, w)) ** 2))))
    tiles = subprocess.run([burnish, folder / "conv.onnx", "--emit=tiles", "-o", "-"], check=True, capture_output=True, text=True).stdout
    is_filtered = any("nn.winograd_output" in line and "tile = 4" in line for line in tiles.splitlines())
    by_filtering += is_filtered
    print(f"{channels} channels: {errors[0]:.3g} beside {errors[1]:.3g}, {errors[0] / errors[1]:.2f} times, {'4x4' if is_filtered else 'sums'}")
    if errors[0] > MOST * errors[1]:
        sys.exit(f"{channels} channels: more than {MOST} times the error of sums")
if not by_filtering:
    sys.exit("no convolution is minimal filtering in tiles of 4x4")
