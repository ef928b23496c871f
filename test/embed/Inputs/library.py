"""library.py - uses a model's shared library through its C interface: mlp.so of the current folder."""

import ctypes
import subprocess

import numpy as np

library = ctypes.CDLL("./mlp.so")
values = {}
for line in open("expected.h"):
    name = line.split()[3].split("[")[0]
    values[name] = np.array([float(value.rstrip("f")) for value in line[line.index("{") + 1 : line.index("}")].split(", ")], "f4")
scores = np.zeros(15, "f4")
workspace = np.zeros(1 << 16, "u1")
aligned = workspace.ctypes.data + (-workspace.ctypes.data) % 64
status = library.mlp_run(None, ctypes.c_void_p(values["mlp_input"].ctypes.data), ctypes.c_void_p(scores.ctypes.data), ctypes.c_void_p(aligned))
assert status == 0 and np.abs(scores - values["mlp_scores"]).max() < 1e-5, (status, scores)
library.burnish_status_text.restype = ctypes.c_char_p
assert library.burnish_status_text(1) == b"a shape does not fit the model"
symbols = subprocess.run(["llvm-nm", "-D", "--defined-only", "mlp.so"], check=True, capture_output=True, text=True).stdout.split()
strangers = {name for name in symbols[2::3] if not name.startswith("burnish_") and name not in ("mlp", "mlp_run")}
assert not strangers, strangers
print("as expected")
