"""conformance.py - runs ONNX's own cases through the compiler and compares the outcomes with results.tsv.

    ./dev conformance [--form=static|dynamic|constant|all] [--update] [--why] [--set SET] [--match WORD] [--jobs N]

Every case takes the real path: compiled to an object, linked, run; as it is (static), with sizes that only the run knows
(dynamic), and with all inputs but the first constant (forms.py). results.tsv has a line for each case: set, case, outcome,
worst error in units in the last place, rounded up to a power of two, so that machines agree, and the outcomes of the other
two forms, `-` where there is none. A case that passed and does not any more is a failure; so is one that is listed as not
passing and passes: `--form=all --update` then rewrites results.tsv and RESULTS.md. `--why` prints the cases that do not pass, grouped
by what the compiler said.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import subprocess
import sys
import time

import onnx

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

import collect
import forms
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
    lines = ["# ONNX's own cases", "", f"ONNX {onnx.__version__}; written by `./dev conformance --update`. In the form `dynamic` only the run"]
    lines += ["knows the sizes of inputs, in `constant` all inputs but the first are constants.", ""]
    lines += ["| set | form | cases | pass | mismatch | unsupported | error | crash | timeout |", "|---|---|---|---|---|---|---|---|---|"]
    kinds = ("pass", "mismatch", "unsupported", "error", "crash", "timeout")
    chosen = [form for form in forms.FORMS if any(f == form for f, *_ in results)]
    for kind in (*collect.SETS, "all"):
        for form in chosen:
            counts = collections.Counter(r["outcome"] for (f, k, _), r in results.items() if f == form and kind in (k, "all"))
            lines.append("| " + " | ".join([kind, form, str(sum(counts.values())), *(str(counts[o]) for o in kinds)]) + " |")
    operators = collections.defaultdict(lambda: collections.defaultdict(list))
    for (form, kind, case), record in results.items():
        if kind == "node":
            operators[operator_of(cases / kind, case)][form].append(record["outcome"] == "pass")
    complete = sorted(o for o, passes in operators.items() if all(all(p) for p in passes.values()))
    lines += ["", f"Operators with every node case passing in every form ({len(complete)} of {len(operators)}): " + ", ".join(complete) + "."]
    lines += ["", "The others, as passing of all:", "", "| operator | static | dynamic | constant |", "|---|---|---|---|"]
    for operator, passes in sorted(operators.items()):
        if operator not in complete:
            shares = (f"{sum(passes[form])} of {len(passes[form])}" if passes[form] else "" for form in forms.FORMS)
            lines.append(f"| {operator} | " + " | ".join(shares) + " |")
    REPORT.write_text("\n".join(lines) + "\n")


def write_table(results):
    def outcome(form, key):
        return results[form, *key]["outcome"] if (form, *key) in results else "-"

    keys = [key for form, *key in results if form == "static"]
    rows = [
        [*key, outcome("static", key), ulp_bucket(results["static", *key]), outcome("dynamic", key), outcome("constant", key)]
        for key in keys
    ]
    outcomes.write(TABLE, ["set", "case", "outcome", "ulp", "dynamic", "constant"], rows)


def known_outcomes(form):
    """{(form, set, case): outcome} of the table."""
    column = "outcome" if form == "static" else form
    return {(form, *key): was for key, was in outcomes.read(TABLE, 2, column).items() if was != "-"}


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
    for (form, _, case), record in sorted(results.items()):
        if record["outcome"] != "pass":
            groups[form, record["outcome"], reason(record.get("message") or "")].append(case)
    for (form, outcome, why), members in sorted(groups.items(), key=lambda g: -len(g[1])):
        print(f"{len(members):5d} {form:8s} {outcome:11s} {why}\n                  {' '.join(members[:6])}{' ...' if len(members) > 6 else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--cases", type=pathlib.Path, default=ROOT / "build/onnx-cases")
    parser.add_argument("--set", choices=collect.SETS, help="only this set")
    parser.add_argument("--match", default="", help="only cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--update", action="store_true", help="rewrite results.tsv and RESULTS.md")
    parser.add_argument("--form", choices=[*forms.FORMS, "all"], default="static", help="which form, or all")
    parser.add_argument("--why", action="store_true", help="print the cases that do not pass, grouped by message")
    options = parser.parse_args()

    collect.collect(options.cases)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("")
    results, known = {}, {}
    chosen = forms.FORMS if options.form == "all" else [options.form]
    for form in chosen:
        folder = forms.write_form(form, options.cases, options.cases.with_name(f"{options.cases.name}-{form}"))
        known |= (expected := known_outcomes(form))
        if not expected:
            print(f"{form}: no outcomes in results.tsv; --form=all --update writes them")
        for kind in [options.set] if options.set else collect.SETS:
            start = time.time()
            cases = sorted(path.name for path in (folder / kind).glob("*") if options.match in path.name)
            records = run_set(options.burnish, folder / kind, cases, options.jobs) if cases else {}
            results.update({(form, kind, case): records[case] for case in cases})
            passed = sum(r["outcome"] == "pass" for r in records.values())
            print(f"{form}, {kind}: {passed} of {len(cases)} pass, {time.time() - start:.0f} s", flush=True)
    if options.why:
        print_reasons(results)
    if options.update and (options.set or options.match or options.form != "all"):
        sys.exit("conformance.py: --update needs all cases: --form=all, without --set and --match")
    if options.update:
        write_table(results)
        write_report(results, options.cases)
        known = {key: was for form in chosen for key, was in known_outcomes(form).items()}
    listed = {form for form, *_ in known}
    found = {key: (record["outcome"], record.get("message")) for key, record in results.items() if key[0] in listed}
    failures = outcomes.compare(found, known)
    print(outcomes.summary("conformance", found, known, failures))
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
