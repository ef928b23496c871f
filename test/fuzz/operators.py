"""operators.py - random models of one node each, compared with ONNX Runtime and with onnx.reference.

    build/venv/bin/python test/fuzz/operators.py [--runs N] [--seed S] [--first I] [--only OP,...] [--skip OP,...] [--flags=FLAGS] [--burnish FILE] [--json FILE]
    build/venv/bin/python test/fuzz/operators.py --broken [--runs N] [...]
    build/venv/bin/python test/fuzz/operators.py --report build/fuzz/a.json build/fuzz/b.json

Run I of seed S of an operator always makes the same model (see nodes/): versions, types and arity are the schema's, shapes and
attributes a rule's. `burnish test` compiles and runs them, each in a fork of one warm process and between guarded pages, and compares
with both references at once. Where these disagree, either will do. Where both compute something and the compiler
refuses, the case is counted as refused, with the message; a crash or other numbers are findings and kept in build/fuzz/operators.
What neither computes only has to end in an orderly way. `--report` writes OPERATORS.md from what `--json` wrote.

With `--broken` one thing about each model is illegal or hostile (nodes/broken.py). It is to be refused with messages that name the file, to run, or to
end with a status; anything else is a finding, and so is what takes more than ten seconds or 4 GB;
loops that never end are compiled only.
"""

import argparse
import collections
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

import numpy as np
import onnx
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import mutate
from nodes import broken
from nodes import case as cases
from nodes import contraction, contrib, elementwise, indexing, layout, learned, reduction, references, strings, windows

BATCH = 60
SECONDS = 20
MEGABYTES = 8192
FLAGS = ([],) * 10 + (["-O0"],) * 3 + (["--check-bounds"],) * 2 + (["--cpu=x86-64-v3"], ["--cpu=x86-64"], ["--threads=2"], ["--threads=2"], ["--weights=file"], ["--weights=file"])
REPORT = HERE / "OPERATORS.md"
EVALUATE = {"ort": references.by_runtime, "reference": references.by_reference}


def write_set(folder, index, feed, names, outputs):
    data = folder / f"test_data_set_{index}"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    for kind, arrays in (("input", feed.items()), ("output", zip(names, outputs))):
        for i, (name, array) in enumerate(arrays):
            (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(array, name).SerializeToString())


def write_tolerances(folder, tolerances):
    (folder / "tolerance").write_text("".join(f"{r:.17g} {a:.17g}\n" for r, a in tolerances))


def named(domain, name, seed, index):
    """The folder of a case."""
    return f"{domain + '.' if domain else ''}{name}-{seed}-{index}"


def make_case(domain, name, seed, index):
    """The Case of a run, which is drawn again where the first draws cannot be."""
    for attempt in range(20):
        rng = random.Random(f"{seed}/{domain}/{name}/{index}/{attempt}")
        try:
            return cases.make(rng, domain, name)
        except cases.Skip:
            continue
    return None


def generate(domain, name, seed, index, folder):
    """Writes a case; what there is to know of it."""
    case = make_case(domain, name, seed, index)
    if case is None:
        return None
    model, feed = case.model()
    # Sums of so few bits onnx.reference adds up as they are.
    is_short = case.accumulates and any(a.dtype.name == "bfloat16" for a in (*feed.values(), *map(numpy_helper.to_array, model.graph.initializer)))
    if is_short:
        case.distrusted.add("reference")
    results = {who: references.typed(evaluate(model, feed), model) for who, evaluate in EVALUATE.items() if who not in case.distrusted}
    if is_short:
        results["ort"] = references.typed(references.lifted(model, feed), model)
    known = {who: outputs for who, outputs in results.items() if not isinstance(outputs, str)}
    folder.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    names = [info.name for info in model.graph.output]
    facts = {"known": list(known), "why": {who: text for who, text in results.items() if isinstance(text, str)}, "agree": True}
    if known:
        first = next(iter(known.values()))
        tolerances = [references.tolerance(case, output) for output in first]
        if len(known) == 2:
            facts["agree"] = references.agree(*known.values(), tolerances)
        write_tolerances(folder, tolerances)
    for i, outputs in enumerate(list(known.values()) or [[]]):
        write_set(folder, i, feed, names, outputs)
    return facts


