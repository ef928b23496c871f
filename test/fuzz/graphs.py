"""graphs.py - compiles and runs random graphs, and compares what they compute with ONNX Runtime.

    build/venv/bin/python test/fuzz/graphs.py [--runs N] [--seed S] [--first I] [--jobs N] [--flags=FLAGS] [--burnish build/asan/bin/burnish]
    build/venv/bin/python test/fuzz/graphs.py --minimize build/fuzz/graphs-1-17

Run I of seed S always makes the same graph (see generator/). `burnish test` compiles it at the default level and at -O0, mostly
for this CPU and sometimes for an older one, and runs it on two threads and on one, which must give the same bits. All buffers end at guarded pages, of every second
graph its weights, too. Most graphs are written in other words first (generator/rewire.py). Results are compared with those of ONNX Runtime, node by node; what they may differ by was measured while the graph grew. What differs by
more is judged again by what rounding errors of the weights and inputs do to ONNX Runtime's own results. A refusal, a crash, or a
compile of more than 20 s is a finding too. Where dims are symbolic the program runs with two other sizes of them as well, if ONNX
Runtime does. Findings are kept in build/fuzz/; `--minimize` writes a smaller model that fails in
the same way to FOLDER-small.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from generator import graph as graphs
from generator import minimize, rewire, styles

BATCH = 40
SECONDS = 60
SLOW = 20_000  # milliseconds
# Shares of the largest value of an output that may always be missing.
LEAST = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
CPUS = ([],) * 15 + (["--cpu=x86-64-v3"],) * 2 + (["--cpu=x86-64-v2"],) + (["--check-bounds"],) * 2


def allowed(value, noise):
    """The absolute tolerance for an output, of which noise of about ten roundings changes elements by `noise` at most."""
    if value.dtype not in LEAST or not value.size:
        return 0.0
    finite = np.abs(value[np.isfinite(value)].astype(np.float64))
    return 3 * noise + LEAST[value.dtype] * float(finite.max(initial=0))


def write_set(folder, number, feed, expected):
    data = folder / f"test_data_set_{number}"
    data.mkdir(parents=True, exist_ok=True)
    for kind, arrays in (("input", feed), ("output", expected)):
        for index, (name, array) in enumerate(arrays.items()):
            (data / f"{kind}_{index}.pb").write_bytes(numpy_helper.from_array(array, name).SerializeToString())


def write_case(folder, model, feed, expected, tolerances):
    """A folder as `burnish test` reads it; `feed` and `expected` are {name: array} in the model's order."""
    write_set(folder, 0, feed, expected)
    onnx.save(model, folder / "model.onnx")
    (folder / "tolerance").write_text("".join(f"0 {t:.17g}\n" for t in tolerances))


def resized(model, feed, rng):
    """The inputs with other sizes where dims are symbolic; None where none are."""
    sizes, other = {}, {}
    for info in model.graph.input:
        if info.name not in feed:
            continue
        shape = list(feed[info.name].shape)
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                name = dim.dim_param or f"{info.name}/{axis}"
                shape[axis] = sizes.setdefault(name, rng.choice((1, max(shape[axis] - 1, 1), shape[axis] + 1, 2 * shape[axis] + 1, 17)))
        other[info.name] = np.resize(feed[info.name], shape)
    return other if sizes else None


def write_other_sizes(folder, model, feed, names, rng):
    number = 1
    for _ in range(6):
        other = resized(model, feed, rng)
        if other is None or number == 3 or sum(a.size for a in other.values()) > 1 << 20:
            return
        try:
            levels = onnxruntime.GraphOptimizationLevel
            results = graphs.session(model, levels.ORT_DISABLE_ALL).run(None, other)
        except Exception:
            continue
        if all(np.isfinite(r).all() and np.abs(r.astype(np.float64)).max(initial=0) < 1e4 for r in results if r.dtype in LEAST):
            write_set(folder, number, other, dict(zip(names, results)))
            number += 1


def generate(seed, index, folder):
    """Writes the case of a run; the flags of its compile."""
    rng = random.Random(f"{seed}/{index}")
    g, model, outputs, style = styles.make(rng)
    feed = {i.name: g.inputs[i.name] for i in model.graph.input if i.name in g.inputs}
    tolerances = [allowed(t.value, g.noise(t.value, t.noisy)) for t in outputs]
    write_case(folder, model, feed, {t.name: t.value for t in outputs}, tolerances)
    flags = rng.choice(CPUS)
    write_other_sizes(folder, model, feed, [t.name for t in outputs], rng)
    numbers = random.Random(f"{seed}/{index}/words")
    if numbers.random() < 0.7:
        write_in_other_words(folder, numbers, model, g.tensors)
    return flags


