"""costs.py - what compiling the benchmark suite costs, and what the programs take beside their time; JSON out.

    build/bench-venv/bin/python tools/bench/costs.py build/suite/NAME.onnx ... [--continue] [--out costs.json]

For each model
    compile_s, compiler_bytes  the fastest of some compiles; the compiler's peak resident memory
    weights_bytes              of the ONNX file: the weights as they were given
    model_bytes                weights and kernels as they are in the object
    beyond_bytes               the program without these
    workspace_bytes, widest_bytes  the workspace, and the most that one operation needs at once, below which no plan can go
    resident_bytes             the program's peak resident memory while it ran
    resident_beyond_bytes      of it, what is not weights and kernels, workspace, inputs or outputs

--continue leaves out models that were measured with this very compiler.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

import peers
from graph_stats import bytes_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "test/models"))
import measure

PAGE = os.sysconf("SC_PAGESIZE")
PLAN = re.compile(r"a workspace of (\d+) bytes, and the widest point has (\d+)")


def loaded_bytes(file):
    """What of an object file is in memory when it runs."""
    text = subprocess.run(["llvm-size-22", "--format=berkeley", file], check=True, capture_output=True, text=True).stdout
    return int(text.splitlines()[1].split()[3])


def compile_to(program, model):
    """(seconds, peak bytes) of the fastest of some compiles: of a long one the first is good enough."""
    runs = []
    while not runs or (len(runs) < 3 and runs[-1][0] < 2):
        runs.append(measure.run([peers.burnish(), model, "-o", program], 600)[1:])
    return min(runs)


def costs(model, folder):
    program, inputs = folder / "program", model.with_suffix(".inputs.npz")
    seconds, peak = compile_to(program, model)
    words = [peers.burnish(), model, "-c", "--remarks", "-o", folder / "model.o"]
    said = subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True).stderr
    workspace, widest = map(int, PLAN.search(said).groups())
    model_bytes = loaded_bytes(folder / "model.o")
    ran = json.loads(measure.run([program, inputs, "--bench=0"], 120)[0])
    measure.run([program, inputs, "-o", folder / "out.npz"], 120)
    with np.load(inputs) as given, np.load(folder / "out.npz") as made:
        # An input is read with the header of its file, into pages of its own.
        pages = sum(-(-array.nbytes // PAGE) + 1 for array in given.values()) * PAGE
        moved = pages + sum(array.nbytes for array in made.values())
    return dict(
        date=time.time(),
        compile_s=seconds,
        compiler_bytes=peak,
        weights_bytes=sum(bytes_of(i) for i in onnx.load(model).graph.initializer),
        model_bytes=model_bytes,
        beyond_bytes=program.stat().st_size - model_bytes,
        workspace_bytes=workspace,
        widest_bytes=widest,
        resident_bytes=ran["peak_rss_bytes"],
        resident_beyond_bytes=ran["peak_rss_bytes"] - model_bytes - workspace - moved,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--continue", action="store_true", dest="resume")
    options = parser.parse_args()
    built = os.stat(peers.burnish()).st_mtime
    found = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for model in options.models:
        if options.resume and found.get(model.stem, {}).get("date", 0) > built:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found[model.stem] = row = costs(model, pathlib.Path(folder))
        mb = lambda key: f"{row[key] / 2**20:.1f} MB"
        print(
            f"{model.stem:18s} compiles in {row['compile_s']:5.2f} s and {mb('compiler_bytes')}, weights {mb('weights_bytes')};"
            f" {row['beyond_bytes'] / 1000:.0f} KB beyond weights and kernels; workspace {row['workspace_bytes']} bytes,"
            f" widest point {row['widest_bytes']}; resident {mb('resident_bytes')}, {mb('resident_beyond_bytes')} beyond",
            flush=True,
        )
        if options.out:
            options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
