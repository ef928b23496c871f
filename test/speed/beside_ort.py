"""beside_ort.py - no small network may take longer than in ONNX Runtime by more than a tenth, one thread each.

    build/venv/bin/python test/speed/beside_ort.py [NAME ...] [--burnish build/bin/burnish]

The two take turns, and what counts is the fastest run of each: another process may slow any run, and speeds none up. A network
that seems slow gets more turns before it is called so.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

import small_networks

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLOWER, TURNS, ATTEMPTS, SLOT = 1.10, 6, 5, 0.05


class Pair:
    """A network as a program and as a session, and the fastest run of each so far."""

    def __init__(self, name, burnish, folder):
        model = small_networks.NETWORKS[name]()
        self.program, self.file, self.best = folder / name, folder / "in.npz", {}
        onnx.save(model, folder / "model.onnx")
        np.savez(self.file, **small_networks.example(model))
        subprocess.run([burnish, folder / "model.onnx", "-o", self.program], check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for key, array in small_networks.example(model).items():
            self.binding.bind_ortvalue_input(key, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        self.binding.bind_output(self.session.get_outputs()[0].name, "cpu")

    def burnish(self):
        words = [self.program, self.file, f"--bench={SLOT}", "--threads=1"]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["min_ms"]

    def ort(self):
        least, end = float("inf"), time.perf_counter() + SLOT
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run_with_iobinding(self.binding)
            least = min(least, 1000 * (time.perf_counter() - start))
        return least

    def ratio(self):
        for turn in range(TURNS):
            for run in (self.burnish, self.ort)[:: 1 if turn % 2 else -1]:
                self.best[run.__name__] = min(run(), self.best.get(run.__name__, float("inf")))
        return self.best["burnish"] / self.best["ort"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["mlp", "winograd", "lstm", "attention"], help="networks of small_networks.py")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    options = parser.parse_args()
    failed = 0
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            pair = Pair(name, options.burnish, pathlib.Path(folder))
            ratio = next((r for _ in range(ATTEMPTS - 1) if (r := pair.ratio()) <= SLOWER), None) or pair.ratio()
        failed += ratio > SLOWER
        print(f"{name:12s} {pair.best['burnish']:8.4f} ms, ONNX Runtime {pair.best['ort']:8.4f} ms: {ratio:.2f} of its time", flush=True)
    print(f"beside ONNX Runtime: {len(options.names) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
