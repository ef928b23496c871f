"""views.py - products, convolutions and reductions of parts of other tensors, compared with ONNX's reference evaluator.

    build/venv/bin/python test/fuzz/views.py [--runs N] [--first I] [--jobs N] [--burnish build/asan/bin/burnish]

Run I always makes the same model. Operands come through slices with steps (which only the run may know), other orders of
axes and joined tensors, so that kernels meet buffers that lie in many ways; half of the models do not say all sizes. What
does not pass is kept in build/fuzz/.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIZES = (1, 2, 5, 8, 14, 16, 28, 33)
BATCH = 50


class Model:
    """A random graph; every method returns the name of a tensor of the shape asked for."""

    def __init__(self, seed):
        self.rng, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.dims = [], {}, {}, {}
        self.forgets = self.chance(0.5)

    def chance(self, share):
        return self.rng.random() < share

    def value(self, array, isWeight):
        name = f"x{len(self.weights) + len(self.inputs)}"
        if isWeight:
            self.weights[name] = array
            return name
        self.inputs[name] = array
        unknown = array.dtype == np.float32 and self.forgets
        self.dims[name] = [None if unknown and self.chance(0.7) else size for size in array.shape]
        return name

    def given(self, shape, isWeight=None):
        array = self.numbers.standard_normal(shape).astype(np.float32)
        return self.value(array, self.chance(0.3) if isWeight is None else isWeight)

    def integers(self, values):
        return self.value(np.array(values, np.int64), not (self.forgets and self.chance(0.5)))

    def constant(self, values):
        return self.value(np.array(values, np.int64), True)

    def node(self, op, *operands, **attributes):
        self.nodes.append(helper.make_node(op, operands, [f"t{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def slice(self, shape, depth):
        axes = [axis for axis in range(len(shape)) if self.chance(0.6)] or [len(shape) - 1]
        whole, starts, ends, steps = list(shape), [], [], []
        for axis in axes:
            step, start = self.rng.choice((1, 1, 2, 3, -1)), self.rng.randrange(3)
            span = (shape[axis] - 1) * abs(step) + 1
            whole[axis] = start + span + self.rng.randrange(3)
            steps.append(step)
            starts.append(start if step > 0 else start + span - 1)
            ends.append(start + span if step > 0 else start - 1 if start > 0 else -(2**31))
        source = self.tensor(whole, depth - 1)
        return self.node("Slice", source, self.integers(starts), self.integers(ends), self.constant(axes), self.integers(steps))

    def transpose(self, shape, depth):
        order = self.rng.sample(range(len(shape)), len(shape))
        source = [0] * len(shape)
        for size, axis in zip(shape, order):
            source[axis] = size
        return self.node("Transpose", self.tensor(source, depth - 1), perm=order)

    def concat(self, shape, depth):
        axis = self.rng.randrange(len(shape))
        if shape[axis] < 2:
            return self.given(shape)
        cut = self.rng.randrange(1, shape[axis])
        parts = [[*shape[:axis], size, *shape[axis + 1 :]] for size in (cut, shape[axis] - cut)]
        return self.node("Concat", *(self.tensor(part, depth - 1) for part in parts), axis=axis)

    def broadcast(self, shape):
        return [size if self.chance(0.8) else 1 for size in shape]

    def tensor(self, shape, depth):
        if depth == 0 or not shape or self.chance(0.15):
            return self.given(shape)
        kind = self.rng.choices(("slice", "transpose", "concat", "unary", "add", "sum"), (35, 15, 10, 10, 7, 8))[0]
        if kind == "unary":
            return self.node(self.rng.choice(("Relu", "Neg", "Tanh")), self.tensor(shape, depth - 1))
        if kind == "add":
            return self.node("Add", self.tensor(shape, depth - 1), self.tensor(self.broadcast(shape), depth - 1))
        return self.sum(shape, depth - 1) if kind == "sum" else getattr(self, kind)(shape, depth)

    def convolution(self, shape, depth):
        channels, taps, isPadded = self.rng.choice((3, 8, 16, 24)), self.rng.choice((1, 3, 3, 3, 5)), self.chance(0.6)
        image = [shape[0], channels, *(size if isPadded else size + taps - 1 for size in shape[2:])]
        weights = [shape[1], channels, taps, taps]
        right = self.given(weights, True) if self.chance(0.7) else self.tensor(weights, depth)
        return self.node("Conv", self.tensor(image, depth), right, pads=[taps // 2 * isPadded] * 4)

    def product(self, shape, depth):
        steps, batch = self.rng.choice((3, 16, 33, 70)), shape[:-2]
        left = self.tensor([*batch, shape[-2], steps], depth)
        return self.node("MatMul", left, self.tensor([*(batch if self.chance(0.5) else []), steps, shape[-1]], depth))

    def reduction(self, shape, depth):
        axis = self.rng.randrange(len(shape) + 1)
        source = self.tensor([*shape[:axis], self.rng.choice((2, 7, 40)), *shape[axis:]], depth)
        return self.node(self.rng.choice(("ReduceSum", "ReduceMax", "ReduceMean")), source, self.constant([axis]), keepdims=0)

    def sum(self, shape, depth):
        kinds = [self.reduction] + [self.product] * (len(shape) > 1) + [self.convolution] * 2 * (len(shape) == 4)
        result = self.rng.choice(kinds)(shape, depth)
        if self.chance(0.6):
            result = self.node(self.rng.choice(("Add", "Mul")), result, self.tensor(self.broadcast(shape), depth))
        return self.node("Relu", result) if self.chance(0.3) else result

    def write(self, folder):
        rank = self.rng.choice((0, 1, 2, 2, 3, 4, 4, 4))
        shape = [self.rng.choice(SIZES) for _ in range(rank)]
        if rank == 4:
            shape = [self.rng.choice(sizes) for sizes in ((1, 2), (4, 8, 16, 24), (7, 14, 20), (7, 14, 28))]
        result = self.sum(shape, self.rng.choice((2, 3)))
        if rank > 0 and self.chance(0.3):
            result = self.node("Concat", result, self.tensor(shape, 1), axis=self.rng.randrange(rank))
        types = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), self.dims[n]) for n, v in self.inputs.items()]
        results = [helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, None)]
        weights = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "views", types, results, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        data = folder / "test_data_set_0"
        data.mkdir(parents=True)
        onnx.save(model, folder / "model.onnx")
        for index, (name, array) in enumerate(self.inputs.items()):
            (data / f"input_{index}.pb").write_bytes(numpy_helper.from_array(array, name).SerializeToString())
        expected = np.asarray(ReferenceEvaluator(model).run(None, self.inputs)[0])
        (data / "output_0.pb").write_bytes(numpy_helper.from_array(expected, result).SerializeToString())
        # Sums of several hundred products, of which some come out near zero.
        (folder / "tolerance").write_text("0.01 0.01\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="index of the first run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    options = parser.parse_args()

    failures, runs = 0, range(options.first, options.first + options.runs)
    for batch in (runs[at : at + BATCH] for at in range(0, len(runs), BATCH)):
        with tempfile.TemporaryDirectory() as name:
            folders = [pathlib.Path(name) / f"views-{index}" for index in batch]
            for index, folder in zip(batch, folders):
                Model(index).write(folder)
            command = [options.burnish, "test", "--weights=file", f"--jobs={options.jobs}", *map(str, folders)]
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace").stdout.splitlines()
            passed = {line.split()[1] for line in said if line.startswith("pass ")}
            for folder in folders:
                if str(folder) not in passed:
                    failures += 1
                    shutil.copytree(folder, ROOT / "build/fuzz" / folder.name, dirs_exist_ok=True)
                    print(f"FAIL {options.burnish} test build/fuzz/{folder.name}", flush=True)
    print(f"views: {options.runs - failures} passed, {failures} failed")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
