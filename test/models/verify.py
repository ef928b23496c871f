"""verify.py - real models and the benchmark suite, compiled, run and compared with ONNX Runtime.

    ./dev models [NAME ...] [--suite DIR] [--update] [--quick]

Each model is compiled with the dims of each of its cases pinned and, if it has symbolic ones, with them left open; each
program runs at 1 and 2 threads and must give ONNX Runtime's outputs: |a - b| <= 1e-4 * max |b|, or twice what ONNX Runtime's
differ by when it computes node by node or with weights that differ in the last place, where that is more (a model may amplify
rounding errors; quantized ones do). Outcomes are compared with
results.tsv; compile seconds, peak memory of the compiler, size of the program and ms a run beside ONNX Runtime's go to
build/models/measured.json. `--suite` adds the models of a folder made by tools/bench/make_models.py; `--quick` leaves out
what is measured only for the table.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import onnx

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import fetch
import measure
import outcomes

TABLE = HERE / "results.tsv"
TOLERANCE = 1e-4
THREADS = (1, 2)


def input_dims(model):
    """{input: dims} of a model file; a dim is a number, a symbol or None."""
    graph = onnx.load(model, load_external_data=False).graph
    weights = {i.name for i in graph.initializer}
    one = lambda d: d.dim_value if d.dim_value > 0 else (d.dim_param.strip("?") or None)
    return {i.name: [one(d) for d in i.type.tensor_type.shape.dim] for i in graph.input if i.name not in weights}


def pin_options(dims, shapes):
    """Options that fix every open dim: `--dim` where all of an input's open dims have names, else `--shape`."""
    options = {}
    for name, shape in shapes.items():
        if None in dims[name]:
            options[f"--shape={name}={'x'.join(map(str, shape))}"] = None
        else:
            options.update({f"--dim={d}={n}": None for d, n in zip(dims[name], shape) if isinstance(d, str)})
    return list(options)


def variants(model, files, reference):
    """[(name of the variant, compiler options, case files)]."""
    dims = input_dims(model)
    if all(isinstance(d, int) for shape in dims.values() for d in shape):
        return [("static", [], files)]
    shapes = [{name: array.shape for name, array in reference.feed(file).items()} for file in files]
    pinned = [(f"pinned-{k}", pin_options(dims, shapes[k]), [file]) for k, file in enumerate(files)]
    return [*pinned, ("symbolic", [], files)]


def verify(burnish, model, options, files, reference, quick):
    """Compiles one variant and checks all its cases; returns what was measured."""
    row = {}
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        try:
            program = measure.Program(burnish, model, folder, options)
            row.update(compile_s=program.compile_s, compiler_mb=program.compiler_mb, size_mb=program.size_mb, error=0.0)
            for file in files:
                expected = reference.outputs(file)
                error = max(measure.worst_error(program.outputs(file, threads)[0], expected) for threads in THREADS)
                row["error"] = max(row["error"], error)
                if error > TOLERANCE and error > 2 * (spread := reference.spread(file)):
                    raise measure.Failure("wrong", f"the largest difference is {error:.2g} of the largest value; ONNX Runtime's own is {spread:.2g}")
            row["outcome"] = "pass"
            for threads in () if quick else THREADS:
                row[f"ms_{threads}"] = program.milliseconds(files[0], threads, 0.5)
                row[f"ort_ms_{threads}"] = reference.milliseconds(files[0], threads, 0.5)
        except measure.Failure as failure:
            row.update(outcome=failure.outcome, message=str(failure).replace(f"{model.parent}/", ""))
    return row


def suite_models(folder):
    """(name, model file, [inputs file]) of the benchmark suite."""
    for model in sorted(folder.glob("*.onnx")):
        yield model.stem, model, [model.with_suffix(".inputs.npz")]


def open_models(names):
    for name in names:
        model, cases = fetch.fetch(name, ROOT / "build/models")
        yield name, model, [file for _, file in cases]


def show(name, variant, row):
    number = lambda key, form: format(row[key], form) if key in row else "-"
    print(
        f"{name:20s} {variant:9s} {row['outcome']:11s} err {number('error', '7.1e')}  compile {number('compile_s', '5.1f')} s"
        f" {number('compiler_mb', '5.0f')} MB  program {number('size_mb', '6.1f')} MB"
        f"  ms {number('ms_1', '8.3f')} {number('ms_2', '8.3f')}  ort {number('ort_ms_1', '8.3f')} {number('ort_ms_2', '8.3f')}"
        + (f"  {row['message'].splitlines()[0][:200]}" if "message" in row else ""),
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these models")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--suite", type=pathlib.Path, help="folder of the benchmark suite, added to the open models")
    parser.add_argument("--quick", action="store_true", help="check outputs, measure no times")
    parser.add_argument("--update", action="store_true", help="rewrite these models' lines of results.tsv")
    options = parser.parse_args()

    found = list(open_models([n for n in fetch.models() if not options.names or n in options.names]))
    if options.suite:
        found += [entry for entry in suite_models(options.suite) if not options.names or entry[0] in options.names]
    if unknown := set(options.names) - {name for name, _, _ in found}:
        sys.exit(f"verify.py: no model is called {', '.join(sorted(unknown))}")
    measured = {}
    for name, model, files in found:
        reference = measure.OnnxRuntime(model)
        for variant, pins, cases in variants(model, files, reference):
            measured[name, variant] = row = verify(options.burnish, model, pins, cases, reference, options.quick)
            show(name, variant, row)
    record = ROOT / "build/models/measured.json"
    rows = {tuple(r["key"]): r for r in json.loads(record.read_text())} if record.exists() else {}
    rows.update({key: {"key": key, **row} for key, row in measured.items()})
    record.write_text(json.dumps([rows[key] for key in sorted(rows)], indent=1))

    results = {key: (row["outcome"], row.get("message")) for key, row in measured.items()}
    known = outcomes.read(TABLE, key_columns=2)
    if options.update:
        known.update({key: outcome for key, (outcome, _) in results.items()})
        outcomes.write(TABLE, ["model", "variant", "outcome"], [[*key, outcome] for key, outcome in known.items()])
    failures = outcomes.compare(results, known)
    print(outcomes.summary("models", results, known, failures))
    sys.exit(failures != 0)


if __name__ == "__main__":
    try:
        main()
    except fetch.FetchError as error:
        sys.exit(f"verify.py: {error}")