def generate_apart(jobs, folder):
    """Cases in a process of their own, as a reference may crash; {job: facts}."""
    facts, start = {}, 0
    while start < len(jobs):
        read, write = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(read)
            signal.signal(signal.SIGALRM, lambda *_: os._exit(9))
            with os.fdopen(write, "w") as out:
                for place in range(start, len(jobs)):
                    signal.alarm(30)
                    try:
                        fact = generate(*jobs[place], folder / named(*jobs[place]))
                    except Exception:
                        fact = {"broken": traceback.format_exc()}
                    out.write(json.dumps([place, fact]) + "\n")
                    out.flush()
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                place, fact = json.loads(line)
                facts[jobs[place]] = fact
                start = place + 1
        _, status = os.waitpid(process, 0)
        if status:
            facts[jobs[start]] = None
            start += 1
    return facts


def run_cases(burnish, flags, folders):
    """[record] of the folders."""
    command = [burnish, "test", "--json", "--jobs=1", f"--timeout={SECONDS}", f"--memory={MEGABYTES}", *flags, *map(str, folders)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    records = [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
    while len(records) < len(folders):
        records.append({"outcome": "crash", "message": f"burnish test ends with {done.returncode}", "max_ulp": None})
    return records


def settle(burnish, flags, folder, facts):
    """A case that does not pass both references: (outcome, record, which reference it agrees with)."""
    records = {}
    for i, who in enumerate(facts["known"]):
        alone = folder.with_name(f"{folder.name}-{who}")
        alone.mkdir()
        for file in ("model.onnx", "tolerance"):
            shutil.copy(folder / file, alone / file)
        shutil.copytree(folder / f"test_data_set_{i}", alone / "test_data_set_0")
        records[who] = run_cases(burnish, flags, [alone])[0]
        if records[who]["outcome"] == "pass":
            return "pass", records[who], who
    for who in facts["known"]:
        alone = folder.with_name(f"{folder.name}-{who}")
        if records[who]["outcome"] == "mismatch" and widen(alone, who):
            record = run_cases(burnish, flags, [alone])[0]
            if record["outcome"] == "pass":
                return "pass", record, who
    first = records[facts["known"][0]]
    return first["outcome"], first, ""


def widen(folder, who):
    """Gives a case the tolerance that roundings of its inputs ask for; whether that is any."""
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"

    def arrays(kind):
        files = sorted(data.glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
        return [(t.name, numpy_helper.to_array(t)) for t in (onnx.TensorProto.FromString(file.read_bytes()) for file in files)]

    # Weights move like inputs.
    feed = dict(arrays("input"))
    model.graph.input.extend(onnx.helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in model.graph.initializer if len(t.dims) > 1)
    feed.update({t.name: numpy_helper.to_array(t) for t in model.graph.initializer if len(t.dims) > 1})
    kept = [t for t in model.graph.initializer if len(t.dims) <= 1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    worst = references.spread(model, feed, EVALUATE[who], [array for _, array in arrays("output")])
    given = [list(map(float, line.split())) for line in (folder / "tolerance").read_text().splitlines()]
    write_tolerances(folder, [(r, max(a, 4 * w)) for (r, a), w in zip(given, worst)])
    return any(worst)


def reason(message):
    text = re.sub(r"^\S*model\.onnx: ", "", message.split("\n")[0])
    text = re.sub(r"node '[^']*' ", "", text)
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "N", text)[:160]


def keep(folder, flags, what):
    to = ROOT / "build/fuzz/operators" / folder.name
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    (to / "why").write_text(" ".join(flags) + "\n" + what + "\n")
    return to


def flags_of(job):
    """What a case is compiled with, where nothing else is asked for."""
    _, name, seed, index = job
    return random.Random(f"{seed}/{name}/{index}").choice(FLAGS)


def run_batch(burnish, flags, jobs, out):
    """Makes and runs some cases, each with its own flags where `flags` is None; a record for each goes to `out`."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        root = pathlib.Path(scratch)
        facts = generate_apart(jobs, root)
        by_flags = collections.defaultdict(list)
        for job, fact in facts.items():
            if fact is None:
                out.append({"op": job[1], "domain": job[0], "index": job[3], "outcome": "nobody", "message": "not made, or a reference crashes"})
            elif "broken" in fact:
                out.append({"op": job[1], "domain": job[0], "index": job[3], "outcome": "broken", "message": fact["broken"]})
            else:
                by_flags[tuple(flags_of(job) if flags is None else flags)].append(job)
        for flags, some in by_flags.items():
            folders = [root / named(*job) for job in some]
            for job, folder, record in zip(some, folders, run_cases(burnish, flags, folders)):
                fact, with_whom = facts[job], "+".join(facts[job]["known"])
                if record["outcome"] == "timeout":  # of a machine that was busy with something else, perhaps
                    record = run_cases(burnish, flags, [folder])[0]
                outcome = record["outcome"]
                if fact["known"] and outcome in ("mismatch", "error") and len(record["message"]) and outcome != "unsupported":
                    outcome, record, with_whom = settle(burnish, flags, folder, fact)
                if not fact["known"] and outcome in ("pass", "unsupported", "error") and "beyond" not in record["message"]:
                    outcome = "nobody"
                elif outcome == "unsupported":
                    outcome = "refused"
                line = {"domain": job[0], "op": job[1], "index": job[3], "outcome": outcome, "message": record["message"], "ulp": record.get("max_ulp"),
                        "with": with_whom, "agree": fact["agree"], "why": fact["why"], "flags": " ".join(flags)}  # fmt: skip
                if outcome not in ("pass", "nobody"):
                    line["kept"] = str(keep(folder, flags, f"{outcome}: {record['message']}\n{fact['why']}"))
                out.append(line)


def judge(record, what):
    """What is wrong about the end of a broken model, or None."""
    outcome, message, name = record["outcome"], record["message"], record["name"]
    if outcome == "timeout":
        return "takes more than ten seconds"
    if outcome == "crash" or mutate.INTERNAL.search(message) or "beyond the end" in message or "wrote to input" in message:
        return f"{outcome}: {message}"
    lines = message.splitlines()
    if outcome == "error" and message.startswith(name) and not mutate.TOO_GREAT.search(message):
        return f"accepted at first, and then not compiled: {message}"
    if outcome == "unsupported" and (not lines or not all(line.startswith(name + "/") for line in lines)):
        return f"refused without a message that names the file: {message!r}"
    if len(set(lines)) < len(lines):
        return f"the same message twice: {message}"
    return f"a message of {len(message)} bytes" if len(message) > 4000 else None


def run_broken(burnish, flags, jobs, out):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        made = []
        for domain, name, seed, index in jobs:
            case = make_case(domain, name, seed, index)
            if case is None:
                continue
            rng = random.Random(f"broken/{seed}/{domain}/{name}/{index}")
            model, feed = case.model()
            what = broken.break_(rng, model, feed)
            folder = pathlib.Path(scratch) / f"{name}-{seed}-{index}-{what}"
            folder.mkdir()
            (folder / "model.onnx").write_bytes(model.SerializeToString())
            if what != "endless":  # compiles, or is refused, and nobody waits for its end
                write_set(folder, 0, feed, [], [])
            made.append((name, what, folder))
        command = [burnish, "test", "--json", "--jobs=1", "--timeout=10", "--memory=4096", *flags, *(str(folder) for _, _, folder in made)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        records = [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
        if len(records) < len(made):
            records.append({"name": str(made[len(records)][2]), "outcome": "crash", "message": f"burnish test ends with {done.returncode}"})
        for (name, what, folder), record in zip(made, records):
            wrong = judge(record, what)
            line = {"op": name, "what": what, "flags": " ".join(flags), "outcome": record["outcome"], "message": record["message"][:500], "wrong": wrong}
            if wrong:
                line["kept"] = str(keep(folder, flags, wrong))
            out.append(line)


def write_lines(path, records):
    if path:
        with path.open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)


def main_broken(options, burnish, jobs):
    records = []
    for start in range(0, len(jobs), 200):
        batch = []
        # A read before a buffer, which its guarded page is behind, is seen with --check-bounds.
        flags = ([], ["--check-bounds"], ["-O0"])[start // 200 % 3]
        run_broken(burnish, flags, jobs[start : start + 200], batch)
        records += batch
        write_lines(options.json, batch)
    groups = collections.defaultdict(list)
    for record in records:
        if record["wrong"]:
            groups[record["what"], reason(record["wrong"])].append(record)
    for (what, why), some in sorted(groups.items()):
        print(f"{what}, {some[0]['op']}, {len(some)} times: {why}\n     {some[0]['kept']}")
    counts = collections.Counter(record["outcome"] for record in records)
    failed = sum(map(len, groups.values()))
    print(f"operators: seed {options.seed}, broken: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
    print(f"operators: {len(records) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


def write_report(files):
    records = [json.loads(line) for file in files for line in pathlib.Path(file).read_text().splitlines()]
    by_operator = collections.defaultdict(list)
    for record in records:
        by_operator[record["domain"], record["op"]].append(record)
    lines = ["# Operators on random models", "", "Written by `test/fuzz/operators.py --report`: models of one node, with versions and types by the schemas, beside", f"ONNX Runtime {references.onnxruntime.__version__} and onnx.reference {onnx.__version__}. The worst error is in units in the last place, over cases that pass, cancellation included, and","against references that compute some f64 in f32;", "a share of cases where the references disagree with one another is judged by either; what neither computes is not counted.", ""]  # fmt: skip
    lines += ["| operator | cases | pass | refused | other | worst ULP | references disagree | agrees with ONNX Runtime alone | with onnx.reference alone |", "|---|---|---|---|---|---|---|---|---|"]
    total = collections.Counter()
    for (domain, op), some in sorted(by_operator.items()):
        judged = [r for r in some if r["outcome"] not in ("nobody", "broken")]
        passed = [r for r in judged if r["outcome"] == "pass"]
        refused = sum(r["outcome"] == "refused" for r in judged)
        worst = max((r["ulp"] for r in passed if r.get("ulp") is not None), default=0)
        torn = [r for r in judged if not r["agree"]]
        alone = collections.Counter(r["with"] for r in torn if r["outcome"] == "pass")
        total.update(cases=len(judged), passed=len(passed), refused=refused, torn=len(torn))
        cells = [f"{domain + '.' if domain else ''}{op}", len(judged), len(passed), refused, len(judged) - len(passed) - refused,
                 f"{worst:.0f}" if worst < 1e6 else f"{worst:.0e}", len(torn), alone["ort"], alone["reference"]]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) if cell or i < 3 else "" for i, cell in enumerate(cells)) + " |")
    lines += ["", f"{total['cases']} cases, {total['passed']} pass, {total['refused']} refused; the references disagree about {total['torn']}.", ""]
    REPORT.write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="cases an operator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--only", default="", help="operators, with commas between them")
    parser.add_argument("--skip", default="")
    parser.add_argument("--part", default="1/1", help="K/N: the K-th of N parts of the operators")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--flags", type=str.split, help="what every case is compiled with, as --flags=--cpu=x86-64-v3 (default: a choice by the case)")
    parser.add_argument("--json", type=pathlib.Path, help="append a line for each case to this file")
    parser.add_argument("--report", nargs="+", metavar="FILE", help="write OPERATORS.md from such files")
    parser.add_argument("--broken", action="store_true", help="models with one thing that is illegal or hostile")
    parser.add_argument("--refusals", action="store_true", help="print what was refused, too")
    options = parser.parse_args()
    if options.report:
        return write_report(options.report)
    burnish = shutil.which(options.burnish) or sys.exit(f"operators.py: no {options.burnish}")
    only, skipped = [set(filter(None, text.split(","))) for text in (options.only, options.skip)]
    names = sorted(key for key in cases.RULES if (not only or key[1] in only) and key[1] not in skipped)
    part, parts = map(int, options.part.split("/"))
    names = names[part - 1 :: parts]
    jobs = [(domain, name, options.seed, options.first + i) for domain, name in names for i in range(options.runs)]
    if options.broken:
        return main_broken(options, burnish, jobs)
    records = []
    for start in range(0, len(jobs), BATCH):
        batch = []
        run_batch(burnish, options.flags, jobs[start : start + BATCH], batch)
        records += batch
        write_lines(options.json, batch)
    groups = collections.defaultdict(list)
    for record in records:
        if record["outcome"] not in ("pass", "nobody") and (options.refusals or record["outcome"] != "refused"):
            groups[record["op"], record["outcome"], reason(record["message"]) if record["outcome"] != "broken" else record["message"]].append(record)
    for (op, outcome, why), some in sorted(groups.items()):
        print(f"{op}: {outcome} {len(some)} times: {why}\n     {some[0].get('kept', '')} {some[0].get('flags', '')}")
    counts = collections.Counter(record["outcome"] for record in records)
    print(f"operators: seed {options.seed}, {len(names)} operators: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
    failed = len(records) - counts["pass"] - counts["nobody"] - counts["refused"]
    print(f"operators: {len(records) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
