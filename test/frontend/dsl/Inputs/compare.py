"""compare.py - runs a compiled network and the same as ONNX in ONNX Runtime, on random inputs.

compare.py PROGRAM MODEL.onnx NAME=DIM ...   dims by name; `close` where outputs agree to 1e-5 of the largest value
"""

import subprocess
import sys

import numpy
import onnxruntime

program, model, *dims = sys.argv[1:]
sizes = {name: int(size) for name, size in (word.split("=") for word in dims)}
session = onnxruntime.InferenceSession(model)
rng = numpy.random.default_rng(3)
inputs = {}
for port in session.get_inputs():
    shape = [sizes.get(dim, dim) for dim in port.shape]
    if port.type == "tensor(float)":
        inputs[port.name] = rng.standard_normal(shape).astype("f4")
    elif port.type == "tensor(bool)":
        inputs[port.name] = rng.random(shape) < 0.7
    else:
        inputs[port.name] = rng.integers(0, 3, shape).astype({"tensor(int32)": "i4", "tensor(int64)": "i8"}[port.type])
expected = dict(zip((port.name for port in session.get_outputs()), session.run(None, inputs)))
numpy.savez(program + ".npz", **inputs)
subprocess.run([program, program + ".npz", "-o", program + ".out.npz"], check=True)
found = numpy.load(program + ".out.npz")
assert set(found) == set(expected), (set(found), set(expected))
for name, tensor in expected.items():
    largest = max(numpy.abs(tensor).max(initial=0), 1e-30)
    error = numpy.abs(found[name] - tensor).max(initial=0) / largest
    print(f"{name}: {'close' if found[name].shape == tensor.shape and error <= 1e-5 else error}")
