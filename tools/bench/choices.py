"""choices.py - what the schedules of the suite's kernels lose against the best of those that could have been chosen.

    build/bench-venv/bin/python tools/bench/choices.py build/suite/NAME.onnx ... [--seconds 60] [--cpu x86-64-v3] [--out choices.json]

`burnish bench --tune` compiles each model with the alternatives and measures every kernel among its neighbours; a shape that
several models have counts once, where it takes longest. Prints a line for each shape that loses more than --least, and the
geometric means of chosen over best: over shapes, and by the time that they take.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

BURNISH = os.environ.get("BURNISH", "build/bin/burnish")


def measure(model, options):
    """The shapes of a model, or None."""
    words = [BURNISH, "bench", model, f"--tune={options.seconds}", "--json"]
    if options.cpu:
        words.append(f"--cpu={options.cpu}")
    inputs = model.with_suffix(".inputs.npz")
    if inputs.exists():
        words.append(inputs)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        print(f"{model.stem}: {done.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def mean(shapes, weight):
    total = sum(map(weight, shapes))
    return math.exp(sum(weight(shape) * math.log(shape["chosen_ms"] / shape["best_ms"]) for shape in shapes) / total) if total else 1


def report(shapes, least):
    print(f"{'chosen ms':>10} {'best ms':>9} {'ratio':>6}  model: shape")
    for shape in sorted(shapes, key=lambda shape: shape["best_ms"] - shape["chosen_ms"]):
        ratio = shape["chosen_ms"] / shape["best_ms"]
        if ratio >= least:
            print(f"{shape['chosen_ms']:10.4f} {shape['best_ms']:9.4f} {ratio:6.2f}  {shape['model']}: {shape['shape']}")
            print(f"{'':28}{shape['chosen']}; best {shape['best']}")
    for kind in ("convolution", "product", "elements"):
        own = [shape for shape in shapes if shape["shape"].startswith(kind + " ")]
        # Where the seconds were over before anything else was tried, nothing is known.
        measured = [shape for shape in own if len(shape["choices"]) > 1]
        print(
            f"{kind}: {len(measured)} of {len(own)} shapes, chosen over best {mean(measured, lambda shape: 1):.3f} in the mean of "
            f"shapes, {mean(measured, lambda shape: shape['chosen_ms']):.3f} by their time, "
            f"{sum(shape['chosen_ms'] > 1.05 * shape['best_ms'] for shape in measured)} lose more than 5 %"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=pathlib.Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=60, help="for each model")
    parser.add_argument("--cpu")
    parser.add_argument("--least", type=float, default=1.05)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    found = {}
    for model in options.models:
        for shape in measure(model, options) or []:
            shape["model"] = model.stem
            known = found.get(shape["shape"])
            if shape["best_ms"] > 0 and (not known or known["chosen_ms"] < shape["chosen_ms"]):
                found[shape["shape"]] = shape
    if options.out:
        options.out.write_text(json.dumps(list(found.values()), indent=1) + "\n")
    report(list(found.values()), options.least)


if __name__ == "__main__":
    sys.exit(main())
