"""affine_data.py in.npz | check out.npz - the inputs of affine.mlir, and whether the output is right."""

import sys

import numpy as np

x = np.array([[0, 1, 2], [3, 4, 5]], np.float32)
scale = np.array([1, 10, 100], np.float32)
if sys.argv[1] == "check":
    y = np.load(sys.argv[2])["y"]
    np.testing.assert_array_equal(y, (x + np.arange(1, 7, dtype=np.float32).reshape(2, 3)) * scale)
else:
    np.savez(sys.argv[1], x=x, scale=scale)