def write_in_other_words(folder, rng, model, tensors):
    """Puts another model that means the same in the place of a case's, which stays as plain.onnx."""
    other, whole = rewire.rewire(rng, model, tensors)
    (folder / "model.onnx").rename(folder / "plain.onnx")
    given = [float(line.split()[1]) for line in (folder / "tolerance").read_text().splitlines()]
    for number in range(len(list(folder.glob("test_data_set_*")))):
        _, feed, expected = load_case(folder, number)
        feed |= whole.feed
        known = {name: tensor.value for name, tensor in tensors.items()} | expected | feed
        for name, source in whole.results:
            expected[name] = known[name] = known[source]
        shutil.rmtree(folder / f"test_data_set_{number}")
        write_set(folder, number, {i.name: feed[i.name] for i in other.graph.input if i.name in feed}, expected)
    at = {o.name: given[i] for i, o in enumerate(model.graph.output)}
    for name, source in whole.results:
        at[name] = at.get(source, 0.0)
    (folder / "tolerance").write_text("".join(f"0 {t:.17g}\n" for t in at.values()))
    if rng.random() < 0.3:
        rewire.external(rng, other, folder)
    (folder / "model.onnx").write_bytes(other.SerializeToString())


def generate_apart(seed, index, folder):
    """The same in a process of its own, as ONNX Runtime divides by zero now and then; None where it did."""
    process = os.fork()
    if process == 0:
        try:
            folder.mkdir(parents=True)
            (folder / "flags").write_text(" ".join(generate(seed, index, folder)))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return None
    if status:
        sys.exit(f"graphs.py: cannot make graph {index} of seed {seed}")
    return (folder / "flags").read_text().split()


