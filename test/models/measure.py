"""measure.py - compiles a model with Burnish, runs the program, and does the same with ONNX Runtime."""

import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

# So many times numbers are moved to see what rounding does.
MOVES = 8


class Failure(Exception):
    """What went wrong, as an outcome (`unsupported`, `crash`, `timeout`, `wrong`) and a message."""

    def __init__(self, outcome, message):
        super().__init__(message)
        self.outcome = outcome


def peak_bytes(pid):
    """The peak resident memory of a process so far (what wait4 tells includes the parent's, from before exec)."""
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def run(command, seconds):
    """Runs a command; returns (standard output, wall seconds, peak resident bytes) or raises Failure."""
    words = [str(word) for word in command]
    name = pathlib.Path(words[0]).name
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(words, stdout=out, stderr=err)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_bytes(process.pid))
            if time.perf_counter() - start > seconds:
                process.kill()
                process.wait()
                raise Failure("timeout", f"{name} ran for more than {seconds} s")
            time.sleep(0.002)
        wall = time.perf_counter() - start
        out.seek(0), err.seek(0)
        printed, said = (file.read().decode(errors="replace") for file in (out, err))
        if process.returncode:
            outcome = "unsupported" if process.returncode == 1 else "crash"
            raise Failure(outcome, said.strip() or printed.strip() or f"{name} ended with {process.returncode}")
        return printed, wall, peak


def as_array(value):
    """An output as one array; the list of dictionaries that ZipMap makes becomes columns by sorted key."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        keys = sorted(value[0])
        return np.array([[row[key] for key in keys] for row in value])
    return np.asarray(value)


class OnnxRuntime:
    """The reference: one session for each number of threads."""

    def __init__(self, model):
        self.model = str(model)
        self.sessions = {}

    def session(self, threads=1, plain=False):
        """A session; a `plain` one computes node by node, without optimisations of the graph."""
        if (threads, plain) not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            options.log_severity_level = 3
            if plain:
                options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            self.sessions[threads, plain] = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        return self.sessions[threads, plain]

    def feed(self, file):
        """The arrays of an .npz under the names of the inputs, whichever of the two ways it is keyed."""
        names = [i.name for i in self.session().get_inputs()]
        with np.load(file) as arrays:
            return {name: arrays[name] if name in arrays else arrays[f"arr_{i}"] for i, name in enumerate(names)}

    def outputs(self, file, plain=False):
        return self.answers(self.session(plain=plain), file)

    def answers(self, session, file):
        values = session.run(None, self.feed(file))
        return {o.name: as_array(value) for o, value in zip(self.session().get_outputs(), values)}

    def spread(self, file):
        """What rounding does to this model: how far its outputs lie from those that it computes without optimisations, or with
        numbers in the last place of which there is another digit."""
        expected = self.outputs(file)
        moved = (self.answers(self.moved(seed), file) for seed in range(MOVES))
        return max(worst_error(got, expected) for got in (self.outputs(file, plain=True), *moved))

    def moved(self, seed):
        """A session of the model with all f32 initializers moved up or down to the next number."""
        model, random = onnx.load(self.model), np.random.default_rng(seed)
        for tensor in model.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                value = onnx.numpy_helper.to_array(tensor)
                most = np.finfo(np.float32).max
                to = np.where(random.random(value.shape) < 0.5, -most, most).astype(np.float32)
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.nextafter(value, to), tensor.name))
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def milliseconds(self, file, threads, seconds):
        session, feed = self.session(threads), self.feed(file)
        session.run(None, feed)
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            session.run(None, feed)
            times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)


def worst_error(got, expected):
    """max |a - b| / max |b| over all outputs; infinite where shapes, NaNs or exact values differ."""
    worst = 0.0
    for name, b in expected.items():
        if name not in got:
            raise Failure("wrong", f"output '{name}' is missing")
        a = got[name]
        if a.shape != b.shape:
            raise Failure("wrong", f"output '{name}' has shape {list(a.shape)}, ONNX Runtime's has {list(b.shape)}")
        if b.dtype.kind not in "fc" or not b.size:
            if not np.array_equal(a.astype(b.dtype), b):
                raise Failure("wrong", f"output '{name}' differs in {np.sum(a != b)} of {b.size} values")
            continue
        if not np.array_equal(np.isfinite(a), np.isfinite(b)):
            raise Failure("wrong", f"output '{name}' is finite in {np.isfinite(a).sum()} places, ONNX Runtime's in {np.isfinite(b).sum()}")
        finite = np.isfinite(b)
        if finite.any():
            scale = max(float(np.abs(b[finite]).max()), 1e-30)
            worst = max(worst, float(np.abs(a[finite].astype(float) - b[finite].astype(float)).max()) / scale)
    return worst


class Program:
    """A model compiled to a program in a folder of its own."""

    def __init__(self, burnish, model, folder, options=(), seconds=600):
        self.path = pathlib.Path(folder) / "program"
        _, self.compile_s, peak = run([burnish, model, "-o", self.path, *options], seconds)
        self.compiler_mb = peak / 2**20
        self.size_mb = self.path.stat().st_size / 2**20

    def outputs(self, file, threads=1, seconds=120):
        """Runs once; returns ({name: array}, wall seconds)."""
        out = self.path.with_name("out.npz")
        _, wall, _ = run([self.path, file, "-o", out, f"--threads={threads}"], seconds)
        with np.load(out) as arrays:
            return dict(arrays), wall

    def milliseconds(self, file, threads, seconds):
        text, _, _ = run([self.path, file, f"--bench={seconds}", f"--threads={threads}"], 120)
        return json.loads(text)["median_ms"]
