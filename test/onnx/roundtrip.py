"""roundtrip.py - models printed as the language, compiled from it, and compared with what they are compiled as.

    build/venv/bin/python test/onnx/roundtrip.py PATH... [--match WORD] [--jobs N] [--burnish PATH] [--list]

PATH is a model with NAME.inputs.npz beside it, or a folder of either such models or ONNX's own cases (./dev conformance writes
these to build/onnx-cases). Of each model there are two programs, one of the ONNX file and one of what `--emit=dsl` made of it; given
the same inputs both must give the same bits. Inputs are those of the case or file; where it has none that a program takes as
they are (sequences, optionals, nothing), they are drawn by the program's signature, with the first size of open dims that it runs with.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WIDTHS = {"float32": "f4", "float64": "f8", "float16": "f2", "bool": "?", "string": "U1"} | {
    f"{sign}int{bits}": f"{sign[:1]}{kind}{bits // 8}" for sign, kind in (("", "i"), ("u", "")) for bits in (8, 16, 32, 64)
}


def run(words, folder, seconds=600):
    """Whether a command ended well, and what it said."""
    try:
        done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return False, f"{words[0]} took more than {seconds} s"
    return done.returncode == 0, (done.stderr or done.stdout).strip()


def case_inputs(model):
    """The inputs of a case of ONNX's by their places; None where one is no tensor."""
    arrays = []
    graph = onnx.load(model, load_external_data=False).graph
    weights = {i.name for i in graph.initializer}
    infos = [info for info in graph.input if info.name not in weights]
    for k, info in enumerate(infos):
        path = model.parent / "test_data_set_0" / f"input_{k}.pb"
        if not info.type.HasField("tensor_type") or not path.exists():
            return None
        array = numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
        if array.dtype == object:
            array = np.array([x.decode() if isinstance(x, bytes) else x for x in array.ravel()], str).reshape(array.shape)
        arrays.append(array)
    return {f"arr_{k}": array for k, array in enumerate(arrays)}


def drawn_inputs(program, folder, size):
    """Inputs by a program's signature; `size` is that of dims that only the run knows."""
    said = json.loads(subprocess.run([program, "--signature"], cwd=folder, capture_output=True, check=True).stdout)
    rng, arrays = np.random.default_rng(5), {}
    for k, port in enumerate(said["inputs"]):
        dims = [dim if isinstance(dim, int) and dim >= 0 else size for dim in port["dims"]]
        kind = WIDTHS.get(port["type"], "V1")
        if kind[0] == "f":
            arrays[f"arr_{k}"] = rng.standard_normal(dims).astype(kind)
        elif kind[0] == "V":
            arrays[f"arr_{k}"] = rng.integers(0, 2, dims).astype("u1").view("V1") if dims else np.array(1, "u1").view("V1")
        else:
            arrays[f"arr_{k}"] = rng.integers(0, 2, dims).astype(kind)
    return arrays


def bits(path):
    """What a program wrote: names, types, shapes and bytes."""
    with np.load(path) as arrays:
        return [(name.replace(".", "_"), a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()]


def compare(burnish, model, inputs, folder):
    """(outcome, why): `agrees`, `refused` as ONNX, too, or where it went wrong."""
    model, folder = pathlib.Path(model).resolve(), pathlib.Path(folder)
    done, said = run([burnish, model, "-o", "direct"], folder)
    if not done:
        return "refused", said
    for words in (["--emit=dsl", "-o", "printed.nn"], None):
        done, said = run([burnish, model, *words] if words else [burnish, "printed.nn", "-o", "printed"], folder)
        if not done:
            return "does not print" if words else "does not compile", said
    # Not every size makes sense.
    for size in (1, 2, 16, 128) if inputs is None else (0,):
        np.savez(folder / "in.npz", **(drawn_inputs("./direct", folder, size) if inputs is None else inputs))
        if run(["./direct", "in.npz"], folder)[0]:
            break
    ends = [run([f"./{program}", "in.npz", "-o", f"{program}.npz"], folder) for program in ("direct", "printed")]
    if not ends[0][0] or not ends[1][0]:
        why = [said.replace("direct", "printed") for _, said in ends]
        return ("agrees", f"both end with: {why[0]}") if why[0] == why[1] else ("ends otherwise", " | ".join(why))
    found = [bits(folder / f"{program}.npz") for program in ("direct", "printed")]
    # Names that are none in the language become others.
    differs = [a[0] for a, b in zip(*found) if a[1:] != b[1:]]
    return ("differs", ", ".join(differs)) if differs or len(found[0]) != len(found[1]) else ("agrees", "")


def models(path):
    """[(name, model, inputs or None)] below a path."""
    if path.is_dir():
        return [each for inner in sorted({*path.rglob("model.onnx"), *path.glob("*.onnx")}) for each in models(inner)]
    if path.name == "model.onnx":
        return [(path.parent.name, path, lambda: case_inputs(path))]
    beside = path.with_suffix(".inputs.npz")
    return [(path.stem, path, lambda: dict(np.load(beside)) if beside.exists() else None)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=pathlib.Path, nargs="+")
    parser.add_argument("--match", default="", help="only models whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--list", action="store_true", help="print a line for each model that does not agree")
    options = parser.parse_args()
    burnish = pathlib.Path(options.burnish).resolve()

    def one(each):
        name, model, inputs = each
        with tempfile.TemporaryDirectory() as folder:
            return name, *compare(burnish, model, inputs(), folder)

    chosen = [each for path in options.paths for each in models(path) if options.match in each[0]]
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, outcome, why in pool.map(one, chosen):
            counts[outcome if not why or outcome != "agrees" else "agrees, both fail"] += 1
            if options.list and (outcome != "agrees" or why):
                print(f"{name}: {outcome}: {why.splitlines()[0] if why else ''}", flush=True)
    print(f"{len(chosen)} models:", ", ".join(f"{count} {what}" for what, count in counts.most_common()))
    sys.exit(any(what not in ("agrees", "agrees, both fail", "refused") for what in counts))


if __name__ == "__main__":
    main()
