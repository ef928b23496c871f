"""steps.py - compiles models with states that grow, with a bound and without, and compares what they give over steps; leaves the programs with one.

usage: steps.py DIR NAME...     DIR has NAME.onnx, NAME.npz and NAME.expected.npz
"""

import subprocess
import sys

import numpy as np

folder = sys.argv[1]


def run(*command):
    subprocess.run([str(word) for word in command], check=True, cwd=folder)


def compare(name, bits=None):
    got, wanted = np.load(f"{folder}/out.npz"), np.load(f"{folder}/{name}.expected.npz")
    assert sorted(got) == sorted(wanted)
    for key in wanted:
        assert got[key].shape == wanted[key].shape, (name, key, got[key].shape, wanted[key].shape)
        np.testing.assert_allclose(got[key].astype("f8"), wanted[key].astype("f8"), rtol=2e-5, atol=2e-5, err_msg=f"{name} {key}")
        assert bits is None or (got[key] == bits[key]).all(), (name, key)
    return {key: got[key] for key in got}


for name in sys.argv[2:]:
    states = ["--state=present*=past*"]
    for options in [["-O0", "--dim=past=0..20", "--check-bounds"], [], ["--dim=past=0..20", "--check-bounds"], ["--dim=past=0..20"]]:
        run("burnish", f"{name}.onnx", *states, *options, "-o", name)
        run(f"./{name}", "--steps", f"{name}.npz", "-o", "out.npz", "--threads=1")
        bits = compare(name)
        run(f"./{name}", "--steps", f"{name}.npz", "-o", "out.npz", "--threads=2")
        compare(name, bits)
