"""conformance.py - runs ONNX's own cases through the compiler and compares the outcomes with results.tsv.

    ./dev conformance [--update] [--why] [--unknown-sizes] [--set SET] [--match WORD] [--jobs N]

Every case takes the real path: compiled to an object, linked, run. results.tsv has a line for each case (set, case, outcome,
worst error in units in the last place, rounded up to a power of two, so that machines agree). A case that passed and does
not any more is a failure; so is one that is listed as not passing and passes: `--update` then rewrites results.tsv and
RESULTS.md. `--why` prints the cases that do not pass, grouped by what the compiler said.

`--unknown-sizes` makes every size of every input one that only the run knows. Where a rank depends on a size the model may
then be refused; all else is to come out as it does with sizes.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import time

import onnx

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import collect
import outcomes

TABLE = HERE / "results.tsv"
REPORT = HERE / "RESULTS.md"
RECORD = ROOT / "build/conformance.jsonl"
# Compiling a whole network on a busy machine.
SECONDS = 300


def run_set(burnish, folder, cases, jobs):
    """Runs `burnish test` on the cases of one set and returns {case: record}; RECORD has the lines as they come."""
    command = [burnish, "test", "--json", f"--jobs={jobs}", f"--timeout={SECONDS}", *(str(folder / case) for case in cases)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    records = {}
    with RECORD.open("a") as record_file:
        for line in process.stdout:
            if line.startswith("{"):
                record = json.loads(line)
                records[pathlib.PurePath(record["name"]).name] = record
                record_file.write(line)
                record_file.flush()
    process.wait()
    for case in cases:
        records.setdefault(case, {"outcome": "crash", "message": f"no result (burnish test ended with {process.returncode})"})
    return records


def forget_sizes(type_proto):
    """Takes the sizes out of a tensor's type, or out of the types inside a sequence's or an optional value's."""
    kind = type_proto.WhichOneof("value")
    if kind == "tensor_type":
        for dim in type_proto.tensor_type.shape.dim:
            dim.Clear()
    elif kind in ("sequence_type", "optional_type"):
        forget_sizes(getattr(type_proto, kind).elem_type)


def with_unknown_sizes(cases, out):
    """Writes the cases once more, without the sizes of what a run is given and gives; the data stays where it is."""
    shutil.rmtree(out, ignore_errors=True)
    for case in sorted(path for kind in collect.SETS for path in (cases / kind).iterdir()):
        folder = out / case.relative_to(cases)
        folder.mkdir(parents=True)
        model = onnx.load(case / "model.onnx", load_external_data=False)
        weights = {weight.name for weight in model.graph.initializer}
        for info in (*model.graph.input, *model.graph.output):
            if info.name not in weights:
                forget_sizes(info.type)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        for path in case.iterdir():
            if path.name != "model.onnx":
                (folder / path.name).symlink_to(path.resolve())
    return out


def ulp_bucket(record):
    """The worst error of a case that passed, rounded up to a power of two; '-' for the others."""
    ulp = record.get("max_ulp")
    if record["outcome"] != "pass" or ulp is None or not math.isfinite(ulp):
        return "-"
    return str(2 ** math.ceil(math.log2(max(ulp, 1)))) if ulp > 0 else "0"


def operator_of(folder, case):
    """The operator that a node case is about: its only node, or that of the case it was expanded from."""
    base = folder / re.sub(r"_expanded.*", "", case)
    graph = onnx.load((base if base.exists() else folder / case) / "model.onnx").graph
    return graph.node[0].op_type if len(graph.node) == 1 else "several operators"


