"""readme.py - fills the tables of README.md between their markers from the newest results.

    build/venv/bin/python tools/bench/readme.py

cases: test/onnx/results.tsv; models: build/models/measured.json (./dev models). A table without results stays as it is. What
`./dev bench` measures is filled in by report.py.
"""

import collections
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SETS = ("node", "pytorch-converted", "pytorch-operator", "simple", "light")


def table(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def cases():
    path = ROOT / "test/onnx/results.tsv"
    if not path.exists():
        return None
    counts = collections.Counter()
    for line in path.read_text().splitlines()[1:]:
        kind, _, outcome, *_ = line.split("\t")
        counts.update([kind, (kind, outcome)])
    return table(("set", "cases", "pass"), [(kind, str(counts[kind]), str(counts[kind, "pass"])) for kind in SETS])


def number(row, key, form):
    return format(row[key], form) if row.get(key) is not None else ""


def models():
    path = ROOT / "build/models/measured.json"
    if not path.exists():
        return None
    columns = {"error": ".1e", "compile_s": ".1f", "compiler_mb": ".0f", "size_mb": ".1f"}
    columns.update(ms_1=".3f", ort_ms_1=".3f", ms_2=".3f", ort_ms_2=".3f")
    rows = []
    for row in json.loads(path.read_text()):
        name, variant = row["key"]
        if variant in ("static", "pinned-0", "symbolic"):
            figures = [number(row, key, form) for key, form in columns.items()]
            rows.append((name, variant.removesuffix("-0"), row["outcome"], *figures))
    header = ("model", "dims", "outcome", "largest difference", "compile s", "compiler MB", "program MB")
    return table((*header, "ms, 1 thread", "ORT", "ms, 2 threads", "ORT"), rows)


def fill(tables):
    """Puts texts between their markers in README.md."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name, filled in tables.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m: m[1] + filled + "\n" + m[2], text, flags=re.S)
    readme.write_text(text)


def main():
    found = {"cases": cases(), "models": models()}
    fill({name: filled for name, filled in found.items() if filled})


if __name__ == "__main__":
    main()
