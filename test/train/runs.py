"""runs.py - compiles the trainings of this folder, runs them on real data, and checks what they reach on data they never saw.

    build/venv/bin/python test/train/runs.py [RUN ...] [--burnish=build/bin/burnish] [--work=build/train] [--seeds 1 ...]
    build/bench-venv/bin/python test/train/runs.py --torch [RUN ...]

With --torch the same networks are trained in PyTorch too, from the same first weights, and a table compares both. Exits with
1 where a run is below its bar, or more than `SLACK` standard errors below PyTorch.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys

import numpy as np

import data

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# What each run reaches at least in the first metric of its recipe, and the data that it takes where that is called otherwise.
BARS = {
    "digits": 0.95,
    "iris": 0.9,
    "diabetes_mse": 0.45,
    "diabetes_mae": 0.45,
    "mlp": 0.92,
    "lenet": 0.96,
    "faces": 0.85,
    "motions": 0.75,
    "text": 0.45,
    "two_inputs": 0.92,
    "pretrain": 0.97,
    "transfer": 0.85,
}
DATA = {"diabetes_mse": "diabetes", "diabetes_mae": "diabetes"}
NEEDS = {"transfer": "pretrain"}


class RunError(Exception):
    """A sentence that says what failed."""


def call(words, folder):
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RunError(f"{' '.join(str(word) for word in words)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def read_weights(path):
    """{path: array} of a safetensors file of f32."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, found = json.loads(content[8 : 8 + length]), {}
    header.pop("__metadata__", None)
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        found[name] = np.frombuffer(content[8 + length + first : 8 + length + last], np.float32).reshape(entry["shape"])
    return found


def write_weights(path, tensors):
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(np.ascontiguousarray(array, np.float32).tobytes() for array in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def train(program, folder, seed, initial=None):
    """(first metric on the test's data, seconds of all epochs)."""
    log = folder / f"{program.name}.jsonl"
    words = [program, f"--data={folder}", "-o", f"{program.name}.safetensors", f"--log={log}", f"--seed={seed}", "--threads=1"]
    call(words + ([f"--init={initial}"] if initial else []), folder)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    metrics = lines[-1]["test"]
    name = next(name for name in metrics if name != "loss")
    return metrics[name], sum(line.get("seconds", 0.0) for line in lines)


class Run:
    """A folder with data and a program that trains."""

    def __init__(self, name, options):
        self.name, self.folder, self.burnish = name, options.work / name, options.burnish
        data.make(DATA.get(name, name), self.folder, options.wheels)
        if name in NEEDS:
            self.bring_features(options)
        source = self.folder / f"{name}.nn"
        shutil.copyfile(HERE / source.name, source)
        self.program = self.folder / name
        call([self.burnish, source, "--train", "-o", self.program], self.folder)

    def bring_features(self, options):
        """Trains the body on other data, and writes it as the ONNX file that the recipe imports."""
        first = Run(NEEDS[self.name], options)
        train(first.program, first.folder, seed=1)
        learnt = read_weights(first.folder / f"{first.name}.safetensors")
        self.base = {name.removeprefix("pretrain."): array for name, array in learnt.items() if ".body." in name}
        write_weights(self.folder / "features.safetensors", {"features." + name: array for name, array in self.base.items()})
        words = ["--net=features", f"--weights-from={self.folder / 'features.safetensors'}", "--emit=onnx", "-o", "features.onnx"]
        call([self.burnish, HERE / f"{first.name}.nn", *words], self.folder)

    def compare(self, seed):
        """((metric, seconds) here, the same in PyTorch), from the same first weights."""
        import torch_weights
        import twins

        model = twins.prepare(self.name, seed, getattr(self, "base", None))
        weights = {path: tensor.numpy() for path, tensor in torch_weights.weights(model, twins.TWINS[self.name].net).items()}
        if hasattr(self, "base"):
            # The frozen weights have the names of the ONNX file; only the head is the twin's.
            call([self.program, "--epochs=1", f"--data={self.folder}", "-o", "own.safetensors"], self.folder)
            own = read_weights(self.folder / "own.safetensors")
            weights = {path: weights.get(path, array) for path, array in own.items()}
        initial = self.folder / "initial.safetensors"
        write_weights(initial, weights)
        return train(self.program, self.folder, seed, initial), twins.train(self.name, model, self.folder, seed)


def spread(values):
    """The standard error of their mean."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


SLACK = 3.0


def check(name, options):
    """Runs it once for each seed and says what it reached; whether that is enough."""
    run, bar = Run(name, options), BARS[name]
    if not options.torch:
        found = [train(run.program, run.folder, seed) for seed in options.seeds]
        reached = statistics.mean(metric for metric, _ in found)
        print(f"{name:13s} {reached:8.4f}  (bar {bar:.2f}) {statistics.mean(time for _, time in found):7.2f} s", flush=True)
        return reached >= bar
    found = [run.compare(seed) for seed in options.seeds]
    ours, theirs = ([metric for metric, _ in side] for side in zip(*found))
    times = [statistics.median(seconds for _, seconds in side) for side in zip(*found)]
    mean, other = statistics.mean(ours), statistics.mean(theirs)
    error = (spread(ours) ** 2 + spread(theirs) ** 2) ** 0.5
    print(f"{name:13s} {mean:8.4f} {other:8.4f} {error:8.4f} {times[0]:8.2f} {times[1]:8.2f} {times[1] / times[0]:6.1f}", flush=True)
    return mean >= bar and mean >= other - max(SLACK * error, 0.01)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", default=list(BARS), metavar="RUN", help=", ".join(BARS))
    parser.add_argument("--burnish", type=pathlib.Path, default=ROOT / "build" / "bin" / "burnish")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "train")
    parser.add_argument("--wheels", type=pathlib.Path, default=ROOT / "build" / "wheels")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--torch", action="store_true")
    options = parser.parse_args()
    options.seeds = options.seeds or ([1, 2, 3, 4, 5] if options.torch else [1])
    options.work, options.burnish = options.work.resolve(), options.burnish.resolve()
    unknown = [name for name in options.runs if name not in BARS]
    if unknown:
        parser.error(f"no run is called {unknown[0]}; there are {', '.join(BARS)}")
    if options.torch:
        sys.path.insert(0, str(ROOT / "tools" / "bench"))
        import torch

        torch.set_num_threads(1)
        print(f"{'':13s}  Burnish  PyTorch    error   B's s    P's s  ratio", flush=True)
    failed = []
    for name in options.runs:
        try:
            if not check(name, options):
                failed.append(name)
                print(f"{name}: this is not enough", flush=True)
        except (RunError, data.DataError) as error:
            failed.append(name)
            print(f"{name}: {error}", flush=True)
    print(f"{len(options.runs) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