def write_report(results, cases):
    lines = ["# ONNX's own cases", "", f"ONNX {onnx.__version__}; written by `./dev conformance --update`.", ""]
    lines += ["| set | cases | pass | mismatch | unsupported | error | crash | timeout |", "|---|---|---|---|---|---|---|---|"]
    kinds = ("pass", "mismatch", "unsupported", "error", "crash", "timeout")
    for kind in (*collect.SETS, "all"):
        counts = collections.Counter(r["outcome"] for (k, _), r in results.items() if kind in (k, "all"))
        lines.append("| " + " | ".join([kind, str(sum(counts.values())), *(str(counts[o]) for o in kinds)]) + " |")
    operators = collections.defaultdict(list)
    for (kind, case), record in results.items():
        if kind == "node":
            operators[operator_of(cases / kind, case)].append(record["outcome"] == "pass")
    complete = sorted(o for o, passes in operators.items() if all(passes))
    lines += ["", f"Operators with every node case passing ({len(complete)} of {len(operators)}): " + ", ".join(complete) + "."]
    lines += ["", "The others:", "", "| operator | pass | cases |", "|---|---|---|"]
    lines += [f"| {o} | {sum(p)} | {len(p)} |" for o, p in sorted(operators.items()) if not all(p)]
    REPORT.write_text("\n".join(lines) + "\n")


def reason(message):
    """What the compiler said, without file, names and numbers; the operator alone where that is what is missing."""
    missing = re.search(r"(?:operator|made of) (\w+),? (?:which |of opset \d+ )?is not supported", message)
    if missing:
        return f"operator {missing[1]} is not supported"
    text = re.sub(r"^\S*model\.onnx: ", "", message.split("\n")[0])
    text = re.sub(r"node (of )?'[^']*'(\.\.\.)?( \(\d+ bytes\))?", "node", text)
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "N", text)[:200]


def print_reasons(results):
    """The cases that do not pass, by outcome and reason, the most frequent first."""
    groups = collections.defaultdict(list)
    for (_, case), record in sorted(results.items()):
        if record["outcome"] != "pass":
            groups[record["outcome"], reason(record.get("message") or "")].append(case)
    for (outcome, why), members in sorted(groups.items(), key=lambda g: -len(g[1])):
        print(f"{len(members):5d} {outcome:11s} {why}\n                  {' '.join(members[:6])}{' ...' if len(members) > 6 else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--cases", type=pathlib.Path, default=ROOT / "build/onnx-cases")
    parser.add_argument("--set", choices=collect.SETS, help="only this set")
    parser.add_argument("--match", default="", help="only cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--update", action="store_true", help="rewrite results.tsv and RESULTS.md")
    parser.add_argument("--unknown-sizes", action="store_true", help="only the run knows the sizes of inputs")
    parser.add_argument("--why", action="store_true", help="print the cases that do not pass, grouped by message")
    options = parser.parse_args()

    collect.collect(options.cases)
    cases_folder = options.cases
    if options.unknown_sizes:
        cases_folder = with_unknown_sizes(options.cases, options.cases.with_name(options.cases.name + "-unknown"))
    RECORD.write_text("")
    results = {}
    for kind in [options.set] if options.set else collect.SETS:
        start = time.time()
        folder = cases_folder / kind
        cases = sorted(path.name for path in folder.iterdir() if options.match in path.name)
        records = run_set(options.burnish, folder, cases, options.jobs) if cases else {}
        results.update({(kind, case): records[case] for case in cases})
        passed = sum(r["outcome"] == "pass" for r in records.values())
        print(f"{kind}: {passed} of {len(cases)} pass, {time.time() - start:.0f} s", flush=True)
    if options.why:
        print_reasons(results)
    whole = not options.set and not options.match and not options.unknown_sizes
    if options.update and not whole:
        sys.exit("conformance.py: --update needs all cases, without --set, --match and --unknown-sizes")
    if options.update:
        rows = [[*key, record["outcome"], ulp_bucket(record)] for key, record in results.items()]
        outcomes.write(TABLE, ["set", "case", "outcome", "ulp"], rows)
        write_report(results, options.cases)
    known = outcomes.read(TABLE, key_columns=2)
    found = {key: (record["outcome"], record.get("message")) for key, record in results.items()}
    if options.unknown_sizes:
        refused = [key for key, (outcome, _) in found.items() if outcome == "unsupported"]
        print(f"{len(refused)} refused, of which {sum(known.get(key) == 'pass' for key in refused)} pass with sizes")
        found = {key: value for key, value in found.items() if key not in refused}
    failures = outcomes.compare(found, known)
    print(outcomes.summary("conformance", found, known, failures))
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
