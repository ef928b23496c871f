"""readme.py - fills the table of real models in README.md from the newest results.

    build/venv/bin/python tools/bench/readme.py

They are in build/models/measured.json (./dev models); without them the table stays as it is. What `./dev bench` measures is filled
in by report.py, and ONNX's cases by `./dev conformance --update`.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def table(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


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


def fill(name, text):
    """Puts a text between its markers in README.md."""
    readme = ROOT / "README.md"
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    readme.write_text(re.sub(pattern, lambda m: m[1] + text + "\n" + m[2], readme.read_text(), flags=re.S))


def main():
    filled = models()
    if filled:
        fill("models", filled)


if __name__ == "__main__":
    main()
