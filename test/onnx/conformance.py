"""conformance.py - runs ONNX's own cases through the compiler and compares the outcomes with results.tsv.

    ./dev conformance [--form=static|dynamic|constant|all] [--update] [--why] [--set SET] [--match WORD] [--sample K] [--jobs N]
    ./dev conformance --report

Every case takes the real path: compiled to an object, linked, run; as it is (static), with sizes that only the run knows
(dynamic), and with all inputs but the first constant (forms.py). results.tsv has a line for each case: set, case, outcome,
worst error in units in the last place, rounded up to a power of two, so that machines agree, and the outcomes of the other
two forms, `-` where there is none; reasons.tsv says why those do not pass that do not. A case that passed and does not any more is a failure; so is one that is listed as not
passing and passes: `--update` then puts what ran into results.tsv and writes RESULTS.md. `--why` prints the cases that do not pass, grouped
by what the compiler said. `--sample K` runs one of K cases of the forms other than static. `--report` runs nothing and writes RESULTS.md from results.tsv.
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
REASONS = HERE / "reasons.tsv"
REPORT = HERE / "RESULTS.md"
README = ROOT / "README.md"
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


def case_of(folder, case):
    """The model of a node case, or of the one that it was expanded from."""
    base = folder / re.sub(r"_expanded.*", "", case)
    return onnx.load((base if base.exists() else folder / case) / "model.onnx", load_external_data=False)


def element_types(type_proto):
    """The words for the element types in a type: float32, string, ..."""
    kind = type_proto.WhichOneof("value")
    if kind == "tensor_type":
        number = type_proto.tensor_type.elem_type
        return {onnx.TensorProto.DataType.Name(number).lower()} if number else set()
    if kind in ("sequence_type", "optional_type"):
        return element_types(getattr(type_proto, kind).elem_type)
    return set()


def facts_of(model):
    """What a node case is about: the operator that is its only node, since which version that is as it is in the case's opset, and
    the types of what goes in and comes out."""
    graph = model.graph
    if len(graph.node) != 1:
        return "several operators", "", set()
    node = graph.node[0]
    opset = {o.domain: o.version for o in model.opset_import}.get(node.domain, 1)
    try:
        version = str(onnx.defs.get_schema(node.op_type, opset, node.domain).since_version)
    except onnx.defs.SchemaError:
        version = ""
    return node.op_type, version, set().union(*(element_types(info.type) for info in (*graph.input, *graph.output)))


def table_rows():
    """{(form, set, case): (outcome, ulp)} of results.tsv."""
    rows, ulps = {}, outcomes.read(TABLE, 2, "ulp")
    for form in forms.FORMS:
        column = "outcome" if form == "static" else form
        for key, outcome in outcomes.read(TABLE, 2, column).items():
            if outcome != "-":
                rows[form, *key] = (outcome, ulps.get(key, "-") if form == "static" else "-")
    return rows


def reasons():
    """[(pattern of cases, reason)] of cases that do not pass."""
    return [line.split("\t") for line in REASONS.read_text().splitlines()[1:]]


def failing_lines(results):
    """The cases that do not pass, with what is known of why."""
    failing = collections.defaultdict(lambda: collections.defaultdict(list))
    for (form, _, case), (outcome, _) in sorted(results.items()):
        if outcome != "pass":
            why = next((reason for pattern, reason in reasons() if re.fullmatch(pattern, case)), "")
            failing[why][case].append(f"{form}: {outcome}")
    lines = ["## What does not pass", ""]
    for why, cases in sorted(failing.items()):
        lines += [f"- {why or 'Not looked into'}:", *(f"  - `{case}` ({', '.join(forms)})" for case, forms in sorted(cases.items()))]
    return lines


def write_readme(results, chosen):
    """The table of README.md."""
    lines = ["| set | " + " | ".join(f"{form}, cases | pass" for form in chosen) + " |", "|---" * (1 + 2 * len(chosen)) + "|"]
    for kind in collect.SETS:
        cells = [kind]
        for form in chosen:
            outcomes_ = [outcome for (f, k, _), (outcome, _) in results.items() if (f, k) == (form, kind)]
            cells += [str(len(outcomes_)), str(outcomes_.count("pass"))]
        lines.append("| " + " | ".join(cells) + " |")
    table = "\n".join(["<!-- cases -->", *lines, "<!-- /cases -->"])
    README.write_text(re.sub(r"<!-- cases -->.*<!-- /cases -->", lambda _: table, README.read_text(), flags=re.S))


def shown(names):
    return ", ".join(sorted(names, key=lambda name: (int(name) if name.isdigit() else 0, name)))


def write_report(cases):
    """RESULTS.md, of what results.tsv has and of the cases themselves."""
    results = table_rows()
    lines = ["# ONNX's own cases", "", f"ONNX {onnx.__version__}; written by `./dev conformance --update`. In the form `dynamic` only the run"]
    lines += ["knows the sizes of inputs, in `constant` all inputs but the first are constants.", ""]
    lines += ["| set | form | cases | pass | mismatch | unsupported | error | crash | timeout |", "|---|---|---|---|---|---|---|---|---|"]
    kinds = ("pass", "mismatch", "unsupported", "error", "crash", "timeout")
    chosen = [form for form in forms.FORMS if any(f == form for f, *_ in results)]
    for kind in (*collect.SETS, "all"):
        for form in chosen:
            counts = collections.Counter(outcome for (f, k, _), (outcome, _) in results.items() if f == form and kind in (k, "all"))
            lines.append("| " + " | ".join([kind, form, str(sum(counts.values())), *(str(counts[o]) for o in kinds)]) + " |")
    operators = collections.defaultdict(lambda: collections.defaultdict(list))
    versions, types, worst, facts = (collections.defaultdict(set) for _ in range(4))
    for (form, kind, case), (outcome, ulp) in results.items():
        if kind != "node":
            continue
        facts[case] = facts[case] or facts_of(case_of(cases / kind, case))
        operator, version, words = facts[case]
        operators[operator][form].append(outcome == "pass")
        versions[operator] |= {version} - {""}
        types[operator] |= words
        worst[operator] |= {int(ulp)} if ulp != "-" else set()
    complete = sum(all(all(p) for p in passes.values()) for passes in operators.values())
    lines += ["", f"Of {len(operators)} operators with node cases, {complete} pass all of these in every form. Versions are those of the operator that the cases have,"]
    lines += ["types those of what goes in and comes out; errors are in units in the last place of the result's type, of cases that pass, rounded up to a power of two. What"]
    lines += ["ONNX has no cases for is in [the report of random models](../fuzz/OPERATORS.md).", ""]
    lines += ["| operator | versions | types | worst ULP | " + " | ".join(chosen) + " |", "|---|---|---|---|" + "---|" * len(chosen)]
    for operator, passes in sorted(operators.items()):
        shares = [f"{sum(passes[form])} of {len(passes[form])}" if passes[form] else "" for form in chosen]
        ulp = str(max(worst[operator])) if worst[operator] else ""
        lines.append("| " + " | ".join([operator, shown(versions[operator]), shown(types[operator]), ulp, *shares]) + " |")
    lines += ["", *failing_lines(results)]
    REPORT.write_text("\n".join(lines) + "\n")
    write_readme(results, chosen)


def write_table(results, is_whole):
    """Puts what ran into results.tsv; of a run of everything, all else goes."""
    header = ["set", "case", "outcome", "ulp", "dynamic", "constant"]
    rows = {} if is_whole or not TABLE.exists() else {tuple(row[:2]): row for row in (line.split("\t") for line in TABLE.read_text().splitlines()[1:])}
    for (form, *key), record in results.items():
        row = rows.setdefault(tuple(key), [*key, "-", "-", "-", "-"])
        row[header.index("outcome" if form == "static" else form)] = record["outcome"]
        if form == "static":
            row[header.index("ulp")] = ulp_bucket(record)
    outcomes.write(TABLE, header, list(rows.values()))


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
    parser.add_argument("--update", action="store_true", help="put what ran into results.tsv and write RESULTS.md")
    parser.add_argument("--form", choices=[*forms.FORMS, "all"], default="static", help="which form, or all")
    parser.add_argument("--why", action="store_true", help="print the cases that do not pass, grouped by message")
    parser.add_argument("--sample", type=int, default=1, metavar="K", help="only one of K cases of the forms other than static")
    parser.add_argument("--report", action="store_true", help="write RESULTS.md from results.tsv, and run nothing")
    options = parser.parse_args()

    collect.collect(options.cases)
    if options.report:
        return write_report(options.cases)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("")
    results, known = {}, {}
    chosen = forms.FORMS if options.form == "all" else [options.form]
    for form in chosen:
        folder = forms.write_form(form, options.cases, options.cases.with_name(f"{options.cases.name}-{form}"))
        known |= (expected := known_outcomes(form))
        if not expected:
            print(f"{form}: no outcomes in results.tsv; --update writes them")
        for kind in [options.set] if options.set else collect.SETS:
            start = time.time()
            cases = sorted(path.name for path in (folder / kind).glob("*") if options.match in path.name)
            # Always the same ones, of every operator with many cases.
            cases = cases if form == "static" else cases[:: options.sample]
            records = run_set(options.burnish, folder / kind, cases, options.jobs) if cases else {}
            results.update({(form, kind, case): records[case] for case in cases})
            passed = sum(r["outcome"] == "pass" for r in records.values())
            print(f"{form}, {kind}: {passed} of {len(cases)} pass, {time.time() - start:.0f} s", flush=True)
    if options.why:
        print_reasons(results)
    if options.update:
        write_table(results, is_whole=options.form == "all" and not options.set and not options.match and options.sample == 1)
        write_report(options.cases)
        known = {key: was for form in chosen for key, was in known_outcomes(form).items()}
    listed = {form for form, *_ in known}
    found = {key: (record["outcome"], record.get("message")) for key, record in results.items() if key[0] in listed}
    failures = outcomes.compare(found, known)
    print(outcomes.summary("conformance", found, known, failures))
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
