"""winograd_error.py - the error of convolutions by minimal filtering beside that of plain sums.

    winograd_error.py BURNISH FOLDER

A 3x3 convolution of two images of random numbers with each count of channels, known when compiling or not, compiled at the default level and at -O0, and what both are off from
float64 (root of the mean square). A 1x1 convolution before it, which copies its image exactly, brings it the layout that minimal
filtering takes. At the default level that must be chosen, in tiles of 4x4, for some count, and in blocks of which the last is lower.
"""

import itertools
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = (3, 16, 64, 256)
IMAGES, ROWS, COLUMNS, OUT = 2, 54, 28, 64
MOST = 3


def exact(x, w):
    """The convolution in float64, with a border of one."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    w = w.astype(np.float64)
    parts = ((w[:, :, i, j], padded[:, :, i : i + ROWS, j : j + COLUMNS]) for i in range(3) for j in range(3))
    return sum(np.einsum("oc,ncyx->noyx", taps, part, optimize=True) for taps, part in parts)


def model(channels, w, images):
    """The graph of both convolutions, for so many images or a name for their number."""
    info = helper.make_tensor_value_info
    copy = np.eye(channels, dtype=np.float32)[:, :, None, None]
    return helper.make_graph(
        [helper.make_node("Conv", ["x", "copy"], ["same"]), helper.make_node("Conv", ["same", "w"], ["y"], pads=[1, 1, 1, 1])],
        "conv",
        [info("x", TensorProto.FLOAT, (images, channels, ROWS, COLUMNS))],
        [info("y", TensorProto.FLOAT, (images, OUT, ROWS, COLUMNS))],
        [numpy_helper.from_array(copy, "copy"), numpy_helper.from_array(w, "w")],
    )


burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
seen = set()
for channels, images in itertools.product(CHANNELS, (IMAGES, "N")):
    numbers = np.random.default_rng(channels)
    x = numbers.standard_normal((IMAGES, channels, ROWS, COLUMNS)).astype(np.float32)
    w = (numbers.standard_normal((OUT, channels, 3, 3)) / np.sqrt(9 * channels)).astype(np.float32)
    graph = model(channels, w, images)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "conv.onnx")
    np.savez(folder / "in.npz", x=x)
    errors = []
    for level in ("-O2", "-O0"):
        subprocess.run([burnish, "run", folder / "conv.onnx", folder / "in.npz", level, "-o", folder / "out.npz"], check=True)
        y = np.load(folder / "out.npz")["y"]
        errors.append(float(np.sqrt(np.mean((y - exact(x, w)) ** 2))))
    tiles = subprocess.run([burnish, folder / "conv.onnx", "--emit=tiles", "-o", "-"], check=True, capture_output=True, text=True).stdout
    results = {line.split("->")[1].strip() for line in tiles.splitlines() if "nn.winograd_output" in line and "tile = 4" in line}
    seen.add((images, len(results)))
    print(f"{images} x {channels} channels: {errors[0]:.3g} beside {errors[1]:.3g}, {errors[0] / errors[1]:.2f} times, blocks {sorted(results)}")
    if errors[0] > MOST * errors[1]:
        sys.exit(f"{channels} channels: more than {MOST} times the error of sums")
for images in (IMAGES, "N"):
    if (images, 2) not in seen:
        sys.exit(f"no convolution of {images} images is minimal filtering in tiles of 4x4, with blocks of two heights")