def run_cases(burnish, flags, folders):
    """[(folder, record)]; a record that is missing is a crash of the whole."""
    command = [burnish, "test", "--json", "--jobs=1", f"--timeout={SECONDS}", *flags, *map(str, folders)]
    options = "detect_leaks=0:abort_on_error=1:allow_user_poisoning=0"  # see lit.cfg.py
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, ASAN_OPTIONS=options))
    records = [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
    while len(records) < len(folders):
        records.append({"outcome": "crash", "message": f"burnish test ends with {done.returncode}", "ms": 0})
    return list(zip(folders, records))


def load_case(folder, number=0):
    """(model, inputs, outputs) of a folder and one of its sets of data."""

    def arrays(kind):
        files = sorted((folder / f"test_data_set_{number}").glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
        tensors = [onnx.TensorProto.FromString(file.read_bytes()) for file in files]
        return {t.name: numpy_helper.to_array(t) for t in tensors}

    plain = folder / "plain.onnx"
    return onnx.load(plain if plain.exists() else folder / "model.onnx"), arrays("input"), arrays("output")


def perturbed(array, numbers):
    """The array as other roundings would have left it."""
    if array.dtype not in LEAST:
        return array
    return (array * (1 + np.finfo(array.dtype).eps * numbers.standard_normal(array.shape))).astype(array.dtype)


def spreads(folder):
    """What roundings do to the outputs when ONNX Runtime computes them: the greatest differences it gives, for each output."""
    sets = [spreads_of(folder, number) for number in range(len(list(folder.glob("test_data_set_*"))))]
    return None if None in sets else [max(each) for each in zip(*sets)]


def spreads_of(folder, number):
    model, feed, expected = load_case(folder, number)
    feed = {i.name: feed[i.name] for i in model.graph.input if i.name in feed}
    numbers = np.random.default_rng(1)
    worst = [0.0] * len(expected)
    for trial in range(6):
        other = onnx.ModelProto.FromString(model.SerializeToString())
        if trial > 1:
            for tensor in other.graph.initializer:
                tensor.CopyFrom(numpy_helper.from_array(perturbed(numpy_helper.to_array(tensor), numbers), tensor.name))
            inputs = {n: perturbed(a, numbers) for n, a in feed.items()}
        else:
            inputs = feed
        levels = onnxruntime.GraphOptimizationLevel
        try:
            results = graphs.session(other, levels.ORT_ENABLE_ALL if trial == 1 else levels.ORT_DISABLE_ALL).run(None, inputs)
        except Exception:
            return None
        for k, (result, value) in enumerate(zip(results, expected.values())):
            if result.shape == value.shape and result.size:
                with np.errstate(all="ignore"):
                    worst[k] = max(worst[k], float(np.nanmax(np.abs(result.astype(np.float64) - value.astype(np.float64)))))
    return worst


def hangs_on_rounding(burnish, flags, folder):
    """Whether the case passes with the tolerances that ONNX Runtime itself needs."""
    worst = spreads(folder)
    if worst is None:
        return False
    file = folder / "tolerance"
    kept = file.read_text()
    given = [float(line.split()[1]) for line in kept.splitlines()]
    file.write_text("".join(f"0 {max(t, 5 * w):.17g}\n" for t, w in zip(given, worst)))
    if run_cases(burnish, flags, [folder])[0][1]["outcome"] == "pass":
        return True
    file.write_text(kept)
    return False


def finding(record):
    if record["outcome"] != "pass":
        return f"{record['outcome']}: {record['message']}"
    return f"slow: {record['ms'] / 1000:.1f} s" if record["ms"] > SLOW else None


def run_batch(burnish, given, seed, indices):
    """(counts, [(folder kept, flags, finding)], seconds of generating and running) of some graphs, with flags that are `given` where not None."""
    counts, kept, times, begin = collections.Counter(), [], collections.Counter(), time.time()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        by_flags = collections.defaultdict(list)
        for index in indices:
            folder = pathlib.Path(name) / f"graphs-{seed}-{index}"
            flags = generate_apart(seed, index, folder)
            if flags is None:
                counts["skipped"] += 1
                continue
            by_flags[(*(flags if given is None else given), "--threads=2", *(["--weights=file"] if index % 2 else []))].append(folder)
            by_flags["-O0",].append(folder)
        times["generating"] = time.time() - begin
        failed = set()
        for flags, folders in by_flags.items():
            for folder, record in run_cases(burnish, flags, folders):
                if record["outcome"] == "timeout":  # of a machine that was busy with something else, perhaps
                    record = run_cases(burnish, flags, [folder])[0][1]
                what = finding(record)
                if not what:
                    continue
                if record["outcome"] == "mismatch" and hangs_on_rounding(burnish, flags, folder):
                    counts["roundings"] += 1
                    continue
                failed.add(folder)
                to = ROOT / "build/fuzz" / folder.name
                shutil.copytree(folder, to, dirs_exist_ok=True)
                (to / "flags").write_text(" ".join(flags))
                kept.append((to, flags, what))
        counts["failed"] = len(failed)
        times["running"] = time.time() - begin - times["generating"]
    return counts, kept, times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--flags", type=str.split, help="what graphs are compiled with at the default level, as --flags=--cpu=x86-64-v3 (default: a choice by the graph)")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--minimize", type=pathlib.Path, nargs="+", metavar="FOLDER", help="make kept findings smaller")
    options = parser.parse_args()
    burnish = str(pathlib.Path(options.burnish).resolve())

    if options.minimize:
        for folder in options.minimize:
            flags = (folder / "flags").read_text().split()
            minimize.minimize(folder, lambda cases: [r["outcome"] for _, r in run_cases(burnish, flags, cases)], load_case, write_case)
            print(f"{burnish} test {' '.join(flags)} {folder}-small")
        return
    runs = range(options.first, options.first + options.runs)
    batches = [runs[i : i + BATCH] for i in range(0, len(runs), BATCH)]
    counts, times = collections.Counter(), collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(run_batch, burnish, options.flags, options.seed, batch) for batch in batches]:
            batch_counts, kept, batch_times = future.result()
            counts.update(batch_counts)
            times.update(batch_times)
            for folder, flags, what in kept:
                print(f"FAIL {burnish} test {' '.join(flags)} {folder.relative_to(ROOT)}")
                print("     " + "\n     ".join(what.splitlines()[:12]), flush=True)
    seconds = ", ".join(f"{time:.0f} s {what}" for what, time in times.items())
    print(f"graphs: seed {options.seed}, {seconds}; {counts['roundings']} hang on roundings, {counts['skipped']} crash ONNX Runtime")
    print(f"graphs: {options.runs - counts['failed'] - counts['skipped']} passed, {counts['failed']} failed")
    sys.exit(counts["failed"] != 0)


if __name__ == "__main__":
    main()
