"""schedules_check.py - programs with other schedules against a program without a table.

usage: schedules_check.py MODEL.onnx PLAIN PROGRAM   compares what the two programs give
       schedules_check.py MODEL.onnx PLAIN --each    compiles with every alternative of every shape, and compares
       schedules_check.py MODEL.onnx --unfit         prints a file with a schedule that nothing could do
"""

import re
import subprocess
import sys

import numpy as np
import onnx

model = sys.argv[1]


def write(name, target, table):
    with open(name, "w") as file:
        file.write("burnish schedules 1\n" + "".join(f"{target}: {shape} -> {text}\n" for shape, text in table.items()))


def alternatives(table=""):
    """The name of this machine in files, and the schedules of each shape."""
    text = subprocess.run(
        ["burnish", model, "--emit=tiles", f"--schedules={table}"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"nn\.alternatives = \{(.*?)\}, nn\.", text).group(1)
    triple, cpu, bits = re.search(r'nn\.target = #nn\.target<triple = "(.*?)", cpu = "(.*?)".*?vectorBits = (\d+)', text).groups()
    shapes = {shape: re.findall(r'"(.*?)"', texts) for shape, texts in re.findall(r'"([^"]*)" = \[(.*?)\]', found)}
    return f"{triple.split('-')[0]}-{cpu}-{bits}", shapes


def outputs(program):
    subprocess.run([f"./{program}", "in.npz", "-o", "out.npz"], check=True)
    with np.load("out.npz") as arrays:
        return {name: array.copy() for name, array in arrays.items()}


def same(left, right):
    return all(np.abs(left[name] - right[name]).max() <= 2e-6 * np.abs(left[name]).max() for name in left)


random = np.random.default_rng(5)
inputs = onnx.load(model).graph.input
sizes = {port.name: [dim.dim_value for dim in port.type.tensor_type.shape.dim] for port in inputs}
np.savez("in.npz", **{name: random.standard_normal(size).astype(np.float32) for name, size in sizes.items()})
write("none", "any", {})
target, shapes = alternatives("none")
if sys.argv[2] == "--unfit":
    write("/dev/stdout", target, {next(iter(shapes)): "lanes=1 vectors=9 rows=99"})
    sys.exit()
plain = outputs(sys.argv[2])
if sys.argv[3] != "--each":
    print("same meaning:", same(plain, outputs(sys.argv[3])))
    sys.exit()
good, count = True, 0
# Another way to do the convolution brings other products.
for way in {shape: texts for shape, texts in shapes.items() if shape.startswith("convolution")}.items():
    for convolution in way[1]:
        table = {way[0]: convolution}
        write("table", target, table)
        _, met = alternatives("table")
        kernels = {shape: texts for shape, texts in met.items() if not shape.startswith("convolution")}
        for index in range(max(map(len, kernels.values()))):
            chosen = {shape: texts[index] for shape, texts in kernels.items() if index < len(texts)}
            # The first way has them all, the others only the ends: the product's rules are the same.
            if convolution != way[1][0] and index not in (0, max(map(len, kernels.values())) - 1):
                continue
            write("table", target, {**table, **chosen})
            subprocess.run(["burnish", model, "--schedules=table", "-o", "other"], check=True)
            good &= same(plain, outputs("other"))
            count += 1
print(f"{count} programs, same meaning: {good}")
