"""page.py - compiles and runs every example of a page.

page.py PAGE FOLDER   one line for each block of ```nn: its net, and its outputs
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy

page, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
TYPES = {"float32": "f4", "int64": "i8", "int32": "i4", "bool": "?"}
for number, text in enumerate(re.findall(r"^```nn\n(.*?)^```", page.read_text(), re.S | re.M)):
    source, program = folder / f"example{number}.nn", folder / f"example{number}"
    source.write_text(text)
    subprocess.run(["burnish", "fmt", "--check", source], check=True)
    subprocess.run(["burnish", "check", source], check=True)
    subprocess.run(["burnish", source, "-o", program], check=True)
    signature = json.loads(subprocess.run([program, "--signature"], capture_output=True, check=True).stdout)
    rng = numpy.random.default_rng(1)
    inputs = {}
    for port in signature["inputs"]:
        dims = [dim if isinstance(dim, int) and dim >= 0 else 3 for dim in port["dims"]]
        kind = TYPES[port["type"]]
        inputs[port["name"]] = rng.standard_normal(dims).astype(kind) if kind == "f4" else rng.integers(0, 2, dims).astype(kind)
    numpy.savez(folder / "in.npz", **inputs)
    subprocess.run([program, folder / "in.npz", "-o", folder / "out.npz"], check=True)
    outputs = numpy.load(folder / "out.npz")
    assert all(numpy.isfinite(outputs[name]).all() for name in outputs)
    print(f"example {number}:", ", ".join(f"{name} {list(outputs[name].shape)}" for name in outputs))
