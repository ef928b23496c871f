"""winograd_gradient.py - the error of gradients of convolutions beside float64, by minimal filtering where that is chosen.

    winograd_gradient.py BURNISH FOLDER

Convolutions of random numbers, of which some have borders that no tile fills, and their gradients by weights and image for random
gradients of results. A 1x1 convolution before them, which copies its image exactly, brings the layout that minimal filtering takes.
Errors are parts of the largest value.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# images, channels, outputs, size, kernel, stride, border; whether AVX-512 takes minimal filtering for the weights
CASES = (
    (16, 64, 32, 16, 3, 1, 1, True),
    (8, 32, 64, 14, 3, 1, 1, True),
    (32, 64, 48, 4, 3, 1, 1, True),
    (3, 32, 32, 19, 3, 1, 0, True),
    (16, 192, 192, 4, 3, 1, 1, True),
    (8, 5, 7, 12, 3, 1, 1, False),
    (16, 5, 7, 12, 3, 1, 1, False),
    (32, 1, 6, 14, 5, 1, 2, False),
    (16, 3, 6, 9, 3, 2, 1, False),
    (4, 32, 32, 16, 3, 2, 1, False),
    (4, 16, 32, 15, 3, 2, 1, False),
    (4, 16, 32, 16, 3, 2, 0, False),
    (4, 32, 48, 16, 1, 2, 0, False),
    (2, 16, 16, 17, 5, 3, 2, False),
    (2, 16, 16, 18, 4, 3, 1, False),
)
MOST = 5e-6


def gradients(x, w, r, stride, border):
    """By the weights and by the image, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (border, border), (border, border)))
    by_weights, by_image = np.zeros(w.shape), np.zeros(padded.shape)
    rows, columns = (stride * (size - 1) + 1 for size in r.shape[2:])
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            part = np.s_[:, :, i : i + rows : stride, j : j + columns : stride]
            by_weights[:, :, i, j] = np.einsum("nchw,nohw->oc", padded[part], r, optimize=True)
            by_image[part] += np.einsum("nohw,oc->nchw", r, w[:, :, i, j].astype(np.float64), optimize=True)
    size = x.shape[2]
    return by_weights, by_image[:, :, border : border + size, border : border + size]


burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
options = ["--gradient=loss", "--wrt=x", "--wrt=w"]
for images, channels, outs, size, kernel, stride, border, can_filter in CASES:
    numbers = np.random.default_rng(size)
    results = (size + 2 * border - kernel) // stride + 1
    x, w, r = (
        numbers.standard_normal(shape).astype(np.float32)
        for shape in ((images, channels, size, size), (outs, channels, kernel, kernel), (images, outs, results, results))
    )
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "copy"], ["same"]),
            helper.make_node("Conv", ["same", "w"], ["y"], pads=[border] * 4, strides=[stride] * 2),
            helper.make_node("Mul", ["y", "r"], ["weighted"]),
            helper.make_node("ReduceSum", ["weighted"], ["loss"], keepdims=0),
        ],
        "conv",
        [info(name, TensorProto.FLOAT, array.shape) for name, array in (("x", x), ("w", w), ("r", r))],
        [info("loss", TensorProto.FLOAT, ())],
        [numpy_helper.from_array(np.eye(channels, dtype=np.float32)[:, :, None, None], "copy")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "conv.onnx")
    np.savez(folder / "in.npz", x=x, w=w, r=r)
    wanted = gradients(x, w, r, stride, border)
    said = [f"{images}x{channels}x{size}x{size} to {outs}, {kernel}x{kernel}, stride {stride}:"]
    for level in ("-O2", "-O0"):
        subprocess.run([burnish, folder / "conv.onnx", *options, level, "-o", folder / "conv"], check=True)
        subprocess.run([folder / "conv", folder / "in.npz", "-o", folder / "out.npz"], check=True)
        found = np.load(folder / "out.npz")
        for name, exact in zip("wx", wanted):
            array = next(found[key] for key in found if key.endswith(name))
            error = np.abs(array - exact).max() / np.abs(exact).max()
            said.append(f"{level} by {name} {error:.1e}")
            if not error <= MOST:
                sys.exit(f"{' '.join(said)}: above {MOST}")
    tiles = subprocess.run([burnish, folder / "conv.onnx", *options, "--target=x86_64-linux-gnu", "--cpu=x86-64-v4", "--emit=tiles", "-o", "-"],
                           check=True, capture_output=True, text=True).stdout
    is_filtered = any("nn.winograd_input" in line and "isGradient" in line for line in tiles.splitlines())
    print(" ".join(said), "by filtering" if is_filtered else "", flush=True)
    if is_filtered != can_filter:
        sys.exit(f"minimal filtering for the weights: {is_filtered}")
