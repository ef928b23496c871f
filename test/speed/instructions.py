"""instructions.py - how many instructions small networks execute, compared with instructions.tsv.

    build/venv/bin/python test/speed/instructions.py [NAME ...] [--burnish build/bin/burnish] [--update]

Each network of small_networks.py is compiled for AVX2 and FMA (the most that valgrind knows) and runs once under callgrind, which counts in the
model's function alone. Counts do not depend on the machine, on its load or on its speed, so a few percent more are a change of
the compiler. Fewer are one too, to be kept with --update, which rewrites the table.
"""

import argparse
import math
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import onnx

import small_networks

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TABLE = HERE / "instructions.tsv"
CPU = "x86-64-v3"
TOLERANCE = 0.03

DRIVER = """
#include "{name}.h"
static _Alignas(64) float input[{inputs}], output[{outputs}];
static _Alignas(64) char workspace[{NAME}_WORKSPACE_BYTES + 64];
int main(void) {{
  for (int i = 0; i < {inputs}; i++)
    input[i] = (float)(i * 37 % 101) / 101 - 0.5f;
  return {name}_run(0, input, output, workspace);
}}
"""


def run(words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-600:]}")
    return done


def size_of(value):
    return math.prod(d.dim_value for d in value.type.tensor_type.shape.dim)


def count(name, burnish):
    """The instructions of one run of a network."""
    model = small_networks.NETWORKS[name]()
    sizes = dict(inputs=size_of(model.graph.input[0]), outputs=size_of(model.graph.output[0]))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / f"{name}.onnx"
        onnx.save(model, file)
        run([burnish, file, "-c", f"--cpu={CPU}", "-o", file.with_suffix(".o")])
        file.with_suffix(".c").write_text(DRIVER.format(name=name, NAME=name.upper(), **sizes))
        program, counts = file.with_suffix(""), file.with_suffix(".counts")
        library = pathlib.Path(burnish).resolve().parent.parent / "lib/libburnish.a"
        run(["clang-22", "-O1", file.with_suffix(".c"), file.with_suffix(".o"), library, "-lm", "-pthread", "-o", program])
        tool = ["valgrind", "--tool=callgrind", f"--toggle-collect={name}_run", f"--callgrind-out-file={counts}"]
        run([*tool, program])
        return int(re.search(r"^summary: (\d+)", counts.read_text(), re.M)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(small_networks.NETWORKS), help="only these networks")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--update", action="store_true", help="rewrite these networks' lines of instructions.tsv")
    options = parser.parse_args()
    if platform.machine() != "x86_64":
        print("instructions: not counted, as this machine is no x86-64")
        return 0
    lines = TABLE.read_text().splitlines()[1:] if TABLE.exists() else []
    known = {name: int(number) for name, number in (line.split("\t") for line in lines)}
    failed = 0
    for name in options.names:
        found = count(name, options.burnish)
        change = found / known[name] - 1 if name in known else None
        if change is None:
            verdict = "not in the table, keep it with --update"
        elif abs(change) > TOLERANCE:
            verdict = f"{100 * change:+.1f} %" + (", more than the table says" if change > 0 else ", fewer: keep that with --update")
        else:
            verdict = f"{100 * change:+.1f} %, as before"
        failed += not verdict.endswith("before")
        print(f"{name:12s} {found:12,d} instructions: {verdict}", flush=True)
        if options.update:
            known[name] = found
    if options.update:
        rows = [f"{name}\t{known[name]}" for name in small_networks.NETWORKS if name in known]
        TABLE.write_text("\n".join(["network\tinstructions", *rows, ""]))
        return 0
    print(f"instructions: {len(options.names) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
