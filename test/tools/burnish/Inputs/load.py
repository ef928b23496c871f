"""load.py LIBRARY - calls the typed function of affine.mlir in a shared library."""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
x, scale, y = (ctypes.c_float * 6)(*range(6)), (ctypes.c_float * 3)(1, 10, 100), (ctypes.c_float * 6)()
assert library.affine_run(None, x, scale, y, None) == 0
assert list(y) == [1, 30, 500, 7, 90, 1100 + 0], list(y)
library.burnish_status_text.restype = ctypes.c_char_p
assert library.burnish_status_text(0)
