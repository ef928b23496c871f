"""rounding.py write FILE | check FILE once|twice | call LIBRARY - data of rounding.mlir, and how often it rounds."""

import ctypes
import sys

import numpy as np

x = np.array([1, 2, 3], np.float32) + np.float32(2.0**-20)
w = np.array([1, 4, 9], np.float32)
once = (x.astype(np.float64) ** 2 - w).astype(np.float32)
twice = x * x - w
assert (once != twice).all()

if sys.argv[1] == "write":
    np.save(sys.argv[2], x)
elif sys.argv[1] == "check":
    np.testing.assert_array_equal(np.load(sys.argv[2]), once if sys.argv[3] == "once" else twice)
else:
    y = np.zeros_like(x)
    run = ctypes.CDLL(f"./{sys.argv[2]}").rounding_run
    assert run(None, x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p), None) == 0
    assert (y == once).all() or (y == twice).all()
